//! Engines that misbehave, played by a few lines behind a socket: no engine is needed here.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use super::*;

/// What the played engine does with a request.
#[derive(Clone, Copy)]
enum Answer {
    /// Status and body.
    Say(&'static str, &'static str),
    /// Ends the connection after these bytes.
    Break(&'static str),
    /// Nothing, for ever.
    Hang,
}

const PONG: &str = "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK";

/// Plays an engine; `answer` gets the request's first line.
async fn played(answer: fn(&str) -> Answer) -> (tempfile::TempDir, Result<Docker, EngineError>) {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("engine.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(play(stream, answer));
        }
    });
    let environment = BTreeMap::from([("DOCKER_HOST".to_owned(), format!("unix://{}", socket.display()))]);
    let docker = Docker::connect(&environment).await;
    (directory, docker)
}

async fn play(mut stream: UnixStream, answer: fn(&str) -> Answer) {
    let mut request = Vec::new();
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(count) if count > 0 => request.extend_from_slice(&piece[..count]),
            _ => return,
        }
    }
    let request = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
    let text = match answer(&request) {
        Answer::Say(status, body) => {
            format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
        }
        Answer::Break(text) => text.to_owned(),
        Answer::Hang => return std::future::pending().await,
    };
    drop(stream.write_all(text.as_bytes()).await);
}

fn project() -> Project {
    Project { name: "x".into(), instance: "00000000".into(), directory: "/x".into(), state: "/x".into() }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_does_not_answer_a_ping_is_unreachable_after_two_seconds() {
    let (directory, docker) = played(|_| Answer::Hang).await;
    let error = docker.unwrap_err();
    assert!(matches!(error, EngineError::Unreachable { .. }));
    let socket = directory.path().join("engine.sock");
    assert_eq!(
        error.to_string(),
        format!("no Docker engine answers at unix://{}: no answer within 2 s", socket.display())
    );
}

#[tokio::test]
async fn a_socket_that_is_not_there_is_named() {
    let environment = BTreeMap::from([("DOCKER_HOST".to_owned(), "unix:///nowhere/engine.sock".to_owned())]);
    let error = Docker::connect(&environment).await.unwrap_err();
    assert!(matches!(&error, EngineError::Unreachable { endpoint, .. } if endpoint == "unix:///nowhere/engine.sock"));
}

#[tokio::test]
async fn an_engine_that_is_too_old_is_told_from_one_that_is_not_there() {
    let old = |_: &str| Answer::Break("HTTP/1.1 200 OK\r\nApi-Version: 1.24\r\nContent-Length: 2\r\n\r\nOK");
    let error = played(old).await.1.unwrap_err().to_string();
    assert!(error.contains("1.24") && error.contains("1.41"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_hung_engine_is_an_error_and_not_a_hang() {
    let hung = |request: &str| if request.contains("/_ping") { Answer::Break(PONG) } else { Answer::Hang };
    let (_directory, docker) = played(hung).await;
    let docker = docker.unwrap();
    let error = docker.observe(&project()).await.unwrap_err().to_string();
    assert!(error.contains("no answer within 30 s"), "{error}");
    let (reporter, _events) = Reporter::channel();
    let error = docker
        .perform(&empty_plan(project()), &Action::RemoveNetwork("n".into()), &reporter)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("no answer within 30 s"), "{error}");
}

#[tokio::test]
async fn an_engine_in_trouble_is_quoted() {
    let trouble = |request: &str| match request {
        _ if request.contains("/_ping") => Answer::Break(PONG),
        _ => Answer::Say("500 Internal Server Error", r#"{"message": "no space left on device"}"#),
    };
    let (_directory, docker) = played(trouble).await;
    let docker = docker.unwrap();
    let error = docker.observe(&project()).await.unwrap_err().to_string();
    assert!(error.contains("no space left on device"), "{error}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error_and_not_an_empty_list() {
    let broken = |request: &str| match request {
        _ if request.contains("/_ping") => Answer::Break(PONG),
        _ if request.contains("/containers/json") => {
            Answer::Break("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n[{\"Id\":")
        }
        _ => Answer::Say("200 OK", "{}"),
    };
    let (_directory, docker) = played(broken).await;
    let docker = docker.unwrap();
    assert!(docker.observe(&project()).await.is_err());
}

#[tokio::test]
async fn output_that_breaks_off_is_an_error_after_the_lines_that_came() {
    let broken = |request: &str| match request {
        _ if request.contains("/_ping") => Answer::Break(PONG),
        _ if request.contains("/containers/json") => Answer::Say("200 OK", r#"[{"Id": "1", "State": "running"}]"#),
        _ => Answer::Break("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello\n\r\n7\r\nhal"),
    };
    let (_directory, docker) = played(broken).await;
    let docker = docker.unwrap();
    let services = ["api".to_owned()];
    let lines = docker.logs(&project(), &services, LogOptions::default()).await.unwrap();
    let lines: Vec<Result<LogLine, EngineError>> = lines.collect().await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0].as_ref().unwrap().text, "hello");
    assert!(lines[1].is_err());
}

#[tokio::test]
async fn following_goes_on_where_the_connection_broke() {
    let flaky = |request: &str| match request {
        _ if request.contains("/_ping") => Answer::Break(PONG),
        _ if request.contains("/containers/json") => Answer::Say("200 OK", r#"[{"Id": "1", "State": "running"}]"#),
        _ if request.contains("since=0") => Answer::Break(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n23\r\n2026-11-22T07:00:00.000000001Z one\n\r\n",
        ),
        _ => Answer::Say("200 OK", "2026-11-22T07:00:00.000000001Z one\n2026-11-22T07:00:00.000000002Z two\n"),
    };
    let (_directory, docker) = played(flaky).await;
    let services = ["api".to_owned()];
    let options = LogOptions { follow: true, tail: None };
    let lines = docker.unwrap().logs(&project(), &services, options).await.unwrap();
    let texts: Vec<String> = lines.take(2).map(|line| line.unwrap().text).collect().await;
    assert_eq!(texts, ["one", "two"]);
}

/// A plan of one container.
fn one_container() -> Plan {
    let source = Source::Image { reference: "image:1".into(), pull: crate::manifest::PullPolicy::Missing };
    let mut plan = empty_plan(project());
    plan.services.insert("api".into(), planned_service("api", source, "x-api".into()));
    plan
}

#[tokio::test(start_paused = true)]
async fn a_name_whose_container_is_still_being_made_for_a_killed_devenv_is_waited_for() {
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    let busy = |request: &str| match request {
        _ if request.contains("/_ping") => Answer::Break(PONG),
        _ if request.contains("/containers/create") && TAKEN.fetch_add(1, Ordering::SeqCst) < 3 => {
            Answer::Say("409 Conflict", r#"{"message": "Conflict. The container name \"/x-api\" is already in use"}"#)
        }
        _ if request.contains("/containers/create") => Answer::Say("201 Created", r#"{"Id": "1", "Warnings": []}"#),
        _ => Answer::Say("404 Not Found", r#"{"message": "No such container: x-api"}"#),
    };
    let (_directory, docker) = played(busy).await;
    let (reporter, _events) = Reporter::channel();
    docker.unwrap().perform(&one_container(), &Action::Create("api".into()), &reporter).await.unwrap();
    assert_eq!(TAKEN.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_falls_silent_while_it_works_on_something_long_is_given_up_early() {
    static PINGS: AtomicUsize = AtomicUsize::new(0);
    let silent = |request: &str| match request {
        _ if request.contains("/_ping") && PINGS.fetch_add(1, Ordering::SeqCst) < 3 => Answer::Break(PONG),
        _ => Answer::Hang,
    };
    let (_directory, docker) = played(silent).await;
    let (docker, (reporter, _events)) = (docker.unwrap(), Reporter::channel());
    let begun = tokio::time::Instant::now();
    let error = docker.perform(&one_container(), &Action::Create("api".into()), &reporter).await.unwrap_err();
    assert!(matches!(&error, EngineError::Lost { cause, .. } if cause.contains("no answer within 10 s")), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

const RUNNING: &str = r#"[{"Id": "1", "State": "running", "Labels": {"dev.devenv.service": "api"}}]"#;

#[tokio::test(start_paused = true)]
async fn an_engine_that_stumbles_while_a_service_is_waited_for_is_asked_again() {
    static LISTS: AtomicUsize = AtomicUsize::new(0);
    let stumbling = |request: &str| match request {
        _ if request.contains("/_ping") => Answer::Break(PONG),
        _ => match LISTS.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::Say("500 Internal Server Error", r#"{"message": "a moment"}"#),
            1 => Answer::Break(""),
            2 => Answer::Say("200 OK", "[{"),
            _ => Answer::Say("200 OK", RUNNING),
        },
    };
    let (_directory, docker) = played(stumbling).await;
    let (docker, plan, (reporter, _events)) = (docker.unwrap(), one_container(), Reporter::channel());
    crate::engine::readiness::await_ready(&docker, &plan, &plan.services["api"], &reporter).await.unwrap();
    assert_eq!(LISTS.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_goes_on_failing_ends_the_wait_with_its_own_error() {
    let failing = |request: &str| match request {
        _ if request.contains("/_ping") => Answer::Break(PONG),
        _ => Answer::Say("500 Internal Server Error", r#"{"message": "disk full"}"#),
    };
    let (_directory, docker) = played(failing).await;
    let (docker, plan, (reporter, _events)) = (docker.unwrap(), one_container(), Reporter::channel());
    let begun = tokio::time::Instant::now();
    let waited = crate::engine::readiness::await_ready(&docker, &plan, &plan.services["api"], &reporter).await;
    let error = waited.unwrap_err();
    assert!(matches!(&error, EngineError::Failed { cause, .. } if cause.contains("disk full")), "{error}");
    assert!(error.help().is_some());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_told_as_such() {
    let nonsense = |request: &str| match request {
        _ if request.contains("/_ping") => Answer::Break(PONG),
        _ if request.contains("/containers/json") => Answer::Say("200 OK", "{\"oh\": 1}"),
        _ => Answer::Say("200 OK", "[{"),
    };
    let (_directory, docker) = played(nonsense).await;
    let error = docker.unwrap().observe(&project()).await.unwrap_err();
    assert!(matches!(error, EngineError::Failed { .. }), "{error}");
}
