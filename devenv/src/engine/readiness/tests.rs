//! Against an engine that plays a script, with a clock that jumps.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Mutex;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc::UnboundedReceiver;

use super::*;
use crate::engine::{Action, Exec, LogLine, LogOptions, Observed};
use crate::manifest::{EngineName, Restart};
use crate::plan::{
    ContainerSettings, Fingerprint, Hardening, PlannedService, Project, Role, ServiceNetwork, Source, Stop,
};

/// Says one state after the other, the last one for ever, and likewise with exit codes.
#[derive(Default)]
struct Scripted {
    states: Mutex<VecDeque<Option<ServiceState>>>,
    codes: Mutex<VecDeque<i64>>,
    lines: Vec<&'static str>,
    address: Option<SocketAddr>,
    unreachable: bool,
}

fn next<T: Clone>(queue: &Mutex<VecDeque<T>>) -> Option<T> {
    let mut queue = queue.lock().expect("unpoisoned");
    if queue.len() > 1 { queue.pop_front() } else { queue.front().cloned() }
}

impl Engine for Scripted {
    fn name(&self) -> EngineName {
        EngineName::Embedded
    }

    fn observe<'a>(&'a self, _: &'a Project) -> BoxFuture<'a, Result<Observed, EngineError>> {
        std::future::ready(Ok(Observed::default())).boxed()
    }

    fn perform<'a>(&'a self, _: &'a Plan, _: &'a Action, _: &'a Reporter) -> BoxFuture<'a, Result<(), EngineError>> {
        std::future::ready(Ok(())).boxed()
    }

    fn state<'a>(&'a self, _: &'a Project, _: &'a str) -> BoxFuture<'a, Result<Option<ServiceState>, EngineError>> {
        let state = if self.unreachable {
            Err(EngineError::Unreachable { endpoint: "unix:///gone".into(), cause: "gone".into() })
        } else {
            Ok(next(&self.states).flatten())
        };
        std::future::ready(state).boxed()
    }

    fn address<'a>(
        &'a self,
        _: &'a Project,
        _: &'a PlannedService,
        _: u16,
    ) -> BoxFuture<'a, Result<Option<SocketAddr>, EngineError>> {
        std::future::ready(Ok(self.address)).boxed()
    }

    fn exec<'a>(
        &'a self,
        _: &'a Project,
        _: &'a PlannedService,
        _: Exec<'a>,
    ) -> BoxFuture<'a, Result<i64, EngineError>> {
        match next(&self.codes) {
            Some(code) => std::future::ready(Ok(code)).boxed(),
            None => std::future::pending().boxed(),
        }
    }

    fn logs<'a>(
        &'a self,
        _: &'a Project,
        _: &'a [String],
        _: LogOptions,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<LogLine, EngineError>>, EngineError>> {
        let lines: Vec<_> = self
            .lines
            .iter()
            .map(|text| LogLine { service: "api".into(), stderr: false, text: (*text).into() })
            .map(Ok)
            .collect();
        std::future::ready(Ok(stream::iter(lines).chain(stream::pending()).boxed())).boxed()
    }
}

fn states(states: impl IntoIterator<Item = ServiceState>) -> Mutex<VecDeque<Option<ServiceState>>> {
    Mutex::new(states.into_iter().map(Some).collect())
}

fn running() -> Mutex<VecDeque<Option<ServiceState>>> {
    states([ServiceState::Running])
}

fn exec() -> ReadinessTest {
    ReadinessTest::Exec { words: vec!["pg_isready".into()] }
}

fn service(test: Option<ReadinessTest>) -> PlannedService {
    let seconds = Duration::from_secs;
    PlannedService {
        name: "api".into(),
        role: Role::User,
        source: Source::Process,
        entrypoint: None,
        command: Vec::new(),
        environment: BTreeMap::new(),
        files: Vec::new(),
        ports: Vec::new(),
        mounts: Vec::new(),
        mounted: BTreeMap::new(),
        tmpfs: BTreeMap::new(),
        network: ServiceNetwork::Host,
        depends_on: BTreeMap::new(),
        readiness: test.map(|test| Readiness { test, timeout: seconds(2), within: seconds(30) }),
        restart: Restart::No,
        stop: Stop { signal: "SIGTERM".into(), grace: seconds(3) },
        hardening: Hardening::default(),
        container: ContainerSettings::default(),
        fingerprint: Fingerprint::default(),
    }
}

fn plan() -> Plan {
    let project =
        Project { name: "p".into(), instance: "0".into(), directory: "/nowhere".into(), state: "/nowhere".into() };
    Plan {
        project,
        engine: EngineName::Embedded,
        services: BTreeMap::new(),
        networks: BTreeMap::new(),
        volumes: BTreeMap::new(),
    }
}

struct Outcome {
    result: Result<(), String>,
    took: Duration,
    messages: Vec<String>,
}

async fn wait(engine: Scripted, service: PlannedService) -> Outcome {
    let plan = plan();
    let (reporter, events) = Reporter::channel();
    let begun = Instant::now();
    let result = await_ready(&engine, &plan, &service, &reporter).await.map_err(|error| error.to_string());
    drop(reporter);
    Outcome { result, took: begun.elapsed(), messages: messages(events) }
}

fn messages(mut events: UnboundedReceiver<Event>) -> Vec<String> {
    let mut messages = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let Event::StepProgress { message, .. } = event {
            messages.push(message);
        }
    }
    messages
}

#[tokio::test(start_paused = true)]
async fn the_first_attempt_is_made_at_once() {
    let engine = Scripted { states: running(), codes: Mutex::new([0].into()), ..Scripted::default() };
    let outcome = wait(engine, service(Some(exec()))).await;
    assert_eq!((outcome.result, outcome.took), (Ok(()), Duration::ZERO));
    assert!(outcome.messages.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_reason_is_told_once_until_it_changes() {
    let engine = Scripted { states: running(), codes: Mutex::new([1, 1, 2, 2, 0].into()), ..Scripted::default() };
    let outcome = wait(engine, service(Some(exec()))).await;
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(outcome.took, Duration::from_millis(20 + 40 + 80 + 160));
    assert_eq!(outcome.messages, ["waiting for `pg_isready`: exit code 1", "waiting for `pg_isready`: exit code 2"]);
}

#[tokio::test(start_paused = true)]
async fn when_the_time_is_over_the_last_reason_is_told() {
    let engine = Scripted { states: running(), codes: Mutex::new([2].into()), ..Scripted::default() };
    let outcome = wait(engine, service(Some(exec()))).await;
    assert_eq!(outcome.result, Err("service `api` was not ready within 30 s: exit code 2".into()));
    assert_eq!(outcome.took, Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_without_an_answer_is_given_up_and_named() {
    let engine = Scripted { states: running(), ..Scripted::default() };
    let outcome = wait(engine, service(Some(exec()))).await;
    assert_eq!(outcome.messages, ["waiting for `pg_isready`: no answer within 3 s"]);
    assert_eq!(outcome.took, Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_service_is_noticed_beside_a_slow_attempt() {
    let engine =
        Scripted { states: states([ServiceState::Running, ServiceState::Exited { code: 5 }]), ..Scripted::default() };
    let outcome = wait(engine, service(Some(exec()))).await;
    assert_eq!(outcome.result, Err("service `api` ended with exit code 5 before it was ready".into()));
    assert_eq!(outcome.took, Duration::from_millis(20 + 40));
}

#[tokio::test(start_paused = true)]
async fn a_passed_test_counts_only_while_the_service_runs() {
    let engine = Scripted {
        states: states([ServiceState::Restarting, ServiceState::Restarting, ServiceState::Running]),
        codes: Mutex::new([0].into()),
        ..Scripted::default()
    };
    let outcome = wait(engine, service(Some(exec()))).await;
    assert_eq!((outcome.result, outcome.took), (Ok(()), Duration::from_millis(20 + 40)));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_started_over_and_over_is_given_up_before_its_time() {
    let engine =
        Scripted { states: states([ServiceState::Restarting]), codes: Mutex::new([1].into()), ..Scripted::default() };
    let outcome = wait(engine, service(Some(exec()))).await;
    let error = outcome.result.expect_err("given up");
    assert!(error.ends_with("it ends and is started again, over and over"), "{error}");
    assert!(outcome.took < Duration::from_secs(20), "{:?}", outcome.took);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_gone_is_not_waited_for() {
    let engine = Scripted { unreachable: true, codes: Mutex::new([1].into()), ..Scripted::default() };
    let outcome = wait(engine, service(Some(exec()))).await;
    assert_eq!(outcome.result, Err("no Docker engine answers at unix:///gone: gone".into()));
    assert_eq!(outcome.took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_line_of_output_makes_ready_and_its_absence_is_named() {
    let log = |text: &str| service(Some(ReadinessTest::Log { text: text.into() }));
    let engine = || Scripted { states: running(), lines: vec!["booting", "listening on 1"], ..Scripted::default() };
    assert_eq!(wait(engine(), log("listening")).await.result, Ok(()));
    let outcome = wait(engine(), log("ready")).await;
    assert_eq!(
        outcome.result,
        Err("service `api` was not ready within 30 s: its output holds no line with `ready`".into())
    );
    assert_eq!(outcome.messages, ["waiting for log line `ready`"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_test_a_service_is_ready_when_it_runs_or_ended_well() {
    let engine = Scripted { states: states([ServiceState::Created, ServiceState::Running]), ..Scripted::default() };
    assert_eq!(wait(engine, service(None)).await.result, Ok(()));
    let engine = Scripted { states: states([ServiceState::Exited { code: 0 }]), ..Scripted::default() };
    assert_eq!(wait(engine, service(None)).await.result, Ok(()));
    let engine = Scripted { states: states([ServiceState::Exited { code: 1 }]), ..Scripted::default() };
    assert_eq!(
        wait(engine, service(None)).await.result,
        Err("service `api` ended with exit code 1 before it was ready".into())
    );
}

async fn wait_for_end(engine: Scripted) -> Outcome {
    let (service, plan) = (service(None), plan());
    let (reporter, events) = Reporter::channel();
    let begun = Instant::now();
    let result = await_exit(&engine, &plan, &service, &reporter).await.map_err(|error| error.to_string());
    drop(reporter);
    Outcome { result, took: begun.elapsed(), messages: messages(events) }
}

#[tokio::test(start_paused = true)]
async fn a_job_is_awaited_through_its_restarts() {
    let script =
        [ServiceState::Running, ServiceState::Restarting, ServiceState::Running, ServiceState::Exited { code: 0 }];
    let outcome = wait_for_end(Scripted { states: states(script), ..Scripted::default() }).await;
    assert_eq!((outcome.result, outcome.took), (Ok(()), Duration::from_millis(20 + 40 + 80)));
    assert_eq!(outcome.messages, ["waiting for it to complete"]);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_failed_or_is_not_there_is_not_awaited_for_ever() {
    let failed = wait_for_end(Scripted { states: states([ServiceState::Exited { code: 2 }]), ..Scripted::default() });
    assert_eq!(failed.await.result, Err("service `api` ended with exit code 2 before it was ready".into()));
    let error = wait_for_end(Scripted::default()).await.result.expect_err("nothing there");
    assert!(error.ends_with("it is not there"), "{error}");
}

/// Answers each connection with the next of these texts, the last one for ever.
async fn server(answers: &'static [&'static str]) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut answers = answers.iter().peekable();
        while let (Ok((mut stream, _)), Some(answer)) = (listener.accept().await, answers.peek().copied()) {
            let mut request = vec![0; 1024];
            let length = stream.read(&mut request).await.unwrap_or(0);
            assert!(request[..length].starts_with(b"GET /health HTTP/1.1\r\nHost: localhost:8080\r\n"));
            stream.write_all(answer.as_bytes()).await.expect("written");
            if answers.len() > 1 {
                answers.next();
            }
        }
    });
    address
}

#[tokio::test]
async fn any_2xx_makes_ready_and_nothing_else_does() {
    let address =
        server(&["HTTP/1.1 503 Busy\r\n\r\n", "hello\r\n", "HTTP/1.1 302 Found\r\n\r\n", "HTTP/1.1 204 x\r\n\r\n"]);
    let engine = Scripted { states: running(), address: Some(address.await), ..Scripted::default() };
    let outcome = wait(engine, service(Some(ReadinessTest::Http { path: "/health".into(), port: Some(8080) }))).await;
    assert_eq!(outcome.result, Ok(()));
    let expected = ["it answers 503", "its answer is not HTTP", "it answers 302"];
    assert_eq!(outcome.messages, expected.map(|why| format!("waiting for http /health: {why}")));
}

#[tokio::test]
async fn a_closed_port_is_a_refused_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let engine = Scripted {
        states: states([ServiceState::Running, ServiceState::Exited { code: 0 }]),
        address: Some(address),
        ..Scripted::default()
    };
    let outcome = wait(engine, service(Some(ReadinessTest::Tcp { port: 5432 }))).await;
    assert_eq!(outcome.messages, ["waiting for tcp 5432: connection refused"]);
    assert!(outcome.result.is_err());
}

#[tokio::test]
async fn a_process_that_listens_on_ipv6_only_is_found() {
    let Ok(listener) = tokio::net::TcpListener::bind("[::1]:0").await else {
        return eprintln!("SKIPPED: no IPv6 loopback here");
    };
    let port = listener.local_addr().expect("an address").port();
    let address = Some(SocketAddr::from(([127, 0, 0, 1], port)));
    let engine = Scripted { states: running(), address, ..Scripted::default() };
    assert_eq!(wait(engine, service(Some(ReadinessTest::Tcp { port }))).await.result, Ok(()));
}
