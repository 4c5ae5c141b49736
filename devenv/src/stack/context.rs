//! Gathers from the machine what a plan depends on.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use mock_iam::config::{Policies, SourceFile};
use thiserror::Error;

use crate::event::Reporter;
use crate::manifest::{Build, EngineName, Manifest};
use crate::plan::{Artifact, Context, Project, Secrets, requirements};
use crate::sources::{self, Digests, SourceError};
use crate::stack::artifact::find;
use crate::stack::{ArtifactError, SecretsError, build, ensure, read};

/// Something that the plan needs could not be had.
#[derive(Debug, Error)]
pub enum ContextError {
    /// A program.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A secret.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// What an image is built from.
    #[error("service `{service}`: {cause}")]
    Build {
        /// The service.
        service: String,
        /// Why not.
        cause: SourceError,
    },
    /// A file that the manifest names.
    #[error("cannot read {}, which devenv.yaml names: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// How much of the world is touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Programs are built and secrets made: for `up`.
    Full,
    /// What is there is read, nothing is made: for `plan`.
    Existing,
    /// Neither programs nor secrets nor files: enough for names, ports and order.
    Outline,
}

/// Gathers what a plan depends on.
///
/// # Errors
/// The first thing that cannot be had.
pub async fn gather(
    manifest: &Manifest,
    project: &Project,
    engine: EngineName,
    gathering: Gathering<'_>,
) -> Result<Context, ContextError> {
    let mut context = Context {
        engine,
        project: project.clone(),
        executable: Artifact::unknown(),
        artifacts: BTreeMap::new(),
        builds: BTreeMap::new(),
        mounts: BTreeMap::new(),
        secrets: Secrets::default(),
        files: BTreeMap::new(),
        shares_files: engine == EngineName::Embedded || shares_files(gathering.environment),
        policies: Policies::default(),
    };
    let required = requirements(manifest, engine);
    match gathering.depth {
        Depth::Outline => return Ok(context),
        Depth::Existing => {
            for key in &required.secrets {
                context.secrets.0.extend(read(project, key)?.map(|value| (key.clone(), value)));
            }
        }
        Depth::Full => context.secrets = ensure(project, &required.secrets, gathering.environment)?,
    }
    for path in required.files {
        let content = std::fs::read(project.directory.join(&path))
            .map_err(|cause| ContextError::File { path: path.clone(), cause })?;
        context.files.insert(path, content);
    }
    for (service, binary) in &required.binaries {
        let artifact = match gathering.depth {
            Depth::Full => build(project, service, binary, gathering.reporter).await?,
            Depth::Existing | Depth::Outline => find(project, binary).await.unwrap_or_else(Artifact::unknown),
        };
        context.artifacts.insert(service.clone(), artifact);
    }
    let mut digests = Digests::open(Some(project));
    for (service, build) in &required.builds {
        let digest = build_digest(project, service, build, &mut digests)?;
        context.builds.insert(service.clone(), digest);
    }
    for (path, read_only) in required.mounts {
        let found = sources::content(&project.directory.join(&path), read_only, &mut digests);
        context.mounts.extend(found.map(|digest| (path, digest)));
    }
    digests.save();
    context.policies = required.policies.map(|path| policies(project, &path)).transpose()?.unwrap_or_default();
    context.executable = this_program(gathering.environment)?;
    Ok(context)
}

fn build_digest(
    project: &Project,
    service: &str,
    build: &Build,
    digests: &mut Digests,
) -> Result<String, ContextError> {
    let directory = if build.remote().is_some() { PathBuf::new() } else { project.directory.clone() };
    let build = Build { context: directory.join(&build.context), ..build.clone() };
    let digest = sources::context(&build).and_then(|context| context.digest(&build, digests));
    digest.map_err(|cause| ContextError::Build { service: service.to_owned(), cause })
}

/// How [`gather`] goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Gathering<'a> {
    /// How much of the world is touched.
    pub depth: Depth,
    /// The caller's environment.
    pub environment: &'a BTreeMap<String, String>,
    /// Where build progress is reported.
    pub reporter: &'a Reporter,
}

/// Whether a Docker engine sees the files of this machine, as far as its address tells.
fn shares_files(environment: &BTreeMap<String, String>) -> bool {
    let host = environment.get("DOCKER_HOST").map(String::as_str).unwrap_or_default();
    let address = host.split_once("://").filter(|(scheme, _)| matches!(*scheme, "tcp" | "http" | "https" | "ssh"));
    address.is_none_or(|(_, address)| ["localhost", "127.0.0.1", "[::1]"].iter().any(|near| address.starts_with(near)))
}

/// This executable, from which built-in services run. Its digest is remembered for all projects, and after `down`: hashing
/// it takes longer than starting what runs from it.
fn this_program(environment: &BTreeMap<String, String>) -> Result<Artifact, ContextError> {
    let path = std::env::current_exe().map_err(|cause| ContextError::File { path: "/proc/self/exe".into(), cause })?;
    let mut digests = Digests::of_user(environment);
    let digest = digests.of(&path).map_err(|cause| ArtifactError::Read { path: path.clone(), cause })?;
    digests.save();
    Ok(Artifact { path, digest })
}

/// All `*.cedar` files of a directory and its `*.cedarschema`, sorted by name.
pub fn policies(project: &Project, relative: &Path) -> Result<Policies, ContextError> {
    let directory = project.directory.join(relative);
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |cause| ContextError::File { path, cause }
    };
    let mut names: Vec<PathBuf> = std::fs::read_dir(&directory)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(failed(relative))?;
    names.sort();
    let mut policies = Policies::default();
    for path in names {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_owned();
        if extension == "cedar" || extension == "cedarschema" {
            let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
            let shown = path.strip_prefix(&project.directory).unwrap_or(&path).display().to_string();
            let file = SourceFile { name: shown, text };
            if extension == "cedar" { policies.files.push(file) } else { policies.schema = Some(file) }
        }
    }
    Ok(policies)
}
