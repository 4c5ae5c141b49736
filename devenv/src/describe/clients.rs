//! The clients of the manifest as the tests act as them: what they have and may do, and what the tests cannot do for
//! them. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use security_tests::Secret;
use security_tests::target::{Client, GrantType, SecretMethod};
use serde_json::{Map, Value};

use crate::manifest::{Client as Written, Idp, Manifest};

/// The registered clients, by name.
pub(super) fn clients(manifest: &Manifest, idp: &Idp, secrets: &BTreeMap<String, String>) -> BTreeMap<String, Client> {
    let lower = |(name, written): (&String, &Written)| (name.clone(), client(written, idp, secrets.get(name)));
    manifest.identity.clients.iter().map(lower).collect()
}

fn client(written: &Written, idp: &Idp, secret: Option<&String>) -> Client {
    let own = &written.settings;
    let either = |name: &str| flag(own, name) || flag(&idp.settings, name);
    let method = own.get("auth_method").and_then(Value::as_str);
    Client {
        secret: written.confidential.then(|| Secret::new(secret.cloned().unwrap_or_default())),
        secret_method: match method {
            Some("client_secret_basic") => Some(SecretMethod::Basic),
            Some("client_secret_post") => Some(SecretMethod::Post),
            _ => None,
        },
        redirect_uris: written.redirect_uris.clone(),
        grants: written.grants.iter().filter_map(|grant| grant_type(grant)).collect(),
        scopes: written.scopes.clone(),
        must_push: either("require_pushed_authorization_requests"),
        no_login: first(&[
            (
                either("require_signed_request_object"),
                "its requests must be signed with a key that the tests do not have",
            ),
            (flag(own, "consent"), "it asks people for consent, and nobody is there to give it"),
        ]),
        no_proof: first(&[
            (method == Some("private_key_jwt"), "it proves itself with a key that the tests do not have"),
            (
                method == Some("client_secret_jwt"),
                "it proves itself with a signed assertion, which the tests do not make",
            ),
            (flag(own, "dpop_bound_access_tokens"), "its tokens are bound to a key, and the tests send no proofs"),
        ]),
    }
}

fn flag(settings: &Map<String, Value>, name: &str) -> bool {
    settings.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn first(reasons: &[(bool, &str)]) -> Option<String> {
    reasons.iter().find(|(holds, _)| *holds).map(|(_, reason)| (*reason).to_owned())
}

fn grant_type(name: &str) -> Option<GrantType> {
    match name {
        "authorization_code" => Some(GrantType::AuthorizationCode),
        "refresh_token" => Some(GrantType::RefreshToken),
        "client_credentials" => Some(GrantType::ClientCredentials),
        "device_code" => Some(GrantType::DeviceCode),
        _ => None,
    }
}
