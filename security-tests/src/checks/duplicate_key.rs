//! Does a body that names two objects reach the other one (RFC 8259 §4 leaves open which of two members counts)? A guard
//! that reads the first and a handler that reads the last let a caller write what is not theirs.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, reach};
use crate::access::Identifier;
use crate::api::Operation;
use crate::oracle::{Decision, Relation};
use crate::plan::{Action, Case, Credential, Detail, Draft, Phase, Role, Trial, Twice, request};
use crate::tokens::{Oddity, SHAPES, forge::Doubled};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "duplicate-key",
    title: "writes the other of two objects that a body names",
    layer: Layer::Token,
    tier: Tier::Exploit,
    owasp: "API1:2023",
    cwe: "CWE-436",
    severity: Severity::Critical,
    work: Work::Online(plan, reach::judge),
};

/// Once per kind of object: on the first operation that changes one, by somebody who may not change another's.
fn plan(draft: &mut Draft<'_>) {
    let mut seen = Vec::new();
    let replaces = |operation: &&Operation| matches!(operation.method.as_str(), "PUT" | "PATCH");
    let candidates: Vec<Operation> = draft.operations_of_run().filter(replaces).cloned().collect();
    for operation in candidates {
        let Some((resource, _)) = draft.resource_of(&operation.id) else { continue };
        if seen.contains(&resource) {
            continue;
        }
        let Some((attacker, victim)) = parties(draft, &operation, resource) else { continue };
        seen.push(resource);
        if !draft.is_asked_for(&operation.id) {
            continue;
        }
        for shape in SHAPES.iter().filter(|shape| shape.check == CHECK.id) {
            if let Oddity::TwoObjects(doubled) = shape.oddity {
                plan_one(draft, &operation, (&attacker, &victim), (shape.name, doubled));
            }
        }
    }
}

/// Two who may each write their own and not the other's.
fn parties(draft: &Draft<'_>, operation: &Operation, resource: &str) -> Option<(String, String)> {
    let owners = draft.owners(resource);
    let may = |who: &String, whose: &String| draft.may(&operation.id, Some(who), Some(whose));
    let pairs = owners.iter().flat_map(|attacker| owners.iter().map(move |victim| (attacker, victim)));
    let mut fitting =
        pairs.filter(|(attacker, victim)| may(attacker, attacker) && may(victim, victim) && !may(attacker, victim));
    fitting.next().map(|(attacker, victim)| (attacker.clone(), victim.clone()))
}

fn plan_one(
    draft: &mut Draft<'_>,
    operation: &Operation,
    (attacker, victim): (&str, &str),
    (name, doubled): (&str, Doubled),
) -> Option<()> {
    let (resource, described) = draft.resource_of(&operation.id)?;
    let Identifier::Answered(place) = &described.id else { return None };
    let field = place.rsplit('.').next()?.to_owned();
    let control = draft.site(&operation.id, Some(victim))?.control;
    // A form has no nesting and no parser that could differ so.
    let body = draft.body(operation).filter(|body| request::has_canary(body) && !operation.form)?;
    let group = draft.group(Phase::Write);
    let (own, _) = draft.create(group, resource, attacker)?;
    let (others, _) = draft.create(group, resource, victim)?;
    let before = draft.read_back(group, others, victim);
    let written = draft.marker(resource, attacker);
    let mut request = draft.request(operation, Some(own), Credential::Persona(attacker.to_owned()));
    request.body = Some(request::replace(&body, &[("canary", written.clone())]));
    let (first, last) = if doubled == Doubled::OwnFirst { (own, others) } else { (others, own) };
    request.twice = Some(Twice { field, first, last });
    let attack = draft.step(group, Role::Attack, Action::Request(Box::new(request)));
    let after = draft.read_back(group, others, victim);
    draft.case(Case {
        id: format!("{}:{}:{attacker}:{name}", CHECK.id, operation.id),
        check: CHECK.id,
        operation: operation.id.clone(),
        persona: Some(attacker.to_owned()),
        relation: Relation::between(draft.target, attacker, victim),
        expected: Decision::Deny,
        trial: Trial { attack, written: Some(written), before, after, control, ..Trial::default() },
        detail: Detail::None,
    });
    Some(())
}
