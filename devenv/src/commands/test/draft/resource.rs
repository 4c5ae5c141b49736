//! Kinds of objects guessed from paths: a collection that takes a POST, with items that answer a GET.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use security_tests::Api;
use security_tests::api::{Kind as Form, Operation, Schema};
use serde_json::{Map, Value};

use super::yaml;

/// At most so many server-owned fields are guessed: a list that nobody reads is no help.
const MOST_FIELDS: usize = 10;
/// Names under which objects are known, beside that of the path parameter.
const IDENTIFIERS: [&str; 6] = ["id", "_id", "uuid", "slug", "key", "number"];
/// Names of text fields that hold anything, best first.
const FREE_TEXT: [&str; 10] =
    ["title", "name", "item", "text", "content", "body", "message", "description", "note", "subject"];
/// Names of fields that say whose an object is, best first.
const OWNERS: [&str; 9] =
    ["owner", "owner_id", "ownerId", "user", "user_id", "userId", "author", "created_by", "createdBy"];

/// A kind of object.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    /// `order`.
    pub(super) name: String,
    /// `/orders/{id}`.
    pub(super) item: String,
    /// `operationId` that makes one.
    pub(super) create: String,
    read: String,
    json: Value,
    id: Option<String>,
    id_guess: String,
    server_owned: Vec<String>,
    owner: Option<String>,
}

/// All kinds of the API.
pub(super) fn kinds(api: &Api) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    for read in api.operations.iter().filter(|operation| operation.method == "GET") {
        let Some((collection, parameter)) = item_of(&read.path) else { continue };
        let creates =
            |operation: &&Operation| operation.method == "POST" && operation.path.trim_end_matches('/') == collection;
        let Some(create) = api.operations.iter().find(creates) else { continue };
        // A registration makes people, not things that people own.
        if super::rule::is_login(create)
            || super::rule::is_registration(create)
            || kinds.iter().any(|kind| kind.item == read.path)
        {
            continue;
        }
        let mut kind = kind(api, (create, read), (collection, parameter));
        while kinds.iter().any(|known| known.name == kind.name) {
            kind.name.push('2');
        }
        kinds.push(kind);
    }
    kinds
}

fn kind(api: &Api, (create, read): (&Operation, &Operation), (collection, parameter): (&str, &str)) -> Kind {
    let name = singular(collection);
    let (id, id_guess) = identifier(create, read, (&name, parameter));
    let changes =
        |operation: &&Operation| operation.path == read.path && matches!(operation.method.as_str(), "PUT" | "PATCH");
    let writes = api.operations.iter().filter(changes).chain([create]);
    let taken: Vec<String> = writes.filter_map(|operation| operation.request.as_ref()).flat_map(field_names).collect();
    let shown = read.response.as_ref().map(field_names).unwrap_or_default();
    let owner = OWNERS.iter().find(|name| shown.iter().any(|field| field == *name)).map(ToString::to_string);
    let server_owned = shown.into_iter().filter(|field| !taken.contains(field)).take(MOST_FIELDS).collect();
    let json = body(create, parameter);
    let item = read.path.clone();
    Kind { name, item, create: create.id.clone(), read: read.id.clone(), json, id, id_guess, server_owned, owner }
}

impl Kind {
    /// Its part of the file.
    pub(super) fn text(&self) -> String {
        let mut text = format!("  {}:\n", yaml::scalar(&self.name));
        text.push_str(&format!(
            "    create: {{ operation: {}, json: {} }}   # guess: made so, with the marker in a free text\n",
            yaml::scalar(&self.create),
            yaml::flow(&self.json)
        ));
        let id = self.id.clone().unwrap_or_else(|| "$.id".to_owned());
        text.push_str(&format!("    id: {id}   # {}\n", self.id_guess));
        text.push_str(&format!("    read: {}\n", yaml::scalar(&self.read)));
        if !self.server_owned.is_empty() {
            let fields = yaml::list(&self.server_owned);
            text.push_str(&format!("    server_owned: {fields}   # guess: shown, but in no request\n"));
        }
        if let Some(owner) = self.owner.as_ref().filter(|owner| *owner != "owner") {
            text.push_str(&format!("    entity: {{ owner: {} }}   # guess: whose it is\n", yaml::scalar(owner)));
        }
        text
    }
}

/// The collection and the parameter of `/orders/{id}`, when that is its only parameter.
fn item_of(path: &str) -> Option<(&str, &str)> {
    let (collection, last) = path.trim_end_matches('/').rsplit_once('/')?;
    let parameter = last.strip_prefix('{')?.strip_suffix('}')?;
    (!collection.is_empty() && !collection.contains('{')).then_some((collection, parameter))
}

/// `order` of `/api/orders/v1`.
fn singular(collection: &str) -> String {
    let is_version = |part: &str| part.strip_prefix('v').is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()));
    let last = collection.split('/').rfind(|part| !part.is_empty() && !is_version(part)).unwrap_or("object");
    let name: String = last.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    match (name.strip_suffix("ies"), name.strip_suffix('s')) {
        (Some(stem), _) if !stem.is_empty() => format!("{stem}y"),
        (None, Some(stem)) if !stem.is_empty() && !stem.ends_with('s') => stem.to_owned(),
        _ => name,
    }
}

/// Where the identifier is in the answer to the creation, and how sure that is.
fn identifier(create: &Operation, read: &Operation, (name, parameter): (&str, &str)) -> (Option<String>, String) {
    let own = [format!("{name}_id"), format!("{name}Id"), format!("{name}ID")];
    let candidates: Vec<&str> =
        [parameter].into_iter().chain(IDENTIFIERS).chain(own.iter().map(String::as_str)).collect();
    if let Some(place) = create.response.as_ref().and_then(|schema| place_of(schema, &candidates)) {
        return (Some(place), "guess: where the answer to the creation has it".to_owned());
    }
    let elsewhere = read.response.as_ref().and_then(|schema| place_of(schema, &candidates));
    let guess = "guess: the document does not show it in the answer to the creation".to_owned();
    (elsewhere.or_else(|| Some(format!("$.{parameter}"))), guess)
}

/// `$.order.id`: in the object itself or in one envelope.
fn place_of(schema: &Schema, candidates: &[&str]) -> Option<String> {
    let direct = |schema: &Schema| candidates.iter().find(|name| schema.field(name).is_some()).map(ToString::to_string);
    if let Some(name) = direct(schema) {
        return Some(format!("$.{name}"));
    }
    schema.fields().iter().find_map(|(envelope, inner, _)| Some(format!("$.{envelope}.{}", direct(inner)?)))
}

/// The fields of an object, also of one in an envelope.
fn field_names(schema: &Schema) -> Vec<String> {
    let fields = unwrapped(schema).fields();
    fields.iter().map(|(name, _, _)| name.clone()).collect()
}

/// What is in an envelope: an object whose only field is an object.
pub(super) fn unwrapped(schema: &Schema) -> &Schema {
    match schema.fields() {
        [(_, inner, _)] if !inner.fields().is_empty() => inner,
        _ => schema,
    }
}

/// A body with the marker in the field that names the object, else in its best free text.
fn body(create: &Operation, parameter: &str) -> Value {
    let Some(schema) = &create.request else { return Value::Object(Map::new()) };
    match schema.fields() {
        [(envelope, inner, _)] if !inner.fields().is_empty() => {
            Value::Object(Map::from_iter([(envelope.clone(), fields(inner, parameter, None))]))
        }
        _ => fields(schema, parameter, create.example.as_ref()),
    }
}

fn fields(schema: &Schema, parameter: &str, example: Option<&Value>) -> Value {
    let any_required = schema.fields().iter().any(|(_, _, required)| *required);
    let mut body = Map::new();
    for (name, field, required) in schema.fields() {
        let written = example.and_then(|example| example.get(name));
        if *required || !any_required || written.is_some() {
            body.insert(name.clone(), written.cloned().unwrap_or_else(|| field.sample()));
        }
    }
    let is_text =
        |name: &str| schema.field(name).is_some_and(|field| field.kind == Form::Text(None) && field.choices.is_empty());
    let best = [parameter].into_iter().chain(FREE_TEXT).find(|name| is_text(name));
    let any = || {
        schema.fields().iter().map(|(name, _, _)| name.as_str()).find(|name| is_text(name) && body.contains_key(*name))
    };
    if let Some(name) = best.map(str::to_owned).or_else(|| any().map(str::to_owned)) {
        body.insert(name, Value::from("${canary}"));
    }
    Value::Object(body)
}
