//! SCIM groups: a role and who has it are one thing, whichever side changes it.

use serde_json::{Value, json};

use crate::common::{Server, request};

async fn group(server: &Server, name: &str) -> Value {
    server.call("idp", "GET", &format!("/scim/v2/Groups/{name}"), Value::Null).await.json()
}

fn members(group: &Value) -> Vec<&str> {
    let members = group["members"].as_array().unwrap();
    members.iter().map(|member| member["value"].as_str().unwrap()).collect()
}

async fn patch(server: &Server, name: &str, operation: Value) -> (u16, Value) {
    let answer =
        server.call("hr", "PATCH", &format!("/scim/v2/Groups/{name}"), json!({ "Operations": [operation] })).await;
    (answer.status.as_u16(), answer.json())
}

#[tokio::test]
async fn a_group_has_the_shape_of_the_rfc_and_names_its_members() {
    let server = Server::start();
    let mut found = group(&server, "support").await;
    let meta = found.as_object_mut().unwrap().remove("meta").unwrap();
    assert_eq!(
        found,
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": "support", "displayName": "support",
            "members": [{ "value": "carol", "type": "User", "$ref": "http://localhost:9410/scim/v2/Users/carol" }],
        })
    );
    assert_eq!(
        (&meta["resourceType"], &meta["version"], &meta["location"]),
        (&json!("Group"), &json!("W/\"1\""), &json!("http://localhost:9410/scim/v2/Groups/support"))
    );
    assert!(meta["created"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
}

#[tokio::test]
async fn a_role_taken_from_a_user_leaves_the_group_and_the_group_stays() {
    let server = Server::start();
    server.patch("carol", json!([{ "op": "remove", "path": "roles[value eq \"support\"]" }])).await;
    let support = group(&server, "support").await;
    assert_eq!((members(&support).len(), &support["meta"]["version"]), (0, &json!("W/\"2\"")));
    assert_eq!(group(&server, "customer").await["meta"]["version"], "W/\"1\"");
}

#[tokio::test]
async fn a_member_taken_out_of_a_group_is_denied_with_the_next_decision() {
    let server = Server::start();
    assert!(server.decision("carol", "alice", "acme").await);
    let path = "members[value eq \"carol\"]";
    let (status, support) = patch(&server, "support", json!({ "op": "remove", "path": path })).await;
    assert_eq!((status, members(&support).len()), (200, 0));
    assert!(!server.decision("carol", "alice", "acme").await);
    let carol = server.call("idp", "GET", "/scim/v2/Users/carol", Value::Null).await.json();
    assert_eq!((&carol["roles"], &carol["meta"]["version"]), (&json!([{ "value": "customer" }]), &json!("W/\"2\"")));
}

#[tokio::test]
async fn a_new_member_has_the_role_at_once() {
    let server = Server::start();
    let member = json!({ "op": "add", "path": "members", "value": [{ "value": "alice" }] });
    let (status, support) = patch(&server, "support", member).await;
    assert_eq!((status, members(&support)), (200, vec!["alice", "carol"]));
    let alice = server.call("idp", "GET", "/scim/v2/Users/alice", Value::Null).await.json();
    assert_eq!(alice["groups"][1]["value"], "support");
}

#[tokio::test]
async fn a_removal_that_lists_members_takes_out_these_only() {
    let server = Server::start();
    let listed = json!({ "op": "remove", "path": "members", "value": [{ "value": "bob" }] });
    assert_eq!(members(&patch(&server, "customer", listed).await.1), ["alice", "carol"]);
    let all = json!({ "op": "remove", "path": "members" });
    assert_eq!(members(&patch(&server, "customer", all).await.1).len(), 0);
}

#[tokio::test]
async fn a_group_is_made_replaced_and_deleted() {
    let server = Server::start();
    let body = json!({ "displayName": "on call", "externalId": "7", "members": [{ "value": "bob", "type": "User" }] });
    let made = server.call("hr", "POST", "/scim/v2/Groups", body).await;
    assert_eq!((made.status.as_u16(), made.json()["externalId"].as_str()), (201, Some("7")), "{}", made.text);
    let url = "/scim/v2/Groups/on%20call";
    assert_eq!((made.header("location"), made.header("etag")), (&*format!("http://localhost:9410{url}"), "W/\"2\""));
    let replaced = server.call("hr", "PUT", url, json!({ "displayName": "on call" })).await;
    assert_eq!((replaced.status.as_u16(), members(&replaced.json()).len()), (200, 0));
    assert_eq!(replaced.json().get("externalId"), None);
    server.call("hr", "PUT", url, json!({ "displayName": "on call", "members": [{ "value": "bob" }] })).await;
    assert_eq!(server.call("hr", "DELETE", url, Value::Null).await.status, 204);
    assert_eq!(server.call("idp", "GET", url, Value::Null).await.status, 404);
    let bob = server.call("idp", "GET", "/scim/v2/Users/bob", Value::Null).await.json();
    assert_eq!(bob["roles"], json!([{ "value": "customer" }]));
}

#[tokio::test]
async fn each_mistake_about_a_group_has_its_scim_type() {
    let server = Server::start();
    for (method, path, body, status, kind) in [
        ("POST", "", json!({ "displayName": "Support" }), 409, "uniqueness"),
        ("POST", "", json!({}), 400, "invalidValue"),
        ("POST", "", json!({ "displayName": "x", "members": [{ "value": "nobody" }] }), 400, "invalidValue"),
        (
            "POST",
            "",
            json!({ "displayName": "x", "members": [{ "value": "support", "type": "Group" }] }),
            400,
            "invalidValue",
        ),
        ("POST", "", json!({ "displayName": "x", "members": [{ "display": "bob" }] }), 400, "invalidValue"),
        ("PUT", "/support", json!({ "displayName": "sales" }), 400, "mutability"),
        (
            "PATCH",
            "/support",
            json!({ "Operations": [{ "op": "replace", "path": "displayName", "value": "x" }] }),
            400,
            "mutability",
        ),
        (
            "PATCH",
            "/support",
            json!({ "Operations": [{ "op": "replace", "path": "members[value eq \"carol\"].value", "value": "bob" }] }),
            400,
            "mutability",
        ),
        (
            "PATCH",
            "/support",
            json!({ "Operations": [{ "op": "remove", "path": "members[value eq \"bob\"]" }] }),
            400,
            "noTarget",
        ),
    ] {
        let answer = server.call("hr", method, &format!("/scim/v2/Groups{path}"), body.clone()).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["scimType"]), (status, &json!(kind)), "{method} {body}");
    }
    assert_eq!(group(&server, "support").await["meta"]["version"], "W/\"1\"");
}

#[tokio::test]
async fn entity_tags_guard_groups_as_well() {
    let server = Server::start();
    server.patch("bob", json!([{ "op": "add", "path": "roles", "value": [{ "value": "support" }] }])).await;
    let mut late = request("hr", "PUT", "/scim/v2/Groups/support", &json!({ "displayName": "support" }));
    late.headers_mut().insert("if-match", "W/\"1\"".parse().unwrap());
    assert_eq!(server.send(late).await.status, 412);
    let mut read = request("idp", "GET", "/scim/v2/Groups/support", &Value::Null);
    read.headers_mut().insert("if-none-match", "W/\"2\"".parse().unwrap());
    assert_eq!(server.send(read).await.status, 304);
}

#[tokio::test]
async fn a_deleted_user_leaves_its_groups() {
    let server = Server::start();
    server.call("hr", "DELETE", "/scim/v2/Users/carol", Value::Null).await;
    assert!(members(&group(&server, "support").await).is_empty());
    assert_eq!(members(&group(&server, "customer").await), ["alice", "bob"]);
}
