//! The control API: everything that a test may do to the provider. Must not know who may use it: `guard` decided that.

pub(crate) mod claims;
pub(crate) mod clock;
pub(crate) mod devices;
pub(crate) mod faults;
pub(crate) mod journal;
pub(crate) mod keys;
pub(crate) mod mint;
pub(crate) mod owned;
pub(crate) mod sessions;
pub(crate) mod snapshot;

use axum::extract::Request;
use axum::response::Response;
use serde::de::DeserializeOwned;

use super::{input, respond};
use crate::error::{Code, Refused};
use crate::journal::Note;

/// Reads an order: declared JSON of this shape and nothing else.
async fn read<T: DeserializeOwned>(request: Request) -> Result<T, Response> {
    let is_json = input::media_type(request.headers()).as_deref() == Some("application/json");
    let body = input::body(request, &()).await?;
    if !is_json {
        return Err(answer(&wrong("the body must be `application/json`")));
    }
    // Serde takes a list for a structure without names.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(answer(&wrong("the order cannot be read: it is no JSON object")));
    }
    serde_json::from_slice(&body).map_err(|error| answer(&wrong(format!("the order cannot be read: {error}"))))
}

fn wrong(reason: impl Into<String>) -> Refused {
    Refused::new(Code::InvalidRequest, "control API", reason)
}

fn missing(reason: impl Into<String>) -> Refused {
    Refused::new(Code::NotFound, "control API", reason)
}

fn answer(refused: &Refused) -> Response {
    respond::refused(refused, Note::refused(refused))
}
