//! The page that asks for a second factor or for consent. Must not know when it is needed.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use crate::flow::authorize::AuthorizationRequest;
use crate::flow::steps::Step;
use crate::journal::Note;

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage<'a> {
    style: &'static str,
    is_consent: bool,
    login: &'a str,
    user: &'a str,
    client_id: &'a str,
    scopes: Vec<&'a str>,
}

/// Asks.
pub(crate) fn confirm(step: Step, request: &AuthorizationRequest, login: &str, user: &str, note: Note) -> Response {
    let scopes = request.scope.split(' ').filter(|scope| !scope.is_empty()).collect();
    let page = ConfirmPage {
        style: super::STYLE,
        is_consent: step == Step::Consent,
        login,
        user,
        client_id: &request.client_id,
        scopes,
    };
    super::show(&page, StatusCode::OK, &super::form_targets(&request.redirect_uri), note.client(&request.client_id))
}
