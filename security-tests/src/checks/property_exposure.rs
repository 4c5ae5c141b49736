//! Are fields absent that the persona's roles must not see? A field counts as hidden from somebody when each of their
//! roles hides it; who sees it shows that its name is right.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::Value;

use super::{Check, Evidence, Work, reach};
use crate::access::Resource;
use crate::exchange::{Answer, find_field};
use crate::oracle::{Decision, Relation};
use crate::plan::{Case, Detail, Draft, PlannedCell, StepId};
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "property-exposure",
    title: "shows fields that the caller's role must not see",
    layer: Layer::Access,
    tier: Tier::Exploit,
    owasp: "API3:2023",
    cwe: "CWE-213",
    severity: Severity::High,
    work: Work::Online(plan, judge),
};

fn plan(draft: &mut Draft<'_>) {
    for operation in draft.operations().into_iter().filter(|operation| operation.is_safe()) {
        let Some((_, resource)) = draft.resource_of(&operation.id) else { continue };
        let allowed = |cell: &PlannedCell| cell.expected == Decision::Allow && cell.trial.is_some();
        let cells: Vec<PlannedCell> = draft.cells_of(&operation.id).into_iter().filter(allowed).collect();
        for cell in &cells {
            let (Some(persona), Some(trial)) = (&cell.persona, &cell.trial) else { continue };
            for field in hidden(draft, resource, persona, cell.relation) {
                let control = seen_by_others(draft, resource, &cells, &field);
                draft.case(Case {
                    id: format!("{}:{}:{persona}:{}:{field}", CHECK.id, operation.id, cell.relation.as_str()),
                    check: CHECK.id,
                    operation: operation.id.clone(),
                    persona: Some(persona.clone()),
                    relation: cell.relation,
                    expected: Decision::Deny,
                    trial: trial.clone(),
                    detail: Detail::Hidden(field, control),
                });
            }
        }
    }
}

/// The fields that every role of a persona hides, and those that only the owner sees.
pub(super) fn hidden(draft: &Draft<'_>, resource: &Resource, persona: &str, relation: Relation) -> Vec<String> {
    let hidden = &resource.hidden;
    let roles = draft.target.personas.get(persona).map(|persona| persona.roles.as_slice()).unwrap_or_default();
    let of_role = |role: &String| hidden.from_role.get(role).map(Vec::as_slice).unwrap_or_default();
    let by_role = roles.first().map(|first| {
        let first = of_role(first).iter();
        first.filter(|field| roles.iter().all(|role| of_role(role).contains(field))).cloned().collect::<Vec<_>>()
    });
    let mut fields = by_role.unwrap_or_default();
    fields.extend(hidden.from_others.iter().filter(|_| relation != Relation::Own).cloned());
    fields
}

/// The same operation by somebody from whom the field is not hidden.
fn seen_by_others(draft: &Draft<'_>, resource: &Resource, cells: &[PlannedCell], field: &String) -> Option<StepId> {
    // What only the owner sees may be shown elsewhere and not here: then nobody sees it here, which is no mistake.
    if resource.hidden.from_others.contains(field) {
        return None;
    }
    let may_see = |cell: &&PlannedCell| {
        cell.persona.as_ref().is_some_and(|persona| !hidden(draft, resource, persona, cell.relation).contains(field))
    };
    cells.iter().find(may_see).and_then(|cell| cell.trial.as_ref()).map(|trial| trial.attack)
}

fn judge(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let Detail::Hidden(field, control) = &case.detail else { return Outcome::NotApplicable("no field".to_owned()) };
    let shows = |answer: &Answer| {
        answer.json.as_ref().is_some_and(|json| find_field(json, field).iter().any(|value| **value != Value::Null))
    };
    match evidence.answer(case.trial.attack) {
        Err(reason) => reach::no_answer(&reason),
        Ok(answer) if answer.status == 500 => Outcome::ServerError(answer.status),
        Ok(answer) if !reach::worked(answer) => {
            Outcome::Inconclusive(format!("reading was answered {}", answer.status))
        }
        Ok(answer) if shows(answer) => Outcome::Fail(Confidence::Confirmed, format!("the answer holds `{field}`")),
        Ok(_) => match control {
            Some(step) if !evidence.optional(Some(*step)).is_some_and(shows) => {
                Outcome::Inconclusive(format!("nobody sees `{field}`, not even who may"))
            }
            _ => Outcome::Pass(format!("the answer has no `{field}`")),
        },
    }
}
