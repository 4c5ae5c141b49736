//! AuthZEN bodies to questions, and answers to batches (AuthZEN 1.0 §6, §7).
//!
//! Pure: must not know HTTP or how a decision is made.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub(crate) mod search;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::json::Unambiguous;
use crate::policy::{Question, QuestionError};

/// How many questions a batch may hold: stops one request from keeping the server busy for minutes.
const MOST_ITEMS: usize = 1_000;

/// Why a request has no answer: its author is at fault.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("the content type must be `application/json`")]
    ContentType,
    #[error("the body is not a JSON object")]
    NotAnObject,
    #[error("the body is not JSON: {0}")]
    Syntax(serde_json::Error),
    #[error("the body is not an access request: {0}")]
    Shape(serde_json::Error),
    #[error("`evaluations` must be a list")]
    NotAList,
    #[error("`evaluations` holds more than {MOST_ITEMS} items")]
    TooMany,
    #[error("`evaluations_semantic` `{0}` is not known")]
    Semantic(String),
    #[error("`page` {0}")]
    Page(&'static str),
    #[error(transparent)]
    Question(#[from] QuestionError),
}

/// When a batch ends (AuthZEN 1.0 §7.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Semantic {
    #[default]
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}

/// A request to the batch endpoint.
pub(crate) enum Batch {
    /// No list, or an empty one: an ordinary question.
    Single(Box<Question>),
    Many {
        items: Vec<Result<Question, RequestError>>,
        semantic: Semantic,
    },
}

/// The JSON object in a body.
pub(crate) fn body(text: &[u8]) -> Result<Value, RequestError> {
    let Unambiguous(body) = serde_json::from_slice(text).map_err(RequestError::Syntax)?;
    if body.is_object() { Ok(body) } else { Err(RequestError::NotAnObject) }
}

/// The question in a body.
pub(crate) fn question(body: &Value) -> Result<Question, RequestError> {
    let subject = |key: &str| body.get(key).is_some_and(Value::is_array);
    // Serde would take a list for the fields of an object in order.
    if ["subject", "action", "resource"].into_iter().any(subject) {
        return Err(RequestError::NotAnObject);
    }
    Question::deserialize(body).map_err(RequestError::Shape)
}

/// The batch in a body; an item replaces whole objects of the defaults (AuthZEN 1.0 §7.1.1).
pub(crate) fn batch(body: &Value) -> Result<Batch, RequestError> {
    let items = match body.get("evaluations") {
        None => return Ok(Batch::Single(Box::new(question(body)?))),
        Some(Value::Array(items)) if items.is_empty() => return Ok(Batch::Single(Box::new(question(body)?))),
        Some(Value::Array(items)) if items.len() > MOST_ITEMS => return Err(RequestError::TooMany),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(RequestError::NotAList),
    };
    let semantic = match body.pointer("/options/evaluations_semantic") {
        None => Semantic::default(),
        Some(Value::String(name)) => semantic(name)?,
        Some(other) => return Err(RequestError::Semantic(other.to_string())),
    };
    let items = items.iter().map(|item| match item.as_object() {
        Some(item) => question(&with_defaults(body, item)),
        None => Err(RequestError::NotAnObject),
    });
    Ok(Batch::Many { items: items.collect(), semantic })
}

/// Answers in order; the list ends at the item that decides it. A bad item is a denial, with the reason beside it.
pub(crate) fn answers(
    items: Vec<Result<Question, RequestError>>,
    semantic: Semantic,
    decide: impl Fn(&Question) -> Result<bool, QuestionError>,
) -> Vec<Value> {
    let mut answers = Vec::new();
    for item in items {
        let answer = item.and_then(|question| Ok(decide(&question)?));
        answers.push(match &answer {
            Ok(allowed) => json!({ "decision": allowed }),
            Err(error) => json!({
                "decision": false,
                "context": { "error": { "status": 400, "message": error.to_string() } },
            }),
        });
        let ends_with = match semantic {
            Semantic::ExecuteAll => None,
            Semantic::DenyOnFirstDeny => Some(false),
            Semantic::PermitOnFirstPermit => Some(true),
        };
        if ends_with == Some(answer.unwrap_or(false)) {
            break;
        }
    }
    answers
}

fn semantic(name: &str) -> Result<Semantic, RequestError> {
    match name {
        "execute_all" => Ok(Semantic::ExecuteAll),
        "deny_on_first_deny" => Ok(Semantic::DenyOnFirstDeny),
        "permit_on_first_permit" => Ok(Semantic::PermitOnFirstPermit),
        other => Err(RequestError::Semantic(other.to_owned())),
    }
}

fn with_defaults(body: &Value, item: &Map<String, Value>) -> Value {
    let parts = ["subject", "action", "resource", "context"].into_iter();
    let chosen = parts.filter_map(|part| {
        let value = item.get(part).or_else(|| body.get(part))?;
        Some((part.to_owned(), value.clone()))
    });
    Value::Object(chosen.collect())
}
