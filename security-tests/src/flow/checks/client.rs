//! Client authentication (RFC 6749 §2.3, §3.2.1) and what a client is registered for.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::checks::{Check, Evidence, Work};
use crate::flow::script::{Registered, Script, clients, clients_with, variant};
use crate::flow::{Credentials, Endpoint, judge};
use crate::plan::{Case, Draft, Role};
use crate::target::GrantType::{AuthorizationCode, ClientCredentials, DeviceCode, RefreshToken};
use crate::target::{GrantType, SecretMethod};
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

/// RFC 6749 §3.2.1: a confidential client must authenticate.
pub(crate) static AUTHENTICATION: Check = Check {
    id: "client-authentication",
    title: "gives tokens to a confidential client without its secret",
    layer: Layer::Flow,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-287",
    severity: Severity::Critical,
    work: Work::Online(authentication, judge::refused),
};

/// RFC 7591 §2: a client authenticates by the method that it registered. Many providers take both forms of a secret.
pub(crate) static METHOD: Check = Check {
    id: "client-auth-method",
    title: "takes a client's secret in another way than registered",
    layer: Layer::Flow,
    tier: Tier::Hardening,
    owasp: "API8:2023",
    cwe: "CWE-287",
    severity: Severity::Low,
    work: Work::Online(method, judge::refused),
};

/// RFC 6749 §4.4: only confidential clients get tokens of their own; RFC 7591 §2: and only those that registered for it.
pub(crate) static UNREGISTERED_GRANT: Check = Check {
    id: "unregistered-grant",
    title: "gives a client tokens by a grant that it is not registered for",
    layer: Layer::Flow,
    tier: Tier::Exploit,
    owasp: "API5:2023",
    cwe: "CWE-285",
    severity: Severity::Medium,
    work: Work::Online(unregistered_grant, judge_grant),
};

/// RFC 7662 §2.1: without authentication anybody could try tokens out.
pub(crate) static INTROSPECTION: Check = Check {
    id: "open-introspection",
    title: "tells anybody whether a token is good",
    layer: Layer::Flow,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-306",
    severity: Severity::Medium,
    work: Work::Online(introspection, judge::refused),
};

/// No client has this one.
const WRONG: &str = "devenv-wrong-secret";

fn authentication(draft: &mut Draft<'_>) {
    for registered in clients(draft).into_iter().filter(|registered| !registered.is_public()) {
        for grant in GrantType::ALL.into_iter().filter(|grant| registered.obstacle(*grant).is_none()) {
            for (name, credentials) in lies(&registered) {
                let mut script = Script::open(draft, &registered);
                match grant {
                    AuthorizationCode => {
                        script.authorize(Role::Setup, &[]);
                        script.redeem_as(Role::Attack, &[], credentials);
                    }
                    RefreshToken => {
                        script.authorize(Role::Setup, &[]);
                        script.redeem(Role::Setup, &[]);
                        script.refresh_as(Role::Attack, &[], credentials);
                    }
                    ClientCredentials => drop(script.own_token(Role::Attack, &[], credentials)),
                    // The code is bound to who began, and the secret is asked for as with any other grant.
                    DeviceCode => continue,
                }
                script.case(&AUTHENTICATION, (&registered, grant), variant(&format!("{}-{name}", grant.name())));
            }
        }
    }
}

/// What somebody sends who does not have the secret.
fn lies(registered: &Registered) -> [(&'static str, Credentials); 3] {
    [
        ("wrong-secret", registered.with_secret(WRONG)),
        ("empty-secret", registered.with_secret("")),
        ("no-secret", Credentials::None),
    ]
}

fn method(draft: &mut Draft<'_>) {
    for registered in clients(draft) {
        let (id, secret) = (registered.id.clone(), format!("${{secret:{}}}", registered.id));
        let credentials = match registered.client.secret_method {
            Some(SecretMethod::Basic) => Credentials::Post(id, secret),
            Some(SecretMethod::Post) => Credentials::Basic(id, secret),
            None => continue,
        };
        let mut script;
        let grant = if registered.obstacle(ClientCredentials).is_none() {
            script = Script::open(draft, &registered);
            script.own_token(Role::Attack, &[], credentials);
            ClientCredentials
        } else if registered.obstacle(AuthorizationCode).is_none() {
            script = Script::open(draft, &registered);
            script.authorize(Role::Setup, &[]);
            script.redeem_as(Role::Attack, &[], credentials);
            AuthorizationCode
        } else {
            continue;
        };
        script.case(&METHOD, (&registered, grant), variant(""));
    }
}

/// The control is any grant that the client has: it shows that client and credentials are right.
fn unregistered_grant(draft: &mut Draft<'_>) {
    for registered in clients(draft).into_iter().filter(|registered| registered.client.no_proof.is_none()) {
        let Some(control) = GrantType::ALL.into_iter().find(|grant| registered.obstacle(*grant).is_none()) else {
            continue;
        };
        if !registered.has(ClientCredentials) {
            let credentials = registered.credentials();
            let mut script = Script::open(draft, &registered);
            script.own_token(Role::Attack, &[], credentials);
            script.case(&UNREGISTERED_GRANT, (&registered, control), variant("client-credentials"));
        }
        if !registered.has(RefreshToken) && registered.obstacle(AuthorizationCode).is_none() {
            let mut script = Script::open(draft, &registered);
            script.authorize(Role::Setup, &[]);
            script.redeem(Role::Setup, &[]);
            script.refresh(Role::Attack, &[]);
            script.case(&UNREGISTERED_GRANT, (&registered, AuthorizationCode), variant("refresh"));
        }
    }
}

/// Without a refresh token there is nothing to refuse.
fn judge_grant(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let of_login = |step: &usize| evidence.answer(*step).ok()?.json.as_ref()?.get("refresh_token").map(drop);
    if case.id.ends_with(":refresh") && case.trial.needs.iter().all(|step| of_login(step).is_none()) {
        return match judge::unready(case, evidence) {
            Some(outcome) => outcome,
            None => Outcome::Pass("the login brought no refresh token".to_owned()),
        };
    }
    match judge::refused(case, evidence) {
        Outcome::Fail(_, what) => Outcome::Fail(Confidence::Confirmed, what),
        other => other,
    }
}

fn introspection(draft: &mut Draft<'_>) {
    for registered in clients_with(draft, AuthorizationCode) {
        let mut script = Script::open(draft, &registered);
        script.authorize(Role::Setup, &[]);
        script.redeem(Role::Setup, &[]);
        let token = vec![("token".to_owned(), "${access_token}".to_owned())];
        script.send(Role::Attack, Endpoint::Introspection, token, Credentials::None);
        script.case(&INTROSPECTION, (&registered, AuthorizationCode), variant("anonymous"));
    }
    for registered in clients_with(draft, ClientCredentials) {
        let credentials = registered.credentials();
        let mut script = Script::open(draft, &registered);
        script.own_token(Role::Setup, &[], credentials);
        let parameters = vec![("token".to_owned(), "${access_token}".to_owned())];
        let wrong = registered.with_secret(WRONG);
        script.send(Role::Attack, Endpoint::Introspection, parameters, wrong);
        script.case(&INTROSPECTION, (&registered, ClientCredentials), variant("wrong-secret"));
    }
}
