//! `devenv test init`: writes a draft of the access rules that loads, and says what is to be decided.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use security_tests::Api;

use super::draft::{Cast, Draft, draft};
use crate::cli::{Format, Init};
use crate::commands::Failure;
use crate::commands::session::Session;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::manifest::authz::Named;
use crate::manifest::{Persona, SourceFile, authz};
use crate::ui::{self, Ui};

/// Where OpenAPI documents usually are, below the project.
const PLACES: [&str; 8] = ["", "docs", "doc", "api", "spec", "specs", "openapi", "openapi_specs"];
const NAMES: [&str; 4] = ["openapi", "openapi3", "swagger", "api"];
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

pub(super) async fn run(args: &Init) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = init(args, ui.reporter());
    ui.finish().await;
    ui::print(result?.trim_end());
    Ok(Exit::Success)
}

/// The project, as far as there is one.
struct Place {
    directory: PathBuf,
    personas: BTreeMap<String, Persona>,
    provider: bool,
    /// Where `devenv.yaml` says that the rules are.
    tests: Option<PathBuf>,
    has_manifest: bool,
}

fn init(args: &Init, reporter: &Reporter) -> Result<String, Failure> {
    let place = place(args, reporter)?;
    let (openapi, api) = document(args, &place.directory)?;
    let cast = Cast {
        roles: place.personas.values().flat_map(|persona| persona.roles.clone()).collect(),
        tenants: place.personas.values().any(|persona| persona.tenant.is_some()),
        provider: place.provider,
    };
    let draft = draft(&api, &openapi, &cast);
    check(&draft, &api, &place.personas)?;
    let to_standard_output = args.output.as_ref().is_some_and(|path| path.as_os_str() == "-");
    if to_standard_output {
        return Ok(draft.text);
    }
    let relative = args.output.clone().or_else(|| place.tests.clone()).unwrap_or_else(|| "authz.yaml".into());
    let path = if args.output.is_some() { relative.clone() } else { place.directory.join(&relative) };
    create(&path, &draft.text)?;
    Ok(told(&draft, &path, &place, args.format))
}

fn place(args: &Init, reporter: &Reporter) -> Result<Place, Failure> {
    match crate::stack::locate(&args.stack.dir, &args.stack.file) {
        Ok(_) => {
            let session = Session::open(&args.stack, reporter)?;
            Ok(Place {
                directory: session.project.directory,
                provider: session.manifest.idp.is_some(),
                personas: session.manifest.identity.personas,
                tests: session.manifest.tests,
                has_manifest: true,
            })
        }
        // An API alone is enough for a draft.
        Err(crate::stack::LocateError::Missing(_)) => Ok(Place {
            directory: args.stack.dir.canonicalize()?,
            personas: BTreeMap::new(),
            provider: false,
            tests: None,
            has_manifest: false,
        }),
        Err(error) => Err(error.into()),
    }
}

/// The document and its path as the rules will name it.
fn document(args: &Init, directory: &Path) -> Result<(String, Api), Failure> {
    let read = |path: &Path| -> Result<Api, String> {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        Api::parse(&text).map_err(|error| error.to_string())
    };
    if let Some(path) = &args.openapi {
        let api =
            read(path).map_err(|why| Failure::new(Exit::Usage, format!("cannot use {}: {why}", path.display())))?;
        let absolute = path.canonicalize()?;
        let named = absolute.strip_prefix(directory).unwrap_or(&absolute);
        return Ok((named.display().to_string(), api));
    }
    let names = PLACES.iter().flat_map(|place| {
        NAMES
            .iter()
            .flat_map(move |name| ENDINGS.iter().map(move |ending| Path::new(place).join(format!("{name}.{ending}"))))
    });
    for relative in names {
        if let Ok(api) = read(&directory.join(&relative)) {
            return Ok((relative.display().to_string(), api));
        }
    }
    let text = format!("no OpenAPI 3 document below {}", directory.display());
    Err(Failure::with_help(Exit::Usage, text, "name it: `devenv test init --openapi FILE`"))
}

/// A draft that does not load would be no help.
fn check(draft: &Draft, api: &Api, personas: &BTreeMap<String, Persona>) -> Result<(), Failure> {
    let source = SourceFile { path: "the draft".into(), text: draft.text.clone() };
    let named =
        |operation: &security_tests::api::Operation| Named { id: operation.id.clone(), label: operation.label() };
    let operations: Vec<Named> = api.operations.iter().map(named).collect();
    let cast = personas.iter().map(|(name, persona)| (name.clone(), persona.roles.clone())).collect();
    let file = authz::parse(&source)?;
    authz::check(&file, &operations, &cast)?;
    Ok(())
}

/// Writes a file that is not there yet.
fn create(path: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::with_help(
            Exit::Usage,
            format!("{} is there already and is not overwritten", path.display()),
            "write beside it with `--output FILE`, or look at the draft with `--output -`",
        ),
        _ => Failure::new(Exit::World, format!("cannot write {}: {error}", path.display())),
    })
}

fn told(draft: &Draft, path: &Path, place: &Place, format: Format) -> String {
    let Draft { rules, resources, guesses, .. } = draft;
    if format == Format::Json {
        return serde_json::json!({ "file": path, "rules": rules, "resources": resources, "guesses": guesses })
            .to_string();
    }
    let kinds = if resources.is_empty() { "none that could be guessed".to_owned() } else { resources.join(", ") };
    let mut text = format!(
        "wrote {}: {rules} rules; resources: {kinds}\n{guesses} guesses and questions are marked with `#`: decide each, then `devenv test --layer static`\n",
        path.display()
    );
    if place.has_manifest && place.tests.is_none() {
        text.push_str("devenv.yaml does not name it yet: add `tests: authz.yaml`\n");
    }
    text
}
