//! A YAML or JSON document that keeps the order of its keys: operations are reported in the order of the document.
//! Must not know OpenAPI.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// One value of a document.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// Null, boolean, number or string.
    Scalar(Value),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the document.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The value under a key of a map.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The entries of a map; none for anything else.
    pub(super) fn entries(&self) -> &[(String, Node)] {
        match self {
            Node::Map(entries) => entries,
            Node::Scalar(_) | Node::List(_) => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub(super) fn items(&self) -> &[Node] {
        match self {
            Node::List(items) => items,
            Node::Scalar(_) | Node::Map(_) => &[],
        }
    }

    /// The text of a string.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Node::Scalar(value) => value.as_str(),
            Node::List(_) | Node::Map(_) => None,
        }
    }

    /// Whether it is the boolean `true`.
    pub(super) fn is_true(&self) -> bool {
        matches!(self, Node::Scalar(Value::Bool(true)))
    }

    /// The same as a JSON value.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Node::Scalar(value) => value.clone(),
            Node::List(items) => items.iter().map(Node::to_json).collect(),
            Node::Map(entries) => {
                Value::Object(entries.iter().map(|(name, value)| (name.clone(), value.to_json())).collect())
            }
        }
    }

    /// What a JSON pointer within the document (`#/components/schemas/Order`, RFC 6901) points to.
    pub(super) fn pointer(&self, reference: &str) -> Option<&Node> {
        let path = reference.strip_prefix("#/")?;
        path.split('/').try_fold(self, |node, part| node.get(&part.replace("~1", "/").replace("~0", "~")))
    }
}

/// A key of a map; YAML lets people write `200:` without quotes.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Node::deserialize(deserializer)? {
            Node::Scalar(Value::String(text)) => Ok(Key(text)),
            Node::Scalar(value) => Ok(Key(value.to_string())),
            Node::List(_) | Node::Map(_) => Err(serde::de::Error::custom("a key must be a scalar")),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML or JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some((Key(name), value)) = access.next_entry::<Key, Node>()? {
            entries.push((name, value));
        }
        Ok(Node::Map(entries))
    }
}
