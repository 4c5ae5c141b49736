//! What is given at the end: scope, ID token, and whether giving a token up ends it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::Value;

use crate::checks::{Check, Evidence, Work};
use crate::flow::login::VERIFIED;
use crate::flow::meaning::Meaning;
use crate::flow::script::{Question, Registered, Script, clients, clients_with, judge_sound_run, variant};
use crate::flow::{Endpoint, judge};
use crate::plan::{Case, Draft, Role};
use crate::target::GrantType::{AuthorizationCode, ClientCredentials, RefreshToken};
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

/// RFC 6749 §3.3, §6: a client gets what it is registered for, and a refresh what was granted before. To leave out what
/// is too much is as good as a refusal.
pub(crate) static SCOPE: Check = Check {
    id: "scope-escalation",
    title: "gives a client more scope than it may have",
    layer: Layer::Flow,
    tier: Tier::Exploit,
    owasp: "API5:2023",
    cwe: "CWE-269",
    severity: Severity::High,
    work: Work::Online(scope, judge_scope),
};

/// OpenID Connect Core §3.1.3.7: what a sound client would refuse a login for.
pub(crate) static ID_TOKEN: Check = Check {
    id: "id-token",
    title: "gives an ID token that a sound client must refuse",
    layer: Layer::Flow,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-347",
    severity: Severity::Medium,
    work: Work::Online(id_token, judge_id_token),
};

/// OpenID Connect Core §3.1.2.1, §2: `nonce` comes back unmodified; without it a client cannot notice a code of another
/// login.
pub(crate) static NONCE: Check = Check {
    id: "nonce-returned",
    title: "does not put the `nonce` of the request into the ID token",
    layer: Layer::Flow,
    tier: Tier::Profile,
    owasp: "API2:2023",
    cwe: "CWE-294",
    severity: Severity::Medium,
    work: Work::Online(nonce, judge_nonce),
};

/// RFC 7009 §2.1: a revoked refresh token is dead at once; §2: so is an access token where the provider itself is asked.
pub(crate) static REVOCATION: Check = Check {
    id: "ineffective-revocation",
    title: "takes a token that was revoked",
    layer: Layer::Flow,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-613",
    severity: Severity::Medium,
    work: Work::Online(revocation, judge::refused),
};

/// RFC 7009 §2.1: the provider verifies that the token was issued to the client that gives it up.
pub(crate) static REVOKED_BY_OTHERS: Check = Check {
    id: "foreign-revocation",
    title: "lets a client revoke the tokens of another",
    layer: Layer::Flow,
    tier: Tier::Profile,
    owasp: "API5:2023",
    cwe: "CWE-639",
    severity: Severity::Medium,
    work: Work::Online(revoked_by_others, judge_revoked_by_others),
};

/// A scope that no provider has.
const UNKNOWN: &str = "devenv:unregistered";

fn scope(draft: &mut Draft<'_>) {
    let all = clients(draft);
    for registered in &all {
        let foreign = beyond(registered, &all);
        for (name, scope) in
            [("unknown", UNKNOWN.to_owned())].into_iter().chain(foreign.map(|scope| ("another-client", scope)))
        {
            of_client(draft, registered, (name, &scope));
        }
    }
}

/// A scope of another client that this one does not have.
fn beyond(registered: &Registered, all: &[Registered]) -> Option<String> {
    let mut scopes = all.iter().flat_map(|other| &other.client.scopes);
    let usual = |scope: &str| matches!(scope, "openid" | "profile" | "email" | "offline_access" | "address" | "phone");
    scopes.find(|scope| !registered.client.scopes.contains(scope) && !usual(scope)).cloned()
}

fn of_client(draft: &mut Draft<'_>, registered: &Registered, (name, scope): (&str, &str)) {
    let question = |grant: &str| format!("{grant}-{name}");
    if registered.obstacle(AuthorizationCode).is_none() {
        let mut script = Script::open(draft, registered);
        script.authorize(Role::Attack, &[("scope", Some(&format!("openid {scope}")))]);
        script.redeem(Role::Attack, &[]);
        let variant = question("code");
        script.case(&SCOPE, (registered, AuthorizationCode), Question { variant: &variant, value: scope });
    }
    if registered.obstacle(ClientCredentials).is_none() {
        let mut script = Script::open(draft, registered);
        script.own_token(Role::Attack, &[("scope", Some(scope))], registered.credentials());
        let variant = question("client-credentials");
        script.case(&SCOPE, (registered, ClientCredentials), Question { variant: &variant, value: scope });
    }
    if registered.obstacle(RefreshToken).is_none() {
        let mut script = Script::open(draft, registered);
        script.authorize(Role::Setup, &[("scope", Some("openid"))]);
        script.redeem(Role::Setup, &[]);
        // What the client may have, but was not granted this time, is too much as well.
        let own = registered.client.scopes.iter().find(|scope| *scope != "openid").filter(|_| name == "unknown");
        let wider = own.map_or(scope, String::as_str);
        script.refresh(Role::Attack, &[("scope", Some(&format!("openid {wider}")))]);
        let variant = question("refresh");
        script.case(&SCOPE, (registered, RefreshToken), Question { variant: &variant, value: wider });
    }
}

/// Tokens without the scope are as good as a refusal. Without a word about scope the answer means all that was asked for
/// (RFC 6749 §5.1), unless the token itself says otherwise.
fn judge_scope(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    if let Err(outcome) = judge::attacked(case, evidence) {
        return outcome;
    }
    let scope = &judge::subject(case).value;
    let answer = match evidence.answer(case.trial.attack) {
        Ok(answer) => answer.json.as_ref(),
        Err(reason) => return judge::no_answer(reason),
    };
    let claims = answer.and_then(|answer| answer.get("access_token_claims"));
    let of_token = claims.and_then(|claims| claims.get("scope").or_else(|| claims.get("scp")));
    let said = [answer.and_then(|answer| answer.get("scope")), of_token];
    let has = |value: &Value| match value {
        Value::String(text) => text.split(' ').any(|one| one == scope),
        Value::Array(list) => list.iter().any(|one| one.as_str() == Some(scope)),
        _ => false,
    };
    match said.into_iter().flatten().collect::<Vec<_>>().as_slice() {
        [] if claims.is_some() => Outcome::Pass("the token has no scope".to_owned()),
        [] => Outcome::Unproven("tokens were given, and nothing says with which scope".to_owned()),
        said if said.iter().any(|value| has(value)) => {
            Outcome::Fail(Confidence::Confirmed, format!("the tokens have the scope `{scope}`"))
        }
        _ => Outcome::Pass("the tokens do not have the scope".to_owned()),
    }
}

fn id_token(draft: &mut Draft<'_>) {
    for registered in clients_with(draft, AuthorizationCode) {
        for name in ["signature", "issuer", "audience", "at-hash"] {
            judge_sound_run(draft, &ID_TOKEN, &registered, (Endpoint::Token, name));
        }
    }
}

fn judge_id_token(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let token = match id_token_of(case, evidence) {
        Ok(token) => token,
        Err(outcome) => return outcome,
    };
    let claim = |name: &str| token.get("claims").and_then(|claims| claims.get(name));
    match case.id.rsplit(':').next().unwrap_or_default() {
        "signature" => {
            let said = token.get("signature").and_then(Value::as_str).unwrap_or_default();
            // What cannot be verified here is no fault of the provider.
            if said.ends_with("cannot be verified here") {
                return Outcome::NotApplicable(said.to_owned());
            }
            judge::holds(said == VERIFIED, "a published key made the signature", || said.to_owned())
        }
        "issuer" => {
            let issuer = claim("iss").and_then(Value::as_str).unwrap_or_default();
            judge::holds(super::metadata::is_issuer(evidence, issuer), "`iss` is the issuer", || {
                format!("`iss` is `{issuer}`")
            })
        }
        "audience" => {
            let client = judge::subject(case).client.as_deref().unwrap_or_default();
            let is_for_client = match claim("aud") {
                Some(Value::String(audience)) => audience == client,
                Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(client)),
                _ => false,
            };
            judge::holds(is_for_client, "`aud` is the client", || format!("`aud` is {:?}", claim("aud")))
        }
        _ => match token.get("at_hash").and_then(Value::as_str) {
            // OpenID Connect Core §3.1.3.6: optional with a code.
            None | Some("unknown") => Outcome::NotApplicable("the ID token has no `at_hash`".to_owned()),
            Some(said) => judge::holds(said == "right", "`at_hash` belongs to the access token", || {
                "`at_hash` belongs to another access token".to_owned()
            }),
        },
    }
}

/// The ID token that the login brought.
fn id_token_of<'a>(case: &Case, evidence: &Evidence<'a>) -> Result<&'a Value, Outcome> {
    let answer = judge::answered(case, evidence)?;
    let token = answer.json.as_ref().and_then(|json| json.get("id_token"));
    token.ok_or_else(|| Outcome::NotApplicable("the login brings no ID token".to_owned()))
}

fn nonce(draft: &mut Draft<'_>) {
    for registered in clients_with(draft, AuthorizationCode) {
        judge_sound_run(draft, &NONCE, &registered, (Endpoint::Token, ""));
    }
}

fn judge_nonce(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let calls = case.trial.needs.iter().filter_map(|step| judge::call(evidence, *step));
    let wanted = calls.filter_map(|call| call.parameter("nonce")).next_back().unwrap_or_default();
    match id_token_of(case, evidence) {
        Err(outcome) => outcome,
        Ok(token) => match token.get("claims").and_then(|claims| claims.get("nonce")).and_then(Value::as_str) {
            Some(nonce) => judge::holds(nonce == wanted, "as it was sent", || "it is another one".to_owned()),
            None => Outcome::Fail(Confidence::Confirmed, "the ID token has no `nonce`".to_owned()),
        },
    }
}

fn revocation(draft: &mut Draft<'_>) {
    for registered in clients_with(draft, RefreshToken) {
        let mut script = Script::open(draft, &registered);
        script.authorize(Role::Setup, &[]);
        script.redeem(Role::Setup, &[]);
        script.about(Role::Setup, Endpoint::Revocation, "${refresh_token}");
        script.refresh(Role::Attack, &[]);
        script.case(&REVOCATION, (&registered, RefreshToken), variant("refresh-token"));
    }
    // A public client cannot ask the provider about a token (RFC 7662 §2.1).
    for registered in clients_with(draft, ClientCredentials) {
        let mut script = Script::open(draft, &registered);
        script.own_token(Role::Setup, &[], registered.credentials());
        script.about(Role::Setup, Endpoint::Introspection, "${access_token}");
        script.about(Role::Setup, Endpoint::Revocation, "${access_token}");
        script.about(Role::Attack, Endpoint::Introspection, "${access_token}");
        script.case(&REVOCATION, (&registered, ClientCredentials), variant("access-token"));
    }
}

fn revoked_by_others(draft: &mut Draft<'_>) {
    let all = clients(draft);
    for victim in clients_with(draft, RefreshToken) {
        let is_able = |other: &&Registered| other.id != victim.id && other.client.no_proof.is_none();
        let Some(thief) = all.iter().find(is_able) else { continue };
        let mut script = Script::open(draft, &victim);
        script.authorize(Role::Setup, &[]);
        script.redeem(Role::Setup, &[]);
        script.become_client(thief);
        script.about(Role::Attack, Endpoint::Revocation, "${refresh_token}");
        script.become_client(&victim);
        script.refresh(Role::Probe, &[]);
        script.case(&REVOKED_BY_OTHERS, (&victim, RefreshToken), variant(&thief.id));
    }
}

/// Whatever the provider answers: what counts is whether the owner's token still works.
fn judge_revoked_by_others(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    if let Some(outcome) = judge::unready(case, evidence) {
        return outcome;
    }
    if let Err(reason) = evidence.answer(case.trial.attack) {
        return judge::no_answer(reason);
    }
    let proof = judge::subject(case).proofs.first().map(|step| judge::read(evidence, *step));
    match proof {
        Some(Ok(Meaning::Granted(_))) => Outcome::Pass("the owner's token still works".to_owned()),
        Some(Ok(Meaning::Refused(how))) => {
            Outcome::Fail(Confidence::Confirmed, format!("then the owner is refused: the token endpoint {how}"))
        }
        Some(Ok(Meaning::Failed(status))) => Outcome::ServerError(status),
        Some(Ok(Meaning::Unclear(how))) => Outcome::Inconclusive(format!("the token endpoint {how}")),
        Some(Err(reason)) => judge::no_answer(reason),
        None => Outcome::Inconclusive("the owner's token was not tried".to_owned()),
    }
}
