//! What can go wrong: [`Error`] stops the server from starting, [`Refused`] is the answer to one request.
//!
//! Must not know HTTP: where an error is shown (redirect, page, JSON) is decided in `endpoints`.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// The provider cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration is not YAML or JSON of the right shape.
    #[error("the configuration cannot be read: {0}")]
    ConfigSyntax(String),
    /// The configuration has the right shape and says something impossible.
    #[error("the configuration is wrong: {0}")]
    Config(String),
    /// The signing key is unusable. The key itself is never part of the message.
    #[error("the signing key cannot be used: {problem}")]
    Key {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No key could be made.
    #[error("no signing key could be made: the system's random number generator failed")]
    KeyGeneration,
    /// The client that asks the directory could not be made.
    #[error("the directory client cannot be made: {0}")]
    Directory(String),
    /// The certificates for HTTPS cannot be made or used.
    #[error("HTTPS cannot be served: {0}")]
    Tls(String),
    /// The listening socket failed.
    #[error("the server stopped: {0}")]
    Serve(#[from] std::io::Error),
}

/// An error code of the protocols, by its standard name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// RFC 6749 §4.1.2.1, §5.2.
    InvalidRequest,
    /// RFC 6749 §5.2.
    InvalidClient,
    /// RFC 6749 §5.2.
    InvalidGrant,
    /// RFC 6749 §4.1.2.1, §5.2.
    UnauthorizedClient,
    /// RFC 6749 §5.2.
    UnsupportedGrantType,
    /// RFC 6749 §4.1.2.1.
    UnsupportedResponseType,
    /// RFC 6749 §4.1.2.1, §5.2.
    InvalidScope,
    /// RFC 6749 §4.1.2.1.
    AccessDenied,
    /// RFC 6749 §4.1.2.1.
    ServerError,
    /// RFC 6749 §4.1.2.1.
    TemporarilyUnavailable,
    /// OpenID Connect Core §3.1.2.6.
    ConsentRequired,
    /// OpenID Connect Core §3.1.2.6.
    InteractionRequired,
    /// OpenID Connect Core §3.1.2.6.
    LoginRequired,
    /// OpenID Connect Core §3.1.2.6.
    RegistrationNotSupported,
    /// RFC 9101 §6.
    InvalidRequestObject,
    /// RFC 9101 §6, RFC 9126 §4.
    InvalidRequestUri,
    /// RFC 8707 §2, RFC 8693 §2.2.2.
    InvalidTarget,
    /// RFC 9396 §5.
    InvalidAuthorizationDetails,
    /// OpenID Connect Core Error Code unmet_authentication_requirements 1.0, RFC 9470 §5.
    UnmetAuthenticationRequirements,
    /// RFC 8628 §3.5.
    AuthorizationPending,
    /// RFC 8628 §3.5.
    SlowDown,
    /// RFC 8628 §3.5.
    ExpiredToken,
    /// RFC 8628 §3.5: `access_denied` at the token endpoint, whose errors have the status 400.
    DeniedByPerson,
    /// OpenID Connect CIBA Core §13.
    UnknownUserId,
    /// OpenID Connect CIBA Core §13.
    InvalidBindingMessage,
    /// RFC 9449 §5.
    InvalidDpopProof,
    /// RFC 9449 §8.
    UseDpopNonce,
    /// RFC 7591 §3.2.2.
    InvalidRedirectUri,
    /// RFC 7591 §3.2.2.
    InvalidClientMetadata,
    /// RFC 6750 §3.1.
    InvalidToken,
    /// RFC 6750 §3.1.
    InsufficientScope,
    /// Nothing is here; used by no protocol, only by our own pages and control API.
    NotFound,
}

impl Code {
    /// The code as it is sent.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::LoginRequired => "login_required",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::DeniedByPerson => "access_denied",
            Self::UnknownUserId => "unknown_user_id",
            Self::InvalidBindingMessage => "invalid_binding_message",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::NotFound => "not_found",
        }
    }

    /// The HTTP status where the error is a direct answer, not a redirect.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::InvalidClient | Self::InvalidToken => 401,
            Self::AccessDenied | Self::InsufficientScope => 403,
            Self::NotFound => 404,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            Self::InvalidRequest
            | Self::InvalidGrant
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::UnsupportedResponseType
            | Self::InvalidScope
            | Self::ConsentRequired
            | Self::InteractionRequired
            | Self::LoginRequired
            | Self::InvalidRequestObject
            | Self::InvalidRequestUri
            | Self::InvalidTarget
            | Self::InvalidAuthorizationDetails
            | Self::UnmetAuthenticationRequirements
            | Self::AuthorizationPending
            | Self::SlowDown
            | Self::ExpiredToken
            | Self::DeniedByPerson
            | Self::UnknownUserId
            | Self::InvalidBindingMessage
            | Self::InvalidDpopProof
            | Self::UseDpopNonce
            | Self::InvalidRedirectUri
            | Self::InvalidClientMetadata
            | Self::RegistrationNotSupported => 400,
        }
    }
}

/// A refused request: the standard code, what was wrong in words that teach, and the clause to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: Code,
    reason: String,
    clause: &'static str,
}

impl Refused {
    /// `reason` may quote the request; it is made safe when it is shown.
    pub(crate) fn new(code: Code, clause: &'static str, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), clause }
    }

    /// The clause to read.
    pub(crate) fn section(&self) -> &'static str {
        self.clause
    }

    /// An inner failure: the cause goes to the log, not to the client.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed inside");
        Self::new(Code::ServerError, "RFC 6749 section 4.1.2.1", "the provider failed inside, its log says why")
    }

    /// `error_description` in the only characters it may have (RFC 6749 §5.2), cut to a readable length.
    pub(crate) fn description(&self) -> String {
        let full = format!("{} ({})", self.reason, self.clause);
        full.chars().take(MAX_DESCRIPTION).map(allowed_in_description).collect()
    }
}

/// Stops a request from filling the logs and pages of others with its own text.
const MAX_DESCRIPTION: usize = 400;

fn allowed_in_description(character: char) -> char {
    match character {
        '"' | '\\' => '\'',
        ' '..='~' => character,
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_only_the_characters_that_rfc_6749_allows() {
        let refused =
            Refused::new(Code::InvalidRequest, "RFC 6749 section 5.2", "bad \"value\"\\ \u{e9}\r\nX-Header: 1");
        assert_eq!(refused.description(), "bad 'value'' ???X-Header: 1 (RFC 6749 section 5.2)");
    }
}
