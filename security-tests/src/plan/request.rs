//! An operation to a request: path, parameters, body. Must not know who is allowed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::{Map, Value};

use super::{Action, Credential, ObjectId, Request, Step};
use crate::access::{Creation, Rule};
use crate::api::{Kind, Operation};
use crate::tokens::Place;

/// Where a marker goes in a body.
const CANARY: &str = "${canary}";

/// The request of an operation; `object` fills the first parameter of the path.
pub(crate) fn request(operation: &Operation, object: Option<ObjectId>, credential: Credential) -> Request {
    let mut path = operation.path.clone();
    for (position, name) in operation.path_parameters().into_iter().enumerate() {
        let value = match object {
            Some(object) if position == 0 => format!("${{object:{object}}}"),
            _ => sample(operation, name),
        };
        path = path.replace(&format!("{{{name}}}"), &value);
    }
    let required = |location: &'static str| {
        operation.parameters.iter().filter(move |parameter| parameter.required && parameter.location == location)
    };
    let query: Vec<String> = required("query")
        .map(|parameter| format!("{}={}", parameter.name, plain(&parameter.schema.sample())))
        .collect();
    if !query.is_empty() {
        path = format!("{path}?{}", query.join("&"));
    }
    let headers = required("header").map(|parameter| (parameter.name.clone(), plain(&parameter.schema.sample())));
    Request {
        operation: operation.id.clone(),
        method: operation.method.clone(),
        path,
        headers: headers.collect(),
        body: None,
        twice: None,
        credential,
        creates: None,
    }
}

/// The body to send, markers not yet filled in: the rule's, else the creation's fields that this operation takes too,
/// else the document's example, else one from the schema.
pub(crate) fn body(operation: &Operation, rule: Option<&Rule>, creation: Option<&Creation>) -> Option<Value> {
    if let Some(json) = rule.and_then(|rule| rule.json.as_ref()) {
        return Some(json.clone());
    }
    if let Some(creation) = creation.filter(|creation| creation.operation == operation.id) {
        return Some(creation.json.clone());
    }
    let schema = operation.request.as_ref()?;
    let base = operation.example.clone().unwrap_or_else(|| schema.sample());
    let Value::Object(mut fields) = base else { return Some(base) };
    let known = creation.and_then(|creation| creation.json.as_object());
    for (name, value) in known.into_iter().flatten() {
        if schema.field(name).is_some() && has_canary(value) {
            fields.insert(name.clone(), value.clone());
        }
    }
    if !fields.values().any(has_canary) {
        mark_free_text(operation, &mut fields);
    }
    Some(Value::Object(fields))
}

/// Puts the marker into the first text field without a format or list of values.
fn mark_free_text(operation: &Operation, fields: &mut Map<String, Value>) {
    let schema = operation.request.as_ref();
    let free = schema.map(|schema| schema.fields()).unwrap_or_default().iter().find(|(name, schema, _)| {
        schema.kind == Kind::Text(None) && schema.choices.is_empty() && fields.contains_key(name)
    });
    if let Some((name, _, _)) = free {
        fields.insert(name.clone(), Value::String(CANARY.to_owned()));
    }
}

/// Whether a value has a place for a marker.
pub(crate) fn has_canary(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(CANARY),
        Value::Array(items) => items.iter().any(has_canary),
        Value::Object(fields) => fields.values().any(has_canary),
        _ => false,
    }
}

/// The same value with a marker in its place.
pub(crate) fn fill(value: &Value, marker: &str) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace(CANARY, marker)),
        Value::Array(items) => items.iter().map(|item| fill(item, marker)).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), fill(value, marker))).collect(),
        other => other.clone(),
    }
}

/// The step as a line for a shell: tokens are variables, never values.
#[must_use]
pub fn curl(step: &Step, url: &str) -> String {
    let Action::Request(request) = &step.action else { return format!("# {}", step.action) };
    let mut parts = vec!["curl -sS".to_owned()];
    if request.method != "GET" {
        parts.push(format!("-X {}", request.method));
    }
    parts.extend(token_arguments(&request.credential));
    parts.extend(request.headers.iter().map(|(name, value)| format!("-H {}", quoted(&format!("{name}: {value}")))));
    if let Some(body) = &request.body {
        let text = request.twice.as_ref().map_or_else(|| body.to_string(), |twice| twice.text(body));
        parts.push(format!("-H 'Content-Type: application/json' -d {}", quoted(&text)));
    }
    parts.push(quoted(url));
    parts.join(" ")
}

/// How `curl` sends the token, or both.
fn token_arguments(credential: &Credential) -> Vec<String> {
    let variable = |credential: &Credential| token_variable(credential).unwrap_or_default();
    match credential {
        Credential::Anonymous => Vec::new(),
        Credential::Pair(first, second) => [first, second].into_iter().flat_map(|one| token_arguments(one)).collect(),
        Credential::Placed(credential, place) => {
            let variable = variable(credential);
            match place {
                Place::Query(name) => vec![format!("--url-query \"{name}=${variable}\"")],
                Place::Cookie(name) => vec![format!("-b \"{name}=${variable}\"")],
                Place::Header(name) => vec![format!("-H \"{name}: ${variable}\"")],
                Place::Scheme("") => vec![format!("-H \"Authorization: ${variable}\"")],
                Place::Scheme(scheme) => vec![format!("-H \"Authorization: {scheme} ${variable}\"")],
                Place::Proven(_) => {
                    vec![format!("-H \"Authorization: DPoP ${variable}\""), "-H \"DPoP: $DPOP_PROOF\"".to_owned()]
                }
            }
        }
        one => vec![format!("-H \"Authorization: Bearer ${}\"", variable(one))],
    }
}

/// `TOKEN_ALICE`; a forged one is another variable, so that nobody pastes the wrong token.
fn token_variable(credential: &Credential) -> Option<String> {
    let upper = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
    };
    match credential {
        Credential::Anonymous | Credential::Pair(..) | Credential::Placed(..) => None,
        Credential::Persona(persona) | Credential::Fresh(persona) => Some(format!("TOKEN_{}", upper(persona))),
        Credential::Minted(persona, mint) => Some(format!("TOKEN_{}_{}", upper(persona), upper(mint.name))),
        Credential::Forged(persona, forgery) => Some(format!("TOKEN_{}_{}", upper(persona), upper(forgery))),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn sample(operation: &Operation, name: &str) -> String {
    let parameter =
        operation.parameters.iter().find(|parameter| parameter.location == "path" && parameter.name == name);
    parameter.map_or_else(|| "1".to_owned(), |parameter| plain(&parameter.schema.sample()))
}

fn plain(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
