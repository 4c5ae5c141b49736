//! `--changed` and `--base`: what differs from a revision, and the access matrix as a revision has it.

use security_tests::Options;
use security_tests::lock::AccessLock;
use serde_json::Value;

use crate::cli::{Format, StackArgs};
use crate::commands::Failure;
use crate::commands::rules::{load_rules, lock_path};
use crate::commands::selection::{self, absolute, landmarks};
use crate::commands::session::Session;
use crate::event::{Event, Reporter};
use crate::exit::Exit;
use crate::git::{self, Repository, Staged};
use crate::select::{FileDiff, Selection, parse_diff};

/// What the work tree asks for, compared with a revision: staged or not, untracked files included.
pub(super) fn selection(args: &StackArgs, base: &str) -> Result<Selection, Failure> {
    let args = StackArgs { dir: absolute(&args.dir)?, ..args.clone() };
    // Warnings of the files are told by the run itself.
    let (reporter, _events) = Reporter::channel();
    let session = Session::open(&args, &reporter)?;
    let rules = load_rules(&session, &reporter)?;
    let repository = Repository::open(&session.project.directory)?;
    let base = git::commit(&session.project.directory, base)?;
    let files = files(&repository, &base)?;
    let landmarks = landmarks(&repository, &session, &rules);
    selection::selection(&repository, (files, &base), (&session, &rules, &landmarks))
}

/// Files of the work tree that differ from a revision, and untracked ones.
pub(super) fn files(repository: &Repository, base: &str) -> Result<Vec<FileDiff>, Failure> {
    let (text, others) = Staged::of(repository)?.work_tree_difference(repository, base)?;
    let mut files = parse_diff(&text);
    files.extend(others.into_iter().map(|path| FileDiff { path, hunks: Vec::new() }));
    Ok(files)
}

/// Narrows a run to what was selected, and says so; the answer itself when there is nothing to test.
pub(super) fn narrow(
    options: &mut Options,
    asked: &Selection,
    (format, reporter): (Format, &Reporter),
) -> Option<String> {
    match (asked, format) {
        (Selection::Nothing(_), Format::Json) => return Some(selection::to_json(asked).to_string()),
        (Selection::Nothing(_), Format::Text) => return Some(explained(asked)),
        (_, Format::Text) => reporter.report(Event::Note { message: explained(asked) }),
        (_, Format::Json) => {}
    }
    if let Selection::Operations(names, _) = asked {
        if options.operations.is_empty() {
            options.operations = names.iter().cloned().collect();
        } else {
            options.operations.retain(|name| names.contains(name));
        }
        if options.operations.is_empty() {
            return Some(format!("nothing: what was asked for did not change\n{}", explained(asked)));
        }
    }
    None
}

fn explained(asked: &Selection) -> String {
    let mut lines = vec![format!("selected: {}", selection::title(asked))];
    lines.extend(selection::reasons(asked).into_iter().map(|line| format!("  {line}")));
    lines.join("\n")
}

/// The report with what was selected, when something was.
pub(super) fn with_selection(mut report: Value, asked: Option<&Selection>) -> Value {
    if let (Some(fields), Some(asked)) = (report.as_object_mut(), asked) {
        fields.insert("selection".to_owned(), selection::to_json(asked));
    }
    report
}

/// The access matrix that a revision recorded; none when it recorded none.
pub(super) fn lock_at(session: &Session, revision: &str, reporter: &Reporter) -> Result<Option<AccessLock>, Failure> {
    let Some(rules) = &session.manifest.tests else { return Ok(None) };
    let directory = &session.project.directory;
    let commit = git::commit(directory, revision)?;
    let repository = Repository::open(directory)?;
    let path = lock_path(session, rules);
    let relative = path.strip_prefix(directory).unwrap_or(&path).display().to_string();
    let Some(file) = repository.text(&commit, &repository.path_of(&relative))? else {
        let message = format!("`{revision}` has no {relative}: the run is held against none");
        reporter.report(Event::Warning { message });
        return Ok(None);
    };
    let lock = AccessLock::parse(&file.text);
    lock.map(Some).map_err(|error| Failure::new(Exit::Usage, format!("{revision}:{relative}: {error}")))
}
