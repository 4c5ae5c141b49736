//! Does a list hold objects that the caller must not read? Somebody must find a marker in it that they may read,
//! otherwise the absence of others' proves nothing.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Check, Evidence, Work, reach};
use crate::access::Scope;
use crate::oracle::{Decision, Relation};
use crate::plan::{Case, Detail, Draft, Marker, PlannedCell, StepId};
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "collection-scope",
    title: "lists objects that the caller must not read",
    layer: Layer::Access,
    tier: Tier::Exploit,
    owasp: "API1:2023",
    cwe: "CWE-639",
    severity: Severity::High,
    work: Work::Online(plan, judge),
};

fn plan(draft: &mut Draft<'_>) {
    for operation in draft.operations() {
        let Some(scope) = draft.rule(&operation.id).and_then(|rule| rule.only) else { continue };
        make_objects(draft);
        let cells: Vec<PlannedCell> = draft.cells_of(&operation.id);
        let allowed = |cell: &&PlannedCell| cell.persona.is_some() && cell.expected == Decision::Allow;
        let step_of = |cell: &PlannedCell| Some((cell.trial.as_ref()?.attack, cell.persona.clone()?));
        let lists: Arc<[(StepId, String)]> = cells.iter().filter(allowed).filter_map(step_of).collect();
        for (step, persona) in &*lists {
            let mut case = Case {
                id: format!("{}:{}:{persona}", CHECK.id, operation.id),
                check: CHECK.id,
                operation: operation.id.clone(),
                persona: Some(persona.clone()),
                relation: Relation::None,
                expected: Decision::Allow,
                trial: crate::plan::Trial::default(),
                detail: Detail::List(Arc::clone(&lists), scope),
            };
            case.trial.attack = *step;
            draft.case(case);
        }
    }
}

/// An object of every owner, so that there is something to leak.
fn make_objects(draft: &mut Draft<'_>) {
    let resources: Vec<String> = draft.target.access.resources.keys().cloned().collect();
    for resource in resources {
        for owner in draft.owners(&resource).iter() {
            draft.shared_object(&resource, owner);
        }
    }
}

/// Whether an object must not be in the list that somebody sees.
fn is_out_of_scope(evidence: &Evidence<'_>, persona: &str, marker: &Marker, scope: Scope) -> bool {
    let stranger = || Relation::between(evidence.target, persona, &marker.owner) == Relation::OtherTenant;
    evidence.must_not_see(Some(persona), marker)
        && match scope {
            Scope::Own => true,
            Scope::Tenant => stranger(),
        }
}

fn judge(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let (Detail::List(lists, scope), Some(persona)) = (&case.detail, case.persona.as_deref()) else {
        return Outcome::NotApplicable("no list".to_owned());
    };
    let answer = match evidence.answer(case.trial.attack) {
        Ok(answer) if reach::worked(answer) => answer,
        Ok(answer) if answer.status == 500 => return Outcome::ServerError(answer.status),
        Ok(answer) => return Outcome::Inconclusive(format!("the list was answered {}", answer.status)),
        Err(reason) => return reach::no_answer(&reason),
    };
    let leaked: BTreeSet<&str> = evidence
        .markers(&answer.text, None)
        .into_iter()
        .filter(|marker| is_out_of_scope(evidence, persona, marker, *scope))
        .map(|marker| marker.owner.as_str())
        .collect();
    if !leaked.is_empty() {
        let owners = leaked.into_iter().collect::<Vec<_>>().join(", ");
        return Outcome::Fail(Confidence::Confirmed, format!("the list holds markers of objects of {owners}"));
    }
    if lists.iter().any(|(step, persona)| shows_own(evidence, *step, persona)) {
        Outcome::Pass("the list holds no other's marker".to_owned())
    } else {
        Outcome::Inconclusive("nobody finds a marker in the list, not even of objects that they may read".to_owned())
    }
}

/// Whether somebody finds a marker in the list that they may read: then markers show in it at all.
fn shows_own(evidence: &Evidence<'_>, step: StepId, persona: &str) -> bool {
    let readable = |marker: &Marker| !evidence.must_not_see(Some(persona), marker);
    let list = evidence.optional(Some(step));
    list.is_some_and(|list| evidence.markers(&list.text, None).into_iter().any(readable))
}
