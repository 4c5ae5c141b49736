//! Does an old token open the account of somebody else who was given the same name later? It does where tokens name
//! their owner by what owners can give up: after a deletion, or after a change of name.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::account_case::{self, Subject};
use super::{Check, Evidence, Work, reach};
use crate::plan::{Case, Control, Credential, Detail, Draft, Role, StepId, Trial};
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "identity-reuse",
    title: "takes an old token for one of the new owner of the name",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-694",
    severity: Severity::High,
    work: Work::Online(plan, judge),
};

fn plan(draft: &mut Draft<'_>) {
    let Some(login) = draft.login() else { return };
    let (delete, rename) = (login.delete.clone(), login.rename.clone());
    if let Some(call) = delete {
        let Some(subject) = account_case::subject(draft) else { return };
        let given_up = subject.change(draft, &call, &[]);
        given_up.and_then(|step| take_over(draft, &subject, "deleted", step));
    }
    if let Some(call) = rename {
        let Some(subject) = account_case::subject(draft) else { return };
        let name = draft.plan_rename(&subject.actor);
        let given_up = subject.change(draft, &call, &[("new.username", name)]);
        given_up.and_then(|step| take_over(draft, &subject, "renamed", step));
    }
}

/// Somebody else registers under the name that was given up, and the old token is used again.
fn take_over(draft: &mut Draft<'_>, subject: &Subject, how: &str, given_up: StepId) -> Option<()> {
    let name = draft.plan.identity_of(&subject.actor).to_owned();
    let (successor, registered) = draft.register(subject.group, &subject.persona, Some(&name), &[])?;
    draft.sign_in(subject.group, &successor);
    let role = (Credential::Persona(successor.clone()), Role::Control);
    let control = account_case::ask(draft, subject.group, &subject.me, role);
    let attack = subject.ask_again(draft);
    let mut case = subject.case(CHECK.id, &format!(":{how}"), (attack, vec![subject.control, given_up, registered]));
    let control = Control {
        step: control,
        persona: subject.persona.clone(),
        actor: Some(successor.clone()),
        ..Control::default()
    };
    case.trial = Trial { control: Some(control), ..case.trial };
    case.detail = Detail::Successor(successor);
    draft.case(case);
    Some(())
}

fn judge(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let Detail::Successor(successor) = &case.detail else { return Outcome::NotApplicable("no successor".to_owned()) };
    if let Err(reason) = reach::preparation(&case.trial, evidence) {
        return Outcome::Inconclusive(reason);
    }
    let control = case.trial.control.as_ref().and_then(|control| evidence.optional(Some(control.step)));
    if !control.is_some_and(|control| reach::worked(control) && evidence.names(control, successor)) {
        return Outcome::Inconclusive("the new owner of the name cannot see who it is".to_owned());
    }
    match evidence.answer(case.trial.attack) {
        Err(reason) => reach::no_answer(&reason),
        Ok(answer) if answer.is_5xx() => Outcome::ServerError(answer.status),
        Ok(answer) if reach::worked(answer) && evidence.names(answer, successor) => {
            let what = "the answer to the old token is the one of the new owner of the name";
            Outcome::Fail(Confidence::Confirmed, what.to_owned())
        }
        Ok(answer) => Outcome::Pass(format!("answered {} without the new owner's data", answer.status)),
    }
}
