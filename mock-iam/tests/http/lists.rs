//! SCIM lists: sort, page, project, search (RFC 7644 §3.4, §3.9), and who `/Me` is (§3.11).

use serde_json::{Value, json};

use crate::common::{EXTENSION, Server, config};

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// Three people with details; Bob's title is missing.
async fn staffed() -> Server {
    let server = Server::start();
    for (name, title, mails) in [
        (
            "alice",
            json!("zookeeper"),
            json!([{ "value": "z@a.test" }, { "value": "a@a.test", "type": "work", "primary": true }]),
        ),
        ("bob", Value::Null, json!([{ "value": "b@b.test", "type": "home" }])),
        ("carol", json!("Accountant"), json!([{ "value": "c@c.test", "type": "work" }])),
    ] {
        let value =
            json!({ "title": title, "emails": mails, "name": { "familyName": name.to_uppercase(), "givenName": "G" } });
        let answer = server.patch(name, json!([{ "op": "add", "value": value }])).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    server
}

async fn names(server: &Server, query: &str) -> Vec<String> {
    let answer = server.call("idp", "GET", &format!("/scim/v2/Users?{query}"), Value::Null).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    let list = answer.json();
    list["Resources"].as_array().unwrap().iter().map(|user| user["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn lists_are_sorted_by_attributes_parts_and_primary_values() {
    let server = staffed().await;
    for (query, expected) in [
        ("sortBy=title", ["carol", "alice", "bob"]),
        ("sortBy=TITLE&sortOrder=ascending", ["carol", "alice", "bob"]),
        ("sortBy=title&sortOrder=descending", ["bob", "alice", "carol"]),
        ("sortBy=name.familyName&sortOrder=Descending", ["carol", "bob", "alice"]),
        ("sortBy=emails", ["alice", "bob", "carol"]),
        ("sortBy=emails.value&sortOrder=descending", ["carol", "bob", "alice"]),
        (
            "sortBy=urn:devenv:params:scim:schemas:extension:1.0:User:tenant&sortOrder=descending",
            ["bob", "alice", "carol"],
        ),
        ("sortBy=meta.lastModified", ["alice", "bob", "carol"]),
    ] {
        assert_eq!(names(&server, query).await, expected, "{query}");
    }
    for (query, kind) in [("sortBy=shoeSize", "invalidPath"), ("sortBy=title&sortOrder=up", "invalidValue")] {
        let answer = server.call("idp", "GET", &format!("/scim/v2/Users?{query}"), Value::Null).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["scimType"]), (400, &json!(kind)));
    }
}

#[tokio::test]
async fn pages_of_a_sorted_list_are_without_gap_or_overlap() {
    let server = staffed().await;
    let mut seen = Vec::new();
    for start in 1..=3 {
        seen.extend(names(&server, &format!("sortBy=userName&sortOrder=descending&startIndex={start}&count=1")).await);
    }
    assert_eq!(seen, ["carol", "bob", "alice"]);
}

#[tokio::test]
async fn filters_reach_into_values_extensions_and_instants() {
    let server = staffed().await;
    for (filter, expected) in [
        ("emails[type eq \"work\" and value sw \"c\"]", vec!["carol"]),
        ("emails.type eq \"home\"", vec!["bob"]),
        ("emails co \"@a.test\"", vec!["alice"]),
        ("not (title pr)", vec!["bob"]),
        ("title eq null", vec!["bob"]),
        ("groups.value eq \"support\" or (userName eq \"bob\" and active eq true)", vec!["bob", "carol"]),
        (&*format!("{EXTENSION}:attributes.level ge 1"), vec!["alice"]),
        (&*format!("schemas eq \"{EXTENSION}\" and {EXTENSION}:tenant ne \"acme\""), vec!["bob"]),
        // 1970 in another offset is still before today, though its text sorts behind.
        ("meta.created gt \"1970-01-01T23:00:00+23:00\"", vec!["alice", "bob", "carol"]),
        ("meta.created lt \"1970-01-01T00:00:00Z\"", vec![]),
        ("meta.resourceType eq \"User\"", vec!["alice", "bob", "carol"]),
    ] {
        let encoded: String = filter.bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert_eq!(names(&server, &format!("filter={encoded}")).await, expected, "{filter}");
    }
    let answer = server.call("idp", "GET", "/scim/v2/Users?filter=active%20gt%20true", Value::Null).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["scimType"]), (400, &json!("invalidFilter")));
}

#[tokio::test]
async fn a_projection_returns_what_is_asked_for_and_what_always_is() {
    let server = staffed().await;
    let get = async |query: &str| {
        server.call("idp", "GET", &format!("/scim/v2/Users/alice?{query}"), Value::Null).await.json()
    };
    let schemas = json!(["urn:ietf:params:scim:schemas:core:2.0:User", EXTENSION]);
    assert_eq!(
        get("attributes=userName,name.givenName,NAME.familyName,emails.value").await,
        json!({ "schemas": schemas, "id": "alice", "userName": "alice", "name": { "givenName": "G", "familyName": "ALICE" },
                "emails": [{ "value": "z@a.test" }, { "value": "a@a.test" }] })
    );
    let tenant = "attributes=urn:devenv:params:scim:schemas:extension:1.0:User:tenant,shoeSize";
    assert_eq!(get(tenant).await, json!({ "schemas": schemas, "id": "alice", EXTENSION: { "tenant": "acme" } }));
    let rest = get("excludedAttributes=id,schemas,emails,name.givenName,meta,groups").await;
    assert_eq!(
        (&rest["id"], &rest["schemas"], &rest["name"]),
        (&json!("alice"), &schemas, &json!({ "familyName": "ALICE" }))
    );
    assert!(["emails", "meta", "groups"].iter().all(|name| rest.get(name).is_none()) && rest["title"] == "zookeeper");
    assert_eq!(get("attributes=id&excludedAttributes=name").await["scimType"], "invalidValue");
}

#[tokio::test]
async fn a_change_is_answered_in_the_projection_that_it_asks_for() {
    let server = Server::start();
    let body = json!({ "Operations": [{ "op": "add", "path": "title", "value": "t" }] });
    let answer = server.call("hr", "PATCH", "/scim/v2/Users/alice?attributes=title", body).await.json();
    assert_eq!((answer.as_object().unwrap().len(), &answer["title"]), (3, &json!("t")));
}

#[tokio::test]
async fn a_search_by_post_does_what_a_list_by_get_does() {
    let server = staffed().await;
    let search = async |path: &str, mut body: Value| {
        body["schemas"] = json!([SEARCH]);
        server.call("idp", "POST", &format!("/scim/v2{path}.search"), body).await
    };
    let body = json!({ "filter": "title pr", "sortBy": "title", "count": 1, "startIndex": 2, "attributes": ["title"] });
    let list = search("/Users/", body).await.json();
    assert_eq!((&list["totalResults"], &list["itemsPerPage"]), (&json!(2), &json!(1)));
    assert_eq!((&list["Resources"][0]["title"], list["Resources"][0].get("userName")), (&json!("zookeeper"), None));
    let all = search("/", json!({ "filter": "userName eq \"carol\" or displayName eq \"support\"" })).await.json();
    let kinds: Vec<_> =
        all["Resources"].as_array().unwrap().iter().map(|found| &found["meta"]["resourceType"]).collect();
    assert_eq!(kinds, ["User", "Group"]);
    assert_eq!(search("/Groups/", json!({ "attributes": ["displayName"] })).await.json()["totalResults"], 2);
    for (body, kind) in [(json!({ "count": "1" }), "invalidValue"), (json!({ "filter": "x" }), "invalidFilter")] {
        assert_eq!(search("/Users/", body).await.json()["scimType"], kind);
    }
    let bare = server.call("idp", "POST", "/scim/v2/Users/.search", json!({ "filter": "title pr" })).await;
    assert_eq!(bare.json()["scimType"], "invalidSyntax");
    assert_eq!(server.call("idp", "GET", "/scim/v2?count=0", Value::Null).await.json()["totalResults"], 5);
}

#[tokio::test]
async fn what_is_no_endpoint_or_no_method_is_a_scim_error() {
    let server = Server::start();
    for (method, path, status) in [
        ("GET", "/scim/v2/Bulk", 404),
        ("POST", "/scim/v2/Bulk", 404),
        ("GET", "/scim/v2/Users/alice/more", 404),
        ("PATCH", "/scim/v2/Users", 405),
        ("POST", "/scim/v2/Schemas", 405),
        ("GET", "/scim/v2/Schemas?filter=id%20pr", 403),
    ] {
        let answer = server.call("idp", method, path, Value::Null).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["status"].as_str()),
            (status, Some(&*status.to_string())),
            "{path}"
        );
    }
}

#[tokio::test]
async fn me_is_the_user_that_the_caller_acts_for() {
    let mut config = config();
    config.callers.get_mut("idp").unwrap().user = Some("carol".to_owned());
    config.callers.get_mut("hr").unwrap().user = Some("carol".to_owned());
    let server = Server::with(config);
    assert_eq!(server.call("idp", "GET", "/scim/v2/Me", Value::Null).await.json()["id"], "carol");
    let change = json!({ "Operations": [{ "op": "replace", "path": "displayName", "value": "Carol" }] });
    assert_eq!(server.call("hr", "PATCH", "/scim/v2/Me", change).await.json()["displayName"], "Carol");
    assert_eq!(server.call("hr", "DELETE", "/scim/v2/Me", Value::Null).await.status, 204);
    assert_eq!(server.call("idp", "GET", "/scim/v2/Me", Value::Null).await.status, 404);
    let nobody = Server::start().call("idp", "GET", "/scim/v2/Me", Value::Null).await;
    assert_eq!((nobody.status.as_u16(), nobody.json()["status"].as_str()), (501, Some("501")));
}
