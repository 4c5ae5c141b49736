//! The journal as a page: a plain list, newest first. Must not know how entries come about.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use crate::journal::{Entry, Note};

#[derive(Template)]
#[template(path = "journal.html")]
struct JournalPage<'a> {
    style: &'static str,
    issuer: &'a str,
    entries: &'a [Entry],
    findings: usize,
}

/// Shows these entries.
pub(crate) fn journal(issuer: &str, entries: &[Entry], findings: usize) -> Response {
    let page = JournalPage { style: super::STYLE, issuer, entries, findings };
    super::show(&page, StatusCode::OK, "'none'", Note::default())
}
