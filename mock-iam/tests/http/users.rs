//! SCIM users: create, read, replace, delete, versions, filters and their errors.

use serde_json::{Value, json};

use crate::common::{EXTENSION, Server, request};

fn names(list: &Value) -> Vec<&str> {
    list["Resources"].as_array().unwrap().iter().map(|user| user["userName"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_user_has_the_shape_that_the_contract_says() {
    let answer = Server::start().call("idp", "GET", "/scim/v2/Users/alice", Value::Null).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/scim+json"));
    assert_eq!(answer.header("etag"), "W/\"1\"");
    let mut user = answer.json();
    let meta = user.as_object_mut().unwrap().remove("meta").unwrap();
    assert_eq!(
        user,
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", EXTENSION],
            "id": "alice", "userName": "alice", "active": true, "roles": [{ "value": "customer" }],
            "groups": [{ "value": "customer", "display": "customer", "type": "direct",
                         "$ref": "http://localhost:9410/scim/v2/Groups/customer" }],
            EXTENSION: { "tenant": "acme", "attributes": { "level": 1 } },
        })
    );
    assert_eq!(
        (&meta["location"], &meta["version"], &meta["resourceType"]),
        (&json!("http://localhost:9410/scim/v2/Users/alice"), &json!("W/\"1\""), &json!("User"))
    );
}

#[tokio::test]
async fn a_list_is_filtered_and_paged() {
    let server = Server::start();
    for (query, total, expected) in [
        ("", 3, vec!["alice", "bob", "carol"]),
        ("?filter=userName%20eq%20%22BOB%22", 1, vec!["bob"]),
        ("?filter=userName+eq+%22nobody%22", 0, vec![]),
        ("?startIndex=2&count=1", 3, vec!["bob"]),
        ("?startIndex=0&count=0", 3, vec![]),
        ("?startIndex=9", 3, vec![]),
        ("?count=-1", 3, vec![]),
    ] {
        let list = server.call("idp", "GET", &format!("/scim/v2/Users{query}"), Value::Null).await.json();
        assert_eq!((&list["totalResults"], names(&list)), (&json!(total), expected), "{query}");
        assert_eq!(list["itemsPerPage"], list["Resources"].as_array().unwrap().len());
    }
}

#[tokio::test]
async fn a_filter_that_cannot_be_read_is_400_invalid_filter() {
    let answer =
        Server::start().call("idp", "GET", "/scim/v2/Users?filter=userName%20like%20%22a%22", Value::Null).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["scimType"]), (400, &json!("invalidFilter")));
    assert_eq!(answer.header("content-type"), "application/scim+json");
}

#[tokio::test]
async fn a_parameter_that_is_no_number_is_a_scim_error() {
    let server = Server::start();
    for path in ["/scim/v2/Users?startIndex=one", "/scim/v2/Groups?count=all"] {
        let answer = server.call("idp", "GET", path, Value::Null).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["scimType"]), (400, &json!("invalidValue")));
    }
}

#[tokio::test]
async fn an_unknown_user_is_404_for_every_method() {
    let server = Server::start();
    for (caller, method, body) in [
        ("idp", "GET", Value::Null),
        ("hr", "PUT", json!({ "userName": "nobody" })),
        ("hr", "PATCH", json!({ "Operations": [] })),
        ("hr", "DELETE", Value::Null),
    ] {
        let answer = server.call(caller, method, "/scim/v2/Users/nobody", body).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (404, &json!("404")), "{method}");
    }
}

#[tokio::test]
async fn a_created_user_is_201_with_its_location_and_can_act_at_once() {
    let server = Server::start();
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", EXTENSION],
        "id": "ignored", "username": "dora b", "displayName": "Dora", "emails": [{ "value": "d@example.test" }],
        "roles": [{ "value": "support" }], EXTENSION: { "tenant": "acme", "attributes": { "level": 2, "gone": null } },
    });
    let answer = server.call("hr", "POST", "/scim/v2/Users", body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.header("location"), "http://localhost:9410/scim/v2/Users/dora%20b");
    let user = answer.json();
    assert_eq!((&user["id"], &user["active"], &user["displayName"]), (&json!("dora b"), &json!(true), &json!("Dora")));
    assert_eq!(user[EXTENSION], json!({ "tenant": "acme", "attributes": { "level": 2 } }));
    assert_eq!(server.call("idp", "GET", "/scim/v2/Users/dora%20b", Value::Null).await.json(), user);
    assert!(server.decision("dora b", "alice", "acme").await);
}

#[tokio::test]
async fn a_taken_name_is_409_uniqueness_in_any_letter_case() {
    let server = Server::start();
    for name in ["alice", "ALICE"] {
        let answer = server.call("hr", "POST", "/scim/v2/Users", json!({ "userName": name })).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["scimType"]), (409, &json!("uniqueness")));
    }
}

#[tokio::test]
async fn values_of_a_wrong_type_are_400_invalid_value() {
    let server = Server::start();
    for body in [
        json!({}),
        json!({ "userName": "" }),
        json!({ "userName": 7 }),
        json!({ "userName": "d", "active": "true" }),
        json!({ "userName": "d", "roles": ["customer"] }),
        json!({ "userName": "d", "roles": [{ "value": "" }] }),
        json!({ "userName": "d", EXTENSION: [] }),
        json!({ "userName": "d", EXTENSION: { "tenant": 1 } }),
        json!({ "userName": "d", EXTENSION: { "attributes": [] } }),
    ] {
        let answer = server.call("hr", "POST", "/scim/v2/Users", body.clone()).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["scimType"]), (400, &json!("invalidValue")), "{body}");
    }
    let list = server.call("hr", "POST", "/scim/v2/Users", json!([])).await;
    assert_eq!(list.json()["scimType"], "invalidSyntax");
    let mut text = request("hr", "POST", "/scim/v2/Users", &json!({ "userName": "d" }));
    text.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(server.send(text).await.status, 415);
}

#[tokio::test]
async fn a_replacement_sets_everything_and_the_name_stays() {
    let server = Server::start();
    let body = json!({ "userName": "alice", "roles": [{ "value": "auditor" }] });
    let answer = server.call("hr", "PUT", "/scim/v2/Users/alice", body).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["roles"]), (200, &json!([{ "value": "auditor" }])));
    assert_eq!(answer.json().get(EXTENSION), None);
    let renamed = server.call("hr", "PUT", "/scim/v2/Users/alice", json!({ "userName": "bob" })).await;
    assert_eq!((renamed.status.as_u16(), &renamed.json()["scimType"]), (400, &json!("mutability")));
}

#[tokio::test]
async fn a_deleted_user_is_gone_and_denied() {
    let server = Server::start();
    assert!(server.decision("alice", "alice", "acme").await);
    let answer = server.call("hr", "DELETE", "/scim/v2/Users/alice", Value::Null).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    assert!(!server.decision("alice", "alice", "acme").await);
}

#[tokio::test]
async fn entity_tags_guard_changes_and_spare_reads() {
    let server = Server::start();
    let with = |method: &str, header: &'static str, tag: &str, body: &Value| {
        let caller = if method == "GET" { "idp" } else { "hr" };
        let mut request = request(caller, method, "/scim/v2/Users/alice", body);
        request.headers_mut().insert(header, tag.parse().unwrap());
        request
    };
    let body = json!({ "userName": "alice", "displayName": "A" });
    let first = server.send(with("PUT", "if-match", "W/\"1\"", &body)).await;
    assert_eq!((first.status.as_u16(), first.header("etag")), (200, "W/\"2\""));
    for method in ["PUT", "PATCH", "DELETE"] {
        let late = server.send(with(method, "if-match", "W/\"1\"", &body)).await;
        assert_eq!((late.status.as_u16(), &late.json()["status"]), (412, &json!("412")), "{method}");
    }
    assert_eq!(server.send(with("GET", "if-none-match", "W/\"2\"", &Value::Null)).await.status, 304);
    assert_eq!(server.send(with("GET", "if-none-match", "W/\"1\"", &Value::Null)).await.status, 200);
    assert_eq!(server.send(with("DELETE", "if-match", "*", &Value::Null)).await.status, 204);
}

#[tokio::test]
async fn discovery_tells_what_works() {
    let server = Server::start();
    let get = async |path: &str| server.call("idp", "GET", &format!("/scim/v2/{path}"), Value::Null).await.json();
    let config = get("ServiceProviderConfig").await;
    let supported = |name: &str| config[name]["supported"].as_bool().unwrap();
    assert!(supported("patch") && supported("filter") && supported("etag") && supported("sort"));
    assert!(!supported("bulk") && !supported("changePassword"));
    assert_eq!(get("ResourceTypes").await["totalResults"], 2);
    assert_eq!(get("ResourceTypes/User").await["endpoint"], "/Users");
    assert_eq!(get("Schemas").await["totalResults"], 7);
    assert_eq!(get(&format!("Schemas/{EXTENSION}")).await["id"], EXTENSION);
    assert_eq!(get("Schemas/none").await["status"], "404");
}

#[tokio::test]
async fn the_schema_tells_each_free_attribute_that_somebody_has_because_strict_clients_refuse_others() {
    let server = Server::start();
    let told = async || {
        let schema = server.call("idp", "GET", &format!("/scim/v2/Schemas/{EXTENSION}"), Value::Null).await.json();
        let free = schema["attributes"].as_array().unwrap().iter().find(|one| one["name"] == "attributes").unwrap();
        let parts = free["subAttributes"].as_array().unwrap().iter();
        let text = |part: &Value, name: &str| part[name].as_str().unwrap().to_owned();
        parts
            .map(|part| format!("{} {} {}", text(part, "name"), text(part, "type"), part["multiValued"]))
            .collect::<Vec<_>>()
    };
    let before = told().await;
    assert!(!before.iter().any(|part| part.contains("region")), "{before:?}");
    let free = json!({ "region": ["eu", "us"], "level": 3, "share": 0.5, "boss": { "type": "User" }, "vip": true });
    let schemas = ["urn:ietf:params:scim:schemas:core:2.0:User", EXTENSION];
    let user = json!({ "schemas": schemas, "userName": "frank", EXTENSION: { "attributes": free } });
    assert_eq!(server.call("hr", "POST", "/scim/v2/Users", user).await.status, 201);
    let after = told().await;
    let expected = ["region string true", "level integer false", "share decimal", "boss complex", "vip boolean"];
    for part in expected {
        assert!(after.iter().any(|told| told.contains(part)), "{part}: {after:?}");
    }
}
