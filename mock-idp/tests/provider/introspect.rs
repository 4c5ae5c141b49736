//! Introspection, revocation and UserInfo: what a token is worth.

use serde_json::{Value, json};

use crate::world::{API, BACKEND, Credentials, ISSUER, World, part};

fn inactive() -> Value {
    json!({"active": false})
}

#[tokio::test]
async fn a_good_token_is_described_with_its_person() {
    for world in [World::new(), World::opaque()] {
        let token = world.tokens().await.string("access_token");
        let answer = world.introspect(&token).await;
        for (name, value) in [
            ("active", json!(true)),
            ("sub", json!("alice")),
            ("username", json!("alice")),
            ("tenant", json!("acme")),
            ("roles", json!(["customer"])),
            ("aud", json!("orders-api")),
            ("iss", json!(ISSUER)),
            ("client_id", json!("web")),
            ("token_type", json!("Bearer")),
            ("scope", json!("openid orders:read")),
            ("exp", json!(1_800_000_300)),
        ] {
            assert_eq!(answer[name], value, "{name}");
        }
    }
}

#[tokio::test]
async fn an_opaque_token_says_nothing_itself() {
    let world = World::opaque();
    let token = world.tokens().await.string("access_token");
    assert!(!token.contains('.') && token.len() == 43);
}

#[tokio::test]
async fn garbage_is_inactive() {
    for world in [World::new(), World::opaque()] {
        let long = "a.".repeat(5_000);
        for token in ["garbage", "a.b.c", "..", "....", "eyJhbGciOiJub25lIn0..", "\u{0}", "é", long.as_str()] {
            assert_eq!(world.introspect(token).await, inactive(), "{token:?}");
        }
    }
}

#[tokio::test]
async fn an_expired_token_is_inactive() {
    for world in [World::new(), World::opaque()] {
        let token = world.tokens().await.string("access_token");
        world.clock.advance(299);
        assert!(world.is_active(&token).await);
        world.clock.advance(1);
        assert_eq!(world.introspect(&token).await, inactive());
    }
}

#[tokio::test]
async fn a_token_altered_in_any_single_character_is_inactive() {
    let world = World::new();
    let token = world.tokens().await.string("access_token");
    for index in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(bytes).unwrap();
        assert_eq!(world.introspect(&altered).await, inactive(), "character {index}");
    }
    for altered in [format!("{token}="), format!("{token}."), format!(" {token}"), token[1..].to_owned()] {
        assert_eq!(world.introspect(&altered).await, inactive());
    }
    assert!(world.is_active(&token).await, "the control");
}

#[tokio::test]
async fn an_id_token_and_a_refresh_token_are_no_access_tokens() {
    let world = World::new();
    let answer = world.tokens().await;
    for member in ["id_token", "refresh_token"] {
        assert_eq!(world.introspect(&answer.string(member)).await, inactive(), "{member}");
    }
}

#[tokio::test]
async fn the_token_of_another_provider_is_inactive() {
    let (world, other) = (World::new(), World::new());
    let token = other.tokens().await.string("access_token");
    assert_eq!(world.introspect(&token).await, inactive());
}

#[tokio::test]
async fn the_jti_of_a_token_is_not_a_token() {
    let world = World::new();
    let token = world.tokens().await.string("access_token");
    assert_eq!(world.introspect(part(&token, 1)["jti"].as_str().unwrap()).await, inactive());
}

#[tokio::test]
async fn introspection_is_refused_without_a_client_that_proves_who_it_is() {
    let world = World::new();
    let token = world.tokens().await.string("access_token");
    let cases: [(&[(&str, &str)], Credentials); 4] = [
        (&[("token", &token)], None),
        (&[("token", &token), ("client_id", "web")], None),
        (&[("token", &token), ("client_id", "api")], None),
        (&[("token", &token)], Some(("api", "wrong"))),
    ];
    for (form, basic) in cases {
        assert_eq!(world.post("/introspect", form, basic).await.error(), "401 invalid_client", "{form:?}");
    }
    assert_eq!(world.post("/introspect", &[], Some(API)).await.error(), "400 invalid_request");
}

#[tokio::test]
async fn a_revoked_access_token_is_inactive_and_its_grant_goes_on() {
    for world in [World::new(), World::opaque()] {
        let tokens = world.tokens().await;
        let token = tokens.string("access_token");
        assert_eq!(world.post("/revoke", &[("token", &token), ("client_id", "web")], None).await.status, 200);
        assert_eq!(world.introspect(&token).await, inactive());
        assert_eq!(world.refresh(&tokens.string("refresh_token"), &[]).await.status, 200);
    }
}

#[tokio::test]
async fn a_revoked_refresh_token_takes_its_access_tokens_along() {
    let world = World::new();
    let tokens = world.tokens().await;
    let form = [("token", tokens.string("refresh_token"))];
    let form = [(form[0].0, form[0].1.as_str()), ("client_id", "web"), ("token_type_hint", "access_token")];
    assert_eq!(world.post("/revoke", &form, None).await.status, 200);
    assert_eq!(world.introspect(&tokens.string("access_token")).await, inactive());
    assert_eq!(world.refresh(&tokens.string("refresh_token"), &[]).await.error(), "400 invalid_grant");
}

#[tokio::test]
async fn a_client_cannot_revoke_the_tokens_of_another() {
    let world = World::new();
    let tokens = world.tokens().await;
    for member in ["access_token", "refresh_token"] {
        let token = tokens.string(member);
        assert_eq!(world.post("/revoke", &[("token", &token)], Some(BACKEND)).await.error(), "400 invalid_grant");
        assert_eq!(world.post("/revoke", &[("token", &token)], None).await.error(), "401 invalid_client");
    }
    assert!(world.is_active(&tokens.string("access_token")).await);
}

#[tokio::test]
async fn revoking_what_is_not_there_is_fine() {
    assert_eq!(World::new().post("/revoke", &[("token", "garbage")], Some(API)).await.status, 200);
}

#[tokio::test]
async fn userinfo_tells_who_the_person_is_now() {
    let world = World::new();
    let token = world.tokens().await.string("access_token");
    world.directory.put("alice", "globex", &["admin"]);
    let answer = world.userinfo(&token).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!((&body["sub"], &body["tenant"], &body["roles"]), (&json!("alice"), &json!("globex"), &json!(["admin"])));
}

#[tokio::test]
async fn userinfo_refuses_bad_tokens_with_a_challenge() {
    let world = World::new();
    let machine = world.post("/token", &[("grant_type", "client_credentials")], Some(BACKEND)).await;
    let narrow = world.mint(json!({"scope": "orders:read"})).await;
    for (token, error) in [
        ("garbage", "401 invalid_token"),
        ("a b", "401 invalid_token"),
        (&machine.string("access_token"), "401 invalid_token"),
        (&narrow, "403 insufficient_scope"),
    ] {
        let answer = world.userinfo(token).await;
        assert_eq!(answer.error(), error, "{token}");
        assert!(answer.header("www-authenticate").starts_with("Bearer error="));
    }
    let nobody = world.get("/userinfo").await;
    assert_eq!((nobody.status.as_u16(), nobody.header("www-authenticate")), (401, "Bearer"));
    let token = world.tokens().await.string("access_token");
    assert_eq!(world.get(&format!("/userinfo?access_token={token}")).await.status, 401, "a token in the query leaks");
}
