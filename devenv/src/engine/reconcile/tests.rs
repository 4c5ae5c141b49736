//! Text in, text out: a sketch of plan and observation, and the steps as lines.

use std::fmt::Write as _;

use super::*;
use crate::engine::fake::sketch::{observed, plan};

fn steps(plan: &Plan, observed: &Observed, goal: &Goal) -> String {
    let mut out = String::new();
    for (index, step) in reconcile(plan, observed, goal).iter().enumerate() {
        let after: Vec<String> = step.after.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            out,
            "{index} {} {} ({}) [{}]",
            step.action.verb(),
            step.action.subject(),
            step.cause,
            after.join(" ")
        );
    }
    out
}

fn up() -> Goal {
    Goal::Up { only: BTreeSet::new() }
}

#[test]
fn a_cold_start_makes_everything_at_once_and_starts_each_when_its_conditions_hold() {
    let plan = plan("db: ready\napi: after db healthy");
    assert_eq!(
        steps(&plan, &observed(&plan, ""), &up()),
        "0 create network default (missing) []\n\
         1 provide db (missing) []\n\
         2 create db (missing) [0 1]\n\
         3 start db (missing) [2]\n\
         4 await ready db (missing) [3]\n\
         5 provide api (missing) []\n\
         6 create api (missing) [0 5]\n\
         7 start api (missing) [4 6]\n\
         8 await ready api (missing) [7]\n"
    );
}

#[test]
fn what_runs_as_planned_is_left_alone() {
    let plan = plan("db: ready\napi: after db healthy");
    assert_eq!(steps(&plan, &observed(&plan, "db running\napi running"), &up()), "");
}

#[test]
fn a_changed_service_alone_is_replaced_and_the_changed_field_is_named() {
    let plan = plan("db: ready\napi: after db healthy");
    assert_eq!(
        steps(&plan, &observed(&plan, "db running\napi running changed"), &up()),
        "0 provide api (changed: image) []\n\
         1 remove api (changed: image) [0]\n\
         2 create api (changed: image) [0 1]\n\
         3 await ready db (`api` waits for it) []\n\
         4 start api (changed: image) [2 3]\n\
         5 await ready api (changed: image) [4]\n"
    );
}

#[test]
fn a_service_that_lives_in_anothers_network_namespace_follows_its_replacement() {
    let plan = plan("relay:\napi: in relay");
    assert_eq!(
        steps(&plan, &observed(&plan, "relay running changed\napi running"), &up()),
        "0 provide relay (changed: image) []\n\
         1 remove relay (changed: image) [0]\n\
         2 create relay (changed: image) [0 1]\n\
         3 start relay (changed: image) [2]\n\
         4 await ready relay (changed: image) [3]\n\
         5 provide api (`relay` is replaced) []\n\
         6 remove api (`relay` is replaced) [5]\n\
         7 create api (`relay` is replaced) [2 5 6]\n\
         8 start api (`relay` is replaced) [3 7]\n\
         9 await ready api (`relay` is replaced) [8]\n"
    );
}

#[test]
fn a_service_that_has_done_its_work_is_not_started_again() {
    let plan = plan("migrate:\napi: after migrate completed");
    assert_eq!(steps(&plan, &observed(&plan, "migrate exited 0\napi running"), &up()), "");
    assert!(
        steps(&plan, &observed(&plan, "migrate exited 1\napi running"), &up()).contains("start migrate (not running)")
    );
}

#[test]
fn a_service_that_is_awaited_to_complete_is_waited_for_once() {
    let plan = plan("migrate:\napi: after migrate completed");
    let text = steps(&plan, &observed(&plan, ""), &up());
    assert!(text.contains("4 await exit migrate (missing) [3]\n") && !text.contains("await ready migrate"), "{text}");
    assert!(text.contains("start api (missing) [4 6]"), "{text}");
}

#[test]
fn what_the_manifest_forgot_is_removed_unless_only_some_services_were_named() {
    let plan = plan("api:");
    let observed = observed(&plan, "api running\nold running");
    assert_eq!(steps(&plan, &observed, &up()), "0 remove old (orphan: not in the manifest) []\n");
    assert_eq!(steps(&plan, &observed, &Goal::Up { only: BTreeSet::from(["api".to_owned()]) }), "");
}

#[test]
fn naming_a_service_brings_up_what_it_needs_and_nothing_else() {
    let plan = plan("db: ready\napi: after db healthy\nweb: after api started");
    let text = steps(&plan, &observed(&plan, ""), &Goal::Up { only: BTreeSet::from(["api".to_owned()]) });
    assert!(text.contains("start db") && text.contains("start api") && !text.contains("web"), "{text}");
}

#[test]
fn a_left_over_without_supervisor_is_removed_before_it_is_made_again() {
    let plan = plan("api:");
    let text = steps(&plan, &observed(&plan, "api orphaned"), &up());
    assert!(text.contains("remove api (not running)") && text.contains("create api (not running)"), "{text}");
}

#[test]
fn down_ends_dependants_first_and_keeps_volumes_unless_asked() {
    let plan = plan("db: ready volume\napi: after db healthy");
    let observed = observed(&plan, "db running\napi running");
    assert_eq!(
        steps(&plan, &observed, &Goal::Down { volumes: false }),
        "0 stop api (requested) []\n\
         1 stop db (requested) [0]\n\
         2 remove api (requested) [0]\n\
         3 remove db (requested) [1 2]\n\
         4 remove network default (requested) [2 3]\n"
    );
    let text = steps(&plan, &observed, &Goal::Down { volumes: true });
    assert!(text.ends_with("5 remove volume data (requested) [2 3]\n"), "{text}");
}

#[test]
fn what_an_interrupted_run_left_unproven_is_waited_for() {
    let plan = plan("db: ready\napi: after db healthy\nweb:");
    let mut observed = observed(&plan, "db running\napi running\nweb running");
    observed.unproven = BTreeSet::from(["db".to_owned(), "web".to_owned()]);
    assert_eq!(
        steps(&plan, &observed, &up()),
        "0 await ready db (runs, but was not seen ready) []\n",
        "web has no test"
    );
}

#[test]
fn stop_leaves_everything_to_be_started_again() {
    let plan = plan("api:");
    assert_eq!(
        steps(&plan, &observed(&plan, "api running"), &Goal::Stop { only: BTreeSet::new() }),
        "0 stop api (requested) []\n"
    );
}

#[test]
fn killing_waits_for_nobody_and_leaves_what_has_ended_alone() {
    let plan = plan("db: ready\napi: after db healthy\nold:");
    let observed = observed(&plan, "db running\napi orphaned\nold exited 0");
    assert_eq!(steps(&plan, &observed, &Goal::Kill), "0 kill api (requested) []\n1 kill db (requested) []\n");
}

#[test]
fn a_container_with_files_in_memory_is_made_anew_instead_of_started_again() {
    let mut plan = plan("db:");
    let observed = observed(&plan, "db exited 0");
    assert_eq!(steps(&plan, &observed, &up()), "0 start db (not running) []\n1 await ready db (not running) [0]\n");
    plan.services.get_mut("db").unwrap().tmpfs.insert("/data".into(), "mode=1777".into());
    assert_eq!(
        steps(&plan, &observed, &up()),
        "0 provide db (not running) []\n\
         1 remove db (not running) [0]\n\
         2 create db (not running) [0 1]\n\
         3 start db (not running) [2]\n\
         4 await ready db (not running) [3]\n"
    );
}

#[test]
fn a_service_that_runs_differently_from_how_it_was_made_has_drifted() {
    let mut plan = plan("db:");
    plan.services.get_mut("db").unwrap().network = crate::plan::ServiceNetwork::Networks(vec!["default".into()]);
    let name = plan.networks["default"].name.clone();
    let mut observed = observed(&plan, "db running");
    let found = |networks: &[&str]| Some(networks.iter().map(|name| (*name).to_owned()).collect());
    let db =
        |observed: &mut Observed, networks| observed.services.get_mut("db").unwrap().circumstances.networks = networks;
    db(&mut observed, found(&[&name]));
    assert_eq!(steps(&plan, &observed, &up()), "");
    db(&mut observed, found(&["theirs"]));
    let text = steps(&plan, &observed, &up());
    assert!(text.contains(&format!("drifted: not in network `{name}`, in network `theirs`")), "{text}");
    db(&mut observed, None);
    observed.services.get_mut("db").unwrap().circumstances.restart = Some(crate::manifest::Restart::Always);
    assert!(steps(&plan, &observed, &up()).contains("drifted: restart policy"));
}

#[test]
fn what_is_frozen_has_drifted_and_goes_on() {
    let plan = plan("api:");
    let frozen = observed(&plan, "api paused");
    assert!(steps(&plan, &frozen, &up()).starts_with("0 start api (drifted: paused) []\n"));
    assert_eq!(steps(&plan, &frozen, &Goal::Wake), "0 resume api (requested) []\n");
    assert_eq!(steps(&plan, &frozen, &Goal::Sleep), "");
    assert_eq!(steps(&plan, &observed(&plan, "api running"), &Goal::Sleep), "0 pause api (requested) []\n");
}

#[test]
fn a_restart_stops_dependants_first_and_starts_them_last() {
    let plan = plan("db:\napi: after db started");
    let both = observed(&plan, "db running\napi running");
    let text = steps(&plan, &both, &Goal::Restart { only: BTreeSet::new() });
    assert_eq!(
        text,
        "0 stop api (requested) []\n1 stop db (requested) [0]\n2 start db (requested) [1]\n3 await ready db (requested) [2]\n\
         4 start api (requested) [0 2]\n5 await ready api (requested) [4]\n"
    );
    let text = steps(&plan, &both, &Goal::Restart { only: ["db".to_owned()].into() });
    assert!(!text.contains("api"), "{text}");
    let text = steps(&plan, &both, &Goal::Stop { only: ["db".to_owned()].into() });
    assert_eq!(text, "0 stop db (requested) []\n");
}
