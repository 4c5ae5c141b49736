//! Fields of accounts that a client must not set: at registration, and where an account changes itself. What an account
//! shows of itself is the proof; what a raised one may do then is another check.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::{Value, json};

use super::super::{account_case, privilege_escalation};
use super::{CHECK, values};
use crate::access::Resource;
use crate::api::{Operation, Schema};
use crate::oracle::{Decision, Relation};
use crate::plan::{
    Action, Assigned, Case, Control, Credential, Detail, Draft, Phase, Role, StepId, Trial, placeholder, request,
};

/// Fields with the values that a client tries to set.
type Fields = Vec<(String, Value)>;

pub(super) fn plan(draft: &mut Draft<'_>) {
    let Some(me) = draft.login().and_then(|login| login.me.clone()) else { return };
    let Some(me) = draft.plan.operation(&me).cloned() else { return };
    let Some(persona) = draft.personas().into_iter().find(|name| draft.can_register(name)) else { return };
    registration(draft, &me, &persona);
    for operation in draft.operations() {
        if changes_itself(draft, &operation, &me, &persona) {
            profile(draft, (&operation, &me), &persona);
        }
    }
}

/// Several accounts, one for each set of fields and one without.
fn registration(draft: &mut Draft<'_>, me: &Operation, persona: &str) -> Option<()> {
    let call = draft.login()?.register.clone()?;
    let operation = draft.operations().into_iter().find(|operation| operation.id == call.operation)?;
    let (_, control, baseline) = register(draft, me, persona, &[])?;
    for fields in assignments(draft, me, (persona, call.json.as_ref())) {
        let (actor, attack, reads) = register(draft, me, persona, &fields)?;
        let how = what(&fields);
        let assigned = Assigned { fields, baseline: baseline.clone(), reads };
        draft.case(case((&operation.id, persona, &how), (control, attack), assigned));
        privilege_escalation::attempt(draft, persona, (&actor, &format!("registered-with-{how}")));
    }
    Some(())
}

fn register(
    draft: &mut Draft<'_>,
    me: &Operation,
    persona: &str,
    fields: &[(String, Value)],
) -> Option<(String, StepId, Vec<StepId>)> {
    let group = draft.group(Phase::Write);
    let (actor, step) = draft.register(group, persona, None, fields)?;
    draft.sign_in(group, &actor);
    let read = account_case::ask(draft, group, me, (Credential::Persona(actor.clone()), Role::Probe));
    Some((actor, step, vec![read]))
}

/// Whether an operation is an account's change of itself: beside the operation that says who asks, or on an account by
/// its owner. What ends a session or an account changes no fields.
fn changes_itself(draft: &Draft<'_>, operation: &Operation, me: &Operation, persona: &str) -> bool {
    // What sets only a password or a name may end the session that would show the fields.
    let written = draft.rule(&operation.id).is_some_and(|rule| rule.json.is_some());
    let ends = draft.login().is_some_and(|login| login.changes_account(&operation.id)) && !written;
    let destructive = draft.rule(&operation.id).is_some_and(|rule| rule.destructive);
    let takes_fields = draft.body(operation).is_some_and(|body| body.is_object());
    if operation.is_safe() || destructive || ends || !takes_fields {
        return false;
    }
    match draft.resource_of(&operation.id) {
        Some((_, resource)) => resource.create.is_none() && draft.may(&operation.id, Some(persona), Some(persona)),
        None => operation.path == me.path && draft.may(&operation.id, Some(persona), None),
    }
}

/// One account that tries one set of fields after the other; what it showed before is the baseline of each.
fn profile(draft: &mut Draft<'_>, (operation, me): (&Operation, &Operation), persona: &str) -> Option<()> {
    let group = draft.group(Phase::Write);
    let actor = draft.new_account(group, persona)?;
    draft.sign_in(group, &actor);
    let place = Place { group, operation, actor: &actor };
    let control = place.send(draft, &[], Role::Control)?;
    let look =
        |draft: &mut Draft<'_>| account_case::ask(draft, group, me, (Credential::Persona(actor.clone()), Role::Probe));
    let mut before = look(draft);
    let sent = draft.body(operation);
    for fields in assignments(draft, me, (persona, sent.as_ref())) {
        let attack = place.send(draft, &fields, Role::Attack)?;
        let after = look(draft);
        let how = what(&fields);
        let assigned = Assigned { fields, baseline: vec![before], reads: vec![after] };
        draft.case(case((&operation.id, persona, &how), (control, attack), assigned));
        before = after;
    }
    privilege_escalation::attempt(draft, persona, (&actor, &format!("raised-by-{}", operation.id)));
    Some(())
}

/// Where an account changes itself.
struct Place<'a> {
    group: usize,
    operation: &'a Operation,
    actor: &'a str,
}

impl Place<'_> {
    fn send(&self, draft: &mut Draft<'_>, fields: &[(String, Value)], role: Role) -> Option<StepId> {
        let on_object = draft.resource_of(&self.operation.id).is_some();
        let object = if on_object { Some(draft.account_as_object(self.actor)?) } else { None };
        let mut request = draft.request(self.operation, object, Credential::Persona(self.actor.to_owned()));
        let mut values = draft.account_values(self.actor);
        let marker = draft.marker("account", draft.plan.persona_of(self.actor).to_owned().as_str());
        values.push(("canary", marker));
        // The account is used up here, so its password and its name stay what they are.
        let username = draft.plan.identity_of(self.actor).to_owned();
        values.push(("new.password", placeholder(self.actor)));
        values.push(("new.username", username));
        let mut body = request::replace(&draft.body(self.operation)?, &values);
        request::innermost(&mut body)?.extend(fields.iter().cloned());
        request.body = Some(body);
        Some(draft.step(self.group, role, Action::Request(Box::new(request))))
    }
}

fn case(
    (operation, persona, how): (&str, &str, &str),
    (control, attack): (StepId, StepId),
    assigned: Assigned,
) -> Case {
    let control = Control { step: control, persona: persona.to_owned(), ..Control::default() };
    Case {
        id: format!("{}:{operation}:{persona}:{how}", CHECK.id),
        check: CHECK.id,
        operation: operation.to_owned(),
        persona: Some(persona.to_owned()),
        relation: Relation::Own,
        expected: Decision::Deny,
        trial: Trial { attack, control: Some(control), ..Trial::default() },
        detail: Detail::Assigned(assigned),
    }
}

fn what(fields: &Fields) -> String {
    match fields.as_slice() {
        [(field, _)] => field.clone(),
        _ => "others".to_owned(),
    }
}

/// The fields that the team names and those that accounts show of themselves and that tell of privileges, one by one;
/// then all other telling names at once.
fn assignments(draft: &Draft<'_>, me: &Operation, (persona, sent): (&str, Option<&Value>)) -> Vec<Fields> {
    let shown: Vec<String> = me.response.as_ref().map(field_names).unwrap_or_default();
    let resources = draft.target.access.resources.values();
    let owned =
        resources.filter(|resource| resource.create.is_none()).flat_map(|resource: &Resource| &resource.server_owned);
    let mut single: Vec<String> = owned.cloned().collect();
    single.extend(shown.into_iter().filter(|name| values::tells_of_privileges(name)));
    single.sort_unstable();
    single.dedup();
    let is_sent = |name: &str| sent.is_some_and(|body| request::has_field(body, name));
    single.retain(|name| !is_sent(name));
    let known = |name: &&str| single.iter().any(|known| known == name);
    let others = values::TELLING_NAMES.into_iter().filter(|name| !known(name) && !is_sent(name));
    let schema = |name: &str| me.response.as_ref().and_then(|schema| find(schema, name));
    let role = |name: &str| values::higher_role(draft, persona, (name, schema(name)));
    let by_name = |name: &str| role(name).unwrap_or_else(|| values::by_name(name));
    let others: Fields = others.map(|name| (name.to_owned(), by_name(name))).collect();
    let value = |name: &str| role(name).unwrap_or_else(|| value_of(me, name));
    let mut all: Vec<Fields> = single.iter().map(|name| vec![(name.clone(), value(name))]).collect();
    all.push(others);
    all
}

/// By the schema of what is shown, else by the name.
fn value_of(me: &Operation, name: &str) -> Value {
    let schema = me.response.as_ref().and_then(|schema| find(schema, name));
    match schema {
        Some(schema) if schema.kind == crate::api::Kind::Boolean => json!(true),
        Some(schema) => values::by_schema(schema),
        None => values::by_name(name),
    }
}

/// The names of fields, also inside of envelopes.
fn field_names(schema: &Schema) -> Vec<String> {
    let own = schema.fields().iter().map(|(name, _, _)| name.clone());
    own.chain(schema.fields().iter().flat_map(|(_, inner, _)| field_names(inner))).collect()
}

fn find<'a>(schema: &'a Schema, name: &str) -> Option<&'a Schema> {
    schema.field(name).or_else(|| schema.fields().iter().find_map(|(_, inner, _)| find(inner, name)))
}
