//! The page between login and client: a second factor, consent.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::input::Form;
use super::{authorize, login};
use crate::error::{Code, Refused};
use crate::flow::authorize::AuthorizationRequest;
use crate::flow::steps::{self, Chosen, Step};
use crate::journal::Note;
use crate::pages;
use crate::state::Provider;
use crate::store::{Key, Kind};

/// Goes on with a person: asks what is still to be asked, or answers the client.
pub(crate) async fn go_on(
    provider: &Provider,
    request: &AuthorizationRequest,
    login: &str,
    chosen: Chosen,
    note: Note,
) -> Response {
    let key = Key::of(Kind::Login, login);
    let now = provider.now();
    let step = {
        let mut ledger = provider.store.ledger();
        let step = steps::next(provider.front(), &ledger, request, &chosen);
        match step {
            Some(_) => {
                if let Some(pending) = ledger.logins.get_mut(&key, now) {
                    pending.chosen = Some(chosen.clone());
                }
            }
            // Answered once: of two that try, one gets it.
            None if ledger.logins.take(&key, now).is_none() => {
                let refused = login::expired();
                return pages::error(&refused, Note::refused(&refused));
            }
            None => {}
        }
        step
    };
    match step {
        Some(step) => pages::confirm(step, request, login, &chosen.user, note.subject(&chosen.user)),
        None => authorize::finish(provider, request, chosen, note).await,
    }
}

/// Takes the answer to the page.
pub(crate) async fn post(State(provider): State<Arc<Provider>>, headers: HeaderMap, form: Form) -> Response {
    let pending = match login::pending(&provider, &headers, &form.parameters) {
        Ok(pending) => pending,
        Err(refused) => return pages::error(&refused, Note::refused(&refused).with(&form.parameters)),
    };
    let Some(mut chosen) = pending.chosen else {
        let refused = login::expired();
        return pages::error(&refused, Note::refused(&refused));
    };
    let login = form.parameters.get("login").unwrap_or_default();
    let step = steps::next(provider.front(), &provider.store.ledger(), &pending.request, &chosen);
    let said = form.parameters.get("decision").unwrap_or_default();
    match (step, said) {
        (Some(Step::SecondFactor), "pass") => chosen.second_factor = true,
        (Some(Step::Consent), "allow") => {
            chosen.consent = true;
            steps::agree(&mut provider.store.ledger(), &pending.request, &chosen.user);
        }
        (step, _) => return denied(&provider, &pending.request, login, step),
    }
    let note = Note::outcome("confirmed, code issued").with(&form.parameters);
    match authorize::still_there(&provider, &chosen.user).await {
        Ok(()) => go_on(&provider, &pending.request, login, chosen, note).await,
        Err(refused) => {
            authorize::refuse(&provider, &pending.request.return_address(), &refused, Note::refused(&refused))
        }
    }
}

fn denied(provider: &Provider, request: &AuthorizationRequest, login: &str, step: Option<Step>) -> Response {
    provider.store.ledger().logins.take(&Key::of(Kind::Login, login), provider.now());
    let reason = match step {
        Some(Step::SecondFactor) => "the second factor failed",
        Some(Step::Consent) | None => "the person did not agree",
    };
    let refused = Refused::new(Code::AccessDenied, "RFC 6749 section 4.1.2.1", reason);
    authorize::refuse(provider, &request.return_address(), &refused, Note::refused(&refused))
}
