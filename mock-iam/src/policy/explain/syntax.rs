//! Expressions as their authors would write them. Must not know values.
//!
//! The engine's own printer writes `!(a <= 8)` for `a > 8`; people look for what stands in their file.

use serde_json::Value;

/// Functions that are called by name; every other extension function is a method.
const FUNCTIONS: [&str; 4] = ["ip", "decimal", "datetime", "duration"];
const METHODS: [&str; 5] = ["contains", "containsAll", "containsAny", "getTag", "hasTag"];

/// How tightly an expression binds, from the loosest.
const CONDITIONAL: u8 = 0;
const OR: u8 = 1;
const AND: u8 = 2;
const RELATION: u8 = 3;
const SUM: u8 = 4;
const PRODUCT: u8 = 5;
const UNARY: u8 = 6;
const MEMBER: u8 = 7;

/// The text of an expression in the JSON form of the policy language.
pub(super) fn text(part: &Value) -> String {
    print(part).0
}

fn print(part: &Value) -> (String, u8) {
    let Some((operator, operands)) = part.as_object().and_then(|object| object.iter().next()) else {
        return (part.to_string(), MEMBER);
    };
    let get = |key: &str| operands.get(key).unwrap_or(&Value::Null);
    let word = |key: &str| get(key).as_str().unwrap_or_default().to_owned();
    match operator.as_str() {
        "Var" => (operands.as_str().unwrap_or_default().to_owned(), MEMBER),
        "Value" => (literal(operands), MEMBER),
        "Set" => (format!("[{}]", list(operands)), MEMBER),
        "Record" => (format!("{{{}}}", members(operands)), MEMBER),
        "." if is_identifier(&word("attr")) => (format!("{}.{}", within(get("left"), MEMBER), word("attr")), MEMBER),
        "." => (format!("{}[{}]", within(get("left"), MEMBER), get("attr")), MEMBER),
        "has" if is_identifier(&word("attr")) => relation(get("left"), "has", &word("attr")),
        "has" => relation(get("left"), "has", &get("attr").to_string()),
        "like" => relation(get("left"), "like", &pattern(get("pattern"))),
        "is" => match operands.get("in") {
            Some(group) => relation(get("left"), "is", &format!("{} in {}", word("entity_type"), within(group, SUM))),
            None => relation(get("left"), "is", &word("entity_type")),
        },
        "!" => (format!("!{}", within(get("arg"), UNARY)), UNARY),
        "neg" => (format!("-{}", within(get("arg"), UNARY)), UNARY),
        "isEmpty" => (format!("{}.isEmpty()", within(get("arg"), MEMBER)), MEMBER),
        "if-then-else" => {
            let [condition, then, otherwise] = ["if", "then", "else"].map(|key| text(get(key)));
            (format!("if {condition} then {then} else {otherwise}"), CONDITIONAL)
        }
        name if METHODS.contains(&name) => {
            (format!("{}.{name}({})", within(get("left"), MEMBER), text(get("right"))), MEMBER)
        }
        name if operands.is_array() => call(name, operands),
        name => binary(name, get("left"), get("right")),
    }
}

fn binary(operator: &str, left: &Value, right: &Value) -> (String, u8) {
    let level = match operator {
        "||" => OR,
        "&&" => AND,
        "+" | "-" => SUM,
        "*" => PRODUCT,
        _ => return relation(left, operator, &within(right, SUM)),
    };
    (format!("{} {operator} {}", within(left, level), within(right, level + u8::from(operator == "-"))), level)
}

fn relation(left: &Value, operator: &str, right: &str) -> (String, u8) {
    (format!("{} {operator} {right}", within(left, SUM)), RELATION)
}

fn call(name: &str, arguments: &Value) -> (String, u8) {
    let all = arguments.as_array().map(Vec::as_slice).unwrap_or_default();
    let text = match all.split_first() {
        Some((receiver, rest)) if !FUNCTIONS.contains(&name) => {
            format!("{}.{name}({})", within(receiver, MEMBER), rest.iter().map(text).collect::<Vec<_>>().join(", "))
        }
        _ => format!("{name}({})", list(arguments)),
    };
    (text, MEMBER)
}

/// In parentheses when it binds less tightly than what is around it.
fn within(part: &Value, around: u8) -> String {
    let (text, level) = print(part);
    if level < around { format!("({text})") } else { text }
}

fn literal(value: &Value) -> String {
    let entity = value.get("__entity").and_then(|entity| Some((entity.get("type")?.as_str()?, entity.get("id")?)));
    let call = value.get("__extn").and_then(|call| Some((call.get("fn")?.as_str()?, call.get("arg")?)));
    match (entity, call, value) {
        (Some((kind, id)), _, _) => format!("{kind}::{id}"),
        (_, Some((name, argument)), _) => format!("{name}({})", literal(argument)),
        (_, _, Value::Array(items)) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        (_, _, other) => other.to_string(),
    }
}

fn list(items: &Value) -> String {
    items.as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join(", ")
}

fn members(record: &Value) -> String {
    let members = record.as_object().into_iter().flatten();
    let mut members: Vec<String> = members.map(|(name, value)| format!("{name:?}: {}", text(value))).collect();
    members.sort();
    members.join(", ")
}

fn pattern(pattern: &Value) -> String {
    let parts =
        pattern.as_array().into_iter().flatten().map(|part| match part.get("Literal").and_then(Value::as_str) {
            Some(literal) => literal.replace('\\', "\\\\").replace('"', "\\\"").replace('*', "\\*"),
            None => "*".to_owned(),
        });
    format!("\"{}\"", parts.collect::<String>())
}

fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    let start = |character: char| character.is_ascii_alphabetic() || character == '_';
    characters.next().is_some_and(start) && characters.all(|character| start(character) || character.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    #[test]
    fn expressions_come_out_as_they_were_written() {
        for expression in [
            "principal.level > 8 || resource.total >= 1000 && !context.mfa",
            "(principal.level > 8 || resource.total >= 1000) && !(context.mfa || context has \"x y\")",
            "principal in [Role::\"support\", Role::\"admin\"]",
            "resource is Order in Tenant::\"acme\"",
            "resource.name like \"a\\*b*\" && resource[\"odd name\"] != \"x\"",
            "(if context.mfa then 1 else 2) * (3 + resource.total) - -1 == 4",
            "1 - (2 - 3) == 2",
            "principal.roles.containsAll([\"a\", \"b\"]) && !principal.roles.isEmpty()",
            "context.address.isInRange(ip(\"10.0.0.0/8\")) && context.at < datetime(\"2026-01-01\")",
            "{\"a\": 1, \"b\": [true]}.a == 1",
        ] {
            let policy = format!("permit (principal, action, resource) when {{ {expression} }};");
            let json = cedar_policy::Policy::from_str(&policy).unwrap().to_json().unwrap();
            assert_eq!(text(&json["conditions"][0]["body"]), expression);
        }
    }
}
