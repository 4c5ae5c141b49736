//! `devenv test --watch`: with each change of a file the layers that it concerns. Files are held against each other at once;
//! requests are sent when a stack is up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use security_tests::report;
use security_tests::verdict::Layer;

use super::live::{Live, Wanted, live};
use super::options::{needs_stack, options, rows};
use super::reports::{remember, terminal};
use super::{changed, file_layers};
use crate::cli::{Format, StackArgs, Test};
use crate::commands::Failure;
use crate::commands::interrupt::Interrupts;
use crate::commands::quiet::Quiet;
use crate::commands::rules::{Rules, load_rules};
use crate::commands::selection::{self, absolute, landmarks};
use crate::commands::session::Session;
use crate::commands::watch::ignored;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::git::Repository;
use crate::select::{Reason, Selection};
use crate::sources::{Changes, MOST_WATCHED, Watched, Watcher};
use crate::ui;

/// So long are requests sent after a change, when nothing else is said.
const BUDGET: Duration = Duration::from_secs(2);

pub(super) async fn run(args: &Test, mut interrupts: Interrupts) -> Result<Exit, Failure> {
    let quiet = Quiet::start(args.format);
    let result = watch(args, quiet.reporter(), &mut interrupts).await;
    quiet.finish().await;
    result
}

async fn watch(args: &Test, reporter: &Reporter, interrupts: &mut Interrupts) -> Result<Exit, Failure> {
    let start = absolute(&args.stack.dir)?;
    let directory = crate::stack::locate(&start, &args.stack.file)?.directory;
    let stack = StackArgs { dir: start, ..args.stack.clone() };
    let mut watcher = Watcher::new(vec![Watched { root: directory.clone(), ignore: ignored(&directory) }])?;
    if watcher.len() > MOST_WATCHED {
        let text = format!("{} files are too many to watch: leave some out with .gitignore", watcher.len());
        return Err(Failure::new(Exit::Usage, text));
    }
    let first = Selection::Everything(vec![Reason {
        file: "first look".into(),
        why: "at everything".into(),
        passed_over: false,
    }]);
    let mut seen = Some((first, None));
    loop {
        if let Some((asked, loaded)) = seen.take() {
            let round = Round { args, stack: &stack, asked, begun: Instant::now() };
            // A mistake in a file is mended by the next change: nothing here ends the watch.
            match round.answer(loaded, (reporter, interrupts)).await {
                Ok(()) => {}
                Err(Failure::Interrupted) => return Err(Failure::Interrupted),
                Err(failure) => tell(args.format, failure.render(ui::colour_stderr()), failure.to_json()),
            }
            tell(args.format, format!("watching {} files (Ctrl-C ends it)", watcher.len()), serde_json::Value::Null);
        }
        let changes = tokio::select! {
            changes = watcher.next() => changes?,
            () = interrupts.next() => return Err(Failure::Interrupted),
        };
        let paths: BTreeSet<PathBuf> = changes.into_values().flat_map(paths).collect();
        seen = Some(concerned(&stack, (&directory, &paths)));
    }
}

fn paths(changes: Changes) -> impl Iterator<Item = PathBuf> {
    changes.changed.into_iter().chain(changes.removed)
}

/// Text on standard error; as JSON only what is a value.
fn tell(format: Format, text: String, json: serde_json::Value) {
    match format {
        Format::Text => ui::complain(&text),
        Format::Json if json.is_null() => {}
        Format::Json => ui::print(&json.to_string()),
    }
}

/// Manifest and rules as they were read for the selection.
type Loaded = Option<(Session, Rules)>;

/// What the changed files ask for, as far as the last commit tells what changed in them; everything when that is not known.
fn concerned(stack: &StackArgs, (directory, paths): (&Path, &BTreeSet<PathBuf>)) -> (Selection, Loaded) {
    let shown = |path: &PathBuf| path.strip_prefix(directory).unwrap_or(path).display().to_string();
    let reason = |path| Reason { file: shown(path), why: "changed".to_owned(), passed_over: false };
    let unknown = || Selection::Everything(paths.iter().map(reason).collect());
    let (reporter, _events) = Reporter::channel();
    let loaded = Session::open(stack, &reporter).and_then(|session| {
        let rules = load_rules(&session, &reporter)?;
        Ok((session, rules))
    });
    // What is wrong with the files is told by the answer.
    let Ok((session, rules)) = loaded else { return (unknown(), None) };
    let asked = by_commit((&session, &rules), paths).unwrap_or_else(|_| unknown());
    (asked, Some((session, rules)))
}

fn by_commit((session, rules): (&Session, &Rules), paths: &BTreeSet<PathBuf>) -> Result<Selection, Failure> {
    let repository = Repository::open(&session.project.directory)?;
    let files = changed::files(&repository, "HEAD")?;
    let mut by_path: BTreeMap<PathBuf, _> =
        files.into_iter().map(|file| (repository.top.join(&file.path), file)).collect();
    let of = |path: &PathBuf| {
        // What is as it was committed was something else a moment ago: what changed is not known.
        let inside = path.strip_prefix(&repository.top).unwrap_or(path).display().to_string();
        by_path.remove(path).unwrap_or(crate::select::FileDiff { path: inside, hunks: Vec::new() })
    };
    let files = paths.iter().map(of).collect();
    let landmarks = landmarks(&repository, session, rules);
    selection::selection(&repository, (files, "HEAD"), (session, rules, &landmarks))
}

/// The answer to one change.
struct Round<'a> {
    args: &'a Test,
    stack: &'a StackArgs,
    asked: Selection,
    begun: Instant,
}

impl Round<'_> {
    async fn answer(
        &self,
        loaded: Loaded,
        (reporter, interrupts): (&Reporter, &mut Interrupts),
    ) -> Result<(), Failure> {
        let args = self.args;
        let mut lines = vec![format!("selected: {}", selection::title(&self.asked))];
        lines.extend(selection::reasons(&self.asked).into_iter().map(|line| format!("  {line}")));
        tell(args.format, lines.join("\n"), selection::to_json(&self.asked));
        if matches!(self.asked, Selection::Nothing(_)) {
            return Ok(());
        }
        let options = options(args)?;
        let files = [Layer::Static, Layer::Policy];
        let wanted = |layer: &Layer| options.layers.is_empty() || options.layers.contains(layer);
        let (session, rules) = match loaded {
            Some(loaded) => loaded,
            None => {
                let session = Session::open(self.stack, reporter)?;
                let rules = load_rules(&session, reporter)?;
                (session, rules)
            }
        };
        let layers: Vec<Layer> = files.into_iter().filter(wanted).collect();
        if !layers.is_empty() {
            let run = file_layers(&session, rules, (&layers, reporter)).await?;
            remember(&session.project, &run);
            self.show(&run, "files");
        }
        if needs_stack(&options) {
            let wanted = Wanted {
                command: "test --watch",
                operations: self.operations(&options.operations),
                budget: Some((args.budget.unwrap_or(BUDGET), Duration::ZERO)),
                source: now_in_seconds(),
                policies: Some(SystemTime::now()),
            };
            match live(self.stack, wanted, (reporter, interrupts)).await? {
                Live::Ran { run, .. } => {
                    remember(&session.project, &run);
                    self.show(&run, "stack");
                }
                Live::NotRun(reason) => tell(args.format, format!("stack: not run: {reason}"), serde_json::Value::Null),
            }
        }
        Ok(())
    }

    fn operations(&self, asked: &[String]) -> Vec<String> {
        match &self.asked {
            Selection::Operations(names, _) if asked.is_empty() => names.iter().cloned().collect(),
            Selection::Operations(names, _) => asked.iter().filter(|name| names.contains(*name)).cloned().collect(),
            Selection::Nothing(_) | Selection::Everything(_) => asked.to_vec(),
        }
    }

    fn show(&self, run: &security_tests::Run, what: &str) {
        match self.args.format {
            Format::Json => ui::print(&report::json(run).to_string()),
            Format::Text => {
                let took = self.begun.elapsed().as_millis();
                ui::print(&format!(
                    "{}\n{what}: {took} ms after the change was seen",
                    terminal(run, rows(self.args), Some(""))
                ));
            }
        }
    }
}

fn now_in_seconds() -> i64 {
    jiff::Timestamp::now().as_second()
}
