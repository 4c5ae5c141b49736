//! Plain names where the schema declares references: `owner: alice` becomes `{"type": "User", "id": "alice"}`.
//!
//! For people who type questions; programs say what they mean. Must not know who typed.

use serde_json::{Map, Value, json};

use super::engine::Engine;
use super::question::{Entity, Question};
use super::types::{Fields, Type};

impl Engine {
    /// Reads names as references in a resource and a context, wherever the schema asks for one.
    pub fn lift(&self, question: &mut Question) {
        self.lift_entity(&mut question.resource);
        if let Some(action) = self.types().and_then(|types| types.actions.get(&question.action.name)) {
            lift_fields(&mut question.context, &action.context);
        }
    }

    /// Reads names as references in an entity's properties.
    pub fn lift_entity(&self, entity: &mut Entity) {
        if let Some(shape) = self.types().and_then(|types| types.entities.get(&entity.kind)) {
            lift_fields(&mut entity.properties, &shape.fields);
        }
    }

    /// The entity type that somebody means: exactly, or in another letter case when only one is like that.
    #[must_use]
    pub fn entity_type(&self, word: &str) -> Option<String> {
        let names = || self.types().into_iter().flat_map(|types| types.entities.keys());
        let alike = || names().filter(|name| name.eq_ignore_ascii_case(word));
        let exact = names().find(|name| *name == word);
        exact.or_else(|| alike().next().filter(|_| alike().count() == 1)).cloned()
    }

    /// Names of all entity types, sorted.
    #[must_use]
    pub fn entity_types(&self) -> Vec<String> {
        self.types().into_iter().flat_map(|types| types.entities.keys().cloned()).collect()
    }
}

fn lift_fields(values: &mut Map<String, Value>, fields: &Fields) {
    for (name, value) in values {
        if let Some(field) = fields.get(name) {
            lift(value, &field.kind);
        }
    }
}

fn lift(value: &mut Value, kind: &Type) {
    match (kind, value) {
        (Type::Entity(name), value) if value.is_string() => {
            *value = json!({ "type": name.to_string(), "id": value.as_str().unwrap_or_default() });
        }
        (Type::Set(element), Value::Array(items)) => items.iter_mut().for_each(|item| lift(item, element)),
        (Type::Record(fields), Value::Object(values)) => lift_fields(values, fields),
        _ => {}
    }
}
