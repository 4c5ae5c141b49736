//! Authorization codes and device codes: used once, by the client that they were given to, after somebody agreed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::checks::{Check, Work};
use crate::flow::judge;
use crate::flow::script::{Registered, Script, clients_with, variant};
use crate::plan::{Draft, Role};
use crate::target::GrantType::{AuthorizationCode, DeviceCode, RefreshToken};
use crate::verdict::{Layer, Severity, Tier};

/// RFC 6749 §4.1.2: "The client MUST NOT use the authorization code more than once."
pub(crate) static REUSE: Check = Check {
    id: "code-reuse",
    title: "gives tokens for a code that was used before",
    layer: Layer::Flow,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-294",
    severity: Severity::High,
    work: Work::Online(reuse, judge::refused),
};

/// RFC 6749 §4.1.2: tokens of a code that comes back SHOULD be revoked, because one of the two is a thief.
pub(crate) static REUSE_REVOCATION: Check = Check {
    id: "code-reuse-revocation",
    title: "leaves tokens alive when their code comes back",
    layer: Layer::Flow,
    tier: Tier::Hardening,
    owasp: "API2:2023",
    cwe: "CWE-613",
    severity: Severity::Low,
    work: Work::Online(reuse_revocation, judge::refused),
};

/// RFC 6749 §4.1.3: the code was issued to the authenticated client.
pub(crate) static ANOTHER_CLIENT: Check = Check {
    id: "foreign-code",
    title: "gives a client tokens for the code of another",
    layer: Layer::Flow,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-639",
    severity: Severity::High,
    work: Work::Online(another_client, judge::refused),
};

/// RFC 6749 §4.1.3: the token request repeats the redirect URI. With PKCE it protects nothing more, and OAuth 2.1 drops
/// it, so this is advice.
pub(crate) static BINDING: Check = Check {
    id: "code-redirect-binding",
    title: "does not ask for the redirect URI of the code",
    layer: Layer::Flow,
    tier: Tier::Hardening,
    owasp: "API8:2023",
    cwe: "CWE-345",
    severity: Severity::Low,
    work: Work::Online(binding, judge::refused),
};

/// RFC 8628 §3.5: no token before the person agreed, none for another client, none twice.
pub(crate) static DEVICE: Check = Check {
    id: "device-code",
    title: "gives tokens for a device code that is not approved, used, or another client's",
    layer: Layer::Flow,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-863",
    severity: Severity::High,
    work: Work::Online(device, judge::refused),
};

fn reuse(draft: &mut Draft<'_>) {
    for registered in clients_with(draft, AuthorizationCode) {
        let mut script = Script::open(draft, &registered);
        script.authorize(Role::Setup, &[]);
        script.redeem(Role::Setup, &[]);
        script.redeem(Role::Attack, &[]);
        script.case(&REUSE, (&registered, AuthorizationCode), variant(""));
    }
}

/// The refresh token tells whether the grant is alive, also where access tokens are good by themselves.
fn reuse_revocation(draft: &mut Draft<'_>) {
    for registered in clients_with(draft, RefreshToken) {
        let mut script = Script::open(draft, &registered);
        script.authorize(Role::Setup, &[]);
        script.redeem(Role::Setup, &[]);
        script.redeem(Role::Change, &[]);
        script.refresh(Role::Attack, &[]);
        script.case(&REUSE_REVOCATION, (&registered, RefreshToken), variant(""));
    }
}

fn another_client(draft: &mut Draft<'_>) {
    for (victim, thief) in pairs(clients_with(draft, AuthorizationCode)) {
        let mut script = Script::open(draft, &victim);
        script.authorize(Role::Setup, &[]);
        let verifier = script.value("verifier");
        script.become_client(&thief);
        script
            .redeem(Role::Attack, &[("redirect_uri", Some(victim.redirect_uri())), ("code_verifier", Some(&verifier))]);
        script.case(&ANOTHER_CLIENT, (&thief, AuthorizationCode), variant(&victim.id));
    }
}

fn binding(draft: &mut Draft<'_>) {
    for registered in clients_with(draft, AuthorizationCode) {
        let other = format!("{}/devenv", registered.redirect_uri().trim_end_matches('/'));
        for (name, uri) in [("missing", None), ("other", Some(&*other))] {
            let mut script = Script::open(draft, &registered);
            script.authorize(Role::Setup, &[]);
            script.redeem(Role::Attack, &[("redirect_uri", uri)]);
            script.case(&BINDING, (&registered, AuthorizationCode), variant(name));
        }
    }
}

fn device(draft: &mut Draft<'_>) {
    let persona = draft.personas().into_iter().next().unwrap_or_default();
    let clients = clients_with(draft, DeviceCode);
    for registered in &clients {
        let mut script = Script::open(draft, registered);
        script.begin_device(Role::Setup);
        script.redeem_device(Role::Attack);
        script.case(&DEVICE, (registered, DeviceCode), variant("waiting"));
        let mut script = Script::open(draft, registered);
        script.begin_device(Role::Setup);
        script.answer_device(Role::Setup, &persona);
        script.redeem_device(Role::Setup);
        script.redeem_device(Role::Attack);
        script.case(&DEVICE, (registered, DeviceCode), variant("used"));
    }
    for (victim, thief) in pairs(clients) {
        let mut script = Script::open(draft, &victim);
        script.begin_device(Role::Setup);
        script.answer_device(Role::Setup, &persona);
        script.become_client(&thief);
        script.redeem_device(Role::Attack);
        script.case(&DEVICE, (&thief, DeviceCode), variant(&victim.id));
    }
}

/// Each client with the one after it: every client is robbed once.
pub(crate) fn pairs(clients: Vec<Registered>) -> Vec<(Registered, Registered)> {
    if clients.len() < 2 {
        return Vec::new();
    }
    let thieves = clients.iter().cycle().skip(1);
    clients.iter().cloned().zip(thieves.cloned()).collect()
}
