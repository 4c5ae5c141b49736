//! What an image is built from: the context directory without what is ignored, the Dockerfile, and its digest.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};

use super::{Digests, Entry, Ignore, Kind, SourceError, unreadable, walk};
use crate::manifest::Build;
use crate::plan::hex;

/// The name in the archive of a Dockerfile that does not lie in the context.
const BROUGHT: &str = ".devenv.dockerfile";

/// What goes to the builder.
#[derive(Clone, Debug)]
pub struct BuildContext {
    /// The directory, absolute.
    pub root: PathBuf,
    /// What is in it.
    pub entries: Vec<Entry>,
    /// The Dockerfile.
    pub dockerfile: Dockerfile,
}

/// Where a builder finds its Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dockerfile {
    /// Name within the context.
    pub name: String,
    /// Its text, when it is not a file of the context.
    pub brought: Option<String>,
}

/// Looks through a build context; `build.context` is absolute.
///
/// # Errors
/// Directory or Dockerfile are not there, or something cannot be read.
pub fn context(build: &Build) -> Result<BuildContext, SourceError> {
    let root = &build.context;
    if let Some(remote) = build.remote() {
        return Err(SourceError::Remote(remote.to_owned()));
    }
    if !root.is_dir() {
        return Err(SourceError::NoContext(root.clone()));
    }
    let (dockerfile, beside) = dockerfile(build)?;
    let ignore = ignore(root, beside.as_deref())?;
    let mut entries = walk(root, &ignore)?;
    if dockerfile.brought.is_none() && !entries.iter().any(|entry| entry.path == dockerfile.name) {
        // The builder needs it, ignored or not.
        entries.push(Entry { path: dockerfile.name.clone(), kind: Kind::File, mode: 0o644 });
    }
    Ok(BuildContext { root: root.clone(), entries, dockerfile })
}

/// The Dockerfile, and where it lies.
fn dockerfile(build: &Build) -> Result<(Dockerfile, Option<PathBuf>), SourceError> {
    if let Some(text) = &build.dockerfile_inline {
        return Ok((Dockerfile { name: BROUGHT.into(), brought: Some(text.clone()) }, None));
    }
    let path = crate::manifest::normalized(&build.context.join(build.dockerfile.as_deref().unwrap_or("Dockerfile")));
    if !path.is_file() {
        return Err(SourceError::NoDockerfile(path));
    }
    let within = path.strip_prefix(crate::manifest::normalized(&build.context)).ok().and_then(Path::to_str);
    let dockerfile = match within {
        Some(name) => Dockerfile { name: name.to_owned(), brought: None },
        None => {
            let text = std::fs::read_to_string(&path).map_err(unreadable(&path))?;
            Dockerfile { name: BROUGHT.into(), brought: Some(text) }
        }
    };
    Ok((dockerfile, Some(path)))
}

/// `Dockerfile.dockerignore` beside the Dockerfile, else `.dockerignore` of the context.
fn ignore(root: &Path, dockerfile: Option<&Path>) -> Result<Ignore, SourceError> {
    let beside = dockerfile.map(|path| PathBuf::from(format!("{}.dockerignore", path.display())));
    for path in beside.into_iter().chain([root.join(".dockerignore")]) {
        match std::fs::read_to_string(&path) {
            Ok(text) => return Ok(Ignore::parse(&text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(&path)(error)),
        }
    }
    Ok(Ignore::default())
}

impl BuildContext {
    /// SHA-256 of everything that the image is made from.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn digest(&self, build: &Build, digests: &mut Digests) -> Result<String, SourceError> {
        let mut sum = Context::new(&SHA256);
        // Where the context lies changes nothing about the image.
        let settings = Build { context: PathBuf::new(), ..build.clone() };
        sum.update(format!("{settings:?}\0{:?}\0", self.dockerfile).as_bytes());
        for entry in &self.entries {
            let path = self.root.join(&entry.path);
            let content = match &entry.kind {
                Kind::Directory => String::new(),
                Kind::Link(to) => to.display().to_string(),
                Kind::File => digests.of(&path).map_err(unreadable(&path))?,
            };
            sum.update(format!("{}\0{:o}\0{content}\0", entry.path, entry.mode).as_bytes());
        }
        Ok(hex(sum.finish().as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn digest(build: &Build) -> String {
        context(build).unwrap().digest(build, &mut Digests::open(None)).unwrap()
    }

    #[test]
    fn what_is_ignored_changes_nothing_and_what_is_not_does() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
        write("Dockerfile", "FROM scratch\n");
        write(".dockerignore", "*.log\nDockerfile\n");
        write("a.log", "1");
        let build = Build { context: directory.path().into(), ..Build::default() };
        let first = digest(&build);
        let names: Vec<String> = context(&build).unwrap().entries.into_iter().map(|entry| entry.path).collect();
        assert_eq!(names, [".dockerignore", "Dockerfile"], "the builder needs it although it is ignored");
        write("a.log", "2");
        assert_eq!(digest(&build), first);
        write("a.txt", "2");
        assert_ne!(digest(&build), first);
        let args = Build { args: [("A".to_owned(), "1".to_owned())].into(), ..build.clone() };
        assert_ne!(digest(&args), digest(&build));
    }

    #[test]
    fn a_dockerfile_outside_of_the_context_is_brought_along() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("app")).unwrap();
        fs::write(directory.path().join("other"), "FROM scratch\n").unwrap();
        let build =
            Build { context: directory.path().join("app"), dockerfile: Some("../other".into()), ..Build::default() };
        let found = context(&build).unwrap();
        assert_eq!(
            (found.dockerfile.name.as_str(), found.dockerfile.brought.as_deref()),
            (BROUGHT, Some("FROM scratch\n"))
        );
        let missing = Build { dockerfile: None, ..build.clone() };
        assert!(context(&missing).unwrap_err().to_string().starts_with("no Dockerfile at "));
        let remote = Build { context: "https://git.example/x.git".into(), ..Build::default() };
        assert!(matches!(context(&remote), Err(SourceError::Remote(_))));
    }
}
