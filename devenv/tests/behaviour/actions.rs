//! Single actions: taking one that is already done is no error and changes nothing.

use devenv::engine::{Action, Observed, ServiceState};

use crate::bench::{Bench, DOWN, up};

/// Takes each action of the way to a goal twice, in order; waiting is not the engine's.
async fn twice(bench: &Bench, steps: Vec<devenv::engine::Step>) {
    for step in steps {
        for time in ["first", "second"] {
            let action = &step.action;
            bench
                .perform(action)
                .await
                .unwrap_or_else(|error| panic!("{} {}, the {time} time: {error}", action.verb(), action.subject()));
        }
    }
}

pub(crate) async fn every_action_may_be_taken_twice(bench: &mut Bench) {
    bench.sketch("db: runs\ndeaf: runs-deaf\nend: runs");
    twice(bench, bench.steps(&up()).await).await;
    assert_eq!(bench.running().await, ["db", "deaf", "end"]);
    let db = bench.service("db").await;
    bench.perform(&Action::Start("db".into())).await.expect("it runs already");
    assert_eq!(bench.service("db").await, db);
    for _ in 0..2 {
        bench.perform(&Action::Kill("end".into())).await.expect("killed");
    }
    assert_eq!(bench.running().await, ["db", "deaf"]);
    twice(bench, bench.steps(&DOWN).await).await;
    assert_eq!(bench.observe().await, Observed::default());
}

pub(crate) async fn what_is_not_there_can_be_ended_and_removed(bench: &mut Bench) {
    bench.sketch("db: runs");
    let ends = [Action::Stop, Action::Kill, Action::Remove, Action::RemoveNetwork, Action::RemoveVolume];
    for name in ["db", "unknown"] {
        for end in ends {
            bench.perform(&end(name.into())).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
    assert_eq!(bench.observe().await, Observed::default());
    let steps = bench.steps(&up()).await;
    for step in steps.iter().filter(|step| !matches!(step.action, Action::Start(_))) {
        bench.perform(&step.action).await.expect("made");
    }
    for end in [Action::Stop, Action::Kill] {
        bench.perform(&end("db".into())).await.expect("it does not run");
    }
    assert_eq!(bench.state("db").await, Some(ServiceState::Created), "what never ran has not ended either");
}

pub(crate) async fn what_is_not_in_the_plan_cannot_be_made(bench: &mut Bench) {
    for make in [Action::Provide, Action::Create, Action::Start] {
        let error = bench.perform(&make("unknown".into())).await.expect_err("it is unknown").to_string();
        assert!(error.starts_with("service `unknown`: it is not in the plan"), "{error}");
    }
    bench.sketch("db: runs");
    bench.perform(&Action::Start("db".into())).await.expect_err("it was not made");
    assert_eq!(bench.observe().await, Observed::default());
}
