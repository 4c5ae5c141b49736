//! The sections of `authz.yaml`, each read by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use security_tests::access::{
    AccessRules, Creation, Entity, Hidden, Identifier, OracleKind, Regression, Resource, Route, Rule, Scope, Waiver,
};
use security_tests::target::Persona;
use serde_json::Value as Json;

use super::body::{self, Filled};
use super::login::{self, Wanted};
use super::{Document, Mutations, grants, session};
use crate::manifest::decode::{Context, Fields};
use crate::manifest::tree::{Entry, Node, Value};

const METHODS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"];
const ORACLES: &[(&str, OracleKind)] = &[("rules", OracleKind::Rules), ("policy", OracleKind::Policy)];
const SCOPES: &[(&str, Scope)] = &[("own", Scope::Own), ("tenant", Scope::Tenant)];

/// What the file says.
pub(super) struct Read {
    pub(super) openapi: Document,
    pub(super) mutations: Option<Mutations>,
    pub(super) rules: AccessRules,
    pub(super) personas: BTreeMap<String, Persona>,
    pub(super) wanted: Vec<Wanted>,
}

/// Reads all sections; `None` after a problem that leaves no path of the OpenAPI document.
pub(super) fn read(context: &mut Context<'_>, root: &Node) -> Option<Read> {
    let mut fields = Fields::of(context, root, "the file")?;
    let openapi = fields.require(context, "api", root.position).and_then(|node| openapi(context, node));
    let entry = login::read(context, &mut fields);
    let rules = AccessRules {
        login: entry.login,
        reset: entry.reset,
        routes: fields.take("routes").map(|node| context.list(node, route)).unwrap_or_default(),
        resources: fields.take("resources").map(|node| context.all_named(node, resource)).unwrap_or_default(),
        rules: fields.take("rules").map(|node| context.all_named(node, rule)).unwrap_or_default(),
        oracle: fields.take("oracle").and_then(|node| context.choice(node, ORACLES)).unwrap_or_default(),
        session: fields.take("session").and_then(|node| session::sessions(context, node)).unwrap_or_default(),
        waivers: fields.take("waivers").map(|node| context.list(node, waiver)).unwrap_or_default(),
        regressions: fields.take("regressions").map(|node| regressions(context, node)).unwrap_or_default(),
    };
    let mutations = fields.take("mutations").and_then(|node| mutations(context, node));
    fields.finish(context);
    Some(Read { openapi: openapi?, mutations, rules, personas: entry.personas, wanted: entry.wanted })
}

/// `command` as in Compose: a list, or one line whose words are split as a shell would.
fn mutations(context: &mut Context<'_>, node: &Node) -> Option<Mutations> {
    let mut fields = Fields::of(context, node, "`mutations`")?;
    let service = fields.take("service").and_then(|node| context.word(node));
    let command = fields.require(context, "command", node.position);
    let variable = fields.require(context, "variable", node.position).and_then(|node| context.word(node));
    fields.finish(context);
    let command = command?;
    let words = match command.value {
        Value::Scalar(_) => context.text(command).and_then(|line| shlex::split(&line)).unwrap_or_default(),
        Value::Null | Value::List(_) | Value::Map(_) => context.list(command, Context::word),
    };
    if words.is_empty() {
        context.error(command.position, "expected a program with its arguments");
        return None;
    }
    Some(Mutations { service, command: words, variable: variable? })
}

/// A path beside this file, a URL, or with `/` in front a path of the API itself.
fn openapi(context: &mut Context<'_>, node: &Node) -> Option<Document> {
    let mut fields = Fields::of(context, node, "`api`")?;
    let openapi = fields.require(context, "openapi", node.position);
    fields.finish(context);
    let text = context.word(openapi?)?;
    Some(if text.starts_with("http://") || text.starts_with("https://") {
        Document::Url(text)
    } else if text.starts_with('/') {
        Document::OfApi(text)
    } else {
        Document::File(PathBuf::from(text))
    })
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
    let create = fields.take("create").and_then(|node| creation(context, node));
    let id = fields.require(context, "id", entry.position).and_then(|node| identifier(context, node));
    let within = fields.take("in").and_then(|node| context.word(node));
    let read = fields.require(context, "read", entry.position).and_then(|node| context.word(node));
    let server_owned = fields.take("server_owned").map(|node| context.one_or_list(node, Context::word));
    let hidden = fields.take("hidden").map(|node| hidden(context, node));
    let entity = entity(context, fields.take("entity"), &entry.key);
    let lifecycle = session::lifecycle(context, &mut fields);
    fields.finish(context);
    Some(Resource {
        create,
        id: id?,
        within,
        read: read?,
        server_owned: server_owned.unwrap_or_default(),
        hidden: hidden.unwrap_or_default(),
        entity,
        lifecycle,
    })
}

/// `$.a.b` in the answer to the creation, or what the creation itself sends.
fn identifier(context: &mut Context<'_>, node: &Node) -> Option<Identifier> {
    let text = context.word(node)?;
    if text.contains("${") {
        body::check(context, node, Filled::MARKED);
        return Some(Identifier::Sent(text));
    }
    pointer(context, node).map(Identifier::Answered)
}

/// A list hides from everybody but the owner, a mapping from roles.
fn hidden(context: &mut Context<'_>, node: &Node) -> Hidden {
    if let Value::Map(_) = node.value {
        let fields = |context: &mut Context<'_>, entry: &Entry| Some(context.one_or_list(&entry.value, Context::word));
        return Hidden { from_role: context.all_named(node, fields), ..Hidden::default() };
    }
    Hidden { from_others: context.one_or_list(node, Context::word), ..Hidden::default() }
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
    let json = fields.take("json").map(|node| body::read(context, node, Filled::MARKED));
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
        prepare: fields.take("prepare").and_then(|node| context.word(node)),
        json: fields.take("json").map(|node| body::read(context, node, Filled::MARKED)),
        step_up: fields.take("step_up").and_then(|node| session::step_up(context, node)),
        refused_when: fields.take("refused_when").map(|node| session::circumstances(context, node)).unwrap_or_default(),
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

/// Each under a name of its own: findings are told by it.
fn regressions(context: &mut Context<'_>, node: &Node) -> Vec<Regression> {
    let listed = context.list(node, |context, node| Some((node.position, regression(context, node)?)));
    let mut names = BTreeSet::new();
    for (position, regression) in &listed {
        if !names.insert(&regression.name) {
            context.error(*position, format!("the name `{}` is there twice", regression.name));
        }
    }
    listed.into_iter().map(|(_, regression)| regression).collect()
}

fn regression(context: &mut Context<'_>, node: &Node) -> Option<Regression> {
    let mut fields = Fields::of(context, node, "a regression")?;
    let name = fields.require(context, "name", node.position).and_then(|node| context.word(node));
    let case = fields.require(context, "case", node.position).and_then(|node| context.word(node));
    let since = fields.require(context, "since", node.position).and_then(|node| date(context, node));
    fields.finish(context);
    Some(Regression { name: name?, case: case?, since: since? })
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
pub(super) fn pointer(context: &mut Context<'_>, node: &Node) -> Option<String> {
    let text = context.word(node)?;
    let steps = text.strip_prefix("$.");
    if !steps.is_some_and(|steps| steps.split('.').all(|step| !step.is_empty() && !step.contains(['[', '*', ' ']))) {
        context.error(node.position, format!("expected a place in the answer such as `$.id`, found `{text}`"));
        return None;
    }
    Some(text)
}

/// The names of operations that `routes:` adds.
pub(super) fn route_names(rules: &AccessRules) -> BTreeMap<String, &Route> {
    rules.routes.iter().map(|route| (format!("{} {}", route.method, route.path), route)).collect()
}
