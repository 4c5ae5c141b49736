//! Every route on one page, each with the clause that defines it. Must not know what the endpoints do.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, post, put};

use crate::endpoints::{
    access, control, discovery, emit, events, explain, faults, github, groups, me, metadata, request_id, scim, search,
    search_directory, sts, users, world,
};
use crate::state::State;

/// The whole server as a service, without a socket.
pub fn app(state: State) -> Router {
    let resource = put(world::put_resource).patch(world::patch_resource).delete(world::delete_resource);
    Router::new()
        // AuthZEN 1.0 §6 to §9
        .route("/access/v1/evaluation", post(access::evaluation))
        .route("/access/v1/evaluations", post(access::evaluations))
        .route("/access/v1/search/subject", post(search::subject))
        .route("/access/v1/search/resource", post(search::resource))
        .route("/access/v1/search/action", post(search::action))
        .route("/.well-known/authzen-configuration", get(metadata::authzen))
        .route("/.well-known/authzen-configuration/{*path}", get(metadata::authzen_below))
        .nest("/scim/v2", directory())
        // OpenID SSF 1.0 §7, §8; RFC 8936
        .route("/.well-known/ssf-configuration", get(events::configuration))
        .route("/ssf/v1/jwks", get(events::keys))
        .route(
            "/ssf/v1/streams",
            get(events::read).post(events::create).patch(events::update).put(events::update).delete(events::delete),
        )
        .route("/ssf/v1/status", get(events::status).post(events::set_status))
        .route("/ssf/v1/subjects/{change}", post(events::subjects))
        .route("/ssf/v1/verify", post(events::verify))
        .route("/ssf/v1/poll/{stream}", post(events::poll))
        // GitHub Actions' OpenID provider
        .route("/github/token", get(github::token))
        .route("/github/.well-known/openid-configuration", get(github::configuration))
        .route("/github/.well-known/jwks", get(github::keys))
        // AWS STS, query protocol 2011-06-15; SDKs add the final slash
        .route("/sts", get(sts::call).post(sts::call))
        .route("/sts/", get(sts::call).post(sts::call))
        // Our own control interface: docs/wire.md
        .route("/control/v1/decisions", get(control::decisions))
        .route(
            "/control/v1/policies",
            get(control::policies).put(control::replace_policies).delete(control::restore_policies),
        )
        .route("/control/v1/events", post(emit::emit))
        .route("/control/v1/explain", post(explain::explain))
        .route("/control/v1/reset", post(control::reset))
        .route("/control/v1/circumstances", get(world::circumstances).put(world::put_circumstances))
        .route("/control/v1/resources", get(world::resources))
        .route("/control/v1/resources/{type}/{id}", resource)
        .route("/control/v1/faults", get(faults::list).post(faults::add).delete(faults::clear))
        .route("/control/v1/faults/{id}", delete(faults::cancel))
        .route("/health", get(metadata::health))
        .layer(from_fn_with_state(state.clone(), faults::strike))
        .layer(from_fn(request_id::echo))
        .with_state(state)
}

/// SCIM 2.0 below its base.
fn directory() -> Router<State> {
    let user = get(users::read).put(users::replace).patch(users::patch).delete(users::delete);
    let group = get(groups::read).put(groups::replace).patch(groups::patch).delete(groups::delete);
    let me = get(me::read).put(me::replace).patch(me::patch).delete(me::delete);
    Router::new()
        // RFC 7644 §3.3 to §3.6
        .route("/Users", get(users::list).post(users::create))
        .route("/Users/{id}", user)
        .route("/Groups", get(groups::list).post(groups::create))
        .route("/Groups/{id}", group)
        // RFC 7644 §3.4.2.1, §3.4.3
        .route("/", get(search_directory::list))
        .route("/.search", post(search_directory::of_all))
        .route("/Users/.search", post(search_directory::of_users))
        .route("/Groups/.search", post(search_directory::of_groups))
        // RFC 7644 §3.11
        .route("/Me", me)
        // RFC 7644 §4
        .route("/ServiceProviderConfig", get(discovery::service_provider_config))
        .route("/ResourceTypes", get(discovery::resource_types))
        .route("/ResourceTypes/{name}", get(discovery::resource_type))
        .route("/Schemas", get(discovery::schemas))
        .route("/Schemas/{id}", get(discovery::schema))
        .fallback(scim::not_found)
        .method_not_allowed_fallback(scim::not_allowed)
}
