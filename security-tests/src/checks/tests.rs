//! Tests of the judges: exchanges in, outcomes out.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::exchange::{Answer, Exchange};
use crate::oracle::Decision;
use crate::plan::{Control, Detail, Marker, TestPlan, Trial};
use crate::verdict::Confidence;

const ALICES: &str = r#"{"id": "1", "text": "canary0000000000000"}"#;

/// Judges bob's request: step 0 is alice's control, 1 bob's attack, 2 and 3 the object before and after, 4 anonymous.
fn judge(answers: [Option<(u16, &str)>; 5]) -> Outcome {
    let plan = TestPlan {
        markers: BTreeMap::from([(
            "canary0000000000000".to_owned(),
            Marker { resource: "note".into(), owner: "alice".into() },
        )]),
        anonymous: BTreeMap::from([("op".to_owned(), 4)]),
        ..TestPlan::default()
    };
    let exchange = |answer: Option<(u16, &str)>| {
        let (status, body) = answer?;
        Some(Exchange { url: String::new(), result: Ok(Answer::new(status, body.to_owned())), duration_ms: 1.0 })
    };
    let exchanges = answers.map(exchange);
    let control = Control {
        step: 0,
        persona: "alice".into(),
        written: Some("W0".into()),
        before: Some(2),
        after: Some(0),
        ..Control::default()
    };
    let case = Case {
        id: "case".into(),
        check: "object-access",
        operation: "op".into(),
        persona: Some("bob".into()),
        relation: Relation::SameTenant,
        expected: Decision::Deny,
        trial: Trial {
            attack: 1,
            written: Some("W1".into()),
            before: Some(2),
            after: Some(3),
            control: Some(control),
            ..Trial::default()
        },
        detail: Detail::None,
    };
    reach::judge(&case, &Evidence { target: &crate::plan::test_target(), plan: &plan, exchanges: &exchanges })
}

fn confirmed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Fail(Confidence::Confirmed, _))
}

#[test]
fn a_denial_without_a_control_that_worked_proves_nothing() {
    let refused = Some((403, ""));
    assert!(matches!(judge([Some((200, "{}")), refused, None, None, None]), Outcome::Pass(_)));
    for control in [Some((403, "")), Some((500, "")), Some((200, r#"{"status": "fail"}"#)), None] {
        assert!(matches!(judge([control, refused, None, None, None]), Outcome::Inconclusive(_)), "{control:?}");
    }
}

#[test]
fn a_marker_is_a_leak_whatever_the_status() {
    let ok = Some((200, "{}"));
    assert!(confirmed(&judge([ok, Some((200, ALICES)), None, None, None])));
    assert!(confirmed(&judge([ok, Some((403, ALICES)), None, None, None])));
    assert!(confirmed(&judge([ok, Some((500, ALICES)), None, None, None])));
}

#[test]
fn an_effect_is_a_defect_whatever_the_status_and_none_is_none() {
    let (control, before) = (Some((200, r#"{"text": "W0"}"#)), Some((200, r#"{"text": "x"}"#)));
    let ok = Some((200, r#"{"done": 1}"#));
    assert!(confirmed(&judge([control, ok, before, Some((200, r#"{"text": "W1"}"#)), None])));
    assert!(confirmed(&judge([control, Some((403, "")), before, Some((200, r#"{"text": "W1"}"#)), None])));
    assert!(confirmed(&judge([control, Some((403, "")), before, Some((404, "")), None])));
    assert!(matches!(judge([control, ok, before, before, None]), Outcome::Pass(_)));
}

#[test]
fn a_write_whose_marker_never_shows_cannot_be_called_harmless() {
    let (hidden, before) = (Some((200, r#"{"count": 2}"#)), Some((200, r#"{"count": 1}"#)));
    assert!(matches!(judge([hidden, Some((200, r#"{"done": 1}"#)), before, before, None]), Outcome::Unproven(_)));
}

#[test]
fn without_evidence_a_2xx_is_unproven_or_suspected_and_never_confirmed() {
    let control = Some((200, r#"{"a": 1}"#));
    assert!(matches!(judge([control, Some((200, r#"{"b": 1}"#)), None, None, None]), Outcome::Unproven(_)));
    assert!(matches!(
        judge([control, Some((200, r#"{"a": 2}"#)), None, None, None]),
        Outcome::Fail(Confidence::Suspected, _)
    ));
}

#[test]
fn a_refusal_is_learned_from_the_anonymous_control() {
    let control = Some((200, r#"{"a": 1}"#));
    let refusal = Some((200, r#"{"note": "please log in"}"#));
    assert!(matches!(judge([control, refusal, None, None, refusal]), Outcome::Pass(_)));
    assert!(matches!(judge([control, refusal, None, None, Some((401, ""))]), Outcome::Unproven(_)));
}

#[test]
fn a_server_error_is_neither_and_a_rate_limit_is_no_denial() {
    let control = Some((200, "{}"));
    assert_eq!(judge([control, Some((500, "")), None, None, None]), Outcome::ServerError(500));
    assert!(matches!(judge([control, Some((429, "")), None, None, None]), Outcome::Inconclusive(_)));
}

#[test]
fn every_check_has_its_own_name_and_references() {
    let ids: BTreeSet<&str> = ALL.iter().map(|check| check.id).collect();
    assert_eq!(ids.len(), ALL.len());
    assert!(ALL.iter().all(|check| check.owasp.ends_with(":2023") && check.cwe.starts_with("CWE-")));
    let forged: BTreeSet<&str> = crate::tokens::catalogue().map(|forgery| forgery.check).collect();
    assert!(forged.iter().all(|check| ids.contains(check)));
}
