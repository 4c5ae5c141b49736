//! Continuous verification: what changes while a session lives decides the next question. The ids are those of
//! docs/policies.md; the cases of the provider and of the API are tested there.

use serde_json::{Value, json};

use crate::common::{SCHEMA, Server, question};

/// As `SCHEMA`, with circumstances and an attribute that ends an order's life.
fn richer() -> Value {
    let schema = SCHEMA
        .replace("total?: Long", "total?: Long, archived?: Bool")
        .replace("resource: Order }", "resource: Order, context: { mfa?: Bool, address?: ipaddr } }");
    let policies = r#"
permit (principal in Role::"customer", action, resource) when { resource.owner == principal };
forbid (principal, action, resource) when { resource has archived && resource.archived };
forbid (principal, action, resource) when { context has mfa && !context.mfa };
forbid (principal, action, resource) when { context has address && !context.address.isInRange(ip("10.0.0.0/8")) };
"#;
    json!({
        "schema": { "name": "schema.cedarschema", "text": schema },
        "files": [{ "name": "orders.cedar", "text": policies }],
    })
}

async fn rich_server() -> Server {
    let server = Server::start();
    let answer = server.call("tests", "PUT", "/control/v1/policies", richer()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    server
}

async fn decide(server: &Server, body: Value) -> bool {
    let answer = server.evaluate(body).await;
    answer.json()["decision"].as_bool().unwrap_or_else(|| panic!("{}", answer.text))
}

#[tokio::test]
async fn f1_a_removed_role_denies_the_next_question_whatever_the_token_still_says() {
    let server = Server::start();
    let mut asked = question("carol", "alice", "acme");
    asked["subject"]["properties"] = json!({ "roles": ["support", "customer"] });
    assert!(decide(&server, asked.clone()).await);
    server.patch("carol", json!([{ "op": "replace", "path": "roles", "value": [{ "value": "customer" }] }])).await;
    assert!(!decide(&server, asked).await);
    assert_eq!(server.decisions().await[1]["claim_mismatch"][0]["property"], "roles");
}

#[tokio::test]
async fn f2_a_deactivated_user_and_a_deleted_one_are_denied_with_the_reason_in_the_log() {
    let server = Server::start();
    assert!(server.decision("alice", "alice", "acme").await && server.decision("bob", "bob", "globex").await);
    server.patch("alice", json!([{ "op": "replace", "path": "active", "value": false }])).await;
    server.call("hr", "DELETE", "/scim/v2/Users/bob", Value::Null).await;
    assert!(!server.decision("alice", "alice", "acme").await && !server.decision("bob", "bob", "globex").await);
    let lines = server.decisions().await;
    assert_eq!(lines[2]["errors"], json!(["subject `User::\"alice\"` is not active"]));
    assert_eq!(lines[3]["errors"], json!(["subject `User::\"bob\"` is not in the directory"]));
}

#[tokio::test]
async fn f5_an_archived_resource_and_one_with_a_new_owner_are_denied() {
    let server = rich_server().await;
    assert!(server.decision("alice", "alice", "acme").await);
    let mut archived = question("alice", "alice", "acme");
    archived["resource"]["properties"]["archived"] = json!(true);
    assert!(!decide(&server, archived).await);
    assert!(!server.decision("alice", "bob", "acme").await);
}

#[tokio::test]
async fn f6_an_edited_policy_decides_the_next_question_without_a_restart() {
    let server = Server::start();
    assert!(server.decision("alice", "alice", "acme").await);
    let none = json!({ "schema": { "name": "s", "text": SCHEMA }, "files": [] });
    assert_eq!(server.call("tests", "PUT", "/control/v1/policies", none).await.status, 200);
    assert!(!server.decision("alice", "alice", "acme").await);
}

#[tokio::test]
async fn f12_a_user_who_moves_to_another_tenant_takes_no_access_along() {
    let server = Server::start();
    assert!(server.decision("carol", "alice", "acme").await);
    let path = format!("{}:tenant", crate::common::EXTENSION);
    let moved = server.patch("carol", json!([{ "op": "replace", "path": path, "value": "globex" }])).await;
    assert_eq!(moved.status, 200, "{}", moved.text);
    assert!(!server.decision("carol", "alice", "acme").await);
    assert!(server.decision("carol", "bob", "globex").await);
}

#[tokio::test]
async fn f13_the_decision_follows_the_circumstances_of_each_question() {
    let server = rich_server().await;
    for (context, expected) in [
        (json!({ "mfa": true, "address": "10.1.2.3" }), true),
        (json!({ "mfa": false, "address": "10.1.2.3" }), false),
        (json!({ "mfa": true, "address": "192.0.2.1" }), false),
        (json!({ "mfa": true, "address": "10.1.2.3" }), true),
    ] {
        let mut asked = question("alice", "alice", "acme");
        asked["context"] = context.clone();
        assert_eq!(decide(&server, asked).await, expected, "{context}");
    }
}

#[tokio::test]
async fn f14_the_directory_decides_against_the_caller_and_the_contradiction_is_logged() {
    let server = Server::start();
    let mut asked = question("bob", "alice", "acme");
    asked["subject"]["properties"] = json!({ "tenant": "acme", "roles": ["support"], "level": 9 });
    assert!(!decide(&server, asked).await);
    let logged = server.decisions().await[0]["claim_mismatch"].clone();
    let names: Vec<&str> = logged.as_array().unwrap().iter().map(|one| one["property"].as_str().unwrap()).collect();
    assert!(names.contains(&"tenant") && names.contains(&"roles"), "{logged}");
}
