//! AuthZEN searches over HTTP (AuthZEN 1.0 §8): results, pages, and the rules that implementations get wrong.

use serde_json::{Value, json};

use crate::common::{Server, config};

/// A library: readers read what belongs to their own shelf, owners lend, and callers say `user` and `web-page`.
fn library() -> Server {
    let schema = r#"
        entity Role, Tenant, Shelf;
        entity User in [Role, Tenant] { shelf?: Shelf, roles: Set<String>, active: Bool };
        entity book in [Shelf] { owner: User, lent?: Bool };
        entity web_x2d_page;
        action read, lend appliesTo { principal: User, resource: book, context: { night?: Bool } };
        action visit appliesTo { principal: User, resource: web_x2d_page };
    "#;
    let policies = r#"
        permit (principal, action == Action::"read", resource) when { principal has shelf && resource in principal.shelf };
        permit (principal, action, resource is book) when { resource.owner == principal };
        permit (principal in Role::"guest", action == Action::"visit", resource == web_x2d_page::"home");
        forbid (principal, action, resource) when { context has night && context.night };
    "#
    .replace("forbid (principal, action, resource) when", "forbid (principal, action in [Action::\"read\", Action::\"lend\"], resource) when");
    let book = |id: &str, owner: &str, shelf: &str| {
        json!({ "type": "book", "id": id, "attributes": { "owner": { "type": "User", "id": owner } },
                "parents": [{ "type": "Shelf", "id": shelf }] })
    };
    let shelf = |id: &str| json!({ "attributes": { "shelf": { "type": "Shelf", "id": id } } });
    let mut values = serde_json::to_value(config()).unwrap();
    let mut guest = shelf("poems");
    guest["roles"] = json!(["guest"]);
    values["personas"] = json!({ "ann": shelf("novels"), "ben": shelf("poems"), "cleo": guest, "dan": {} });
    values["policies"] =
        json!({ "schema": { "name": "s", "text": schema }, "files": [{ "name": "p", "text": policies }] });
    values["resources"] = json!([book("b1", "ann", "novels"), book("b2", "ben", "novels"), book("b3", "ben", "poems"),
                                 book("b4", "dan", "none"), { "type": "web-page", "id": "home" }]);
    values["entity_types"] = json!({ "user": "User" });
    Server::with(serde_json::from_value(values).unwrap())
}

async fn search(server: &Server, kind: &str, body: Value) -> Value {
    let answer = server.call("api", "POST", &format!("/access/v1/search/{kind}"), body).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"), "{}", answer.text);
    answer.json()
}

fn users(names: &[&str]) -> Value {
    json!({ "results": names.iter().map(|name| json!({ "type": "user", "id": name })).collect::<Vec<_>>() })
}

fn books(names: &[&str]) -> Value {
    json!({ "results": names.iter().map(|name| json!({ "type": "book", "id": name })).collect::<Vec<_>>() })
}

fn who(action: &str, book: &str) -> Value {
    json!({ "subject": { "type": "user" }, "action": { "name": action }, "resource": { "type": "book", "id": book } })
}

fn what(user: &str, action: &str) -> Value {
    json!({ "subject": { "type": "user", "id": user }, "action": { "name": action }, "resource": { "type": "book" } })
}

fn actions(user: &str, book: &str) -> Value {
    json!({ "subject": { "type": "user", "id": user }, "resource": { "type": "book", "id": book } })
}

#[tokio::test]
async fn subjects_resources_and_actions_are_found_bare_and_of_the_type_that_was_asked_for() {
    let server = library();
    assert_eq!(search(&server, "subject", who("read", "b2")).await, users(&["ann", "ben"]));
    assert_eq!(search(&server, "subject", who("lend", "b2")).await, users(&["ben"]));
    assert_eq!(search(&server, "resource", what("ben", "read")).await, books(&["b2", "b3"]));
    assert_eq!(search(&server, "resource", what("cleo", "lend")).await, books(&[]));
    let may = json!({ "results": [{ "name": "lend" }, { "name": "read" }] });
    assert_eq!(search(&server, "action", actions("ann", "b1")).await, may);
    assert_eq!(search(&server, "action", actions("ann", "b2")).await, json!({ "results": [{ "name": "read" }] }));
}

#[tokio::test]
async fn every_result_evaluates_to_true_and_everything_else_to_false() {
    let server = library();
    for user in ["ann", "ben", "cleo", "dan"] {
        for action in ["read", "lend"] {
            let found = search(&server, "resource", what(user, action)).await;
            for book in ["b1", "b2", "b3", "b4"] {
                let question = json!({ "subject": { "type": "user", "id": user }, "action": { "name": action },
                                       "resource": { "type": "book", "id": book } });
                let expected = found["results"].as_array().unwrap().contains(&json!({ "type": "book", "id": book }));
                assert_eq!(server.evaluate(question).await.json()["decision"], expected, "{user} {action} {book}");
            }
        }
    }
}

#[tokio::test]
async fn unknown_identifiers_types_and_actions_are_an_empty_list() {
    let server = library();
    for (kind, body) in [
        ("action", actions("nobody", "b1")),
        ("resource", what("nobody", "read")),
        ("subject", who("read", "b9")),
        ("subject", who("burn", "b1")),
        ("resource", what("ann", "burn")),
        (
            "subject",
            json!({ "subject": { "type": "spaceship" }, "action": { "name": "read" }, "resource": { "type": "book", "id": "b1" } }),
        ),
        (
            "resource",
            json!({ "subject": { "type": "user", "id": "ann" }, "action": { "name": "read" }, "resource": { "type": "space ship" } }),
        ),
        (
            "action",
            json!({ "subject": { "type": "spaceship", "id": "ann" }, "resource": { "type": "book", "id": "b1" } }),
        ),
    ] {
        assert_eq!(search(&server, kind, body.clone()).await, json!({ "results": [] }), "{body}");
    }
}

#[tokio::test]
async fn an_identifier_or_property_of_what_is_looked_for_is_ignored_whatever_it_is() {
    let server = library();
    for id in [json!("ann"), json!("nobody"), json!(7), json!(null)] {
        let mut body = who("read", "b2");
        body["subject"]["id"] = id.clone();
        body["subject"]["properties"] = json!({ "shelf": 1.5 });
        assert_eq!(search(&server, "subject", body).await, users(&["ann", "ben"]));
        let mut body = what("ben", "read");
        body["resource"]["id"] = id.clone();
        assert_eq!(search(&server, "resource", body).await, books(&["b2", "b3"]));
        let mut body = actions("ann", "b2");
        body["action"] = json!({ "name": id });
        assert_eq!(search(&server, "action", body).await, json!({ "results": [{ "name": "read" }] }));
    }
}

#[tokio::test]
async fn context_counts_and_unknown_fields_do_not() {
    let server = library();
    let mut body = what("ben", "read");
    body["context"] = json!({ "night": true, "ip": "192.168.1.1", "ratio": 1.5 });
    assert_eq!(search(&server, "resource", body.clone()).await, books(&[]));
    body["context"]["night"] = json!(false);
    body["future"] = json!({ "nested": [null] });
    assert_eq!(search(&server, "resource", body).await, books(&["b2", "b3"]));
}

#[tokio::test]
async fn a_type_that_is_no_identifier_is_spelled_in_policies_and_comes_back_as_it_was() {
    let server = library();
    let body = json!({ "subject": { "type": "user", "id": "cleo" }, "action": { "name": "visit" }, "resource": { "type": "web-page" } });
    assert_eq!(
        search(&server, "resource", body.clone()).await,
        json!({ "results": [{ "type": "web-page", "id": "home" }] })
    );
    let mut question = body;
    question["resource"]["id"] = json!("home");
    assert_eq!(server.evaluate(question).await.json(), json!({ "decision": true }));
}

#[tokio::test]
async fn an_inactive_user_is_not_found() {
    let server = library();
    server.patch("ben", json!([{ "op": "replace", "path": "active", "value": false }])).await;
    assert_eq!(search(&server, "subject", who("read", "b2")).await, users(&["ann"]));
    assert_eq!(search(&server, "action", actions("ben", "b3")).await, json!({ "results": [] }));
}

#[tokio::test]
async fn a_search_without_its_parts_is_400_and_which_parts_depends_on_the_endpoint() {
    let server = library();
    let without = |mut body: Value, pointer: &str| {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        body
    };
    for (kind, body) in [
        ("subject", without(who("read", "b1"), "/action")),
        ("subject", without(who("read", "b1"), "/subject")),
        ("subject", without(who("read", "b1"), "/subject/type")),
        ("subject", without(who("read", "b1"), "/resource/id")),
        ("subject", without(who("read", "b1"), "/action/name")),
        ("resource", without(what("ann", "read"), "/subject")),
        ("resource", without(what("ann", "read"), "/subject/id")),
        ("resource", without(what("ann", "read"), "/resource/type")),
        ("resource", who("read", "b1")),
        ("action", without(actions("ann", "b1"), "/resource")),
        ("action", without(actions("ann", "b1"), "/subject/id")),
        ("action", json!([actions("ann", "b1")])),
        ("action", json!({ "subject": "ann", "resource": { "type": "book", "id": "b1" } })),
        ("subject", json!({})),
    ] {
        let answer = server.call("api", "POST", &format!("/access/v1/search/{kind}"), body.clone()).await;
        assert_eq!(answer.status, 400, "{kind} {body}: {}", answer.text);
    }
    let typed = json!({ "subject": { "type": "user" }, "action": { "name": "read" }, "context": { "night": 1.5 }, "resource": { "type": "book", "id": "b1" } });
    let answer = server.call("api", "POST", "/access/v1/search/subject", typed).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["error"].as_str()),
        (400, Some("context value `night` must be true or false"))
    );
}

#[tokio::test]
async fn pages_follow_each_other_by_their_tokens_to_an_empty_one() {
    let server = library();
    let mut body = who("read", "b2");
    body["page"] = json!({ "limit": 1 });
    let first = search(&server, "subject", body.clone()).await;
    assert_eq!(
        (&first["results"], &first["page"]["count"], &first["page"]["total"]),
        (&users(&["ann"])["results"], &json!(1), &json!(2))
    );
    let token = first["page"]["next_token"].clone();
    assert!(!token.as_str().unwrap().is_empty());
    // The limit may be left out of the next request, or be the same.
    for page in [json!({ "token": token }), json!({ "limit": 1, "token": token })] {
        body["page"] = page;
        let second = search(&server, "subject", body.clone()).await;
        assert_eq!(
            second,
            json!({ "page": { "next_token": "", "count": 1, "total": 2 }, "results": users(&["ben"])["results"] })
        );
    }
}

#[tokio::test]
async fn a_page_that_holds_everything_says_so_and_who_asks_for_no_page_gets_none() {
    let server = library();
    let mut body = who("read", "b2");
    assert_eq!(search(&server, "subject", body.clone()).await.get("page"), None);
    body["page"] = json!({});
    assert_eq!(search(&server, "subject", body.clone()).await["page"]["next_token"], "");
    body["page"] = json!({ "limit": 0 });
    let none = search(&server, "subject", body).await;
    assert_eq!((&none["results"], &none["page"]["total"]), (&json!([]), &json!(2)));
    assert_ne!(none["page"]["next_token"], "", "there is more");
}

#[tokio::test]
async fn a_token_is_for_the_search_that_it_came_from_in_whatever_order_its_members_are() {
    let server = library();
    let mut body = who("read", "b2");
    body["page"] = json!({ "limit": 1 });
    let token = search(&server, "subject", body.clone()).await["page"]["next_token"].clone();
    body["page"]["token"] = token.clone();
    for (pointer, value) in [("/resource/id", json!("b3")), ("/action/name", json!("lend")), ("/page/limit", json!(2))]
    {
        let mut changed = body.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        assert_eq!(server.call("api", "POST", "/access/v1/search/subject", changed).await.status, 400, "{pointer}");
    }
    for page in [
        json!([]),
        json!({ "token": 7 }),
        json!({ "token": "made up" }),
        json!({ "limit": -1 }),
        json!({ "limit": "1" }),
    ] {
        let mut wrong = body.clone();
        wrong["page"] = page.clone();
        assert_eq!(server.call("api", "POST", "/access/v1/search/subject", wrong).await.status, 400, "{page}");
    }
    let text = format!(
        r#"{{"resource":{{"id":"b2","type":"book"}},"page":{{"token":{token}}},"action":{{"name":"read"}},"subject":{{"type":"user"}}}}"#
    );
    let reordered = serde_json::from_str(&text).unwrap();
    assert_eq!(search(&server, "subject", reordered).await["results"], users(&["ben"])["results"]);
}

#[tokio::test]
async fn a_search_is_one_line_of_the_log() {
    let server = library();
    search(&server, "resource", what("ben", "read")).await;
    let lines = server.decisions().await;
    assert_eq!((lines.len(), &lines[0]["search"], &lines[0]["results"]), (1, &json!("resource"), &json!(2)));
    assert_eq!(
        (&lines[0]["subject"]["id"], &lines[0]["action"], &lines[0]["sequence"]),
        (&json!("ben"), &json!("read"), &json!(1))
    );
}
