//! Do the policies give the answers of the rules, for each persona, operation and relation?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Fact, Offline, Work};
use crate::api::Operation;
use crate::oracle::{Asked, Decider, Relation, expected_by_rule, is_for_anyone, question};
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "policy-disagrees",
    title: "is decided otherwise by the policies than by the rules",
    layer: Layer::Policy,
    tier: Tier::Exploit,
    owasp: "API5:2023",
    cwe: "CWE-863",
    severity: Severity::High,
    work: Work::Offline(facts),
};

fn facts(offline: &Offline<'_>) -> Vec<Fact> {
    let Some(decider) = &offline.target.decider else { return Vec::new() };
    let actions = decider.actions();
    let mut facts = Vec::new();
    for operation in offline.operations {
        let decided = offline.target.access.rules.get(&operation.id);
        let Some(rule) =
            decided.filter(|_| actions.contains(&operation.id) && !is_for_anyone(offline.target, &operation.id))
        else {
            continue;
        };
        for persona in offline.personas {
            for (relation, owner) in owners(offline, persona, rule.on.is_some()) {
                let asked = Asked { operation: &operation.id, persona: Some(persona), owner };
                let outcome = compare(offline, decider.as_ref(), persona, asked);
                facts.push(fact(operation, persona, relation, outcome));
            }
        }
    }
    facts
}

/// One owner for each relation of a persona.
fn owners<'a>(offline: &Offline<'a>, persona: &str, on_object: bool) -> Vec<(Relation, Option<&'a str>)> {
    if !on_object {
        return vec![(Relation::None, None)];
    }
    let target = offline.target;
    let all = [Relation::Own, Relation::SameTenant, Relation::OtherTenant];
    let owner = |wanted| target.personas.keys().find(|owner| Relation::between(target, persona, owner) == wanted);
    all.into_iter().filter_map(|relation| owner(relation).map(|owner| (relation, Some(owner.as_str())))).collect()
}

fn compare(offline: &Offline<'_>, decider: &dyn Decider, persona: &str, asked: Asked<'_>) -> Outcome {
    let rules = expected_by_rule(offline.target, asked);
    match decider.decide(&question(offline.target, persona, asked)) {
        Ok(policies) if policies == rules => Outcome::Pass(format!("both {}", rules.as_str())),
        Ok(policies) => Outcome::Fail(
            Confidence::Confirmed,
            format!("the policies {}, the rules {}", policies.as_str(), rules.as_str()),
        ),
        Err(reason) => Outcome::Inconclusive(format!("the policies cannot answer: {reason}")),
    }
}

fn fact(operation: &Operation, persona: &str, relation: Relation, outcome: Outcome) -> Fact {
    let name = format!("{}:{persona}:{}", operation.id, relation.as_str());
    Fact { name, operation: operation.id.clone(), persona: Some(persona.to_owned()), relation, outcome }
}
