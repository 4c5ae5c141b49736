//! What `up` does, and what it leaves alone.

use std::collections::BTreeSet;

use devenv::engine::reconcile::Goal;
use devenv::engine::{Action, Observed, ServiceState};

use crate::bench::{Bench, up};

const COMPLETED: ServiceState = ServiceState::Exited { code: 0 };

/// What a stack that runs as it shall is compared by.
fn ids<'a>(observed: &'a Observed, names: &[&str]) -> Vec<&'a str> {
    names.iter().map(|name| observed.services[*name].id.as_str()).collect()
}

pub(crate) async fn a_cold_up_starts_each_service_when_its_conditions_hold(bench: &mut Bench) {
    bench.sketch(
        "db: runs
         migrate: ends 0 after db healthy
         api: runs after migrate completed after db healthy
         web: runs after api started",
    );
    bench.up().await;
    assert_eq!(bench.running().await, ["api", "db", "web"]);
    assert_eq!(bench.state("migrate").await, Some(COMPLETED));
    let before = |name: &str| bench.engine.before(&Action::Start(name.into()));
    let (state, output) = &before("migrate")["db"];
    assert_eq!((state, output.as_slice()), (&ServiceState::Running, &["db says hello".to_owned()][..]));
    assert_eq!(before("api")["migrate"].0, COMPLETED);
    assert_eq!(before("web")["api"].0, ServiceState::Running);
    for service in bench.observe().await.services.into_values() {
        assert!(service.started_at > 0 || service.state != ServiceState::Running, "{service:?}");
    }
}

pub(crate) async fn up_twice_changes_nothing(bench: &mut Bench) {
    bench.sketch("db: runs\nmigrate: ends 0 after db healthy\napi: runs after migrate completed");
    bench.up().await;
    let before = bench.observe().await;
    assert_eq!(bench.steps(&up()).await, []);
    bench.up().await;
    assert_eq!(bench.observe().await, before);
}

pub(crate) async fn naming_a_service_brings_up_what_it_needs_and_nothing_else(bench: &mut Bench) {
    bench.sketch("db: runs\napi: runs after db healthy\nweb: runs after api healthy\nother: runs");
    bench.reach(&Goal::Up { only: BTreeSet::from(["api".to_owned()]) }).await;
    assert_eq!(bench.running().await, ["api", "db"]);
    bench.up().await;
    assert_eq!(bench.running().await, ["api", "db", "other", "web"]);
}

pub(crate) async fn a_changed_field_replaces_that_service_and_nothing_else(bench: &mut Bench) {
    bench.sketch("db: runs\napi: runs after db healthy\nweb: runs after api healthy");
    bench.up().await;
    let before = bench.observe().await;
    bench.sketch("db: runs\napi: runs version 2 after db healthy\nweb: runs after api healthy");
    let cause = "(changed: environment.VERSION)";
    let expected = ["remove", "create", "start"].map(|verb| format!("{verb} api {cause}"));
    assert_eq!(bench.changes(&up()).await, expected);
    bench.up().await;
    let after = bench.observe().await;
    assert_eq!(ids(&after, &["db", "web"]), ids(&before, &["db", "web"]));
    assert_ne!(ids(&after, &["api"]), ids(&before, &["api"]));
    assert_eq!(after.services["api"].fingerprint, bench.plan.services["api"].fingerprint);
    assert_eq!(bench.running().await, ["api", "db", "web"]);
    assert_eq!(bench.steps(&up()).await, []);
}

pub(crate) async fn an_orphan_is_removed_and_nothing_else_is_touched(bench: &mut Bench) {
    bench.sketch("db: runs\nold: runs after db healthy\nolder: ends 0");
    bench.up().await;
    let before = bench.observe().await;
    bench.sketch("db: runs");
    let removed = ["old", "older"].map(|name| format!("remove {name} (orphan: not in the manifest)"));
    assert_eq!(bench.changes(&up()).await, removed);
    bench.up().await;
    let after = bench.observe().await;
    assert_eq!(after.services.keys().collect::<Vec<_>>(), ["db"]);
    assert_eq!(ids(&after, &["db"]), ids(&before, &["db"]));
}

pub(crate) async fn a_service_that_ended_is_started_again(bench: &mut Bench) {
    bench.sketch("job: ends 0\ndb: runs");
    bench.up().await;
    bench.until_ended("job", 0).await;
    bench.until_output("job", "job says hello").await;
    let (db, first) = (bench.service("db").await, bench.life("job").await);
    assert_eq!(bench.touched(&up()).await, BTreeSet::from(["job (not running)".to_owned()]));
    bench.up().await;
    bench.until_ended("job", 0).await;
    bench.until_output("job", "job says hello").await;
    assert_ne!(bench.life("job").await, first);
    assert_eq!(bench.service("db").await, db);
}

pub(crate) async fn a_killed_service_is_started_again_and_nothing_else_is_touched(bench: &mut Bench) {
    bench.sketch("db: runs\napi: runs after db healthy");
    bench.up().await;
    let api = bench.service("api").await;
    bench.kill("db").await;
    assert_eq!(bench.running().await, ["api"]);
    assert_eq!(bench.touched(&up()).await, BTreeSet::from(["db (not running)".to_owned()]));
    bench.up().await;
    assert_eq!(bench.running().await, ["api", "db"]);
    assert_eq!(bench.service("api").await, api);
}

pub(crate) async fn a_one_shot_that_completed_gates_its_dependant_and_is_not_run_again(bench: &mut Bench) {
    bench.sketch("migrate: ends 0\napi: runs after migrate completed");
    bench.up().await;
    assert_eq!(bench.engine.before(&Action::Start("api".into()))["migrate"].0, COMPLETED);
    bench.kill("api").await;
    let migrate = bench.life("migrate").await;
    assert_eq!(bench.touched(&up()).await, BTreeSet::from(["api (not running)".to_owned()]));
    bench.up().await;
    assert_eq!(bench.life("migrate").await, migrate);
    assert_eq!(bench.running().await, ["api"]);
}
