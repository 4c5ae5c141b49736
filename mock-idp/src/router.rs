//! Every route on one page, each with its source.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, post};
use tower_http::cors::{Any, CorsLayer};

use crate::endpoints::input::DPOP;
use crate::endpoints::proof::DPOP_NONCE;
use crate::endpoints::{
    authorize, capabilities, control, device, guard, introspect, login, metadata, par, record, register, respond,
    revoke, token, userinfo,
};
use crate::state::Provider;

/// The largest body that is read: a form or a minting order is a hundredth of it.
const BODY_LIMIT: usize = 256 * 1024;

/// The provider's routes.
pub fn app(provider: Arc<Provider>) -> Router {
    let mut router = Router::new().merge(pages_and_clients()).merge(open_to_scripts());
    if provider.config.control_token.is_some() {
        router = router.nest("/control/v1", control_api(&provider));
    }
    router
        .fallback(respond::not_found)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(Arc::clone(&provider), record::record))
        .layer(from_fn(respond::harden))
        .with_state(provider)
}

/// For browsers on our own pages and for programs. Never CORS: a foreign page must not read an authorization response.
fn pages_and_clients() -> Router<Arc<Provider>> {
    Router::new()
        .route("/authorize", get(authorize::get).post(authorize::post)) // RFC 6749 §3.1, OpenID Connect Core §3.1.2.1
        .route("/login", post(login::post))
        .route("/introspect", post(introspect::post)) // RFC 7662 §2
        .route("/revoke", post(revoke::post)) // RFC 7009 §2
        .route("/par", post(par::post)) // RFC 9126 §2
        .route("/device_authorization", post(device::authorize)) // RFC 8628 §3.1
        .route("/device", get(device::get).post(device::post)) // RFC 8628 §3.3
        .route("/health", get(metadata::health))
}

/// For browser applications of any origin; none of these looks at cookies.
fn open_to_scripts() -> Router<Arc<Provider>> {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, DPOP])
        .expose_headers([header::WWW_AUTHENTICATE, DPOP_NONCE]);
    Router::new()
        .route("/.well-known/openid-configuration", get(metadata::document)) // OpenID Connect Discovery §4
        .route("/.well-known/oauth-authorization-server", get(metadata::document)) // RFC 8414 §3
        .route("/jwks", get(metadata::jwks)) // RFC 7517 §5
        .route("/token", post(token::post)) // RFC 6749 §3.2
        .route("/userinfo", get(userinfo::answer).post(userinfo::answer)) // OpenID Connect Core §5.3
        .route("/resources/metadata", get(capabilities::resource)) // RFC 9728 §2
        .route("/register", post(register::post)) // RFC 7591 §3
        .route("/register/{id}", get(register::get).put(register::put).delete(register::delete)) // RFC 7592 §2
        .layer(cors)
}

/// For the owner of the stack: control token, Host and Origin checked before anything else.
fn control_api(provider: &Arc<Provider>) -> Router<Arc<Provider>> {
    Router::new()
        .route("/tokens", post(control::mint))
        .route("/devices/{user_code}", post(control::answer_device))
        .route("/sessions/{persona}", delete(control::end_sessions))
        .route("/journal", get(control::journal))
        .route("/reset", post(control::reset))
        .layer(from_fn_with_state(Arc::clone(provider), guard::guard))
}
