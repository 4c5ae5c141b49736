//! Hostile bodies: never a panic, never a permission.

use std::sync::LazyLock;

use axum::body::Body;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::common::{Server, question, request};

/// Any JSON, made mostly from the words of the protocol, so that it gets past the first check.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("subject"),
        Just("action"),
        Just("resource"),
        Just("context"),
        Just("type"),
        Just("id"),
        Just("name"),
        Just("properties"),
        Just("owner"),
        Just("tenant"),
        Just("roles"),
        Just("evaluations"),
        Just("options"),
        Just("value"),
        Just("path"),
        Just("op"),
        Just("Operations"),
        Just("userName"),
        Just("active"),
    ];
    let text = prop_oneof![
        Just("User".to_owned()),
        Just("Order".to_owned()),
        Just("alice".to_owned()),
        Just("readOrder".to_owned()),
        Just("replace".to_owned()),
        Just("roles[value eq \"a\"]".to_owned()),
        ".*",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((word.clone(), inner), 0..6).prop_map(|members| {
                Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
            }),
        ]
    })
}

/// A server that no test here changes.
static UNCHANGED: LazyLock<Server> = LazyLock::new(Server::start);

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn permits(answer: &Value) -> bool {
    answer["decision"] == true
        || answer["evaluations"].as_array().is_some_and(|items| items.iter().any(|item| item["decision"] == true))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_body_makes_the_server_fail_or_permit(body in any_json()) {
        let server = Server::start();
        for (caller, method, path) in [
            ("api", "POST", "/access/v1/evaluation"),
            ("api", "POST", "/access/v1/evaluations"),
            ("hr", "POST", "/scim/v2/Users"),
            ("hr", "PUT", "/scim/v2/Users/alice"),
            ("hr", "PATCH", "/scim/v2/Users/alice"),
            ("tests", "PUT", "/control/v1/policies"),
        ] {
            let answer = block_on(server.call(caller, method, path, body.clone()));
            prop_assert!(!answer.status.is_server_error(), "{path} {body}");
            if path.starts_with("/access") {
                prop_assert!(!permits(&answer.json()), "{path} {body}");
            }
        }
    }

    #[test]
    fn no_claim_about_a_subject_turns_a_denial_into_a_permit(properties in any_json(), context in any_json()) {
        let mut asked = question("bob", "alice", "acme");
        asked["subject"]["properties"] = properties;
        asked["context"] = context;
        let answer = block_on(UNCHANGED.evaluate(asked));
        prop_assert!(!permits(&answer.json()));
    }

    #[test]
    fn no_bytes_make_the_server_fail(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut asked = request("api", "POST", "/access/v1/evaluation", &json!({}));
        *asked.body_mut() = Body::from(bytes);
        prop_assert_eq!(block_on(UNCHANGED.send(asked)).status.as_u16(), 400);
    }

    #[test]
    fn no_filter_makes_the_server_fail(filter in "[a-z(\\[\\])\" .eqnotandrp]{0,40}") {
        let encoded: String = filter.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let answer = block_on(UNCHANGED.call("idp", "GET", &format!("/scim/v2/Users?filter={encoded}"), Value::Null));
        prop_assert!([200, 400].contains(&answer.status.as_u16()));
    }
}

#[tokio::test]
async fn deeply_nested_json_is_400_and_a_huge_body_is_refused() {
    let server = Server::start();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let mut asked = request("api", "POST", "/access/v1/evaluation", &json!({}));
    *asked.body_mut() = Body::from(deep);
    assert_eq!(server.send(asked).await.status, 400);
    let mut asked = request("api", "POST", "/access/v1/evaluation", &json!({}));
    *asked.body_mut() = Body::from(vec![b' '; 3_000_000]);
    assert_eq!(server.send(asked).await.status, 413);
}
