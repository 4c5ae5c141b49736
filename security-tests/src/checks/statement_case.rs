//! What the checks of signed statements have in common: wrong ones must not end a session, the right one must, and the
//! right one once more must not end the next session. Must not know single kinds of statements.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::session_case::{self, Place, Session};
use super::{Evidence, reach};
use crate::access::Receiver;
use crate::api::Operation;
use crate::plan::{Action, Case, Credential, Detail, Draft, Request, Role, Statement, StepId, Until};
use crate::verdict::{Confidence, Outcome};

/// How old the session is that a statement ends: a statement says when that was, in whole seconds.
const AGE: u64 = 120;

/// The two checks of one kind of statement.
pub(crate) struct Checks {
    /// The right one ends the session.
    pub(crate) honoured: &'static str,
    /// Wrong ones do not.
    pub(crate) refused: &'static str,
    /// What stand-ins are called after.
    pub(crate) short: &'static str,
}

/// Statements about somebody: wrong ones by name, the right one, and the right one again.
pub(crate) struct Statements {
    pub(crate) wrong: Vec<(&'static str, Statement)>,
    pub(crate) right: Statement,
    pub(crate) again: Statement,
}

/// Plans all statements for one receiver, about somebody who is there for that only: a session that was ended stays ended.
pub(crate) fn plan(
    draft: &mut Draft<'_>,
    checks: &Checks,
    receiver: &Receiver,
    statements: impl FnOnce(&str) -> Statements,
) -> Option<()> {
    let receive = draft.plan.operation(&receiver.operation).filter(|receive| draft.is_asked_for(&receive.id))?.clone();
    // The operation that shows whether somebody is signed in may belong to another part of the run.
    let asked = session_case::witness(draft)?;
    let persona = draft.personas().into_iter().find(|name| draft.may(&asked.id, Some(name), None))?;
    let place = Place { operation: &asked, owner: None, persona: &persona };
    let mut session = Session::open_for_stand_in(draft, &place, checks.short, Some(AGE));
    let Statements { wrong, right, again } = statements(&session.actor);
    let mut cases = Vec::new();
    for (name, statement) in wrong {
        let sent = deliver(draft, &session, &receive, (Role::Attack, statement));
        let after = session.ask(draft, Role::Probe, None);
        cases.push(without_effect((&session, &receive), (checks.refused, name), (sent, after)));
    }
    let delivered = deliver(draft, &session, &receive, (Role::Change, right));
    let attack = session.ask(draft, Role::Attack, Some(Until::Refused));
    let needs = session.needs.clone();
    session.needs.push(delivered);
    let mut honoured = session.case(checks.honoured, "", attack);
    honoured.id = format!("{}:{}:{persona}", checks.honoured, receive.id);
    honoured.operation.clone_from(&receive.id);
    session.needs = needs;
    let signed_in = session.sign_in_again(draft);
    let sent = deliver(draft, &session, &receive, (Role::Attack, again));
    let after = session.ask(draft, Role::Probe, None);
    let mut replayed = without_effect((&session, &receive), (checks.refused, "replayed"), (sent, after));
    if let Some(control) = &mut replayed.trial.control {
        control.step = signed_in;
    }
    cases.push(replayed);
    let removed = session.remove_stand_in(draft);
    for mut case in cases.into_iter().chain([honoured]) {
        case.trial.needs.push(removed);
        draft.case(case);
    }
    Some(())
}

fn deliver(
    draft: &mut Draft<'_>,
    session: &Session,
    receive: &Operation,
    (role, statement): (Role, Statement),
) -> StepId {
    let request = draft.request(receive, None, Credential::Anonymous);
    let request = Request { body: None, statement: Some(statement), ..request };
    draft.step(session.group, role, Action::Request(Box::new(request)))
}

fn without_effect(
    (session, receive): (&Session, &Operation),
    (check, name): (&'static str, &str),
    (sent, after): (StepId, StepId),
) -> Case {
    let mut case = session.case(check, name, sent);
    case.id = format!("{check}:{}:{}:{name}", receive.id, session.persona);
    case.operation.clone_from(&receive.id);
    case.trial.after = Some(after);
    case.detail = Detail::None;
    case
}

/// Judges a statement that must change nothing: what counts is whether the session lives on, not what was answered.
pub(crate) fn judge_wrong(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    if let Err(reason) = reach::control(&case.trial, evidence) {
        return Outcome::Inconclusive(reason);
    }
    let answer = match evidence.answer(case.trial.attack) {
        Ok(answer) => answer,
        Err(reason) => return reach::no_answer(&reason),
    };
    match evidence.optional(case.trial.after) {
        Some(after) if reach::worked(after) && answer.is_5xx() => Outcome::ServerError(answer.status),
        Some(after) if reach::worked(after) => Outcome::Pass(format!("answered {} without effect", answer.status)),
        Some(after) if (400..429).contains(&after.status) => {
            let why = format!("answered {}, and the session ended: {}", answer.status, after.status);
            Outcome::Fail(Confidence::Confirmed, why)
        }
        Some(after) => Outcome::Inconclusive(format!("whether the session lives on is not shown: {}", after.status)),
        None => Outcome::Inconclusive("whether the session lives on was not asked".to_owned()),
    }
}
