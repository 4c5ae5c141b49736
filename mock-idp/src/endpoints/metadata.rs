//! What the provider says of itself; everything announced here works.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::{capabilities, respond};
use crate::flow::response_type::ResponseType;
use crate::flow::scope;
use crate::journal::Note;
use crate::keys::Algorithm;
use crate::state::Provider;

/// The metadata document, one for both well-known addresses (OpenID Connect Discovery §3, RFC 8414 §2).
pub(crate) async fn document(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let scopes: BTreeSet<&str> = (provider.config.clients.values())
        .flat_map(|client| client.scopes.iter().map(String::as_str))
        .chain(scope::IDENTITY)
        .collect();
    let legacy: Vec<&str> =
        provider.config.legacy_flows.iter().flat_map(|flow| ResponseType::of(*flow)).copied().collect();
    let response_modes: &[&str] = if legacy.is_empty() { &["query"] } else { &["query", "fragment"] };
    let response_types: Vec<&str> = std::iter::once("code").chain(legacy).collect();
    let mut document = json!({
        "issuer": provider.config.issuer,
        "authorization_endpoint": provider.url("/authorize"),
        "token_endpoint": provider.url("/token"),
        "userinfo_endpoint": provider.url("/userinfo"),
        "jwks_uri": provider.url("/jwks"),
        "introspection_endpoint": provider.url("/introspect"),
        "revocation_endpoint": provider.url("/revoke"),
        "end_session_endpoint": provider.url("/end_session"),
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "scopes_supported": scopes,
        "response_types_supported": response_types,
        "response_modes_supported": response_modes,
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": Algorithm::ALL,
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "sid", "at_hash",
            "name", "preferred_username", "tenant", "roles"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "authorization_response_iss_parameter_supported": true,
        "claims_parameter_supported": true,
    });
    if let Some(members) = document.as_object_mut() {
        members.extend(capabilities::metadata(&provider));
    }
    Json(document)
}

/// The published keys. Whoever comes before all are made waits for them: half a set would be kept by clients.
pub(crate) async fn jwks(State(provider): State<Arc<Provider>>) -> Response {
    match provider.all_keys().await {
        Ok(()) => Json(provider.keys.jwk_set()).into_response(),
        Err(refused) => respond::refused(&refused, Note::refused(&refused)),
    }
}

/// Up and answering.
pub(crate) async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}
