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
    Found { exists: true, spec: Some(spec), status: Some(status) }
}

fn state(found: &Found, left: &[Identity], alive: Alive) -> ServiceState {
    found.judge(&left.iter().copied().collect(), alive).state
}

#[test]
fn with_a_living_supervisor_its_word_counts() {
    let alive: Alive = |identity| identity == SUPERVISOR;
    assert_eq!(state(&found(Stage::Running, None), &[CHILD], alive), ServiceState::Running);
    assert_eq!(state(&found(Stage::Stopping, None), &[CHILD], alive), ServiceState::Running);
    assert_eq!(state(&found(Stage::BackingOff, Some(1)), &[], alive), ServiceState::Restarting);
    assert_eq!(state(&found(Stage::Ended, Some(1)), &[], alive), ServiceState::Exited { code: 1 });
}

#[test]
fn a_child_without_its_supervisor_is_an_orphan() {
    assert_eq!(state(&found(Stage::Running, None), &[CHILD], |_| false), ServiceState::Orphaned);
}

#[test]
fn an_end_that_nobody_saw_is_a_failure() {
    assert_eq!(state(&found(Stage::Running, None), &[], |_| false), ServiceState::Exited { code: 137 });
    assert_eq!(state(&found(Stage::BackingOff, Some(0)), &[], |_| false), ServiceState::Exited { code: 137 });
    assert_eq!(state(&found(Stage::Ended, Some(0)), &[], |_| false), ServiceState::Exited { code: 0 });
}

#[test]
fn a_record_that_was_never_started_is_created() {
    let found = Found { status: None, ..found(Stage::Running, None) };
    assert_eq!(state(&found, &[], |_| false), ServiceState::Created);
    assert_eq!(found.judge(&BTreeSet::new(), |_| false).fingerprint.0.len(), 1);
}

#[test]
fn a_half_made_record_and_processes_without_any_can_only_be_removed() {
    let half = Found { exists: true, ..Found::default() };
    assert_eq!(state(&half, &[], |_| false), ServiceState::Orphaned);
    let lost = Found::default().judge(&BTreeSet::from([CHILD]), |_| true);
    assert_eq!((lost.state, lost.id.as_str()), (ServiceState::Orphaned, "41"));
}
