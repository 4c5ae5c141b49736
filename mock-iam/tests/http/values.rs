//! SCIM PATCH and POST on attributes with parts and with many values (RFC 7643 §2.4, RFC 7644 §3.5.2).

use serde_json::{Value, json};

use crate::common::Server;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Alice, with two mail addresses, after some operations.
async fn after(operations: Value) -> Value {
    let server = Server::start();
    let mails =
        json!([{ "value": "w@a.test", "type": "work", "primary": true }, { "value": "h@a.test", "type": "home" }]);
    server.patch("alice", json!([{ "op": "add", "path": "emails", "value": mails }])).await;
    let answer = server.patch("alice", operations.clone()).await;
    assert_eq!(answer.status, 200, "{operations}: {}", answer.text);
    answer.json()
}

#[tokio::test]
async fn value_paths_change_the_values_that_they_select() {
    for (operation, expected) in [
        (
            json!({ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "n@a.test" }),
            json!([{ "value": "n@a.test", "type": "work", "primary": true }, { "value": "h@a.test", "type": "home" }]),
        ),
        (
            json!({ "op": "replace", "path": "emails[type eq \"home\"]", "value": { "value": "n@a.test", "primary": true } }),
            json!([{ "value": "w@a.test", "type": "work", "primary": false }, { "value": "n@a.test", "primary": true }]),
        ),
        (
            json!({ "op": "add", "path": "emails[type eq \"home\"].display", "value": "At home" }),
            json!([{ "value": "w@a.test", "type": "work", "primary": true },
                   { "value": "h@a.test", "type": "home", "display": "At home" }]),
        ),
        (
            json!({ "op": "remove", "path": "emails[value ew \"a.test\" and not (type eq \"work\")]" }),
            json!([{ "value": "w@a.test", "type": "work", "primary": true }]),
        ),
        (
            json!({ "op": "remove", "path": "emails[type eq \"work\"].primary" }),
            json!([{ "value": "w@a.test", "type": "work" }, { "value": "h@a.test", "type": "home" }]),
        ),
        (
            json!({ "op": "add", "path": "emails[type eq \"other\"].value", "value": "o@a.test" }),
            json!([{ "value": "w@a.test", "type": "work", "primary": true }, { "value": "h@a.test", "type": "home" },
                   { "value": "o@a.test", "type": "other" }]),
        ),
        (
            json!({ "op": "add", "path": "emails", "value": [{ "value": "h@a.test", "type": "home" },
                                                              { "value": "p@a.test", "primary": true }] }),
            json!([{ "value": "w@a.test", "type": "work", "primary": false }, { "value": "h@a.test", "type": "home" },
                   { "value": "p@a.test", "primary": true }]),
        ),
    ] {
        assert_eq!(after(json!([operation])).await["emails"], expected, "{operation}");
    }
}

#[tokio::test]
async fn parts_of_a_complex_attribute_are_merged_and_extensions_have_theirs() {
    let names = json!({ "familyName": "Liddell", "givenName": "Alice" });
    let user = after(json!([
        { "op": "add", "path": "name", "value": names },
        { "op": "replace", "path": "name", "value": { "givenName": "Al", "familyName": null, "middleName": "P" } },
        { "op": "add", "path": "name.honorificPrefix", "value": "Dr" },
        { "op": "add", "value": { ENTERPRISE: { "department": "Sales", "manager": { "value": "carol" } } } },
        { "op": "replace", "path": format!("{ENTERPRISE}:manager.value"), "value": "bob" },
    ]))
    .await;
    assert_eq!(user["name"], json!({ "givenName": "Al", "middleName": "P", "honorificPrefix": "Dr" }));
    assert_eq!(user[ENTERPRISE], json!({ "department": "Sales", "manager": { "value": "bob" } }));
    assert!(user["schemas"].as_array().unwrap().contains(&json!(ENTERPRISE)));
}

#[tokio::test]
async fn what_is_emptied_is_gone() {
    let user = after(json!([
        { "op": "add", "path": "name.givenName", "value": "A" },
        { "op": "remove", "path": "name.givenName" },
        { "op": "replace", "path": "emails", "value": [] },
        { "op": "add", "path": format!("{ENTERPRISE}:division"), "value": "D" },
        { "op": "replace", "path": format!("{ENTERPRISE}:division"), "value": null },
        { "op": "add", "path": "nickName", "value": "n" },
        { "op": "replace", "value": { "nickName": null } },
    ]))
    .await;
    for name in ["name", "emails", ENTERPRISE, "nickName"] {
        assert_eq!(user.get(name), None, "{name}");
    }
}

#[tokio::test]
async fn a_users_details_survive_a_round_trip_in_whatever_letter_case_they_came() {
    let server = Server::start();
    let body = json!({
        "USERNAME": "dora", "externalID": "E-1", "Emails": [{ "VALUE": "d@x.test", "Primary": true, "unheard": 1 }],
        "addresses": [{ "streetAddress": "1 Way", "country": "DE" }], "x509Certificates": [{ "value": "AQID" }],
        "password": "hunter2", "meta": { "version": "x" }, "id": "other",
        "urn:ietf:params:scim:schemas:core:2.0:User:nickName": "Do",
        ENTERPRISE.to_uppercase(): { "EmployeeNumber": "7" },
    });
    let made = server.call("hr", "POST", "/scim/v2/Users", body).await.json();
    assert_eq!((&made["id"], &made["externalId"], &made["nickName"]), (&json!("dora"), &json!("E-1"), &json!("Do")));
    assert_eq!(made["emails"], json!([{ "value": "d@x.test", "primary": true }]));
    assert_eq!((&made[ENTERPRISE], made.get("password")), (&json!({ "employeeNumber": "7" }), None));
    let again = server.call("hr", "PUT", "/scim/v2/Users/dora", made.clone()).await.json();
    assert_eq!(again, made);
}

#[tokio::test]
async fn ill_typed_doubled_and_twice_primary_values_are_refused() {
    let server = Server::start();
    for (body, kind) in [
        (json!({ "emails": [{ "value": "a", "primary": true }, { "value": "b", "primary": true }] }), "invalidValue"),
        (json!({ "emails": ["a@x.test"] }), "invalidValue"),
        (json!({ "emails": [{ "value": 1 }] }), "invalidValue"),
        (json!({ "name": "Dora" }), "invalidValue"),
        (json!({ "title": ["t"] }), "invalidValue"),
        (json!({ "x509Certificates": [{ "value": "no base64!" }] }), "invalidValue"),
        (json!({ "title": "a", "TITLE": "b" }), "invalidSyntax"),
        (json!({ ENTERPRISE: { "manager": "carol" } }), "invalidValue"),
    ] {
        let mut with_name = body.clone();
        with_name["userName"] = json!("dora");
        let answer = server.call("hr", "POST", "/scim/v2/Users", with_name).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["scimType"]), (400, &json!(kind)), "{body}");
    }
    let mail = json!({ "op": "replace", "path": "emails[type eq \"work\"]", "value": { "value": 7 } });
    server.patch("bob", json!([{ "op": "add", "path": "emails", "value": [{ "type": "work", "value": "b" }] }])).await;
    assert_eq!(server.patch("bob", json!([mail])).await.json()["scimType"], "invalidValue");
    let nothing = json!([{ "op": "replace", "path": "emails[type eq \"home\"].value", "value": "x" }]);
    assert_eq!(server.patch("bob", nothing).await.json()["scimType"], "noTarget");
}

#[tokio::test]
async fn nobody_is_reactivated_by_what_a_client_leaves_out() {
    let server = Server::start();
    server.patch("alice", json!([{ "op": "replace", "path": "active", "value": false }])).await;
    let replaced = server.call("hr", "PUT", "/scim/v2/Users/alice", json!({ "userName": "alice" })).await.json();
    assert_eq!(replaced["active"], false);
    let said = server.call("hr", "PUT", "/scim/v2/Users/alice", json!({ "userName": "alice", "active": true })).await;
    assert_eq!(said.json()["active"], true);
}
