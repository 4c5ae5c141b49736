//! The API without flaws: who gets what answer.

use serde_json::{Value, json};

use crate::fake::{World, sign};
use crate::stack::Stack;

const EVERYBODY: [&str; 7] = ["alice", "bob", "carol", "root", "mallory", "dave", "eve"];

/// The status for each persona of [`EVERYBODY`], on a fresh order of alice each time.
async fn statuses(request: &str, body: Option<Value>) -> Vec<u16> {
    let stack = Stack::sound().await;
    let mut statuses = Vec::new();
    for persona in EVERYBODY {
        let request = request.replace("ORDER", &stack.order_of("alice").await);
        statuses.push(stack.as_persona(persona, &request, body.clone()).await.status.as_u16());
    }
    statuses
}

#[tokio::test]
async fn owners_and_staff_of_the_tenant_read_an_order_and_for_others_it_is_not_there() {
    assert_eq!(statuses("GET ORDER", None).await, [200, 404, 200, 200, 404, 404, 404]);
}

#[tokio::test]
async fn owners_and_admins_change_an_order_and_support_is_told_that_it_may_not() {
    assert_eq!(statuses("PATCH ORDER", Some(json!({"quantity": 2}))).await, [200, 404, 403, 200, 404, 404, 404]);
}

#[tokio::test]
async fn only_admins_of_the_tenant_delete_an_order() {
    assert_eq!(statuses("DELETE ORDER", None).await, [403, 404, 403, 204, 404, 404, 404]);
}

#[tokio::test]
async fn only_staff_of_the_tenant_refunds_an_order() {
    assert_eq!(statuses("POST ORDER/refund", None).await, [403, 404, 200, 200, 404, 404, 404]);
}

#[tokio::test]
async fn owners_and_admins_put_an_order_away_or_hand_it_over() {
    assert_eq!(statuses("POST ORDER/archive", None).await, [200, 404, 403, 200, 404, 404, 404]);
    let to_bob = Some(json!({"owner": "bob"}));
    assert_eq!(statuses("POST ORDER/transfer", to_bob).await, [200, 404, 403, 200, 404, 404, 404]);
}

#[tokio::test]
async fn an_order_stays_within_its_tenant_and_goes_to_nobody_unknown() {
    let stack = Stack::sound().await;
    let path = stack.order_of("alice").await;
    for (body, status) in [(json!({"owner": "mallory"}), 400), (json!({"owner": "nobody"}), 400), (json!({}), 400)] {
        let answer = stack.as_persona("alice", &format!("POST {path}/transfer"), Some(body)).await;
        assert_eq!(answer.status, status);
    }
    assert_eq!(stack.as_persona("alice", &format!("GET {path}"), None).await.body["owner"], "alice");
}

#[tokio::test]
async fn a_refund_asks_for_a_second_factor_and_says_so() {
    let stack = Stack::sound().await;
    let path = stack.order_of("alice").await;
    let mut claims = stack.world().claims("carol", 300);
    claims["acr"] = json!("pwd");
    let token = sign(&stack.world().key, &World::header(), &claims);
    let answer = stack.with_token(&token, &format!("POST {path}/refund")).await;
    let challenge = "Bearer error=\"insufficient_user_authentication\", acr_values=\"mfa\", max_age=\"900\"";
    assert_eq!((answer.status.as_u16(), &answer.headers["www-authenticate"]), (401, &challenge.parse().unwrap()));
    assert_eq!(stack.as_persona("carol", &format!("POST {path}/refund"), None).await.status, 200);
}

#[tokio::test]
async fn statements_that_break_a_rule_are_refused_and_end_nothing() {
    let stack = Stack::sound().await;
    let old = stack.world().old_token("alice");
    let events: [(&str, Value); 7] = [
        ("iss", json!("http://elsewhere")),
        ("aud", json!("billing")),
        ("iat", json!(1)),
        ("jti", Value::Null),
        ("events", Value::Null),
        ("sub_id", json!({"format": "opaque", "id": "alice"})),
        ("sub_id", json!({"format": "iss_sub", "iss": "http://elsewhere", "sub": "alice"})),
    ];
    for (claim, value) in events {
        let (header, mut claims) = stack.world().event("alice");
        claims[claim] = value;
        assert_eq!(stack.deliver((header, claims)).await, 400, "{claim}");
    }
    let logouts = [
        ("iss", json!("http://elsewhere")),
        ("aud", json!("billing")),
        ("exp", json!(1)),
        ("nonce", json!("n")),
        ("events", json!({})),
        ("sub", Value::Null),
    ];
    for (claim, value) in logouts {
        let (header, mut claims) = stack.world().logout("alice");
        claims[claim] = value;
        assert_eq!(stack.deliver((header, claims)).await, 400, "{claim}");
    }
    for header in
        [json!({"typ": "JWT", "alg": "ES256", "kid": "1"}), json!({"typ": "secevent+jwt", "alg": "ES256", "kid": "2"})]
    {
        let (_, claims) = stack.world().event("alice");
        assert_eq!(stack.deliver((header, claims)).await, 400);
    }
    for text in ["", "nonsense", "a.b.c"] {
        assert_eq!((stack.deliver_text(true, text).await, stack.deliver_text(false, text).await), (400, 400));
    }
    assert_eq!(stack.with_token(&old, "GET /me").await.status, 200);
}

#[tokio::test]
async fn a_statement_ends_the_sessions_before_it_once() {
    for statement in [World::event, World::logout] {
        let stack = Stack::sound().await;
        let old = stack.world().old_token("alice");
        let statement = statement(&stack.world(), "alice");
        assert!(stack.deliver(statement.clone()).await < 300);
        assert_eq!(stack.with_token(&old, "GET /me").await.status, 401);
        assert!(stack.deliver(statement).await < 300, "who sends it again need not know that it is known");
        assert_eq!(stack.as_persona("alice", "GET /me", None).await.status, 200);
        let others = stack.world().old_token("bob");
        assert_eq!(stack.with_token(&others, "GET /me").await.status, 200);
    }
}

#[tokio::test]
async fn a_retired_key_signs_no_statement() {
    let stack = Stack::sound().await;
    stack.world().key_is_retired = true;
    let event = stack.world().event("alice");
    assert_eq!(stack.deliver(event).await, 400);
}

#[tokio::test]
async fn only_admins_export() {
    assert_eq!(statuses("GET /admin/export", None).await, [403, 403, 403, 200, 403, 403, 200]);
}

#[tokio::test]
async fn everybody_knows_who_they_are_as_the_directory_has_them() {
    let stack = Stack::sound().await;
    let answer = stack.as_persona("carol", "GET /me", None).await;
    assert_eq!(answer.body, json!({"sub": "carol", "tenant": "acme", "roles": ["support"]}));
}

#[tokio::test]
async fn customers_list_their_own_orders_and_staff_those_of_its_tenant() {
    let stack = Stack::sound().await;
    for owner in ["alice", "bob", "mallory"] {
        stack.order_of(owner).await;
    }
    for (persona, owners) in [
        ("alice", vec!["alice"]),
        ("mallory", vec!["mallory"]),
        ("carol", vec!["alice", "bob"]),
        ("root", vec!["alice", "bob"]),
        ("dave", vec!["mallory"]),
    ] {
        let answer = stack.as_persona(persona, "GET /orders", None).await;
        let mut listed = answer.owners();
        listed.sort_unstable();
        assert_eq!(listed, owners, "{persona}");
        assert!(!answer.body.to_string().contains("margin"));
    }
    let export = stack.as_persona("eve", "GET /admin/export", None).await;
    assert_eq!(export.owners(), ["mallory"]);
}

#[tokio::test]
async fn staff_sees_the_margin_of_an_order_and_its_owner_does_not() {
    let stack = Stack::sound().await;
    let path = stack.order_of("alice").await;
    for (persona, sees) in [("alice", false), ("carol", true), ("root", true)] {
        let order = stack.as_persona(persona, &format!("GET {path}"), None).await.body;
        assert_eq!(order.get("margin").is_some(), sees, "{persona}");
    }
}

#[tokio::test]
async fn a_refund_twice_is_one_refund() {
    let stack = Stack::sound().await;
    let path = stack.order_of("alice").await;
    for _ in 0..2 {
        let answer = stack.as_persona("carol", &format!("POST {path}/refund"), None).await;
        assert_eq!((answer.status.as_u16(), &answer.body["status"]), (200, &json!("refunded")));
    }
}

#[tokio::test]
async fn without_a_valid_token_there_is_a_challenge_and_nothing_else() {
    let stack = Stack::sound().await;
    for request in ["GET /me", "GET /orders", "POST /orders", "GET /orders/1", "DELETE /orders/1", "GET /admin/export"]
    {
        let answer = stack.send(request, &[], None).await;
        assert_eq!((answer.status.as_u16(), &answer.headers["www-authenticate"]), (401, &"Bearer".parse().unwrap()));
        let answer = stack.with_token("wrong", request).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn the_scheme_is_accepted_in_lower_case_and_two_headers_are_refused() {
    let stack = Stack::sound().await;
    let token = stack.token("alice");
    assert_eq!(stack.send("GET /me", &[format!("authorization: bearer {token}")], None).await.status, 200);
    let both = [format!("authorization: Bearer {token}"), format!("authorization: Bearer {}", stack.token("bob"))];
    let answer = stack.send("GET /me", &both, None).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.headers["www-authenticate"], "Bearer error=\"invalid_request\"");
}

#[tokio::test]
async fn a_token_for_another_api_is_refused() {
    let stack = Stack::sound().await;
    let mut claims = stack.world().claims("alice", 300);
    claims["aud"] = json!("billing");
    let token = sign(&stack.world().key, &World::header(), &claims);
    assert_eq!(stack.with_token(&token, "GET /me").await.status, 401);
}

#[tokio::test]
async fn without_a_provider_or_an_iam_every_operation_but_health_is_refused() {
    for provider_fails in [true, false] {
        let stack = Stack::sound().await;
        let path = stack.order_of("alice").await;
        stack.world().provider_answers = !provider_fails;
        stack.world().iam_answers = provider_fails;
        let requests = ["GET /me", "GET /orders", "POST /orders", "GET ORDER", "PATCH ORDER", "DELETE ORDER"];
        for request in requests.into_iter().chain(["POST ORDER/refund", "GET /admin/export"]) {
            let answer = stack.as_persona("root", &request.replace("ORDER", &path), Some(json!({}))).await;
            assert_eq!(answer.status, 503, "{request}");
            assert_eq!(answer.body["detail"], "a service that this one needs does not answer");
        }
        assert_eq!(stack.send("GET /health", &[], None).await.status, 200);
        assert_eq!(stack.send("GET /me", &[], None).await.status, 401);
    }
}

#[tokio::test]
async fn an_impossible_body_is_refused_after_the_caller_was_admitted() {
    let stack = Stack::sound().await;
    for (body, status) in [
        (json!({"item": "x"}), 400),
        (json!({"item": "x", "quantity": "many"}), 400),
        (json!({"item": "", "quantity": 1}), 400),
        (json!([]), 400),
        (json!({"item": "x".repeat(20_000), "quantity": 1}), 413),
        (json!({"item": "x", "quantity": 1, "owner": "bob", "unknown": [1]}), 201),
    ] {
        assert_eq!(stack.as_persona("alice", "POST /orders", Some(body.clone())).await.status, status, "{body}");
        assert_eq!(stack.send("POST /orders", &[], Some(body)).await.status, 401);
    }
}

#[tokio::test]
async fn answers_are_not_cached() {
    let stack = Stack::sound().await;
    assert_eq!(stack.as_persona("alice", "GET /orders", None).await.headers["cache-control"], "no-store");
}
