//! What a caller asks, as AuthZEN writes it. Must not know policies or the directory.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One access question: may this subject do this action on this resource? (AuthZEN 1.0 §5)
///
/// Reads its AuthZEN JSON; fields that it does not know are ignored at every level.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Who asks to act.
    pub subject: Entity,
    /// What the subject wants to do.
    pub action: Action,
    /// On what.
    pub resource: Entity,
    /// The circumstances, typed by the `context` of the action in the schema.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
}

/// A subject or a resource (AuthZEN 1.0 §5.1, §5.2).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    /// Cedar entity type, e.g. `User`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Identifier within the type.
    pub id: String,
    /// What the caller knows of it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
}

/// An action (AuthZEN 1.0 §5.3): its name is the id of the Cedar entity `Action::"…"`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// Name of the action.
    pub name: String,
    /// Parameters of the action; policies see them as `context.action`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
}

impl Question {
    /// A question without properties and context.
    #[must_use]
    pub fn new(user: &str, action: &str, resource: Entity) -> Self {
        Self {
            subject: Entity::new("User", user),
            action: Action { name: action.to_owned(), properties: Map::new() },
            resource,
            context: Map::new(),
        }
    }
}

impl Entity {
    /// An entity of which nothing is known but its name.
    #[must_use]
    pub fn new(kind: &str, id: &str) -> Self {
        Self { kind: kind.to_owned(), id: id.to_owned(), properties: Map::new() }
    }

    /// The same entity with one property more.
    #[must_use]
    pub fn with(mut self, property: &str, value: impl Into<Value>) -> Self {
        self.properties.insert(property.to_owned(), value.into());
        self
    }
}
