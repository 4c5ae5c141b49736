//! Which check a cell of the access matrix belongs to, and its case. Must not know HTTP.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::access::Grant;
use crate::oracle::{Decision, Relation};
use crate::plan::{Case, Detail, Draft, PlannedCell};

/// Adds the cells of one check as cases.
pub(crate) fn plan(draft: &mut Draft<'_>, check: &'static str) {
    let cells: Vec<PlannedCell> = std::mem::take(&mut draft.plan.cells);
    for cell in &cells {
        let rule = draft.rule(&cell.operation);
        if rule.is_some() && check_of(draft, cell) == check {
            draft.plan.cases.extend(case(cell, check));
        }
    }
    draft.plan.cells = cells;
}

/// The case of a cell; none when no request was planned for it.
pub(crate) fn case(cell: &PlannedCell, check: &'static str) -> Option<Case> {
    let who = cell.persona.as_deref().unwrap_or("anonymous");
    Some(Case {
        id: format!("{check}:{}:{who}:{}", cell.operation, cell.relation.as_str()),
        check,
        operation: cell.operation.clone(),
        persona: cell.persona.clone(),
        relation: cell.relation,
        expected: cell.expected,
        trial: cell.trial.clone()?,
        detail: Detail::None,
    })
}

/// The check that a cell belongs to. Where ownership or tenancy is a way in, being somebody else's object is the
/// question; where only roles are, the function is.
fn check_of(draft: &Draft<'_>, cell: &PlannedCell) -> &'static str {
    let Some(persona) = &cell.persona else {
        let anonymous_may = cell.expected == Decision::Allow;
        return if anonymous_may { "function-access" } else { "missing-authentication" };
    };
    let grants = draft.rule(&cell.operation).map(|rule| rule.allow.as_slice()).unwrap_or_default();
    let has_role = |role: &String| draft.target.personas.get(persona).is_some_and(|who| who.roles.contains(role));
    let right_role = grants.iter().any(|grant| matches!(grant, Grant::RoleOfTenant(role) if has_role(role)));
    let by_object = grants.iter().any(|grant| matches!(grant, Grant::Owner | Grant::Others | Grant::Tenant));
    match (cell.relation, by_object) {
        (Relation::None, _) => "function-access",
        (Relation::OtherTenant, true) => "tenant-isolation",
        (Relation::OtherTenant, false) if right_role => "tenant-isolation",
        (_, true) => "object-access",
        (_, false) => "function-access",
    }
}
