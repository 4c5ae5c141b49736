//! Dynamic client registration and its management (RFC 7591, RFC 7592).

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::support::Answer;
use crate::world::{World, encode, part};

async fn call(world: &World, method: &str, path: &str, token: Option<&str>, body: &Value) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    world.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn register(world: &World, metadata: &Value) -> Answer {
    call(world, "POST", "/register", Some("initial-token-of-team-a"), metadata).await
}

fn machine() -> Value {
    json!({"grant_types": ["client_credentials"], "client_name": "Robot", "scope": "orders:read", "unknown": 1})
}

async fn machine_token(world: &World, client: &Answer) -> Answer {
    let (id, secret) = (client.string("client_id"), client.string("client_secret"));
    world.post("/token", &[("grant_type", "client_credentials")], Some((&id, &secret))).await
}

#[tokio::test]
async fn a_registered_client_works_has_an_owner_and_is_gone_after_its_lifetime() {
    let world = World::extended();
    let client = register(&world, &machine()).await;
    assert_eq!((client.status.as_u16(), client.header("cache-control")), (201, "no-store"));
    let body = client.json();
    assert_eq!(
        (&body["owner"], &body["client_name"], &body["scope"]),
        (&json!("team-a"), &json!("Robot"), &json!("orders:read"))
    );
    assert_eq!(body["client_secret_expires_at"], 1_800_000_600);
    let token = machine_token(&world, &client).await.string("access_token");
    assert!(world.is_active(&token).await);
    world.clock.advance(600);
    assert_eq!(machine_token(&world, &client).await.error(), "401 invalid_client");
    assert!(!world.is_active(&token).await);
}

#[tokio::test]
async fn a_public_client_can_register_and_log_somebody_in() {
    let world = World::extended();
    let callback = "http://localhost:5000/callback";
    let client = register(&world, &json!({"redirect_uris": [callback], "token_endpoint_auth_method": "none"})).await;
    assert!(client.json()["client_secret"].is_null());
    let id = client.string("client_id");
    let changes = [("client_id", id.as_str()), ("redirect_uri", callback)];
    let code = world.authorize(&changes).await.sent("code").unwrap();
    assert_eq!(world.redeem(&code, &changes).await.status, 200);
}

#[tokio::test]
async fn registration_without_an_initial_access_token_or_with_a_wrong_one_is_refused() {
    let world = World::extended();
    for token in [None, Some("wrong"), Some(crate::world::CONTROL)] {
        assert_eq!(
            call(&world, "POST", "/register", token, &machine()).await.error(),
            "401 invalid_token",
            "{token:?}"
        );
    }
    let off = World::new();
    assert_eq!(call(&off, "POST", "/register", None, &machine()).await.error(), "404 not_found");
    assert!(off.get("/.well-known/openid-configuration").await.json()["registration_endpoint"].is_null());
}

#[tokio::test]
async fn dangerous_or_impossible_metadata_is_refused() {
    let world = World::extended();
    let callback = json!(["http://localhost:5000/callback"]);
    for (metadata, error) in [
        (json!({"redirect_uris": ["javascript:alert(1)"]}), "400 invalid_redirect_uri"),
        (json!({"redirect_uris": ["http://localhost/#x"]}), "400 invalid_redirect_uri"),
        (json!({"redirect_uris": ["http://localhost/*"]}), "400 invalid_redirect_uri"),
        (json!({}), "400 invalid_redirect_uri"),
        (json!({"redirect_uris": callback, "scope": "admin"}), "400 invalid_client_metadata"),
        (json!({"redirect_uris": callback, "grant_types": ["password"]}), "400 invalid_client_metadata"),
        (json!({"grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"]}), "400 invalid_client_metadata"),
        (
            json!({"grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"}),
            "400 invalid_client_metadata",
        ),
        (json!({"redirect_uris": callback, "response_types": ["token"]}), "400 invalid_client_metadata"),
        (
            json!({"redirect_uris": callback, "token_endpoint_auth_method": "private_key_jwt"}),
            "400 invalid_client_metadata",
        ),
        (json!({"redirect_uris": callback, "jwks_uri": "http://169.254.169.254/"}), "400 invalid_client_metadata"),
        (
            json!({"redirect_uris": callback, "jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}),
            "400 invalid_client_metadata",
        ),
        (json!({"redirect_uris": callback, "client_name": "x".repeat(17_000)}), "400 invalid_client_metadata"),
        (json!({"redirect_uris": "no list"}), "400 invalid_client_metadata"),
        (json!([]), "400 invalid_client_metadata"),
    ] {
        assert_eq!(register(&world, &metadata).await.error(), error, "{metadata}");
    }
}

#[tokio::test]
async fn only_the_registration_access_token_of_a_client_reads_changes_and_deletes_it() {
    let world = World::extended();
    let (client, other) = (register(&world, &machine()).await, register(&world, &machine()).await);
    let (path, token) =
        (format!("/register/{}", client.string("client_id")), client.string("registration_access_token"));
    assert_eq!(client.string("registration_client_uri"), format!("http://localhost:9400{path}"));
    let foreign = other.string("registration_access_token");
    for method in ["GET", "PUT", "DELETE"] {
        for token in [None, Some(foreign.as_str()), Some("initial-token-of-team-a")] {
            assert_eq!(call(&world, method, &path, token, &machine()).await.error(), "401 invalid_token", "{method}");
        }
    }
    let read = call(&world, "GET", &path, Some(&token), &json!({})).await;
    assert_eq!((read.status.as_u16(), read.string("client_name").as_str()), (200, "Robot"));
    assert!(read.json()["client_secret"].is_null(), "the secret is told once");
    let mut changed = machine();
    changed["client_name"] = json!("Android");
    assert_eq!(
        call(&world, "PUT", &path, Some(&token), &changed).await.error(),
        "400 invalid_client_metadata",
        "no id"
    );
    changed["client_id"] = json!(client.string("client_id"));
    changed["client_secret"] = json!("chosen-by-the-client");
    let chosen = call(&world, "PUT", &path, Some(&token), &changed).await;
    assert_eq!(chosen.error(), "400 invalid_client_metadata", "a client cannot choose its secret");
    changed["client_secret"] = json!(client.string("client_secret"));
    assert_eq!(call(&world, "PUT", &path, Some(&token), &changed).await.string("client_name"), "Android");
    assert_eq!(machine_token(&world, &client).await.status, 200);
}

#[tokio::test]
async fn a_deleted_client_and_its_tokens_are_gone() {
    let world = World::extended();
    let client = register(&world, &machine()).await;
    let token = machine_token(&world, &client).await.string("access_token");
    let path = format!("/register/{}", client.string("client_id"));
    let key = client.string("registration_access_token");
    assert_eq!(call(&world, "DELETE", &path, Some(&key), &json!({})).await.status, 204);
    assert!(!world.is_active(&token).await);
    assert_eq!(machine_token(&world, &client).await.error(), "401 invalid_client");
    assert_eq!(call(&world, "GET", &path, Some(&key), &json!({})).await.error(), "401 invalid_token");
}

#[tokio::test]
async fn a_registered_client_gets_its_algorithm_its_logout_address_and_its_faults() {
    let world = World::extended();
    let callback = "http://localhost:5000/callback";
    let metadata = json!({
        "redirect_uris": [callback], "token_endpoint_auth_method": "none", "id_token_signed_response_alg": "EdDSA",
        "post_logout_redirect_uris": ["http://localhost:5000/bye"],
        "backchannel_logout_uri": "http://169.254.169.254/latest",
    });
    let client = register(&world, &metadata).await;
    assert!(client.json()["backchannel_logout_uri"].is_null(), "whoever registers sends the provider nowhere");
    let id = client.string("client_id");
    let changes = [("client_id", id.as_str()), ("redirect_uri", callback)];
    let login = world.authorize(&changes).await;
    let tokens = world.redeem(&login.sent("code").unwrap(), &changes).await;
    let id_token = tokens.string("id_token");
    assert_eq!(part(&id_token, 0)["alg"], "EdDSA");

    let order = json!({"name": "invalid-nonce", "client_id": id, "times": 1});
    assert_eq!(world.control("POST", "/control/v1/faults", order).await.status, 201);
    let unknown = json!({"name": "invalid-nonce", "client_id": "dyn-nobody"});
    assert_eq!(world.control("POST", "/control/v1/faults", unknown).await.error(), "400 invalid_request");
    let minted = world.mint(json!({"client_id": id})).await;
    assert_eq!(part(&minted, 1)["client_id"], id.as_str());

    let query = encode(&[("id_token_hint", &id_token), ("post_logout_redirect_uri", "http://localhost:5000/bye")]);
    let left = world.get(&format!("/end_session?{query}")).await;
    assert_eq!((left.status.as_u16(), left.header("location")), (303, "http://localhost:5000/bye"));
}

#[tokio::test]
async fn metadata_with_an_unknown_algorithm_or_a_dangerous_logout_address_are_refused() {
    let world = World::extended();
    for (name, value) in [
        ("id_token_signed_response_alg", json!("none")),
        ("id_token_signed_response_alg", json!("HS256")),
        ("post_logout_redirect_uris", json!(["javascript:alert(1)"])),
        ("frontchannel_logout_uri", json!("data:text/html,x")),
    ] {
        let mut metadata = machine();
        metadata[name] = value;
        assert_eq!(register(&world, &metadata).await.error(), "400 invalid_client_metadata", "{metadata}");
    }
}
