//! How a run begins and ends: the API at its start, and what was made deleted again where that can be. Must not know
//! checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Action, Credential, Draft, Phase, Request, Role};
use crate::api::Operation;

/// A path that no API has.
const NOWHERE: &str = "/devenv-no-such-path";

/// Puts the API to its start, and learns how it answers for paths that do not exist.
pub(super) fn begin(draft: &mut Draft<'_>) {
    reset(draft, Phase::Begin);
    if draft.login().is_none() {
        return;
    }
    let group = draft.group(Phase::Read);
    let nowhere = Operation::undocumented("GET", NOWHERE);
    let mut request = draft.request(&nowhere, None, Credential::Anonymous);
    request.operation = nowhere.label();
    draft.plan.nowhere = Some(draft.step(group, Role::Control, Action::Request(Box::new(request))));
    draft.plan.guessed.push(nowhere);
}

/// Puts the API back to its start; without a way to do so, deletes the accounts that were made.
pub(super) fn end(draft: &mut Draft<'_>) {
    if draft.plan.steps.is_empty() {
        return;
    }
    if draft.target.access.reset.is_some() {
        reset(draft, Phase::End);
        return;
    }
    for request in deletions(draft) {
        let group = draft.group(Phase::End);
        draft.step(group, Role::Restore, Action::Request(Box::new(request)));
    }
}

fn reset(draft: &mut Draft<'_>, phase: Phase) {
    let Some(call) = draft.target.access.reset.clone() else { return };
    let group = draft.group(phase);
    let Some(mut request) = draft.call(&call, None, call.by.as_deref().unwrap_or_default()) else { return };
    if call.by.is_none() {
        request.credential = Credential::Anonymous;
    }
    draft.step(group, Role::Restore, Action::Request(Box::new(request)));
}

/// The deletion of every account that was made.
fn deletions(draft: &mut Draft<'_>) -> Vec<Request> {
    let Some(call) = draft.login().and_then(|login| login.delete.clone()) else { return Vec::new() };
    let made: Vec<String> =
        draft.plan.accounts.iter().filter(|(_, account)| account.made).map(|(actor, _)| actor.clone()).collect();
    // Who deletes others goes last.
    let (last, first): (Vec<String>, Vec<String>) = made.into_iter().partition(|actor| call.by.as_ref() == Some(actor));
    let request = |actor: String| {
        let object = draft.account_as_object(&actor);
        draft.call(&call, object, &actor)
    };
    first.into_iter().chain(last).filter_map(request).collect()
}
