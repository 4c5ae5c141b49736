//! As much of a JSON Schema validator as these schemas need, patterns left out.

use serde_json::Value as Json;

/// Where a value breaks the schema, and which word of it.
pub(super) fn problems(schema: &Json, value: &Json) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "", &mut found);
    found
}

fn check(root: &Json, schema: &Json, value: &Json, place: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
        let target = root.pointer(reference.strip_prefix('#').unwrap()).unwrap();
        check(root, target, value, place, found);
    }
    if let Some(choices) = schema.get("anyOf").and_then(Json::as_array) {
        let all: Vec<Vec<String>> = choices
            .iter()
            .map(|choice| {
                let mut inner = Vec::new();
                check(root, choice, value, place, &mut inner);
                inner
            })
            .collect();
        if !all.iter().any(Vec::is_empty) {
            found.push(format!("{place} anyOf"));
            found.extend(all.into_iter().flatten().filter(|problem| !problem.starts_with(&format!("{place} "))));
        }
    }
    if let Some(words) = schema.get("enum").and_then(Json::as_array)
        && !words.contains(value)
    {
        found.push(format!("{place} enum"));
    }
    if let Some(kinds) = schema.get("type") {
        let allowed = kinds.as_array().map_or_else(|| vec![kinds], |kinds| kinds.iter().collect());
        if !allowed.iter().any(|kind| is(value, kind.as_str().unwrap())) {
            found.push(format!("{place} type"));
            return;
        }
    }
    // The patterns are not read; `\$` alone decides between a word and a variable.
    if let (Some(r"\$"), Some(text)) = (schema.get("pattern").and_then(Json::as_str), value.as_str())
        && !text.contains('$')
    {
        found.push(format!("{place} pattern"));
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        values.iter().enumerate().for_each(|(at, value)| check(root, items, value, &format!("{place}/{at}"), found));
    }
    object(root, schema, value, place, found);
}

fn object(root: &Json, schema: &Json, value: &Json, place: &str, found: &mut Vec<String>) {
    let Some(entries) = value.as_object() else { return };
    for key in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
        if !entries.contains_key(key) {
            found.push(format!("{place} required"));
        }
    }
    for (key, value) in entries {
        let place = format!("{place}/{key}");
        let extension = schema.get("patternProperties").is_some() && key.starts_with("x-");
        match (schema.get("properties").and_then(|properties| properties.get(key)), schema.get("additionalProperties"))
        {
            (Some(property), _) => check(root, property, value, &place, found),
            _ if extension => {}
            (None, Some(Json::Bool(false))) => found.push(format!("{place} unknown")),
            (None, Some(other)) => check(root, other, value, &place, found),
            (None, None) => {}
        }
    }
}

fn is(value: &Json, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}
