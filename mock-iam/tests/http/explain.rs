//! Reasons: on request beside a decision, always in the log, and for people who ask why.

use axum::body::Body;
use serde_json::{Value, json};

use crate::common::{Server, question, request};

#[tokio::test]
async fn reasons_are_told_only_to_those_who_ask_for_them() {
    let server = Server::start();
    let body = question("bob", "alice", "acme");
    assert_eq!(server.evaluate(body.clone()).await.json(), json!({ "decision": false }));
    let mut asking = request("api", "POST", "/access/v1/evaluation", &body);
    asking.headers_mut().insert("x-explain", "true".parse().unwrap());
    let answer = server.send(asking).await.json();
    assert_eq!(answer["decision"], false);
    let explanation = &answer["context"]["explanation"];
    assert_eq!(explanation["near_misses"][0]["policy"], "orders.cedar:1");
    assert_eq!(explanation["near_misses"][0]["conditions"][0]["text"], "resource.owner == principal");
    assert!(explanation["text"].as_str().unwrap().starts_with("denied: no policy permits it"), "{explanation}");
}

#[tokio::test]
async fn the_log_names_what_each_permit_would_have_required_and_nobodys_values() {
    let server = Server::start();
    server.decision("bob", "alice", "acme").await;
    server.decision("alice", "alice", "acme").await;
    let lines = server.decisions().await;
    assert_eq!(
        lines[0]["near_misses"],
        json!([
            { "policy": "orders.cedar:1", "required": ["resource.owner == principal"] },
            { "policy": "orders.cedar:2", "required":
                ["the principal must be in Role::\"support\"", "resource in principal.tenant"] },
        ])
    );
    assert!(!lines[0]["near_misses"].to_string().contains("alice"));
    assert_eq!(lines[1].get("near_misses"), None);
}

#[tokio::test]
async fn why_answers_for_a_resource_that_the_api_asked_about_before_and_logs_nothing() {
    let server = Server::start();
    let why = json!({
        "subject": { "type": "User", "id": "bob" }, "action": { "name": "readOrder" },
        "resource": { "type": "Order", "id": "17" },
    });
    let unknown = server.call("tests", "POST", "/control/v1/explain", why.clone()).await;
    assert_eq!(unknown.status, 400, "{}", unknown.text);
    server.decision("alice", "alice", "acme").await;
    let answer = server.call("tests", "POST", "/control/v1/explain", why.clone()).await.json();
    assert_eq!((&answer["allowed"], &answer["remembered"]), (&json!(false), &json!(true)));
    assert_eq!(answer["question"]["resource"]["properties"]["owner"]["id"], "alice");
    server.patch("bob", json!([{ "op": "replace", "path": "active", "value": false }])).await;
    let answer = server.call("tests", "POST", "/control/v1/explain", why).await.json();
    assert_eq!(answer["text"], "denied\nbecause subject `User::\"bob\"` is not active");
    assert_eq!(server.decisions().await.len(), 1);
}

#[tokio::test]
async fn why_takes_plain_names_for_references_and_is_only_for_those_in_control() {
    let server = Server::start();
    let why = json!({
        "subject": { "type": "User", "id": "alice" }, "action": { "name": "readOrder" },
        "resource": { "type": "Order", "id": "1", "properties": { "owner": "alice", "tenant": "acme" } },
    });
    let answer = server.call("tests", "POST", "/control/v1/explain", why.clone()).await.json();
    assert_eq!((&answer["allowed"], &answer["deciding"][0]["policy"]), (&json!(true), &json!("orders.cedar:1")));
    assert_eq!(server.call("api", "POST", "/control/v1/explain", why).await.status, 403);
    let mut bad = request("tests", "POST", "/control/v1/explain", &Value::Null);
    *bad.body_mut() = Body::from("[]");
    assert_eq!(server.send(bad).await.status, 400);
}
