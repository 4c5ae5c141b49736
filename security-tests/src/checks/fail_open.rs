//! Is a request refused while whoever knows tokens or decides is down, slow, broken or talks nonsense? An answer that was
//! given a moment ago is no answer now.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::session_case::{self, Place, Session};
use super::{Check, Evidence, Work, reach};
use crate::plan::{Action, Case, Detail, Draft, Failure, Part, Role, Struck, World};
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "fail-open",
    title: "serves requests that nobody decided",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API8:2023",
    cwe: "CWE-636",
    severity: Severity::High,
    work: Work::Online(plan, judge),
};

/// An answer after so long may have waited for the true one: `slow` lasts five seconds.
const WAITED_MS: f64 = 4_500.0;

fn plan(draft: &mut Draft<'_>) {
    let Some((operation, persona)) = session_case::somebody(draft) else { return };
    let controls = &draft.target.controls;
    let parts = [(Part::Iam, controls.iam.is_some()), (Part::Provider, controls.provider)];
    let parts: Vec<Part> = parts.into_iter().filter(|(_, there)| *there).map(|(part, _)| part).collect();
    let place = Place { operation: &operation, owner: None, persona: &persona };
    for part in &parts {
        for failure in Failure::ALL.into_iter().filter(|failure| *failure != Failure::Slow) {
            let mut session = Session::open(draft, &place);
            session.change(draft, Action::World(World::Break(*part, failure, Struck::All)));
            let attack = session.ask(draft, Role::Attack, None);
            let mended = session.restore(draft, Action::World(World::Mend(*part, Struck::All)));
            let mut case = session.case(CHECK.id, &how(*part, failure), attack);
            case.detail = Detail::Failing(mended, failure);
            draft.case(case);
        }
    }
    for part in parts {
        plan_slow(draft, &place, part);
    }
}

/// With a directory it strikes only somebody who is added for that, and the rest of the run does not wait. Never both parts
/// at once: whoever believes what nobody said about a token would be saved by the other one's silence.
fn plan_slow(draft: &mut Draft<'_>, place: &Place<'_>, part: Part) {
    let name = how(part, Failure::Slow);
    let alone = draft.target.directory.is_some();
    let mut session = if alone { Session::open_beside(draft, place, &name) } else { Session::open(draft, place) };
    let struck = if alone { Struck::Subject(session.actor.clone()) } else { Struck::All };
    session.change(draft, Action::World(World::Break(part, Failure::Slow, struck.clone())));
    let attack = session.ask(draft, Role::Attack, None);
    let mend = Action::World(World::Mend(part, struck));
    let mended = if alone {
        let mended = draft.step(session.group, Role::Restore, mend);
        let removed = session.remove_stand_in(draft);
        session.needs.extend([mended, removed]);
        mended
    } else {
        session.restore(draft, mend)
    };
    let mut case = session.case(CHECK.id, &name, attack);
    case.detail = Detail::Failing(mended, Failure::Slow);
    draft.case(case);
}

fn how(part: Part, failure: Failure) -> String {
    format!("{}-{}", part.as_str(), failure.as_str())
}

/// Whatever is no success is well, a 5xx among them: nobody knows, so nothing is done.
fn judge(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let Detail::Failing(mended, failure) = case.detail else { return reach::judge(case, evidence) };
    let control = match reach::control(&case.trial, evidence) {
        Ok(control) => control,
        Err(reason) => return Outcome::Inconclusive(reason),
    };
    let answer = match evidence.answer(case.trial.attack) {
        Ok(answer) => answer,
        Err(reason) => return reach::no_answer(&reason),
    };
    let took =
        evidence.exchanges.get(case.trial.attack).and_then(Option::as_ref).map_or(0.0, |exchange| exchange.duration_ms);
    if !answer.is_2xx() {
        return Outcome::Pass(format!("refused with {} after {took:.0} ms", answer.status));
    }
    if let Some(how) = reach::refusal(answer, Some(control), evidence.anonymous(&case.operation)) {
        return Outcome::Pass(how);
    }
    let met = evidence.optional(Some(mended)).and_then(|answer| answer.json.as_ref()?.get("met")?.as_u64());
    if met.unwrap_or(0) == 0 {
        return Outcome::NotApplicable("the request is answered without asking".to_owned());
    }
    if failure == Failure::Slow && took >= WAITED_MS {
        return Outcome::Pass(format!("waited {took:.0} ms for the answer"));
    }
    let sure = if answer.resembles(control) { Confidence::Confirmed } else { Confidence::Suspected };
    Outcome::Fail(sure, format!("answered {} although the answer that it asked for never came", answer.status))
}
