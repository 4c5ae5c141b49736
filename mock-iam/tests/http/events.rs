//! Security events: what a change of the directory sends to whom, and how each wrong event can be told.

use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::common::{Server, config};

const PUSH: &str = "urn:ietf:rfc:8935";
const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const CLAIMS: &str = "https://schemas.openid.net/secevent/caep/event-type/token-claims-change";
const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";

fn server() -> Server {
    let mut config = config();
    let caller = |name: &str| json!({ "token": format!("{name}-token"), "may": ["receive_events"] });
    config.callers.insert("receiver".into(), serde_json::from_value(caller("receiver")).unwrap());
    config.callers.insert("other".into(), serde_json::from_value(caller("other")).unwrap());
    config.subject_issuer = Some("http://localhost:9400".into());
    Server::with(config)
}

/// A poll stream of the receiver.
struct Receiver {
    server: Server,
    stream: String,
}

impl Receiver {
    async fn start() -> Self {
        let server = server();
        let created = server.call("receiver", "POST", "/ssf/v1/streams", json!({ "aud": "api" })).await;
        assert_eq!(created.status, 201, "{}", created.text);
        let stream = created.json()["stream_id"].as_str().unwrap().to_owned();
        Self { server, stream }
    }

    async fn poll(&self, body: Value) -> Value {
        let path = format!("/ssf/v1/poll/{}", self.stream);
        self.server.call("receiver", "POST", &path, body).await.json()
    }

    async fn tokens(&self) -> Vec<(String, String)> {
        let sets = self.poll(json!({ "returnImmediately": true })).await["sets"].clone();
        let sets = sets.as_object().unwrap().clone();
        sets.into_iter().map(|(jti, token)| (jti, token.as_str().unwrap().to_owned())).collect()
    }

    async fn emit(&self, order: Value) -> Value {
        self.server.call("tests", "POST", "/control/v1/events", order).await.json()
    }

    /// What a careful receiver does with an event.
    async fn accept(&self, token: &str) -> Result<Value, String> {
        let header = jsonwebtoken::decode_header(token).map_err(|error| error.to_string())?;
        if header.typ.as_deref() != Some("secevent+jwt") {
            return Err("wrong type".into());
        }
        let keys = self.server.call("nobody", "GET", "/ssf/v1/jwks", Value::Null).await.json();
        let keys: JwkSet = serde_json::from_value(keys).unwrap();
        let key = keys.find(header.kid.as_deref().unwrap_or_default()).ok_or("unknown key")?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&["http://localhost:9410"]);
        validation.set_audience(&["api"]);
        validation.set_required_spec_claims(&["iss", "aud"]);
        validation.validate_exp = false;
        let decoded = jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &validation);
        decoded.map(|decoded| decoded.claims).map_err(|error| error.to_string())
    }
}

#[tokio::test]
async fn a_deactivated_user_and_a_changed_role_are_told_with_signed_events() {
    let receiver = Receiver::start().await;
    receiver.server.patch("alice", json!([{ "op": "replace", "path": "roles", "value": [] }])).await;
    receiver.server.patch("bob", json!([{ "op": "replace", "path": "active", "value": false }])).await;
    let mut told = Vec::new();
    for (jti, token) in receiver.tokens().await {
        let claims = receiver.accept(&token).await.unwrap();
        assert_eq!((&claims["jti"], claims.get("sub"), claims.get("exp")), (&json!(jti), None, None));
        assert_eq!(claims["sub_id"]["format"], "iss_sub");
        let kind = claims["events"].as_object().unwrap().keys().next().unwrap().clone();
        told.push((claims["sub_id"]["sub"].as_str().unwrap().to_owned(), kind.rsplit('/').next().unwrap().to_owned()));
    }
    told.sort();
    let expected = [("alice", "token-claims-change"), ("bob", "account-disabled"), ("bob", "session-revoked")];
    assert_eq!(told, expected.map(|(who, what)| (who.to_owned(), what.to_owned())));
}

#[tokio::test]
async fn an_event_comes_again_until_it_is_acknowledged_or_refused() {
    let receiver = Receiver::start().await;
    for _ in 0..3 {
        receiver.emit(json!({ "event": "session-revoked", "persona": "alice" })).await;
    }
    let first = receiver.poll(json!({ "maxEvents": 2, "returnImmediately": true })).await;
    assert_eq!((first["sets"].as_object().unwrap().len(), &first["moreAvailable"]), (2, &json!(true)));
    let ids: Vec<&String> = first["sets"].as_object().unwrap().keys().collect();
    assert_eq!(receiver.tokens().await.len(), 3);
    let acknowledging = json!({ "ack": [ids[0]], "setErrs": { ids[1]: { "err": "invalid_key" } }, "maxEvents": 0 });
    assert_eq!(receiver.poll(acknowledging).await["sets"], json!({}));
    assert_eq!(receiver.tokens().await.len(), 1);
}

#[tokio::test]
async fn a_poll_waits_for_what_comes() {
    let receiver = Receiver::start().await;
    let (answer, _) = tokio::join!(
        receiver.poll(json!({})),
        receiver
            .emit(json!({ "event": "credential-change", "persona": "alice", "payload": { "change_type": "revoke" } }))
    );
    let token = answer["sets"].as_object().unwrap().values().next().unwrap().as_str().unwrap();
    let claims = receiver.accept(token).await.unwrap();
    let payload = claims["events"].as_object().unwrap().values().next().unwrap();
    assert_eq!((&payload["credential_type"], &payload["change_type"]), (&json!("password"), &json!("revoke")));
}

#[tokio::test]
async fn every_wrong_event_is_wrong_in_its_own_way_and_a_replay_is_the_same_again() {
    let receiver = Receiver::start().await;
    for (fault, reason) in [
        ("forged", "InvalidSignature"),
        ("unsigned", "unknown variant `none`"),
        ("wrong_audience", "InvalidAudience"),
        ("wrong_issuer", "InvalidIssuer"),
        ("wrong_type", "wrong type"),
    ] {
        let sent = receiver.emit(json!({ "event": "session-revoked", "persona": "alice", "fault": fault })).await;
        let jti = sent["sent"][0]["jti"].as_str().unwrap();
        let tokens = receiver.tokens().await;
        let (_, token) = tokens.iter().find(|(id, _)| id == jti).unwrap();
        let refused = receiver.accept(token).await.unwrap_err();
        assert!(refused.contains(reason), "{fault}: {refused}");
        receiver.poll(json!({ "ack": [jti], "maxEvents": 0 })).await;
    }
    let good = receiver.emit(json!({ "event": REVOKED, "persona": "alice" })).await;
    let first = receiver.tokens().await;
    receiver.poll(json!({ "ack": [first[0].0], "maxEvents": 0 })).await;
    let replayed = receiver.emit(json!({ "event": REVOKED, "persona": "alice", "fault": "replay" })).await;
    assert_eq!(replayed["sent"][0]["jti"], good["sent"][0]["jti"]);
    assert_eq!(receiver.tokens().await, first);
}

#[tokio::test]
async fn verification_status_and_subjects_do_what_the_receiver_says() {
    let receiver = Receiver::start().await;
    let (server, id) = (&receiver.server, &receiver.stream);
    let say = async |path: &str, body: Value| server.call("receiver", "POST", path, body).await.status.as_u16();
    assert_eq!(say("/ssf/v1/verify", json!({ "stream_id": id, "state": "42" })).await, 204);
    let (jti, token) = receiver.tokens().await.remove(0);
    let claims = receiver.accept(&token).await.unwrap();
    assert_eq!(claims["events"], json!({ VERIFICATION: { "state": "42" } }));
    assert_eq!(claims["sub_id"], json!({ "format": "opaque", "id": id }));
    receiver.poll(json!({ "ack": [jti], "maxEvents": 0 })).await;
    assert_eq!(say("/ssf/v1/status", json!({ "stream_id": id, "status": "paused" })).await, 200);
    receiver.emit(json!({ "event": "session-revoked", "persona": "alice" })).await;
    assert_eq!(receiver.tokens().await.len(), 0);
    assert_eq!(say("/ssf/v1/status", json!({ "stream_id": id, "status": "enabled" })).await, 200);
    assert_eq!(receiver.tokens().await.len(), 1);
    let bob = json!({ "format": "iss_sub", "iss": "http://localhost:9400", "sub": "bob" });
    assert_eq!(say("/ssf/v1/subjects/remove", json!({ "stream_id": id, "subject": bob })).await, 204);
    let sent = receiver.emit(json!({ "event": "session-revoked", "persona": "bob" })).await;
    assert_eq!(sent["sent"], json!([]));
    assert_eq!(say("/ssf/v1/subjects/add", json!({ "stream_id": id, "subject": bob })).await, 200);
    let sent = receiver.emit(json!({ "event": "session-revoked", "persona": "bob" })).await;
    assert_eq!(sent["sent"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_stream_is_only_there_for_who_made_it_and_only_with_the_permission() {
    let receiver = Receiver::start().await;
    let (server, id) = (&receiver.server, &receiver.stream);
    let path = format!("/ssf/v1/streams?stream_id={id}");
    let own = server.call("receiver", "GET", &path, Value::Null).await.json();
    assert_eq!((&own["aud"], &own["iss"]), (&json!("api"), &json!("http://localhost:9410")));
    assert_eq!(server.call("other", "GET", &path, Value::Null).await.status, 404);
    assert_eq!(server.call("other", "DELETE", &path, Value::Null).await.status, 404);
    assert_eq!(server.call("other", "GET", "/ssf/v1/streams", Value::Null).await.json(), json!([]));
    assert_eq!(server.call("other", "POST", &format!("/ssf/v1/poll/{id}"), json!({})).await.status, 404);
    assert_eq!(server.call("api", "GET", &path, Value::Null).await.status, 403);
    let only = json!({ "stream_id": id, "events_requested": [CLAIMS] });
    let updated = server.call("receiver", "PATCH", "/ssf/v1/streams", only).await.json();
    assert_eq!(updated["events_delivered"], json!([CLAIMS]));
    assert_eq!(receiver.emit(json!({ "event": "session-revoked", "persona": "bob" })).await["sent"], json!([]));
    assert_eq!(server.call("receiver", "DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(server.call("receiver", "GET", &path, Value::Null).await.status, 404);
}

#[tokio::test]
async fn events_are_not_pushed_to_the_outside() {
    let server = server();
    for url in ["https://collector.example/events", "http://10.0.0.1/", "ftp://localhost/", "nonsense"] {
        let wish = json!({ "delivery": { "method": PUSH, "endpoint_url": url } });
        assert_eq!(server.call("receiver", "POST", "/ssf/v1/streams", wish).await.status, 400, "{url}");
    }
}

#[tokio::test]
async fn a_push_is_repeated_until_the_receiver_takes_it_and_not_after_it_refused_for_good() {
    type Seen = (mpsc::UnboundedSender<(StatusCode, String, String)>, std::sync::Arc<std::sync::atomic::AtomicUsize>);
    async fn receive(Shared((seen, count)): Shared<Seen>, headers: HeaderMap, body: String) -> StatusCode {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let status =
            *[StatusCode::SERVICE_UNAVAILABLE, StatusCode::ACCEPTED, StatusCode::BAD_REQUEST, StatusCode::ACCEPTED]
                .get(number)
                .unwrap_or(&StatusCode::IM_A_TEAPOT);
        let kind =
            headers["content-type"].to_str().unwrap().to_owned() + " " + headers["authorization"].to_str().unwrap();
        seen.send((status, kind, body)).unwrap();
        status
    }
    let (seen, mut arriving) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let app = axum::Router::new().route("/events", post(receive)).with_state((seen, Default::default()));
    let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let server = server();
    let delivery = json!({ "method": PUSH, "endpoint_url": url, "authorization_header": "Bearer mine" });
    let created = server.call("receiver", "POST", "/ssf/v1/streams", json!({ "delivery": delivery })).await;
    assert!(!created.text.contains("Bearer mine"), "{}", created.text);
    for persona in ["alice", "bob", "carol"] {
        let order = json!({ "event": "session-revoked", "persona": persona });
        server.call("tests", "POST", "/control/v1/events", order).await;
    }
    let mut arrived = Vec::new();
    for _ in 0..4 {
        arrived.push(tokio::time::timeout(std::time::Duration::from_secs(10), arriving.recv()).await.unwrap().unwrap());
    }
    serving.abort();
    let statuses: Vec<u16> = arrived.iter().map(|(status, _, _)| status.as_u16()).collect();
    assert_eq!(statuses, [503, 202, 400, 202]);
    assert_eq!(arrived[0].1, "application/secevent+jwt Bearer mine");
    assert_eq!(arrived[0].2, arrived[1].2);
    assert_ne!(arrived[1].2, arrived[2].2);
    assert_ne!(arrived[2].2, arrived[3].2);
}

#[tokio::test]
async fn the_metadata_says_where_everything_is() {
    let server = server();
    let metadata = server.call("nobody", "GET", "/.well-known/ssf-configuration", Value::Null).await.json();
    assert_eq!(metadata["issuer"], "http://localhost:9410");
    for name in ["jwks_uri", "configuration_endpoint", "status_endpoint", "verification_endpoint"] {
        let path = metadata[name].as_str().unwrap().strip_prefix("http://localhost:9410").unwrap();
        let answer = server.call("receiver", "GET", path, Value::Null).await;
        // A path that nobody serves is 404 without a word.
        assert!(answer.status != 404 || answer.text.contains("no such stream"), "{name}");
    }
}
