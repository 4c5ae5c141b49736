//! `devenv hook install`, `uninstall` and `status`.

use std::path::Path;

use serde_json::{Value, json};

use super::{MODE, configured};
use crate::cli::{Format, HookInstall, HookPlace};
use crate::commands::Failure;
use crate::commands::selection::absolute;
use crate::commands::session::Session;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::git::Repository;
use crate::git::hooks::{self, Call, HOOKS, State};
use crate::ui;

pub(super) fn install(args: &HookInstall) -> Result<Exit, Failure> {
    let place = &args.place;
    let repository = open(place)?;
    refuse_husky(&repository)?;
    let mode = args.mode.or(configured(&repository)?).unwrap_or_default();
    let call = Call {
        program: std::env::current_exe()?,
        project: repository.prefix.clone(),
        only_where_set: is_shared(&repository),
    };
    let mut rows = Vec::new();
    for hook in HOOKS {
        rows.push((hook, hooks::install(&repository, hook, &call)?));
    }
    repository.set(MODE, Some(mode.as_str()))?;
    show(&repository, (&rows, Some(mode.as_str())), place.format);
    if place.format == Format::Text {
        let shared = "these hooks serve other repositories, too: only where devenv.hookMode is set does devenv run";
        call.only_where_set.then(|| ui::print(shared));
        tests_nothing(place).into_iter().for_each(|line| ui::print(&line));
    }
    Ok(Exit::Success)
}

pub(super) fn uninstall(args: &HookPlace) -> Result<Exit, Failure> {
    let repository = Repository::open(&absolute(&args.dir)?)?;
    let mut removed = Vec::new();
    for hook in HOOKS {
        if hooks::uninstall(&repository, hook)? {
            removed.push(hook);
        }
    }
    repository.set(MODE, None)?;
    match args.format {
        Format::Json => ui::print(&json!({ "removed": removed }).to_string()),
        Format::Text if removed.is_empty() => ui::print("nothing was installed"),
        Format::Text => ui::print(&format!("{}: as before", removed.join(", "))),
    }
    Ok(Exit::Success)
}

pub(super) fn status(args: &HookPlace) -> Result<Exit, Failure> {
    let repository = Repository::open(&absolute(&args.dir)?)?;
    let rows = HOOKS.map(|hook| (hook, hooks::state(&repository.hooks.join(hook))));
    let mode = configured(&repository)?;
    show(&repository, (&rows, mode.map(crate::cli::Mode::as_str)), args.format);
    Ok(Exit::Success)
}

/// The repository around the project's manifest, wherever below it the user is.
fn open(args: &HookPlace) -> Result<Repository, Failure> {
    let located = crate::stack::locate(&absolute(&args.dir)?, &[])?;
    Ok(Repository::open(&located.directory)?)
}

/// husky writes its directory anew with each installation of packages.
fn refuse_husky(repository: &Repository) -> Result<(), Failure> {
    if !repository.hooks.ends_with(Path::new(".husky/_")) {
        return Ok(());
    }
    let text = "husky has the hooks of this repository, and would overwrite what is put there";
    Err(Failure::with_help(Exit::Usage, text, "add the lines of `devenv hook snippet husky` to its files"))
}

/// Whether `core.hooksPath` leads out of this repository.
fn is_shared(repository: &Repository) -> bool {
    let hooks = repository.hooks.canonicalize().unwrap_or_else(|_| repository.hooks.clone());
    let common = repository.common.canonicalize().unwrap_or_else(|_| repository.common.clone());
    !hooks.starts_with(&repository.top) && !hooks.starts_with(common)
}

/// A word about a project whose hooks would have nothing to do.
fn tests_nothing(args: &HookPlace) -> Option<String> {
    let (reporter, _events) = Reporter::channel();
    let stack = crate::cli::StackArgs { dir: args.dir.clone(), ..crate::cli::StackArgs::default() };
    let session = Session::open(&stack, &reporter).ok()?;
    let text = "devenv.yaml names no access rules yet, so there is nothing to test: see `devenv test init`";
    session.manifest.tests.is_none().then(|| text.to_owned())
}

fn show(repository: &Repository, (rows, mode): (&[(&str, State)], Option<&str>), format: Format) {
    let path = |hook: &str| repository.hooks.join(hook).display().to_string();
    match format {
        Format::Json => {
            let row = |(hook, state): &(&str, State)| json!({ "hook": hook, "installed": *state != State::Absent, "how": state.as_str(), "path": path(hook) });
            let hooks: Vec<Value> = rows.iter().map(row).collect();
            ui::print(&json!({ "mode": mode, "hooks": hooks }).to_string());
        }
        Format::Text => {
            for (hook, state) in rows {
                ui::print(&format!("{hook}: {} ({})", state.as_str(), path(hook)));
            }
            let block = "a finding stops the commit or push (`--no-verify` passes it once)";
            match mode {
                Some("warn") => ui::print("mode warn: findings are told and stop nothing"),
                Some(_) => ui::print(&format!("mode block: {block}")),
                None => ui::print(&format!("no mode is set: {block}")),
            }
        }
    }
}
