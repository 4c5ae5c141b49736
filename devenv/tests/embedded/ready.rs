//! Readiness on the embedded engine; how tests are paced is tested beside the code with a clock of its own.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use devenv::engine::readiness::{await_exit, await_ready};
use devenv::engine::{EngineError, ServiceState};
use devenv::manifest::{Readiness, ReadinessTest};

use crate::bench::Bench;

fn with_test(script: &str, test: ReadinessTest) -> Bench {
    let mut bench = Bench::with_script(script);
    bench.job().readiness = Some(Readiness { test, timeout: Duration::from_secs(2), within: Duration::from_secs(20) });
    bench
}

async fn ready(bench: &Bench) -> Result<(), EngineError> {
    bench.up().await;
    let service = bench.plan.services.get("job").expect("the service");
    await_ready(&bench.engine, &bench.plan, service, &bench.reporter).await
}

#[tokio::test]
async fn a_log_line_makes_ready() {
    let test = ReadinessTest::Log { text: "listening on".into() };
    let bench = with_test("sleep 0.1; echo listening on 1; exec sleep 1000", test);
    ready(&bench).await.expect("ready");
}

#[tokio::test]
async fn a_command_makes_ready() {
    let test = ReadinessTest::Shell { script: "test -f ready".into() };
    let bench = with_test("sleep 0.1; touch ready; exec sleep 1000", test);
    ready(&bench).await.expect("ready");
}

#[tokio::test]
async fn an_early_end_is_told_at_once() {
    let test = ReadinessTest::Log { text: "never".into() };
    let bench = with_test("exit 9", test);
    let begun = Instant::now();
    let error = ready(&bench).await.expect_err("it ended");
    assert!(matches!(error, EngineError::Ended { code: 9, .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn another_program_on_the_port_does_not_make_an_ended_service_ready() {
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = other.local_addr().expect("an address").port();
    let bench = with_test("exit 98", ReadinessTest::Tcp { port });
    bench.up().await;
    bench.until_state(ServiceState::Exited { code: 98 }).await;
    let service = bench.plan.services.get("job").expect("the service");
    let error = await_ready(&bench.engine, &bench.plan, service, &bench.reporter).await.expect_err("it ended");
    assert!(matches!(error, EngineError::Ended { code: 98, .. }), "{error}");
}

#[tokio::test]
async fn a_job_is_awaited_to_its_good_end_and_its_bad_end_is_told() {
    for (script, good) in [("sleep 0.05", true), ("sleep 0.05; exit 4", false)] {
        let bench = Bench::with_script(script);
        bench.up().await;
        let service = bench.plan.services.get("job").expect("the service");
        let end = await_exit(&bench.engine, &bench.plan, service, &bench.reporter).await;
        assert_eq!(end.is_ok(), good, "{end:?}");
    }
}
