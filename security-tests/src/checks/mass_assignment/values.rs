//! Which fields a client tries to set, and to what: values that nobody would have by accident. Must not know requests.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::access::{Grant, Identifier, Resource};
use crate::api::{Kind, Operation, Schema};
use crate::oracle::Relation;
use crate::plan::{Draft, request};

/// A number that no order, balance or count has by accident.
const TELLING_NUMBER: u32 = 987_654;

/// Names that tell of privileges, ownership or money in many APIs.
pub(super) const TELLING_NAMES: [&str; 16] = [
    "role",
    "isAdmin",
    "is_admin",
    "admin",
    "permissions",
    "scope",
    "balance",
    "credit",
    "price",
    "ownerId",
    "owner_id",
    "userId",
    "user_id",
    "tenantId",
    "tenant_id",
    "verified",
];

/// What is tried: each server-owned field by itself, so that a refused one does not hide another; then all others at
/// once: fields of the answer that the request does not have, and telling names.
pub(super) fn assignments(
    draft: &Draft<'_>,
    resource: &Resource,
    operation: &Operation,
    caller: &str,
) -> Vec<Vec<(String, Value)>> {
    let shown = draft.plan.operation(&resource.read).and_then(|read| read.response.clone());
    let shown = shown.or_else(|| operation.response.clone()).unwrap_or_else(Schema::any);
    let shown = inside(&shown).clone();
    let guess = Guess { draft, resource, shown: &shown, caller };
    let mut all: Vec<Vec<(String, Value)>> =
        resource.server_owned.iter().map(|field| vec![(field.clone(), guess.value(field))]).collect();
    let id = match &resource.id {
        Identifier::Answered(path) => path.rsplit('.').next().unwrap_or_default(),
        Identifier::Sent(_) => "",
    };
    let settable = |name: &str| operation.request.as_ref().is_some_and(|request| inside(request).field(name).is_some());
    let sent = draft.body(operation).unwrap_or_default();
    let fresh = |name: &&str| {
        *name != id
            && !settable(name)
            && !request::has_field(&sent, name)
            && !resource.server_owned.iter().any(|owned| owned == name)
    };
    let names = shown.fields().iter().map(|(name, _, _)| name.as_str()).chain(TELLING_NAMES);
    let mut others: Vec<(String, Value)> = Vec::new();
    for name in names.filter(fresh) {
        if !others.iter().any(|(known, _)| known == name) {
            others.push((name.to_owned(), guess.value(name)));
        }
    }
    all.extend((!others.is_empty()).then_some(others));
    all
}

/// The fields themselves, inside of an envelope such as `{"article": {…}}`.
fn inside(schema: &Schema) -> &Schema {
    match schema.fields() {
        [(_, inner, _)] if !inner.fields().is_empty() => inside(inner),
        _ => schema,
    }
}

/// What is known about fields.
struct Guess<'a> {
    draft: &'a Draft<'a>,
    resource: &'a Resource,
    shown: &'a Schema,
    caller: &'a str,
}

impl Guess<'_> {
    /// Another owner, another tenant, else by the schema of the answer, else by the name.
    fn value(&self, field: &str) -> Value {
        let personas = &self.draft.target.personas;
        let is = |attribute: &str| {
            field == attribute || field == format!("{attribute}_id") || field == format!("{attribute}Id")
        };
        if is(&self.resource.entity.owner) || is("user") || is("owner") {
            let mut others: Vec<&String> = personas.keys().filter(|name| *name != self.caller).collect();
            others.sort_by_key(|name| Relation::between(self.draft.target, self.caller, name));
            return others.first().map_or_else(|| json!("probe"), |name| json!(name));
        }
        if is(&self.resource.entity.tenant) || is("tenant") {
            let own = personas.get(self.caller).and_then(|persona| persona.tenant.as_ref());
            let other =
                personas.values().filter_map(|persona| persona.tenant.as_ref()).find(|tenant| Some(*tenant) != own);
            return other.map_or_else(|| json!("probe"), |tenant| json!(tenant));
        }
        let schema = self.shown.field(field);
        higher_role(self.draft, self.caller, (field, schema))
            .unwrap_or_else(|| schema.map_or_else(|| by_name(field), by_schema))
    }
}

/// For a field that is called like roles: a role that the persona lacks, of those that may do most. An API that knows its
/// roles takes no other word.
pub(super) fn higher_role(draft: &Draft<'_>, persona: &str, (field, schema): (&str, Option<&Schema>)) -> Option<Value> {
    let list = match field.to_ascii_lowercase().as_str() {
        "role" => schema.is_some_and(|schema| matches!(schema.kind, Kind::Array(_))),
        "roles" => schema.is_none_or(|schema| matches!(schema.kind, Kind::Array(_))),
        _ => return None,
    };
    let personas = &draft.target.personas;
    let own = personas.get(persona).map(|persona| persona.roles.as_slice()).unwrap_or_default();
    let others: BTreeSet<&String> =
        personas.values().flat_map(|persona| &persona.roles).filter(|role| !own.contains(role)).collect();
    let may = |role: &str| {
        let grants = draft.target.access.rules.values().flat_map(|rule| &rule.allow);
        grants.filter(|grant| matches!(grant, Grant::Role(name) | Grant::RoleOfTenant(name) if name == role)).count()
    };
    let highest = others.into_iter().max_by_key(|role| may(role))?;
    let known = |schema: &Schema| {
        schema
            .choices
            .iter()
            .filter_map(Value::as_str)
            .find(|choice| choice.eq_ignore_ascii_case(highest))
            .map(str::to_owned)
    };
    let name = match schema.filter(|schema| !schema.choices.is_empty()) {
        Some(schema) => known(schema)?,
        None => highest.clone(),
    };
    Some(if list { json!([name]) } else { json!(name) })
}

pub(super) fn by_schema(schema: &Schema) -> Value {
    if let Some(last) = schema.choices.last() {
        return last.clone();
    }
    match &schema.kind {
        Kind::Integer(_) | Kind::Number => json!(TELLING_NUMBER),
        Kind::Boolean => json!(true),
        Kind::Text(Some(format)) if format == "date-time" => json!("2001-02-03T04:05:06Z"),
        Kind::Text(Some(format)) if format == "date" => json!("2001-02-03"),
        Kind::Text(Some(format)) if format == "uuid" => json!("0badc0de-0000-4000-8000-00000badc0de"),
        Kind::Array(_) => json!(["probe-assigned"]),
        _ => json!("probe-assigned"),
    }
}

pub(super) fn by_name(field: &str) -> Value {
    match field {
        "isAdmin" | "is_admin" | "admin" | "verified" => json!(true),
        "balance" | "credit" | "price" => json!(TELLING_NUMBER),
        "permissions" => json!(["*"]),
        "role" | "scope" => json!("admin"),
        _ => json!("probe-assigned"),
    }
}

/// Whether a field says what its owner may do.
pub(super) fn tells_of_privileges(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let telling = ["admin", "isadmin", "role", "roles", "permissions", "groups", "staff", "isstaff", "superuser"];
    telling.contains(&plain.as_str()) || matches!(plain.as_str(), "issuperuser" | "verified" | "isverified" | "balance")
}
