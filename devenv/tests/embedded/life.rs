//! Create, start, restart, stop, remove.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use devenv::engine::{Action, Engine as _, EngineError, Exec, ServiceState};
use devenv::manifest::{PullPolicy, Restart};
use devenv::plan::{Artifact, DeliveredFile, PublishedPort, Source};

use crate::bench::{Bench, eventually, pid_in, runs, shell};

#[tokio::test]
async fn a_service_is_created_runs_is_stopped_and_leaves_nothing() {
    let bench = Bench::with_script("echo up; exec sleep 1000");
    assert_eq!((bench.state().await, bench.observed().await), (None, None));
    bench.perform(Action::Create("job".into())).await.expect("created");
    assert_eq!(bench.state().await, Some(ServiceState::Created));
    assert_eq!(bench.observed().await, Some(ServiceState::Created));
    bench.perform(Action::Start("job".into())).await.expect("started");
    assert_eq!(bench.state().await, Some(ServiceState::Running));
    assert_eq!(bench.observed().await, Some(ServiceState::Running));
    bench.until_line("up").await;
    let (supervisor, child) = (bench.status("/supervisor/pid"), bench.status("/child/pid"));
    bench.stop().await;
    assert_eq!(bench.state().await, Some(ServiceState::Exited { code: 143 }));
    assert!(!runs(supervisor) && !runs(child));
    bench.remove().await;
    assert_eq!(bench.state().await, None);
    assert!(!bench.record().exists());
}

#[tokio::test]
async fn what_is_already_done_is_no_error() {
    let bench = Bench::with_script("exec sleep 1000");
    bench.remove().await;
    bench.stop().await;
    bench.up().await;
    let child = bench.status("/child/pid");
    bench.perform(Action::Start("job".into())).await.expect("it runs already");
    assert_eq!(bench.status("/child/pid"), child);
    bench.stop().await;
    bench.stop().await;
    bench.perform(Action::Start("job".into())).await.expect("started again");
    assert_eq!(bench.state().await, Some(ServiceState::Running));
}

#[tokio::test]
async fn a_second_create_replaces_what_runs() {
    let mut bench = Bench::with_script("exec sleep 1000");
    bench.up().await;
    let first = bench.status("/child/pid");
    bench.job().fingerprint.0.insert("command".into(), "2".into());
    bench.up().await;
    assert!(!runs(first));
    let observed = bench.engine.observe(&bench.plan.project).await.expect("observed");
    let job = observed.services.get("job").expect("the service");
    assert_eq!(job.fingerprint.0.get("command").map(String::as_str), Some("2"));
    assert_eq!(job.id, bench.status("/child/pid").to_string());
    assert!(job.on_host && job.started_at > 0);
}

#[tokio::test]
async fn a_failing_service_is_restarted_as_often_as_allowed() {
    let mut bench = Bench::with_script("echo try; exit 3");
    bench.job().restart = Restart::OnFailure { attempts: 2 };
    bench.up().await;
    bench.until_state(ServiceState::Exited { code: 3 }).await;
    assert_eq!(bench.lines(None).await, ["try", "try", "try"]);
    assert_eq!(bench.status("/restarts"), 2);
}

#[tokio::test]
async fn an_ignored_stop_signal_costs_its_grace_and_no_more_and_is_named() {
    let mut bench = Bench::with_script("trap '' TERM; echo deaf; while :; do sleep 1000; done");
    bench.up().await;
    bench.until_line("deaf").await;
    let begun = Instant::now();
    bench.stop().await;
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(300) && took < Duration::from_millis(1500), "{took:?}");
    assert_eq!(bench.warnings(), ["service `job` did not end within 0.3 s and was killed"]);
    assert_eq!(bench.state().await, Some(ServiceState::Exited { code: 137 }));
}

#[tokio::test]
async fn the_stop_signal_of_the_plan_is_sent() {
    let mut bench = Bench::with_script("trap 'echo interrupted; exit 0' INT; echo up; while :; do sleep 0.01; done");
    bench.job().stop.signal = "SIGINT".into();
    bench.job().stop.grace = Duration::from_secs(10);
    bench.up().await;
    bench.until_line("up").await;
    bench.stop().await;
    assert_eq!(bench.lines(Some(1)).await, ["interrupted"]);
    assert!(bench.warnings().is_empty());
}

#[tokio::test]
async fn grandchildren_end_with_the_service_even_in_a_session_of_their_own() {
    let bench =
        Bench::with_script("sleep 1000 & echo $! >near; setsid sleep 1000 & echo $! >far; echo up; exec sleep 1000");
    bench.up().await;
    bench.until_line("up").await;
    let (near, far) = (pid_in(&bench, "near").expect("a pid"), pid_in(&bench, "far").expect("a pid"));
    assert!(runs(near) && runs(far));
    bench.stop().await;
    assert!(!runs(near) && !runs(far));
}

#[tokio::test]
async fn the_end_of_a_service_is_the_end_of_what_it_left_behind() {
    let bench = Bench::with_script("(setsid sleep 1000 >/dev/null 2>&1 & echo $! >daemon); exit 0");
    bench.up().await;
    bench.until_state(ServiceState::Exited { code: 0 }).await;
    assert!(!runs(pid_in(&bench, "daemon").expect("a pid")));
}

#[tokio::test]
async fn a_command_that_cannot_run_says_so_at_once() {
    let mut bench = Bench::with_script("");
    bench.job().command = vec!["./missing".into()];
    bench.perform(Action::Create("job".into())).await.expect("created");
    let error = bench.perform(Action::Start("job".into())).await.expect_err("no such program").to_string();
    assert!(error.starts_with("cannot start service `job`: cannot run `./missing` in "), "{error}");
    assert_eq!(bench.state().await, Some(ServiceState::Exited { code: 127 }));
}

#[tokio::test]
async fn a_taken_port_is_refused_before_anything_starts() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = holder.local_addr().expect("an address").port();
    let mut bench = Bench::with_script("exec sleep 1000");
    bench.job().ports = vec![PublishedPort { host_ip: "127.0.0.1".into(), host: port, target: port, udp: false }];
    bench.perform(Action::Create("job".into())).await.expect("created");
    let error = bench.perform(Action::Start("job".into())).await.expect_err("taken");
    assert!(matches!(error, EngineError::PortTaken { port: taken, .. } if taken == port), "{error}");
    assert_eq!(bench.state().await, Some(ServiceState::Created));
    drop(holder);
    bench.perform(Action::Start("job".into())).await.expect("the port is free now");
}

#[tokio::test]
async fn what_needs_containers_is_refused_with_what_to_do() {
    let mut bench = Bench::with_script("");
    bench.job().source = Source::Image { reference: "redis:7".into(), pull: PullPolicy::Missing };
    for action in [Action::Provide("job".into()), Action::Create("job".into())] {
        let error = bench.perform(action).await.expect_err("no containers here").to_string();
        assert!(error.contains("image `redis:7`") && error.contains("--engine docker"), "{error}");
    }
}

#[tokio::test]
async fn an_executable_that_was_not_built_is_named() {
    let mut bench = Bench::with_script("");
    let path = bench.path().join("target/orders-api");
    bench.job().source = Source::Executable { executable: Artifact { path, digest: String::new() } };
    let error = bench.perform(Action::Provide("job".into())).await.expect_err("not built").to_string();
    assert!(error.contains("target/orders-api is not there") && error.contains("build it"), "{error}");
    bench.job().source = Source::Executable { executable: Artifact { path: "/bin/sh".into(), digest: String::new() } };
    bench.perform(Action::Provide("job".into())).await.expect("it is there");
}

#[tokio::test]
async fn delivered_files_are_there_before_the_start_with_their_modes_and_gone_after() {
    let mut bench = Bench::with_script("cat \"$TOKEN_FILE\"; echo; exec sleep 1000");
    let file = bench.plan.project.state.join("elsewhere/token");
    let path = file.to_str().expect("UTF-8").to_owned();
    bench.job().environment.insert("TOKEN_FILE".into(), path.clone());
    bench.job().files = vec![DeliveredFile { path, content: b"s3cret".to_vec(), mode: 0o400 }];
    bench.up().await;
    bench.until_line("s3cret").await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o400);
    assert_eq!(mode(file.parent().expect("a parent")), 0o700);
    assert_eq!(mode(&bench.record()), 0o700);
    assert_eq!(mode(&bench.record().join("spec.json")), 0o600);
    bench.remove().await;
    assert!(!file.exists());
}

#[tokio::test]
async fn a_file_outside_of_the_state_directory_is_refused() {
    let mut bench = Bench::with_script("");
    let path = bench.path().join("state/../outside").to_str().expect("UTF-8").to_owned();
    bench.job().files = vec![DeliveredFile { path, content: Vec::new(), mode: 0o400 }];
    bench.perform(Action::Create("job".into())).await.expect_err("refused");
    assert!(!bench.path().join("outside").exists());
}

#[tokio::test]
async fn exec_runs_beside_the_service_and_says_the_exit_code() {
    let mut bench = Bench::with_script("exec sleep 1000");
    bench.job().environment.insert("ANSWER".into(), "42".into());
    std::fs::write(bench.path().join("here"), "").expect("written");
    let service = bench.plan.services.get("job").expect("the service");
    let run = async |script: &str, timeout: Duration| {
        let words = ["/bin/sh".into(), "-c".into(), script.to_owned()];
        bench.engine.exec(&bench.plan.project, service, Exec { words: &words, timeout }).await
    };
    let long = Duration::from_secs(20);
    assert_eq!(run("test -f here && exit $ANSWER", long).await.expect("an exit code"), 42);
    assert_eq!(run("kill -9 $$", long).await.expect("an exit code"), 137);
    let error = run("sleep 1000 & echo $! >slow; wait", Duration::from_millis(300)).await.expect_err("too slow");
    assert!(error.to_string().contains("no end within 0.3 s"), "{error}");
    let slow = pid_in(&bench, "slow").expect("a pid");
    eventually("the slow command is gone", async || !runs(slow)).await;
}

#[tokio::test]
async fn a_binary_sees_only_the_usual_environment_and_a_process_all_of_it() {
    let mut bench = Bench::with(shell("job", "env; echo end; exec sleep 1000"));
    bench.up().await;
    bench.until_line("end").await;
    let all = bench.lines(None).await;
    let spec = std::fs::read_to_string(bench.record().join("spec.json")).expect("there");
    assert!(!spec.contains("CARGO_MANIFEST_DIR"), "the caller's environment is not written down");
    let command = bench.job().command.split_off(1);
    bench.job().source = Source::Executable { executable: Artifact { path: "/bin/sh".into(), digest: String::new() } };
    bench.job().command = command;
    bench.up().await;
    bench.until_line("end").await;
    let usual = bench.lines(None).await;
    let has = |lines: &[String], name: &str| lines.iter().any(|line| line.starts_with(&format!("{name}=")));
    assert!(has(&all, "CARGO_MANIFEST_DIR") && !has(&usual, "CARGO_MANIFEST_DIR"));
    for lines in [&all, &usual] {
        assert!(has(lines, "PATH") && has(lines, "DEVENV_PROJECT") && has(lines, "DEVENV_SERVICE"));
        assert!(!has(lines, "DEVENV_SUPERVISOR"));
    }
}

#[tokio::test]
async fn a_service_has_one_supervisor() {
    let bench = Bench::with_script("exec sleep 1000");
    bench.up().await;
    let mut second = tokio::process::Command::new(env!("CARGO_BIN_EXE_devenv"));
    let output = second.arg("supervise").arg(bench.record()).output().await.expect("it ran");
    assert!(!output.status.success());
    assert_eq!(bench.state().await, Some(ServiceState::Running));
}

#[tokio::test]
async fn a_stop_between_two_starts_does_not_wait_for_the_next_one() {
    let mut bench = Bench::with_script("exit 1");
    bench.job().restart = Restart::Always;
    bench.job().stop.grace = Duration::from_secs(60);
    bench.up().await;
    bench.until_state(ServiceState::Restarting).await;
    let begun = Instant::now();
    bench.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(bench.state().await, Some(ServiceState::Exited { code: 1 }));
}
