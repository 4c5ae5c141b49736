//! The cells of the access matrix, each with the steps that show what happens. Must not know checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Action, Attempt, Draft, PlannedCell, Step, StepId, Trial};
use crate::api::Operation;
use crate::login::Call;
use crate::oracle::{Decision, Relation};
use crate::verdict::Layer;

/// Plans every persona × operation × relation, anonymous last: its refusals are compared, not waited for.
pub(super) fn plan_cells(draft: &mut Draft<'_>) {
    let operations: Vec<Operation> = draft.selected().cloned().collect();
    for operation in operations {
        let object = draft.resource_of(&operation.id).map(|(name, _)| name.to_owned());
        let owners = object.map(|resource| draft.owners(&resource));
        for persona in draft.personas() {
            for (relation, owner) in relations(draft, &persona, owners.as_deref()) {
                let cell = Position { persona: Some(persona.clone()), relation, owner };
                plan_cell(draft, &operation, cell, draft.runs(Layer::Access));
            }
        }
        let owner = owners.and_then(|owners| owners.first().cloned());
        let nobody = Position { persona: None, relation: Relation::None, owner };
        plan_cell(draft, &operation, nobody, draft.runs(Layer::Access) || draft.runs(Layer::Token));
    }
}

/// Who stands where in a cell.
struct Position {
    persona: Option<String>,
    relation: Relation,
    owner: Option<String>,
}

/// The relations of a persona to objects, each with the first owner for whom it holds.
fn relations(draft: &Draft<'_>, persona: &str, owners: Option<&[String]>) -> Vec<(Relation, Option<String>)> {
    let Some(owners) = owners else { return vec![(Relation::None, None)] };
    let own = owners.iter().find(|owner| *owner == persona);
    let first = |relation| owners.iter().find(|owner| Relation::between(draft.target, persona, owner) == relation);
    let all = [
        (Relation::Own, own),
        (Relation::SameTenant, first(Relation::SameTenant)),
        (Relation::OtherTenant, first(Relation::OtherTenant)),
    ];
    all.into_iter().map(|(relation, owner)| (relation, owner.cloned())).collect()
}

fn plan_cell(draft: &mut Draft<'_>, operation: &Operation, position: Position, send: bool) {
    let Position { persona, relation, owner } = position;
    let on_object = draft.resource_of(&operation.id).is_some();
    let expected = match (on_object, &owner) {
        // Nobody stands in this relation here: the rule still says what it would be.
        (true, None) => by_rule(draft, operation, persona.as_deref(), relation),
        _ if draft.may(&operation.id, persona.as_deref(), owner.as_deref()) => Decision::Allow,
        _ => Decision::Deny,
    };
    let trial = if let Some(step) = by_login(draft, operation) {
        // Every persona logged in already; nobody needs a token for that.
        (persona.is_none() && expected == Decision::Allow).then(|| Trial { attack: step, ..Trial::default() })
    } else if draft.target.access.session.receives(&operation.id) {
        // It takes statements of provider or IAM; what anybody else sends there has an answer in the session layer.
        None
    } else if send && (!on_object || owner.is_some()) {
        draft.attempt(&operation.id, owner.as_deref(), Attempt::by(persona.as_deref(), expected))
    } else {
        None
    };
    if let (None, Some(trial)) = (&persona, &trial) {
        draft.plan.anonymous.insert(operation.id.clone(), trial.attack);
    }
    draft.plan.cells.push(PlannedCell { operation: operation.id.clone(), persona, relation, owner, expected, trial });
}

/// The step that registered or logged in somebody, when that is the operation.
fn by_login(draft: &Draft<'_>, operation: &Operation) -> Option<StepId> {
    let login = draft.login()?;
    let is = |call: &Call| call.operation == operation.id;
    let open = crate::oracle::is_for_anyone(draft.target, &operation.id);
    if !open || !(is(&login.request) || login.register.as_ref().is_some_and(is)) {
        return None;
    }
    let sends = |step: &Step| matches!(&step.action, Action::Request(request) if request.operation == operation.id);
    draft.plan.steps.iter().position(sends)
}

fn by_rule(draft: &Draft<'_>, operation: &Operation, persona: Option<&str>, relation: Relation) -> Decision {
    let persona = persona.and_then(|name| draft.target.personas.get(name));
    draft.rule(&operation.id).map_or(Decision::Deny, |rule| crate::oracle::by_rule(rule, persona, relation))
}
