//! AuthZEN search bodies to searches, and what is found to pages of it (AuthZEN 1.0 §8).
//!
//! Pure: must not know HTTP or how a search is made.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{RequestError, question};
use crate::policy::{Question, Search};

/// The longest page, and the usual one.
const LONGEST_PAGE: usize = 1_000;

/// A search with the page that is asked for.
#[derive(Debug)]
pub(crate) struct Request {
    /// What is looked for is empty in it.
    pub(crate) question: Question,
    page: Page,
    /// Of everything that must stay the same from page to page.
    digest: String,
}

#[derive(Debug, Default)]
struct Page {
    /// The request speaks of pages: so does the answer.
    asked: bool,
    limit: Option<usize>,
    /// What the page before ended with.
    after: Option<String>,
}

/// What a token says; opaque to callers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    after: String,
    limit: usize,
    digest: String,
}

/// The search in a body.
///
/// # Errors
/// What a caller got wrong.
pub(crate) fn request(search: Search, body: &Value) -> Result<Request, RequestError> {
    let mut asked = body.as_object().cloned().unwrap_or_default();
    // What is looked for has no identifier, and one that is there is ignored (AuthZEN 1.0 §8.4 to §8.6).
    match search {
        Search::Subject => blank(&mut asked, "subject"),
        Search::Resource => blank(&mut asked, "resource"),
        Search::Action => drop(asked.insert("action".to_owned(), json!({ "name": "" }))),
    }
    let page = asked.remove("page");
    let asked = Value::Object(asked);
    let question = question(&asked)?;
    let properties = page.as_ref().and_then(|page| page.get("properties"));
    let parts = ["subject", "action", "resource", "context"].map(|part| asked.get(part));
    let digest = digest(&json!([format!("{search:?}"), parts, properties]));
    Ok(Request { question, page: read_page(page.as_ref(), &digest)?, digest })
}

impl Request {
    /// The answer: one page of what was found, sorted.
    pub(crate) fn answer(&self, found: &[String], show: impl Fn(&str) -> Value) -> Value {
        let limit = self.page.limit.unwrap_or(LONGEST_PAGE).min(LONGEST_PAGE);
        let total = found.len();
        let rest = found.iter().filter(|name| self.page.after.as_ref().is_none_or(|after| *name > after));
        let rest: Vec<&String> = rest.collect();
        let page: Vec<&String> = rest.iter().take(limit).copied().collect();
        let results: Vec<Value> = page.iter().map(|name| show(name)).collect();
        let complete = page.len() == rest.len();
        if complete && !self.page.asked {
            return json!({ "results": results });
        }
        let next = match complete {
            true => String::new(),
            false => self.token(page.last().map_or(self.page.after.as_deref(), |last| Some(last.as_str())), limit),
        };
        json!({ "page": { "next_token": next, "count": results.len(), "total": total }, "results": results })
    }

    fn token(&self, after: Option<&str>, limit: usize) -> String {
        let token = Token { after: after.unwrap_or_default().to_owned(), limit, digest: self.digest.clone() };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).unwrap_or_default())
    }
}

fn blank(body: &mut Map<String, Value>, part: &str) {
    if let Some(Value::Object(entity)) = body.get_mut(part) {
        entity.insert("id".to_owned(), "".into());
        entity.remove("properties");
    }
}

fn read_page(page: Option<&Value>, digest: &str) -> Result<Page, RequestError> {
    let page = match page {
        None => return Ok(Page::default()),
        Some(Value::Object(page)) => page,
        Some(_) => return Err(RequestError::Page("must be an object")),
    };
    let limit = match page.get("limit") {
        None => None,
        Some(limit) => {
            let limit = limit.as_u64().and_then(|limit| usize::try_from(limit).ok());
            Some(limit.ok_or(RequestError::Page("has a `limit` that is not a whole number from 0"))?)
        }
    };
    if page.get("properties").is_some_and(|properties| !properties.is_object()) {
        return Err(RequestError::Page("has `properties` that are not an object"));
    }
    match page.get("token") {
        None => Ok(Page { asked: true, limit, after: None }),
        Some(Value::String(token)) if token.is_empty() => Ok(Page { asked: true, limit, after: None }),
        Some(Value::String(token)) => {
            let token = read_token(token).ok_or(RequestError::Page("has a `token` that is none of ours"))?;
            // AuthZEN 1.0 §8.2: from page to page, nothing else may change.
            if token.digest != digest || limit.is_some_and(|limit| limit.min(LONGEST_PAGE) != token.limit) {
                return Err(RequestError::Page("has a `token` of another search"));
            }
            let after = Some(token.after).filter(|after| !after.is_empty());
            Ok(Page { asked: true, limit: Some(token.limit), after })
        }
        Some(_) => Err(RequestError::Page("has a `token` that is not a string")),
    }
}

fn read_token(token: &str) -> Option<Token> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()
}

/// SHA-256 over JSON, whatever the order of its members (AuthZEN 1.0 §10.1.1).
fn digest(value: &Value) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, canonical(value).as_bytes());
    URL_SAFE_NO_PAD.encode(digest.as_ref().get(..16).unwrap_or_default())
}

fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members = members.iter().map(|(name, value)| format!("{name:?}:{},", canonical(value)));
            format!("{{{}}}", members.collect::<String>())
        }
        Value::Array(items) => format!("[{}]", items.iter().map(|item| canonical(item) + ",").collect::<String>()),
        plain => plain.to_string(),
    }
}
