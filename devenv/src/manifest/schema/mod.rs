//! The JSON Schema of the files, found out from their readers. Pure.
//!
//! No table says a second time which keys there are: each reader is given one odd node after the other and is watched
//! (which keys it asks for, which kinds it refuses, what it reads a text as). So the schema cannot say anything else than
//! the readers do. Must not know any key itself.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod docs;
mod probe;
mod share;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map as Object, Value as Json, json};

use super::decode::{Context, Fields};
use super::problem::SourceFile;
use super::tree::{Entry, Map, Node, Position, Value};
use super::{authz, compose, stack};
pub(super) use probe::{Seen, Shape};

/// The dialect that editors understand.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// A name that a team could choose, and one that Compose leaves to extensions.
const NAME: &str = "name";
const EXTENSION: &str = "x-name";
/// No file of ours is nested deeper.
const DEEPEST: usize = 16;

/// The schema of `devenv.yaml`, and of `compose.yaml` as far as it is understood.
#[must_use]
pub fn devenv_yaml() -> Json {
    document("devenv.yaml", &docs::of_manifest, &|context, root| {
        beside(context, root);
        let _ = stack::read(context, root);
    })
}

/// The schema of `authz.yaml`.
#[must_use]
pub fn authz_yaml() -> Json {
    document("authz.yaml", &|_, _| None, &|context, root| authz::read(context, root))
}

/// `include` and `extends` are gone when sections are read: their readers are asked here.
fn beside(context: &mut Context<'_>, root: &Node) {
    let Some(mut fields) = Fields::of(context, root, "the file") else { return };
    if let Some(node) = fields.take("include") {
        compose::read_include(context, node);
    }
    fields.finish(context);
    for entry in root.get("services").map(Node::entries).unwrap_or_default() {
        let Some(mut fields) = Fields::of(context, &entry.value, "a service") else { continue };
        if let Some(node) = fields.take("extends") {
            compose::read_extends(context, node);
        }
        fields.finish(context);
    }
}

type Read<'r> = &'r dyn Fn(&mut Context<'_>, &Node);
type Describe<'r> = &'r dyn Fn(&[Step], &str) -> Option<String>;

fn document(title: &str, describe: Describe<'_>, read: Read<'_>) -> Json {
    let schema = Explorer { read, describe }.schema(&[]);
    let (schema, definitions) = share::shared(schema);
    let mut document = Object::new();
    document.insert("$schema".to_owned(), DIALECT.into());
    document.insert("title".to_owned(), title.into());
    document.extend(schema.as_object().cloned().unwrap_or_default());
    let definitions: Object<String, Json> = words::definitions().into_iter().chain(definitions).collect();
    document.insert("$defs".to_owned(), Json::Object(definitions));
    share::sorted(Json::Object(document))
}

/// On the way from the root to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Item,
}

struct Explorer<'r> {
    read: Read<'r>,
    describe: Describe<'r>,
}

/// What a node may be, as far as its own kind goes.
struct Kinds {
    null: Seen,
    scalar: Seen,
    list: Seen,
    map: Seen,
}

impl Kinds {
    fn touched(&self) -> bool {
        [&self.null, &self.scalar, &self.list, &self.map].iter().any(|seen| seen.touched)
    }
}

impl Explorer<'_> {
    fn schema(&self, path: &[Step]) -> Json {
        let kinds = self.kinds(path);
        let mut choices = Vec::new();
        if !kinds.scalar.rejected && kinds.scalar.touched {
            choices.push(words::scalar(&kinds.scalar));
        }
        let item = extended(path, Step::Item);
        if !kinds.list.rejected && self.kinds(&item).touched() && path.len() < DEEPEST {
            choices.push(json!({ "type": "array", "items": self.schema(&item) }));
        }
        if !kinds.map.rejected {
            choices.extend(self.mapping(path, &kinds.map));
        }
        if choices.is_empty() {
            // Taken as it is, whatever it holds.
            let open = [(&kinds.scalar, "string"), (&kinds.list, "array"), (&kinds.map, "object")];
            if open.iter().all(|(seen, _)| !seen.rejected) {
                return json!({});
            }
            let open = open.into_iter().filter(|(seen, _)| !seen.rejected);
            choices.extend(open.map(|(_, kind)| json!({ "type": kind })));
        }
        words::one_of(choices, !kinds.null.rejected)
    }

    /// Known keys, or names of the team's own.
    fn mapping(&self, path: &[Step], seen: &Seen) -> Option<Json> {
        let child = |key: &str| extended(path, Step::Key(key.to_owned()));
        let mut schema = Object::new();
        schema.insert("type".to_owned(), "object".into());
        let Some(keys) = &seen.keys else {
            let child_of_name = child(NAME);
            if path.len() >= DEEPEST || !self.kinds(&child_of_name).touched() {
                return None;
            }
            if !self.kinds(&child(EXTENSION)).touched() {
                schema.insert("patternProperties".to_owned(), json!({ "^x-": {} }));
            }
            schema.insert("additionalProperties".to_owned(), self.schema(&child_of_name));
            return Some(Json::Object(schema));
        };
        let property = |key: &str| {
            let mut schema = self.schema(&child(key));
            if let (Some(text), Some(object)) = ((self.describe)(path, key), schema.as_object_mut()) {
                object.insert("description".to_owned(), text.into());
            }
            (key.to_owned(), schema)
        };
        schema.insert("properties".to_owned(), keys.keys().map(|key| property(key)).collect::<Object<_, _>>().into());
        schema.insert("patternProperties".to_owned(), json!({ "^x-": {} }));
        schema.insert("additionalProperties".to_owned(), false.into());
        let required: Vec<&str> = keys.iter().filter(|(_, required)| **required).map(|(key, _)| *key).collect();
        if !required.is_empty() {
            schema.insert("required".to_owned(), json!(required));
        }
        Some(Json::Object(schema))
    }

    fn kinds(&self, path: &[Step]) -> Kinds {
        Kinds {
            null: self.seen(path, Value::Null),
            scalar: self.seen(path, Node::scalar(Position::default(), NAME).value),
            list: self.seen(path, Value::List(Vec::new())),
            map: self.seen(path, Value::Map(Map::new(Vec::new()))),
        }
    }

    /// What becomes of a file in which nothing stands but the way to this value.
    fn seen(&self, path: &[Step], value: Value) -> Seen {
        let target = Arc::new(Node::new(probe::TARGET, value));
        let root = path.iter().rev().fold(target, |value, step| {
            let value = match step {
                Step::Item => Value::List(vec![value]),
                Step::Key(key) => {
                    let entry = Entry { key: key.clone(), position: Position::default(), value };
                    Value::Map(Map::new(vec![entry]))
                }
            };
            Arc::new(Node::new(Position::default(), value))
        });
        let source = SourceFile::default();
        let variables = BTreeMap::new();
        let mut context = Context::new(&source, &variables);
        context.seen = Some(Seen::default());
        (self.read)(&mut context, &root);
        context.seen.unwrap_or_default()
    }
}

fn extended(path: &[Step], step: Step) -> Vec<Step> {
    path.iter().cloned().chain([step]).collect()
}
