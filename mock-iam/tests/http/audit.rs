//! The decision log as evidence: chained, continued, rotated, redacted.

use mock_iam::audit::{BrokenLine, verify};
use serde_json::{Value, json};

use crate::common::{Server, config, question};

#[tokio::test]
async fn what_the_control_interface_gives_out_verifies_and_an_edited_byte_does_not() {
    let server = Server::start();
    for user in ["alice", "bob", "carol"] {
        server.decision(user, "alice", "acme").await;
    }
    let text = server.call("tests", "GET", "/control/v1/decisions", Value::Null).await.text;
    let verified = verify(text.as_bytes()).unwrap();
    assert_eq!((verified.sequences, verified.from_the_beginning), (Some((1, 3)), true));
    let broken = verify(text.replacen("\"decision\":false", "\"decision\":true ", 1).as_bytes()).unwrap_err();
    assert_eq!((broken.line, broken.problem), (2, BrokenLine::Changed));
}

#[tokio::test]
async fn a_restarted_server_continues_numbers_and_chain_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.jsonl");
    let mut config = config();
    config.decision_log = Some(path.clone());
    for _ in 0..3 {
        Server::with(config.clone()).decision("alice", "alice", "acme").await;
    }
    let verified = verify(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!((verified.lines, verified.sequences), (3, Some((1, 3))));
}

#[tokio::test]
async fn a_long_log_is_rotated_and_the_files_together_are_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.jsonl");
    let mut config = config();
    config.decision_log = Some(path.clone());
    config.decision_log_rotation = mock_iam::config::Rotation { bytes: 2_000, files: 2 };
    let server = Server::with(config.clone());
    for _ in 0..20 {
        server.decision("alice", "alice", "acme").await;
    }
    // As after a crash right after a rotation.
    let named = |end: &str| folder.path().join(format!("decisions.jsonl{end}"));
    let files: Vec<Vec<u8>> = [".2", ".1", ""].map(|end| std::fs::read(named(end)).unwrap()).into();
    assert!(files.iter().all(|file| file.len() <= 2_000) && !named(".3").exists());
    let verified = verify(&files.concat()).unwrap();
    assert_eq!((verified.sequences.unwrap().1, verified.from_the_beginning), (20, false));
    std::fs::write(named(""), "").unwrap();
    Server::with(config).decision("alice", "alice", "acme").await;
    let all = [std::fs::read(named(".1")).unwrap(), std::fs::read(named("")).unwrap()].concat();
    verify(&all).unwrap();
}

#[tokio::test]
async fn a_torn_last_line_is_kept_apart_and_the_next_line_begins_a_chain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.jsonl");
    let mut config = config();
    config.decision_log = Some(path.clone());
    Server::with(config.clone()).decision("alice", "alice", "acme").await;
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("{\"time\":\"20");
    std::fs::write(&path, &text).unwrap();
    Server::with(config).decision("alice", "alice", "acme").await;
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(verify(text.as_bytes()).unwrap_err().line, 2);
    assert_eq!(verify(text.lines().last().unwrap().as_bytes()).unwrap().lines, 1);
}

#[tokio::test]
async fn claims_that_look_like_secrets_are_redacted_and_long_ones_are_cut() {
    let mut values = serde_json::to_value(config()).unwrap();
    let attributes = json!({ "api_key": "k-1", "note": "short", "nested": { "password": "p-1" } });
    values["personas"]["alice"]["attributes"] = attributes;
    values["policies"] = json!({});
    let server = Server::with(serde_json::from_value(values).unwrap());
    let mut body = question("alice", "alice", "acme");
    body["subject"]["properties"] =
        json!({ "api_key": "k-2", "note": "x".repeat(5_000), "nested": { "password": "p-2", "plain": 1 } });
    server.evaluate(body).await;
    let line = server.decisions().await[0].clone();
    let mismatches = line["claim_mismatch"].as_array().unwrap();
    let of = |name: &str| mismatches.iter().find(|found| found["property"] == name).unwrap().clone();
    assert_eq!((&of("api_key")["claimed"], &of("api_key")["directory"]), (&json!("[redacted]"), &json!("[redacted]")));
    assert_eq!(of("nested")["claimed"], json!({ "password": "[redacted]", "plain": 1 }));
    assert_eq!(of("note")["claimed"].as_str().unwrap().chars().count(), 257);
    assert!(!line.to_string().contains("k-1") && !line.to_string().contains("p-1"));
}

#[tokio::test]
async fn the_decisions_of_one_request_can_be_asked_for() {
    let server = Server::start();
    for id in ["first", "second"] {
        let mut request =
            crate::common::request("api", "POST", "/access/v1/evaluation", &question("alice", "alice", "acme"));
        request.headers_mut().insert("x-request-id", id.parse().unwrap());
        server.send(request).await;
    }
    let found = server.call("tests", "GET", "/control/v1/decisions?request_id=second", Value::Null).await;
    assert_eq!((found.text.lines().count(), found.text.contains("\"sequence\":2")), (1, true));
    assert_eq!(server.call("tests", "GET", "/control/v1/decisions?since=1", Value::Null).await.status, 400);
}
