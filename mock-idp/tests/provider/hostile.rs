//! Whatever comes in is answered, and never with a failure of ours.

use axum::body::Body;
use axum::http::{HeaderValue, Request};
use proptest::prelude::*;
use tokio::runtime::Builder;

use crate::world::{CALLBACK, World, authorization_path};

/// Pieces that reach deep into the parsers, between random ones.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("client_id=web&".to_owned()),
        Just("client_id=backend&client_secret=backend-secret&".to_owned()),
        Just(format!("redirect_uri={CALLBACK}&response_type=code&")),
        Just("grant_type=authorization_code&code=".to_owned()),
        Just("grant_type=refresh_token&refresh_token=".to_owned()),
        Just("grant_type=client_credentials&scope=".to_owned()),
        Just("token=eyJhbGciOiJFUzI1NiJ9.e30.".to_owned()),
        Just("client_id=signed&request=eyJhbGciOiJFUzI1NiIsInR5cCI6Im9hdXRoLWF1dGh6LXJlcStqd3QifQ.e30.AA&".to_owned()),
        Just("client_id=web&request_uri=urn:ietf:params:oauth:request_uri:".to_owned()),
        Just(
            "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion=".to_owned()
        ),
        Just("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJzaWduaW5nIiwic3ViIjoic2lnbmluZyJ9.AA&".to_owned()),
        Just("client_id=gateway&client_secret=gateway-secret&".to_owned()),
        Just("grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=".to_owned()),
        Just("grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=".to_owned()),
        Just("client_id=television&grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=".to_owned()),
        Just("resource=https://orders.example&authorization_details=[{\"type\":\"payment\"}]&user_code=".to_owned()),
        Just("{\"redirect_uris\":[\"".to_owned()),
        Just("login=".to_owned()),
        Just("%ff%00%".to_owned()),
        "[ -~]{0,24}",
        "\\PC{0,8}",
    ]
}

const PATHS: [&str; 11] = [
    "/token",
    "/introspect",
    "/revoke",
    "/login",
    "/authorize",
    "/userinfo",
    "/control/v1/tokens",
    "/par",
    "/device_authorization",
    "/device",
    "/register",
];

async fn statuses(world: &World, text: &str, header: &[u8]) -> Vec<u16> {
    let mut statuses = Vec::new();
    for path in PATHS {
        let kind = if path == "/register" { "application/json" } else { "application/x-www-form-urlencoded" };
        let mut request = Request::post(path).header("content-type", kind);
        if let Ok(value) = HeaderValue::from_bytes(header) {
            for name in ["authorization", "host", "cookie", "dpop", "accept"] {
                request = request.header(name, value.clone());
            }
        }
        statuses.push(world.send(request.body(Body::from(text.to_owned())).unwrap()).await.status.as_u16());
    }
    for path in ["/authorize", "/device", "/resources/metadata"] {
        if let Ok(request) = Request::get(format!("{path}?{}", text.replace(' ', "+"))).body(Body::empty()) {
            statuses.push(world.send(request).await.status.as_u16());
        }
    }
    statuses
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_form_and_any_header_get_an_answer_below_500(
        pieces in proptest::collection::vec(piece(), 0..6),
        header in prop_oneof![proptest::collection::vec(any::<u8>(), 0..64),
            Just(b"Basic YmFja2VuZDpiYWNrZW5kLXNlY3JldA==".to_vec()), Just(b"Bearer initial-token-of-team-a".to_vec()),
            Just(b"eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7fX0.e30.AA".to_vec())],
    ) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        for status in runtime.block_on(statuses(&World::extended(), &pieces.concat(), &header)) {
            prop_assert!((200..500).contains(&status), "{status}");
        }
    }
}

#[tokio::test]
async fn parameters_of_an_unreasonable_length_are_refused_before_they_are_kept() {
    let long = "x".repeat(5_000);
    let world = World::new();
    for name in ["state", "nonce", "login_hint"] {
        let answer = world.get(&authorization_path(&[(name, &long), ("prompt", "")])).await;
        assert_eq!(answer.sent("error").as_deref(), Some("invalid_request"), "{name}");
    }
}

#[tokio::test]
async fn of_two_simultaneous_refreshes_only_one_wins_and_the_family_dies() {
    let world = World::new();
    let token = world.tokens().await.string("refresh_token");
    let (left, right) = tokio::join!(world.refresh(&token, &[]), world.refresh(&token, &[]));
    let won: Vec<_> = [left, right].into_iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    assert!(!world.is_active(&won[0].string("access_token")).await);
}
