//! One behaviour in one world: short words for what behaviours do, and an end that leaves nothing behind.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use devenv::engine::execute::{Outcome, execute};
use devenv::engine::reconcile::{Goal, reconcile};
use devenv::engine::{Action, Engine, EngineError, LogOptions, Observed, ObservedService, ServiceState, Step};
use devenv::event::{Event, Reporter};
use devenv::plan::{Plan, Project};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::sketch;
use crate::spy::Spy;
use crate::worlds::World;

/// Longer than any behaviour takes; what does not happen until then does not happen.
const PATIENCE: Duration = Duration::from_secs(240);

pub(crate) const STOP: Goal = Goal::Stop { only: std::collections::BTreeSet::new() };
pub(crate) const DOWN: Goal = Goal::Down { volumes: true };

pub(crate) struct Bench {
    pub(crate) world: Box<dyn World>,
    pub(crate) engine: Spy,
    pub(crate) plan: Plan,
    reporter: Reporter,
    events: UnboundedReceiver<Event>,
    /// Where the project is.
    _directory: tempfile::TempDir,
}

/// Runs a behaviour in a project of its own and removes everything of it afterwards, also when it fails.
pub(crate) async fn check(world: Option<Box<dyn World>>, behaviour: impl AsyncFnOnce(&mut Bench)) {
    let Some(world) = world else { return };
    let mut bench = Bench::new(world).await;
    let outcome = tokio::time::timeout(PATIENCE, AssertUnwindSafe(behaviour(&mut bench)).catch_unwind()).await;
    bench.clean().await;
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => panic!("the behaviour took too long"),
    }
    let traces = bench.world.traces(&bench.plan.project).await;
    assert_eq!(traces, Vec::<String>::new(), "left behind");
}

impl Bench {
    async fn new(world: Box<dyn World>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let directory = tempfile::tempdir().expect("a directory");
        let project = Project {
            name: "behaviour".into(),
            instance: format!("{:x}-{:x}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)),
            directory: directory.path().to_path_buf(),
            state: directory.path().join("state"),
        };
        let engine = Spy::new(world.engine().await);
        let (reporter, events) = Reporter::channel();
        let (services, networks, volumes) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let plan = Plan { project, engine: world.plans_for(), services, networks, volumes };
        Self { world, engine, plan, reporter, events, _directory: directory }
    }

    /// From now on this is what the stack shall be; see [`sketch::services`].
    pub(crate) fn sketch(&mut self, text: &str) {
        self.world.rehearse(&sketch::services(text));
        self.plan = sketch::plan(text, self.world.plans_for(), &self.plan.project);
    }

    /// What would be done.
    pub(crate) async fn steps(&self, goal: &Goal) -> Vec<Step> {
        reconcile(&self.plan, &self.observe().await, goal)
    }

    /// The same as text: verb, subject, cause, without providing and waiting, which act on nothing that runs.
    pub(crate) async fn changes(&self, goal: &Goal) -> Vec<String> {
        let steps = self.steps(goal).await;
        let acts =
            |step: &&Step| !matches!(step.action, Action::Provide(_) | Action::AwaitReady(_) | Action::AwaitExit(_));
        let line = |step: &Step| format!("{} {} ({})", step.action.verb(), step.action.subject(), step.cause);
        steps.iter().filter(acts).map(line).collect()
    }

    /// Which services would be touched, and why. Whether one that ended is started again or made anew is the plan's business.
    pub(crate) async fn touched(&self, goal: &Goal) -> BTreeSet<String> {
        let steps = self.steps(goal).await;
        steps.iter().filter(acts).map(|step| format!("{} ({})", step.action.subject(), step.cause)).collect()
    }

    /// Changes with each start of a service.
    pub(crate) async fn life(&self, name: &str) -> (String, usize) {
        (self.service(name).await.id, self.output(&[name], None).await.len())
    }

    /// Does what has to be done, and says how it went.
    pub(crate) async fn attempt(&self, goal: &Goal) -> Outcome {
        execute(&self.engine, &self.plan, &self.steps(goal).await, &self.reporter).await
    }

    /// Does what has to be done, which must succeed.
    pub(crate) async fn reach(&self, goal: &Goal) {
        let outcome = self.attempt(goal).await;
        assert!(outcome.failures.is_empty() && outcome.skipped == 0, "{goal:?}: {outcome:?}");
    }

    pub(crate) async fn up(&self) {
        self.reach(&up()).await;
    }

    pub(crate) async fn perform(&self, action: &Action) -> Result<(), EngineError> {
        self.engine.perform(&self.plan, action, &self.reporter).await
    }

    pub(crate) async fn observe(&self) -> Observed {
        self.engine.observe(&self.plan.project).await.expect("observed")
    }

    pub(crate) async fn service(&self, name: &str) -> ObservedService {
        let mut observed = self.observe().await;
        observed.services.remove(name).unwrap_or_else(|| panic!("no `{name}`: {observed:?}"))
    }

    pub(crate) async fn state(&self, name: &str) -> Option<ServiceState> {
        self.engine.state(&self.plan.project, name).await.expect("a state")
    }

    /// Names of what runs, by the look at everything and by the look at each.
    pub(crate) async fn running(&self) -> Vec<String> {
        let mut running = Vec::new();
        for (name, service) in self.observe().await.services {
            assert_eq!(self.state(&name).await.as_ref(), Some(&service.state), "{name}");
            running.extend((service.state == ServiceState::Running).then_some(name));
        }
        running
    }

    /// Waits until a service has ended so.
    pub(crate) async fn until_ended(&self, name: &str, code: i64) {
        self.until(name, async || self.state(name).await == Some(ServiceState::Exited { code })).await;
    }

    /// Waits until this is the last line that can be read of a service.
    pub(crate) async fn until_output(&self, name: &str, line: &str) {
        self.until(name, async || self.output(&[name], None).await.last().is_some_and(|last| last == line)).await;
    }

    /// Waits for what happens outside, where nobody can tell us but the very thing under test.
    async fn until(&self, name: &str, mut holds: impl AsyncFnMut() -> bool) {
        let waiting = async {
            while !holds().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(30), waiting).await.is_err() {
            panic!("never: {:?} {:?}", self.observe().await, self.output(&[name], None).await);
        }
    }

    pub(crate) async fn output(&self, names: &[&str], tail: Option<usize>) -> Vec<String> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let options = LogOptions { follow: false, tail };
        let lines = self.engine.logs(&self.plan.project, &names, options).await.expect("a stream");
        lines.map(|line| line.expect("a line").text).collect().await
    }

    /// SIGKILL from outside, and its effect.
    pub(crate) async fn kill(&self, name: &str) {
        let service = self.service(name).await;
        self.world.kill(&self.plan.project, name, &service).await;
        self.until_ended(name, 137).await;
    }

    /// Sentences of warning since the last look.
    pub(crate) fn warnings(&mut self) -> Vec<String> {
        let events = std::iter::from_fn(|| self.events.try_recv().ok());
        events.filter_map(|event| if let Event::Warning { message } = event { Some(message) } else { None }).collect()
    }

    /// With an engine of its own: the one under test may be what is broken.
    async fn clean(&self) {
        let engine = self.world.engine().await;
        let observed = engine.observe(&self.plan.project).await.expect("observed");
        let services = observed.services.into_keys().map(Action::Remove);
        let networks = observed.networks.into_iter().map(Action::RemoveNetwork);
        let volumes = observed.volumes.into_iter().map(Action::RemoveVolume);
        for action in services.chain(networks).chain(volumes) {
            if let Err(error) = engine.perform(&self.plan, &action, &self.reporter).await {
                tracing::error!(%error, "not cleaned");
            }
        }
    }
}

fn acts(step: &&Step) -> bool {
    !matches!(step.action, Action::Provide(_) | Action::AwaitReady(_) | Action::AwaitExit(_))
}

/// The goal of `devenv up`.
pub(crate) fn up() -> Goal {
    Goal::Up { only: BTreeSet::new() }
}
