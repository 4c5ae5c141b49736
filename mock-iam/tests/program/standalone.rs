//! `mock-iam` as a user runs it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mock-iam");

/// A running server; it ends with the test.
struct Running {
    child: Child,
    address: String,
    token: String,
}

impl Running {
    fn start(config: &Path, token: &str) -> Self {
        let mut program = Command::new(PROGRAM);
        program.args(["--listen", "127.0.0.1:0", "--log", "json", "--config"]).arg(config);
        let mut child = program.env_remove("RUST_LOG").stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = log.find_map(|line| {
            let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
            (line["message"] == "listening").then(|| line["address"].as_str().unwrap().to_owned())
        });
        // Somebody must read on, or the server would wait for room in the pipe.
        std::thread::spawn(move || log.for_each(drop));
        Self { child, address: address.expect("the server says where it listens"), token: token.to_owned() }
    }

    /// Sends a request and gives back the whole answer.
    fn send(&self, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(stream, "{head} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n", self.address).unwrap();
        write!(stream, "Authorization: Bearer {}\r\n", self.token).unwrap();
        write!(stream, "Content-Length: {length}\r\nConnection: close\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A configuration with fresh tokens in a folder, and the token of those who may do everything.
fn example(folder: &Path) -> (PathBuf, String) {
    let output = Command::new(PROGRAM).arg("example").output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let path = folder.join("iam.yaml");
    std::fs::write(&path, &text).unwrap();
    let line = text.lines().find(|line| line.trim_start().starts_with("tests:")).unwrap();
    (path, line.split('"').nth(1).unwrap().to_owned())
}

fn healthcheck(address: &str) -> std::process::Output {
    Command::new(PROGRAM).args(["healthcheck", "--url", &format!("http://{address}/health")]).output().unwrap()
}

#[test]
fn the_example_starts_is_healthy_decides_and_ends_on_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let (config, token) = example(folder.path());
    let mut server = Running::start(&config, &token);
    assert!(healthcheck(&server.address).status.success());
    let question = |user: &str| {
        format!(
            r#"{{"subject":{{"type":"user","id":"{user}"}},"action":{{"name":"readOrder"}},"resource":{{"type":"order","id":"17"}}}}"#
        )
    };
    for (user, decision) in [("alice", true), ("bob", false), ("carol", true)] {
        let answer = server.send("POST /access/v1/evaluation", &question(user));
        assert!(answer.ends_with(&format!("{{\"decision\":{decision}}}")), "{user}: {answer}");
    }
    let metadata = server.send("GET /.well-known/authzen-configuration", "");
    let port = server.address.rsplit_once(':').unwrap().1;
    assert!(metadata.contains(&format!("\"http://localhost:{port}/access/v1/evaluation\"")), "{metadata}");
    let ended = Command::new("kill").arg(server.child.id().to_string()).status().unwrap();
    assert!(ended.success() && server.child.wait().unwrap().success());
    let gone = healthcheck(&server.address);
    assert!(!gone.status.success() && !gone.stderr.is_empty());
}

#[test]
fn two_examples_have_different_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let (_, first) = example(folder.path());
    let (_, second) = example(folder.path());
    assert_ne!(first, second);
    assert_eq!(first.len(), 48);
}

#[test]
fn policy_files_beside_the_configuration_are_read_and_a_missing_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("iam.json");
    let config = r#"{"personas": {"alice": {}}, "policies": {"files": [{"name": "policies/all.cedar"}]},
                     "callers": {"tests": {"token": "t", "may": ["decide"]}}}"#;
    std::fs::write(&path, config).unwrap();
    let failed = Command::new(PROGRAM).arg("--config").arg(&path).output().unwrap();
    let message = String::from_utf8(failed.stderr).unwrap();
    assert!(!failed.status.success() && message.contains("policies/all.cedar"), "{message}");
    std::fs::create_dir(folder.path().join("policies")).unwrap();
    std::fs::write(folder.path().join("policies/all.cedar"), "permit (principal, action, resource);").unwrap();
    let server = Running::start(&path, "t");
    let question =
        r#"{"subject":{"type":"User","id":"alice"},"action":{"name":"any"},"resource":{"type":"Thing","id":"1"}}"#;
    assert!(server.send("POST /access/v1/evaluation", question).ends_with("{\"decision\":true}"));
}

#[test]
fn a_wrong_configuration_is_refused_without_showing_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("iam.yaml");
    std::fs::write(&path, "callers:\n  api: { token: very-secret, may: [everything] }\n").unwrap();
    let failed = Command::new(PROGRAM).arg("--config").arg(&path).output().unwrap();
    let message = String::from_utf8(failed.stderr).unwrap();
    assert!(!failed.status.success() && message.contains("line 2"), "{message}");
    assert!(!message.contains("very-secret"), "{message}");
}

#[test]
fn what_was_answered_is_in_the_log_even_when_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, log) = (folder.path().join("iam.json"), folder.path().join("decisions.jsonl"));
    let config = serde_json::json!({
        "personas": { "alice": {} }, "decision_log": log,
        "policies": { "files": [{ "name": "all.cedar", "text": "permit (principal, action, resource);" }] },
        "callers": { "api": { "token": "t", "may": ["decide"] } },
    });
    std::fs::write(&path, config.to_string()).unwrap();
    let server = Running::start(&path, "t");
    let question =
        r#"{"subject":{"type":"User","id":"alice"},"action":{"name":"any"},"resource":{"type":"Thing","id":"1"}}"#;
    for _ in 0..20 {
        assert!(server.send("POST /access/v1/evaluation", question).ends_with("{\"decision\":true}"));
    }
    drop(server);
    let verified = mock_iam::audit::verify(&std::fs::read(&log).unwrap()).unwrap();
    assert_eq!((verified.lines, verified.sequences), (20, Some((1, 20))));
}
