//! What goes wrong, and what the client is told of it (RFC 9457, RFC 6750 §3): the cause goes to the log, never to the
//! client. Must not know when something is wrong.

use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::order::InvalidOrder;
use crate::step_up::StepUp;

/// Why a request is not served.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// No token. RFC 6750 §3.1: such an answer names no error code.
    #[error("this operation needs a bearer token")]
    Unauthenticated,
    /// A token that the provider does not vouch for, or that is meant for another API.
    #[error("the access token is not valid")]
    InvalidToken,
    /// Credentials that can be read in two ways: which one a proxy checked is anybody's guess.
    #[error("exactly one Authorization header is allowed")]
    AmbiguousCredentials,
    /// The right user, but too weakly or too long ago (RFC 9470 §3).
    #[error("this operation needs a second factor, not long ago")]
    WeakAuthentication(StepUp),
    /// Nobody to whom this order could be given.
    #[error("the order cannot be given to this user")]
    Recipient,
    /// The IAM says no.
    #[error("you may not do this")]
    Forbidden,
    /// No such order, or none that the caller may know of.
    #[error("no such order")]
    NotFound,
    /// A body that is no JSON of the right shape.
    #[error("{}", .0.body_text())]
    Unreadable(#[from] JsonRejection),
    /// JSON that lacks a field or has one of a wrong type.
    #[error("the body does not fit: {0}")]
    Shape(#[from] serde_json::Error),
    /// A body of the right shape with impossible values.
    #[error(transparent)]
    Invalid(#[from] InvalidOrder),
    /// Something that the answer depends on does not answer. Fail closed: without a decision nothing is done.
    #[error("a service that this one needs does not answer")]
    Unavailable(#[from] Unavailable),
    /// Only the deliberate flaw `server-error` does this.
    #[error("the token parser broke")]
    Broken,
}

/// Who does not answer, for the log.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// No connection, no answer in time, or an answer that cannot be read.
    #[error("{service} does not answer")]
    Unreachable {
        /// Which service.
        service: &'static str,
        /// Why.
        source: reqwest::Error,
    },
    /// An answer that is no answer.
    #[error("{service} answers with status {status}")]
    Status {
        /// Which service.
        service: &'static str,
        /// What it said.
        status: reqwest::StatusCode,
    },
    /// Metadata of another issuer, which RFC 8414 §3.3 forbids to use: stops mix-up.
    #[error("the provider's metadata names the issuer `{found}`, not `{expected}`")]
    OtherIssuer {
        /// The configured issuer.
        expected: String,
        /// What the metadata says.
        found: String,
    },
    /// The store.
    #[error("the database does not answer")]
    Database(#[from] sqlx::Error),
}

#[derive(Serialize)]
struct Body {
    title: &'static str,
    status: u16,
    detail: String,
}

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated | Self::InvalidToken | Self::WeakAuthentication(_) => StatusCode::UNAUTHORIZED,
            Self::Recipient | Self::AmbiguousCredentials | Self::Shape(_) | Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Unreadable(rejection) => rejection.status(),
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The challenge of RFC 6750 §3, with the error code of §3.1 where the request had credentials.
    fn challenge(&self) -> Option<String> {
        match self {
            Self::Unauthenticated => Some("Bearer".to_owned()),
            Self::InvalidToken => Some("Bearer error=\"invalid_token\"".to_owned()),
            Self::AmbiguousCredentials => Some("Bearer error=\"invalid_request\"".to_owned()),
            Self::WeakAuthentication(StepUp { acr, max_age }) => Some(format!(
                "Bearer error=\"insufficient_user_authentication\", acr_values=\"{acr}\", max_age=\"{max_age}\""
            )),
            Self::Recipient
            | Self::Forbidden
            | Self::NotFound
            | Self::Unreadable(_)
            | Self::Shape(_)
            | Self::Invalid(_)
            | Self::Unavailable(_)
            | Self::Broken => None,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if let Self::Unavailable(cause) = &self {
            tracing::error!(cause = %cause, detail = ?std::error::Error::source(cause), "refused for lack of an answer");
        }
        let status = self.status();
        let title = status.canonical_reason().unwrap_or("Problem");
        let body = Body { title, status: status.as_u16(), detail: self.to_string() };
        let mut response = (status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(challenge) = self.challenge().and_then(|challenge| HeaderValue::try_from(challenge).ok()) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
