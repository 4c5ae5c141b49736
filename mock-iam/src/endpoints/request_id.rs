//! `X-Request-ID` is echoed verbatim (AuthZEN 1.0 §10.1.3). Must not know what is asked.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Copies the header from each request to its response, whatever the outcome.
pub(crate) async fn echo(request: Request, next: Next) -> Response {
    let id = request.headers().get(X_REQUEST_ID).cloned();
    let mut response = next.run(request).await;
    if let Some(id) = id {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    response
}

/// The identifier of a request, if it has one.
pub(super) fn of(headers: &HeaderMap) -> Option<String> {
    headers.get(X_REQUEST_ID).map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned())
}
