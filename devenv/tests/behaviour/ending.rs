//! What `stop`, `kill` and `down` do.

use std::collections::BTreeSet;

use devenv::engine::reconcile::Goal;
use devenv::engine::{Action, Observed, ServiceState};

use crate::bench::{Bench, DOWN, STOP, up};
use crate::spy::Seen;

const TERMINATED: Option<ServiceState> = Some(ServiceState::Exited { code: 143 });
const KILLED: Option<ServiceState> = Some(ServiceState::Exited { code: 137 });

pub(crate) async fn stop_leaves_everything_to_be_started_again(bench: &mut Bench) {
    bench.sketch("db: runs\nmigrate: ends 0 after db healthy\napi: runs after migrate completed");
    bench.up().await;
    let before = bench.observe().await;
    bench.reach(&STOP).await;
    assert_eq!((bench.state("api").await, bench.state("db").await), (TERMINATED, TERMINATED));
    let stopped = bench.observe().await;
    assert_eq!((&stopped.networks, &stopped.volumes), (&before.networks, &before.volumes));
    assert_eq!(bench.steps(&STOP).await, []);
    let lives = (bench.life("db").await, bench.life("migrate").await);
    let touched = ["api (not running)", "db (not running)"].map(str::to_owned);
    assert_eq!(bench.touched(&up()).await, BTreeSet::from(touched));
    bench.up().await;
    assert_eq!(bench.running().await, ["api", "db"]);
    for (name, service) in &bench.observe().await.services {
        assert_eq!(service.fingerprint, before.services[name].fingerprint);
    }
    assert_ne!(bench.life("db").await, lives.0);
    assert_eq!(bench.life("migrate").await, lives.1);
}

pub(crate) async fn dependants_end_before_what_they_depend_on(bench: &mut Bench) {
    bench.sketch("db: runs\napi: runs after db healthy\nweb: runs after api started");
    bench.up().await;
    bench.reach(&DOWN).await;
    let before = |name: &str| bench.engine.before(&Action::Stop(name.into()));
    assert_eq!(before("web")["api"].0, ServiceState::Running);
    // What has ended may be removed at the same time.
    let runs = |seen: Seen, name: &str| seen.get(name).is_some_and(|(state, _)| *state == ServiceState::Running);
    assert!(!runs(before("api"), "web") && runs(before("api"), "db"));
    assert!(!runs(before("db"), "api"));
}

pub(crate) async fn a_service_that_ignores_its_stop_signal_is_killed_and_named(bench: &mut Bench) {
    bench.sketch("deaf: runs-deaf\ndb: runs");
    bench.up().await;
    bench.reach(&STOP).await;
    assert_eq!((bench.state("deaf").await, bench.state("db").await), (KILLED, TERMINATED));
    let warnings = bench.warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("`deaf`"), "{warnings:?}");
}

pub(crate) async fn kill_waits_for_nobody(bench: &mut Bench) {
    bench.sketch("deaf: runs-deaf\ndb: runs\napi: runs after db healthy\nmigrate: ends 0");
    bench.up().await;
    bench.until_ended("migrate", 0).await;
    bench.reach(&Goal::Kill).await;
    assert_eq!(bench.running().await, Vec::<String>::new());
    assert_eq!(bench.state("deaf").await, KILLED);
    assert_eq!(bench.steps(&Goal::Kill).await, []);
    bench.up().await;
    assert_eq!(bench.observe().await.services.len(), 4);
    bench.reach(&Goal::Kill).await;
    bench.reach(&DOWN).await;
    assert_eq!(bench.observe().await, Observed::default());
}

pub(crate) async fn down_leaves_nothing_also_when_run_twice(bench: &mut Bench) {
    bench.sketch("db: runs\nmigrate: ends 0\napi: runs after db healthy after migrate completed\ndeaf: runs-deaf");
    bench.up().await;
    for _ in 0..2 {
        bench.reach(&DOWN).await;
        assert_eq!(bench.observe().await, Observed::default());
        assert_eq!(bench.world.traces(&bench.plan.project).await, Vec::<String>::new());
        assert_eq!(bench.steps(&DOWN).await, []);
    }
    bench.up().await;
    assert_eq!(bench.running().await, ["api", "db", "deaf"]);
}

pub(crate) async fn volumes_outlive_a_down_that_does_not_ask_for_them(bench: &mut Bench) {
    bench.sketch("db: runs");
    bench.up().await;
    bench.reach(&Goal::Down { volumes: false }).await;
    let left = Observed { volumes: bench.plan.volumes.keys().cloned().collect(), ..Observed::default() };
    assert_eq!(bench.observe().await, left);
    bench.reach(&DOWN).await;
    assert_eq!(bench.observe().await, Observed::default());
}
