//! Several issuers of one origin in one process.

use serde_json::json;

use crate::world::{BACKEND, CONFIG, World, encode, part};

const TWO: &str = r#"
issuers:
  - issuer: http://localhost:9400/acme
    clients: { backend: { secret: acme-secret, grants: [client_credentials], scopes: [read] } }
    keys: { algorithm: EdDSA }
  - issuer: http://localhost:9400/globex/eu/
    access_token: { format: opaque }
    clients:
      backend: { secret: backend-secret, grants: [client_credentials] }
      web: { redirect_uris: ["http://localhost:8080/callback"], grants: [authorization_code] }
"#;

fn world() -> World {
    World::from_text(&format!("{CONFIG}{TWO}"))
}

#[tokio::test]
async fn each_issuer_is_found_at_both_forms_of_its_address_and_everything_it_announces_is_under_its_path() {
    let world = world();
    for (issuer, base) in [
        ("http://localhost:9400", ""),
        ("http://localhost:9400/acme", "/acme"),
        ("http://localhost:9400/globex/eu/", "/globex/eu"),
    ] {
        let mut documents = Vec::new();
        for name in ["openid-configuration", "oauth-authorization-server"] {
            documents.push(world.get(&format!("{base}/.well-known/{name}")).await.json());
            documents.push(world.get(&format!("/.well-known/{name}{base}")).await.json());
        }
        for document in &documents {
            assert_eq!(document, &documents[0], "{issuer}");
        }
        assert_eq!(documents[0]["issuer"], issuer);
        for (name, value) in documents[0].as_object().unwrap() {
            if name.ends_with("_endpoint") || name == "jwks_uri" {
                let path = value.as_str().unwrap().strip_prefix("http://localhost:9400").unwrap();
                assert!(path.starts_with(&format!("{base}/")), "{name}: {path}");
                assert_ne!(world.get(path).await.status, 404, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn keys_clients_tokens_clock_and_faults_of_one_issuer_are_not_those_of_another() {
    let world = world();
    let form = [("grant_type", "client_credentials")];
    let first = world.post("/token", &form, Some(BACKEND)).await;
    let acme = world.post("/acme/token", &form, Some(("backend", "acme-secret"))).await.string("access_token");
    assert_eq!(world.post("/acme/token", &form, Some(BACKEND)).await.error(), "401 invalid_client");
    assert_eq!(
        (&part(&acme, 1)["iss"], &part(&acme, 0)["alg"]),
        (&json!("http://localhost:9400/acme"), &json!("EdDSA"))
    );
    assert!(!world.is_active(&acme).await, "a token of acme at the first issuer");
    let asked = world.post("/acme/introspect", &[("token", &acme)], Some(("backend", "acme-secret"))).await;
    assert_eq!(asked.json()["active"], true);

    world.control("POST", "/acme/control/v1/clock", json!({"advance_seconds": 1_000})).await;
    assert!(world.is_active(&first.string("access_token")).await);
    let asked = world.post("/acme/introspect", &[("token", &acme)], Some(("backend", "acme-secret"))).await;
    assert_eq!(asked.json()["active"], false);

    let fault = json!({"name": "jwks-empty", "issuer": "http://localhost:9400/acme"});
    assert_eq!(world.control("POST", "/control/v1/faults", fault).await.status, 201);
    assert_eq!(world.get("/acme/jwks").await.json()["keys"], json!([]));
    assert_ne!(world.get("/jwks").await.json()["keys"], json!([]));
}

#[tokio::test]
async fn a_login_at_an_issuer_with_a_path_keeps_the_path_and_the_slash() {
    let world = world();
    let query = encode(&[
        ("client_id", "web"),
        ("redirect_uri", crate::world::CALLBACK),
        ("response_type", "code"),
        ("code_challenge", crate::world::CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let page = world.get(&format!("/globex/eu/authorize?{query}")).await;
    assert!(page.text().contains("action=\"login\"") && page.text().contains("alice"), "{}", page.text());
    let text = page.text();
    let login = text.split("name=\"login\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let request = axum::http::Request::post("/globex/eu/login")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", page.cookie("mock-idp-browser-9400-globex-eu"))
        .body(axum::body::Body::from(encode(&[("login", login), ("username", "alice")])));
    let answer = world.send(request.unwrap()).await;
    assert_eq!(answer.sent("iss").as_deref(), Some("http://localhost:9400/globex/eu/"));
    assert!(answer.cookie("mock-idp-session").starts_with("mock-idp-session-9400-globex-eu="));
}
