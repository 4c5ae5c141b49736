//! What came in: headers and a bounded body, read once, with protocol errors for whatever is wrong with it.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::Response;

use super::respond;
use crate::error::{Code, Refused};
use crate::flow::form::Parameters;
use crate::journal::Note;

/// A client that sends its form slower than this is no client: stops it from holding a connection.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A posted form with the header that may authenticate its sender.
pub(crate) struct Form {
    pub(crate) parameters: Parameters,
    pub(crate) authorization: Option<String>,
    /// The proof of possession, at most one (RFC 9449 §4.3 item 1).
    pub(crate) dpop: Option<String>,
    pub(crate) accept: Option<String>,
}

/// The header of RFC 9449 §4.1.
pub(crate) const DPOP: HeaderName = HeaderName::from_static("dpop");

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let answer = |refused: Refused| respond::refused(&refused, Note::refused(&refused));
        // RFC 6749 §2.3.1: credentials in a URI end in logs and histories.
        if request.uri().query().is_some_and(|query| !query.is_empty()) {
            let reason = "parameters belong into the body, not into the query of the URL";
            return Err(answer(Refused::new(Code::InvalidRequest, "RFC 6749 section 3.2", reason)));
        }
        if media_type(request.headers()).as_deref() != Some("application/x-www-form-urlencoded") {
            let reason = "the body must be `application/x-www-form-urlencoded`";
            return Err(answer(Refused::new(Code::InvalidRequest, "RFC 6749 section 3.2", reason)));
        }
        let authorization = single(request.headers(), &header::AUTHORIZATION).map_err(answer)?;
        let dpop = single(request.headers(), &DPOP).map_err(answer)?;
        let accept = single(request.headers(), &header::ACCEPT).ok().flatten();
        let body = body(request, state).await?;
        Ok(Self { parameters: Parameters::parse(&body), authorization, dpop, accept })
    }
}

/// The whole body, within the limit and in time.
pub(crate) async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Response> {
    let read = tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, state)).await;
    match read {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(rejection)) => {
            let error = Refused::new(Code::InvalidRequest, "RFC 9110 section 15.5.14", rejection.body_text());
            let mut response = respond::refused(&error, Note::refused(&error));
            *response.status_mut() = rejection.status();
            Err(response)
        }
        Err(_) => {
            let error = Refused::new(Code::InvalidRequest, "RFC 9110 section 15.5.9", "the body came too slowly");
            let mut response = respond::refused(&error, Note::refused(&error));
            *response.status_mut() = axum::http::StatusCode::REQUEST_TIMEOUT;
            Err(response)
        }
    }
}

/// The value of a header that may come once: two values mean two readers, who may believe different ones.
pub(crate) fn single(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Refused> {
    let refused = |reason: &str| {
        Refused::new(Code::InvalidRequest, "RFC 9110 section 5.3", format!("the header `{name}` {reason}"))
    };
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(refused("came more than once"));
    }
    value.to_str().map(|text| Some(text.to_owned())).map_err(|_| refused("has characters outside ASCII"))
}

/// The media type without its parameters, in lower case.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = single(headers, &header::CONTENT_TYPE).ok()??;
    value.split(';').next().map(|essence| essence.trim().to_ascii_lowercase())
}
