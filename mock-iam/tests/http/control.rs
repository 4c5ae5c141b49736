//! The control API: decisions, policies, reset, and who is kept out.

use serde_json::{Value, json};

use crate::common::{POLICIES, SCHEMA, Server, request};

fn policies(text: &str) -> Value {
    json!({
        "schema": { "name": "schema.cedarschema", "text": SCHEMA },
        "files": [{ "name": "orders.cedar", "text": text }],
    })
}

#[tokio::test]
async fn replaced_policies_decide_the_next_question() {
    let server = Server::start();
    assert!(server.decision("alice", "alice", "acme").await);
    let answer = server.call("tests", "PUT", "/control/v1/policies", policies("")).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["policies"]), (200, &json!(0)));
    assert!(!server.decision("alice", "alice", "acme").await);
    let lines = server.decisions().await;
    assert_ne!(lines[0]["policy_hash"], lines[1]["policy_hash"]);
    assert_eq!(lines[1]["policy_hash"], answer.json()["policy_hash"]);
}

#[tokio::test]
async fn a_bad_set_is_refused_with_file_line_and_column_and_the_old_one_stays() {
    let server = Server::start();
    let bad =
        policies(&format!("{POLICIES}\npermit (principal, action, resource) when {{ resource.onwer == principal }};"));
    let answer = server.call("tests", "PUT", "/control/v1/policies", bad).await;
    assert_eq!(answer.status, 422);
    let problem = &answer.json()["problems"][0];
    assert_eq!(
        (&problem["file"], &problem["line"], &problem["column"]),
        (&json!("orders.cedar"), &json!(4), &json!(45))
    );
    assert!(problem["message"].as_str().unwrap().contains("onwer"), "{problem}");
    assert!(server.decision("alice", "alice", "acme").await);
    assert_eq!(server.call("tests", "PUT", "/control/v1/policies", json!({ "files": 1 })).await.status, 400);
}

#[tokio::test]
async fn reset_brings_back_directory_and_policies_and_the_directory_version_goes_on() {
    let server = Server::start();
    server.patch("alice", json!([{ "op": "replace", "path": "active", "value": false }])).await;
    server.call("hr", "DELETE", "/scim/v2/Users/bob", Value::Null).await;
    server.call("hr", "POST", "/scim/v2/Users", json!({ "userName": "dora" })).await;
    server.call("tests", "PUT", "/control/v1/policies", policies("")).await;
    assert!(!server.decision("alice", "alice", "acme").await);
    assert_eq!(server.call("tests", "POST", "/control/v1/reset", Value::Null).await.status, 204);
    assert!(server.decision("alice", "alice", "acme").await);
    assert!(server.decision("bob", "bob", "globex").await);
    assert_eq!(server.call("idp", "GET", "/scim/v2/Users/dora", Value::Null).await.status, 404);
    let lines = server.decisions().await;
    assert_eq!((&lines[0]["directory_version"], &lines[1]["directory_version"]), (&json!(4), &json!(5)));
}

#[tokio::test]
async fn a_web_page_cannot_drive_the_control_interface() {
    let server = Server::start();
    for (name, value) in [("host", "attacker.example"), ("origin", "https://attacker.example"), ("origin", "null")] {
        let mut request = request("tests", "POST", "/control/v1/reset", &Value::Null);
        request.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(server.send(request).await.status, 403, "{name}: {value}");
    }
    let mut request = request("tests", "POST", "/control/v1/reset", &Value::Null);
    request.headers_mut().insert("host", "iam:9410".parse().unwrap());
    request.headers_mut().insert("origin", "http://localhost:9410".parse().unwrap());
    assert_eq!(server.send(request).await.status, 204);
}
