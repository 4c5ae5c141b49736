//! What is staged, read from a copy of it and compared with the last commit. The work tree gives only its name, its place,
//! and the `.env` that git does not know.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::SystemTime;

use security_tests::Api;

use crate::cli::StackArgs;
use crate::commands::rules::{Rules, load_rules};
use crate::commands::selection::{self, landmarks, that_matter};
use crate::commands::session::Session;
use crate::commands::{Failure, base};
use crate::event::Reporter;
use crate::exit::Exit;
use crate::git::{Repository, Staged};
use crate::plan::Project;
use crate::select::{Landmarks, Selection, parse_diff};
use crate::stack;

/// A commit to be.
pub(super) struct Candidate {
    pub(super) staged: Staged,
    pub(super) session: Session,
    pub(super) api: Api,
    /// The day on which the first waiver ends.
    pub(super) until: Option<String>,
    pub(super) landmarks: Landmarks,
    pub(super) selection: Selection,
    /// Every file of it.
    files: Vec<String>,
}

/// What reading it came to.
pub(super) enum Reading {
    Ready(Box<Candidate>, Box<Rules>),
    /// There is nothing to hold it to, and why.
    Nothing(&'static str),
    /// Mistakes in its files, for people.
    Broken(String),
}

/// What files of configuration end in: a copy of these is enough for most projects, and that of a large one is made in no
/// time.
const KINDS: [&str; 8] = ["yaml", "yml", "json", "toml", "cedar", "cedarschema", "lock", "env"];

/// How much is copied: configuration and what changed; the project; everything.
const PARTS: [&str; 3] = ["part", "project", "whole"];

/// Reads what is staged, from as small a copy as stands alone.
pub(super) fn read(
    (repository, staged, head): (&Repository, Staged, &str),
    args: &StackArgs,
    reporter: &Reporter,
) -> Result<Reading, Failure> {
    let files = repository.files(&staged.tree)?;
    let changed = parse_diff(&repository.difference(head, &staged.tree)?);
    let is_changed: BTreeSet<&str> = changed.iter().map(|file| file.path.as_str()).collect();
    let inside = |path: &str| repository.prefix.is_empty() || Path::new(path).starts_with(&repository.prefix);
    let is_named = |path: &str| args.file.iter().any(|file| file.file_name() == Path::new(path).file_name());
    let mut broken = None;
    // A project that is the whole repository is copied once.
    let parts = PARTS.into_iter().filter(|part| *part != "project" || !repository.prefix.is_empty());
    for part in parts {
        let wanted = |path: &&str| match part {
            "part" => inside(path) && (is_configuration(path) || is_named(path) || is_changed.contains(path)),
            "project" => inside(path),
            _ => true,
        };
        let wanted: Vec<&str> = files.iter().map(String::as_str).filter(wanted).collect();
        let copy = staged.export(repository, (&staged.tree, part), &wanted)?;
        let directory = copy.join(&repository.prefix);
        link_dot_env(repository, &directory)?;
        let args = StackArgs { dir: directory.clone(), ..args.clone() };
        match open(repository, &args, reporter) {
            Ok(Some((session, mut rules))) => {
                let landmarks = landmarks(repository, &session, &rules);
                rules.base = Some(base::staged((&directory, &rules.openapi), (repository, head), &changed));
                let about = (&session, &rules, &landmarks);
                let selection = selection::selection(repository, (changed.clone(), head), about)?;
                let api = rules.api.clone();
                let until = rules.access.waivers.iter().map(|waiver| waiver.expires.clone()).min();
                let candidate = Candidate { staged, session, api, until, landmarks, selection, files };
                return Ok(Reading::Ready(Box::new(candidate), Box::new(rules)));
            }
            Ok(None) => {}
            Err(failure) if failure.exit() == Exit::Usage => {
                let shown = format!("{}/", copy.display());
                broken = Some(failure.render(crate::ui::colour_stderr()).replace(&shown, ""));
            }
            Err(failure) => return Err(failure),
        }
    }
    let nothing = Reading::Nothing("what is staged has no devenv.yaml with access rules (`tests:`)");
    Ok(broken.map_or(nothing, Reading::Broken))
}

fn is_configuration(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.starts_with(".env") || kind(path).is_some_and(|kind| KINDS.contains(&kind))
}

/// Manifest and rules of the copy, under the name that the project has in the work tree.
fn open(repository: &Repository, args: &StackArgs, reporter: &Reporter) -> Result<Option<(Session, Rules)>, Failure> {
    // A manifest above the copy would be somebody else's.
    let is_here = |located: &stack::Located| located.directory.starts_with(&args.dir);
    if !args.dir.is_dir() || !stack::locate(&args.dir, &args.file).is_ok_and(|located| is_here(&located)) {
        return Ok(None);
    }
    let mut session = Session::open(args, reporter)?;
    if session.manifest.tests.is_none() {
        return Ok(None);
    }
    let home = repository.project();
    let known = stack::project(session.manifest.name.as_deref(), &home, &session.environment);
    session.project = Project { directory: session.project.directory, ..known };
    let rules = load_rules(&session, reporter)?;
    Ok(Some((session, rules)))
}

/// `.env` is usually ignored by git, and belongs to the machine like its environment does.
pub(super) fn link_dot_env(repository: &Repository, copy: &Path) -> Result<(), Failure> {
    let own = repository.project().join(".env");
    let there = copy.join(".env");
    if own.is_file() && copy.is_dir() && there.symlink_metadata().is_err() {
        std::os::unix::fs::symlink(own, there)?;
    }
    Ok(())
}

impl Candidate {
    /// Files of the work tree that make its API another one than the staged one. An untracked file is one when others of its
    /// kind are part of the commit: a note beside the source changes nothing, another source file or policy may.
    pub(super) fn unlike(&self, repository: &Repository) -> Result<Vec<String>, Failure> {
        let beside = self.staged.beside(repository)?;
        let kinds: BTreeSet<Option<&str>> = self.files.iter().map(|path| kind(path)).collect();
        let untracked = beside.untracked.into_iter().filter(|path| kinds.contains(&kind(path)));
        let paths = beside.changed.into_iter().chain(untracked).collect();
        Ok(that_matter(paths, (&self.landmarks, &self.api)))
    }

    /// When the youngest file of the work tree was written that a process may have read at its start, and when the youngest
    /// policy was.
    pub(super) fn written(&self, repository: &Repository) -> (Option<SystemTime>, Option<SystemTime>) {
        let is_policy = |path: &str| self.landmarks.policies.as_deref().is_some_and(|folder| path.starts_with(folder));
        let time = |path: &String| std::fs::metadata(repository.top.join(path)).and_then(|file| file.modified()).ok();
        let policies = self.files.iter().filter(|path| is_policy(path)).filter_map(time).max();
        let source = self.files.iter().filter(|path| !is_policy(path) && !self.landmarks.decisive.contains(*path));
        let source = that_matter(source.cloned().collect(), (&self.landmarks, &self.api));
        (source.iter().filter_map(time).max(), policies)
    }
}

fn kind(path: &str) -> Option<&str> {
    Path::new(path).extension().and_then(|ending| ending.to_str())
}
