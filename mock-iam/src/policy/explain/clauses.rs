//! A policy's conditions taken apart into the parts that all must hold. Must not know questions' values.
//!
//! Reads the JSON form of a policy, the public form of its syntax tree.

use std::collections::HashMap;

use cedar_policy::{EvalResult, Expression, Policy, eval_expression};
use serde_json::{Value, json};

use super::{Condition, Operand, Outcome, syntax, words};
use crate::policy::engine::Prepared;

/// How much of a value is shown.
const LONGEST_VALUE: usize = 200;

/// The conditions of one policy, each ready to be evaluated.
pub(in crate::policy) struct Clauses(Vec<Clause>);

struct Clause {
    /// Shared by clauses of one set of policies that ask the same: those need one evaluation.
    number: usize,
    text: String,
    /// What it must come to for the policy to apply.
    expected: bool,
    expression: Expression,
    operands: Vec<(String, Expression)>,
    /// Whether it asks for membership: then the groups of an operand are worth telling.
    membership: bool,
}

/// Numbers for conditions, by their JSON form: policies tend to repeat each other.
pub(in crate::policy) type Numbers = HashMap<String, usize>;

/// What conditions came to in one question, by their numbers: an inner nothing is an error.
pub(super) type Memo = HashMap<usize, Option<bool>>;

impl Clauses {
    /// Takes a policy apart.
    pub(in crate::policy) fn of(policy: &Policy, numbers: &mut Numbers) -> Self {
        // A policy that was read has a JSON form; templates, which have none, are refused when they are read.
        let json = policy.to_json().unwrap_or_default();
        let mut parts = Vec::new();
        for condition in json.get("conditions").and_then(Value::as_array).into_iter().flatten() {
            let expected = condition.get("kind").and_then(Value::as_str) != Some("unless");
            if let Some(body) = condition.get("body") {
                split(body, expected, &mut parts);
            }
        }
        Self(parts.into_iter().filter_map(|(part, expected)| Clause::new(part, expected, numbers)).collect())
    }

    /// Whether the policy applies wherever its scope matches.
    pub(in crate::policy) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What each condition comes to, in the order of the policy.
    pub(in crate::policy) fn evaluate(&self, prepared: &Prepared) -> Vec<Condition> {
        self.0.iter().map(|clause| clause.evaluate(prepared)).collect()
    }

    /// The conditions that kept the policy from applying, by their places; as [`super::obstacles`] chooses them.
    pub(super) fn unmet(&self, prepared: &Prepared, memo: &mut Memo) -> Vec<usize> {
        let mut unmet = Vec::new();
        for (place, clause) in self.0.iter().enumerate() {
            let value = *memo.entry(clause.number).or_insert_with(|| clause.value(prepared).ok());
            if value != Some(clause.expected) && (unmet.is_empty() || value.is_some()) {
                unmet.push(place);
            }
        }
        unmet
    }

    /// What the condition at a place asks for, in words.
    pub(super) fn required(&self, place: usize) -> Option<String> {
        self.0.get(place).map(|clause| super::required(&clause.text, !clause.expected))
    }
}

impl Clause {
    fn new(part: &Value, expected: bool, numbers: &mut Numbers) -> Option<Self> {
        let (text, expression) = compile(part)?;
        let next = numbers.len();
        let number = *numbers.entry(part.to_string()).or_insert(next);
        let mut operands = Vec::new();
        paths(part, &mut operands);
        let operands = operands.into_iter().filter_map(compile).filter(|(operand, _)| *operand != text);
        let mut operands: Vec<_> = operands.collect();
        operands.dedup_by(|a, b| a.0 == b.0);
        Some(Self { number, text, expected, expression, operands, membership: part.get("in").is_some() })
    }

    fn value(&self, prepared: &Prepared) -> Result<bool, String> {
        match eval_expression(&prepared.request, &prepared.entities, &self.expression) {
            Ok(EvalResult::Bool(value)) => Ok(value),
            Ok(other) => Err(format!("it is {other} and neither true nor false")),
            Err(error) => Err(words::error(&error)),
        }
    }

    fn evaluate(&self, prepared: &Prepared) -> Condition {
        let outcome = match self.value(prepared) {
            Ok(true) => Outcome::True,
            Ok(false) => Outcome::False,
            Err(problem) => Outcome::Error(problem),
        };
        let values = self.operands.iter().filter_map(|(text, expression)| {
            let value = eval_expression(&prepared.request, &prepared.entities, expression).ok()?;
            Some(Operand { text: text.clone(), value: self.show(&value, prepared) })
        });
        Condition { text: self.text.clone(), unless: !self.expected, outcome, values: values.collect() }
    }

    fn show(&self, value: &EvalResult, prepared: &Prepared) -> String {
        let text: String = value.to_string().chars().take(LONGEST_VALUE).collect();
        match value {
            EvalResult::EntityUid(entity) if self.membership => match super::groups(entity, prepared).as_slice() {
                [] => text,
                groups => format!("{text} (in {})", groups.join(", ")),
            },
            _ => text,
        }
    }
}

/// The parts of a condition that all must come to `expected`: `a && b` when it must be true; `a || b` when it must be
/// false (De Morgan).
fn split<'a>(body: &'a Value, expected: bool, parts: &mut Vec<(&'a Value, bool)>) {
    let joined = body.get(if expected { "&&" } else { "||" });
    match (joined.and_then(|pair| Some((pair.get("left")?, pair.get("right")?))), body.pointer("/!/arg")) {
        (Some((left, right)), _) => {
            split(left, expected, parts);
            split(right, expected, parts);
        }
        (None, Some(negated)) => split(negated, !expected, parts),
        (None, None) => parts.push((body, expected)),
    }
}

/// The longest access paths of an expression, such as `resource.owner`: what people want to know the value of.
fn paths<'a>(part: &'a Value, found: &mut Vec<&'a Value>) {
    if is_path(part) {
        found.push(part);
        return;
    }
    match part {
        // Literal values hold nothing to evaluate.
        Value::Object(object) if object.contains_key("Value") => {}
        Value::Object(object) => object.values().for_each(|inner| paths(inner, found)),
        Value::Array(items) => items.iter().for_each(|inner| paths(inner, found)),
        _ => {}
    }
}

fn is_path(part: &Value) -> bool {
    part.get("Var").is_some() || part.pointer("/./left").is_some_and(is_path)
}

/// An expression's text as people write it, and its compiled form. The engine prints and parses whole policies only.
fn compile(part: &Value) -> Option<(String, Expression)> {
    let carrier = json!({
        "effect": "permit",
        "principal": { "op": "All" },
        "action": { "op": "All" },
        "resource": { "op": "All" },
        "conditions": [{ "kind": "when", "body": part }],
    });
    let text = Policy::from_json(None, carrier).ok()?.to_cedar()?;
    let start = text.find("when {")? + "when {".len();
    let end = text.rfind('}')?;
    Some((syntax::text(part), text.get(start..end)?.parse().ok()?))
}
