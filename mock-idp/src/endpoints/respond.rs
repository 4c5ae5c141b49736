//! The shapes of answers. Must not know which endpoint answers.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::{Code, Refused};
use crate::journal::Note;
use crate::jwk::ALGORITHMS;

/// JSON that nobody may keep: tokens and what is said about them (RFC 6749 §5.1).
pub(crate) fn private_json(status: StatusCode, body: &impl Serialize, note: Note) -> Response {
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    noted(response, note)
}

/// An error as JSON (RFC 6749 §5.2).
pub(crate) fn refused(refused: &Refused, note: Note) -> Response {
    let body = json!({"error": refused.code.as_str(), "error_description": refused.description()});
    let mut response = private_json(status(refused.code), &body, note);
    let challenge = match refused.code {
        // RFC 6749 §5.2 wants the scheme of the client; RFC 9110 §15.5.2 wants a challenge with every 401.
        Code::InvalidClient => HeaderValue::from_static("Basic realm=\"client\", charset=\"UTF-8\""),
        _ => return response,
    };
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

/// An error of a resource, as a challenge (RFC 6750 §3). A request without any token learns no error code (§3.1).
pub(crate) fn bearer_challenge(refused: Option<&Refused>) -> Response {
    let (status, challenge, body, note) = match refused {
        None => (StatusCode::UNAUTHORIZED, "Bearer".to_owned(), Value::Null, Note::outcome("no token")),
        Some(refused) => {
            let (code, description) = (refused.code.as_str(), refused.description());
            // RFC 9449 §7.1: what is wrong with a proof is a challenge of its own scheme.
            let (status, scheme, more) = match refused.code {
                Code::InvalidDpopProof | Code::UseDpopNonce => {
                    (StatusCode::UNAUTHORIZED, "DPoP", format!(", algs=\"{}\"", ALGORITHMS.join(" ")))
                }
                other => (status(other), "Bearer", String::new()),
            };
            (
                status,
                format!("{scheme} error=\"{code}\", error_description=\"{description}\"{more}"),
                json!({"error": code, "error_description": description}),
                Note::refused(refused),
            )
        }
    };
    let mut response = private_json(status, &body, note);
    let challenge = HeaderValue::try_from(challenge).unwrap_or(HeaderValue::from_static("Bearer"));
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

/// A text that nobody may keep, of a media type of its own.
pub(crate) fn text(media_type: &'static str, body: String, note: Note) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    noted((headers, body).into_response(), note)
}

/// Sends the browser on, with a GET whatever it came with (RFC 9700 §4.12: 307 would carry a posted form along).
pub(crate) fn redirect(location: &str, note: Note) -> Response {
    let Ok(location) = HeaderValue::try_from(location) else {
        let broken = Refused::internal("a redirect address that no header can carry");
        return self::refused(&broken, Note::refused(&broken));
    };
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    noted((StatusCode::SEE_OTHER, headers).into_response(), note)
}

/// Gives the journal something to say about an answer.
pub(crate) fn noted(mut response: Response, note: Note) -> Response {
    response.extensions_mut().insert(note);
    response
}

/// The HTTP status of an error code.
pub(crate) fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Nothing is here.
pub(crate) async fn not_found() -> Response {
    let error = Refused::new(
        Code::NotFound,
        "RFC 8414 section 3",
        "no such endpoint; /.well-known/openid-configuration lists those that exist",
    );
    refused(&error, Note::refused(&error))
}

/// Headers for every answer: whatever it is, a browser must not guess its type.
pub(crate) async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let name: HeaderName = header::X_CONTENT_TYPE_OPTIONS;
    response.headers_mut().insert(name, HeaderValue::from_static("nosniff"));
    response
}
