//! The program as people start it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "this whole program is a test: whatever is not as expected must stop it"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mock-idp");

/// A provider that ends with the test.
struct Running {
    child: Child,
    port: u16,
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn command() -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn start(arguments: &[&str]) -> Running {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    let child = command().args(["--listen", &listen]).args(arguments).spawn().unwrap();
    let running = Running { child, port };
    let deadline = Instant::now() + Duration::from_secs(20);
    while !healthy(port) {
        assert!(Instant::now() < deadline, "no answer");
    }
    running
}

fn healthy(port: u16) -> bool {
    let url = format!("http://127.0.0.1:{port}/health");
    command().args(["healthcheck", "--url", &url]).status().unwrap().success()
}

fn terminate(running: &mut Running) -> i32 {
    let id = running.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    running.child.wait().unwrap().code().unwrap_or_else(|| panic!("killed"))
}

#[test]
fn without_a_file_it_serves_says_where_to_go_and_ends_with_status_0() {
    let mut running = start(&[]);
    assert_eq!(terminate(&mut running), 0);
    let mut text = String::new();
    running.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    let issuer = format!("http://localhost:{}", running.port);
    for part in [&format!("{issuer}/.well-known/openid-configuration"), "alice, bob, carol", "backend, web", "control "]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn with_json_logs_every_line_is_an_object_and_nothing_else_is_said() {
    let mut running = start(&["--log-format", "json"]);
    terminate(&mut running);
    let lines: Vec<String> = BufReader::new(running.child.stderr.take().unwrap()).lines().map(Result::unwrap).collect();
    assert!(!lines.is_empty());
    for line in lines {
        let value: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        assert!(value["level"].is_string() && value["timestamp"].is_string(), "{line}");
    }
}

#[test]
fn each_request_is_logged_when_asked_for_with_its_outcome_and_without_what_it_carried() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    let arguments = ["--listen", &listen, "--log-format", "json"];
    let child = command().env("RUST_LOG", "mock_idp=debug").args(arguments).spawn().unwrap();
    let mut running = Running { child, port };
    let deadline = Instant::now() + Duration::from_secs(20);
    while !healthy(port) {
        assert!(Instant::now() < deadline, "no answer");
    }
    let form = "grant_type=client_credentials&client_id=backend&client_secret=a-wrong-secret";
    let mut stream = TcpStream::connect(&listen).unwrap();
    let head = "POST /token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded";
    write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{form}", form.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    terminate(&mut running);
    let mut text = String::new();
    running.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let logged: Vec<_> = lines.filter(|line| line["path"] == "/token").collect();
    assert_eq!(logged.len(), 1, "{text}");
    assert_eq!((&logged[0]["method"], &logged[0]["status"]), (&"POST".into(), &401.into()), "{text}");
    assert!(!text.contains("a-wrong-secret"), "{text}");
}

#[test]
fn the_healthcheck_of_a_provider_with_https_trusts_its_authority_and_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (config, tls) = (directory.path().join("idp.yaml"), directory.path().join("tls"));
    std::fs::write(&config, format!("issuer: https://localhost:{port}\ntls: {{ directory: {} }}\n", tls.display()))
        .unwrap();
    let arguments = ["--config", config.to_str().unwrap(), "--listen", &format!("127.0.0.1:{port}")];
    let _running = Running { child: command().args(arguments).spawn().unwrap(), port };
    let url = format!("https://localhost:{port}/health");
    let authority = tls.join("ca.pem");
    let check = |more: &[&str]| command().args(["healthcheck", "--url", &url]).args(more).status().unwrap().success();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !check(&["--ca", authority.to_str().unwrap()]) {
        assert!(Instant::now() < deadline, "no answer");
    }
    assert!(!check(&[]), "nobody trusts an authority that was not named");
}

#[test]
fn the_healthcheck_fails_where_nobody_answers() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert!(!healthy(port));
}

#[test]
fn the_printed_default_is_a_configuration_that_it_starts_with() {
    let output = command().arg("--print-config").output().unwrap();
    assert!(output.status.success());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("idp.yaml");
    std::fs::write(&path, &output.stdout).unwrap();
    let running = start(&["--config", path.to_str().unwrap()]);
    assert!(healthy(running.port));
}

#[test]
fn a_wrong_file_is_status_2_and_a_taken_port_status_3_each_with_its_reason() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("idp.yaml");
    std::fs::write(&path, "issuer: nonsense\n").unwrap();
    let output = command().args(["--config", path.to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nonsense"));

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let output = command().args(["--listen", &listen]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&listen));
}

#[test]
fn the_control_token_comes_from_a_file_and_is_never_shown() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    std::fs::write(&path, "a-control-token-of-a-test\n").unwrap();
    let mut running = start(&["--control-token-file", path.to_str().unwrap()]);
    terminate(&mut running);
    let mut text = String::new();
    running.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(text.contains("/journal") && !text.contains("a-control-token"), "{text}");
}

#[test]
fn the_help_teaches() {
    let text = String::from_utf8(command().arg("--help").output().unwrap().stdout).unwrap();
    for part in ["--config", "--listen", "--log-format", "healthcheck", "backend-secret", "Examples"] {
        assert!(text.contains(part), "{part}");
    }
}
