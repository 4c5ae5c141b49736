//! Who may call: each permission opens its door and no other.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::common::{Server, question, request};

#[tokio::test]
async fn a_request_without_a_token_is_401_and_says_how_to_authenticate() {
    let server = Server::start();
    for (method, path) in [
        ("POST", "/access/v1/evaluation"),
        ("POST", "/access/v1/evaluations"),
        ("GET", "/scim/v2/Users"),
        ("DELETE", "/scim/v2/Users/alice"),
        ("GET", "/scim/v2/Schemas"),
        ("POST", "/control/v1/reset"),
        ("PUT", "/control/v1/policies"),
        ("GET", "/control/v1/decisions"),
        ("POST", "/access/v1/search/subject"),
        ("GET", "/scim/v2/Me"),
        ("POST", "/scim/v2/.search"),
        ("PUT", "/scim/v2/Groups/support"),
        ("PUT", "/control/v1/circumstances"),
        ("PATCH", "/control/v1/resources/Order/1"),
        ("POST", "/control/v1/faults"),
    ] {
        let bare = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let answer = server.send(bare).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("www-authenticate")),
            (401, "Bearer realm=\"mock-iam\""),
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_unknown_token_is_401_with_invalid_token() {
    let server = Server::start();
    for header in ["Bearer nobody-token", "Bearer ", "Bearer api-token x", "Bearer api-toke"] {
        let mut request = request("api", "POST", "/access/v1/evaluation", &question("alice", "alice", "acme"));
        request.headers_mut().insert("authorization", header.parse().unwrap());
        let answer = server.send(request).await;
        assert_eq!(answer.status, 401, "{header}");
        assert!(answer.header("www-authenticate").ends_with("error=\"invalid_token\""), "{header}");
        assert!(!answer.text.contains("api-token"));
    }
}

#[tokio::test]
async fn two_authorization_headers_or_another_scheme_are_no_credentials() {
    let server = Server::start();
    let mut twice = request("api", "POST", "/access/v1/evaluation", &question("alice", "alice", "acme"));
    twice.headers_mut().append("authorization", "Bearer tests-token".parse().unwrap());
    assert_eq!(server.send(twice).await.status, 401);
    let mut basic = request("api", "POST", "/access/v1/evaluation", &question("alice", "alice", "acme"));
    basic.headers_mut().insert("authorization", "Basic api-token".parse().unwrap());
    assert_eq!(server.send(basic).await.status, 401);
}

#[tokio::test]
async fn each_caller_passes_its_own_door_only() {
    let server = Server::start();
    let doors = [
        ("api", "POST", "/access/v1/evaluation", question("alice", "alice", "acme")),
        ("idp", "GET", "/scim/v2/Users/alice", Value::Null),
        ("hr", "POST", "/scim/v2/Users", json!({ "userName": "dora" })),
        ("tests", "POST", "/control/v1/reset", Value::Null),
    ];
    for (owner, method, path, body) in &doors {
        for caller in ["api", "idp", "hr", "tests"] {
            let answer = server.call(caller, method, path, body.clone()).await;
            assert_eq!(answer.status.is_success(), caller == *owner, "{caller} {path}: {}", answer.text);
            if caller != *owner {
                assert_eq!(answer.status, 403);
                assert!(answer.header("www-authenticate").ends_with("error=\"insufficient_scope\""));
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_at_a_scim_door_is_a_scim_error() {
    let answer = Server::start().call("api", "GET", "/scim/v2/Users", Value::Null).await;
    assert_eq!(answer.header("content-type"), "application/scim+json");
    assert_eq!(answer.json()["status"], "403");
}

#[tokio::test]
async fn health_and_metadata_are_for_everybody() {
    let server = Server::start();
    let get = |path: &str| Request::builder().uri(path.to_owned()).body(Body::empty()).unwrap();
    assert_eq!(server.send(get("/health")).await.json(), json!({ "status": "ok" }));
    let metadata = server.send(get("/.well-known/authzen-configuration")).await.json();
    assert_eq!(metadata["policy_decision_point"], "http://localhost:9410");
    assert_eq!(metadata["access_evaluation_endpoint"], "http://localhost:9410/access/v1/evaluation");
    // What is announced is there: 401 and not 404.
    for (name, url) in metadata.as_object().unwrap().iter().filter(|(name, _)| name.ends_with("_endpoint")) {
        let path = url.as_str().unwrap().strip_prefix("http://localhost:9410").unwrap();
        let bare = Request::builder().method("POST").uri(path).body(Body::empty()).unwrap();
        assert_eq!(server.send(bare).await.status, 401, "{name}");
    }
}

#[tokio::test]
async fn no_debug_output_shows_a_token() {
    let shown = format!("{:?}", crate::common::config());
    assert!(!shown.contains("api-token") && shown.contains("[redacted]"));
}

#[test]
fn callers_without_a_token_or_with_the_token_of_another_are_refused() {
    let with = |token: &str| {
        let mut config = crate::common::config();
        config.callers.get_mut("api").unwrap().token = mock_iam::secret::Secret::new(token);
        mock_iam::State::new(config).err().unwrap().to_string()
    };
    assert_eq!(with(""), "the token of caller `api` is empty");
    assert_eq!(with("idp-token"), "callers `api` and `idp` have the same token");
}

#[test]
fn wrong_policies_keep_the_server_from_starting_and_say_where() {
    let mut config = crate::common::config();
    config.policies.files[0].text.push_str("permit (principal, action, resource) when { principal.x };");
    let message = mock_iam::State::new(config).err().unwrap().to_string();
    assert!(message.starts_with("orders.cedar:3:45: "), "{message}");
}
