//! What an edit of the policies gives and takes, question by question. Must not know where the two sets come from.

use std::collections::BTreeMap;

use serde::Serialize;

use super::world::{Case, Examples, World};
use crate::directory::Directory;
use crate::policy::{Decision, Engine};

/// The difference between two sets of policies.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Diff {
    /// How many questions were put to both.
    pub questions: usize,
    /// What is allowed now and was not.
    pub gained: Vec<Change>,
    /// What was allowed and is not now.
    pub lost: Vec<Change>,
    /// Types of which no object could be made up, with the reason.
    pub left_out: BTreeMap<String, String>,
}

/// A question that is answered otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Who.
    pub persona: String,
    /// What.
    pub action: String,
    /// On what, e.g. `Order of alice`.
    pub resource: String,
    /// In which circumstances; empty when there are none.
    pub context: String,
    /// Whether the object belongs to another tenant.
    pub crosses_tenants: bool,
    /// Gained: the policies that permit now. Lost: those that forbid now, or else those that permitted before.
    pub by: Vec<String>,
}

/// Puts every question of both schemas to both sets.
#[must_use]
pub fn diff(before: &Engine, after: &Engine, directory: &Directory, examples: &Examples) -> Diff {
    let mut left_out = BTreeMap::new();
    let mut cases: BTreeMap<Key, (Option<Case>, Option<Case>)> = BTreeMap::new();
    for (engine, is_after) in [(before, false), (after, true)] {
        let world = World::seeded(engine, directory, examples);
        left_out.extend(world.left_out);
        for case in world.cases {
            let sides = cases.entry(key(&case)).or_default();
            *if is_after { &mut sides.1 } else { &mut sides.0 } = Some(case);
        }
    }
    let mut diff = Diff { questions: cases.len(), left_out, ..Diff::default() };
    for (old, new) in cases.into_values() {
        // What one schema does not know is denied there, as it is in the running IAM.
        let was = decide(before, directory, old.as_ref());
        let is = decide(after, directory, new.as_ref());
        let Some(case) = new.or(old) else { continue };
        match (was.allowed, is.allowed) {
            (false, true) => diff.gained.push(change(case, is.determining)),
            (true, false) if is.determining.is_empty() => diff.lost.push(change(case, was.determining)),
            (true, false) => diff.lost.push(change(case, is.determining)),
            _ => {}
        }
    }
    diff
}

/// Persona, action, resource, context.
type Key = (String, String, String, String);

fn key(case: &Case) -> Key {
    let question = &case.question;
    (question.subject.id.clone(), question.action.name.clone(), case.resource.clone(), case.context.clone())
}

fn decide(engine: &Engine, directory: &Directory, case: Option<&Case>) -> Decision {
    case.and_then(|case| engine.decide(&case.question, directory).ok()).unwrap_or_default()
}

fn change(case: Case, by: Vec<String>) -> Change {
    let (persona, action, resource, context) = key(&case);
    Change { persona, action, resource, context, crosses_tenants: case.crosses_tenants, by }
}
