//! The faults that can be ordered, by name. Must not know how one is made.
//!
//! Names follow the relying-party tests of the OpenID Foundation where those have one.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::{Deserialize, Serialize};

/// Where a fault appears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// In an ID token of a token response.
    IdToken,
    /// In a token response around the tokens.
    TokenResponse,
    /// In the redirect back to the client.
    AuthorizationResponse,
    /// In the metadata document.
    Discovery,
    /// In the key set.
    Jwks,
    /// In the claims of a person.
    Userinfo,
    /// On the way, at any endpoint or at one that is named.
    Transport,
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Described {
    pub(crate) name: &'static str,
    pub(crate) stage: Stage,
    /// What the provider does.
    pub(crate) does: &'static str,
    /// The clause that a sound client follows when it notices.
    pub(crate) clause: &'static str,
    #[serde(skip)]
    pub(crate) fault: Fault,
}

macro_rules! faults {
    ($($fault:ident $stage:ident $name:literal $does:literal $clause:literal;)*) => {
        /// A fault by its name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub(crate) enum Fault { $(#[serde(rename = $name)] $fault,)* }

        /// Every fault there is.
        pub(crate) const CATALOGUE: &[Described] = &[
            $(Described { name: $name, stage: Stage::$stage, does: $does, clause: $clause, fault: Fault::$fault },)*
        ];
    };
}

faults! {
    InvalidIss IdToken "invalid-iss" "`iss` is another issuer" "OpenID Connect Core section 3.1.3.7 (2)";
    MissingIss IdToken "missing-iss" "there is no `iss`" "OpenID Connect Core section 2";
    InvalidAud IdToken "invalid-aud" "`aud` is another client" "OpenID Connect Core section 3.1.3.7 (3)";
    MissingAud IdToken "missing-aud" "there is no `aud`" "OpenID Connect Core section 2";
    InvalidAzp IdToken "invalid-azp" "`aud` lists another client too, and `azp` is that one" "OpenID Connect Core section 3.1.3.7 (5)";
    MissingAzp IdToken "missing-azp" "`aud` lists another client too, and there is no `azp`" "OpenID Connect Core section 3.1.3.7 (4)";
    MissingSub IdToken "missing-sub" "there is no `sub`" "OpenID Connect Core section 2";
    Expired IdToken "expired" "`exp` is an hour ago" "OpenID Connect Core section 3.1.3.7 (9)";
    MissingExp IdToken "missing-exp" "there is no `exp`" "OpenID Connect Core section 2";
    InvalidIat IdToken "invalid-iat" "`iat` is tomorrow" "OpenID Connect Core section 3.1.3.7 (10)";
    MissingIat IdToken "missing-iat" "there is no `iat`" "OpenID Connect Core section 2";
    InvalidNonce IdToken "invalid-nonce" "`nonce` is not the one that was sent" "OpenID Connect Core section 3.1.3.7 (11)";
    MissingNonce IdToken "missing-nonce" "there is no `nonce`" "OpenID Connect Core section 3.1.3.7 (11)";
    InvalidAtHash IdToken "invalid-at-hash" "`at_hash` belongs to another access token" "OpenID Connect Core section 3.1.3.8";
    MissingAtHash IdToken "missing-at-hash" "there is no `at_hash` (allowed with the code flow: a client may go on)" "OpenID Connect Core section 3.1.3.6";
    InvalidAcr IdToken "invalid-acr" "`acr` is weaker than any that is asked for" "OpenID Connect Core section 3.1.3.7 (12)";
    OldAuthTime IdToken "old-auth-time" "`auth_time` is a day ago, whatever `max_age` says" "OpenID Connect Core section 3.1.3.7 (13)";
    SignatureNone IdToken "idtoken-sig-none" "`alg` is `none`, and there is no signature" "RFC 8725 section 3.2";
    SignatureHs256 IdToken "idtoken-sig-hs256-public-key" "HS256 with the published key as the secret" "RFC 8725 section 3.1";
    InvalidSignature IdToken "invalid-sig" "one bit of the signature is turned" "OpenID Connect Core section 3.1.3.7 (6)";
    OtherKeySameKid IdToken "invalid-sig-other-key" "signed with an unpublished key under a published `kid`" "OpenID Connect Core section 3.1.3.7 (6)";
    UnknownKid IdToken "unknown-kid" "signed with an unpublished key under its own `kid`" "OpenID Connect Core section 10.1";
    KidAbsent IdToken "kid-absent-multiple-jwks" "no `kid`, and several keys of the algorithm are published" "OpenID Connect Core section 10.1";
    OtherAlgorithm IdToken "idtoken-sig-other-alg" "signed with a published key of an algorithm that the client did not register" "OpenID Connect Core section 3.1.3.7 (7)";
    IdTokenMissing TokenResponse "id-token-missing" "there is no `id_token` although `openid` was granted" "OpenID Connect Core section 3.1.3.3";
    TokenTypeWrong TokenResponse "invalid-token-type" "`token_type` is `N_A`" "RFC 6749 section 7.1";
    TokenTypeMissing TokenResponse "missing-token-type" "there is no `token_type`" "RFC 6749 section 5.1";
    AccessTokenMissing TokenResponse "missing-access-token" "there is no `access_token`" "RFC 6749 section 5.1";
    ScopeWidened TokenResponse "scope-changed" "`scope` is not what was asked for" "RFC 6749 section 3.3";
    StateMissing AuthorizationResponse "missing-state" "there is no `state`" "RFC 6749 section 4.1.2";
    StateWrong AuthorizationResponse "invalid-state" "`state` is not the one that was sent" "RFC 6749 section 10.12";
    ResponseIssWrong AuthorizationResponse "invalid-response-iss" "`iss` is another issuer (mix-up)" "RFC 9207 section 2.4";
    ResponseIssMissing AuthorizationResponse "missing-response-iss" "there is no `iss` although the metadata promises it" "RFC 9207 section 2.4";
    CodeMissing AuthorizationResponse "missing-code" "there is neither `code` nor `error`" "RFC 6749 section 4.1.2";
    CallbackDuplicated AuthorizationResponse "duplicate-callback-parameters" "`code` and `state` come twice, with different values" "RFC 6749 section 3.1";
    CallbackReplayed AuthorizationResponse "replayed-callback" "the client's previous callback comes again, with its old `state` and used `code`; without one, this one is sent" "RFC 9700 section 4.7";
    RedirectLoop Transport "redirect-loop" "the browser is sent to the authorization endpoint again and again" "RFC 9110 section 15.4";
    DiscoveryIssuer Discovery "discovery-issuer-mismatch" "`issuer` is another one" "OpenID Connect Discovery section 4.3";
    DiscoveryNoJwks Discovery "discovery-jwks-uri-missing" "there is no `jwks_uri`" "OpenID Connect Discovery section 3";
    JwksUnreachable Jwks "jwks-unreachable" "503 without keys" "OpenID Connect Core section 10.1";
    JwksEmpty Jwks "jwks-empty" "a set of no keys" "RFC 7517 section 5";
    UserinfoSub Userinfo "userinfo-invalid-sub" "`sub` is somebody else" "OpenID Connect Core section 5.3.2";
    UserinfoNoSub Userinfo "userinfo-missing-sub" "there is no `sub`" "OpenID Connect Core section 5.3.2";
    Slow Transport "slow" "the answer waits (`delay_ms`, by default 3000, at most 60000)" "RFC 9110 section 9.2.2";
    ServerError Transport "server-error" "500 with a page, nothing is done" "RFC 9110 section 15.6.1";
    Unavailable Transport "service-unavailable" "503 with `Retry-After: 1`, nothing is done" "RFC 9110 section 15.6.4";
    TooManyRequests Transport "too-many-requests" "429 with `Retry-After: 1`, nothing is done" "RFC 6585 section 4";
    Reset Transport "connection-reset" "the connection breaks in the middle of the answer" "RFC 9112 section 8";
    MalformedJson Transport "malformed-json" "the answer's JSON is cut in half" "RFC 8259 section 2";
    ContentType Transport "invalid-content-type" "the answer says that it is `text/html`" "RFC 6749 section 5.1";
}

impl Fault {
    /// The catalogue's line about it.
    pub(crate) fn described(self) -> Option<&'static Described> {
        CATALOGUE.iter().find(|line| line.fault == self)
    }

    /// The fault of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        CATALOGUE.iter().find(|line| line.name == name).map(|line| line.fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_found_by_its_name_and_no_name_is_given_twice() {
        for line in CATALOGUE {
            assert_eq!(Fault::named(line.name), Some(line.fault));
            assert_eq!(line.fault.described(), Some(line));
        }
        assert_eq!(Fault::named("no-such-fault"), None);
    }
}
