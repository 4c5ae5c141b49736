//! AuthZEN evaluations over HTTP: the rules that implementations get wrong.

use axum::body::Body;
use serde_json::{Value, json};

use crate::common::{Server, question, request};

#[tokio::test]
async fn a_permit_is_200_with_decision_true_and_nothing_else() {
    let answer = Server::start().evaluate(question("alice", "alice", "acme")).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({ "decision": true })));
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test]
async fn a_denial_is_200_with_decision_false() {
    let server = Server::start();
    let mut unknown_action = question("alice", "alice", "acme");
    unknown_action["action"]["name"] = json!("fly");
    for question in [question("bob", "alice", "acme"), question("nobody", "nobody", "acme"), unknown_action] {
        let answer = server.evaluate(question).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({ "decision": false })));
    }
}

#[tokio::test]
async fn a_malformed_request_is_400_with_a_message() {
    let server = Server::start();
    let broken = |pointer: &str, value: Value| {
        let mut question = question("alice", "alice", "acme");
        *question.pointer_mut(pointer).unwrap() = value;
        question
    };
    let without = |name: &str| {
        let mut question = question("alice", "alice", "acme");
        question.as_object_mut().unwrap().remove(name);
        question
    };
    for body in [
        without("subject"),
        without("action"),
        without("resource"),
        broken("/subject", json!("alice")),
        broken("/subject", json!(["User", "alice"])),
        broken("/subject", json!({ "type": "User" })),
        broken("/subject/id", json!(7)),
        broken("/subject/type", json!(null)),
        broken("/action", json!("readOrder")),
        broken("/action", json!({})),
        broken("/action/name", json!(["readOrder"])),
        broken("/resource", json!(null)),
        broken("/resource/properties", json!([])),
        broken("/resource/properties", json!({ "tenant": { "type": "Tenant", "id": "acme" } })),
        broken("/resource/properties/owner", json!("alice")),
        json!([question("alice", "alice", "acme")]),
        json!("text"),
        json!({}),
    ] {
        let answer = server.evaluate(body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.json()["error"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
    }
    assert!(server.decisions().await.is_empty());
}

#[tokio::test]
async fn an_empty_body_broken_json_doubled_keys_and_another_content_type_are_400() {
    let server = Server::start();
    let valid = question("alice", "alice", "acme").to_string();
    let doubled = valid
        .replacen('{', r#"{"subject":{"type":"User","id":"bob"},"#, 1)
        .replace("\"id\":\"17\"", "\"id\":\"17\",\"id\":\"18\"");
    for (kind, body) in [
        ("application/json", ""),
        ("application/json", "{\"subject\":"),
        ("application/json", doubled.as_str()),
        ("text/plain", valid.as_str()),
        ("application/x-www-form-urlencoded", valid.as_str()),
        ("", valid.as_str()),
    ] {
        let mut request = request("api", "POST", "/access/v1/evaluation", &json!({}));
        request.headers_mut().insert("content-type", kind.parse().unwrap());
        *request.body_mut() = Body::from(body.to_owned());
        assert_eq!(server.send(request).await.status, 400, "{kind} {body}");
    }
    let mut request = request("api", "POST", "/access/v1/evaluation", &json!({}));
    request.headers_mut().insert("content-type", "Application/JSON; charset=utf-8".parse().unwrap());
    *request.body_mut() = Body::from(valid);
    assert_eq!(server.send(request).await.json(), json!({ "decision": true }));
}

#[tokio::test]
async fn unknown_fields_are_ignored_at_every_level() {
    let mut question = question("alice", "alice", "acme");
    for part in ["", "/subject", "/action", "/resource", "/resource/properties", "/resource/properties/owner"] {
        question.pointer_mut(part).unwrap()["unheard_of"] = json!([null, 1.5]);
    }
    assert_eq!(Server::start().evaluate(question).await.json(), json!({ "decision": true }));
}

#[tokio::test]
async fn fractions_and_nulls_which_policies_cannot_see_are_400_and_name_the_property() {
    let server = Server::start();
    for (value, problem) in [(json!(1.5), "is not a whole number"), (json!(null), "is null")] {
        let mut question = question("alice", "alice", "acme");
        question["resource"]["properties"]["total"] = value;
        let answer = server.evaluate(question).await;
        assert_eq!(answer.status, 400);
        let message = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(message.contains("resource property `total`") && message.contains(problem), "{message}");
    }
}

#[tokio::test]
async fn the_request_id_is_echoed_verbatim_whatever_the_outcome() {
    let server = Server::start();
    for (caller, body) in [("api", question("alice", "alice", "acme")), ("api", json!([])), ("hr", json!({}))] {
        let mut request = request(caller, "POST", "/access/v1/evaluation", &body);
        request.headers_mut().insert("x-request-id", "bfe9eb29-ab87 / Ünïcode".parse().unwrap());
        let answer = server.send(request).await;
        assert_eq!(answer.headers["x-request-id"].as_bytes(), "bfe9eb29-ab87 / Ünïcode".as_bytes());
    }
    assert_eq!(server.decisions().await[0]["request_id"], "bfe9eb29-ab87 / Ünïcode");
}

#[tokio::test]
async fn the_directory_wins_over_what_the_caller_says_and_the_mismatch_is_logged() {
    let server = Server::start();
    let mut question = question("bob", "alice", "acme");
    question["subject"]["properties"] = json!({ "roles": ["support"], "tenant": "acme" });
    assert_eq!(server.evaluate(question).await.json(), json!({ "decision": false }));
    assert_eq!(
        server.decisions().await[0]["claim_mismatch"],
        json!([
            { "property": "roles", "claimed": ["support"], "directory": ["customer"] },
            { "property": "tenant", "claimed": "acme", "directory": { "type": "Tenant", "id": "globex" } },
        ])
    );
}

#[tokio::test]
async fn each_decision_is_one_line_of_the_log_without_tokens_or_properties() {
    let server = Server::start();
    server.decision("alice", "alice", "acme").await;
    server.decision("bob", "alice", "acme").await;
    let lines = server.decisions().await;
    let mut first = lines[0].clone();
    for (name, shape) in [
        ("time", "string"),
        ("latency_us", "number"),
        ("policy_hash", "string"),
        ("previous", "string"),
        ("hash", "string"),
    ] {
        let value = first.as_object_mut().unwrap().remove(name).unwrap();
        assert_eq!((value.is_string(), value.is_number()), (shape == "string", shape == "number"), "{name}");
        if name == "time" {
            value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        }
    }
    assert_eq!(
        first,
        json!({
            "sequence": 1, "request_id": null, "caller": "api", "tenant": "acme",
            "subject": { "type": "User", "id": "alice" }, "action": "readOrder",
            "resource": { "type": "Order", "id": "17" }, "decision": true, "determining": ["orders.cedar:1"],
            "errors": [], "claim_mismatch": [], "directory_version": 1,
        })
    );
    assert_eq!((lines.len(), &lines[1]["sequence"], &lines[1]["decision"]), (2, &json!(2), &json!(false)));
    let later = server.call("tests", "GET", "/control/v1/decisions?after=1", Value::Null).await;
    assert_eq!(later.text.lines().count(), 1);
    assert!(!later.text.contains("-token") && !later.text.contains("properties"));
}

#[tokio::test]
async fn the_log_is_appended_to_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.jsonl");
    let mut config = crate::common::config();
    config.decision_log = Some(path.clone());
    for _ in 0..2 {
        Server::with(config.clone()).decision("alice", "alice", "acme").await;
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().filter(|line| serde_json::from_str::<Value>(line).unwrap()["decision"] == true).count(), 2);
}

mod batch {
    use super::*;

    async fn ask(server: &Server, body: Value) -> Value {
        let answer = server.call("api", "POST", "/access/v1/evaluations", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// Bob's, Alice's, Bob's: denied, permitted, denied.
    fn three(semantic: Option<&str>) -> Value {
        let mut body = question("alice", "alice", "acme");
        let theirs = question("alice", "bob", "acme")["resource"].clone();
        body["evaluations"] = json!([{ "resource": theirs }, {}, { "resource": theirs }]);
        if let Some(semantic) = semantic {
            body["options"] = json!({ "evaluations_semantic": semantic });
        }
        body
    }

    fn decisions(answer: &Value) -> Vec<bool> {
        answer["evaluations"].as_array().unwrap().iter().map(|item| item["decision"].as_bool().unwrap()).collect()
    }

    #[tokio::test]
    async fn items_replace_whole_objects_of_the_defaults_and_are_answered_in_order() {
        let answer = ask(&Server::start(), three(None)).await;
        assert_eq!(decisions(&answer), [false, true, false]);
    }

    #[tokio::test]
    async fn nothing_of_a_default_is_left_in_the_object_that_an_item_puts_in_its_place() {
        let mut body = question("alice", "alice", "acme");
        let bare = json!({ "type": "Order", "id": "17" });
        body["evaluations"] = json!([{}, { "resource": bare }, { "subject": { "type": "User", "id": "bob" } }]);
        let answer = ask(&Server::start(), body).await;
        assert_eq!(decisions(&answer), [true, false, false]);
        // Merged, it would have had the owner of the default.
        let message = answer["evaluations"][1]["context"]["error"]["message"].as_str().unwrap();
        assert!(message.contains("`owner` is missing"), "{message}");
        assert_eq!(answer["evaluations"][2], json!({ "decision": false }));
    }

    #[tokio::test]
    async fn a_bad_item_counts_as_a_denial_where_the_list_ends_at_one() {
        let server = Server::start();
        let asked = |semantic: &str| {
            let mut body = question("alice", "alice", "acme");
            body["evaluations"] = json!([7, {}, {}]);
            body["options"] = json!({ "evaluations_semantic": semantic });
            body
        };
        assert_eq!(decisions(&ask(&server, asked("deny_on_first_deny")).await), [false]);
        assert_eq!(decisions(&ask(&server, asked("permit_on_first_permit")).await), [false, true]);
        // Only what was asked is logged: a list that ended early asked no more.
        assert_eq!(server.decisions().await.len(), 1);
    }

    #[tokio::test]
    async fn the_semantic_ends_the_list_at_the_deciding_item() {
        let server = Server::start();
        assert_eq!(decisions(&ask(&server, three(Some("execute_all"))).await), [false, true, false]);
        assert_eq!(decisions(&ask(&server, three(Some("deny_on_first_deny"))).await), [false]);
        assert_eq!(decisions(&ask(&server, three(Some("permit_on_first_permit"))).await), [false, true]);
        let unknown = server.call("api", "POST", "/access/v1/evaluations", three(Some("any"))).await;
        assert_eq!(unknown.status, 400);
    }

    #[tokio::test]
    async fn without_a_list_or_with_an_empty_one_the_answer_is_a_single_decision() {
        let server = Server::start();
        let mut body = question("alice", "alice", "acme");
        assert_eq!(ask(&server, body.clone()).await, json!({ "decision": true }));
        body["evaluations"] = json!([]);
        assert_eq!(ask(&server, body).await, json!({ "decision": true }));
    }

    #[tokio::test]
    async fn a_bad_item_is_denied_and_the_others_are_answered() {
        let mut body = question("alice", "alice", "acme");
        body["evaluations"] = json!([{}, { "subject": { "type": "User" } }, 7, {}]);
        let answer = ask(&Server::start(), body).await;
        assert_eq!(decisions(&answer), [true, false, false, true]);
        assert_eq!(answer["evaluations"][1]["context"]["error"]["status"], 400);
    }
}
