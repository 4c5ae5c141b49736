//! The clock, sessions, grants, snapshots and the journal of a running provider.

use serde_json::{Value, json};

use crate::world::{CONFIG, World, part};

#[tokio::test]
async fn the_clock_can_be_advanced_stopped_set_and_put_back() {
    let world = World::new();
    let token = world.tokens().await.string("access_token");
    let clock = |order: Value| world.control("POST", "/control/v1/clock", order);
    assert_eq!(clock(json!({"advance_seconds": 299})).await.json()["now"], 1_800_000_299);
    assert!(world.is_active(&token).await);
    clock(json!({"advance_seconds": 1})).await;
    assert!(!world.is_active(&token).await);
    assert_eq!(part(&world.tokens().await.string("access_token"), 1)["iat"], 1_800_000_300);

    assert_eq!(clock(json!({"freeze": true})).await.json()["frozen"], true);
    world.clock.advance(1_000);
    assert_eq!(clock(json!({})).await.json()["now"], 1_800_000_300);
    clock(json!({"freeze": false})).await;
    world.clock.advance(5);
    assert_eq!(clock(json!({})).await.json()["now"], 1_800_000_305);
    assert_eq!(clock(json!({"set": 1_900_000_000})).await.json()["now"], 1_900_000_000);
    assert_eq!(clock(json!({"reset": true})).await.json()["now"], 1_800_001_005);
}

#[tokio::test]
async fn a_token_a_code_and_whole_kinds_can_be_made_old() {
    for world in [World::new(), World::opaque()] {
        let tokens = world.tokens().await;
        let expire = |order: Value| world.control("POST", "/control/v1/expire", order);
        let (access, refresh) = (tokens.string("access_token"), tokens.string("refresh_token"));
        assert_eq!(expire(json!({"token": access})).await.json()["expired"], 1);
        assert!(!world.is_active(&access).await);
        assert_eq!(expire(json!({"token": refresh})).await.json()["expired"], 1);
        assert_eq!(world.refresh(&refresh, &[]).await.error(), "400 invalid_grant");
        let code = world.code().await;
        assert_eq!(expire(json!({"token": code})).await.json()["expired"], 1);
        assert_eq!(world.redeem(&code, &[]).await.error(), "400 invalid_grant");

        let tokens = world.tokens().await;
        assert_eq!(expire(json!({"kind": "access_tokens"})).await.json()["expired"], 1);
        assert!(!world.is_active(&tokens.string("access_token")).await);
        expire(json!({"kind": "refresh_tokens"})).await;
        assert_eq!(world.refresh(&tokens.string("refresh_token"), &[]).await.error(), "400 invalid_grant");
        for order in [json!({}), json!({"kind": "everything"}), json!({"kind": "codes", "token": "x"})] {
            assert_eq!(expire(order).await.error(), "400 invalid_request");
        }
        assert_eq!(expire(json!({"token": "garbage"})).await.json()["expired"], 0);
    }
}

#[tokio::test]
async fn sessions_and_grants_are_listed_and_a_grant_can_be_ended_alone() {
    let world = World::new();
    let (first, second) = (world.tokens().await, world.tokens().await);
    let sessions = world.control("GET", "/control/v1/sessions", json!(null)).await.json();
    let sessions = sessions["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!((&sessions[0]["subject"], &sessions[0]["clients"]), (&json!("alice"), &json!(["web"])));
    assert_eq!(sessions[0]["sid"], part(&first.string("id_token"), 1)["sid"]);

    let grants = world.control("GET", "/control/v1/grants", json!(null)).await.json();
    assert_eq!(grants["grants"].as_array().unwrap().len(), 2);
    let path = format!("/control/v1/grants/{}", grants["grants"][0]["id"]);
    assert_eq!(world.control("DELETE", &path, json!(null)).await.status, 204);
    assert_eq!(world.control("DELETE", &path, json!(null)).await.error(), "404 not_found");
    assert!(!world.is_active(&first.string("access_token")).await);
    assert!(world.is_active(&second.string("access_token")).await);
}

#[tokio::test]
async fn a_restored_snapshot_is_the_memory_as_it_was_and_holds_no_bearer_value() {
    for world in [World::new(), World::opaque()] {
        let (tokens, code) = (world.tokens().await, world.code().await);
        world.control("POST", "/control/v1/clock", json!({"advance_seconds": 10})).await;
        let snapshot = world.control("GET", "/control/v1/snapshot", json!(null)).await;
        for secret in ["access_token", "refresh_token"].map(|name| tokens.string(name)).iter().chain([&code]) {
            assert!(!snapshot.text().contains(secret.as_str()));
        }
        world.control("POST", "/control/v1/reset", json!(null)).await;
        assert!(!world.is_active(&tokens.string("access_token")).await);

        assert_eq!(world.control("PUT", "/control/v1/snapshot", snapshot.json()).await.status, 204);
        assert!(world.is_active(&tokens.string("access_token")).await);
        assert_eq!(world.control("GET", "/control/v1/clock", json!(null)).await.json()["offset_seconds"], 10);
        assert_eq!(world.redeem(&code, &[]).await.status, 200);
        assert_eq!(world.redeem(&code, &[]).await.error(), "400 invalid_grant", "still good for one use only");
        assert_eq!(world.refresh(&tokens.string("refresh_token"), &[]).await.status, 200);
    }
}

#[tokio::test]
async fn a_snapshot_of_another_version_issuer_or_shape_is_refused() {
    let world = World::new();
    let snapshot = world.control("GET", "/control/v1/snapshot", json!(null)).await.json();
    for (member, value) in
        [("version", json!(1)), ("issuer", json!("http://other")), ("store", json!({})), ("extra", json!(1))]
    {
        let mut changed = snapshot.clone();
        changed[member] = value;
        let answer = world.control("PUT", "/control/v1/snapshot", changed).await;
        assert_eq!(answer.error(), "400 invalid_request", "{member}");
    }
}

#[tokio::test]
async fn a_reset_takes_less_than_50_ms() {
    let world = World::new();
    let mut times = Vec::new();
    // The quickest of three: a machine that does something else for a moment is no slow reset.
    for _ in 0..3 {
        for _ in 0..500 {
            world.post("/token", &[("grant_type", "client_credentials")], Some(crate::world::BACKEND)).await;
        }
        let begin = std::time::Instant::now();
        world.control("POST", "/control/v1/reset", json!(null)).await;
        times.push(begin.elapsed());
    }
    assert!(times.iter().any(|time| time.as_millis() < 50), "{times:?}");
}

async fn assertion(world: &World, expectation: Value) -> (u16, Value) {
    let answer = world.control("POST", "/control/v1/journal/assert", expectation).await;
    (answer.status.as_u16(), answer.json()["problems"].clone())
}

#[tokio::test]
async fn a_login_can_be_asserted_called_once_in_order_with_pkce() {
    let world = World::new();
    world.tokens().await;
    let calls = json!([
        {"method": "GET", "path": "/authorize", "client_id": "web", "pkce": true, "times": 1, "with": ["state"]},
        {"path": "/token", "status": 200, "subject": "alice", "pkce": true, "times": 1,
            "parameters": {"grant_type": "authorization_code"}, "without": ["client_secret"]},
    ]);
    assert_eq!(assertion(&world, json!({"calls": calls, "in_order": true})).await, (200, json!([])));
    let (status, problems) =
        assertion(&world, json!({"calls": [{"path": "/token", "times": 2}, {"path": "/revoke"}]})).await;
    assert_eq!(status, 409);
    assert_eq!(problems.as_array().unwrap().len(), 2);
    assert_eq!(assertion(&world, json!({"calls": [{"paths": "/token"}]})).await.0, 400);
}

#[tokio::test]
async fn the_journal_shows_decoded_tokens_without_signatures_and_the_clause_of_a_refusal() {
    let world = World::new();
    let tokens = world.tokens().await;
    world.redeem("garbage", &[]).await;
    let journal = world.control("GET", "/control/v1/journal", json!(null)).await;
    let entries = journal.json()["entries"].clone();
    assert_eq!(entries[1]["tokens"]["id_token"]["claims"]["sub"], "alice");
    assert_eq!(entries[1]["tokens"]["access_token"]["header"]["typ"], "at+jwt");
    assert_eq!(entries[2]["section"], "RFC 6749 section 4.1.3");
    assert_eq!(entries[1]["withheld"], json!(["code", "code_verifier"]));
    let signature = tokens.string("access_token").rsplit('.').next().unwrap().to_owned();
    assert!(!journal.text().contains(&signature));
    let only = world.control("GET", "/control/v1/journal?outcome=invalid_grant", json!(null)).await.json();
    assert_eq!(only["entries"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn whoever_listens_is_told_of_each_request_as_it_comes() {
    use futures_util::StreamExt as _;
    use tower::ServiceExt as _;

    let world = World::new();
    let request = crate::world::control_request("GET", "/control/v1/journal/stream", &json!(null));
    let response = world.app().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = response.into_body().into_data_stream();
    world.tokens().await;
    let mut text = String::new();
    while !text.contains("\"/token\"") {
        text.push_str(std::str::from_utf8(&events.next().await.unwrap().unwrap()).unwrap());
    }
    assert!(text.contains("event: request") && text.contains("id: 1") && text.contains("\"/authorize\""), "{text}");
}

#[tokio::test]
async fn the_journal_page_lists_what_happened_for_our_own_name_only() {
    let world = World::new();
    let tokens = world.tokens().await;
    let page = world.get("/journal").await;
    let text = page.text();
    assert!(text.contains("/authorize") && text.contains("code_verifier=…") && !text.contains("<script"), "{text}");
    assert!(!text.contains(&tokens.string("access_token")) && !text.contains(crate::world::VERIFIER));
    let foreign =
        axum::http::Request::get("/journal").header("host", "attacker.example").body(axum::body::Body::empty());
    assert_eq!(world.send(foreign.unwrap()).await.status, 403);
    assert_eq!(World::without_control().get("/journal").await.status, 404);
}

#[tokio::test]
async fn every_named_broken_token_is_inactive_but_those_that_only_an_api_can_tell() {
    let world = World::new();
    let catalogue = world.control("GET", "/control/v1/tokens/catalogue", json!(null)).await.json();
    let names = catalogue["broken"].as_array().unwrap();
    assert!(names.len() >= 50, "{}", names.len());
    // Audience, binding and size are for the API to judge, and `iat` in the future is advice only.
    let sound = ["iat-future", "wrong-aud", "lookalike-aud", "dpop-bound", "claims-huge", "claims-deep"];
    for line in names {
        let name = line["name"].as_str().unwrap();
        let token = world.mint(json!({"broken": name})).await;
        assert_eq!(world.is_active(&token).await, sound.contains(&name), "{name}");
    }
    let answer = world.control("POST", "/control/v1/tokens", json!({"persona": "alice", "broken": "nonsense"})).await;
    assert!(answer.status == 400 && answer.text().contains("alg-none"), "{}", answer.text());
}

#[tokio::test]
async fn a_minted_refresh_token_refreshes_and_a_minted_id_token_is_one() {
    let world = World::new();
    let order = json!({"broken": "refresh-token", "client_id": "web", "scope": "openid"});
    let refresh = world.mint(order).await;
    assert_eq!(world.refresh(&refresh, &[]).await.status, 200);
    let id_token = world.mint(json!({"broken": "id-token", "client_id": "web"})).await;
    assert_eq!((&part(&id_token, 0)["typ"], &part(&id_token, 1)["aud"]), (&json!("JWT"), &json!("web")));
    let logout = world.mint(json!({"broken": "logout-token", "client_id": "web"})).await;
    assert!(part(&logout, 1)["events"].is_object() && part(&logout, 0)["typ"] == "logout+jwt");
}

#[tokio::test]
async fn a_minted_token_can_be_signed_with_any_algorithm() {
    let world = World::from_text(CONFIG);
    for algorithm in ["RS256", "EdDSA"] {
        let token = world.mint(json!({"alg": algorithm})).await;
        assert_eq!(part(&token, 0)["alg"], algorithm);
        assert!(world.is_active(&token).await, "{algorithm}");
    }
}
