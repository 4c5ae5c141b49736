//! Tests of the judges: exchanges in, outcomes out.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::exchange::{Answer, Exchange};
use crate::oracle::Decision;
use crate::plan::{Control, Detail, Failure, Marker, TestPlan, Trial};
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

/// A case of a session, judged: step 0 is the control, 1 the attack, 2 what comes after it.
fn judge_session(check: &'static str, detail: Detail, (attack, took): (Answer, f64), after: (u16, &str)) -> Outcome {
    let answered = |answer: Answer, duration_ms| Some(Exchange { url: String::new(), result: Ok(answer), duration_ms });
    let exchanges = [
        answered(Answer::new(200, r#"{"sub": "alice"}"#.into()), 1.0),
        answered(attack, took),
        answered(Answer::new(after.0, after.1.into()), 1.0),
    ];
    let case = Case {
        id: "case".into(),
        check,
        operation: "op".into(),
        persona: Some("alice".into()),
        relation: Relation::None,
        expected: Decision::Deny,
        trial: Trial {
            attack: 1,
            after: Some(2),
            control: Some(Control { step: 0, persona: "alice".into(), ..Control::default() }),
            ..Trial::default()
        },
        detail,
    };
    let plan = TestPlan::default();
    let evidence = Evidence { target: &crate::plan::test_target(), plan: &plan, exchanges: &exchanges };
    let Some(Check { work: Work::Online(_, judge), .. }) = by_id(check) else { panic!("no check {check}") };
    judge(&case, &evidence)
}

const SERVED: fn() -> Answer = || Answer::new(200, r#"{"sub": "alice"}"#.into());

#[test]
fn whoever_serves_a_request_although_its_question_was_not_answered_fails_open() {
    let failing = |failure| Detail::Failing(2, failure);
    let (met, missed) = ((200, r#"{"met": 1}"#), (200, r#"{"met": 0}"#));
    let down = |attack, after| judge_session("fail-open", failing(Failure::Down), attack, after);
    assert!(confirmed(&down((SERVED(), 1.0), met)));
    for closed in [503, 500, 401, 403] {
        assert!(matches!(down((Answer::new(closed, String::new()), 1.0), met), Outcome::Pass(_)), "{closed}");
    }
    assert!(matches!(down((SERVED(), 1.0), missed), Outcome::NotApplicable(_)), "it never asked");
    let slow = |took| judge_session("fail-open", failing(Failure::Slow), (SERVED(), took), met);
    assert!(confirmed(&slow(1_000.0)) && matches!(slow(5_010.0), Outcome::Pass(_)), "the true answer came");
}

#[test]
fn a_wrong_statement_is_judged_by_whether_the_session_lives_on() {
    let judge = |status, after| {
        let attack = (Answer::new(status, String::new()), 1.0);
        judge_session("forged-event", Detail::None, attack, (after, r#"{"sub": "alice"}"#))
    };
    for status in [202, 400, 401] {
        assert!(matches!(judge(status, 200), Outcome::Pass(_)), "{status}");
        assert!(confirmed(&judge(status, 401)), "{status}");
    }
    assert!(matches!(judge(400, 503), Outcome::Inconclusive(_)));
    assert_eq!(judge(500, 200), Outcome::ServerError(500));
}

#[test]
fn a_refusal_of_a_weak_authentication_says_what_would_help() {
    let judge = |status: u16, challenge: Option<&str>| {
        let answer = Answer { challenge: challenge.map(str::to_owned), ..Answer::new(status, String::new()) };
        judge_session("step-up-challenge", Detail::None, (answer, 1.0), (200, ""))
    };
    assert!(matches!(judge(401, Some("Bearer error=\"insufficient_user_authentication\"")), Outcome::Pass(_)));
    assert!(confirmed(&judge(401, Some("Bearer error=\"invalid_token\""))));
    assert!(confirmed(&judge(403, None)));
}

#[test]
fn what_is_still_shown_after_a_change_is_a_defect_in_whatever_form() {
    let judge = |after: &str| {
        let attack = Answer::new(200, after.to_owned());
        let exchange = |answer| Some(Exchange { url: String::new(), result: Ok(answer), duration_ms: 1.0 });
        let exchanges = [exchange(Answer::new(200, ALICES.to_owned())), exchange(attack)];
        let marker = Marker { resource: "note".into(), owner: "alice".into() };
        let plan =
            TestPlan { markers: BTreeMap::from([("canary0000000000000".to_owned(), marker)]), ..TestPlan::default() };
        let control = Control { step: 0, persona: "alice".into(), ..Control::default() };
        let case = Case {
            id: "case".into(),
            check: "moved-tenant",
            operation: "op".into(),
            persona: Some("alice".into()),
            relation: Relation::None,
            expected: Decision::Deny,
            trial: Trial { attack: 1, control: Some(control), ..Trial::default() },
            detail: Detail::None,
        };
        let target = crate::plan::test_target();
        session_case::judge(&case, &Evidence { target: &target, plan: &plan, exchanges: &exchanges })
    };
    assert!(confirmed(&judge(r#"{"text": "canary0000000000000"}"#)), "with a field less");
    assert!(matches!(judge(r#"{"more": 1}"#), Outcome::Unproven(_)));
}
