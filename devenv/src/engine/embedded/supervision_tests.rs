//! Tests of the supervision state machine: events in, actions out.

use super::*;
use proptest::prelude::*;

const GRACE: Duration = Duration::from_secs(3);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn running(policy: Policy) -> Supervision {
    let mut supervision = Supervision::new(policy, GRACE);
    assert_eq!(supervision.on_event(Event::Spawned, ms(0)), []);
    supervision
}

#[test]
fn without_a_restart_the_first_end_is_the_last() {
    let mut supervision = running(Policy::No);
    assert_eq!(supervision.on_event(Event::Exited(3), ms(5)), [Action::Finish]);
    assert_eq!((supervision.phase(), supervision.code()), (Phase::Ended, Some(3)));
}

#[test]
fn a_command_that_cannot_be_run_is_not_tried_again() {
    let mut supervision = Supervision::new(Policy::Always, GRACE);
    assert_eq!(supervision.on_event(Event::SpawnFailed, ms(0)), [Action::Finish]);
    assert_eq!(supervision.code(), Some(127));
}

#[test]
fn a_command_that_ran_before_and_is_gone_for_a_moment_is_tried_again() {
    let mut supervision = running(Policy::Always);
    supervision.on_event(Event::Exited(0), ms(1));
    assert_eq!(supervision.on_event(Event::BackOffOver, ms(101)), [Action::Spawn]);
    assert_eq!(supervision.on_event(Event::SpawnFailed, ms(102)), []);
    assert_eq!(supervision.deadline(), Some((ms(302), Event::BackOffOver)));
}

#[test]
fn back_off_doubles_to_ten_seconds_and_starts_over_after_ten_good_seconds() {
    let mut supervision = running(Policy::Always);
    let mut now = ms(0);
    let mut waits = Vec::new();
    for uptime in [1, 1, 1, 1, 1, 1, 1, 1, 1, 10_000, 1] {
        now += ms(uptime);
        supervision.on_event(Event::Exited(0), now);
        let (until, event) = supervision.deadline().expect("a back-off");
        waits.push((until - now).as_millis());
        now = until;
        assert_eq!(supervision.on_event(event, now), [Action::Spawn]);
        supervision.on_event(Event::Spawned, now);
    }
    assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 100, 200]);
}

#[test]
fn on_failure_leaves_a_success_alone() {
    let mut supervision = running(Policy::OnFailure(0));
    assert_eq!(supervision.on_event(Event::Exited(0), ms(5)), [Action::Finish]);
}

#[test]
fn a_stop_signals_and_after_the_grace_kills() {
    let mut supervision = running(Policy::Always);
    assert_eq!(supervision.on_event(Event::StopRequested, ms(1000)), [Action::Signal]);
    assert_eq!(supervision.deadline(), Some((ms(4000), Event::GraceOver)));
    assert_eq!(supervision.on_event(Event::StopRequested, ms(2000)), [], "a second request does not cut the grace");
    assert_eq!(supervision.on_event(Event::GraceOver, ms(4000)), [Action::Kill]);
    assert_eq!(supervision.on_event(Event::Exited(137), ms(4001)), [Action::Finish]);
    assert!(supervision.overstayed());
}

#[test]
fn a_stop_between_two_starts_ends_at_once() {
    let mut supervision = running(Policy::Always);
    supervision.on_event(Event::Exited(1), ms(5));
    assert_eq!(supervision.on_event(Event::StopRequested, ms(6)), [Action::Finish]);
}

#[test]
fn a_stop_while_the_process_is_made_waits_for_it() {
    let mut supervision = Supervision::new(Policy::Always, GRACE);
    assert_eq!(supervision.on_event(Event::StopRequested, ms(0)), []);
    assert_eq!(supervision.on_event(Event::Spawned, ms(1)), [Action::Signal]);
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Spawned),
        Just(Event::SpawnFailed),
        (0..3_i64).prop_map(Event::Exited),
        Just(Event::StopRequested),
        Just(Event::GraceOver),
        Just(Event::BackOffOver),
    ]
}

fn any_policy() -> impl Strategy<Value = Policy> {
    prop_oneof![
        Just(Policy::No),
        Just(Policy::Always),
        (0..4_u32).prop_map(Policy::OnFailure),
        Just(Policy::UnlessStopped)
    ]
}

proptest! {
    #[test]
    fn there_are_never_more_restarts_than_allowed(policy in any_policy(), events in prop::collection::vec(any_event(), 0..80)) {
        let mut supervision = Supervision::new(policy, GRACE);
        let spawned = events.iter().flat_map(|event| supervision.on_event(*event, ms(0))).filter(|action| *action == Action::Spawn).count();
        prop_assert_eq!(u32::try_from(spawned).unwrap(), supervision.restarts());
        match policy {
            Policy::No => prop_assert_eq!(spawned, 0),
            Policy::OnFailure(most) if most > 0 => prop_assert!(spawned <= most as usize),
            _ => {}
        }
    }

    #[test]
    fn after_a_stop_nothing_is_spawned_and_a_kill_comes_at_the_latest_after_the_grace(
        policy in any_policy(),
        before in prop::collection::vec(any_event(), 0..40),
        after in prop::collection::vec(any_event(), 0..40),
    ) {
        let mut supervision = Supervision::new(policy, GRACE);
        before.iter().for_each(|event| drop(supervision.on_event(*event, ms(0))));
        supervision.on_event(Event::StopRequested, ms(10));
        for event in after.iter().filter(|event| **event != Event::GraceOver) {
            prop_assert!(!supervision.on_event(*event, ms(20)).contains(&Action::Spawn));
        }
        match supervision.phase() {
            Phase::Stopping { until } => {
                prop_assert!(until <= ms(20) + GRACE);
                prop_assert_eq!(supervision.on_event(Event::GraceOver, until), [Action::Kill]);
            }
            Phase::Starting { stop } => prop_assert!(stop),
            phase => prop_assert!(matches!(phase, Phase::Killing | Phase::Ended), "{:?}", phase),
        }
    }

    #[test]
    fn it_finishes_once_and_does_nothing_after(policy in any_policy(), events in prop::collection::vec(any_event(), 0..80)) {
        let mut supervision = Supervision::new(policy, GRACE);
        let actions: Vec<Action> = events.iter().flat_map(|event| supervision.on_event(*event, ms(0))).collect();
        let finish = actions.iter().position(|action| *action == Action::Finish);
        prop_assert!(finish.is_none_or(|index| index + 1 == actions.len()));
    }
}
