//! The metadata of the protocols beyond the core (RFC 8414 §2 and the registries of their RFCs), and the description of
//! protected resources (RFC 9728). Announces what works with this configuration, and nothing else.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::respond;
use crate::config::{AuthMethod, Grant, LegacyFlow};
use crate::error::{Code, Refused};
use crate::flow::form::Parameters;
use crate::journal::Note;
use crate::jwk::ALGORITHMS;
use crate::state::Provider;

/// Members that are laid over those of the core.
pub(crate) fn metadata(provider: &Provider) -> Map<String, Value> {
    let config = &provider.config;
    let methods = AuthMethod::ALL.map(AuthMethod::as_str);
    let proving: Vec<&str> = methods.into_iter().filter(|method| *method != "none").collect();
    let signatures: Vec<&str> = ALGORITHMS.into_iter().chain(["HS256"]).collect();
    let mut members = Map::new();
    let mut add = |name: &str, value: Value| members.insert(name.to_owned(), value);
    let legacy = config.legacy_flows.iter().filter_map(|flow| match flow {
        LegacyFlow::Implicit => Some(Grant::Implicit),
        LegacyFlow::Password => Some(Grant::Password),
        LegacyFlow::Hybrid => None,
    });
    let grants: Vec<&str> = Grant::ALL.into_iter().chain(legacy).map(Grant::as_str).collect();
    add("grant_types_supported", json!(grants));
    for endpoint in ["token", "revocation"] {
        add(&format!("{endpoint}_endpoint_auth_methods_supported"), json!(methods));
        add(&format!("{endpoint}_endpoint_auth_signing_alg_values_supported"), json!(signatures));
    }
    add("introspection_endpoint_auth_methods_supported", json!(proving));
    add("introspection_endpoint_auth_signing_alg_values_supported", json!(signatures));
    add("introspection_signing_alg_values_supported", json!([provider.keys.standard()])); // RFC 9701 §7
    add("device_authorization_endpoint", json!(provider.url("/device_authorization"))); // RFC 8628 §4
    add("backchannel_authentication_endpoint", json!(provider.url("/backchannel_authentication"))); // CIBA Core §4
    add("backchannel_token_delivery_modes_supported", json!(["poll"]));
    add("backchannel_user_code_parameter_supported", json!(false));
    add("pushed_authorization_request_endpoint", json!(provider.url("/par"))); // RFC 9126 §5
    add("require_pushed_authorization_requests", json!(config.require_pushed_authorization_requests));
    add("request_parameter_supported", json!(true)); // RFC 9101 §10.5
    // RFC 9126 §2: only references of our own, which are announced by the endpoint above.
    add("request_uri_parameter_supported", json!(false));
    add("require_signed_request_object", json!(config.require_signed_request_object));
    add("request_object_signing_alg_values_supported", json!(ALGORITHMS));
    add("dpop_signing_alg_values_supported", json!(ALGORITHMS)); // RFC 9449 §5.1
    if !config.resources.is_empty() {
        add("protected_resources", json!(config.resources.keys().collect::<Vec<_>>())); // RFC 9728 §4
    }
    if !config.acr_values.is_empty() {
        add("acr_values_supported", json!(config.acr_values)); // RFC 9470 §7
    }
    if !config.authorization_details_types.is_empty() {
        add("authorization_details_types_supported", json!(config.authorization_details_types)); // RFC 9396 §10
    }
    if config.registration.is_some() {
        add("registration_endpoint", json!(provider.url("/register")));
    }
    if config.client_documents.is_some() {
        add("client_id_metadata_document_supported", json!(true));
    }
    members
}

/// `GET /resources/metadata?resource=…`: what an API can give out under its own `/.well-known/oauth-protected-resource`
/// (RFC 9728 §2), so that it need not be written twice.
pub(crate) async fn resource(State(provider): State<Arc<Provider>>, RawQuery(query): RawQuery) -> Response {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes());
    let [id] = parameters.all("resource") else {
        let reason = "name one API by the parameter `resource`";
        let refused = Refused::new(Code::InvalidRequest, "RFC 9728 section 2", reason);
        return respond::refused(&refused, Note::refused(&refused));
    };
    let Some(resource) = provider.config.resources.get(id) else {
        let reason = format!("the resource `{id}` is not known; add it to `resources` in the configuration");
        let refused = Refused::new(Code::NotFound, "RFC 9728 section 2", reason);
        return respond::refused(&refused, Note::refused(&refused));
    };
    let mut document = json!({
        "resource": id,
        "authorization_servers": [provider.config.issuer],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": ALGORITHMS,
        "dpop_bound_access_tokens_required": resource.dpop_bound_access_tokens_required,
    });
    if let Some(members) = document.as_object_mut() {
        let mut add = |name: &str, value: Value| members.insert(name.to_owned(), value);
        if !resource.scopes.is_empty() {
            add("scopes_supported", json!(resource.scopes));
        }
        if let Some(name) = &resource.name {
            add("resource_name", json!(name));
        }
        if !provider.config.authorization_details_types.is_empty() {
            add("authorization_details_types_supported", json!(provider.config.authorization_details_types));
        }
    }
    respond::private_json(StatusCode::OK, &document, Note::outcome("resource described"))
}
