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
    authorize, backchannel_authentication, capabilities, confirm, control, device, fault, guard, introspect, journal,
    login, logout, metadata, par, record, register, respond, revoke, token, userinfo,
};
use crate::state::Provider;

use control::{clock, devices, faults, keys, mint, owned, sessions, snapshot};

/// The largest body that is read: a form or a minting order is a hundredth of it.
const BODY_LIMIT: usize = 256 * 1024;

/// The largest snapshot that is put back: a memory as full as it gets has about this size.
const SNAPSHOT_LIMIT: usize = 128 * 1024 * 1024;

/// The provider's routes, and under their paths those of the issuers beside it.
pub fn app(provider: Arc<Provider>) -> Router {
    let mut router = mounted(Router::new(), Arc::clone(&provider));
    for issuer in &provider.issuers {
        router = mounted(router, Arc::clone(issuer));
    }
    router
}

/// Puts an issuer under its path, with both forms of its metadata address (RFC 8414 §3.1 and §5).
fn mounted(router: Router, provider: Arc<Provider>) -> Router {
    let base = provider.base_path();
    let routes = of_one_issuer(Arc::clone(&provider));
    if base.is_empty() {
        return router.merge(routes);
    }
    let inserted = Router::new()
        .route(&format!("/.well-known/oauth-authorization-server{base}"), get(metadata::document))
        .route(&format!("/.well-known/openid-configuration{base}"), get(metadata::document))
        .layer(cors())
        .layer(from_fn_with_state(Arc::clone(&provider), fault::inject))
        .layer(from_fn_with_state(Arc::clone(&provider), record::record))
        .layer(from_fn(respond::harden))
        .with_state(provider);
    router.merge(inserted).nest(&base, routes)
}

fn of_one_issuer(provider: Arc<Provider>) -> Router {
    let mut router = Router::new().merge(pages_and_clients()).merge(open_to_scripts());
    if provider.config.control_token.is_some() {
        router = router.nest("/control/v1", control_api(&provider)).merge(journal_page(&provider));
    }
    router
        .fallback(respond::not_found)
        .layer(from_fn_with_state(Arc::clone(&provider), fault::inject))
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
        .route("/confirm", post(confirm::post))
        .route("/end_session", get(logout::get).post(logout::post)) // RP-Initiated Logout §2
        .route("/introspect", post(introspect::post)) // RFC 7662 §2
        .route("/revoke", post(revoke::post)) // RFC 7009 §2
        .route("/par", post(par::post)) // RFC 9126 §2
        .route("/device_authorization", post(device::authorize)) // RFC 8628 §3.1
        .route("/backchannel_authentication", post(backchannel_authentication::post)) // OpenID Connect CIBA Core §7
        .route("/device", get(device::get).post(device::post)) // RFC 8628 §3.3
        .route("/health", get(metadata::health))
}

/// For browser applications of any origin; none of these looks at cookies.
fn open_to_scripts() -> Router<Arc<Provider>> {
    Router::new()
        .route("/.well-known/openid-configuration", get(metadata::document)) // OpenID Connect Discovery §4
        .route("/.well-known/oauth-authorization-server", get(metadata::document)) // RFC 8414 §3
        .route("/jwks", get(metadata::jwks)) // RFC 7517 §5
        .route("/token", post(token::post)) // RFC 6749 §3.2
        .route("/userinfo", get(userinfo::answer).post(userinfo::answer)) // OpenID Connect Core §5.3
        .route("/resources/metadata", get(capabilities::resource)) // RFC 9728 §2
        .route("/register", post(register::post)) // RFC 7591 §3
        .route("/register/{id}", get(register::get).put(register::put).delete(register::delete)) // RFC 7592 §2
        .layer(cors())
}

fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, DPOP])
        .expose_headers([header::WWW_AUTHENTICATE, DPOP_NONCE])
}

/// For whoever sits at this machine: a browser has no control token to send, so Host and Origin alone are checked
/// (docs/decisions/0036).
fn journal_page(provider: &Arc<Provider>) -> Router<Arc<Provider>> {
    Router::new()
        .route("/journal", get(journal::page))
        .layer(from_fn_with_state(Arc::clone(provider), guard::from_here))
}

/// For the owner of the stack: control token, Host and Origin checked before anything else.
fn control_api(provider: &Arc<Provider>) -> Router<Arc<Provider>> {
    Router::new()
        .route("/tokens", post(mint::mint))
        .route("/tokens/catalogue", get(mint::catalogue))
        .route("/faults", get(faults::list).post(faults::order).delete(faults::clear))
        .route("/faults/{id}", delete(faults::cancel))
        .route("/faults/catalogue", get(faults::catalogue))
        .route("/clock", get(clock::show).post(clock::change))
        .route("/claims/why", get(control::claims::why))
        .route("/expire", post(clock::expire))
        .route("/keys", get(keys::list))
        .route("/keys/rotate", post(keys::rotate))
        .route("/keys/{kid}", delete(keys::retire))
        .route("/devices", get(devices::list))
        .route("/devices/{user_code}", post(devices::answer))
        .route("/backchannel_authentication", post(devices::answer_client))
        .route("/personas", post(owned::make_persona))
        .route("/clients", post(owned::make_client))
        .route("/owned", get(owned::list))
        .route("/owned/{owner}", delete(owned::end))
        .route("/sessions", get(sessions::list))
        .route("/sessions/{persona}", delete(sessions::end_of_persona))
        .route("/grants", get(sessions::grants))
        .route("/grants/{id}", delete(sessions::end_grant))
        .route("/journal", get(control::journal::list))
        .route("/journal/assert", post(control::journal::assert))
        .route("/journal/stream", get(control::journal::listen))
        .route("/findings", get(control::journal::findings).delete(control::journal::clear_findings))
        .route("/snapshot", get(snapshot::take).put(snapshot::restore).layer(DefaultBodyLimit::max(SNAPSHOT_LIMIT)))
        .route("/reset", post(snapshot::reset))
        .layer(from_fn_with_state(Arc::clone(provider), guard::guard))
}
