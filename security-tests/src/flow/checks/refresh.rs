//! Refresh tokens (RFC 6749 §6, RFC 9700 §4.14): bound to their client, and of a public one used once.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::code::pairs;
use crate::checks::{Check, Evidence, Work};
use crate::flow::judge;
use crate::flow::script::{Script, clients_with, variant};
use crate::plan::{Case, Draft, Role};
use crate::target::GrantType::RefreshToken;
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

/// RFC 6749 §6, §10.4: a refresh token is bound to the client that it was issued to.
pub(crate) static FOREIGN: Check = Check {
    id: "foreign-refresh-token",
    title: "gives a client tokens for the refresh token of another",
    layer: Layer::Flow,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-639",
    severity: Severity::High,
    work: Work::Online(foreign, judge::refused),
};

/// RFC 9700 §2.2.2: those of public clients are bound to a key or replaced at each use. Providers that allow for lost
/// answers accept an old one for some seconds.
pub(crate) static ROTATION: Check = Check {
    id: "refresh-rotation",
    title: "takes a refresh token of a public client twice",
    layer: Layer::Flow,
    tier: Tier::Profile,
    owasp: "API2:2023",
    cwe: "CWE-294",
    severity: Severity::Medium,
    work: Work::Online(rotation, judge_rotation),
};

/// RFC 9700 §4.14.2: when an old one comes back, the new one dies with it: one of the two is a thief.
pub(crate) static FAMILY: Check = Check {
    id: "refresh-reuse-revocation",
    title: "leaves the newest refresh token alive when an old one comes back",
    layer: Layer::Flow,
    tier: Tier::Profile,
    owasp: "API2:2023",
    cwe: "CWE-613",
    severity: Severity::Low,
    work: Work::Online(family, judge_family),
};

fn foreign(draft: &mut Draft<'_>) {
    for (victim, thief) in pairs(clients_with(draft, RefreshToken)) {
        let mut script = Script::open(draft, &victim);
        script.authorize(Role::Setup, &[]);
        script.redeem(Role::Setup, &[]);
        script.become_client(&thief);
        script.refresh(Role::Attack, &[]);
        script.case(&FOREIGN, (&thief, RefreshToken), variant(&victim.id));
    }
}

fn rotation(draft: &mut Draft<'_>) {
    for registered in clients_with(draft, RefreshToken) {
        let mut script = Script::open(draft, &registered);
        script.authorize(Role::Setup, &[]);
        script.redeem(Role::Setup, &[]);
        script.refresh(Role::Setup, &[]);
        script.refresh(Role::Attack, &[]);
        script.case(&ROTATION, (&registered, RefreshToken), variant(""));
    }
}

/// A confidential client proves itself at each refresh: only where its tokens are replaced must the old one be dead.
fn judge_rotation(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let client = judge::subject(case).client.as_deref().unwrap_or_default();
    let provider = evidence.target.provider.as_ref();
    let confidential = provider.and_then(|provider| provider.clients.get(client)).is_some_and(|it| it.secret.is_some());
    match judge::refused(case, evidence) {
        Outcome::Fail(..) if confidential && !replaced(case, evidence) => {
            Outcome::Pass("not replaced; the client proves itself at each use (RFC 9700 §2.2.2)".to_owned())
        }
        outcome => outcome,
    }
}

fn family(draft: &mut Draft<'_>) {
    for registered in clients_with(draft, RefreshToken) {
        let mut script = Script::open(draft, &registered);
        script.authorize(Role::Setup, &[]);
        script.redeem(Role::Setup, &[]);
        script.refresh(Role::Setup, &[]);
        script.refresh(Role::Change, &[]);
        script.refresh(Role::Attack, &[("refresh_token", Some("${refresh_token_2}"))]);
        script.case(&FAMILY, (&registered, RefreshToken), variant(""));
    }
}

fn judge_family(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    match judge::unready(case, evidence) {
        Some(outcome) => outcome,
        None if !replaced(case, evidence) => {
            Outcome::NotApplicable("refresh tokens are not replaced at each use".to_owned())
        }
        None => match judge::refused(case, evidence) {
            Outcome::Fail(_, what) => Outcome::Fail(Confidence::Confirmed, what),
            outcome => outcome,
        },
    }
}

/// Whether the refresh of the setup brought another refresh token: the recorded answer then names it as a second.
fn replaced(case: &Case, evidence: &Evidence<'_>) -> bool {
    let last = case.trial.needs.last().and_then(|step| evidence.answer(*step).ok());
    let token = last.and_then(|answer| answer.json.as_ref()?.get("refresh_token")?.as_str());
    token.is_some_and(|token| token.contains("_2"))
}
