//! Every route on one page, each with the clause that defines it. Must not know what the endpoints do.

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post, put};

use crate::endpoints::{access, control, discovery, groups, metadata, request_id, users};
use crate::state::State;

/// The whole server as a service, without a socket.
pub fn app(state: State) -> Router {
    Router::new()
        // AuthZEN 1.0 §6, §7, §9
        .route("/access/v1/evaluation", post(access::evaluation))
        .route("/access/v1/evaluations", post(access::evaluations))
        .route("/.well-known/authzen-configuration", get(metadata::authzen))
        // SCIM 2.0: RFC 7644 §3.3 to §3.6
        .route("/scim/v2/Users", get(users::list).post(users::create))
        .route("/scim/v2/Users/{id}", get(users::read).put(users::replace).patch(users::patch).delete(users::delete))
        .route("/scim/v2/Groups", get(groups::list))
        .route("/scim/v2/Groups/{id}", get(groups::read))
        // SCIM 2.0: RFC 7644 §4
        .route("/scim/v2/ServiceProviderConfig", get(discovery::service_provider_config))
        .route("/scim/v2/ResourceTypes", get(discovery::resource_types))
        .route("/scim/v2/ResourceTypes/{name}", get(discovery::resource_type))
        .route("/scim/v2/Schemas", get(discovery::schemas))
        .route("/scim/v2/Schemas/{id}", get(discovery::schema))
        // Our own control interface: docs/wire.md
        .route("/control/v1/decisions", get(control::decisions))
        .route("/control/v1/policies", put(control::replace_policies))
        .route("/control/v1/reset", post(control::reset))
        .route("/health", get(metadata::health))
        .layer(from_fn(request_id::echo))
        .with_state(state)
}
