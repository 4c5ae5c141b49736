//! Sound requests of each endpoint, wounded anywhere.

use axum::body::Body;
use axum::http::{HeaderValue, Request};

use crate::random::{Random, mutate};

/// A sound request.
#[derive(Clone, Copy)]
pub(crate) struct Seed {
    method: &'static str,
    /// Path with query.
    pub(crate) target: &'static str,
    pub(crate) body: &'static str,
    authorization: &'static str,
}

const fn seed(method: &'static str, target: &'static str, body: &'static str, authorization: &'static str) -> Seed {
    Seed { method, target, body, authorization }
}

pub(crate) const SEEDS: [Seed; 27] = [
    seed(
        "GET",
        "/authorize?client_id=web&redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Fcallback&response_type=code&scope=openid%20read&state=s&nonce=n&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&prompt=none&login_hint=alice&max_age=10",
        "",
        "",
    ),
    seed(
        "POST",
        "/authorize",
        "client_id=web&redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Fcallback&response_type=code",
        "",
    ),
    seed(
        "POST",
        "/token",
        "grant_type=authorization_code&client_id=web&code=abc&redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Fcallback&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "",
    ),
    seed("POST", "/token", "grant_type=refresh_token&client_id=web&refresh_token=abc&scope=read", ""),
    seed("POST", "/token", "grant_type=client_credentials&scope=read", "Basic YmFja2VuZDpiYWNrZW5kLXNlY3JldA=="),
    seed(
        "POST",
        "/introspect",
        "token=eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IngifQ.eyJzdWIiOiJhIn0.AAAA",
        "Basic YmFja2VuZDpiYWNrZW5kLXNlY3JldA==",
    ),
    seed(
        "POST",
        "/revoke",
        "token=eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IngifQ.eyJzdWIiOiJhIn0.AAAA",
        "Basic YmFja2VuZDpiYWNrZW5kLXNlY3JldA==",
    ),
    seed("GET", "/userinfo", "", "Bearer eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IngifQ.eyJzdWIiOiJhIn0.AAAA"),
    seed(
        "GET",
        "/end_session?client_id=web&post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A8080%2F&state=s&id_token_hint=eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IngifQ.eyJpc3MiOiJhIn0.AAAA",
        "",
        "",
    ),
    seed("POST", "/login", "login=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&username=alice", ""),
    seed(
        "POST",
        "/control/v1/tokens",
        r#"{"persona": "alice", "claims": {"a": [1, {"b": null}]}, "header": {"kid": "x"}, "broken": "exp-huge"}"#,
        "Bearer control-token-of-the-test",
    ),
    seed(
        "POST",
        "/control/v1/journal/assert",
        r#"{"calls": [{"path": "/token", "times": 1, "parameters": {"a": "b"}}], "in_order": true}"#,
        "Bearer control-token-of-the-test",
    ),
    seed(
        "POST",
        "/par",
        "client_id=web&redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Fcallback&response_type=code&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&resource=https%3A%2F%2Forders.example&authorization_details=%5B%7B%22type%22%3A%22payment%22%7D%5D&claims=%7B%22userinfo%22%3A%7B%22email%22%3Anull%7D%7D",
        "",
    ),
    seed(
        "GET",
        "/authorize?client_id=web&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Aabc&prompt=login%20consent&acr_values=mfa&ui_locales=de",
        "",
        "",
    ),
    seed("GET", "/authorize?client_id=signing&request=eyJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.eyJpc3MiOiJhIn0.AAAA", "", ""),
    seed("POST", "/device_authorization", "client_id=television&scope=openid%20read", ""),
    seed(
        "POST",
        "/backchannel_authentication",
        "scope=openid%20read&login_hint=alice&binding_message=W4SCT&requested_expiry=60",
        "Basic YmFja2VuZDpiYWNrZW5kLXNlY3JldA==",
    ),
    seed("POST", "/device", "user_code=BCDF-GHJK&persona=alice&action=allow", ""),
    seed(
        "POST",
        "/token",
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=television&device_code=abc",
        "",
    ),
    seed(
        "POST",
        "/token",
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=eyJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.eyJpc3MiOiJhIn0.AAAA&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&audience=stock-api&resource=https%3A%2F%2Forders.example",
        "Basic YmFja2VuZDpiYWNrZW5kLXNlY3JldA==",
    ),
    seed(
        "POST",
        "/token",
        "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=eyJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.eyJpc3MiOiJhIn0.AAAA",
        "",
    ),
    seed(
        "POST",
        "/register",
        r#"{"redirect_uris": ["http://localhost:8080/callback"], "token_endpoint_auth_method": "none", "grant_types": ["authorization_code"], "scope": "read", "jwks": {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}}"#,
        "",
    ),
    seed(
        "PUT",
        "/control/v1/snapshot",
        r#"{"version": 2, "issuer": "http://localhost:9400", "clock": {"offset_seconds": 0, "frozen_at": null}, "store": {"tokens": [], "sessions": [], "codes": [], "refresh_tokens": [], "grants": [[1, 2, {}]], "ended": {"alice": 1}, "last_serial": 9}, "findings": []}"#,
        "Bearer control-token-of-the-test",
    ),
    seed(
        "POST",
        "/control/v1/faults",
        r#"{"name": "invalid-iss", "client_id": "web", "times": 1, "state": "x", "endpoint": "/nowhere"}"#,
        "Bearer control-token-of-the-test",
    ),
    seed(
        "POST",
        "/control/v1/personas",
        r#"{"id": "dora", "owner": "job", "lifetime_seconds": 1, "roles": ["customer"], "attributes": {"a": [1]}}"#,
        "Bearer control-token-of-the-test",
    ),
    seed(
        "POST",
        "/control/v1/clients",
        r#"{"owner": "job", "lifetime_seconds": 1, "client": {"secret": "x", "redirect_uris": ["http://localhost/"]}}"#,
        "Bearer control-token-of-the-test",
    ),
    seed(
        "GET",
        "/control/v1/claims/why?persona=alice&claim=email&target=userinfo",
        "",
        "Bearer control-token-of-the-test",
    ),
];

/// A DPoP proof that parses (RFC 9449 §4.2).
const PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIn19.eyJqdGkiOiJhIn0.AAAA";

/// One of them with wounds; `None` when the wounds make it no request.
pub(crate) fn request(random: &mut Random) -> Option<Request<Body>> {
    let Seed { method, target, body, authorization } = SEEDS[random.below(SEEDS.len())];
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
    for name in ["dpop", "accept", "origin"] {
        if random.below(8) == 0 {
            request = request.header(name, HeaderValue::from_bytes(&mutate(random, PROOF)).ok()?);
        }
    }
    if random.below(4) == 0 {
        request =
            request.header("cookie", HeaderValue::from_bytes(&mutate(random, "mock-idp-session-9400=abc; a=b")).ok()?);
    }
    request.body(Body::from(mutate(random, body))).ok()
}
