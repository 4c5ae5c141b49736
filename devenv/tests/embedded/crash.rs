//! What is left after `kill -9` of anything is found and removed.

use std::time::Duration;

use devenv::engine::{Action, Engine as _, ServiceState};
use devenv::manifest::Restart;

use crate::bench::{Bench, eventually, kill, marked_by, pid_in, runs};

#[tokio::test]
async fn a_killed_supervisor_leaves_an_orphan_that_remove_cleans() {
    let bench = Bench::with_script("echo up; exec sleep 1000");
    bench.up().await;
    let (supervisor, child) = (bench.status("/supervisor/pid"), bench.status("/child/pid"));
    kill(supervisor);
    eventually("the supervisor is gone", async || !runs(supervisor)).await;
    assert!(runs(child));
    assert_eq!(bench.state().await, Some(ServiceState::Orphaned));
    assert_eq!(bench.observed().await, Some(ServiceState::Orphaned));
    bench.remove().await;
    assert!(!runs(child));
    assert_eq!(bench.observed().await, None);
}

#[tokio::test]
async fn an_orphan_is_replaced_by_a_start() {
    let bench = Bench::with_script("exec sleep 1000");
    bench.up().await;
    let (supervisor, child) = (bench.status("/supervisor/pid"), bench.status("/child/pid"));
    kill(supervisor);
    eventually("the supervisor is gone", async || !runs(supervisor)).await;
    bench.perform(Action::Start("job".into())).await.expect("started");
    assert!(!runs(child));
    assert_eq!(bench.state().await, Some(ServiceState::Running));
}

#[tokio::test]
async fn an_orphan_that_ignores_its_stop_signal_is_killed_and_named() {
    let mut bench = Bench::with_script("trap '' TERM; echo deaf; while :; do sleep 1000; done");
    bench.up().await;
    bench.until_line("deaf").await;
    let (supervisor, child) = (bench.status("/supervisor/pid"), bench.status("/child/pid"));
    kill(supervisor);
    bench.remove().await;
    assert!(!runs(child));
    assert_eq!(bench.warnings().len(), 1);
}

#[tokio::test]
async fn processes_are_found_by_their_mark_when_all_records_are_lost() {
    let mut bench = Bench::with_script("setsid sleep 1000 & echo $! >far; echo up; exec sleep 1000");
    bench.job().restart = Restart::Always;
    bench.up().await;
    bench.until_line("up").await;
    let pids = [bench.status("/supervisor/pid"), bench.status("/child/pid"), pid_in(&bench, "far").expect("a pid")];
    std::fs::remove_dir_all(&bench.plan.project.state).expect("removed");
    let observed = bench.engine.observe(&bench.plan.project).await.expect("observed");
    let job = observed.services.get("job").expect("found by its mark");
    assert_eq!(job.state, ServiceState::Orphaned);
    assert!(pids.map(|pid| pid.to_string()).contains(&job.id));
    bench.remove().await;
    assert!(pids.into_iter().all(|pid| !runs(pid)));
    assert_eq!(bench.observed().await, None);
}

#[tokio::test]
async fn a_later_process_with_the_recorded_id_is_neither_ours_nor_harmed() {
    let bench = Bench::with_script("exit 0");
    bench.up().await;
    bench.until_state(ServiceState::Exited { code: 0 }).await;
    let mut stranger = tokio::process::Command::new("sleep").arg("1000").kill_on_drop(true).spawn().expect("a process");
    let pid = i64::from(stranger.id().expect("a pid"));
    let file = bench.record().join("status.json");
    eventually("the supervisor is gone", async || !runs(bench.status("/supervisor/pid"))).await;
    let mut status: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).expect("there")).expect("JSON");
    let recorded = serde_json::json!({ "pid": pid, "started": 1 });
    status["supervisor"] = recorded.clone();
    status["child"] = recorded;
    status["state"] = "running".into();
    std::fs::write(&file, status.to_string()).expect("written");
    assert_eq!(bench.state().await, Some(ServiceState::Exited { code: 137 }));
    bench.remove().await;
    assert!(stranger.try_wait().expect("its state").is_none(), "the stranger runs on");
}

#[tokio::test]
async fn a_half_made_record_is_seen_and_replaced() {
    let bench = Bench::with_script("exec sleep 1000");
    std::fs::create_dir_all(bench.record()).expect("a directory");
    assert_eq!(bench.state().await, Some(ServiceState::Orphaned));
    bench.up().await;
    assert_eq!(bench.state().await, Some(ServiceState::Running));
}

#[tokio::test]
async fn a_killed_child_counts_as_its_end() {
    let bench = Bench::with_script("exec sleep 1000");
    bench.up().await;
    kill(bench.status("/child/pid"));
    bench.until_state(ServiceState::Exited { code: 137 }).await;
}

#[tokio::test]
async fn a_torn_status_does_not_hide_what_runs() {
    let bench = Bench::with_script("exec sleep 1000");
    bench.up().await;
    let child = bench.status("/child/pid");
    std::fs::write(bench.record().join("status.json"), "{").expect("written");
    assert_eq!(bench.state().await, Some(ServiceState::Orphaned));
    bench.remove().await;
    assert!(!runs(child));
}

#[tokio::test]
async fn a_supervisor_killed_at_any_moment_leaves_nothing_that_a_remove_does_not_clean() {
    for moment in 0..24_u64 {
        let bench = Bench::with_script("sleep 1000 & setsid sleep 1000 & wait");
        bench.perform(Action::Create("job".into())).await.expect("created");
        // Not a wait for something: the moment is what is tried out.
        let attack = async {
            tokio::time::sleep(Duration::from_micros(moment * 700)).await;
            let marked = marked_by(&bench.plan.project.id());
            marked.iter().filter(|(_, supervisor)| *supervisor).for_each(|(pid, _)| kill(*pid));
        };
        drop(tokio::join!(bench.perform(Action::Start("job".into())), attack));
        bench.remove().await;
        assert_eq!(marked_by(&bench.plan.project.id()), [], "killed after {moment} × 0.7 ms");
        assert!(!bench.record().exists());
    }
}
