//! Tests of observation: records and marks in, states out.

use super::*;
use crate::engine::embedded::supervision::Policy;

const SUPERVISOR: Identity = Identity { pid: 40, started: 1 };
const CHILD: Identity = Identity { pid: 41, started: 2 };

fn found(state: Stage, code: Option<i64>) -> Found {
    let spec = Spec {
        project: "p-0".into(),
        service: "api".into(),
        words: vec!["/bin/true".into()],
        environment: BTreeMap::new(),
        directory: "/".into(),
        restart: Policy::No,
        stop_signal: 15,
        grace: std::time::Duration::from_secs(3),
        ports: Vec::new(),
        files: Vec::new(),
        fingerprint: Fingerprint(BTreeMap::from([("image".into(), "1".into())])),
    };
    let status = Status {
        supervisor: SUPERVISOR,
        child: Some(CHILD),
        state,
        code,
        restarts: 0,
        started_at: 7,
        failure: None,
        overstayed: false,
    };
    Found { exists: true, spec: Some(spec), status: Some(status), supervised: false }
}

fn state(found: &Found, left: &[Identity]) -> ServiceState {
    found.judge(&left.iter().copied().collect()).state
}

#[test]
fn with_a_living_supervisor_its_word_counts() {
    let found = |state, code| Found { supervised: true, ..found(state, code) };
    assert_eq!(state(&found(Stage::Running, None), &[CHILD]), ServiceState::Running);
    assert_eq!(state(&found(Stage::Stopping, None), &[CHILD]), ServiceState::Running);
    assert_eq!(state(&found(Stage::BackingOff, Some(1)), &[]), ServiceState::Restarting);
    assert_eq!(state(&found(Stage::Ended, Some(1)), &[]), ServiceState::Exited { code: 1 });
}

#[test]
fn a_child_without_its_supervisor_is_an_orphan() {
    assert_eq!(state(&found(Stage::Running, None), &[CHILD]), ServiceState::Orphaned);
}

#[test]
fn an_end_that_nobody_saw_is_a_failure() {
    assert_eq!(state(&found(Stage::Running, None), &[]), ServiceState::Exited { code: 137 });
    assert_eq!(state(&found(Stage::BackingOff, Some(0)), &[]), ServiceState::Exited { code: 137 });
    assert_eq!(state(&found(Stage::Ended, Some(0)), &[]), ServiceState::Exited { code: 0 });
}

#[test]
fn a_record_that_was_never_started_is_created() {
    let found = Found { status: None, ..found(Stage::Running, None) };
    assert_eq!(state(&found, &[]), ServiceState::Created);
    assert_eq!(found.judge(&BTreeSet::new()).fingerprint.0.len(), 1);
}

#[test]
fn a_half_made_record_and_processes_without_any_can_only_be_removed() {
    let half = Found { exists: true, ..Found::default() };
    assert_eq!(state(&half, &[]), ServiceState::Orphaned);
    let lost = Found::default().judge(&BTreeSet::from([CHILD]));
    assert_eq!((lost.state, lost.id.as_str()), (ServiceState::Orphaned, "41"));
}

#[test]
fn the_last_words_of_a_supervisor_that_dies_at_this_moment_are_heard() {
    let running = found(Stage::Running, None).status;
    let ended = found(Stage::Ended, Some(0)).status;
    let mut words = [running.clone(), ended.clone(), ended.clone()].into_iter();
    let read = || words.next().ok_or("read too often");
    assert_eq!(last_words(read, |_| false), Ok((ended, false)));
    let alive = |identity| identity == SUPERVISOR;
    assert_eq!(last_words(|| Ok::<_, ()>(running.clone()), alive), Ok((running.clone(), true)));
    assert_eq!(last_words(|| Ok::<_, ()>(None), alive), Ok((None, false)));
}
