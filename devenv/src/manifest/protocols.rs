//! Settings of the provider that the manifest passes on: keys, shapes and places, as data.
//!
//! Must not know what a setting does; the provider refuses what makes no sense together, when the plan is made.

use std::time::Duration;

use serde_json::{Map, Value};

use super::decode::{Context, Fields};
use super::tree::Node;

/// What stands under a key.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Flag,
    Word,
    Words,
    /// `10m` here, seconds there.
    Duration,
    /// Passed on as it is: public keys, lists by names of the team's own.
    Json,
    Mapping(Keys),
    /// A mapping with names of the team's own, each with these keys.
    Named(Keys),
}

/// A key here, its name in the provider's configuration, and what stands under it.
pub(super) type Keys = &'static [(&'static str, &'static str, Shape)];

/// Of a client.
pub(super) const CLIENT: Keys = &[
    ("auth_method", "auth_method", Shape::Word),
    ("jwks", "jwks", Shape::Json),
    ("require_pushed_authorization_requests", "require_pushed_authorization_requests", Shape::Flag),
    ("require_signed_request_object", "require_signed_request_object", Shape::Flag),
    ("dpop_bound_access_tokens", "dpop_bound_access_tokens", Shape::Flag),
    ("resources", "resources", Shape::Words),
    ("token_exchange", "token_exchange", Shape::Mapping(TOKEN_EXCHANGE)),
    ("id_token_signed_response_alg", "id_token_signed_response_alg", Shape::Word),
    ("post_logout_redirect_uris", "post_logout_redirect_uris", Shape::Words),
    ("backchannel_logout_uri", "backchannel_logout_uri", Shape::Word),
    ("frontchannel_logout_uri", "frontchannel_logout_uri", Shape::Word),
    ("consent", "consent", Shape::Flag),
];

/// Of the provider.
pub(super) const IDP: Keys = &[
    ("resources", "resources", Shape::Named(RESOURCE)),
    ("require_pushed_authorization_requests", "require_pushed_authorization_requests", Shape::Flag),
    ("require_signed_request_object", "require_signed_request_object", Shape::Flag),
    ("dpop", "dpop", Shape::Mapping(DPOP)),
    ("device_authorization", "device_authorization", Shape::Mapping(DEVICE_AUTHORIZATION)),
    ("trusted_issuers", "trusted_issuers", Shape::Named(TRUSTED_ISSUER)),
    ("registration", "registration", Shape::Mapping(REGISTRATION)),
    ("client_documents", "client_documents", Shape::Mapping(CLIENT_DOCUMENTS)),
    ("acr_values", "acr_values", Shape::Words),
    ("authorization_details_types", "authorization_details_types", Shape::Words),
    ("mode", "mode", Shape::Word),
    ("keys", "keys", Shape::Mapping(KEYS)),
    ("login", "login", Shape::Mapping(LOGIN)),
    ("claims", "claims", Shape::Json),
];

const TOKEN_EXCHANGE: Keys = &[
    ("subject_audiences", "subject_audiences", Shape::Words),
    ("audiences", "audiences", Shape::Words),
    ("impersonation", "impersonation", Shape::Flag),
    ("actors", "actors", Shape::Words),
    ("added_scopes", "added_scopes", Shape::Words),
];
const RESOURCE: Keys = &[
    ("name", "name", Shape::Word),
    ("scopes", "scopes", Shape::Words),
    ("dpop_bound_access_tokens_required", "dpop_bound_access_tokens_required", Shape::Flag),
];
const DPOP: Keys = &[("nonce", "nonce", Shape::Flag), ("lifetime", "lifetime_seconds", Shape::Duration)];
const DEVICE_AUTHORIZATION: Keys =
    &[("lifetime", "lifetime_seconds", Shape::Duration), ("interval", "interval_seconds", Shape::Duration)];
const TRUSTED_ISSUER: Keys = &[("jwks", "jwks", Shape::Json), ("clients", "clients", Shape::Words)];
/// Without `pem` and `directory`: a private key belongs in no manifest, and a directory is the machine's.
const KEYS: Keys = &[("algorithm", "algorithm", Shape::Word), ("also", "also", Shape::Words)];
const LOGIN: Keys = &[("second_factor", "second_factor", Shape::Flag)];
const REGISTRATION: Keys = &[
    ("open", "open", Shape::Flag),
    ("lifetime", "lifetime_seconds", Shape::Duration),
    ("scopes", "scopes", Shape::Words),
];
const CLIENT_DOCUMENTS: Keys = &[
    ("origins", "origins", Shape::Words),
    ("lifetime", "lifetime_seconds", Shape::Duration),
    ("scopes", "scopes", Shape::Words),
];

/// The settings that are written, under the provider's names.
pub(super) fn read(context: &mut Context<'_>, fields: &mut Fields<'_>, keys: Keys) -> Map<String, Value> {
    let mut settings = Map::new();
    for (key, name, shape) in keys {
        if let Some(value) = fields.take(key).and_then(|node| value(context, node, key, *shape)) {
            settings.insert((*name).to_owned(), value);
        }
    }
    settings
}

fn value(context: &mut Context<'_>, node: &Node, key: &str, shape: Shape) -> Option<Value> {
    match shape {
        Shape::Flag => context.boolean(node).map(Value::from),
        Shape::Word => context.word(node).map(Value::from),
        Shape::Words => Some(Value::from(context.one_or_list(node, |context, node| context.word(node)))),
        Shape::Duration => match context.duration(node) {
            Some(duration) if duration < Duration::from_secs(1) => {
                context.error(node.position, format!("`{key}` must be at least a second"));
                None
            }
            duration => duration.map(|duration| Value::from(duration.as_secs())),
        },
        Shape::Json => Some(node.to_json()),
        Shape::Mapping(keys) => mapping(context, node, key, keys),
        Shape::Named(keys) => {
            let named = context.all_named(node, |context, entry| {
                if entry.value.is_null() {
                    return Some(Value::Object(Map::new()));
                }
                mapping(context, &entry.value, &entry.key, keys)
            });
            Some(Value::Object(named.into_iter().collect()))
        }
    }
}

fn mapping(context: &mut Context<'_>, node: &Node, key: &str, keys: Keys) -> Option<Value> {
    let mut fields = Fields::of(context, node, &format!("`{key}`"))?;
    let settings = read(context, &mut fields, keys);
    fields.finish(context);
    Some(Value::Object(settings))
}
