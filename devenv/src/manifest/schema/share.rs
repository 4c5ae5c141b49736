//! Parts that a schema repeats, written once under `$defs`. Must not know what they are about.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde_json::{Map as Object, Value as Json, json};

/// Shorter ones are clearer in their place.
const WORTH_A_NAME: usize = 160;

/// The schema with references to its repeated parts, and those parts by name.
pub(super) fn shared(schema: Json) -> (Json, Object<String, Json>) {
    let mut counts = BTreeMap::new();
    count(&schema, &mut counts);
    let mut sharing = Sharing { counts, names: BTreeMap::new(), definitions: Object::new() };
    let schema = sharing.rewritten(schema, "file");
    (schema, sharing.definitions)
}

/// The same with the keys of all mappings in order, however `serde_json` was built.
pub(super) fn sorted(value: Json) -> Json {
    match value {
        Json::Object(object) => {
            let ordered: BTreeMap<String, Json> = object.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Json::Object(ordered.into_iter().collect())
        }
        Json::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

fn text_of(schema: &Json) -> Option<String> {
    // A description belongs to the place, not to the part.
    let mut schema = schema.as_object()?.clone();
    schema.remove("description");
    let text = sorted(Json::Object(schema)).to_string();
    (text.len() >= WORTH_A_NAME).then_some(text)
}

fn count(schema: &Json, counts: &mut BTreeMap<String, usize>) {
    if is_schema(schema)
        && let Some(text) = text_of(schema)
    {
        *counts.entry(text).or_default() += 1;
    }
    match schema {
        Json::Object(object) => object.values().for_each(|value| count(value, counts)),
        Json::Array(items) => items.iter().for_each(|item| count(item, counts)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

/// And not the table of properties of one.
fn is_schema(value: &Json) -> bool {
    value.get("anyOf").is_some_and(Json::is_array)
        || value.get("type").is_some_and(|kind| kind.is_string() || kind.is_array())
}

struct Sharing {
    counts: BTreeMap<String, usize>,
    /// Names of the repeated parts by their text.
    names: BTreeMap<String, String>,
    definitions: Object<String, Json>,
}

impl Sharing {
    /// A part that stands under `key`.
    fn rewritten(&mut self, schema: Json, key: &str) -> Json {
        let text = if is_schema(&schema) { text_of(&schema) } else { None };
        let repeated = text.filter(|text| self.counts.get(text).is_some_and(|count| *count > 1));
        let Json::Object(mut object) = schema else {
            return match schema {
                Json::Array(items) => items.into_iter().map(|item| self.rewritten(item, key)).collect(),
                other => other,
            };
        };
        let description = if repeated.is_some() { object.remove("description") } else { None };
        let inner = |name: &str| {
            matches!(name, "anyOf" | "items" | "additionalProperties" | "patternProperties" | "properties")
        };
        let object: Object<String, Json> = object
            .into_iter()
            .map(|(name, value)| {
                let value = self.rewritten(value, if inner(&name) { key } else { &name });
                (name, value)
            })
            .collect();
        let Some(text) = repeated else { return Json::Object(object) };
        let name = match self.names.get(&text) {
            Some(name) => name.clone(),
            None => {
                let name = self.free_name(key);
                self.names.insert(text, name.clone());
                self.definitions.insert(name.clone(), Json::Object(object));
                name
            }
        };
        let mut reference = json!({ "$ref": format!("#/$defs/{name}") });
        if let (Some(description), Some(object)) = (description, reference.as_object_mut()) {
            object.insert("description".to_owned(), description);
        }
        reference
    }

    fn free_name(&self, key: &str) -> String {
        let taken = |name: &String| {
            self.definitions.contains_key(name) || super::words::definitions().iter().any(|(word, _)| word == name)
        };
        let numbered = (2_u32..).map(|number| format!("{key}_{number}"));
        [key.to_owned()].into_iter().chain(numbered).find(|name| !taken(name)).unwrap_or_default()
    }
}
