//! An operation to a request: path, parameters, body. Must not know who is allowed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Action, Credential, ObjectId, Request, Step};
use crate::access::Creation;
use crate::api::{Kind, Operation};
use crate::flow;
use crate::tokens::Place;

/// Where a marker goes in a body.
const CANARY: &str = "${canary}";

/// The request of an operation; the objects fill the first parameters of the path, outermost first.
pub(crate) fn request(operation: &Operation, objects: &[ObjectId], credential: Credential) -> Request {
    let mut path = operation.path.clone();
    for (position, name) in operation.path_parameters().into_iter().enumerate() {
        let value = match objects.get(position) {
            Some(object) => format!("${{object:{object}}}"),
            None => sample(operation, name),
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
        form: operation.form,
        twice: None,
        credential,
        creates: None,
        carrier: Arc::default(),
        signs_in: None,
        statement: None,
        until: None,
    }
}

/// The body to send, markers not yet filled in: the creation's, else its fields that this operation takes too, else the
/// document's example, else one from the schema.
pub(crate) fn body(operation: &Operation, creation: Option<&Creation>) -> Option<Value> {
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
    mentions(value, CANARY)
}

/// Whether a value holds a text.
pub(crate) fn mentions(value: &Value, needle: &str) -> bool {
    match value {
        Value::String(text) => text.contains(needle),
        Value::Array(items) => items.iter().any(|item| mentions(item, needle)),
        Value::Object(fields) => fields.values().any(|field| mentions(field, needle)),
        _ => false,
    }
}

/// The same value with every `${name}` replaced.
pub(crate) fn replace(value: &Value, values: &[(&str, String)]) -> Value {
    match value {
        Value::String(text) => Value::String(replace_text(text, values)),
        Value::Array(items) => items.iter().map(|item| replace(item, values)).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), replace(value, values))).collect(),
        other => other.clone(),
    }
}

/// The same text with every `${name}` replaced.
pub(crate) fn replace_text(text: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
}

/// Whether a field is in a value, at any depth.
pub(crate) fn has_field(value: &Value, name: &str) -> bool {
    match value {
        Value::Object(fields) => fields.contains_key(name) || fields.values().any(|field| has_field(field, name)),
        Value::Array(items) => items.iter().any(|item| has_field(item, name)),
        _ => false,
    }
}

/// The object that holds the fields, inside of envelopes such as `{"user": {…}}`.
pub(crate) fn innermost(value: &mut Value) -> Option<&mut Map<String, Value>> {
    let fields = value.as_object_mut()?;
    if fields.len() == 1 && fields.values().next().is_some_and(Value::is_object) {
        return innermost(fields.values_mut().next()?);
    }
    Some(fields)
}

/// The step as a line for a shell: tokens are variables, never values.
#[must_use]
pub fn curl(step: &Step, url: &str) -> String {
    let request = match &step.action {
        Action::Request(request) => request,
        Action::Flow(call) => return flow::curl(call, url),
        action => return format!("# {action}"),
    };
    let mut parts = vec!["curl -sS".to_owned()];
    if request.method != "GET" {
        parts.push(format!("-X {}", request.method));
    }
    parts.extend(token_arguments(request, &request.credential));
    parts.extend(request.headers.iter().map(|(name, value)| format!("-H {}", quoted(&format!("{name}: {value}")))));
    if let Some(statement) = &request.statement {
        parts.push(statement.curl_arguments().to_owned());
    }
    if let Some(body) = request.body.as_ref().filter(|_| request.form) {
        let pairs = form_fields(body).into_iter().map(|(name, value)| format!("{name}={value}"));
        parts.extend(pairs.map(|pair| format!("--data-urlencode {}", secrets_as_variables(&quoted(&pair)))));
    } else if let Some(body) = &request.body {
        let text = request.twice.as_ref().map_or_else(|| body.to_string(), |twice| twice.text(body));
        parts.push(format!("-H 'Content-Type: application/json' -d {}", secrets_as_variables(&quoted(&text))));
    }
    parts.push(quoted(url));
    parts.join(" ")
}

/// The fields of a form: those of a JSON object, each value as text.
pub(crate) fn form_fields(body: &Value) -> Vec<(&str, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    body.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), text(value))).collect()
}

/// `${secret:alice}` inside of single quotes becomes the variable `$PASSWORD_ALICE` outside of them.
fn secrets_as_variables(quoted: &str) -> String {
    let mut parts = quoted.split("${secret:");
    let mut line = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('}') {
            Some((name, rest)) => line.push_str(&format!("'\"$PASSWORD_{}\"'{rest}", upper(name))),
            None => line.push_str(part),
        }
    }
    line
}

fn upper(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// How `curl` sends the token, or both.
fn token_arguments(request: &Request, credential: &Credential) -> Vec<String> {
    let variable = |credential: &Credential| token_variable(credential).unwrap_or_default();
    match credential {
        Credential::Anonymous => Vec::new(),
        Credential::Pair(first, second) => {
            [first, second].into_iter().flat_map(|one| token_arguments(request, one)).collect()
        }
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
        one => {
            let (name, value) = request.carrier.header(&format!("${}", variable(one)));
            vec![format!("-H \"{name}: {value}\"")]
        }
    }
}

/// `TOKEN_ALICE`; a forged one is another variable, so that nobody pastes the wrong token.
fn token_variable(credential: &Credential) -> Option<String> {
    match credential {
        Credential::Anonymous | Credential::Pair(..) | Credential::Placed(..) => None,
        Credential::Persona(actor) | Credential::Held(actor) | Credential::Fresh(actor) => {
            Some(format!("TOKEN_{}", upper(actor)))
        }
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
