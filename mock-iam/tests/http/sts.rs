//! AWS STS: a token of a provider becomes credentials when everything about it is right, and a typed error otherwise.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::body::Body;
use axum::http::{Request, header};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::common::{Answer, Server, config};

const ROLE: &str = "arn:aws:iam::000000000000:role/deploy";

/// A provider with one published key, and another that is not.
struct Provider {
    issuer: String,
    key: EcdsaKeyPair,
    other: EcdsaKeyPair,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Provider {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let [key, other] = [0; 2].map(|_| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());
        let point = key.public_key().as_ref();
        let jwk = json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "one",
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]) });
        let keys = json!({ "keys": [jwk] }).to_string();
        let metadata = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/jwks") }).to_string();
        let app = axum::Router::new()
            .route("/jwks", get(move || async move { keys }))
            .route("/.well-known/openid-configuration", get(move || async move { metadata }));
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { issuer, key, other, serving }
    }

    /// A good token, with these claims over the usual ones.
    fn token(&self, changes: Value) -> String {
        self.sign(&self.key, json!({ "alg": "ES256", "kid": "one" }), changes)
    }

    fn sign(&self, key: &EcdsaKeyPair, head: Value, changes: Value) -> String {
        let now = jiff::Timestamp::now().as_second();
        let mut claims = json!({ "iss": self.issuer, "sub": "alice", "aud": "aws", "iat": now, "exp": now + 60 });
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", part(&head), part(&claims));
        let signature = key.sign(&aws_lc_rs::rand::SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn server(&self) -> Server {
        let name = self.issuer.trim_start_matches("http://").to_owned();
        let mut config = config();
        config.sts = serde_json::from_value(json!({
            "providers": [{ "issuer": self.issuer, "client_ids": ["aws"] }],
            "roles": { "deploy": { "max_session_seconds": 3600, "trust_policy": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Principal": { "Federated": format!("arn:aws:iam::000000000000:oidc-provider/{name}") },
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Condition": { "StringEquals": { format!("{name}:aud"): "aws", format!("{name}:sub"): "alice" } },
                }],
            } } },
        }))
        .unwrap();
        Server::with(config)
    }
}

async fn assume(server: &Server, role: &str, token: &str, more: &str) -> Answer {
    let body = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=build&RoleArn={role}&WebIdentityToken={token}{more}"
    );
    let request = Request::post("/sts/").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    server.send(request.body(Body::from(body)).unwrap()).await
}

fn between<'a>(text: &'a str, name: &str) -> &'a str {
    let start = text.split_once(&format!("<{name}>")).map_or("", |(_, rest)| rest);
    start.split_once(&format!("</{name}>")).map_or("", |(value, _)| value)
}

#[tokio::test]
async fn a_good_token_becomes_inert_credentials() {
    let provider = Provider::start().await;
    let answer = assume(&provider.server(), ROLE, &provider.token(json!({})), "&DurationSeconds=900").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "text/xml");
    assert_eq!(between(&answer.text, "Arn"), "arn:aws:sts::000000000000:assumed-role/deploy/build");
    assert_eq!(between(&answer.text, "SubjectFromWebIdentityToken"), "alice");
    assert_eq!(between(&answer.text, "Audience"), "aws");
    assert!(
        between(&answer.text, "AccessKeyId").starts_with("ASIA") && between(&answer.text, "AccessKeyId").len() == 20
    );
    assert_eq!(between(&answer.text, "SecretAccessKey").len(), 40);
    let expires: jiff::Timestamp = between(&answer.text, "Expiration").parse().unwrap();
    let lifetime = expires.as_second() - jiff::Timestamp::now().as_second();
    assert!((890..=901).contains(&lifetime), "{lifetime}");
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_token_has_its_typed_error() {
    let provider = Provider::start().await;
    let server = provider.server();
    let good = provider.token(json!({}));
    let (signed, _) = good.rsplit_once('.').unwrap();
    let head = json!({ "alg": "ES256", "kid": "one" });
    let none = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), good.split('.').nth(1).unwrap());
    for (what, token, code, status) in [
        ("expired", provider.token(json!({ "exp": 1_000_000_000 })), "ExpiredTokenException", 400),
        ("no expiry", provider.token(json!({ "exp": null })), "InvalidIdentityToken", 400),
        ("from the future", provider.token(json!({ "nbf": 9_000_000_000_u64 })), "InvalidIdentityToken", 400),
        ("forged", provider.sign(&provider.other, head, json!({})), "InvalidIdentityToken", 400),
        ("cut", format!("{signed}."), "InvalidIdentityToken", 400),
        ("unsigned", none, "InvalidIdentityToken", 400),
        (
            "unknown key",
            provider.sign(&provider.key, json!({ "alg": "ES256", "kid": "two" }), json!({})),
            "InvalidIdentityToken",
            400,
        ),
        (
            "another algorithm",
            provider.sign(&provider.key, json!({ "alg": "HS256", "kid": "one" }), json!({})),
            "InvalidIdentityToken",
            400,
        ),
        ("wrong audience", provider.token(json!({ "aud": "other" })), "InvalidIdentityToken", 400),
        ("unknown issuer", provider.token(json!({ "iss": "http://elsewhere.test" })), "InvalidIdentityToken", 400),
        ("not a token", "x.y.z".to_owned(), "InvalidIdentityToken", 400),
        ("wrong subject", provider.token(json!({ "sub": "bob" })), "AccessDenied", 403),
    ] {
        let answer = assume(&server, ROLE, &token, "").await;
        assert_eq!((between(&answer.text, "Code"), answer.status.as_u16()), (code, status), "{what}: {}", answer.text);
        assert!(!answer.text.contains("SecretAccessKey"), "{what}");
    }
}

#[tokio::test]
async fn an_unknown_role_looks_like_one_that_does_not_trust() {
    let provider = Provider::start().await;
    let server = provider.server();
    let unknown = assume(&server, "arn:aws:iam::000000000000:role/root", &provider.token(json!({})), "").await;
    let distrusted = assume(&server, ROLE, &provider.token(json!({ "sub": "bob" })), "").await;
    assert_eq!(unknown.status, 403);
    assert_eq!(between(&unknown.text, "Message"), between(&distrusted.text, "Message"));
    let long = assume(&server, ROLE, &provider.token(json!({})), "&DurationSeconds=43200").await;
    assert_eq!(between(&long.text, "Code"), "ValidationError");
    let hostile = assume(&server, "%3Cscript%3E", &provider.token(json!({})), "").await;
    assert!(
        hostile.text.contains("&lt;script&gt; is invalid") && !hostile.text.contains("<script>"),
        "{}",
        hostile.text
    );
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_said_so() {
    let provider = Provider::start().await;
    let (server, token) = (provider.server(), provider.token(json!({})));
    drop(provider);
    // The listener is closed as soon as its task has been dropped.
    let mut answer = assume(&server, ROLE, &token, "").await;
    for _ in 0..100 {
        if answer.status == 400 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        answer = assume(&server, ROLE, &token, "").await;
    }
    assert_eq!(between(&answer.text, "Code"), "IDPCommunicationError");
}
