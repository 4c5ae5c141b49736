//! Reads what the tests are planned from: access rules, OpenAPI document, policies.

use std::path::{Path, PathBuf};
use std::time::Duration;

use security_tests::access::AccessRules;
use security_tests::lock::AccessLock;
use security_tests::login::SigningKey;
use security_tests::target::Persona;
use security_tests::{Api, Base, Secret};

use crate::commands::session::Session;
use crate::commands::{Failure, Message};
use crate::describe::CedarDecider;
use crate::event::{Event, Reporter};
use crate::exit::Exit;
use crate::manifest::authz::{AuthzFile, Cast, Document, Named, SecretSource, SecretUse};
use crate::manifest::{SourceFile, authz};
use crate::stack;

/// An OpenAPI document is not larger than this.
const MAX_DOCUMENT: usize = 16 * 1024 * 1024;
/// Nor is the password or key in a file.
const MAX_SECRET: u64 = 64 * 1024;

/// Everything that tests need of files.
pub(super) struct Rules {
    pub(super) api: Api,
    pub(super) access: AccessRules,
    pub(super) decider: Option<CedarDecider>,
    /// The recorded access matrix, when there is one.
    pub(super) lock: Option<AccessLock>,
    /// The project at an earlier revision, when somebody asked for it.
    pub(super) base: Option<Base>,
    /// The OpenAPI document, relative to the project.
    pub(super) openapi: PathBuf,
    /// How the API opens its deliberate flaws, when it has some.
    pub(super) mutations: Option<authz::Mutations>,
}

/// Rules for an API that was not started here, with who takes part.
pub(super) struct StandaloneRules {
    pub(super) api: Api,
    pub(super) access: AccessRules,
    pub(super) personas: std::collections::BTreeMap<String, Persona>,
    /// The OpenAPI document beside the rules, when it is a file.
    pub(super) openapi: Option<PathBuf>,
}

/// Where rules are.
struct Place {
    /// What paths in the file are relative to.
    directory: PathBuf,
    /// Where the API answers, when that is known.
    base_url: Option<String>,
}

/// Reads and checks the files that `tests:` and `iam.policies` name.
pub(super) fn load_rules(session: &Session, reporter: &Reporter) -> Result<Rules, Failure> {
    let Some(tests) = &session.manifest.tests else {
        return Err(Failure::with_help(
            Exit::Usage,
            "devenv.yaml names no access rules",
            "add `tests: authz.yaml` and write down who may do what (docs/checks.md)",
        ));
    };
    let text = read(&session.project.directory, tests)?;
    check_rules(session, &SourceFile { path: tests.clone(), text }, reporter)
}

/// The same for a text that is not in its file yet.
pub(super) fn check_rules(session: &Session, source: &SourceFile, reporter: &Reporter) -> Result<Rules, Failure> {
    let directory = session.project.directory.join(source.path.parent().unwrap_or(Path::new("")));
    let place = Place { directory, base_url: None };
    let mut file = authz::parse(source)?;
    if !file.personas.is_empty() {
        return Err(file.section_problem("personas", "devenv.yaml says who takes part, in `identity.personas`").into());
    }
    let Document::File(openapi) = file.openapi.clone() else {
        return Err(file.openapi_problem("only with `--target`; here, save the document beside this file").into());
    };
    let document = std::fs::read_to_string(session.project.directory.join(&openapi))
        .map_err(|error| file.openapi_problem(format!("cannot read `{}`: {error}", file.openapi)))?;
    let personas = &session.manifest.identity.personas;
    let cast = personas.iter().map(|(name, persona)| (name.clone(), persona.roles.clone())).collect();
    let (api, mut access) = hold(&document, &file, &cast, reporter)?;
    read_secrets(&place, &mut file, &mut access)?;
    let mutations = file.mutations;
    let lock = lock(&lock_path(session, &source.path))?;
    Ok(Rules { api, access, decider: decider(session)?, lock, base: None, openapi, mutations })
}

/// Where the access matrix is recorded: `authz.lock` beside `authz.yaml`.
pub(super) fn lock_path(session: &Session, rules: &Path) -> PathBuf {
    session.project.directory.join(rules).with_extension("lock")
}

fn lock(path: &Path) -> Result<Option<AccessLock>, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::new(Exit::Usage, format!("cannot read {}: {error}", path.display()))),
    };
    let lock = AccessLock::parse(&text).map_err(|error| {
        let help = "after a merge, keep both sides' lines; or take the file away and run `devenv test --accept`";
        Failure::with_help(Exit::Usage, format!("{}: {error}", path.display()), help)
    })?;
    Ok(Some(lock))
}

/// Reads and checks rules that stand alone: the personas are theirs, and the OpenAPI document may be the API's own.
pub(super) async fn load_standalone(
    path: &Path,
    base_url: &str,
    reporter: &Reporter,
) -> Result<StandaloneRules, Failure> {
    let directory = path.parent().unwrap_or(Path::new(".")).to_owned();
    let place = Place { directory, base_url: Some(base_url.to_owned()) };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(Exit::Usage, format!("cannot read {}: {error}", path.display())))?;
    let mut file = authz::parse(&SourceFile { path: path.to_owned(), text })?;
    let cast = file.personas.iter().map(|(name, persona)| (name.clone(), persona.roles.clone())).collect();
    let (api, mut access) = hold(&document(&place, &file).await?, &file, &cast, reporter)?;
    read_secrets(&place, &mut file, &mut access)?;
    let openapi = match file.openapi {
        Document::File(path) => Some(path),
        Document::Url(_) | Document::OfApi(_) => None,
    };
    Ok(StandaloneRules { api, access, personas: file.personas, openapi })
}

/// Holds the rules against the document.
fn hold(document: &str, file: &AuthzFile, cast: &Cast, reporter: &Reporter) -> Result<(Api, AccessRules), Failure> {
    let api = Api::parse(document)
        .map_err(|error| file.openapi_problem(format!("`{}` cannot be used: {error}", file.openapi)))?;
    let named =
        |operation: &security_tests::api::Operation| Named { id: operation.id.clone(), label: operation.label() };
    let operations: Vec<Named> = api.operations.iter().map(named).collect();
    let loaded = authz::check(file, &operations, cast)?;
    for warning in loaded.warnings.iter() {
        let place = format!("{}:{}:{}", warning.file.display(), warning.line, warning.column);
        reporter.report(Event::Warning { message: format!("{place}: {}", warning.message) });
    }
    Ok((api, loaded.value))
}

/// The text of the OpenAPI document.
async fn document(place: &Place, file: &AuthzFile) -> Result<String, Failure> {
    let url = match (&file.openapi, &place.base_url) {
        (Document::File(path), _) => {
            let read = std::fs::read_to_string(place.directory.join(path));
            return Ok(read.map_err(|error| file.openapi_problem(format!("cannot read `{}`: {error}", file.openapi)))?);
        }
        (Document::Url(url), _) => url.clone(),
        (Document::OfApi(path), Some(base_url)) => format!("{}{path}", base_url.trim_end_matches('/')),
        (Document::OfApi(_), None) => {
            let problem = "a path of the API itself works with `--target` only; save the document beside this file";
            return Err(file.openapi_problem(problem).into());
        }
    };
    // A target that is down was not tested: that is no mistake of this machine, and never a pass.
    let exit = if matches!(file.openapi, Document::OfApi(_)) { Exit::Inconclusive } else { Exit::World };
    let text = |reason| Failure::new(exit, format!("nothing was tested: cannot fetch {url}: {reason}"));
    fetch(&url).await.map_err(text)
}

async fn fetch(url: &str) -> Result<String, String> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build();
    let client = client.map_err(|error| error.to_string())?;
    let why = |error: reqwest::Error| {
        let mut cause: &dyn std::error::Error = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        cause.to_string()
    };
    let mut answer = client.get(url).send().await.map_err(why)?;
    if !answer.status().is_success() {
        return Err(format!("answered {}", answer.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(why)? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_DOCUMENT {
            return Err(format!("it is larger than {} MiB", MAX_DOCUMENT / 1024 / 1024));
        }
    }
    String::from_utf8(body).map_err(|_| "it is not UTF-8".to_owned())
}

/// Reads the secrets that the file only names, and puts them where they belong.
fn read_secrets(place: &Place, file: &mut AuthzFile, access: &mut AccessRules) -> Result<(), Failure> {
    for wanted in file.wanted.clone() {
        let secret = match &wanted.source {
            SecretSource::Environment(name) => {
                std::env::var(name).map_err(|_| format!("the variable `{name}` is not set"))
            }
            SecretSource::File(path) => read_secret(&place.directory.join(path))
                .map_err(|error| format!("cannot read `{}`: {error}", path.display())),
        };
        let secret = secret.map_err(|reason| file.secret_problem(&wanted, reason))?;
        let secret = Secret::new(secret);
        match &wanted.purpose {
            SecretUse::SigningKey(algorithm) => {
                if let Some(login) = &mut access.login {
                    login.key = Some(SigningKey { algorithm: *algorithm, secret });
                }
            }
            SecretUse::Password(persona) => {
                if let Some(account) = file.personas.get_mut(persona).and_then(|persona| persona.account.as_mut()) {
                    account.password = Some(secret);
                }
            }
        }
    }
    Ok(())
}

/// Without the line end that editors add.
fn read_secret(path: &Path) -> std::io::Result<String> {
    if std::fs::metadata(path)?.len() > MAX_SECRET {
        return Err(std::io::Error::other("too large for a secret"));
    }
    Ok(std::fs::read_to_string(path)?.trim_end_matches(['\r', '\n']).to_owned())
}

fn decider(session: &Session) -> Result<Option<CedarDecider>, Failure> {
    let Some(path) = session.manifest.iam.as_ref().and_then(|iam| iam.policies.as_ref()) else { return Ok(None) };
    let policies = stack::policies(&session.project, path)?;
    let decider = CedarDecider::new(&policies, &session.manifest.identity).map_err(|errors| Failure::Other {
        exit: Exit::Usage,
        messages: vec![Message { text: errors.to_string(), ..Message::default() }],
    })?;
    Ok(Some(decider))
}

fn read(directory: &Path, relative: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(directory.join(relative))
        .map_err(|error| Failure::new(Exit::Usage, format!("cannot read {}: {error}", relative.display())))
}
