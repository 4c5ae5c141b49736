//! Proof Key for Code Exchange (RFC 7636): does a stolen code help somebody without the verifier?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::checks::{Check, Work};
use crate::flow::judge;
use crate::flow::script::{Script, clients_with, variant};
use crate::plan::{Draft, Role};
use crate::target::GrantType::AuthorizationCode;
use crate::verdict::{Layer, Severity, Tier};

/// RFC 7636 §4.6: the verifier must be there and belong to the challenge.
pub(crate) static VERIFIER: Check = Check {
    id: "pkce-verifier",
    title: "gives tokens for a code without its PKCE verifier",
    layer: Layer::Flow,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-345",
    severity: Severity::High,
    work: Work::Online(verifier, judge::refused),
};

/// RFC 9700 §2.1.1: a verifier is accepted only when there was a challenge. Stops taking the challenge out on the way.
pub(crate) static DOWNGRADE: Check = Check {
    id: "pkce-downgrade",
    title: "takes a PKCE verifier although the code was asked for without a challenge",
    layer: Layer::Flow,
    tier: Tier::Profile,
    owasp: "API2:2023",
    cwe: "CWE-757",
    severity: Severity::Medium,
    work: Work::Online(downgrade, judge::refused),
};

/// RFC 9700 §2.1.1: public clients must use PKCE. Many providers leave that to the client's registration.
pub(crate) static MISSING: Check = Check {
    id: "pkce-missing",
    title: "gives tokens to a public client that does not use PKCE",
    layer: Layer::Flow,
    tier: Tier::Profile,
    owasp: "API2:2023",
    cwe: "CWE-345",
    severity: Severity::Medium,
    work: Work::Online(missing, judge::refused),
};

/// RFC 9700 §2.1.1: `plain` shows the verifier to whoever sees the request. RFC 7636 §4.2 knows it all the same.
pub(crate) static PLAIN: Check = Check {
    id: "pkce-plain",
    title: "accepts the PKCE method `plain`",
    layer: Layer::Flow,
    tier: Tier::Profile,
    owasp: "API2:2023",
    cwe: "CWE-757",
    severity: Severity::Low,
    work: Work::Online(plain, judge::refused),
};

fn verifier(draft: &mut Draft<'_>) {
    for registered in clients_with(draft, AuthorizationCode) {
        for (name, without) in [("missing", true), ("wrong", false)] {
            let mut script = Script::open(draft, &registered);
            let other = script.value("another verifier");
            script.authorize(Role::Setup, &[]);
            script.redeem(Role::Attack, &[("code_verifier", (!without).then_some(&*other))]);
            script.case(&VERIFIER, (&registered, AuthorizationCode), variant(name));
        }
        // Who compares texts takes the challenge itself, which everybody at the browser sees.
        let mut script = Script::open(draft, &registered);
        let challenge = script.challenge();
        script.authorize(Role::Setup, &[]);
        script.redeem(Role::Attack, &[("code_verifier", Some(&challenge))]);
        script.case(&VERIFIER, (&registered, AuthorizationCode), variant("challenge"));
    }
}

fn downgrade(draft: &mut Draft<'_>) {
    for registered in clients_with(draft, AuthorizationCode) {
        let mut script = Script::open(draft, &registered);
        script.authorize(Role::Attack, &[("code_challenge", None), ("code_challenge_method", None)]);
        script.redeem(Role::Attack, &[]);
        script.case(&DOWNGRADE, (&registered, AuthorizationCode), variant(""));
    }
}

fn missing(draft: &mut Draft<'_>) {
    for registered in clients_with(draft, AuthorizationCode).into_iter().filter(|client| client.is_public()) {
        let mut script = Script::open(draft, &registered);
        script.authorize(Role::Attack, &[("code_challenge", None), ("code_challenge_method", None)]);
        script.redeem(Role::Attack, &[("code_verifier", None)]);
        script.case(&MISSING, (&registered, AuthorizationCode), variant(""));
    }
}

fn plain(draft: &mut Draft<'_>) {
    for registered in clients_with(draft, AuthorizationCode) {
        let mut script = Script::open(draft, &registered);
        let verifier = script.value("verifier");
        script
            .authorize(Role::Attack, &[("code_challenge", Some(&verifier)), ("code_challenge_method", Some("plain"))]);
        script.redeem(Role::Attack, &[]);
        script.case(&PLAIN, (&registered, AuthorizationCode), variant(""));
    }
}
