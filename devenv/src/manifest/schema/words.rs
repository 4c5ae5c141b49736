//! Scalars in the words of JSON Schema. Must not know keys.
//!
//! Every text may also be a variable (`${PORT}`), whatever it is read as; and what an unquoted word is, is decided by the
//! editor's YAML, so that `yes` and `0440` come as text here and as something else there.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::{Value as Json, json};

use super::{Seen, Shape};

/// One of some schemas, or nothing at all.
pub(super) fn one_of(choices: Vec<Json>, or_nothing: bool) -> Json {
    let flat = |choice: Json| match choice.get("anyOf").and_then(Json::as_array) {
        Some(inner) => inner.clone(),
        None => vec![choice],
    };
    let mut choices: Vec<Json> = choices.into_iter().flat_map(flat).collect();
    if let ([only], true) = (choices.as_mut_slice(), or_nothing) {
        if let Some(reference) = only.get_mut("$ref") {
            let name = reference.as_str().and_then(|text| text.rsplit('/').next()).unwrap_or_default();
            *reference = format!("#/$defs/{}", optional(name)).into();
            return only.take();
        }
        if let Some(kind @ Json::String(_)) = only.get_mut("type") {
            *kind = json!([kind.take(), "null"]);
            return only.take();
        }
    }
    if or_nothing {
        choices.push(json!({ "type": "null" }));
    }
    match <[Json; 1]>::try_from(choices) {
        Ok([only]) => only,
        Err(choices) => json!({ "anyOf": choices }),
    }
}

fn optional(name: &str) -> String {
    format!("optional_{name}")
}

/// The schema of what a reader takes as a text.
pub(super) fn scalar(seen: &Seen) -> Json {
    let shape = match &seen.shape {
        Some(Shape::OneOf(words)) => {
            return json!({ "anyOf": [{ "enum": words }, { "$ref": "#/$defs/variable" }] });
        }
        Some(shape) => json!({ "$ref": format!("#/$defs/{}", name(shape)) }),
        None if seen.literals.is_empty() => return json!({ "$ref": "#/$defs/text" }),
        None => json!({ "$ref": "#/$defs/variable" }),
    };
    if seen.literals.is_empty() {
        return shape;
    }
    let mut values: Vec<Json> = seen.literals.iter().map(|literal| Json::from(*literal)).collect();
    values.extend(seen.literals.iter().filter_map(|literal| literal.parse::<i64>().ok()).map(Json::from));
    json!({ "anyOf": [{ "enum": values }, shape] })
}

fn name(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text | Shape::OneOf(_) => "text",
        Shape::Boolean => "boolean",
        Shape::Duration => "duration",
        Shape::Bytes => "size",
        Shape::Port => "port",
        Shape::Mode => "mode",
        Shape::Number => "number",
    }
}

/// The definitions that the others refer to.
pub(super) fn definitions() -> Vec<(String, Json)> {
    let variable = json!({ "$ref": "#/$defs/variable" });
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    let whole = |least: i64, most: i64| json!({ "type": "integer", "minimum": least, "maximum": most });
    let truths = ["true", "false", "yes", "no", "y", "n", "on", "off"];
    let truths = truths.iter().flat_map(|word| [(*word).to_owned(), capitalised(word), word.to_uppercase()]);
    let truths: std::collections::BTreeSet<String> = truths.collect();
    let any_size = whole(0, i64::MAX);
    let all: Vec<(String, Json)> = vec![
        ("text".to_owned(), json!({ "type": ["string", "number", "boolean"] })),
        ("variable".to_owned(), text(r"\$")),
        ("boolean".to_owned(), json!({ "anyOf": [{ "type": "boolean" }, { "enum": truths }, variable] })),
        (
            "duration".to_owned(),
            json!({ "description": "a duration such as `1m30s`",
                "anyOf": [any_size, text(r"^([0-9]+|([0-9]+(\.[0-9]*)?(d|h|m|s|ms|us|µs|ns))+)$"), variable] }),
        ),
        (
            "size".to_owned(),
            json!({ "description": "a size such as `64m`",
                "anyOf": [any_size, text(r"^ *[0-9]+(\.[0-9]+)? *([kKmMgGtT]([iI]?[bB])?|[bB])? *$"), variable] }),
        ),
        ("port".to_owned(), json!({ "anyOf": [whole(1, 65_535), text("^[0-9]{1,5}$"), variable] })),
        (
            "mode".to_owned(),
            json!({ "description": "a file mode in octal such as `0440`",
                "anyOf": [whole(0, 7_777), text("^(0o)?[0-7]+$"), variable] }),
        ),
        ("number".to_owned(), json!({ "anyOf": [{ "type": "number" }, text(r"^[-+]?[0-9]+(\.[0-9]+)?$"), variable] })),
    ];
    let or_nothing = |(name, _): &(String, Json)| {
        let reference = format!("#/$defs/{name}");
        (optional(name), json!({ "anyOf": [{ "$ref": reference }, { "type": "null" }] }))
    };
    let optional: Vec<(String, Json)> = all.iter().map(or_nothing).collect();
    all.into_iter().chain(optional).collect()
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
