//! Some operations want to know that it was really the user, just now: a second factor, and not long ago (RFC 9470). Must
//! not know which operations those are.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::provider::Caller;

/// How a user must have authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepUp {
    /// Authentication context class (OpenID Connect Core §2, `acr`).
    pub acr: &'static str,
    /// How long ago at most, in seconds.
    pub max_age: i64,
}

impl StepUp {
    /// Whether a caller's authentication is strong and recent enough; what a token does not say, did not happen.
    #[must_use]
    pub fn is_met(&self, caller: &Caller, now: i64) -> bool {
        let recent = caller.authenticated.is_some_and(|at| at <= now + 60 && now - at <= self.max_age);
        caller.acr.as_deref() == Some(self.acr) && recent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weak_an_old_and_an_unknown_authentication_are_not_enough() {
        let mfa = StepUp { acr: "mfa", max_age: 900 };
        let met = |acr: Option<&str>, authenticated: Option<i64>| {
            let caller = Caller { acr: acr.map(str::to_owned), authenticated, ..Caller::default() };
            mfa.is_met(&caller, 10_000)
        };
        assert!(met(Some("mfa"), Some(9_500)) && met(Some("mfa"), Some(9_100)));
        assert!(!met(Some("pwd"), Some(9_500)) && !met(None, Some(9_500)));
        assert!(!met(Some("mfa"), Some(9_099)) && !met(Some("mfa"), None) && !met(Some("mfa"), Some(20_000)));
    }
}
