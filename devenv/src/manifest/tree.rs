//! A YAML document as nodes with their places. Must not know what a document is about.

use std::collections::HashMap;
use std::sync::Arc;

/// A place in one of the files: line and column from 1, length in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) file: FileId,
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) length: usize,
}

/// Which of the files that were read, in their order; the first is the manifest itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileId(pub(super) u16);

/// What a value does to the one below it when files are laid over each other (Compose Specification, "Merge").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Overlay {
    /// Merges by the rules of its key.
    #[default]
    Merge,
    /// `!reset`: takes the value away.
    Reset,
    /// `!override`: replaces the value as a whole.
    Override,
}

/// A value. Shared where the document repeats it through an alias.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) position: Position,
    pub(super) value: Value,
    pub(super) overlay: Overlay,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Nothing written, `~` or `null`.
    Null,
    Scalar(Scalar),
    List(Vec<Arc<Node>>),
    Map(Map),
}

/// The entries of a mapping in the order of the file, found by key at once: a hostile file has thousands.
#[derive(Clone, Debug)]
pub(super) struct Map {
    entries: Vec<Entry>,
    index: HashMap<String, usize>,
}

impl Map {
    /// Of entries with different keys.
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        let index = entries.iter().enumerate().map(|(index, entry)| (entry.key.clone(), index)).collect();
        Self { entries, index }
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.entries.iter()
    }

    fn get(&self, key: &str) -> Option<&Entry> {
        self.index.get(key).and_then(|index| self.entries.get(*index))
    }
}

#[derive(Clone, Debug)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// Without quotes: may mean a number or a truth value.
    pub(super) plain: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) position: Position,
    pub(super) value: Arc<Node>,
}

impl Entry {
    /// The same key with another value.
    pub(super) fn with(&self, value: Arc<Node>) -> Self {
        Self { key: self.key.clone(), position: self.position, value }
    }
}

impl Node {
    /// A value that merges as usual.
    pub(super) fn new(position: Position, value: Value) -> Self {
        Self { position, value, overlay: Overlay::Merge }
    }

    /// Plain text at a place.
    pub(super) fn scalar(position: Position, text: impl Into<String>) -> Self {
        Self::new(position, Value::Scalar(Scalar { text: text.into(), plain: false }))
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The entries of a mapping; none for anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(map) => &map.entries,
            Value::Null | Value::Scalar(_) | Value::List(_) => &[],
        }
    }

    /// The value under a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &*entry.value)
    }

    /// The key and the value under a key.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Map(map) => map.get(key),
            Value::Null | Value::Scalar(_) | Value::List(_) => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// What it is, for people.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Scalar(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// The place of what a path of keys leads to: of the value when it is text, of its key when it is not. A step into
    /// a list finds the item with that text. As far as the path exists.
    pub(super) fn locate(&self, path: &[&str]) -> Position {
        let mut node = self;
        let mut position = self.position;
        for step in path {
            match &node.value {
                Value::Map(_) => match node.entry(step) {
                    Some(entry) => {
                        position = entry.position;
                        node = &entry.value;
                    }
                    None => return position,
                },
                Value::List(items) => match items.iter().enumerate().find(|(at, item)| is_named(*at, item, step)) {
                    Some((_, item)) => {
                        position = item.position;
                        node = item;
                    }
                    None => return position,
                },
                Value::Null | Value::Scalar(_) => return position,
            }
        }
        if let Value::Scalar(_) = node.value { node.position } else { position }
    }

    /// All texts below, each with the way to it: keys, and `#0` for the first item of a list.
    pub(super) fn texts(&self, way: &mut Vec<String>, found: &mut Vec<(Vec<String>, String)>) {
        match &self.value {
            Value::Null => {}
            Value::Scalar(scalar) => found.push((way.clone(), scalar.text.clone())),
            Value::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    way.push(format!("#{at}"));
                    item.texts(way, found);
                    way.pop();
                }
            }
            Value::Map(map) => {
                for entry in map.iter() {
                    way.push(entry.key.clone());
                    entry.value.texts(way, found);
                    way.pop();
                }
            }
        }
    }

    /// As JSON, plain scalars by the core schema of YAML 1.2 (§10.3.2).
    pub(super) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Scalar(scalar) if scalar.plain => plain_to_json(&scalar.text),
            Value::Scalar(scalar) => scalar.text.clone().into(),
            Value::List(items) => items.iter().map(|item| item.to_json()).collect(),
            Value::Map(entries) => {
                let pairs = entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json()));
                serde_json::Value::Object(pairs.collect())
            }
        }
    }
}

/// Whether a list item is what a name in a problem means: the text itself, `name:…` or `name=…`, a mapping with that
/// `source`, or `#0` for the first one.
fn is_named(at: usize, item: &Node, name: &str) -> bool {
    if name.strip_prefix('#').and_then(|number| number.parse().ok()) == Some(at) {
        return true;
    }
    match item.text() {
        Some(text) => text == name || text.strip_prefix(name).is_some_and(|rest| rest.starts_with([':', '='])),
        None => item.get("source").and_then(Node::text) == Some(name),
    }
}

fn plain_to_json(text: &str) -> serde_json::Value {
    match text {
        "true" | "True" | "TRUE" => return true.into(),
        "false" | "False" | "FALSE" => return false.into(),
        _ => {}
    }
    if let Ok(number) = text.strip_prefix('+').unwrap_or(text).parse::<i64>() {
        return number.into();
    }
    let looks_like_a_number = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))
        && text.contains(|c: char| c.is_ascii_digit());
    match text.parse::<f64>() {
        Ok(number) if looks_like_a_number && number.is_finite() => number.into(),
        _ => text.into(),
    }
}
