//! What stands between knowing who it is and going back to the client: a second factor, consent.
//!
//! Must not know pages.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use super::authorize::{AuthorizationRequest, Front};
use crate::config::Config;
use crate::error::{Code, Refused};
use crate::store::{Ledger, Session};

/// Stops people who agree to everything, for ever, from filling the memory.
const MAX_CONSENTS: usize = 20_000;

/// Who it is, and what was passed already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) user: String,
    /// The session that goes on; without it, one begins.
    pub(crate) session: Option<Session>,
    pub(crate) second_factor: bool,
    pub(crate) consent: bool,
}

/// What the person is asked next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    SecondFactor,
    Consent,
}

/// The next thing to ask; nothing when all is passed.
pub(crate) fn next(front: Front<'_>, ledger: &Ledger, request: &AuthorizationRequest, chosen: &Chosen) -> Option<Step> {
    let passed = chosen.second_factor || chosen.session.as_ref().is_some_and(|session| session.second_factor);
    if takes_second_factor(front.config, request) && !passed {
        return Some(Step::SecondFactor);
    }
    let asks = front.clients.find(&request.client_id, front.leniency.now).is_some_and(|found| found.client.consent);
    let agreed =
        chosen.consent || (!request.ask_consent && !asks) || (!request.ask_consent && knows(ledger, request, chosen));
    (!agreed).then_some(Step::Consent)
}

/// Whether a login for this request takes a second factor: each does, or the client wants more than the weakest level
/// (RFC 9470 §5).
pub(crate) fn takes_second_factor(config: &Config, request: &AuthorizationRequest) -> bool {
    config.login.second_factor
        || request.acr_values.first().is_some_and(|wanted| config.acr_values.first() != Some(wanted))
}

/// The refusal for a client that wanted no page (OpenID Connect Core §3.1.2.6).
pub(crate) fn required(step: Step) -> Refused {
    let clause = "OpenID Connect Core section 3.1.2.6";
    match step {
        Step::Consent => Refused::new(
            Code::ConsentRequired,
            clause,
            "the person has not agreed to what the client wants, and `prompt=none` forbids to ask",
        ),
        Step::SecondFactor => Refused::new(
            Code::InteractionRequired,
            clause,
            "a second factor is needed, and `prompt=none` forbids to ask for it",
        ),
    }
}

/// Remembers what a person agreed to, so that it is asked once.
pub(crate) fn agree(ledger: &mut Ledger, request: &AuthorizationRequest, user: &str) {
    if ledger.consents.len() >= MAX_CONSENTS {
        ledger.consents.pop_first();
    }
    let agreed = ledger.consents.entry((user.to_owned(), request.client_id.clone())).or_default();
    agreed.extend(request.scope.split(' ').map(str::to_owned));
}

fn knows(ledger: &Ledger, request: &AuthorizationRequest, chosen: &Chosen) -> bool {
    let agreed: Option<&BTreeSet<String>> = ledger.consents.get(&(chosen.user.clone(), request.client_id.clone()));
    agreed.is_some_and(|agreed| request.scope.split(' ').all(|scope| agreed.contains(scope)))
}
