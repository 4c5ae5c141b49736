//! Does an answer about somebody else hold what nobody else needs: passwords, card numbers, keys? A name in a schema
//! proves nothing; a value does, and somebody's own password wherever it is.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::{Map, Value};

use super::{Check, Evidence, Work, reach};
use crate::exchange::Answer;
use crate::oracle::{Decision, Relation};
use crate::plan::{Attempt, Case, Detail, Draft, PlannedCell, Trial};
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "sensitive-data",
    title: "shows sensitive data of others",
    layer: Layer::Access,
    tier: Tier::Exploit,
    owasp: "API3:2023",
    cwe: "CWE-200",
    severity: Severity::High,
    work: Work::Online(plan, judge),
};

/// Names, in lower case without signs, of what an API has no reason to tell others.
const SENSITIVE: [&str; 34] = [
    "password",
    "passwd",
    "pwd",
    "passwordhash",
    "hashedpassword",
    "pwdhash",
    "passwordsalt",
    "secret",
    "secretkey",
    "clientsecret",
    "apikey",
    "apisecret",
    "privatekey",
    "accesstoken",
    "refreshtoken",
    "resettoken",
    "sessiontoken",
    "cardnumber",
    "creditcard",
    "creditcardnumber",
    "ccnumber",
    "cardcvc",
    "cardcvv",
    "cvc",
    "cvv",
    "pin",
    "ssn",
    "socialsecuritynumber",
    "taxid",
    "iban",
    "totpsecret",
    "otpsecret",
    "mfasecret",
    "securityanswer",
];

fn plan(draft: &mut Draft<'_>) {
    for operation in draft.operations().into_iter().filter(|operation| operation.is_safe()) {
        let on_object = draft.resource_of(&operation.id).is_some();
        // Another's object that must not be read at all is the business of other checks.
        let of_interest = |cell: &PlannedCell| !on_object || cell.expected == Decision::Allow;
        let cells: Vec<PlannedCell> = draft.cells_of(&operation.id).into_iter().filter(of_interest).collect();
        for cell in &cells {
            if let Some(trial) = &cell.trial {
                let case = case(&operation.id, cell, trial.clone());
                draft.case(case);
            }
        }
        read_everybody(draft, &operation.id, &cells);
    }
}

/// Accounts that are there before the run may hold what new ones do not: one persona reads them all.
fn read_everybody(draft: &mut Draft<'_>, operation: &str, cells: &[PlannedCell]) {
    let Some((resource, described)) = draft.resource_of(operation) else { return };
    if described.create.is_some() {
        return;
    }
    let Some(reader) = draft.personas().into_iter().find(|name| draft.can_register(name)) else { return };
    let is_read = |owner: &String| {
        cells.iter().any(|cell| cell.owner.as_ref() == Some(owner) && cell.persona.as_ref() == Some(&reader))
    };
    for owner in draft.owners(resource).iter().filter(|owner| **owner != reader) {
        if is_read(owner) || !draft.may(operation, Some(&reader), Some(owner)) {
            continue;
        }
        let attempt = Attempt::by(Some(&reader), Decision::Allow);
        let Some(trial) = draft.attempt(operation, Some(owner), attempt) else { continue };
        let cell = PlannedCell {
            operation: operation.to_owned(),
            persona: Some(reader.clone()),
            relation: Relation::between(draft.target, &reader, owner),
            owner: Some(owner.clone()),
            expected: Decision::Allow,
            trial: None,
        };
        let mut case = case(operation, &cell, trial);
        case.id = format!("{}:{owner}", case.id);
        draft.case(case);
    }
}

fn case(operation: &str, cell: &PlannedCell, trial: Trial) -> Case {
    let who = cell.persona.as_deref().unwrap_or("anonymous");
    Case {
        id: format!("{}:{operation}:{who}:{}", CHECK.id, cell.relation.as_str()),
        check: CHECK.id,
        operation: operation.to_owned(),
        persona: cell.persona.clone(),
        relation: cell.relation,
        expected: cell.expected,
        trial: Trial { attack: trial.attack, ..Trial::default() },
        detail: Detail::Sensitive(cell.owner.clone()),
    }
}

fn judge(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let answer = match evidence.answer(case.trial.attack) {
        Ok(answer) if reach::worked(answer) => answer,
        Ok(answer) => return Outcome::NotApplicable(format!("answered {}", answer.status)),
        Err(reason) => return reach::no_answer(&reason),
    };
    if let Some(whose) = password_of(case, answer, evidence) {
        return Outcome::Fail(Confidence::Confirmed, format!("the answer holds the password of {whose}"));
    }
    let Some(json) = &answer.json else { return Outcome::Pass("the answer has no fields".to_owned()) };
    let mut found = Vec::new();
    collect(json, &mut |fields| {
        if about_somebody_else(case, fields, evidence) {
            found.extend(
                fields.iter().filter(|(name, value)| is_sensitive(name) && is_telling(value)).map(|(name, _)| name),
            );
        }
    });
    found.sort_unstable();
    found.dedup();
    if found.is_empty() {
        return Outcome::Pass("nothing sensitive of anybody else".to_owned());
    }
    let names: Vec<&str> = found.into_iter().map(String::as_str).collect();
    Outcome::Fail(Confidence::Confirmed, format!("the answer about somebody else holds `{}`", names.join("`, `")))
}

/// Whose password an answer holds: the transport leaves a placeholder where it found one.
fn password_of<'a>(case: &Case, answer: &'a Answer, evidence: &'a Evidence<'_>) -> Option<&'a str> {
    let names = answer.text.split("${secret:").skip(1).filter_map(|rest| rest.split_once('}'));
    let mut owners = names.map(|(name, _)| evidence.plan.persona_of(name.split('/').next().unwrap_or(name)));
    owners.find(|owner| Some(*owner) != case.persona.as_deref())
}

/// Whether fields are about anybody but the caller: by whose object was asked for, or by another's name among them.
fn about_somebody_else(case: &Case, fields: &Map<String, Value>, evidence: &Evidence<'_>) -> bool {
    let Detail::Sensitive(owner) = &case.detail else { return false };
    if owner.is_some() && case.relation != Relation::Own {
        return true;
    }
    let accounts = evidence.plan.accounts.values();
    let mut others = accounts.filter(|account| Some(&account.persona) != case.persona.as_ref());
    others.any(|account| {
        fields.values().filter_map(Value::as_str).any(|text| text == account.username || text == account.email)
    })
}

fn collect<'a>(value: &'a Value, visit: &mut impl FnMut(&'a Map<String, Value>)) {
    match value {
        Value::Object(fields) => {
            visit(fields);
            fields.values().for_each(|value| collect(value, visit));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, visit)),
        _ => {}
    }
}

fn is_sensitive(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    SENSITIVE.contains(&plain.as_str())
}

/// Whether a value says something: not empty, not masked.
fn is_telling(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            text.chars().any(|c| c.is_alphanumeric()) && !text.contains("***") && !text.contains("[redacted]")
        }
        Value::Number(_) => true,
        _ => false,
    }
}
