//! What one client may do and how it proves who it is.
//!
//! Must not know where clients are kept.

use serde::{Deserialize, Serialize};

use super::Grant;
use crate::jwk::JwkSet;
use crate::keys::Algorithm;
use crate::secret::Secret;

/// A registered client.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// The secret of a confidential client; a public client has none (RFC 6749 §2.1).
    #[serde(default)]
    pub secret: Option<Secret>,
    /// Redirect URIs, compared as exact strings (RFC 9700 §2.1).
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Grants that the client may use, as in `grant_types` of RFC 7591 §2.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// Scopes that the client may ask for.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The one way in which the client authenticates (`token_endpoint_auth_method` of RFC 7591 §2). Without it: a client
    /// with a secret may send it either way, one with only keys uses `private_key_jwt`, any other is public.
    #[serde(default)]
    pub auth_method: Option<AuthMethod>,
    /// Public keys of the client, for `private_key_jwt` and signed request objects (RFC 7591 §2 `jwks`).
    #[serde(default)]
    pub jwks: Option<JwkSet>,
    /// Authorization requests must be pushed (RFC 9126 §6).
    #[serde(default)]
    pub require_pushed_authorization_requests: bool,
    /// Authorization requests must be signed (RFC 9101 §10.5).
    #[serde(default)]
    pub require_signed_request_object: bool,
    /// Token requests must carry a DPoP proof (RFC 9449 §5.2).
    #[serde(default)]
    pub dpop_bound_access_tokens: bool,
    /// Resources that the client may ask tokens for (RFC 8707); empty: each that is configured.
    #[serde(default)]
    pub resources: Vec<String>,
    /// What the client may do with the token exchange grant (RFC 8693); without it, nothing.
    #[serde(default)]
    pub token_exchange: Option<TokenExchange>,
    /// What its ID tokens are signed with; without it, as everything else here.
    #[serde(default)]
    pub id_token_signed_response_alg: Option<Algorithm>,
    /// Where a person may be sent after a logout, compared as exact strings (OpenID Connect RP-Initiated Logout §3.1).
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// Where logout tokens are sent (OpenID Connect Back-Channel Logout §2.2).
    #[serde(default)]
    pub backchannel_logout_uri: Option<String>,
    /// What the logout page loads in a frame (OpenID Connect Front-Channel Logout §2).
    #[serde(default)]
    pub frontchannel_logout_uri: Option<String>,
    /// Whether the person is asked to agree to what the client wants.
    #[serde(default)]
    pub consent: bool,
}

impl Client {
    /// The methods by which the client may authenticate.
    pub(crate) fn auth_methods(&self) -> &'static [AuthMethod] {
        match self.auth_method {
            Some(AuthMethod::None) => &[AuthMethod::None],
            Some(AuthMethod::ClientSecretBasic) => &[AuthMethod::ClientSecretBasic],
            Some(AuthMethod::ClientSecretPost) => &[AuthMethod::ClientSecretPost],
            Some(AuthMethod::ClientSecretJwt) => &[AuthMethod::ClientSecretJwt],
            Some(AuthMethod::PrivateKeyJwt) => &[AuthMethod::PrivateKeyJwt],
            None if self.secret.is_some() => &[AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost],
            None if self.jwks.is_some() => &[AuthMethod::PrivateKeyJwt],
            None => &[AuthMethod::None],
        }
    }

    /// Whether the client cannot prove who it is (RFC 6749 §2.1).
    pub(crate) fn is_public(&self) -> bool {
        self.auth_methods() == [AuthMethod::None]
    }

    /// What no client can be, in words that follow "the client".
    pub(crate) fn problem(&self) -> Option<&'static str> {
        if self.secret.as_ref().is_some_and(|secret| secret.expose().is_empty()) {
            return Some("has an empty secret; leave it out for a public client");
        }
        let (secret, keys) = (self.secret.is_some(), self.jwks.is_some());
        match self.auth_method {
            Some(AuthMethod::None) if secret => return Some("has a secret that `auth_method: none` never uses"),
            Some(AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost | AuthMethod::ClientSecretJwt)
                if !secret =>
            {
                return Some("needs a `secret` for its `auth_method`");
            }
            Some(AuthMethod::PrivateKeyJwt) if !keys => return Some("needs `jwks` for `auth_method: private_key_jwt`"),
            Some(_) | None => {}
        }
        if self.auth_method == Some(AuthMethod::ClientSecretJwt)
            && self.secret.as_ref().is_some_and(|secret| secret.expose().len() < 32)
        {
            // RFC 7518 §3.2: a key as long as the hash, so that one captured assertion does not give the secret away.
            return Some("needs a `secret` of at least 32 characters for `client_secret_jwt`");
        }
        if self.require_signed_request_object && !keys {
            return Some("needs `jwks` for `require_signed_request_object`");
        }
        None
    }
}

/// How a client proves who it is, by its registered name (OpenID Connect Core §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// It does not: a public client.
    None,
    /// The secret in the `Authorization` header (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// The secret in the body (RFC 6749 §2.3.1).
    ClientSecretPost,
    /// An assertion under an HMAC with the secret (RFC 7523 §2.2).
    ClientSecretJwt,
    /// An assertion signed with a key of the client (RFC 7523 §2.2).
    PrivateKeyJwt,
}

impl AuthMethod {
    /// Every method that works here.
    pub(crate) const ALL: [Self; 5] =
        [Self::None, Self::ClientSecretBasic, Self::ClientSecretPost, Self::ClientSecretJwt, Self::PrivateKeyJwt];

    /// The registered name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }
}

/// What a client may exchange into what (RFC 8693). Nothing is allowed that is not named here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenExchange {
    /// Audiences whose tokens the client may bring, beside tokens that were issued to itself.
    #[serde(default)]
    pub subject_audiences: Vec<String>,
    /// Audiences that it may get tokens for.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// Whether it may become the subject without naming itself as actor (RFC 8693 §1.1).
    #[serde(default)]
    pub impersonation: bool,
    /// Subjects that may act for somebody through this client (the `sub` of the actor token).
    #[serde(default)]
    pub actors: Vec<String>,
    /// Scopes that the exchange may add to those of the subject token.
    #[serde(default)]
    pub added_scopes: Vec<String>,
}
