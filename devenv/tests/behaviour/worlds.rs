//! The three worlds that an engine acts on, each looked at and disturbed without that engine. Must not know behaviours.

use devenv::engine::{Engine, ObservedService};
use devenv::manifest::EngineName;
use devenv::plan::Project;
use futures_util::future::BoxFuture;

use crate::sketch::Sketched;

#[path = "worlds/docker.rs"]
pub(crate) mod docker;
#[path = "worlds/embedded.rs"]
pub(crate) mod embedded;
#[path = "worlds/fake.rs"]
pub(crate) mod fake;

/// How a behaviour reaches one kind of world.
pub(crate) trait World: Send + Sync {
    /// What plans are resolved for.
    fn plans_for(&self) -> EngineName;

    /// An engine value that has seen nothing yet.
    fn engine(&self) -> BoxFuture<'_, Box<dyn Engine>>;

    /// Is told what services will do, where no shell runs that does it.
    fn rehearse(&self, _services: &[Sketched<'_>]) {}

    /// SIGKILL from outside, as the kernel does when memory runs out.
    fn kill<'a>(&'a self, project: &'a Project, name: &'a str, service: &'a ObservedService) -> BoxFuture<'a, ()>;

    /// Everything of a project that is left, seen without the engine.
    fn traces<'a>(&'a self, project: &'a Project) -> BoxFuture<'a, Vec<String>>;

    /// After how many polls a future is dropped next, after it was dropped after so many: each point of a world that
    /// costs nothing, some points of one that takes time.
    fn next_cut(&self, polls: usize) -> usize;
}
