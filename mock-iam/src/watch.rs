//! Looks at the policy files again and again, so that an edit decides without a restart.
//!
//! Polling, because change notifications do not cross a container's bind mount on every system, and editors replace
//! files rather than change them. Must not know what a policy means.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

use crate::config::{Policies, PolicyDirectory, SourceFile};
use crate::policy::{Engine, PolicyErrors, PolicyProblem};
use crate::state::State;

/// How often files are looked at. An edit is read when two looks in a row see the same, which a half-written file rarely
/// survives: at most half a second from edit to decision.
const INTERVAL: Duration = Duration::from_millis(150);

/// After so many looks contents are read whatever the times say: clocks are coarse, and one tick can hold two edits.
const READ_ANYWAY: u32 = 6;

/// What can be seen of a directory without reading its files.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Look(Vec<(String, Option<SystemTime>, u64)>);

/// Watches until the future is dropped.
pub(crate) async fn watch(state: State, directory: PolicyDirectory) {
    let mut known = known(&state.policies().engine());
    let mut before: Option<Look> = None;
    let mut seen: Option<Look> = None;
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for look_number in 0_u32.. {
        ticks.tick().await;
        let now = look(&directory.path).ok();
        let settled = now == before;
        let changed = now != seen || look_number.checked_rem(READ_ANYWAY) == Some(0);
        before.clone_from(&now);
        if settled && changed {
            seen = now;
            let (state, directory, last) = (state.clone(), directory.clone(), known.clone());
            let loaded = tokio::task::spawn_blocking(move || reload(&state, &directory, &last)).await;
            known = loaded.unwrap_or(known);
        }
    }
}

/// Names a content that was looked at, whether it was sound or not.
type Known = Result<String, PolicyErrors>;

fn known(engine: &Engine) -> Known {
    Ok(engine.hash().to_owned())
}

/// Reads the files and puts them in force when they differ from what was read last.
fn reload(state: &State, directory: &PolicyDirectory, last: &Known) -> Known {
    let start = Instant::now();
    let result = match read(directory) {
        Ok(policies) if last.as_ref().is_ok_and(|hash| *hash == Engine::hash_of(&policies)) => return last.clone(),
        Ok(policies) => Engine::new(&policies),
        Err(errors) => Err(errors),
    };
    let now_known = result.as_ref().map(|engine| engine.hash().to_owned()).map_err(Clone::clone);
    if now_known == *last {
        return now_known;
    }
    match &result {
        Ok(engine) => {
            engine.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
            tracing::info!(policy_hash = engine.hash(), policies = engine.policies().len(), "policies reloaded");
        }
        Err(errors) => {
            errors.0.iter().for_each(|problem| tracing::error!("{problem}"));
            tracing::error!("the policies are wrong, so the last good set stays in force");
        }
    }
    state.policies().edited(result, (Timestamp::now(), start.elapsed()));
    now_known
}

/// All `*.cedar` files of a directory and its `*.cedarschema`, sorted by name.
///
/// # Errors
/// A directory or file that cannot be read, or no policy file at all: as a problem like any other.
pub(crate) fn read(directory: &PolicyDirectory) -> Result<Policies, PolicyErrors> {
    let mut policies = Policies::default();
    let names = names(&directory.path).map_err(|error| unreadable(&directory.name, &error))?;
    for name in names {
        let shown = Path::new(&directory.name).join(&name).display().to_string();
        let text = std::fs::read_to_string(directory.path.join(&name)).map_err(|error| unreadable(&shown, &error))?;
        let file = SourceFile { name: shown, text };
        if name.ends_with(".cedar") { policies.files.push(file) } else { policies.schema = Some(file) }
    }
    if policies.files.is_empty() {
        // An empty directory is how an engine mounts a path that it does not have.
        let message = "there is no `*.cedar` file".to_owned();
        return Err(PolicyErrors(vec![PolicyProblem::of_file(&directory.name, message)]));
    }
    Ok(policies)
}

fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = std::fs::read_dir(directory)?.collect::<io::Result<Vec<_>>>()?;
    let names = entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| is_ours(name)).collect();
    names.sort();
    Ok(names)
}

/// Editors keep hidden copies beside a file.
fn is_ours(name: &str) -> bool {
    !name.starts_with('.') && (name.ends_with(".cedar") || name.ends_with(".cedarschema"))
}

fn look(directory: &Path) -> io::Result<Look> {
    let files = names(directory)?.into_iter().map(|name| {
        let metadata = std::fs::metadata(directory.join(&name))?;
        Ok((name, metadata.modified().ok(), metadata.len()))
    });
    files.collect::<io::Result<Vec<_>>>().map(Look)
}

fn unreadable(name: &str, error: &io::Error) -> PolicyErrors {
    PolicyErrors(vec![PolicyProblem::of_file(name, format!("cannot be read: {error}"))])
}
