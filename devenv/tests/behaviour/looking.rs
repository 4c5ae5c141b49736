//! What is seen of a stack, and by whom.

use devenv::engine::{Engine as _, LogOptions, Observed};
use futures_util::StreamExt as _;

use crate::bench::{Bench, DOWN, STOP, up};
use crate::spy::Spy;

pub(crate) async fn another_engine_value_sees_the_same_and_can_go_on(bench: &mut Bench) {
    bench.sketch("db: runs\nmigrate: ends 0\napi: runs after migrate completed");
    bench.up().await;
    let before = bench.observe().await;
    bench.engine = Spy::new(bench.world.engine().await);
    assert_eq!(bench.observe().await, before);
    assert_eq!(bench.steps(&up()).await, []);
    bench.kill("db").await;
    bench.up().await;
    assert_eq!(bench.running().await, ["api", "db"]);
    bench.engine = Spy::new(bench.world.engine().await);
    bench.reach(&DOWN).await;
    assert_eq!(bench.observe().await, Observed::default());
}

pub(crate) async fn output_is_read_back_and_lives_as_long_as_the_service(bench: &mut Bench) {
    bench.sketch("db: runs\napi: runs");
    bench.up().await;
    assert_eq!(bench.output(&["db"], None).await, ["db says hello"]);
    let mut both = bench.output(&["db", "api"], None).await;
    both.sort();
    assert_eq!(both, ["api says hello", "db says hello"]);
    bench.reach(&STOP).await;
    assert_eq!(bench.output(&["db"], None).await, ["db says hello"]);
    assert_eq!(bench.output(&["db"], Some(1)).await, ["db says hello"]);
    assert_eq!(bench.output(&["db"], Some(0)).await, Vec::<String>::new());
    bench.reach(&DOWN).await;
    assert_eq!(bench.output(&["db"], None).await, Vec::<String>::new());
}

pub(crate) async fn an_unknown_service_has_no_state_and_no_output(bench: &mut Bench) {
    assert_eq!(bench.observe().await, Observed::default());
    bench.sketch("db: runs");
    for name in ["db", "unknown"] {
        assert_eq!(bench.state(name).await, None);
        assert_eq!(bench.output(&[name], None).await, Vec::<String>::new());
    }
    bench.up().await;
    assert_eq!(bench.state("unknown").await, None);
}

pub(crate) async fn projects_do_not_see_each_other(bench: &mut Bench) {
    bench.sketch("db: runs");
    bench.up().await;
    let before = bench.observe().await;
    // A work tree whose name begins as ours does.
    let ours = bench.plan.clone();
    let mut other = ours.clone();
    other.project.instance.push('0');
    other.project.state = ours.project.directory.join("other");
    assert_eq!(bench.engine.observe(&other.project).await.expect("observed"), Observed::default());
    assert_eq!(bench.engine.state(&other.project, "db").await.expect("a state"), None);
    let names = ["db".to_owned()];
    let lines = bench.engine.logs(&other.project, &names, LogOptions::default()).await.expect("a stream");
    assert_eq!(lines.count().await, 0);
    bench.plan = other;
    bench.reach(&DOWN).await;
    bench.perform(&devenv::engine::Action::Remove("db".into())).await.expect("nothing there");
    bench.plan = ours;
    assert_eq!(bench.observe().await, before);
}
