//! What the authorization endpoint shall give (OAuth 2.0 Multiple Response Type Encoding Practices).
//!
//! Everything but a code is a legacy: tokens in a redirect leak (RFC 9700 §2.1.2), so it is there to be looked at, on request.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use crate::config::{Config, Grant, LegacyFlow};
use crate::error::{Code, Refused};
use crate::findings::{Leniency, Relaxation};
use crate::store::Found;

/// The words of `response_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ResponseType {
    pub(crate) code: bool,
    pub(crate) token: bool,
    pub(crate) id_token: bool,
}

impl ResponseType {
    /// The only one that RFC 9700 leaves.
    pub(crate) const CODE: Self = Self { code: true, token: false, id_token: false };

    /// Those that are announced when a flow is switched on.
    pub(crate) fn of(flow: LegacyFlow) -> &'static [&'static str] {
        match flow {
            LegacyFlow::Implicit => &["id_token", "token", "id_token token"],
            LegacyFlow::Hybrid => &["code id_token", "code token", "code id_token token"],
            LegacyFlow::Password => &[],
        }
    }

    /// Reads the words, whose order does not matter (§3).
    fn read(text: &str) -> Option<Self> {
        let words: BTreeSet<&str> = text.split(' ').collect();
        let known = ["code", "token", "id_token"];
        let repeated = words.len() != text.split(' ').count();
        if repeated || words.iter().any(|word| !known.contains(word)) {
            return None;
        }
        let [code, token, id_token] = known.map(|word| words.contains(word));
        Some(Self { code, token, id_token })
    }

    /// The legacy that a response type belongs to.
    fn legacy(self) -> Option<LegacyFlow> {
        match (self.code, self.token || self.id_token) {
            (true, false) => None,
            (true, true) => Some(LegacyFlow::Hybrid),
            (false, _) => Some(LegacyFlow::Implicit),
        }
    }

    /// Whether the answer stands behind the `#` of the address, where a server does not see it (§5).
    pub(crate) fn in_fragment(self) -> bool {
        self.token || self.id_token
    }
}

/// Whether the answer to this request, a refusal too, belongs behind the `#`.
pub(crate) fn in_fragment(config: &Config, text: Option<&str>) -> bool {
    let asked = text.and_then(ResponseType::read);
    asked.is_some_and(|asked| asked.legacy().is_some_and(|flow| config.legacy_flows.contains(&flow)))
}

/// The response type that is asked for, if the provider does it and the client may. Each use of a legacy is a finding.
pub(crate) fn parse(
    config: &Config,
    found: &Found,
    text: &str,
    leniency: &Leniency<'_>,
) -> Result<ResponseType, Refused> {
    let unsupported = || {
        let reason = "`response_type` must be `code`: tokens in a redirect leak, so the implicit and the hybrid flow are \
                      off unless `legacy_flows` switches them on";
        Refused::new(Code::UnsupportedResponseType, "RFC 9700 section 2.1.2", reason)
    };
    let asked = ResponseType::read(text).ok_or_else(unsupported)?;
    let flow = asked.legacy();
    if flow.is_some_and(|flow| !config.legacy_flows.contains(&flow)) {
        return Err(unsupported());
    }
    let needed = if asked.code { Grant::AuthorizationCode } else { Grant::Implicit };
    if !found.client.grants.contains(&needed) {
        let reason = format!("the client `{}` is not registered for the grant type `{}`", found.id, needed.as_str());
        let refused = Refused::new(Code::UnauthorizedClient, "RFC 6749 section 4.1.2.1", reason);
        leniency.let_through(Relaxation::UnregisteredGrant, &found.id, refused)?;
    }
    if asked.token && found.client.dpop_bound_access_tokens {
        let reason = "a token in a redirect is bound to no key, and the client is registered for DPoP";
        return Err(Refused::new(Code::InvalidRequest, "RFC 9449 section 5.2", reason));
    }
    let used = match flow {
        Some(LegacyFlow::Implicit) => Relaxation::ImplicitFlow,
        Some(LegacyFlow::Hybrid) => Relaxation::HybridFlow,
        Some(LegacyFlow::Password) | None => return Ok(asked),
    };
    let reason = "tokens in a redirect leak through history, logs and referrers; use the code flow with PKCE";
    leniency.note(used, &found.id, &Refused::new(Code::InvalidRequest, "RFC 9700 section 2.1.2", reason));
    Ok(asked)
}

/// What an ID token in a redirect needs besides (OpenID Connect Core §3.2.2.1): who asks must be able to tell a replayed one.
pub(crate) fn check_id_token(asked: ResponseType, scope: &str, nonce: Option<&str>) -> Result<(), Refused> {
    let wrong = |reason| Err(Refused::new(Code::InvalidRequest, "OpenID Connect Core section 3.2.2.1", reason));
    match (asked.id_token, super::scope::contains(scope, "openid"), nonce) {
        (false, ..) | (true, true, Some(_)) => Ok(()),
        (true, false, _) => wrong("an ID token needs the scope `openid`"),
        (true, true, None) => wrong("an ID token in a redirect needs a `nonce`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_read_in_any_order_and_others_are_none() {
        let hybrid = ResponseType { code: true, token: true, id_token: true };
        assert_eq!(ResponseType::read("token code id_token"), Some(hybrid));
        assert_eq!(ResponseType::read("code"), Some(ResponseType::CODE));
        for text in ["", "none", "code code", "code  token", "Code"] {
            assert_eq!(ResponseType::read(text), None, "{text}");
        }
    }
}
