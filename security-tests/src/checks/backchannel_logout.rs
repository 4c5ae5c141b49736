//! Does a logout token end the session (OpenID Connect Back-Channel Logout 1.0 §2.6), and do tokens that break one of its
//! rules end nothing? Only where `session.backchannel_logout` names the operation that takes them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::{Value, json};

use super::session_event::audience;
use super::statement_case::{self, Checks, Statements};
use super::{Check, Work, session_case};
use crate::plan::{Draft, Statement};
use crate::tokens::Mint;
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "backchannel-logout",
    title: "goes on with a session after its logout token",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-613",
    severity: Severity::High,
    work: Work::Online(plan, session_case::judge),
};

pub(super) static FORGED: Check = Check {
    id: "forged-logout",
    title: "lets a wrong logout token end a session",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-345",
    severity: Severity::Medium,
    work: Work::Online(|_| (), statement_case::judge_wrong),
};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn plan(draft: &mut Draft<'_>) {
    let Some(receiver) = draft.target.access.session.backchannel_logout.clone() else { return };
    if !draft.target.controls.provider || draft.target.directory.is_none() {
        return;
    }
    let Some(audience) = audience(draft, &receiver) else { return };
    let checks = Checks { honoured: CHECK.id, refused: FORGED.id, short: "logout" };
    statement_case::plan(draft, &checks, &receiver, |who| {
        let statement = |mint: Mint| Statement::Logout { persona: who.to_owned(), mint };
        Statements {
            wrong: wrong(&audience).into_iter().map(|mint| (mint.name, statement(mint))).collect(),
            right: statement(right(&audience)),
            again: Statement::LogoutAgain,
        }
    });
}

/// A good one (§2.4): none of the claims of an access token.
fn right(audience: &str) -> Mint {
    let token = Mint::header("typ", json!("logout+jwt")).and("events", json!({EVENT: {}})).and("aud", json!(audience));
    let token = Mint { lifetime_seconds: Some(120), ..token };
    ["client_id", "scope", "tenant", "roles"].into_iter().fold(token, |token, claim| token.and(claim, Value::Null))
}

/// One rule of §2.6 broken in each.
fn wrong(audience: &str) -> Vec<Mint> {
    let named = |name, mint| Mint { name, ..mint };
    let good = || right(audience);
    vec![
        named("forged", Mint { other_key: true, ..good() }),
        named("unsigned", good().with("alg", json!("none"))),
        named("wrong-audience", good().and("aud", json!("https://somebody-else.example"))),
        named("wrong-issuer", good().and("iss", json!("https://somebody-else.example"))),
        named("expired", Mint { lifetime_seconds: Some(-3600), ..good() }),
        // With a nonce it could be an ID token that somebody passes off.
        named("nonce", good().and("nonce", json!("n-0S6_WzA2Mj"))),
        named("no-event", good().and("events", Value::Null)),
        named("other-event", good().and("events", json!({"http://schemas.openid.net/event/other": {}}))),
    ]
}
