//! The part of JSON Schema that tests need: which fields there are, of which type, and an example that fits.
//! Must not know operations.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::{Map, Value, json};

use super::node::Node;

/// How deep references and nesting are followed: a schema may refer to itself.
const MAX_DEPTH: usize = 8;

/// A simplified schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// What values look like.
    pub kind: Kind,
    /// An example of the document's author, when there is one.
    pub example: Option<Value>,
    /// The values it may have, when they are listed.
    pub choices: Vec<Value>,
}

/// What values of a schema look like.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Fields in the order of the document; the boolean says whether one is required.
    Object(Vec<(String, Schema, bool)>),
    /// A list of such items.
    Array(Box<Schema>),
    /// Text; with the `format` of the document.
    Text(Option<String>),
    /// A whole number, not below this.
    Integer(Option<i64>),
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// Not known.
    Any,
}

impl Schema {
    /// A schema that says nothing.
    #[must_use]
    pub fn any() -> Self {
        Self { kind: Kind::Any, example: None, choices: Vec::new() }
    }

    /// The fields of an object.
    #[must_use]
    pub fn fields(&self) -> &[(String, Schema, bool)] {
        match &self.kind {
            Kind::Object(fields) => fields,
            _ => &[],
        }
    }

    /// One field of an object.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Schema> {
        self.fields().iter().find(|(field, _, _)| field == name).map(|(_, schema, _)| schema)
    }

    /// A value that fits: the author's example, else the required fields with plain values.
    #[must_use]
    pub fn sample(&self) -> Value {
        if let Some(example) = self.example.as_ref().or_else(|| self.choices.first()) {
            return example.clone();
        }
        match &self.kind {
            Kind::Object(fields) => {
                let required = fields.iter().filter(|(_, _, required)| *required);
                Value::Object(required.map(|(name, schema, _)| (name.clone(), schema.sample())).collect::<Map<_, _>>())
            }
            Kind::Array(item) => json!([item.sample()]),
            Kind::Text(format) => match format.as_deref() {
                Some("uuid") => json!("00000000-0000-4000-8000-000000000000"),
                Some("email") => json!("probe@example.test"),
                Some("date") => json!("2026-01-01"),
                Some("date-time") => json!("2026-01-01T00:00:00Z"),
                Some("uri" | "url") => json!("https://example.test/"),
                _ => json!("probe"),
            },
            Kind::Integer(minimum) => json!(minimum.unwrap_or(1).max(1)),
            Kind::Number => json!(1.5),
            Kind::Boolean => json!(true),
            Kind::Any => json!("probe"),
        }
    }
}

/// Reads a schema, following references within the document.
pub(super) fn read(document: &Node, node: &Node) -> Schema {
    read_at(document, node, 0)
}

/// What a node is after its `$ref`.
pub(super) fn resolve<'a>(document: &'a Node, node: &'a Node) -> &'a Node {
    let mut current = node;
    for _ in 0..MAX_DEPTH {
        match current.get("$ref").and_then(Node::text).and_then(|reference| document.pointer(reference)) {
            Some(next) => current = next,
            None => break,
        }
    }
    current
}

fn read_at(document: &Node, node: &Node, depth: usize) -> Schema {
    if depth > MAX_DEPTH {
        return Schema::any();
    }
    let node = resolve(document, node);
    let first_of = ["oneOf", "anyOf"].iter().filter_map(|key| node.get(key)).flat_map(Node::items);
    if let Some(choice) = first_of.into_iter().find(|choice| type_name(choice) != Some("null"))
        && node.get("properties").is_none()
    {
        return read_at(document, choice, depth + 1);
    }
    let kind = kind(document, node, depth);
    Schema { kind, example: example(node), choices: choices(node) }
}

fn kind(document: &Node, node: &Node, depth: usize) -> Kind {
    let all_of = node.get("allOf").map(Node::items).unwrap_or_default();
    match type_name(node) {
        Some("array") => {
            let item = node.get("items").map_or_else(Schema::any, |items| read_at(document, items, depth + 1));
            Kind::Array(Box::new(item))
        }
        Some("string") => Kind::Text(node.get("format").and_then(Node::text).map(str::to_owned)),
        Some("integer") => Kind::Integer(node.get("minimum").and_then(|minimum| minimum.to_json().as_i64())),
        Some("number") => Kind::Number,
        Some("boolean") => Kind::Boolean,
        _ if node.get("properties").is_some() || !all_of.is_empty() || type_name(node) == Some("object") => {
            Kind::Object(fields(document, node, all_of, depth))
        }
        _ => Kind::Any,
    }
}

fn fields(document: &Node, node: &Node, all_of: &[Node], depth: usize) -> Vec<(String, Schema, bool)> {
    let mut fields: Vec<(String, Schema, bool)> = Vec::new();
    for part in all_of {
        fields.extend(read_at(document, part, depth + 1).fields().iter().cloned());
    }
    let required: Vec<&str> =
        node.get("required").map(Node::items).unwrap_or_default().iter().filter_map(Node::text).collect();
    for (name, schema) in node.get("properties").map(Node::entries).unwrap_or_default() {
        let entry = (name.clone(), read_at(document, schema, depth + 1), required.contains(&name.as_str()));
        match fields.iter_mut().find(|(known, _, _)| known == name) {
            Some(known) => *known = entry,
            None => fields.push(entry),
        }
    }
    fields
}

/// The type: a name in OpenAPI 3.0, a name or a list with `null` in 3.1.
fn type_name(node: &Node) -> Option<&str> {
    let declared = node.get("type")?;
    declared.text().or_else(|| declared.items().iter().filter_map(Node::text).find(|name| *name != "null"))
}

/// `example` (3.0), the first of `examples` (3.1), `default` or `const`.
fn example(node: &Node) -> Option<Value> {
    let listed = || node.get("examples").and_then(|examples| examples.items().first());
    let single = ["example", "const", "default"].iter().find_map(|key| node.get(key));
    single.or_else(listed).map(Node::to_json).filter(|value| !value.is_null())
}

fn choices(node: &Node) -> Vec<Value> {
    node.get("enum").map(Node::items).unwrap_or_default().iter().map(Node::to_json).collect()
}
