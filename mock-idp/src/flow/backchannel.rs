//! Whom a client wants to log in without a browser, and how (OpenID Connect CIBA Core §7.1).
//!
//! Must not know the directory: whether there is such a person is asked afterwards.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::Deserialize;

use super::form::Parameters;
use crate::claims::Audience;
use crate::error::{Code, Refused};
use crate::keys::{KeyRing, TokenType};
use crate::store::Asked;

const CLAUSE: &str = "OpenID Connect CIBA Core section 7.1";
/// Fits on one line of a telephone, which it is made for.
const MAX_MESSAGE: usize = 64;

/// What an ID token says of its subject. It may be expired: it is a hint, not a key.
#[derive(Deserialize)]
struct Hint {
    iss: String,
    aud: Audience,
    sub: String,
}

/// Reads who is asked: exactly one hint says it.
pub(crate) fn asked(issuer: &str, keys: &KeyRing, client: &str, parameters: &Parameters) -> Result<Asked, Refused> {
    if parameters.get("request").is_some() {
        return Err(wrong("signed authentication requests are not supported: send the parameters themselves"));
    }
    let hints = ["login_hint", "id_token_hint", "login_hint_token"].map(|name| parameters.get(name));
    let user = match hints {
        [Some(name), None, None] => name.to_owned(),
        [None, Some(token), None] => subject(issuer, keys, client, token)?,
        [None, None, Some(_)] => {
            return Err(wrong("`login_hint_token` is not supported: send `login_hint` or `id_token_hint`"));
        }
        _ => return Err(wrong("exactly one of `login_hint` and `id_token_hint` says who is asked")),
    };
    Ok(Asked { user, binding_message: message(parameters)? })
}

/// How long the client wants to wait, at most as long as the provider does.
pub(crate) fn lifetime(parameters: &Parameters, longest: u32) -> Result<u32, Refused> {
    let Some(text) = parameters.get("requested_expiry") else { return Ok(longest) };
    match text.parse::<u32>() {
        Ok(seconds) if seconds > 0 => Ok(seconds.min(longest)),
        Ok(_) | Err(_) => Err(wrong("`requested_expiry` must be a number of seconds, 1 or more")),
    }
}

fn subject(issuer: &str, keys: &KeyRing, client: &str, token: &str) -> Result<String, Refused> {
    let payload = keys.verify(token, TokenType::Id);
    let hint = payload.and_then(|payload| serde_json::from_slice::<Hint>(&payload).ok());
    let hint = hint.filter(|hint| hint.iss == issuer && hint.aud.names().any(|name| name == client));
    hint.map(|hint| hint.sub).ok_or_else(|| wrong("`id_token_hint` is not an ID token of this issuer for this client"))
}

fn message(parameters: &Parameters) -> Result<Option<String>, Refused> {
    let Some(text) = parameters.get("binding_message") else { return Ok(None) };
    if text.chars().count() <= MAX_MESSAGE && !text.chars().any(char::is_control) {
        return Ok(Some(text.to_owned()));
    }
    let reason = format!("`binding_message` must have at most {MAX_MESSAGE} characters, on one line");
    Err(Refused::new(Code::InvalidBindingMessage, "OpenID Connect CIBA Core section 13", reason))
}

fn wrong(reason: &str) -> Refused {
    Refused::new(Code::InvalidRequest, CLAUSE, reason)
}
