//! Authorization responses: what comes back to the client belongs to its request and carries no token.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::checks::{Check, Evidence, Work};
use crate::exchange::Answer;
use crate::flow::meaning::{Meaning, redirected};
use crate::flow::script::{Change, Question, Script, changed, clients_with, judge_sound_run, variant};
use crate::flow::{Endpoint, judge};
use crate::plan::{Case, Draft, Role};
use crate::target::GrantType::AuthorizationCode;
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

/// RFC 6749 §4.1.2: "the exact value received from the client". A client that cannot compare it goes without.
pub(crate) static STATE: Check = Check {
    id: "state-returned",
    title: "does not return `state` as it was sent",
    layer: Layer::Flow,
    tier: Tier::Profile,
    owasp: "API8:2023",
    cwe: "CWE-352",
    severity: Severity::Low,
    work: Work::Online(state, judge_state),
};

/// RFC 9207 §2: who announces `iss` in responses sends it, and the right one; otherwise clients mix providers up.
pub(crate) static ISSUER_PARAMETER: Check = Check {
    id: "response-issuer",
    title: "does not say in its response who it is, although it announces that",
    layer: Layer::Flow,
    tier: Tier::Profile,
    owasp: "API8:2023",
    cwe: "CWE-346",
    severity: Severity::Low,
    work: Work::Online(issuer, judge_issuer),
};

/// RFC 9700 §2.1.2: tokens in a redirect leak by histories, logs and `Referer`.
pub(crate) static IMPLICIT: Check = Check {
    id: "implicit-grant",
    title: "gives tokens in a redirect to a client that is registered for codes",
    layer: Layer::Flow,
    tier: Tier::Profile,
    owasp: "API2:2023",
    cwe: "CWE-598",
    severity: Severity::Medium,
    work: Work::Online(implicit, judge::refused),
};

/// A code is what a client asked for, and nothing more may be in the URL (RFC 6749 §4.1.2, RFC 9700 §4.3).
pub(crate) static FRAGMENT: Check = Check {
    id: "token-in-url",
    title: "puts a token into the URL of a response that should only carry a code",
    layer: Layer::Flow,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-598",
    severity: Severity::Medium,
    work: Work::Online(fragment, judge_fragment),
};

/// RFC 9700 §2.4: the password grant shows a person's password to the client. MUST NOT be used.
pub(crate) static PASSWORD: Check = Check {
    id: "password-grant",
    title: "takes a person's password from a client",
    layer: Layer::Flow,
    tier: Tier::Profile,
    owasp: "API2:2023",
    cwe: "CWE-522",
    severity: Severity::Low,
    work: Work::Online(password, judge_password),
};

/// What is special in URLs, in HTML, in JSON and outside of ASCII.
const ODD: &str = "a b+c%2Bd&e=f#g?h/\"<i>'j\\k\u{e9}\u{4e16};l";

fn state(draft: &mut Draft<'_>) {
    for registered in clients_with(draft, AuthorizationCode) {
        let wrong = [("scope", Some("\"")), ("state", Some(ODD))];
        let cases: [(&str, &[Change<'_>]); 2] =
            [("special-characters", &[("state", Some(ODD))]), ("with-error", &wrong)];
        for (name, changes) in cases {
            let mut script = Script::open(draft, &registered);
            script.authorize(Role::Attack, changes);
            script.case(&STATE, (&registered, AuthorizationCode), Question { variant: name, value: ODD });
        }
    }
}

fn judge_state(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let wanted = &judge::subject(case).value;
    with_redirect(case, evidence, |answer| match redirected(answer, "state") {
        Some(state) => {
            judge::holds(state == *wanted, "returned as it was sent", || format!("`{wanted}` came back as `{state}`"))
        }
        None => Outcome::Fail(Confidence::Confirmed, "the redirect has no `state`".to_owned()),
    })
}

fn issuer(draft: &mut Draft<'_>) {
    for registered in clients_with(draft, AuthorizationCode) {
        let cases: [(&str, &[Change<'_>]); 2] = [("with-code", &[]), ("with-error", &[("scope", Some("\""))])];
        for (name, changes) in cases {
            let mut script = Script::open(draft, &registered);
            script.authorize(Role::Attack, changes);
            script.case(&ISSUER_PARAMETER, (&registered, AuthorizationCode), variant(name));
        }
    }
}

fn judge_issuer(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let metadata = super::metadata::published(evidence);
    let announced =
        metadata.and_then(|metadata| metadata.get("authorization_response_iss_parameter_supported")?.as_bool());
    if announced != Some(true) {
        return Outcome::NotApplicable("the provider does not announce `iss` in responses (RFC 9207)".to_owned());
    }
    with_redirect(case, evidence, |answer| match redirected(answer, "iss") {
        Some(issuer) => judge::holds(super::metadata::is_issuer(evidence, &issuer), "the issuer's own", || {
            format!("`iss` is `{issuer}`, which is somebody else")
        }),
        None => Outcome::Fail(Confidence::Confirmed, "the redirect has no `iss`".to_owned()),
    })
}

/// Judges a redirect to the client, with a code or with an error; a provider may show an error on a page of its own.
fn with_redirect(case: &Case, evidence: &Evidence<'_>, judge: impl FnOnce(&Answer) -> Outcome) -> Outcome {
    if let Some(outcome) = judge::unready(case, evidence) {
        return outcome;
    }
    let pushed = judge::subject(case).earlier.iter().map(|step| judge::read(evidence, *step));
    if pushed.into_iter().any(|read| matches!(read, Ok(Meaning::Refused(_)))) {
        return Outcome::NotApplicable("the request was refused when it was pushed".to_owned());
    }
    let answer = match evidence.answer(case.trial.attack) {
        Ok(answer) => answer,
        Err(reason) => return judge::no_answer(reason),
    };
    let to_client = redirected(answer, "code").is_some() || redirected(answer, "error").is_some();
    match judge::read(evidence, case.trial.attack) {
        Ok(Meaning::Failed(status)) => Outcome::ServerError(status),
        Ok(Meaning::Unclear(how)) => Outcome::Inconclusive(format!("the authorization endpoint {how}")),
        Ok(_) if to_client => judge(answer),
        Ok(Meaning::Granted(_) | Meaning::Refused(_)) => {
            Outcome::NotApplicable("the provider does not answer this at the client".to_owned())
        }
        Err(reason) => judge::no_answer(reason),
    }
}

fn implicit(draft: &mut Draft<'_>) {
    for registered in clients_with(draft, AuthorizationCode) {
        for kind in ["token", "id_token", "code token"] {
            let mut script = Script::open(draft, &registered);
            script.authorize(Role::Attack, &[("response_type", Some(kind))]);
            script.case(&IMPLICIT, (&registered, AuthorizationCode), variant(&kind.replace(' ', "-")));
        }
    }
}

fn fragment(draft: &mut Draft<'_>) {
    for registered in clients_with(draft, AuthorizationCode) {
        // The redirect of the sound run.
        judge_sound_run(draft, &FRAGMENT, &registered, (Endpoint::Authorization, ""));
    }
}

fn judge_fragment(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    with_redirect(case, evidence, |answer| {
        let names = ["access_token", "id_token", "refresh_token", "client_secret"];
        let found = names.into_iter().find(|name| redirected(answer, name).is_some());
        judge::holds(found.is_none(), "only a code", || format!("the redirect has `{}`", found.unwrap_or_default()))
    })
}

fn password(draft: &mut Draft<'_>) {
    let persona = draft.personas().into_iter().next().unwrap_or_default();
    for registered in clients_with(draft, AuthorizationCode) {
        let credentials = registered.credentials();
        let mut script = Script::open(draft, &registered);
        let parameters =
            changed(&[("grant_type", "password"), ("username", &persona), ("password", "devenv-no-password")], &[]);
        script.token(Role::Attack, parameters, credentials);
        script.case(&PASSWORD, (&registered, AuthorizationCode), variant(""));
    }
}

/// Nobody here has a password: that the grant exists shows by what is wrong with the request.
fn judge_password(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let outcome = judge::refused(case, evidence);
    let answer = evidence.answer(case.trial.attack).ok();
    let error = answer.and_then(|answer| answer.json.as_ref()?.get("error")?.as_str());
    let announced = super::metadata::lists(evidence, "grant_types_supported", "password");
    match (outcome, error) {
        (Outcome::Pass(_), Some("invalid_grant")) if announced => {
            Outcome::Fail(Confidence::Confirmed, "the grant is announced, and only the password was refused".to_owned())
        }
        (Outcome::Pass(_), Some("invalid_grant")) => Outcome::Fail(
            Confidence::Suspected,
            format!("the {} refused the password and not the grant", Endpoint::Token.title()),
        ),
        (outcome, _) => outcome,
    }
}
