//! Which policies ever decide, for whom, and which look wider than anybody meant. Must not know who shows it.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{ActionConstraint, Effect, PrincipalConstraint};
use serde::Serialize;

use super::world::{Case, World};
use crate::directory::Directory;
use crate::policy::engine::Dissected;
use crate::policy::{Engine, Policy};

/// What policies do in a world.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Coverage {
    /// How many questions were put.
    pub questions: usize,
    /// How many were allowed.
    pub allowed: usize,
    /// Each policy with what it decided.
    pub policies: Vec<PolicyUse>,
    /// The actions that each person may do on something.
    pub grants: BTreeMap<String, BTreeSet<String>>,
}

/// What one policy decided.
#[derive(Clone, Debug, Serialize)]
pub struct PolicyUse {
    /// The policy.
    #[serde(flatten)]
    pub policy: Policy,
    /// How many questions it decided (others may have decided them as well).
    pub decided: usize,
    /// For whom.
    pub personas: BTreeSet<String>,
    /// About which actions.
    pub actions: BTreeSet<String>,
    /// What people should look at, in words.
    pub remarks: Vec<String>,
}

/// Puts every question of a world and counts who decided.
#[must_use]
pub fn coverage(engine: &Engine, directory: &Directory, world: &World) -> Coverage {
    let mut uses: BTreeMap<&str, Counted> = BTreeMap::new();
    let mut coverage = Coverage { questions: world.cases.len(), ..Coverage::default() };
    for case in &world.cases {
        let Ok(decision) = engine.decide(&case.question, directory) else { continue };
        if decision.allowed {
            coverage.allowed += 1;
            let (subject, action) = (&case.question.subject.id, &case.question.action.name);
            coverage.grants.entry(subject.clone()).or_default().insert(action.clone());
        }
        for id in &decision.determining {
            if let Some(policy) = engine.policies().iter().find(|policy| policy.id == *id) {
                uses.entry(&policy.id).or_default().count(case);
            }
        }
    }
    let people = directory.users().count();
    coverage.policies = engine
        .dissected()
        .zip(engine.cedar_policies())
        .map(|(Dissected { policy, clauses, .. }, cedar)| {
            let counted = uses.remove(policy.id.as_str()).unwrap_or_default();
            let remarks = remarks(cedar, clauses.is_empty(), (&counted, people));
            PolicyUse {
                policy: policy.clone(),
                decided: counted.decided,
                personas: counted.personas,
                actions: counted.actions,
                remarks,
            }
        })
        .collect();
    coverage
}

#[derive(Default)]
struct Counted {
    decided: usize,
    crossing: usize,
    personas: BTreeSet<String>,
    actions: BTreeSet<String>,
}

impl Counted {
    fn count(&mut self, case: &Case) {
        self.decided += 1;
        self.crossing += usize::from(case.crosses_tenants);
        self.personas.insert(case.question.subject.id.clone());
        self.actions.insert(case.question.action.name.clone());
    }
}

fn remarks(policy: &cedar_policy::Policy, unconditional: bool, (counted, people): (&Counted, usize)) -> Vec<String> {
    let mut remarks = Vec::new();
    if counted.decided == 0 {
        remarks.push("never decides".to_owned());
    }
    if policy.effect() == Effect::Forbid {
        return remarks;
    }
    let anybody = matches!(policy.principal_constraint(), PrincipalConstraint::Any | PrincipalConstraint::Is(_));
    if matches!(policy.action_constraint(), ActionConstraint::Any) {
        remarks.push("permits every action, also those to come".to_owned());
    }
    if anybody && unconditional && people > 1 && counted.personas.len() == people {
        remarks.push("permits everybody without a condition".to_owned());
    }
    if counted.crossing > 0 {
        remarks.push(format!("crosses tenants ({} questions)", counted.crossing));
    }
    remarks
}
