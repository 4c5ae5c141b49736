//! The sections of `authz.yaml`, each read by itself.

use std::collections::BTreeMap;
use std::path::PathBuf;

use security_tests::access::{AccessRules, Creation, Entity, OracleKind, Resource, Route, Rule, Scope, Waiver};
use serde_json::Value as Json;

use super::{Mutations, grants};
use crate::manifest::decode::{Context, Fields};
use crate::manifest::tree::{Entry, Node, Value};

const METHODS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"];
const ORACLES: &[(&str, OracleKind)] = &[("rules", OracleKind::Rules), ("policy", OracleKind::Policy)];
const SCOPES: &[(&str, Scope)] = &[("own", Scope::Own), ("tenant", Scope::Tenant)];

/// The path of the OpenAPI document and the rules; `None` after a problem that leaves no path.
pub(super) fn read(context: &mut Context<'_>, root: &Node) -> Option<(PathBuf, Option<Mutations>, AccessRules)> {
    let mut fields = Fields::of(context, root, "the file")?;
    let openapi = fields.require(context, "api", root.position).and_then(|node| openapi(context, node));
    if fields.take_even_null("login").is_some() {
        let help = "the tests use tokens of the stack's provider".to_owned();
        context.error_with_help(fields.position("login"), "`login` is not supported yet", help);
    }
    let rules = AccessRules {
        routes: fields.take("routes").map(|node| context.list(node, route)).unwrap_or_default(),
        resources: fields.take("resources").map(|node| context.all_named(node, resource)).unwrap_or_default(),
        rules: fields.take("rules").map(|node| context.all_named(node, rule)).unwrap_or_default(),
        oracle: fields.take("oracle").and_then(|node| context.choice(node, ORACLES)).unwrap_or_default(),
        waivers: fields.take("waivers").map(|node| context.list(node, waiver)).unwrap_or_default(),
    };
    let mutations = fields.take("mutations").and_then(|node| mutations(context, node));
    fields.finish(context);
    Some((openapi?, mutations, rules))
}

/// `command` as in Compose: a list, or one line whose words are split as a shell would.
fn mutations(context: &mut Context<'_>, node: &Node) -> Option<Mutations> {
    let mut fields = Fields::of(context, node, "`mutations`")?;
    let service = fields.take("service").and_then(|node| context.word(node));
    let command = fields.require(context, "command", node.position);
    let variable = fields.require(context, "variable", node.position).and_then(|node| context.word(node));
    fields.finish(context);
    let command = command?;
    let words = match command.text() {
        Some(line) => shlex::split(line).unwrap_or_default(),
        None => context.one_or_list(command, Context::word),
    };
    if words.is_empty() {
        context.error(command.position, "expected a program with its arguments");
        return None;
    }
    Some(Mutations { service, command: words, variable: variable? })
}

fn openapi(context: &mut Context<'_>, node: &Node) -> Option<PathBuf> {
    let mut fields = Fields::of(context, node, "`api`")?;
    let openapi = fields.require(context, "openapi", node.position);
    fields.finish(context);
    let openapi = openapi?;
    let text = context.word(openapi)?;
    if text.contains("://") {
        let help = "save the document beside this file and write its path".to_owned();
        context.error_with_help(openapi.position, "an OpenAPI document at a URL is not supported yet", help);
    }
    Some(PathBuf::from(text))
}

/// `GET /path/{id}`.
fn route(context: &mut Context<'_>, node: &Node) -> Option<Route> {
    let text = context.word(node)?;
    match text.split_once(' ') {
        Some((method, path)) if METHODS.contains(&method) && path.starts_with('/') && !path.contains(' ') => {
            Some(Route { method: method.to_owned(), path: path.to_owned() })
        }
        _ => {
            let help = "write the method in upper case and the path, such as `GET /debug/{id}`".to_owned();
            context.error_with_help(node.position, format!("`{text}` is not a route"), help);
            None
        }
    }
}

fn resource(context: &mut Context<'_>, entry: &Entry) -> Option<Resource> {
    let mut fields = Fields::of(context, &entry.value, "a resource")?;
    let create = fields.require(context, "create", entry.position).and_then(|node| creation(context, node));
    let id = fields.require(context, "id", entry.position).and_then(|node| pointer(context, node));
    let read = fields.require(context, "read", entry.position).and_then(|node| context.word(node));
    let server_owned = fields.take("server_owned").map(|node| context.one_or_list(node, Context::word));
    let hidden = fields
        .take("hidden")
        .map(|node| context.all_named(node, |context, entry| Some(context.one_or_list(&entry.value, Context::word))));
    let entity = entity(context, fields.take("entity"), &entry.key);
    fields.finish(context);
    Some(Resource {
        create: create?,
        id: id?,
        read: read?,
        server_owned: server_owned.unwrap_or_default(),
        hidden: hidden.unwrap_or_default(),
        entity,
    })
}

/// Without `entity:`, `order` is `Order` with the attributes `owner` and `tenant`.
fn entity(context: &mut Context<'_>, node: Option<&Node>, name: &str) -> Entity {
    let mut chars = name.chars();
    let kind = chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default();
    let mut entity = Entity { kind, owner: "owner".to_owned(), tenant: "tenant".to_owned() };
    let Some(mut fields) = node.and_then(|node| Fields::of(context, node, "`entity`")) else { return entity };
    for (key, place) in [("type", &mut entity.kind), ("owner", &mut entity.owner), ("tenant", &mut entity.tenant)] {
        if let Some(text) = fields.take(key).and_then(|node| context.word(node)) {
            *place = text;
        }
    }
    fields.finish(context);
    entity
}

fn creation(context: &mut Context<'_>, node: &Node) -> Option<Creation> {
    let mut fields = Fields::of(context, node, "`create`")?;
    let operation = fields.require(context, "operation", node.position).and_then(|node| context.word(node));
    let json = fields.take("json").map(|node| body(context, node));
    fields.finish(context);
    Some(Creation { operation: operation?, json: json.unwrap_or_else(|| Json::Object(serde_json::Map::new())) })
}

fn rule(context: &mut Context<'_>, entry: &Entry) -> Option<Rule> {
    let mut fields = Fields::of(context, &entry.value, "a rule")?;
    let allow = fields.take("allow");
    if allow.is_none() {
        let help = "write `allow: []` when nobody may".to_owned();
        context.error_with_help(entry.position, format!("the rule `{}` does not say who may", entry.key), help);
    }
    let rule = Rule {
        on: fields.take("on").and_then(|node| context.word(node)),
        allow: allow.map(|node| context.one_or_list(node, grants::read)).unwrap_or_default(),
        only: fields.take("only").and_then(|node| only(context, node)),
        destructive: fields.take("destructive").and_then(|node| context.boolean(node)).unwrap_or_default(),
        json: fields.take("json").map(|node| body(context, node)),
    };
    fields.finish(context);
    Some(rule)
}

/// `own`, `[own]`, `tenant` or `[tenant]`.
fn only(context: &mut Context<'_>, node: &Node) -> Option<Scope> {
    let scopes = context.one_or_list(node, |context, node| context.choice(node, SCOPES));
    if scopes.len() > 1 {
        context.error(node.position, "`only` says one thing: `own` or `tenant`");
    }
    scopes.into_iter().next()
}

fn waiver(context: &mut Context<'_>, node: &Node) -> Option<Waiver> {
    let mut fields = Fields::of(context, node, "a waiver")?;
    let finding = fields.require(context, "finding", node.position).and_then(|node| context.word(node));
    let reason = fields.require(context, "reason", node.position).and_then(|node| context.word(node));
    let expires = fields.require(context, "expires", node.position).and_then(|node| date(context, node));
    fields.finish(context);
    Some(Waiver { finding: finding?, reason: reason?, expires: expires? })
}

fn date(context: &mut Context<'_>, node: &Node) -> Option<String> {
    let text = context.word(node)?;
    if text.len() != "2026-01-31".len() || text.parse::<jiff::civil::Date>().is_err() {
        context.error(node.position, format!("expected a day such as `2026-01-31`, found `{text}`"));
        return None;
    }
    Some(text)
}

/// `$.a.b`.
fn pointer(context: &mut Context<'_>, node: &Node) -> Option<String> {
    let text = context.word(node)?;
    let steps = text.strip_prefix("$.");
    if !steps.is_some_and(|steps| steps.split('.').all(|step| !step.is_empty() && !step.contains(['[', '*', ' ']))) {
        context.error(node.position, format!("expected a place in the answer such as `$.id`, found `{text}`"));
        return None;
    }
    Some(text)
}

fn body(context: &mut Context<'_>, node: &Node) -> Json {
    check_placeholders(context, node);
    node.to_json()
}

/// `${canary}` is the only thing that is filled in.
fn check_placeholders(context: &mut Context<'_>, node: &Node) {
    match &node.value {
        Value::Scalar(scalar) => {
            let unknown = scalar.text.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
            for (name, _) in unknown.filter(|(name, _)| *name != "canary") {
                let help = "`${canary}` is the unique marker of the object".to_owned();
                context.error_with_help(node.position, format!("`${{{name}}}` is not known here"), help);
            }
        }
        Value::List(items) => items.iter().for_each(|item| check_placeholders(context, item)),
        Value::Map(entries) => entries.iter().for_each(|entry| check_placeholders(context, &entry.value)),
        Value::Null => {}
    }
}

/// The names of operations that `routes:` adds.
pub(super) fn route_names(rules: &AccessRules) -> BTreeMap<String, &Route> {
    rules.routes.iter().map(|route| (format!("{} {}", route.method, route.path), route)).collect()
}
