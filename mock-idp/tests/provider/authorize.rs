//! The authorization endpoint.

use crate::world::{CALLBACK, CONFIG, ISSUER, World};

#[tokio::test]
async fn a_right_request_brings_a_code_the_state_and_the_issuer_to_the_registered_address() {
    let answer = World::new().authorize(&[]).await;
    assert_eq!(answer.status, 303);
    assert!(answer.header("location").starts_with(CALLBACK));
    assert_eq!(answer.sent("state").as_deref(), Some("the-state"));
    assert_eq!(answer.sent("iss").as_deref(), Some(ISSUER));
    assert!(answer.sent("code").is_some_and(|code| code.len() == 43));
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn an_unregistered_redirect_uri_gets_a_page_and_no_redirect() {
    let world = World::new();
    for uri in [
        "http://attacker.example/callback",
        "http://localhost:8080/callback/",
        "http://localhost:8080/callback?next=/",
        "http://localhost:8080/callback#x",
        "http://localhost:8081/callback",
        "HTTP://localhost:8080/callback",
        "",
    ] {
        let answer = world.authorize(&[("redirect_uri", uri)]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""), "{uri}");
        assert!(answer.header("content-type").starts_with("text/html"), "{uri}");
    }
}

#[tokio::test]
async fn an_unknown_client_gets_a_page_and_no_redirect() {
    let answer = World::new().authorize(&[("client_id", "nobody")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""));
}

#[tokio::test]
async fn a_missing_challenge_and_plain_are_refused_for_public_and_confidential_clients() {
    let world = World::new();
    let backend = [("client_id", "backend"), ("redirect_uri", "http://localhost:8082/callback")];
    let public: [(&str, &str); 0] = [];
    for client in [&public[..], &backend[..]] {
        for change in [("code_challenge", ""), ("code_challenge_method", "plain"), ("code_challenge_method", "")] {
            let answer = world.authorize(&[client, &[change]].concat()).await;
            assert_eq!(answer.sent("error").as_deref(), Some("invalid_request"), "{client:?} {change:?}");
            assert_eq!(answer.sent("code"), None);
            assert_eq!(answer.sent("state").as_deref(), Some("the-state"));
            assert_eq!(answer.sent("iss").as_deref(), Some(ISSUER));
        }
    }
}

#[tokio::test]
async fn a_refusal_says_in_its_description_what_to_read() {
    let answer = World::new().authorize(&[("code_challenge", "")]).await;
    let description = answer.sent("error_description").unwrap();
    assert!(description.contains("PKCE") && description.contains("RFC 7636"), "{description}");
}

#[tokio::test]
async fn each_error_that_belongs_to_the_client_comes_by_redirect_with_state_and_issuer() {
    let more = "  asking:\n    redirect_uris: [\"http://localhost:8080/callback\"]\n    grants: [authorization_code]\n    consent: true\n  \
        machine:\n    redirect_uris: [\"http://localhost:8080/callback\"]\n    grants: [client_credentials]\n    secret: x\n";
    let plain = format!("{CONFIG}{more}");
    for (error, changes) in [
        ("invalid_request", ("code_challenge_method", "plain")),
        ("unauthorized_client", ("client_id", "machine")),
        ("unsupported_response_type", ("response_type", "token")),
        ("invalid_scope", ("scope", "openid admin")),
        ("login_required", ("login_hint", "nobody")),
        ("consent_required", ("client_id", "asking")),
        ("temporarily_unavailable", ("login_hint", "down")),
    ] {
        let world = World::from_text(&plain);
        if changes.1 == "down" {
            world.directory.break_down();
        }
        let both = [("scope", "openid"), changes];
        let answer = world.authorize(if error == "consent_required" { &both } else { &both[1..] }).await;
        assert!(answer.header("location").starts_with(&format!("{CALLBACK}?")), "{error}: {answer:?}");
        let sent = [answer.sent("error"), answer.sent("state"), answer.sent("iss"), answer.sent("code")];
        let expected = [Some(error.to_owned()), Some("the-state".to_owned()), Some(ISSUER.to_owned()), None];
        assert_eq!(sent, expected, "{error}");
        assert!(answer.sent("error_description").is_some_and(|text| text.contains(" section ")), "{error}");
    }
}

#[tokio::test]
async fn prompt_none_without_anybody_logged_in_is_login_required() {
    let world = World::new();
    for hint in ["", "nobody", "ALICE", "alice "] {
        let answer = world.authorize(&[("login_hint", hint)]).await;
        assert_eq!(answer.sent("error").as_deref(), Some("login_required"), "{hint:?}");
    }
}

#[tokio::test]
async fn a_deactivated_person_cannot_log_in_without_a_page_either() {
    let world = World::new();
    world.directory.deactivate("alice");
    assert_eq!(world.authorize(&[]).await.sent("error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn a_directory_that_is_down_lets_nobody_in() {
    let world = World::new();
    world.directory.break_down();
    let answer = world.authorize(&[]).await;
    assert_eq!(answer.sent("error").as_deref(), Some("temporarily_unavailable"));
    assert_eq!(answer.sent("code"), None);
}

#[tokio::test]
async fn a_foreign_page_cannot_read_an_authorization_response() {
    let world = World::new();
    let answer = world.authorize(&[]).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}
