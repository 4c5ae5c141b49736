//! A logout that a client asks for: whose, and where to go afterwards (OpenID Connect RP-Initiated Logout 1.0).
//!
//! Must not know sessions or pages.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::Deserialize;

use super::authorize::answer_url;
use super::form::Parameters;
use crate::claims::Audience;
use crate::error::{Code, Refused};
use crate::keys::{KeyRing, TokenType};
use crate::store::Clients;

const CLAUSE: &str = "OpenID Connect RP-Initiated Logout section 2";

/// A logout request that is right in every respect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogoutRequest {
    pub(crate) client_id: Option<String>,
    /// The session that the ID token names.
    pub(crate) sid: Option<String>,
    /// Where the browser goes afterwards, with the `state` in it.
    pub(crate) destination: Option<String>,
}

/// What an ID token says about its session. It may be long expired (§2): it is a hint, not a key.
#[derive(Deserialize)]
struct Hint {
    iss: String,
    aud: Audience,
    #[serde(default)]
    sid: Option<String>,
}

/// Reads a logout request. A destination is believed only of a client that registered exactly it (§3): everything else
/// is an open redirector.
pub(crate) fn parse(
    issuer: &str,
    keys: &KeyRing,
    clients: &Clients,
    parameters: &Parameters,
    now: i64,
) -> Result<LogoutRequest, Refused> {
    parameters.unrepeated()?;
    let hint = parameters.get("id_token_hint").map(|token| hint(issuer, keys, token)).transpose()?;
    let hinted = hint.as_ref().and_then(|hint| match &hint.aud {
        Audience::One(client) => Some(client.as_str()),
        Audience::Many(clients) => clients.first().map(String::as_str),
    });
    let client_id = match (hinted, parameters.get("client_id")) {
        (Some(hinted), Some(said)) if hinted != said => {
            return Err(refused("`client_id` is another client than the one that the ID token was issued to"));
        }
        (hinted, said) => hinted.or(said),
    };
    let destination = match parameters.get("post_logout_redirect_uri") {
        None => None,
        Some(uri) => {
            let id = client_id.ok_or_else(|| {
                refused(
                    "`post_logout_redirect_uri` needs an `id_token_hint` or a `client_id`: nobody else registered it",
                )
            })?;
            let client =
                clients.find(id, now).map(|found| found.client).ok_or_else(|| refused("there is no such client"))?;
            if !client.post_logout_redirect_uris.iter().any(|registered| registered == uri) {
                return Err(refused(
                    "`post_logout_redirect_uri` is not registered for this client; it is compared exactly",
                ));
            }
            let state: Vec<(&str, &str)> = parameters.get("state").map(|state| ("state", state)).into_iter().collect();
            Some(if state.is_empty() { uri.to_owned() } else { answer_url(uri, &state) })
        }
    };
    Ok(LogoutRequest { client_id: client_id.map(str::to_owned), sid: hint.and_then(|hint| hint.sid), destination })
}

fn hint(issuer: &str, keys: &KeyRing, token: &str) -> Result<Hint, Refused> {
    let payload = keys.verify(token, TokenType::Id);
    let hint: Option<Hint> = payload.and_then(|payload| serde_json::from_slice(&payload).ok());
    hint.filter(|hint| hint.iss == issuer)
        .ok_or_else(|| refused("`id_token_hint` is not an ID token of this issuer, or its key was retired"))
}

fn refused(reason: &str) -> Refused {
    Refused::new(Code::InvalidRequest, CLAUSE, reason)
}
