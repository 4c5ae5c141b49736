//! The processes of this machine.

use std::path::PathBuf;

use devenv::engine::embedded::Embedded;
use devenv::engine::{Engine, ObservedService};
use devenv::manifest::EngineName;
use devenv::plan::Project;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};

use super::World;

struct Machine;

pub(crate) async fn open() -> Option<Box<dyn World>> {
    Some(Box::new(Machine))
}

impl World for Machine {
    fn plans_for(&self) -> EngineName {
        EngineName::Embedded
    }

    fn engine(&self) -> BoxFuture<'_, Box<dyn Engine>> {
        let engine: Box<dyn Engine> = Box::new(Embedded::new(PathBuf::from(env!("CARGO_BIN_EXE_devenv"))));
        ready(engine).boxed()
    }

    fn kill<'a>(&'a self, _: &'a Project, _: &'a str, service: &'a ObservedService) -> BoxFuture<'a, ()> {
        let killed = tokio::process::Command::new("/bin/kill").args(["-9", &service.id]).status();
        async { assert!(killed.await.expect("/bin/kill").success()) }.boxed()
    }

    /// Processes by the mark in their environment, and records.
    fn traces<'a>(&'a self, project: &'a Project) -> BoxFuture<'a, Vec<String>> {
        let mark = format!("DEVENV_PROJECT={}", project.id());
        let processes = std::fs::read_dir("/proc").expect("/proc").flatten().filter(|entry| {
            let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        });
        let records = std::fs::read_dir(project.state.join("services")).into_iter().flatten().flatten();
        let traces = processes.chain(records).map(|entry| entry.path().display().to_string()).collect();
        ready(traces).boxed()
    }

    fn next_cut(&self, polls: usize) -> usize {
        polls + polls / 4 + 1
    }
}
