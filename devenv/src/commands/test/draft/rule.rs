//! One operation to one rule with the reason for it. What nobody declared is a question and denied.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use security_tests::api::{Operation, Schema, Security};
use serde_json::{Map, Value};

use super::resource::{Kind, unwrapped};
use super::{Cast, yaml};

/// Parts of paths and names that tell of functions for few.
const PRIVILEGED: [&str; 9] =
    ["admin", "debug", "internal", "export", "audit", "metrics", "createdb", "reset", "maintenance"];
/// Names of fields with a user's name.
const NAMES: [&str; 5] = ["username", "email", "login", "user", "name"];
/// Names of fields with a token in an answer, best first.
const TOKENS: [&str; 7] = ["access_token", "auth_token", "token", "accessToken", "authToken", "jwt", "id_token"];

/// Name, rule and comment.
pub(super) fn line(operation: &Operation, kinds: &[Kind], cast: &Cast) -> (String, String, String) {
    let kind = kinds.iter().find(|kind| operation.path.trim_end_matches('/').starts_with(kind.item.as_str()));
    let (rule, comment) = decide(operation, kind, (kinds, cast));
    (yaml::scalar(&operation.id), rule, comment)
}

fn decide(operation: &Operation, kind: Option<&Kind>, (kinds, cast): (&[Kind], &Cast)) -> (String, String) {
    let label = operation.label();
    if is_login(operation) {
        return ("{ allow: [anyone] }".to_owned(), format!("guess: {label}: people log in here"));
    }
    if operation.security == Security::None || operation.security == Security::Undocumented {
        let question = "question: the document declares no security: is it for anyone? then write [anyone]";
        let on = kind.map_or_else(String::new, |kind| format!("on: {}, ", yaml::scalar(&kind.name)));
        return (format!("{{ {on}allow: [] }}"), format!("{question} ({label})"));
    }
    let optional = if operation.security == Security::Optional { "; a token is optional: for anyone?" } else { "" };
    if let Some(word) = privileged(operation) {
        let admin = cast.roles.iter().find(|role| role.to_lowercase().contains("admin"));
        return match admin {
            Some(role) => (
                format!("{{ allow: [{}] }}", yaml::scalar(role)),
                format!("guess: {label}: `{word}` sounds privileged"),
            ),
            None => ("{ allow: [] }".to_owned(), format!("question: {label}: `{word}` sounds privileged: who may?")),
        };
    }
    let destructive = if operation.method == "DELETE" { ", destructive: true" } else { "" };
    if let Some(kind) = kind {
        let rule = format!("{{ on: {}, allow: [owner]{destructive} }}", yaml::scalar(&kind.name));
        return (rule, format!("guess: {label}: only the owner{optional}"));
    }
    if kinds.iter().any(|kind| kind.create == operation.id) {
        return (
            "{ allow: [authenticated] }".to_owned(),
            format!("guess: {label}: everybody who is logged in{optional}"),
        );
    }
    let lists = kinds
        .iter()
        .any(|kind| kind.item.rsplit_once('/').is_some_and(|(path, _)| path == operation.path.trim_end_matches('/')));
    if operation.method == "GET" && lists {
        let (only, whose) = if cast.tenants {
            ("own", "only their own; `tenant` for all of the tenant")
        } else {
            ("own", "only their own")
        };
        return (format!("{{ allow: [authenticated], only: [{only}] }}"), format!("guess: {label}: {whose}{optional}"));
    }
    if operation.path_parameters().is_empty() {
        let rule = format!("{{ allow: [authenticated]{destructive} }}");
        return (rule, format!("guess: {label}: everybody who is logged in{optional}"));
    }
    // Somebody's object, and no way is known to make one: whose, nobody can tell.
    (
        "{ allow: [] }".to_owned(),
        format!("question: {label}: whose object is it, and how is one made? add a resource{optional}"),
    )
}

fn privileged(operation: &Operation) -> Option<&'static str> {
    let words: Vec<String> = operation.path.split(['/', '-', '_', '.']).map(str::to_lowercase).collect();
    PRIVILEGED.into_iter().find(|word| words.iter().any(|part| part.trim_start_matches('_') == *word))
}

/// Whether people log in here: a request with a password, at a place that says so.
pub(in crate::commands::test) fn is_login(operation: &Operation) -> bool {
    let says_so = ["login", "signin", "sign-in", "sign_in", "authenticate", "session", "oauth/token"];
    let place = format!("{} {}", operation.path, operation.id).to_lowercase();
    operation.method == "POST" && takes_password(operation) && says_so.iter().any(|word| place.contains(word))
}

/// Whether people are made here.
pub(super) fn is_registration(operation: &Operation) -> bool {
    operation.method == "POST" && takes_password(operation) && !is_login(operation)
}

fn takes_password(operation: &Operation) -> bool {
    let has = |schema: &Schema| schema.fields().iter().any(|(name, _, _)| name.to_lowercase().contains("password"));
    operation.request.as_ref().is_some_and(|schema| has(schema) || has(unwrapped(schema)))
}

/// The body of a login with the persona's name and password in it.
pub(super) fn login_body(operation: &Operation) -> String {
    let Some(schema) = &operation.request else { return "{}".to_owned() };
    let filled = |schema: &Schema| {
        let fields = schema.fields().iter().map(|(name, field, _)| {
            let value = match name.to_lowercase() {
                lower if lower.contains("password") => Value::from("${persona.password}"),
                lower if lower == "email" => Value::from("${persona.email}"),
                lower if NAMES.contains(&lower.as_str()) => Value::from("${persona.username}"),
                _ => field.sample(),
            };
            (name.clone(), value)
        });
        Value::Object(fields.collect::<Map<_, _>>())
    };
    let body = match schema.fields() {
        [(envelope, inner, _)] if !inner.fields().is_empty() => {
            Value::Object(Map::from_iter([(envelope.clone(), filled(inner))]))
        }
        _ => filled(schema),
    };
    yaml::flow(&body)
}

/// Where the token is in the answer.
pub(super) fn token_place(operation: &Operation) -> String {
    let find = |schema: &Schema| TOKENS.iter().find(|name| schema.field(name).is_some()).map(ToString::to_string);
    let Some(schema) = &operation.response else { return "$.token".to_owned() };
    let inside =
        || schema.fields().iter().find_map(|(envelope, inner, _)| Some(format!("{envelope}.{}", find(inner)?)));
    format!("$.{}", find(schema).or_else(inside).unwrap_or_else(|| "token".to_owned()))
}
