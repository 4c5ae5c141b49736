//! A small provider, sound until it is given a flaw. Written from the RFCs and independently of the checks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as B64};
use serde_json::{Value, json};

use crate::endpoints::{approve, authorize, device, introspect, jwks, metadata, push, revoke, token};

pub(crate) type Fields = BTreeMap<String, String>;

/// What a client is registered with.
pub(crate) struct Client {
    pub(crate) secret: Option<&'static str>,
    pub(crate) method: &'static str,
    pub(crate) redirect_uris: &'static [&'static str],
    pub(crate) grants: &'static [&'static str],
    pub(crate) scopes: &'static [&'static str],
}

const LOGIN: &[&str] = &["authorization_code", "refresh_token", DEVICE];
pub(crate) const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The registered clients.
pub(crate) fn clients() -> BTreeMap<&'static str, Client> {
    BTreeMap::from([
        (
            "app",
            Client {
                secret: None,
                method: "none",
                redirect_uris: &["http://localhost:8080/callback"],
                grants: LOGIN,
                scopes: &["orders:read", "orders:write"],
            },
        ),
        (
            "short",
            Client {
                secret: None,
                method: "none",
                redirect_uris: &["https://short.example/callback"],
                grants: &["authorization_code"],
                scopes: &[],
            },
        ),
        (
            "shop",
            Client {
                secret: Some("a secret: with/odd%characters"),
                method: "client_secret_basic",
                redirect_uris: &["https://shop.example/callback", "https://shop.example/second"],
                grants: LOGIN,
                scopes: &["orders:admin"],
            },
        ),
        (
            "pushed",
            Client {
                secret: Some("pushed secret"),
                method: "client_secret_post",
                redirect_uris: &["https://pushed.example/callback?from=idp"],
                grants: &["authorization_code"],
                scopes: &[],
            },
        ),
        (
            "worker",
            Client {
                secret: Some("another secret"),
                method: "client_secret_post",
                redirect_uris: &[],
                grants: &["client_credentials"],
                scopes: &["jobs"],
            },
        ),
    ])
}

/// A code, a refresh token, an access token or a device code.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    pub(crate) client: String,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) scope: String,
    pub(crate) family: usize,
    pub(crate) used: bool,
    pub(crate) revoked: bool,
    pub(crate) approved: bool,
}

#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) next: usize,
    pub(crate) codes: BTreeMap<String, Kept>,
    pub(crate) refresh: BTreeMap<String, Kept>,
    pub(crate) access: BTreeMap<String, Kept>,
    pub(crate) devices: BTreeMap<String, Kept>,
    pub(crate) users: BTreeMap<String, String>,
    pub(crate) pushed: BTreeMap<String, Fields>,
    pub(crate) dead: Vec<usize>,
}

pub(crate) struct Provider {
    pub(crate) flaw: &'static str,
    pub(crate) issuer: String,
    pub(crate) key: EcdsaKeyPair,
    pub(crate) unpublished: EcdsaKeyPair,
    pub(crate) memory: Mutex<Memory>,
}

/// Starts it on a free port; the issuer comes back.
pub(crate) async fn start(flaw: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let key = || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let provider = Provider { flaw, issuer: issuer.clone(), key: key(), unpublished: key(), memory: Mutex::default() };
    let router = Router::new()
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/jwks", get(jwks))
        .route("/authorize", get(authorize))
        .route("/par", post(push))
        .route("/token", post(token))
        .route("/introspect", post(introspect))
        .route("/revoke", post(revoke))
        .route("/device", post(device))
        .route("/control/v1/devices/{code}", post(approve))
        .with_state(Arc::new(provider));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    issuer
}

/// A refusal at an endpoint that answers JSON.
pub(crate) type Refusal = (StatusCode, &'static str);

pub(crate) const fn bad(error: &'static str) -> Refusal {
    (StatusCode::BAD_REQUEST, error)
}

impl Provider {
    pub(crate) fn is(&self, flaw: &str) -> bool {
        self.flaw == flaw
    }

    pub(crate) fn answer(&self, result: Result<Value, Refusal>) -> Response {
        match result {
            Ok(value) => Json(value).into_response(),
            Err((_, error)) if self.is("errors with status 401") => {
                (StatusCode::UNAUTHORIZED, Json(json!({"error": error}))).into_response()
            }
            Err((status, error)) => (status, Json(json!({"error": error}))).into_response(),
        }
    }

    pub(crate) fn sign(&self, key: &EcdsaKeyPair, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| B64.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", B64.encode(signature.as_ref()))
    }

    pub(crate) fn id_token(&self, grant: &Kept, access_token: &str) -> String {
        let hash = digest(&SHA256, access_token.as_bytes());
        let mut claims = json!({"iss": self.issuer, "sub": "alice", "aud": grant.client, "exp": 4_000_000_000_u64,
            "iat": 1_700_000_000, "nonce": grant.nonce, "at_hash": B64.encode(&hash.as_ref()[..16])});
        match self.flaw {
            "id token of another issuer" => claims["iss"] = json!("https://other.example"),
            "id token for another client" => claims["aud"] = json!(["other"]),
            "id token with another at_hash" => claims["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA"),
            "at_hash left out" => drop(claims.as_object_mut().unwrap().remove("at_hash")),
            "nonce missing" => drop(claims.as_object_mut().unwrap().remove("nonce")),
            "nonce of another login" => claims["nonce"] = json!("another"),
            _ => {}
        }
        let header = json!({"alg": "ES256", "kid": "one", "typ": "JWT"});
        match self.flaw {
            "id token of another key" => self.sign(&self.unpublished, &header, &claims),
            "id token of an unpublished key" => {
                self.sign(&self.unpublished, &json!({"alg": "ES256", "kid": "two"}), &claims)
            }
            "id token unsigned" => {
                format!("{}.{}.", B64.encode(json!({"alg": "none"}).to_string()), B64.encode(claims.to_string()))
            }
            _ => self.sign(&self.key, &header, &claims),
        }
    }

    pub(crate) fn name(&self, memory: &mut Memory, kind: &str) -> String {
        memory.next += 1;
        B64.encode(digest(&SHA256, format!("{kind} {} {}", self.issuer, memory.next).as_bytes()))
    }

    /// Access token, and with a person ID token and refresh token.
    pub(crate) fn tokens(&self, grant: &Kept, person: bool) -> Value {
        let clients = clients();
        let client = &clients[grant.client.as_str()];
        let mut memory = self.memory.lock().unwrap();
        let mut access_token = self.name(&mut memory, "access");
        if !self.is("opaque access tokens") {
            let claims = json!({"iss": self.issuer, "sub": "alice", "jti": access_token, "scope": grant.scope});
            access_token = self.sign(&self.key, &json!({"alg": "ES256", "kid": "one", "typ": "at+jwt"}), &claims);
        }
        memory.access.insert(access_token.clone(), grant.clone());
        let mut answer = json!({"access_token": access_token, "token_type": "Bearer", "expires_in": 300});
        if !self.is("scope in the token only") {
            answer["scope"] = json!(grant.scope);
        }
        if person && grant.scope.split(' ').any(|scope| scope == "openid") {
            answer["id_token"] = json!(self.id_token(grant, &access_token));
        }
        if person && (client.grants.contains(&"refresh_token") || self.is("refresh for every client")) {
            let token = self.name(&mut memory, "refresh");
            memory.refresh.insert(token.clone(), Kept { used: false, ..grant.clone() });
            answer["refresh_token"] = json!(token);
        }
        answer
    }

    /// RFC 6749 §2.3, §3.2.1.
    pub(crate) fn authenticate(&self, headers: &HeaderMap, fields: &Fields) -> Result<String, Refusal> {
        let unknown = (StatusCode::UNAUTHORIZED, "invalid_client");
        let (id, secret, method) = presented(headers, fields).ok_or(unknown)?;
        let clients = clients();
        let client = clients.get(id.as_str()).ok_or(unknown)?;
        let lenient = match self.flaw {
            "secret not compared" => secret.as_deref().is_some_and(|secret| !secret.is_empty()),
            "empty secret taken" => secret.as_deref() == Some(""),
            "secret may be missing" => secret.is_none(),
            "secret ignored at refresh" => fields.get("grant_type").is_some_and(|grant| grant == "refresh_token"),
            "introspection with any secret" => fields.contains_key("token"),
            _ => false,
        };
        let right = secret.as_deref() == client.secret && (method == client.method || self.is("secret in any place"));
        if right || (lenient && client.secret.is_some()) { Ok(id) } else { Err(unknown) }
    }

    pub(crate) fn granted_scope(
        &self,
        client: &Client,
        asked: Option<&String>,
        person: bool,
    ) -> Result<String, Refusal> {
        let Some(asked) = asked else { return Ok(client.scopes.join(" ")) };
        let all = clients();
        let somebody = |scope: &str| all.values().any(|client| client.scopes.contains(&scope));
        let may = |scope: &&str| match self.flaw {
            "any scope" => person,
            "any scope for credentials" => !person,
            "any scope that somebody has" => somebody(scope),
            _ => false,
        } || client.scopes.contains(scope) || (person && *scope == "openid");
        if asked.contains('"') {
            return Err(bad("invalid_scope"));
        }
        let granted: Vec<&str> = asked.split(' ').filter(may).collect();
        let whole = granted.len() == asked.split(' ').count();
        if whole || self.is("scopes left out") { Ok(granted.join(" ")) } else { Err(bad("invalid_scope")) }
    }

    pub(crate) fn redeem(&self, client: &str, fields: &Fields) -> Result<Kept, Refusal> {
        let invalid = bad("invalid_grant");
        let code = fields.get("code").ok_or(bad("invalid_request"))?;
        let mut memory = self.memory.lock().unwrap();
        let memory = &mut *memory;
        let kept = memory.codes.get_mut(code).ok_or(invalid)?;
        if kept.client != client && !self.is("codes of other clients") {
            return Err(invalid);
        }
        let again = ["codes may be used again", "codes may be used again within a second"];
        if kept.used && !again.contains(&self.flaw) {
            if !self.is("used codes revoke nothing") {
                memory.dead.push(kept.family);
            }
            return Err(invalid);
        }
        match fields.get("redirect_uri") {
            Some(uri) if *uri == kept.redirect_uri => {}
            Some(_) if self.is("another redirect uri at the token endpoint") => {}
            None if self.is("redirect uri not repeated") => {}
            _ => return Err(invalid),
        }
        self.check_verifier(kept.challenge.as_deref(), fields.get("code_verifier"))?;
        kept.used = true;
        Ok(Kept { client: client.to_owned(), ..kept.clone() })
    }

    pub(crate) fn check_verifier(&self, challenge: Option<&str>, verifier: Option<&String>) -> Result<(), Refusal> {
        let right = match (challenge, verifier) {
            (None, None) => true,
            _ if self.is("pkce unknown") => true,
            (None, Some(_)) => self.is("verifier without a challenge"),
            (Some(_), None) => self.is("verifier may be missing"),
            (Some(challenge), Some(verifier)) => match challenge.strip_prefix("plain ") {
                Some(plain) => plain == verifier,
                None => {
                    B64.encode(digest(&SHA256, verifier.as_bytes())) == challenge
                        || self.is("verifier ignored")
                        || (self.is("verifier compared with the challenge") && challenge == verifier)
                }
            },
        };
        if right { Ok(()) } else { Err(bad("invalid_grant")) }
    }

    pub(crate) fn refresh(&self, client: &str, fields: &Fields) -> Result<Value, Refusal> {
        let invalid = bad("invalid_grant");
        let token = fields.get("refresh_token").ok_or(bad("invalid_request"))?;
        let mut memory = self.memory.lock().unwrap();
        let kept = memory.refresh.get(token).cloned().ok_or(invalid)?;
        let dead = memory.dead.contains(&kept.family) || kept.revoked;
        if dead || (kept.client != client && !self.is("refresh tokens of other clients")) {
            return Err(invalid);
        }
        let confidential = clients()[client].secret.is_some();
        let stays = self.is("refresh tokens never replaced")
            || (confidential && self.is("confidential clients keep their refresh tokens"));
        if kept.used && !self.is("old refresh tokens work on") {
            if !self.is("old refresh tokens revoke nothing") {
                memory.dead.push(kept.family);
            }
            return Err(invalid);
        }
        let scope = match fields.get("scope") {
            Some(scope) if self.is("wider scope at refresh") => scope.clone(),
            Some(scope) if scope.split(' ').all(|one| kept.scope.split(' ').any(|had| had == one)) => scope.clone(),
            Some(_) if self.is("scopes left out") => kept.scope.clone(),
            Some(_) => return Err(bad("invalid_scope")),
            None => kept.scope.clone(),
        };
        if !stays {
            memory.refresh.get_mut(token).unwrap().used = true;
        }
        drop(memory);
        let mut answer = self.tokens(&Kept { client: client.to_owned(), scope, ..kept }, true);
        if stays {
            answer["refresh_token"] = json!(token);
        }
        Ok(answer)
    }

    pub(crate) fn redeem_device(&self, client: &str, fields: &Fields) -> Result<Value, Refusal> {
        let code = fields.get("device_code").ok_or(bad("invalid_request"))?;
        let mut memory = self.memory.lock().unwrap();
        let kept = memory.devices.get_mut(code).ok_or(bad("invalid_grant"))?;
        if kept.client != client && !self.is("device codes of other clients") {
            return Err(bad("invalid_grant"));
        }
        if !kept.approved && !self.is("device tokens before approval") {
            return Err(bad("authorization_pending"));
        }
        if kept.used && !self.is("device codes twice") {
            return Err(bad("invalid_grant"));
        }
        kept.used = true;
        let grant = Kept { client: client.to_owned(), scope: "openid".into(), ..kept.clone() };
        drop(memory);
        Ok(self.tokens(&grant, true))
    }
}

fn presented(headers: &HeaderMap, fields: &Fields) -> Option<(String, Option<String>, &'static str)> {
    let decode =
        |text: &str| url::form_urlencoded::parse(format!("v={text}").as_bytes()).next().unwrap().1.into_owned();
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = STANDARD.decode(value.to_str().ok()?.strip_prefix("Basic ")?).ok()?;
        let (id, secret) = std::str::from_utf8(&text).ok()?.split_once(':')?;
        return Some((decode(id), Some(decode(secret)), "client_secret_basic"));
    }
    let id = fields.get("client_id")?.clone();
    let secret = fields.get("client_secret").cloned();
    let method = if secret.is_some() { "client_secret_post" } else { "none" };
    Some((id, secret, method))
}
