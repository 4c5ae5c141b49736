//! What every engine does, written once and run over all of them: through the real `reconcile` and `execute`, in the
//! engine of memory, as processes of this machine, and as containers when a Docker engine answers.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests fail as tests do")]

#[path = "behaviour/actions.rs"]
mod actions;
#[path = "behaviour/bench.rs"]
mod bench;
#[path = "behaviour/ending.rs"]
mod ending;
#[path = "behaviour/failing.rs"]
mod failing;
#[path = "behaviour/interrupted.rs"]
mod interrupted;
#[path = "behaviour/looking.rs"]
mod looking;
#[path = "../src/engine/docker/tests/required.rs"]
mod required;
#[path = "behaviour/sketch.rs"]
mod sketch;
#[path = "behaviour/spy.rs"]
mod spy;
#[path = "behaviour/starting.rs"]
mod starting;
#[path = "behaviour/worlds.rs"]
mod worlds;

/// One test for each behaviour in one world; a behaviour that is not listed is unused, which the compiler tells.
macro_rules! behaviours_in {
    ($world:ident: $($part:ident { $($behaviour:ident)* })*) => {
        mod $world {
            $($(
                #[tokio::test]
                async fn $behaviour() {
                    crate::bench::check(crate::worlds::$world::open().await, crate::$part::$behaviour).await;
                }
            )*)*
        }
    };
}

macro_rules! behaviours {
    ($($behaviours:tt)*) => {
        behaviours_in!(fake: $($behaviours)*);
        behaviours_in!(embedded: $($behaviours)*);
        behaviours_in!(docker: $($behaviours)*);
    };
}

behaviours! {
    starting {
        a_cold_up_starts_each_service_when_its_conditions_hold
        up_twice_changes_nothing
        naming_a_service_brings_up_what_it_needs_and_nothing_else
        a_changed_field_replaces_that_service_and_nothing_else
        an_orphan_is_removed_and_nothing_else_is_touched
        a_service_that_ended_is_started_again
        a_killed_service_is_started_again_and_nothing_else_is_touched
        a_one_shot_that_completed_gates_its_dependant_and_is_not_run_again
    }
    failing {
        a_failing_service_stops_only_what_waits_for_it_and_is_named_with_its_output
        a_failed_one_shot_keeps_its_dependant_from_starting_and_is_told_once
        what_failed_is_tried_again_and_mended_by_a_change
    }
    ending {
        stop_leaves_everything_to_be_started_again
        dependants_end_before_what_they_depend_on
        a_service_that_ignores_its_stop_signal_is_killed_and_named
        kill_waits_for_nobody
        down_leaves_nothing_also_when_run_twice
        volumes_outlive_a_down_that_does_not_ask_for_them
    }
    actions {
        every_action_may_be_taken_twice
        what_is_not_there_can_be_ended_and_removed
        what_is_not_in_the_plan_cannot_be_made
    }
    looking {
        another_engine_value_sees_the_same_and_can_go_on
        output_is_read_back_and_lives_as_long_as_the_service
        an_unknown_service_has_no_state_and_no_output
        projects_do_not_see_each_other
    }
    interrupted {
        an_up_cut_off_anywhere_is_finished_by_the_next
        a_replacement_cut_off_anywhere_is_finished_by_the_next
        a_down_cut_off_anywhere_is_finished_by_the_next
    }
}
