//! The page for the person whose device waits (RFC 8628 §3.3). Must not know what an answer does.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::{Card, STYLE, card};
use crate::directory::User;
use crate::journal::Note;
use crate::store::DeviceRecord;

/// One page, four moments: type the code, answer, a second factor, done.
#[derive(Template)]
#[template(path = "device.html")]
pub(crate) struct DevicePage<'a> {
    style: &'static str,
    notice: Option<String>,
    done: Option<&'static str>,
    question: Option<Question<'a>>,
    factor: Option<Factor<'a>>,
    /// Logins that clients began for somebody (CIBA): nobody has a code to type.
    waiting: Vec<&'a DeviceRecord>,
}

/// Who has to pass a second factor, for which device.
struct Factor<'a> {
    user: &'a str,
    user_code: &'a str,
    proof: &'a str,
}

/// What the device wants.
struct Question<'a> {
    client_id: &'a str,
    scope: &'a str,
    details: Option<String>,
    user_code: &'a str,
    proof: &'a str,
    people: Vec<Card<'a>>,
    /// Whether a client asks, and not a device.
    of_client: bool,
    binding_message: Option<&'a str>,
}

impl<'a> DevicePage<'a> {
    /// Asks for the code.
    pub(crate) fn enter(notice: Option<String>, pending: &'a [DeviceRecord]) -> Self {
        let waiting = pending.iter().filter(|record| record.asked.is_some()).collect();
        Self { style: STYLE, notice, done: None, question: None, factor: None, waiting }
    }

    /// Asks whether the device may go on, and as whom.
    pub(crate) fn question(record: &'a DeviceRecord, proof: &'a str, people: &'a [User]) -> Self {
        let question = Question {
            client_id: &record.client_id,
            scope: &record.scope,
            details: record.terms.authorization_details.as_ref().map(|details| details.to_string()),
            user_code: &record.user_code,
            proof,
            people: people.iter().map(card).collect(),
            of_client: record.asked.is_some(),
            binding_message: record.asked.as_ref().and_then(|asked| asked.binding_message.as_deref()),
        };
        Self { style: STYLE, notice: None, done: None, question: Some(question), factor: None, waiting: Vec::new() }
    }

    /// Asks who agreed for a second factor.
    pub(crate) fn second_factor(user_code: &'a str, user: &'a str, proof: &'a str) -> Self {
        let factor = Some(Factor { user, user_code, proof });
        Self { style: STYLE, notice: None, done: None, question: None, factor, waiting: Vec::new() }
    }

    /// Says what became of it.
    pub(crate) fn done(text: &'static str) -> Self {
        Self { style: STYLE, notice: None, done: Some(text), question: None, factor: None, waiting: Vec::new() }
    }
}

/// Shows the page, whose forms lead only back here.
pub(crate) fn show(page: &DevicePage<'_>, status: StatusCode, note: Note) -> Response {
    super::show(page, status, "'self'", note)
}
