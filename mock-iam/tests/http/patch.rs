//! SCIM PATCH (RFC 7644 §3.5.2): what each operation and path changes, and what is refused.

use serde_json::{Value, json};

use crate::common::{EXTENSION, Server};

async fn user(server: &Server, name: &str) -> Value {
    server.call("idp", "GET", &format!("/scim/v2/Users/{name}"), Value::Null).await.json()
}

fn roles(user: &Value) -> Vec<&str> {
    user["roles"].as_array().unwrap().iter().map(|role| role["value"].as_str().unwrap()).collect()
}

/// Carol after one operation: support and customer of acme before.
async fn carol_after(operation: Value) -> Value {
    let server = Server::start();
    let answer = server.patch("carol", json!([operation])).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(user(&server, "carol").await, answer.json());
    answer.json()
}

#[tokio::test]
async fn a_removed_role_is_gone_with_the_next_decision() {
    let server = Server::start();
    assert!(server.decision("carol", "alice", "acme").await);
    let answer = server.patch("carol", json!([{ "op": "remove", "path": "roles[value eq \"support\"]" }])).await;
    assert_eq!(roles(&answer.json()), ["customer"]);
    assert!(!server.decision("carol", "alice", "acme").await);
}

#[tokio::test]
async fn deactivation_denies_and_reactivation_permits() {
    let server = Server::start();
    server.patch("alice", json!([{ "op": "replace", "path": "active", "value": false }])).await;
    assert!(!server.decision("alice", "alice", "acme").await);
    server.patch("alice", json!([{ "op": "Replace", "value": { "active": true } }])).await;
    assert!(server.decision("alice", "alice", "acme").await);
}

#[tokio::test]
async fn a_move_to_another_tenant_is_seen_by_the_next_decision() {
    let server = Server::start();
    let operation = json!([{ "op": "replace", "path": format!("{EXTENSION}:tenant"), "value": "globex" }]);
    server.patch("carol", operation).await;
    assert!(!server.decision("carol", "alice", "acme").await);
    assert!(server.decision("carol", "bob", "globex").await);
}

#[tokio::test]
async fn roles_are_added_replaced_and_removed() {
    for (operation, expected) in [
        (
            json!({ "op": "add", "path": "roles", "value": [{ "value": "auditor" }] }),
            vec!["auditor", "customer", "support"],
        ),
        (json!({ "op": "add", "path": "roles", "value": { "value": "support" } }), vec!["customer", "support"]),
        (json!({ "op": "add", "value": { "roles": [{ "value": "a" }] } }), vec!["a", "customer", "support"]),
        (json!({ "op": "replace", "path": "ROLES", "value": [{ "value": "auditor" }] }), vec!["auditor"]),
        (json!({ "op": "replace", "value": { "roles": [] } }), vec![]),
        (
            json!({ "op": "replace", "path": "roles[value eq \"support\"]", "value": { "value": "a" } }),
            vec!["a", "customer"],
        ),
        (json!({ "op": "replace", "path": "roles[value eq \"support\"].value", "value": "a" }), vec!["a", "customer"]),
        (json!({ "op": "remove", "path": "urn:ietf:params:scim:schemas:core:2.0:User:roles" }), vec![]),
        (json!({ "op": "remove", "path": "roles[value sw \"s\" or value eq \"customer\"]" }), vec![]),
    ] {
        let carol = carol_after(operation.clone()).await;
        assert_eq!(roles(&carol), expected, "{operation}");
    }
}

#[tokio::test]
async fn names_tenant_and_attributes_are_set_and_removed() {
    let attributes = |path: &str| format!("{EXTENSION}:attributes{path}");
    for (operation, pointer, expected) in [
        (json!({ "op": "add", "path": "displayName", "value": "C" }), "/displayName".to_owned(), json!("C")),
        (json!({ "op": "remove", "path": format!("{EXTENSION}:tenant") }), format!("/{EXTENSION}"), Value::Null),
        (
            json!({ "op": "add", "path": attributes(".level"), "value": 4 }),
            format!("/{EXTENSION}/attributes"),
            json!({ "level": 4 }),
        ),
        (
            json!({ "op": "add", "path": attributes(""), "value": { "a": 1 } }),
            format!("/{EXTENSION}/attributes"),
            json!({ "a": 1 }),
        ),
        (
            json!({ "op": "replace", "value": { EXTENSION: { "tenant": "globex" } } }),
            format!("/{EXTENSION}/tenant"),
            json!("globex"),
        ),
        (
            json!({ "op": "add", "value": { format!("{EXTENSION}:tenant"): "globex" } }),
            format!("/{EXTENSION}/tenant"),
            json!("globex"),
        ),
        (json!({ "op": "remove", "path": EXTENSION }), format!("/{EXTENSION}"), Value::Null),
    ] {
        let carol = carol_after(operation.clone()).await;
        assert_eq!(carol.pointer(&pointer).unwrap_or(&Value::Null), &expected, "{operation}");
    }
}

#[tokio::test]
async fn an_added_extension_keeps_other_attributes_and_a_replaced_one_does_not() {
    let server = Server::start();
    let add = json!([{ "op": "add", "path": EXTENSION, "value": { "attributes": { "a": 1 } } }]);
    assert_eq!(server.patch("alice", add).await.json()[EXTENSION]["attributes"], json!({ "a": 1, "level": 1 }));
    let replace = json!([{ "op": "replace", "path": EXTENSION, "value": { "attributes": { "b": 1 } } }]);
    assert_eq!(
        server.patch("alice", replace).await.json()[EXTENSION],
        json!({ "tenant": "acme", "attributes": { "b": 1 } })
    );
}

#[tokio::test]
async fn each_mistake_has_its_scim_type() {
    let server = Server::start();
    for (operation, kind) in [
        (json!({ "op": "move", "path": "active" }), "invalidSyntax"),
        (json!("remove"), "invalidSyntax"),
        (json!({ "op": "remove" }), "noTarget"),
        (json!({ "op": "remove", "path": "roles[value eq \"none\"]" }), "noTarget"),
        (json!({ "op": "replace", "path": "roles[value eq \"none\"].value", "value": "a" }), "noTarget"),
        (json!({ "op": "remove", "path": "roles[value is \"none\"]" }), "invalidFilter"),
        (json!({ "op": "replace", "path": "roles[value eq \"a\"].type", "value": "a" }), "invalidPath"),
        (json!({ "op": "replace", "path": "shoeSize", "value": "a" }), "invalidPath"),
        (json!({ "op": "replace", "path": 7, "value": "a" }), "invalidPath"),
        (json!({ "op": "replace", "path": format!("{EXTENSION}:attributes.a.b"), "value": "a" }), "invalidPath"),
        (json!({ "op": "replace", "value": { "rolse": [] } }), "invalidPath"),
        (json!({ "op": "replace", "path": "id", "value": "a" }), "mutability"),
        (json!({ "op": "add", "path": "groups", "value": [] }), "mutability"),
        (json!({ "op": "replace", "path": "userName", "value": "a" }), "mutability"),
        (json!({ "op": "remove", "path": "userName" }), "mutability"),
        (json!({ "op": "remove", "path": "active" }), "mutability"),
        (json!({ "op": "replace", "path": "active", "value": "false" }), "invalidValue"),
        (json!({ "op": "replace", "path": "active" }), "invalidValue"),
        (json!({ "op": "replace", "value": "x" }), "invalidValue"),
        (json!({ "op": "add", "path": "roles", "value": "support" }), "invalidValue"),
    ] {
        let answer = server.patch("carol", json!([operation])).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["scimType"]), (400, &json!(kind)), "{operation}");
    }
}

#[tokio::test]
async fn operations_are_done_all_or_none() {
    let server = Server::start();
    let before = user(&server, "carol").await;
    let half = json!([{ "op": "remove", "path": "roles" }, { "op": "remove", "path": "nothing" }]);
    assert_eq!(server.patch("carol", half).await.status, 400);
    assert_eq!(user(&server, "carol").await, before);
}

#[tokio::test]
async fn a_change_bumps_the_version_and_a_change_to_the_same_does_not() {
    let server = Server::start();
    let same = server.patch("carol", json!([{ "op": "replace", "path": "userName", "value": "carol" }])).await;
    assert_eq!(same.header("etag"), "W/\"1\"");
    let changed = server.patch("carol", json!([{ "op": "add", "path": "displayName", "value": "C" }])).await;
    assert_eq!((changed.header("etag"), &changed.json()["meta"]["version"]), ("W/\"2\"", &json!("W/\"2\"")));
}
