//! Output of services.

use devenv::engine::{Action, Engine as _, LogLine, LogOptions, ServiceState};
use devenv::manifest::Restart;
use futures_util::StreamExt as _;

use crate::bench::Bench;

fn line(stderr: bool, text: &str) -> LogLine {
    LogLine { service: "job".into(), stderr, text: text.into() }
}

#[tokio::test]
async fn both_outputs_are_kept_apart_and_the_last_line_needs_no_end() {
    let bench = Bench::with_script("echo out; echo err >&2; sleep 0.05; printf end");
    bench.up().await;
    bench.until_state(ServiceState::Exited { code: 0 }).await;
    let mut lines = bench.until_line("end").await;
    assert_eq!(lines.pop(), Some(line(false, "end")));
    lines.sort_by_key(|line| line.stderr);
    assert_eq!(lines, [line(false, "out"), line(true, "err")]);
}

#[tokio::test]
async fn a_tail_is_the_last_lines() {
    let bench = Bench::with_script("for i in 1 2 3 4 5; do echo $i; done");
    bench.up().await;
    bench.until_state(ServiceState::Exited { code: 0 }).await;
    assert_eq!(bench.lines(Some(2)).await, ["4", "5"]);
    assert_eq!(bench.lines(None).await.len(), 5);
}

#[tokio::test]
async fn following_goes_on_across_restarts_and_recreation() {
    let mut bench = Bench::with_script("echo one; exit 1");
    bench.job().restart = Restart::OnFailure { attempts: 1 };
    let options = LogOptions { follow: true, tail: None };
    let mut lines = bench.engine.logs(&bench.plan.project, &["job".into()], options).await.expect("a stream");
    bench.up().await;
    for _ in 0..2 {
        assert_eq!(lines.next().await.expect("a line").expect("readable").text, "one");
    }
    bench.until_state(ServiceState::Exited { code: 1 }).await;
    bench.job().command = vec!["/bin/sh".into(), "-c".into(), "echo two; exec sleep 1000".into()];
    bench.up().await;
    assert_eq!(lines.next().await.expect("a line").expect("readable").text, "two");
}

#[tokio::test]
async fn following_with_a_tail_begins_near_the_end() {
    let bench = Bench::with_script("for i in 1 2 3; do echo $i; done");
    bench.up().await;
    bench.until_state(ServiceState::Exited { code: 0 }).await;
    let options = LogOptions { follow: true, tail: Some(1) };
    let mut lines = bench.engine.logs(&bench.plan.project, &["job".into()], options).await.expect("a stream");
    assert_eq!(lines.next().await.expect("a line").expect("readable").text, "3");
}

#[tokio::test]
async fn output_is_kept_over_a_stop_and_gone_after_a_remove() {
    let bench = Bench::with_script("echo kept; exec sleep 1000");
    bench.up().await;
    bench.until_line("kept").await;
    bench.stop().await;
    assert_eq!(bench.lines(None).await, ["kept"]);
    bench.perform(Action::Remove("job".into())).await.expect("removed");
    assert!(bench.lines(None).await.is_empty());
}
