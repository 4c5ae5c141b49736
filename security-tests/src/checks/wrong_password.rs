//! Is a wrong password refused, by the login of the document and by older or newer versions of it that nobody described?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Evidence, Work, reach, versions};
use crate::api::Operation;
use crate::oracle::{Decision, Relation};
use crate::plan::{
    Action, Case, Credential, Detail, Draft, Phase, Request, Role, SignIn, StepId, Trial, placeholder, request,
    secret_name,
};
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "wrong-password",
    title: "takes any password for the right one",
    layer: Layer::Access,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-287",
    severity: Severity::Critical,
    work: Work::Online(plan, judge),
};

pub(super) static OLD: Check = Check {
    id: "old-login",
    title: "is an undocumented login that takes any password for the right one",
    layer: Layer::Access,
    tier: Tier::Exploit,
    owasp: "API9:2023",
    cwe: "CWE-1059",
    severity: Severity::Critical,
    work: Work::Online(plan_old, judge),
};

fn plan(draft: &mut Draft<'_>) {
    let Some((operation, victim, request)) = wrong(draft) else { return };
    if draft.plan.operations.get(&operation.id).is_none() {
        return;
    }
    let group = draft.group(Phase::Read);
    let attack = draft.step(group, Role::Attack, Action::Request(Box::new(request)));
    let case = case((&CHECK, &operation, &victim), attack, None);
    draft.case(case);
}

fn plan_old(draft: &mut Draft<'_>) {
    let Some((operation, victim, request)) = wrong(draft) else { return };
    let refused = draft.plan.cases.iter().find(|case| case.check == CHECK.id).map(|case| case.trial.attack);
    for guess in versions::of(&draft.plan, &operation) {
        let group = draft.group(Phase::Read);
        let request = Request { operation: guess.id.clone(), path: guess.path.clone(), ..request.clone() };
        let attack = draft.step(group, Role::Attack, Action::Request(Box::new(request)));
        draft.case(case((&OLD, &guess, &victim), attack, refused));
        draft.plan.guessed.push(guess);
    }
}

/// A login of somebody with a password that is not theirs.
fn wrong(draft: &mut Draft<'_>) -> Option<(Operation, String, Request)> {
    let login = draft.login()?.request.operation.clone();
    let wanted = draft.is_asked_for(&login);
    let operation = draft.plan.operation(&login).filter(|_| wanted)?.clone();
    let can_log_in = |name: &String| draft.plan.accounts.get(name).is_some_and(|account| account.login.is_some());
    let victim = draft.target.actors().find(|name| can_log_in(name))?.clone();
    let mut request = draft.plan.accounts.get(&victim)?.login.clone()?;
    let wrong = format!("{}/wrong", secret_name(&victim));
    let own = format!("secret:{}", secret_name(&victim));
    request.body = request.body.map(|body| request::replace(&body, &[(own.as_str(), placeholder(&wrong))]));
    request.signs_in = Some(SignIn::Look);
    request.credential = Credential::Anonymous;
    Some((operation, victim, request))
}

fn case((check, operation, victim): (&Check, &Operation, &str), attack: StepId, refused: Option<StepId>) -> Case {
    Case {
        id: format!("{}:{}:{victim}", check.id, operation.id),
        check: check.id,
        operation: operation.id.clone(),
        persona: None,
        relation: Relation::None,
        expected: Decision::Deny,
        trial: Trial { attack, ..Trial::default() },
        detail: Detail::WrongPassword(victim.to_owned(), refused),
    }
}

fn judge(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let Detail::WrongPassword(victim, refused) = &case.detail else {
        return Outcome::NotApplicable("no login".to_owned());
    };
    let answer = match evidence.answer(case.trial.attack) {
        Ok(answer) => answer,
        Err(reason) => return reach::no_answer(&reason),
    };
    // A login that repeats the name in its refusal would look like one that knows it.
    let repeats = evidence.optional(*refused).is_some_and(|refused| evidence.names(refused, victim));
    let names = !repeats && evidence.names(answer, victim);
    match answer.status {
        429 => Outcome::Inconclusive("rate limited".to_owned()),
        500.. if refused.is_some() => Outcome::NotApplicable(format!("answered {}", answer.status)),
        500.. => Outcome::ServerError(answer.status),
        _ if answer.signed_in => {
            Outcome::Fail(Confidence::Confirmed, format!("a wrong password brought a token of {victim}"))
        }
        _ if reach::worked(answer) && names && !evidence.is_learned_refusal(answer) => {
            let what = format!("a wrong password was answered {} with the data of {victim}", answer.status);
            Outcome::Fail(Confidence::Confirmed, what)
        }
        status => Outcome::Pass(format!("answered {status} without a token")),
    }
}
