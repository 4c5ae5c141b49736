//! The two endpoints that take statements about sessions: security events of the IAM by push (RFC 8935), logout tokens of
//! the provider (OpenID Connect Back-Channel Logout 1.0 §2.5). Must not know how a statement is verified.

use axum::Form;
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::{FormRejection, StringRejection};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::problem::Unavailable;
use crate::sessions::Heard;
use crate::statement::{Kind, Unbelievable};

/// The body of a logout request.
#[derive(Debug, Deserialize)]
pub(crate) struct Logout {
    logout_token: String,
}

/// `POST /events/ssf`
pub(crate) async fn receive_event(
    State(app): State<App>,
    headers: HeaderMap,
    body: Result<String, StringRejection>,
) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let token = body.ok().filter(|_| kind == Some("application/secevent+jwt"));
    hear(&app, Kind::Event, token.as_deref()).await
}

/// `POST /logout/backchannel`
pub(crate) async fn receive_logout(State(app): State<App>, body: Result<Form<Logout>, FormRejection>) -> Response {
    let token = body.ok().map(|Form(logout)| logout.logout_token);
    hear(&app, Kind::Logout, token.as_deref()).await
}

async fn hear(app: &App, kind: Kind, token: Option<&str>) -> Response {
    let now = jiff::Timestamp::now().as_second();
    let statement = match app.verify(kind, token.unwrap_or_default(), now).await {
        Ok(Ok(statement)) => statement,
        Ok(Err(why)) => return refused(kind, why),
        Err(cause) => return unavailable(&cause),
    };
    if app.flaws.ignores(kind) {
        return heard(kind);
    }
    match app.sessions.hear(statement, now) {
        Heard::New | Heard::Again => heard(kind),
        Heard::Full => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// RFC 8935 §2.2; Back-Channel Logout §2.8.
fn heard(kind: Kind) -> Response {
    match kind {
        Kind::Event => StatusCode::ACCEPTED.into_response(),
        Kind::Logout => StatusCode::OK.into_response(),
    }
}

/// RFC 8935 §2.3 and §2.4; Back-Channel Logout §2.8.
fn refused(kind: Kind, why: Unbelievable) -> Response {
    tracing::warn!(?kind, %why, "a statement about a session is not believed");
    let body = match (kind, why) {
        (Kind::Event, Unbelievable::Signature) => {
            json!({"err": "authentication_failed", "description": why.to_string()})
        }
        (Kind::Event, _) => json!({"err": "invalid_request", "description": why.to_string()}),
        (Kind::Logout, _) => json!({"error": "invalid_request", "error_description": why.to_string()}),
    };
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

/// Without keys nobody knows: the sender tries again.
fn unavailable(cause: &Unavailable) -> Response {
    tracing::error!(%cause, "a statement about a session cannot be verified");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}
