//! A caller's question in the words of the policies, under the circumstances that a test has set.
//!
//! Pure: must not know policies, the directory, or HTTP.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::policy::Question;

/// Entity types of policies, by the types that callers say for them.
pub(crate) type EntityTypes = BTreeMap<String, String>;

/// Renames types, of references in properties as well, and lets circumstances win over what the caller says of them.
pub(crate) fn adapt(question: &mut Question, types: &EntityTypes, circumstances: &Map<String, Value>) {
    if !types.is_empty() {
        for kind in [&mut question.subject.kind, &mut question.resource.kind] {
            if let Some(known) = types.get(kind.as_str()) {
                kind.clone_from(known);
            }
        }
        let properties = [&mut question.subject.properties, &mut question.resource.properties];
        let others = [&mut question.action.properties, &mut question.context];
        for values in properties.into_iter().chain(others) {
            values.iter_mut().for_each(|(_, value)| rename(value, types));
        }
    }
    for (name, value) in circumstances {
        question.context.insert(name.clone(), value.clone());
    }
}

fn rename(value: &mut Value, types: &EntityTypes) {
    match value {
        Value::Object(object) => {
            let is_reference = object.get("id").is_some_and(Value::is_string);
            if let Some(Value::String(kind)) = object.get_mut("type").filter(|_| is_reference)
                && let Some(known) = types.get(kind.as_str())
            {
                kind.clone_from(known);
            }
            object.iter_mut().for_each(|(_, value)| rename(value, types));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| rename(value, types)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_renamed_at_any_depth_and_circumstances_win() {
        let mut question: Question = serde_json::from_value(json!({
            "subject": { "type": "user", "id": "alice" },
            "action": { "name": "read" },
            "resource": { "type": "todo", "id": "1", "properties": {
                "owners": [{ "type": "user", "id": "bob" }], "card": { "type": "user" }, "kind": "user" } },
            "context": { "mfa": true, "by": { "type": "user", "id": "x" } },
        }))
        .unwrap();
        let types = BTreeMap::from([("user".to_owned(), "User".to_owned())]);
        adapt(&mut question, &types, json!({ "mfa": false }).as_object().unwrap());
        assert_eq!((question.subject.kind.as_str(), question.resource.kind.as_str()), ("User", "todo"));
        assert_eq!(
            Value::Object(question.resource.properties),
            json!({ "owners": [{ "type": "User", "id": "bob" }], "card": { "type": "user" }, "kind": "user" })
        );
        assert_eq!(Value::Object(question.context), json!({ "mfa": false, "by": { "type": "User", "id": "x" } }));
    }
}
