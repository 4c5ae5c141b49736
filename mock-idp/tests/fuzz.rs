//! Bytes that nobody sends on purpose: the token, JWT, form and redirect parsers get mutated requests, by a generator
//! that a seed determines. No panic, and never an answer of 500 or more.
//!
//! A few thousand requests by default. `MOCK_IDP_FUZZ_SECONDS=300 cargo test -p mock-idp --test fuzz -- --nocapture`
//! goes on for minutes; `MOCK_IDP_FUZZ_SEED` repeats a run. Counts are printed at the end.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "this whole program is a test: whatever is not as expected must stop it"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Request};
use mock_idp::{Config, Provider, app};
use tower::ServiceExt as _;

const CONFIG: &str = r#"
issuer: http://localhost:9400
control_token: control-token-of-the-test
personas: { alice: { tenant: acme, roles: [customer] } }
clients:
  web:
    redirect_uris: ["http://localhost:8080/callback"]
    post_logout_redirect_uris: ["http://localhost:8080/"]
    grants: [authorization_code, refresh_token]
    scopes: [read]
    consent: true
  backend: { secret: backend-secret, grants: [client_credentials, refresh_token], scopes: [read] }
"#;

/// A sound request of each parser, to be mutated: method, path with query, body, authorization.
const SEEDS: [(&str, &str, &str, &str); 12] = [
    (
        "GET",
        "/authorize?client_id=web&redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Fcallback&response_type=code&scope=openid%20read&state=s&nonce=n&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&prompt=none&login_hint=alice&max_age=10",
        "",
        "",
    ),
    (
        "POST",
        "/authorize",
        "client_id=web&redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Fcallback&response_type=code",
        "",
    ),
    (
        "POST",
        "/token",
        "grant_type=authorization_code&client_id=web&code=abc&redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Fcallback&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "",
    ),
    ("POST", "/token", "grant_type=refresh_token&client_id=web&refresh_token=abc&scope=read", ""),
    ("POST", "/token", "grant_type=client_credentials&scope=read", "Basic YmFja2VuZDpiYWNrZW5kLXNlY3JldA=="),
    (
        "POST",
        "/introspect",
        "token=eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IngifQ.eyJzdWIiOiJhIn0.AAAA",
        "Basic YmFja2VuZDpiYWNrZW5kLXNlY3JldA==",
    ),
    (
        "POST",
        "/revoke",
        "token=eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IngifQ.eyJzdWIiOiJhIn0.AAAA",
        "Basic YmFja2VuZDpiYWNrZW5kLXNlY3JldA==",
    ),
    ("GET", "/userinfo", "", "Bearer eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IngifQ.eyJzdWIiOiJhIn0.AAAA"),
    (
        "GET",
        "/end_session?client_id=web&post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A8080%2F&state=s&id_token_hint=eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IngifQ.eyJpc3MiOiJhIn0.AAAA",
        "",
        "",
    ),
    ("POST", "/login", "login=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&username=alice", ""),
    (
        "POST",
        "/control/v1/tokens",
        r#"{"persona": "alice", "claims": {"a": [1, {"b": null}]}, "header": {"kid": "x"}, "broken": "exp-huge"}"#,
        "Bearer control-token-of-the-test",
    ),
    (
        "POST",
        "/control/v1/journal/assert",
        r#"{"calls": [{"path": "/token", "times": 1, "parameters": {"a": "b"}}], "in_order": true}"#,
        "Bearer control-token-of-the-test",
    ),
];

/// Fragments that have broken parsers before.
const NASTY: [&[u8]; 24] = [
    b"%",
    b"%0",
    b"%00",
    b"%ff%fe",
    b"&&&==&",
    b"..",
    b"=",
    b"+",
    b"\r\nX: 1",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"{\"a\":",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"1e999999",
    b"-0",
    b"99999999999999999999",
    b"null",
    b"\"\\ud800\"",
    b"eyJhbGciOiJub25lIn0.e30.",
    b"javascript:alert(1)",
    b"http://[::1",
    b"//evil.example",
    b"#",
    b"\xf0\x9f\x92\xa9",
];

/// SplitMix64: small, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

fn mutate(random: &mut Random, text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..random.below(6) {
        let at = random.below(bytes.len() + 1);
        match random.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 => drop(bytes.splice(at..at, NASTY[random.below(NASTY.len())].iter().copied())),
            3 => bytes.truncate(at),
            4 => {
                let end = (at + random.below(40)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                for _ in 0..random.below(20) {
                    bytes.splice(at..at, piece.iter().copied());
                }
            }
            5 => bytes.insert(at, u8::try_from(random.below(256)).unwrap()),
            _ => {
                let other = SEEDS[random.below(SEEDS.len())];
                let text = if other.2.is_empty() { other.1 } else { other.2 };
                bytes.splice(at..at, text.as_bytes().iter().copied());
            }
        }
    }
    bytes
}

fn request(random: &mut Random) -> Option<Request<Body>> {
    let (method, target, body, authorization) = SEEDS[random.below(SEEDS.len())];
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut query = mutate(random, query);
    // A URI carries no raw control bytes; whatever is left of the mutation gets through percent-encoded.
    let query: String = query
        .drain(..)
        .map(|byte| {
            if byte.is_ascii_graphic() && byte != b'#' { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        })
        .collect();
    let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
    let mut request =
        Request::builder().method(method).uri(target).header("host", "localhost:9400").header("content-type", kind);
    let authorization =
        if random.below(3) == 0 { mutate(random, authorization) } else { authorization.as_bytes().to_vec() };
    if !authorization.is_empty() {
        request = request.header("authorization", HeaderValue::from_bytes(&authorization).ok()?);
    }
    if random.below(4) == 0 {
        request =
            request.header("cookie", HeaderValue::from_bytes(&mutate(random, "mock-idp-session-9400=abc; a=b")).ok()?);
    }
    request.body(Body::from(mutate(random, body))).ok()
}

async fn run(app: &Router, random: &mut Random, until: impl Fn(u64) -> bool) -> BTreeMap<u16, u64> {
    let mut statuses = BTreeMap::new();
    let mut sent = 0;
    while until(sent) {
        let Some(request) = request(random) else { continue };
        let shown = format!("{} {} {:?}", request.method(), request.uri(), request.headers());
        let response = app.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        assert!((200..500).contains(&status), "{status} to {shown}");
        to_bytes(response.into_body(), 1 << 20).await.unwrap();
        *statuses.entry(status).or_default() += 1;
        sent += 1;
    }
    statuses
}

#[tokio::test]
async fn mutated_requests_get_an_answer_below_500_and_stop_nothing() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("MOCK_IDP_FUZZ_SEED").unwrap_or(1);
    let app = app(Provider::new(Config::parse(CONFIG).unwrap()).unwrap());
    let begin = Instant::now();
    let statuses = match number("MOCK_IDP_FUZZ_SECONDS") {
        None => run(&app, &mut Random(seed), |sent| sent < 4_000).await,
        Some(seconds) => {
            run(&app, &mut Random(seed), |sent| sent % 64 != 0 || begin.elapsed() < Duration::from_secs(seconds)).await
        }
    };
    let sent: u64 = statuses.values().sum();
    println!("seed {seed}: {sent} requests in {:.1} s, by status {statuses:?}", begin.elapsed().as_secs_f64());
    assert!(sent >= 4_000 && statuses.len() >= 5, "the generator reaches too little: {statuses:?}");
    let health = Request::get("/health").body(Body::empty()).unwrap();
    assert_eq!(app.oneshot(health).await.unwrap().status(), 200);
}
