//! What a test changes in one call while a session lives: resources, circumstances, tenants, failures.

use serde_json::{Value, json};

use crate::common::{Server, config, question};

/// The usual server, with an order that the IAM knows and an action that wants to know the circumstances.
fn informed() -> Server {
    let mut values = serde_json::to_value(config()).unwrap();
    values["policies"]["schema"]["text"] = json!(format!(
        "{}action payOrder appliesTo {{ principal: User, resource: Order, context: {{ mfa: Bool, ip?: ipaddr, hour?: Long }} }};",
        crate::common::SCHEMA
    ));
    let policy = r#"
        @id("strong") permit (principal, action == Action::"payOrder", resource) when { context.mfa };
        @id("night") forbid (principal, action == Action::"payOrder", resource) when { context has hour && context.hour < 6 };
        @id("abroad") forbid (principal, action == Action::"payOrder", resource)
            when { context has ip && !context.ip.isInRange(ip("10.0.0.0/8")) };
    "#;
    let files = values["policies"]["files"].as_array_mut().unwrap();
    files.push(json!({ "name": "pay.cedar", "text": policy }));
    values["resources"] = json!([{ "type": "Order", "id": "17", "attributes": {
        "owner": { "type": "User", "id": "alice" }, "tenant": { "type": "Tenant", "id": "acme" } } }]);
    Server::with(serde_json::from_value(values).unwrap())
}

async fn read(server: &Server, user: &str) -> bool {
    let body = json!({ "subject": { "type": "User", "id": user }, "action": { "name": "readOrder" }, "resource": { "type": "Order", "id": "17" } });
    server.evaluate(body).await.json()["decision"].as_bool().unwrap()
}

async fn control(server: &Server, method: &str, path: &str, body: Value) -> u16 {
    server.call("tests", method, &format!("/control/v1/{path}"), body).await.status.as_u16()
}

#[tokio::test]
async fn what_the_iam_knows_of_a_resource_wins_over_what_the_caller_says_and_the_mismatch_is_logged() {
    let server = informed();
    assert!(read(&server, "alice").await && !read(&server, "bob").await);
    // F14: bob claims to be the owner.
    assert!(!server.decision("bob", "bob", "acme").await);
    let lines = server.call("tests", "GET", "/control/v1/decisions?claim_mismatch=true", Value::Null).await;
    assert_eq!(lines.text.lines().count(), 1, "{}", lines.text);
    assert_eq!(
        serde_json::from_str::<Value>(&lines.text).unwrap()["claim_mismatch"],
        json!([{ "property": "resource.owner", "claimed": { "type": "User", "id": "bob" }, "directory": { "type": "User", "id": "alice" } }])
    );
    // What it does not know, the caller fills in.
    let mut total = question("alice", "alice", "acme");
    total["resource"]["properties"]["total"] = json!(5);
    assert_eq!(server.evaluate(total).await.json(), json!({ "decision": true }));
    assert_eq!(server.decisions().await.last().unwrap()["claim_mismatch"], json!([]));
}

#[tokio::test]
async fn a_changed_resource_is_seen_by_the_next_decision_and_reset_brings_it_back() {
    let server = informed();
    let owner = json!({ "owner": { "type": "User", "id": "bob" } });
    assert_eq!(control(&server, "PATCH", "resources/Order/17", owner).await, 200);
    assert!(!read(&server, "alice").await && read(&server, "bob").await);
    assert_eq!(control(&server, "DELETE", "resources/Order/17", Value::Null).await, 204);
    assert_eq!(control(&server, "DELETE", "resources/Order/17", Value::Null).await, 404);
    let whole = json!({ "attributes": { "owner": { "type": "User", "id": "carol" }, "tenant": { "type": "Tenant", "id": "acme" } } });
    assert_eq!(control(&server, "PUT", "resources/Order/17", whole).await, 200);
    assert!(read(&server, "carol").await);
    assert_eq!(control(&server, "PUT", "resources/Order/17", json!({ "owner": 1 })).await, 400);
    assert_eq!(control(&server, "POST", "reset", Value::Null).await, 204);
    assert!(read(&server, "alice").await && !read(&server, "bob").await);
}

#[tokio::test]
async fn a_known_resource_that_does_not_fit_the_schema_denies_and_says_so_in_the_log() {
    let server = informed();
    control(&server, "PATCH", "resources/Order/17", json!({ "tenant": "acme" })).await;
    assert!(!read(&server, "alice").await);
    let errors = server.decisions().await[0]["errors"].to_string();
    assert!(errors.contains("the directory does not fit the schema") && errors.contains("tenant"), "{errors}");
}

#[tokio::test]
async fn a_user_moved_to_another_tenant_reads_nothing_of_the_old_one() {
    let server = informed();
    assert!(read(&server, "carol").await);
    // F12, in one call.
    let path = "urn:devenv:params:scim:schemas:extension:1.0:User:tenant";
    server.patch("carol", json!([{ "op": "replace", "path": path, "value": "globex" }])).await;
    assert!(!read(&server, "carol").await);
}

#[tokio::test]
async fn circumstances_flip_the_next_decision_whatever_the_caller_says_of_them() {
    let server = informed();
    let pay = async |context: Value| {
        let mut body = question("bob", "alice", "acme");
        (body["action"], body["context"]) = (json!({ "name": "payOrder" }), context);
        let answer = server.evaluate(body).await;
        answer.json()["decision"].as_bool().unwrap_or_else(|| panic!("{}", answer.text))
    };
    let strong = json!({ "mfa": true, "ip": "10.1.2.3", "hour": 12 });
    assert!(pay(strong.clone()).await);
    // F13: time, second factor, address.
    for circumstances in [json!({ "mfa": false }), json!({ "hour": 3 }), json!({ "ip": "203.0.113.9" })] {
        assert_eq!(control(&server, "PUT", "circumstances", circumstances.clone()).await, 204);
        assert!(!pay(strong.clone()).await, "{circumstances}");
    }
    assert_eq!(control(&server, "PUT", "circumstances", json!({})).await, 204);
    assert!(pay(strong.clone()).await);
    assert_eq!(control(&server, "PUT", "circumstances", json!([])).await, 400);
    control(&server, "PUT", "circumstances", json!({ "mfa": false })).await;
    let now = server.call("tests", "GET", "/control/v1/circumstances", Value::Null).await.json();
    assert_eq!(now, json!({ "mfa": false }));
    control(&server, "POST", "reset", Value::Null).await;
    assert!(pay(strong).await);
}

mod faults {
    use std::time::{Duration, Instant};

    use super::*;

    async fn fail(server: &Server, fault: Value) {
        assert_eq!(control(server, "POST", "faults", fault).await, 201);
    }

    #[tokio::test]
    async fn an_error_lasts_until_it_is_taken_back_and_control_and_health_go_on() {
        let server = Server::start();
        fail(&server, json!({ "fault": "error", "status": 503 })).await;
        for _ in 0..2 {
            assert_eq!(server.evaluate(question("alice", "alice", "acme")).await.status, 503);
        }
        assert_eq!(server.call("idp", "GET", "/scim/v2/Users", Value::Null).await.status, 503);
        assert_eq!(server.call("idp", "GET", "/health", Value::Null).await.status, 200);
        assert_eq!(control(&server, "DELETE", "faults", Value::Null).await, 204);
        assert!(server.decision("alice", "alice", "acme").await);
    }

    #[tokio::test]
    async fn a_fault_strikes_its_target_and_as_many_requests_as_it_says() {
        let server = Server::start();
        fail(&server, json!({ "target": "decisions", "fault": "error", "requests": 2 })).await;
        assert_eq!(server.call("idp", "GET", "/scim/v2/Users", Value::Null).await.status, 200);
        for expected in [500, 500, 200] {
            assert_eq!(server.evaluate(question("alice", "alice", "acme")).await.status, expected);
        }
        let left = server.call("tests", "GET", "/control/v1/faults", Value::Null).await.json();
        assert_eq!(left, json!({ "faults": [] }));
    }

    #[tokio::test]
    async fn a_fault_for_one_subject_strikes_only_requests_that_mention_it_in_body_or_path() {
        let server = Server::start();
        fail(&server, json!({ "fault": "error", "mentions": "alice" })).await;
        for (subject, expected) in [("alice", 500), ("bob", 200)] {
            assert_eq!(server.evaluate(question(subject, "bob", "acme")).await.status, expected, "{subject}");
            let user = format!("/scim/v2/Users/{subject}");
            assert_eq!(server.call("idp", "GET", &user, Value::Null).await.status, expected, "{subject}");
        }
        assert_eq!(control(&server, "POST", "faults", json!({ "fault": "error", "mentions": "" })).await, 400);
    }

    #[tokio::test]
    async fn one_fault_is_taken_back_by_its_number_and_the_others_stay() {
        let server = Server::start();
        let add = async |target: &str| {
            let fault = json!({ "target": target, "fault": "error" });
            server.call("tests", "POST", "/control/v1/faults", fault).await.json()["id"].as_u64().unwrap()
        };
        let (decisions, directory) = (add("decisions").await, add("directory").await);
        assert_ne!(decisions, directory);
        assert_eq!(control(&server, "DELETE", &format!("faults/{directory}"), Value::Null).await, 204);
        assert_eq!(control(&server, "DELETE", &format!("faults/{directory}"), Value::Null).await, 404);
        assert_eq!(server.call("idp", "GET", "/scim/v2/Users", Value::Null).await.status, 200);
        assert_eq!(server.evaluate(question("alice", "alice", "acme")).await.status, 500);
    }

    #[tokio::test]
    async fn a_malformed_answer_is_200_with_nonsense_or_with_what_the_test_says() {
        let server = Server::start();
        fail(&server, json!({ "fault": "malformed", "requests": 1 })).await;
        let answer = server.evaluate(question("alice", "alice", "acme")).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
        assert!(serde_json::from_str::<Value>(&answer.text).is_err());
        fail(&server, json!({ "fault": "malformed", "body": "{\"decision\":\"true\"}" })).await;
        assert_eq!(server.evaluate(question("bob", "alice", "acme")).await.text, "{\"decision\":\"true\"}");
    }

    #[tokio::test]
    async fn a_slow_answer_is_the_right_one_later() {
        let server = Server::start();
        fail(&server, json!({ "fault": "slow", "delay_ms": 60, "requests": 1 })).await;
        let start = Instant::now();
        assert!(server.decision("alice", "alice", "acme").await);
        assert!(start.elapsed() >= Duration::from_millis(60));
    }

    #[tokio::test]
    async fn reset_ends_all_faults_and_wrong_ones_are_refused() {
        let server = Server::start();
        for wrong in [
            json!({}),
            json!({ "fault": "explode" }),
            json!({ "fault": "error", "status": 200 }),
            json!({ "fault": "down", "requests": 0 }),
            json!({ "fault": "down", "target": "health" }),
            json!({ "fault": "down", "delay": 1 }),
        ] {
            assert_eq!(control(&server, "POST", "faults", wrong.clone()).await, 400, "{wrong}");
        }
        fail(&server, json!({ "fault": "down" })).await;
        assert_eq!(server.evaluate(question("alice", "alice", "acme")).await.status, 503);
        control(&server, "POST", "reset", Value::Null).await;
        assert!(server.decision("alice", "alice", "acme").await);
    }
}
