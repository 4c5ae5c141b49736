//! Can a client set fields that belong to the server? Guilty only after a re-read shows the value; a field that is
//! silently dropped is no defect.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod account;
mod values;

use serde_json::Value;

use super::{Check, Evidence, Work, property_exposure, reach};
use crate::access::Resource;
use crate::api::Operation;
use crate::exchange::{Answer, at_path};
use crate::oracle::{Decision, Relation};
use crate::plan::{Action, Assigned, Case, Control, Credential, Detail, Draft, Phase, Role, StepId, Trial, request};
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "mass-assignment",
    title: "lets a client set fields that belong to the server",
    layer: Layer::Access,
    tier: Tier::Exploit,
    owasp: "API3:2023",
    cwe: "CWE-915",
    severity: Severity::High,
    work: Work::Online(plan, judge),
};

fn plan(draft: &mut Draft<'_>) {
    account::plan(draft);
    for operation in draft.operations().into_iter().filter(|operation| !operation.is_safe()) {
        let destructive = draft.rule(&operation.id).is_some_and(|rule| rule.destructive);
        let creates = draft.created_by(&operation.id);
        let on = draft.resource_of(&operation.id).map(|(name, _)| name.to_owned());
        let Some(name) = creates.clone().or(on).filter(|_| !destructive) else { continue };
        let Some(resource) = draft.target.access.resources.get(&name) else { continue };
        if resource.create.is_none() {
            continue; // Accounts are tried by themselves.
        }
        if resource.lifecycle.transfer.as_ref() == Some(&operation.id) {
            continue; // Who reads it back is another one then: before and after do not compare.
        }
        let takes_fields = draft.body(&operation).is_some_and(|body| body.is_object());
        let Some(caller) = caller(draft, &operation, &name, creates.is_some()).filter(|_| takes_fields) else {
            continue;
        };
        let mut bench = Bench {
            name: &name,
            resource,
            operation: &operation,
            caller,
            group: draft.group(Phase::Write),
            creates: creates.is_some(),
        };
        bench.plan(draft);
    }
}

/// An owner who may: for a creation anybody who may, for an update somebody who may update their own.
fn caller(draft: &Draft<'_>, operation: &Operation, resource: &str, creates: bool) -> Option<String> {
    let own = |name: &String| draft.may(&operation.id, Some(name), (!creates).then_some(name.as_str()));
    let all = draft.owners(resource);
    let wanted = draft.personas();
    all.iter().filter(|name| wanted.contains(name)).chain(all.iter()).find(|name| own(name)).cloned()
}

/// One operation on which fields are tried.
struct Bench<'a> {
    name: &'a str,
    resource: &'a Resource,
    operation: &'a Operation,
    caller: String,
    group: usize,
    creates: bool,
}

impl Bench<'_> {
    fn plan(&mut self, draft: &mut Draft<'_>) {
        let Some((control, reads)) = self.send(draft, &[], Role::Control) else { return };
        let control = Control {
            step: control,
            persona: self.caller.clone(),
            after: reads.first().copied(),
            ..Control::default()
        };
        let baseline = reads;
        for fields in values::assignments(draft, self.resource, self.operation, &self.caller) {
            let Some((attack, reads)) = self.send(draft, &fields, Role::Attack) else { continue };
            let what = match fields.as_slice() {
                [(field, _)] => field.clone(),
                _ => "others".to_owned(),
            };
            let baseline = baseline.clone();
            draft.case(Case {
                id: format!("{}:{}:{}:{what}", CHECK.id, self.operation.id, self.caller),
                check: CHECK.id,
                operation: self.operation.id.clone(),
                persona: Some(self.caller.clone()),
                relation: Relation::Own,
                expected: Decision::Deny,
                trial: Trial { attack, control: Some(control.clone()), ..Trial::default() },
                detail: Detail::Assigned(Assigned { fields, baseline, reads }),
            });
        }
    }

    /// The request with extra fields, and reads by everybody who would see them.
    fn send(&self, draft: &mut Draft<'_>, fields: &[(String, Value)], role: Role) -> Option<(StepId, Vec<StepId>)> {
        let marker = draft.marker(self.name, &self.caller);
        let (object, existing) = if self.creates {
            (draft.expect_object(self.name, &self.caller, &marker)?, None)
        } else {
            let (object, _) = draft.create(self.group, self.name, &self.caller)?;
            (object, Some(object))
        };
        let place = existing.or_else(|| draft.plan.objects.get(object)?.parent);
        let mut request = draft.request(self.operation, place, Credential::Persona(self.caller.clone()));
        request.creates = self.creates.then_some(object);
        let mut values = draft.account_values(&self.caller);
        values.push(("canary", marker));
        let mut body = request::replace(&draft.body(self.operation)?, &values);
        request::innermost(&mut body)?.extend(fields.iter().cloned());
        request.body = Some(body);
        let step = draft.step(self.group, role, Action::Request(Box::new(request)));
        let readers = self.readers(draft, fields);
        let reads = readers.iter().filter_map(|reader| draft.read_back(self.group, object, reader)).collect();
        Some((step, reads))
    }

    /// The caller; somebody from whom nothing is hidden; and whoever the fields would make the owner.
    fn readers(&self, draft: &Draft<'_>, fields: &[(String, Value)]) -> Vec<String> {
        let read = &self.resource.read;
        let mut readers = vec![self.caller.clone()];
        if !property_exposure::hidden(draft, self.resource, &self.caller, Relation::Own).is_empty() {
            let sees_all = |name: &&String| {
                property_exposure::hidden(draft, self.resource, name, Relation::SameTenant).is_empty()
                    && draft.may(read, Some(name), Some(&self.caller))
            };
            readers.extend(draft.target.personas.keys().find(sees_all).cloned());
        }
        let values = fields.iter().filter_map(|(_, value)| value.as_str());
        readers.extend(values.filter(|value| draft.target.personas.contains_key(*value)).map(str::to_owned));
        readers.dedup();
        readers
    }
}

fn judge(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let Detail::Assigned(assigned) = &case.detail else { return Outcome::NotApplicable("no field".to_owned()) };
    let fields = &assigned.fields;
    let good = |steps: &[StepId]| -> Vec<&Answer> {
        steps.iter().filter_map(|step| evidence.optional(Some(*step))).filter(|answer| reach::worked(answer)).collect()
    };
    let (baseline, reads) = (good(&assigned.baseline), good(&assigned.reads));
    let control = case.trial.control.as_ref().and_then(|control| evidence.optional(Some(control.step)));
    if baseline.is_empty() || !control.is_some_and(reach::worked) {
        return Outcome::Inconclusive("the same request without extra fields did not work".to_owned());
    }
    let shows = |answers: &[&Answer], field: &str, value: Option<&Value>| {
        let seen = answers.iter().filter_map(|answer| field_of(answer, field));
        seen.into_iter().any(|seen| value.is_none_or(|value| seen == value))
    };
    let set: Vec<&str> = fields
        .iter()
        .filter(|(field, value)| shows(&reads, field, Some(value)) && !shows(&baseline, field, Some(value)))
        .map(|(field, _)| field.as_str())
        .collect();
    if !set.is_empty() {
        return Outcome::Fail(Confidence::Confirmed, format!("reading back shows the client's `{}`", set.join("`, `")));
    }
    match evidence.answer(case.trial.attack) {
        Err(reason) => reach::no_answer(&reason),
        Ok(answer) if answer.is_5xx() => Outcome::ServerError(answer.status),
        Ok(answer) if !answer.is_2xx() => Outcome::Pass(format!("refused with {}", answer.status)),
        Ok(_) if reads.is_empty() => Outcome::Unproven("accepted, and cannot be read back".to_owned()),
        Ok(_) => match fields.as_slice() {
            [(field, _)] if !shows(&reads, field, None) && !shows(&baseline, field, None) => {
                Outcome::NotApplicable(format!("nobody sees `{field}`"))
            }
            _ => Outcome::Pass("accepted and dropped".to_owned()),
        },
    }
}

/// A field of the object, also inside one envelope such as `data`.
fn field_of<'a>(answer: &'a Answer, field: &str) -> Option<&'a Value> {
    let json = answer.json.as_ref()?;
    let inside = || json.as_object()?.values().find_map(|value| value.as_object()?.get(field));
    at_path(json, field).or_else(inside)
}
