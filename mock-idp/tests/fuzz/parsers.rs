//! The four parsers by themselves, each with what must hold of any answer whatever the wounds are.
//!
//! The wounds are made where the parser reads: in a token that is good otherwise, in claims before they are signed, in a form
//! that is right otherwise, in a redirect URI of a request that is right otherwise. Each says whether it was accepted: a run in which nothing is reaches nothing.

use axum::body::Body;
use axum::http::{HeaderValue, Request};
use serde_json::{Map, Value, json};

use crate::provider::{Answer, As, Target, now};
use crate::random::{Random, mutate};

const CALLBACK: &str = "http://localhost:8080/callback";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A token that differs in anything is none: neither active nor shown to, at the JWT provider and the opaque one.
pub(crate) async fn token(target: &Target, random: &mut Random) -> bool {
    let good = if random.below(2) == 0 { &target.access_token } else { &target.refresh_token };
    let wounded = mutate(random, good);
    let is_good = wounded == target.access_token.as_bytes();
    let inspected = target.post("/introspect", &[("token", &wounded)], As::Backend).await;
    assert_eq!(inspected.json()["active"] == true, is_good, "{}", String::from_utf8_lossy(&wounded));
    if let Ok(value) = HeaderValue::from_bytes(&[b"Bearer ", wounded.as_slice()].concat()) {
        let request = Request::get("/userinfo").header("authorization", value).body(Body::empty()).unwrap();
        let shown = target.send(request).await;
        // Spaces around a token are no part of it (RFC 9110 section 11.4).
        let is_good = wounded.trim_ascii() == target.access_token.as_bytes();
        assert_eq!(shown.status == 200, is_good, "{}", String::from_utf8_lossy(&wounded));
    }
    if wounded != target.refresh_token.as_bytes() {
        let form: [(&str, &[u8]); 3] =
            [("grant_type", b"refresh_token"), ("client_id", b"web"), ("refresh_token", &wounded)];
        assert_eq!(target.post("/token", &form, As::Nobody).await.status, 400, "{}", String::from_utf8_lossy(&wounded));
    }
    is_good
}

/// Claims and headers that are wounded and then signed by somebody who may sign: taken only if they are JSON objects still,
/// and if they say who signed.
pub(crate) async fn jwt(target: &Target, random: &mut Random) -> bool {
    let (now, jti, issuer) = (now(), random.next().to_string(), "http://localhost:9400");
    let use_of = ["assertion", "grant", "request object", "proof", "access token"][random.below(5)];
    let (header, claims) = match use_of {
        "assertion" => (
            json!({"alg": "ES256"}),
            json!({"iss": "signing", "sub": "signing", "aud": issuer, "jti": jti, "iat": now, "exp": now + 60}),
        ),
        "grant" => (
            json!({"alg": "ES256"}),
            json!({"iss": "https://partner.example", "sub": "alice", "aud": issuer, "jti": jti, "iat": now, "exp": now + 60}),
        ),
        "request object" => (
            json!({"alg": "ES256", "typ": "oauth-authz-req+jwt"}),
            json!({"iss": "signing", "client_id": "signing", "aud": issuer, "jti": jti, "exp": now + 60, "nonce": "n",
                "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid", "code_challenge": CHALLENGE,
                "code_challenge_method": "S256", "prompt": "none", "login_hint": "alice", "max_age": 300}),
        ),
        "proof" => (
            json!({"alg": "ES256", "typ": "dpop+jwt", "jwk": target.signer.jwk()}),
            json!({"htm": "POST", "htu": format!("{issuer}/token"), "jti": jti, "iat": now}),
        ),
        _ => (
            json!({}),
            json!({"iss": issuer, "sub": "alice", "aud": issuer, "jti": jti, "iat": now, "exp": now + 60,
                "client_id": "web", "scope": "openid"}),
        ),
    };
    // The header of an access token is the provider's own.
    let wound_header = use_of != "access token" && random.below(3) == 0;
    let header = if wound_header { mutate(random, &header.to_string()) } else { header.to_string().into_bytes() };
    let claims = if wound_header { claims.to_string().into_bytes() } else { mutate(random, &claims.to_string()) };
    let signed = target.signer.sign(&header, &claims);
    let accepted = match use_of {
        "assertion" => assertion(target, &signed).await,
        "grant" => grant(target, &signed).await,
        "request object" => request_object(target, &signed).await,
        "proof" => proof(target, &signed).await,
        _ => minted(target, &claims).await,
    };
    if accepted {
        let shown = (String::from_utf8_lossy(&header), String::from_utf8_lossy(&claims));
        let read = |bytes: &[u8]| serde_json::from_slice::<Map<String, Value>>(bytes).ok();
        let (header, claims) = (read(&header), read(&claims));
        assert!(header.is_some() && claims.is_some(), "{use_of}: {shown:?}");
        let says = |name: &str| claims.as_ref().and_then(|claims| claims.get(name)).and_then(Value::as_str);
        match use_of {
            "assertion" => assert_eq!((says("iss"), says("sub")), (Some("signing"), Some("signing")), "{shown:?}"),
            "grant" => assert_eq!(says("iss"), Some("https://partner.example"), "{shown:?}"),
            "proof" => assert_eq!(says("htm"), Some("POST"), "{shown:?}"),
            _ => {}
        }
    }
    accepted
}

async fn assertion(target: &Target, signed: &str) -> bool {
    let form: [(&str, &[u8]); 3] = [
        ("grant_type", b"client_credentials"),
        ("client_assertion_type", b"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", signed.as_bytes()),
    ];
    target.post("/token", &form, As::Nobody).await.status == 200
}

async fn grant(target: &Target, signed: &str) -> bool {
    let form: [(&str, &[u8]); 2] =
        [("grant_type", b"urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", signed.as_bytes())];
    target.post("/token", &form, As::Backend).await.status == 200
}

async fn request_object(target: &Target, signed: &str) -> bool {
    let answer = target.get(&format!("/authorize?client_id=signing&request={signed}")).await;
    stays_at_home(&answer);
    answer.location().contains("code=")
}

async fn proof(target: &Target, signed: &str) -> bool {
    let request = Request::post("/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("dpop", signed)
        .body(Body::from("grant_type=client_credentials&client_id=backend&client_secret=backend-secret"));
    target.send(request.unwrap()).await.json()["token_type"] == "DPoP"
}

/// The provider itself signs what it is told to; whoever asks about it reads that.
async fn minted(target: &Target, claims: &[u8]) -> bool {
    let Ok(payload) = std::str::from_utf8(claims) else { return false };
    let answer = target.control("/control/v1/tokens", &json!({"persona": "alice", "payload": payload})).await;
    let token = answer.json()["access_token"].as_str().map(str::to_owned);
    let Some(token) = token else { return false };
    target.post("/introspect", &[("token", token.as_bytes())], As::Backend).await.json()["active"] == true
}

/// A wounded form brings a token only if it still says, once and in whole, what the right one says.
pub(crate) async fn form(target: &Target, random: &mut Random) -> bool {
    let right = "grant_type=client_credentials&client_id=backend&client_secret=backend-secret&scope=read";
    let wounded = mutate(random, right);
    let request = Request::post("/token").header("content-type", "application/x-www-form-urlencoded");
    let answer = target.send(request.body(Body::from(wounded.clone())).unwrap()).await;
    let said = |name: &str| -> Vec<String> {
        let pairs = url::form_urlencoded::parse(&wounded).filter(|(key, _)| key == name);
        pairs.map(|(_, value)| value.into_owned()).collect()
    };
    if answer.status == 200 {
        for (name, value) in
            [("grant_type", "client_credentials"), ("client_id", "backend"), ("client_secret", "backend-secret")]
        {
            assert_eq!(said(name), [value], "{}", String::from_utf8_lossy(&wounded));
        }
        assert!(
            said("scope").iter().flat_map(|scope| scope.split(' ')).all(|word| matches!(word, "" | "read")),
            "{:?}",
            said("scope")
        );
    }
    answer.status == 200
}

/// Whatever is named, a browser is sent to what was registered and nowhere else; and nothing that a browser would run is
/// registered.
pub(crate) async fn redirect(target: &Target, random: &mut Random) -> bool {
    let wounded = mutate(random, CALLBACK);
    let named = |name: &str| format!("{name}={}", url::form_urlencoded::byte_serialize(&wounded).collect::<String>());
    let request = "client_id=web&response_type=code&state=s&code_challenge_method=S256&prompt=none&login_hint=alice";
    let answer =
        target.get(&format!("/authorize?{request}&code_challenge={CHALLENGE}&{}", named("redirect_uri"))).await;
    stays_at_home(&answer);
    assert!(wounded == CALLBACK.as_bytes() || answer.location().is_empty(), "{}", String::from_utf8_lossy(&wounded));
    let answer = target.get(&format!("/end_session?client_id=web&{}", named("post_logout_redirect_uri"))).await;
    stays_at_home(&answer);
    let Ok(uri) = String::from_utf8(wounded) else { return false };
    let metadata = json!({"redirect_uris": [uri], "token_endpoint_auth_method": "none"});
    if target.json("/register", &metadata).await.status == 201 {
        let url = url::Url::parse(&uri).unwrap();
        assert!(
            url.fragment().is_none() && !["javascript", "data", "vbscript", "blob"].contains(&url.scheme()),
            "{uri}"
        );
        assert!(!uri.contains(['\r', '\n', '*']), "{uri:?}");
    }
    uri == CALLBACK
}

fn stays_at_home(answer: &Answer) {
    let location = answer.location();
    let is_home = location.strip_prefix(CALLBACK).is_some_and(|rest| rest.is_empty() || rest.starts_with('?'));
    assert!(location.is_empty() || is_home || location.starts_with("http://localhost:9400/"), "sent to {location}");
    assert!(location.chars().all(|letter| letter.is_ascii_graphic()), "{location:?}");
}
