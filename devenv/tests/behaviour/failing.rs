//! What one failure does to the others.

use devenv::engine::{EngineError, ServiceState};

use crate::bench::{Bench, up};

pub(crate) async fn a_failing_service_stops_only_what_waits_for_it_and_is_named_with_its_output(bench: &mut Bench) {
    bench.sketch(
        "db: fails 7
         api: runs after db healthy
         web: runs after api started
         cache: runs
         worker: runs after cache healthy",
    );
    let outcome = bench.attempt(&up()).await;
    assert_eq!(outcome.failures.len(), 1, "{outcome:?}");
    let failure = &outcome.failures[0];
    assert_eq!(failure.error.culprit(), Some("db"));
    assert!(matches!(&failure.error, EngineError::Ended { code: 7, .. }), "{}", failure.error);
    assert_eq!((failure.subject.as_str(), failure.log.as_slice()), ("db", &["db says sorry".to_owned()][..]));
    assert_eq!(outcome.skipped, 4, "start and await ready of api and of web");
    assert_eq!(bench.running().await, ["cache", "worker"]);
    for name in ["api", "web"] {
        assert_eq!(bench.state(name).await, Some(ServiceState::Created), "{name} is made and never started");
    }
}

pub(crate) async fn a_failed_one_shot_keeps_its_dependant_from_starting_and_is_told_once(bench: &mut Bench) {
    bench.sketch("migrate: ends 4\napi: runs after migrate completed\nweb: runs");
    let outcome = bench.attempt(&up()).await;
    let told: Vec<String> = outcome.failures.iter().map(|failure| failure.error.to_string()).collect();
    assert_eq!(told, ["service `migrate` ended with exit code 4 before it was ready"]);
    assert_eq!(bench.running().await, ["web"]);
    assert_eq!(bench.state("api").await, Some(ServiceState::Created));
}

pub(crate) async fn what_failed_is_tried_again_and_mended_by_a_change(bench: &mut Bench) {
    bench.sketch("db: fails 7\napi: runs after db healthy");
    assert_eq!(bench.attempt(&up()).await.failures.len(), 1);
    let (api, first) = (bench.service("api").await, bench.life("db").await);
    assert_eq!(bench.attempt(&up()).await.failures.len(), 1);
    assert_ne!(bench.life("db").await, first);
    bench.sketch("db: runs\napi: runs after db healthy");
    bench.up().await;
    assert_eq!(bench.running().await, ["api", "db"]);
    assert_eq!(bench.output(&["db"], None).await, ["db says hello"]);
    assert_eq!(bench.service("api").await.fingerprint, api.fingerprint);
}
