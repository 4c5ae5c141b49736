//! The world of the engine of memory.

use devenv::engine::fake::{Fake, Part};
use devenv::engine::{Engine, ObservedService};
use devenv::manifest::EngineName;
use devenv::plan::Project;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};

use super::World;
use crate::sketch::{Does, Sketched};

struct Memory(Fake);

pub(crate) async fn open() -> Option<Box<dyn World>> {
    Some(Box::new(Memory(Fake::default())))
}

impl World for Memory {
    fn plans_for(&self) -> EngineName {
        EngineName::Docker
    }

    fn engine(&self) -> BoxFuture<'_, Box<dyn Engine>> {
        let engine: Box<dyn Engine> = Box::new(self.0.clone());
        ready(engine).boxed()
    }

    fn rehearse(&self, services: &[Sketched<'_>]) {
        for service in services {
            let part = match service.does {
                Does::Run => Part::default(),
                Does::RunDeaf => Part { deaf: true, ..Part::default() },
                Does::End(code) => Part { ends: Some(code), ..Part::default() },
                Does::Fail(code) => Part { ends: Some(code), says: "sorry".into(), ..Part::default() },
            };
            self.0.play(service.name, part);
        }
    }

    fn kill<'a>(&'a self, project: &'a Project, name: &'a str, _: &'a ObservedService) -> BoxFuture<'a, ()> {
        self.0.kill(project, name);
        ready(()).boxed()
    }

    fn traces<'a>(&'a self, project: &'a Project) -> BoxFuture<'a, Vec<String>> {
        async {
            let observed = self.0.observe(project).await.expect("observed");
            observed.services.into_keys().chain(observed.networks).chain(observed.volumes).collect()
        }
        .boxed()
    }

    fn next_cut(&self, polls: usize) -> usize {
        polls + 1
    }
}
