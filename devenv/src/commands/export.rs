//! `devenv export compose`: a Compose file of the same stack, the files that belong to it, and the images that no registry has.

use std::collections::BTreeMap;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::{ExportCompose, Format};
use crate::commands::session::Session;
use crate::commands::{Failure, running};
use crate::engine::docker::{Docker, packaged_archive, packaged_image};
use crate::event::{Event, Reporter};
use crate::exit::Exit;
use crate::export::{Control, Destination, Export, ExportError, MARK, compose};
use crate::plan::{Plan, SecretKey};
use crate::stack::{self, Depth, ImageLock, Lock};
use crate::ui::{self, Ui};

/// Where an export goes when nobody says where.
const FILE: &str = "compose.devenv.yaml";

pub(super) async fn run(args: &ExportCompose) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let written = export(args, ui.reporter()).await;
    ui.finish().await;
    let written = written?;
    match args.format {
        Format::Json => ui::print(&written.json().to_string()),
        Format::Text => ui::print(&written.text()),
    }
    Ok(Exit::Success)
}

/// What was written.
struct Written {
    file: PathBuf,
    files: PathBuf,
    services: usize,
    /// Images of packaged programs, and whether they are in the engine.
    images: Vec<String>,
    loaded: bool,
    archives: Vec<PathBuf>,
    notes: Vec<String>,
}

async fn export(args: &ExportCompose, reporter: &Reporter) -> Result<Written, Failure> {
    let session = Session::open(&args.stack, reporter)?;
    let place = Place::of(args, &session.project.directory)?;
    place.check(args.force)?;
    let _lock = Lock::take(&session.project, "export")?;
    let plan = session.plan_for_docker(Depth::Full, reporter).await?;
    let export = written(&session, &plan, &place)?;
    place.write(&export)?;
    let loaded = match Docker::connect(&session.environment).await {
        Ok(docker) => docker.load_packaged(&plan).await.map(|()| true)?,
        Err(error) => {
            reporter.report(Event::Note { message: format!("images are not loaded: {error}") });
            false
        }
    };
    let archives = if args.images { place.archives(&export).await? } else { vec![] };
    let services =
        export.document.get("services").and_then(serde_json::Value::as_object).map_or(0, serde_json::Map::len);
    let images = export.packaged.into_keys().collect();
    Ok(Written { file: place.file, files: place.files, services, images, loaded, archives, notes: export.notes })
}

fn written(session: &Session, plan: &Plan, place: &Place) -> Result<Export, Failure> {
    let lock = ImageLock::read(&session.project.directory)?;
    let locked = lock.into_iter().flat_map(|lock| lock.images);
    let digests: BTreeMap<String, String> = locked.filter_map(|(name, image)| Some((name, image.digest?))).collect();
    let secret = |key| stack::read(&session.project, &key).ok().flatten().map(String::into_bytes);
    let control = Control { idp: secret(SecretKey::IdpControl), iam: secret(SecretKey::IamControl) };
    let files = place.files.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let to = Destination {
        directory: &place.directory,
        files: &files,
        packaged: &packaged_image,
        digests,
        url: running::under_test(plan, None).ok().and_then(running::url_of),
    };
    compose(plan, &control, &to).map_err(refused)
}

fn refused(errors: Vec<ExportError>) -> Failure {
    let message = |error: ExportError| crate::commands::Message {
        text: error.to_string(),
        help: Some(error.help()),
        log: vec![],
    };
    Failure::Other { exit: Exit::Usage, messages: errors.into_iter().map(message).collect() }
}

/// Where an export goes.
struct Place {
    file: PathBuf,
    /// The directory beside it.
    files: PathBuf,
    /// Of the file, absolute.
    directory: PathBuf,
}

impl Place {
    fn of(args: &ExportCompose, project: &Path) -> Result<Self, Failure> {
        let file = args.output.clone().unwrap_or_else(|| project.join(FILE));
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let directory = parent
            .canonicalize()
            .map_err(|error| Failure::new(Exit::Usage, format!("cannot write to {}: {error}", parent.display())))?;
        let files = file.with_extension("files");
        if file.is_dir() || files == file {
            return Err(Failure::new(Exit::Usage, format!("{} is no name for a Compose file", file.display())));
        }
        Ok(Self { file, files, directory })
    }

    /// Nothing of anybody else is written over.
    fn check(&self, force: bool) -> Result<(), Failure> {
        let ours = |path: &Path| std::fs::read_to_string(path).is_ok_and(|text| text.starts_with(MARK));
        let kept = |path: &Path| {
            let text = format!("{} is there and is no export", path.display());
            Err(Failure::with_help(Exit::Usage, text, "name another file with `-o FILE`"))
        };
        if self.file.exists() && !force && !ours(&self.file) {
            return kept(&self.file);
        }
        // A whole directory is removed, so that no secret of an older export stays: not even `--force` takes another's.
        if self.files.exists() && !ours(&self.files.join(".gitignore")) { kept(&self.files) } else { Ok(()) }
    }

    fn write(&self, export: &Export) -> Result<(), Failure> {
        if self.files.exists() {
            std::fs::remove_dir_all(&self.files)?;
        }
        closed(&self.files)?;
        for file in &export.files {
            let path = self.directory.join(&file.path);
            closed(path.parent().unwrap_or(&self.files))?;
            std::fs::write(&path, &file.content)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(file.mode))?;
        }
        let text = serde_yaml::to_string(&export.document)
            .map_err(|error| Failure::new(Exit::World, format!("cannot write YAML: {error}")))?;
        std::fs::write(&self.file, format!("{MARK}{text}"))?;
        Ok(())
    }

    /// One archive for each image.
    async fn archives(&self, export: &Export) -> Result<Vec<PathBuf>, Failure> {
        let directory = self.files.join("images");
        closed(&directory)?;
        let mut archives = Vec::new();
        for (image, executable) in &export.packaged {
            let path = directory.join(format!("{}.tar", image.replace(['/', ':'], "-")));
            std::fs::write(&path, packaged_archive(image, executable).await?)?;
            archives.push(path);
        }
        Ok(archives)
    }
}

/// A directory that only its owner can enter.
fn closed(path: &Path) -> Result<(), Failure> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    Ok(())
}

impl Written {
    fn text(&self) -> String {
        let (file, images) = (self.file.display(), self.images.join(", "));
        let mut lines = vec![
            format!("{file}: {} services", self.services),
            format!("{}/: secrets of this stack, for you alone; never commit it", self.files.display()),
        ];
        lines.extend(self.notes.iter().map(|note| format!("note: {note}")));
        if self.loaded {
            lines.push(format!("images in the engine: {images}"));
        } else if self.archives.is_empty() {
            lines.push(format!(
                "images that the engine lacks: {images}; export again where it answers, or with `--images`"
            ));
        }
        lines.extend(self.archives.iter().map(|path| format!("elsewhere: docker load -i {}", path.display())));
        lines.push(format!("start it: docker compose -f {file} up -d --wait"));
        lines.push(format!("test it:  devenv test --stack-from {file}"));
        lines.join("\n")
    }

    fn json(&self) -> serde_json::Value {
        let Self { file, files, services, images, loaded, archives, notes } = self;
        json!({ "file": file, "files": files, "services": services, "images": images, "loaded": loaded, "archives": archives, "notes": notes })
    }
}
