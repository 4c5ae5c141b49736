//! `devenv gc`: what projects left behind whose directory is gone. Lists; removes only with `--force`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::cli::{Format, Gc};
use crate::commands::Failure;
use crate::commands::session::{environment, mixed, processes};
use crate::engine::docker::Docker;
use crate::engine::execute::execute;
use crate::engine::reconcile::{Goal, reconcile};
use crate::engine::{Engine, EngineError, Observed};
use crate::event::{Event, Reporter};
use crate::exit::Exit;
use crate::manifest::EngineName;
use crate::plan::{Plan, Project};
use crate::stack::{self, Keep, Record};
use crate::ui::{self, Table, Ui};

/// A project whose directory is gone, and what is left of it.
struct Lost {
    project: Project,
    observed: Observed,
    has_state: bool,
}

pub(super) async fn run(args: Gc) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = collect(&args, ui.reporter()).await;
    ui.finish().await;
    let lost = result?;
    show(&lost, &args);
    Ok(Exit::Success)
}

async fn collect(args: &Gc, reporter: &Reporter) -> Result<Vec<Lost>, Failure> {
    let environment = environment();
    let home = stack::state_home(&environment).join("devenv");
    let mut found: BTreeMap<String, PathBuf> = recorded(&home);
    found.extend(stack::claims(&home));
    let docker = match Docker::connect(&environment).await {
        // What another machine holds belongs to directories of that machine.
        Ok(docker) if !docker.is_local() => {
            reporter
                .report(Event::Note { message: "the Docker engine is on another machine and was left alone".into() });
            None
        }
        Ok(docker) => Some(docker),
        Err(EngineError::Unreachable { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    if let Some(docker) = &docker {
        found.extend(docker.projects().await?);
    }
    let engine: Box<dyn Engine> = match docker {
        Some(docker) => mixed(docker)?,
        None => Box::new(processes()?),
    };
    let mut lost = Vec::new();
    for (id, directory) in found.into_iter().filter(|(_, directory)| !directory.exists()) {
        let Some((name, instance)) = id.rsplit_once('-') else { continue };
        let state = home.join(&id);
        let project = Project { name: name.into(), instance: instance.into(), directory, state };
        let observed = engine.observe(&project).await?;
        let has_state = project.state.is_dir();
        let left = Lost { project, observed, has_state };
        if args.force {
            remove(engine.as_ref(), &left, reporter).await?;
        }
        lost.push(left);
    }
    Ok(lost)
}

/// The projects that have a state directory, as far as it says whose it is.
fn recorded(home: &Path) -> BTreeMap<String, PathBuf> {
    let entries = std::fs::read_dir(home).into_iter().flatten().filter_map(Result::ok);
    let project = |entry: std::fs::DirEntry| {
        let id = entry.file_name().into_string().ok()?;
        let nobody =
            Project { name: String::new(), instance: String::new(), directory: PathBuf::new(), state: entry.path() };
        let directory = Record::read(&nobody)?.directory;
        (!directory.as_os_str().is_empty()).then_some((id, directory))
    };
    entries.filter(|entry| entry.path().is_dir()).filter_map(project).collect()
}

async fn remove(engine: &dyn Engine, lost: &Lost, reporter: &Reporter) -> Result<(), Failure> {
    let plan = Plan {
        project: lost.project.clone(),
        engine: EngineName::Docker,
        services: BTreeMap::new(),
        networks: BTreeMap::new(),
        volumes: BTreeMap::new(),
    };
    let steps = reconcile(&plan, &lost.observed, &Goal::Down { volumes: true });
    let outcome = execute(engine, &plan, &steps, reporter).await;
    if !outcome.failures.is_empty() {
        return Err(Failure::of_steps(outcome.failures));
    }
    if lost.has_state {
        std::fs::remove_dir_all(&lost.project.state)?;
    }
    stack::forget(&lost.project, Keep::Nothing);
    Ok(())
}

fn show(lost: &[Lost], args: &Gc) {
    let names = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    if args.format == Format::Json {
        let rows = lost.iter().map(|lost| {
            serde_json::json!({
                "project": lost.project.id(),
                "directory": lost.project.directory,
                "services": lost.observed.services.keys().collect::<Vec<_>>(),
                "networks": lost.observed.networks,
                "volumes": lost.observed.volumes,
                "state": lost.has_state.then_some(&lost.project.state),
                "removed": args.force,
            })
        });
        ui::print(&rows.collect::<serde_json::Value>().to_string());
        return;
    }
    if lost.is_empty() {
        ui::print("nothing is left of projects whose directory is gone");
        return;
    }
    let mut table = Table::new(&["project", "directory", "services", "networks", "volumes", "state"]);
    for lost in lost {
        let services: BTreeSet<String> = lost.observed.services.keys().cloned().collect();
        table.row([
            lost.project.id(),
            lost.project.directory.display().to_string(),
            names(&services),
            names(&lost.observed.networks),
            names(&lost.observed.volumes),
            if lost.has_state { "yes".to_owned() } else { String::new() },
        ]);
    }
    ui::print(&table.render());
    ui::print(if args.force { "\nremoved" } else { "\nnothing was removed: `devenv gc --force` removes all of it" });
}
