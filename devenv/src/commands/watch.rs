//! `devenv watch`: brings the stack up, and answers each change of a source file.
//!
//! A changed `binary:` and a `rebuild` rule lead to another `up` of that service: what it is made from is compared, so
//! that exactly what changed is replaced. `sync` copies, `restart` restarts.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::cli::Watch;
use crate::commands::session::{Prepared, Session};
use crate::commands::{Failure, running};
use crate::engine::reconcile::Goal;
use crate::event::{Event, Reporter};
use crate::exit::Exit;
use crate::manifest::{Binary, Service, WatchAction};
use crate::plan::{DeliveredFile, PlannedService};
use crate::sources::{Changes, Ignore, MOST_WATCHED, Watched, Watcher};
use crate::stack::{Depth, Lock};
use crate::ui::Ui;

/// What no build is made from.
const NEVER: [&str; 6] = ["**/target", "**/node_modules", "**/.git", "**/.*.sw?", "**/*~", "**/devenv.lock"];

/// One reason to act.
struct Rule {
    service: String,
    root: PathBuf,
    action: WatchAction,
    target: Option<String>,
}

pub(super) async fn run(args: Watch) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = watch(&args, ui.reporter()).await;
    ui.finish().await;
    result
}

async fn watch(args: &Watch, reporter: &Reporter) -> Result<Exit, Failure> {
    let mut session = Session::open(&args.stack, reporter)?;
    let prepared = up(args, &mut session, args.services.iter().cloned().collect(), reporter).await?;
    let (rules, watched) = rules(&session, &args.services, &prepared);
    let mut watcher = Watcher::new(watched)?;
    if rules.is_empty() || watcher.len() > MOST_WATCHED {
        let text = if rules.is_empty() {
            "nothing to watch: no service has `binary:` with a build, or `develop.watch`".to_owned()
        } else {
            format!("{} files are too many to watch: leave some out with `ignore`", watcher.len())
        };
        return Err(Failure::new(Exit::Usage, text));
    }
    reporter.report(Event::Note { message: format!("watching {} files (Ctrl-C ends it)", watcher.len()) });
    loop {
        let changes = watcher.next().await?;
        let begun = Instant::now();
        // A mistake in the source is mended by the next change: nothing here ends the watch.
        match answer(args, &rules, &changes, reporter).await {
            Ok(()) => {
                let message = format!("done after {} ms", begun.elapsed().as_millis());
                reporter.report(Event::Note { message });
            }
            Err(failure) => reporter.report(Event::Warning { message: failure.render(false) }),
        }
    }
}

/// One `up`, of some services or of all.
async fn up(
    args: &Watch,
    session: &mut Session,
    only: BTreeSet<String>,
    reporter: &Reporter,
) -> Result<Prepared, Failure> {
    let _lock = session.lock_for_up("watch", reporter)?;
    let prepared = session.prepare(Depth::Full, reporter).await?;
    for name in &args.services {
        running::service_under_test(&prepared, Some(name))?;
    }
    running::bring_up(session, &prepared, only, reporter).await?;
    Ok(prepared)
}

async fn answer(
    args: &Watch,
    rules: &[Rule],
    changes: &BTreeMap<usize, Changes>,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let (mut rebuilt, mut restarted) = (BTreeSet::new(), BTreeSet::new());
    let mut synced = Vec::new();
    for (place, changes) in changes {
        let Some(rule) = rules.get(*place) else { continue };
        reporter.report(Event::Note { message: format!("{}: {}", rule.service, told(rule, changes)) });
        match rule.action {
            WatchAction::Rebuild => drop(rebuilt.insert(rule.service.clone())),
            WatchAction::Restart => drop(restarted.insert(rule.service.clone())),
            WatchAction::Sync => synced.push((rule, changes)),
            WatchAction::SyncAndRestart => {
                synced.push((rule, changes));
                restarted.insert(rule.service.clone());
            }
        }
    }
    // Read again: the manifest may be what changed.
    let mut session = Session::open(&args.stack, reporter)?;
    if !rebuilt.is_empty() {
        up(args, &mut session, rebuilt.clone(), reporter).await?;
    }
    let prepared = session.existing(reporter).await?;
    for (rule, changes) in synced {
        sync(&session, &prepared, rule, changes).await?;
    }
    restarted.retain(|service| !rebuilt.contains(service));
    if !restarted.is_empty() {
        let _lock = Lock::take(&session.project, "watch")?;
        let prepared = session.prepare(Depth::Existing, reporter).await?;
        running::take_down(&session, &prepared, &Goal::Restart { only: restarted }, reporter).await?;
    }
    Ok(())
}

fn told(rule: &Rule, changes: &Changes) -> String {
    let all: Vec<&PathBuf> = changes.changed.iter().chain(&changes.removed).collect();
    let shown = |path: &Path| path.strip_prefix(&rule.root).unwrap_or(path).display().to_string();
    match all.as_slice() {
        [only] => format!("{} changed", shown(only)),
        [first, rest @ ..] => format!("{} and {} more changed", shown(first), rest.len()),
        [] => String::new(),
    }
}

/// Copies what changed to where the rule says. What is gone stays there until the next rebuild.
async fn sync(session: &Session, prepared: &Prepared, rule: &Rule, changes: &Changes) -> Result<(), Failure> {
    let (Some(service), Some(target)) = (prepared.plan.services.get(&rule.service), &rule.target) else {
        return Ok(());
    };
    let mut files = Vec::new();
    for path in &changes.changed {
        let inside = path.strip_prefix(&rule.root).unwrap_or(path).display().to_string();
        let target = target.trim_end_matches('/');
        let path_inside = if inside.is_empty() { target.to_owned() } else { format!("{target}/{inside}") };
        let mode = std::fs::metadata(path)?.permissions().mode() & 0o777;
        // A file that only its owner may read here must be readable for the user of the container.
        files.push(DeliveredFile { path: path_inside, content: std::fs::read(path)?, mode: mode | 0o444 });
    }
    let service = PlannedService { files, ..service.clone() };
    prepared.engine.put(&session.project, &service).await?;
    Ok(())
}

/// What is watched, and why, in the same order.
fn rules(session: &Session, only: &[String], prepared: &Prepared) -> (Vec<Rule>, Vec<Watched>) {
    let directory = &session.project.directory;
    let (mut rules, mut watched) = (Vec::new(), Vec::new());
    let services = session.manifest.services.iter().filter(|(name, _)| only.is_empty() || only.contains(name));
    for (name, service) in services.filter(|(name, _)| prepared.plan.services.contains_key(*name)) {
        if let Some(output) = built(service) {
            let mut patterns: Vec<String> = NEVER.iter().map(|pattern| (*pattern).to_owned()).collect();
            patterns.extend(output);
            patterns.extend(git_ignored(directory));
            watched.push(Watched { root: directory.clone(), ignore: Ignore::of(patterns.iter().map(String::as_str)) });
            let action = WatchAction::Rebuild;
            rules.push(Rule { service: name.clone(), root: directory.clone(), action, target: None });
        }
        for rule in &service.watch {
            let root = crate::manifest::normalized(&directory.join(&rule.path));
            let patterns = NEVER.into_iter().chain(rule.ignore.iter().map(String::as_str));
            watched.push(Watched { root: root.clone(), ignore: Ignore::of(patterns) });
            rules.push(Rule { service: name.clone(), root, action: rule.action, target: rule.target.clone() });
        }
    }
    (rules, watched)
}

/// What a build of the service's program writes, when something builds it.
fn built(service: &Service) -> Option<Option<String>> {
    match service.binary.as_ref()? {
        Binary::Cargo { .. } => Some(None),
        Binary::Path { build: Some(_), path } => Some(Some(path.display().to_string())),
        Binary::Path { build: None, .. } => None,
    }
}

/// What in a project's directory nobody edits.
pub(super) fn ignored(directory: &Path) -> Ignore {
    let patterns: Vec<String> =
        NEVER.iter().map(|pattern| (*pattern).to_owned()).chain(git_ignored(directory)).collect();
    Ignore::of(patterns.iter().map(String::as_str))
}

/// The patterns of `.gitignore`, in the notation of `.dockerignore`: without a slash inside they hold at any depth.
fn git_ignored(directory: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(directory.join(".gitignore")).unwrap_or_default();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pattern = |line: &str| {
        let (mark, line) = line.strip_prefix('!').map_or(("", line), |line| ("!", line));
        let deep = if line.trim_end_matches('/').contains('/') { "" } else { "**/" };
        format!("{mark}{deep}{}", line.trim_matches('/'))
    };
    lines.map(pattern).collect()
}
