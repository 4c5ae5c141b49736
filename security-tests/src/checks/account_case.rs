//! What the checks of an API's own accounts have in common: somebody who registers for one check only, logs in, and
//! shows that the token works. Must not know single checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::api::Operation;
use crate::login::Call;
use crate::oracle::{Decision, Relation};
use crate::plan::{Action, Case, Control, Credential, Detail, Draft, Phase, Role, StepId, Trial, placeholder, request};

/// An account made for one check.
pub(crate) struct Subject {
    pub(crate) group: usize,
    pub(crate) persona: String,
    pub(crate) actor: String,
    /// The operation that says who asks.
    pub(crate) me: Operation,
    /// The subject asking that, while everything is well.
    pub(crate) control: StepId,
}

/// Registers somebody. Nothing when accounts cannot be made, or no operation says who asks.
pub(crate) fn subject(draft: &mut Draft<'_>) -> Option<Subject> {
    let me = draft.login()?.me.clone()?;
    let me = draft.plan.operation(&me)?.clone();
    let wanted = draft.is_asked_for(&me.id);
    let persona = draft.personas().into_iter().find(|name| draft.can_register(name)).filter(|_| wanted)?;
    let group = draft.group(Phase::Session);
    let actor = draft.new_account(group, &persona)?;
    draft.sign_in(group, &actor);
    let control = ask(draft, group, &me, (Credential::Persona(actor.clone()), Role::Control));
    Some(Subject { group, persona, actor, me, control })
}

impl Subject {
    /// Asks who one is, with the token from before.
    pub(crate) fn ask_again(&self, draft: &mut Draft<'_>) -> StepId {
        ask(draft, self.group, &self.me, (Credential::Held(self.actor.clone()), Role::Attack))
    }

    /// Sends one of the login's requests as the subject, on the subject's account; `values` go over the usual ones.
    pub(crate) fn change(&self, draft: &mut Draft<'_>, call: &Call, values: &[(&str, String)]) -> Option<StepId> {
        let object = draft.account_as_object(&self.actor);
        let mut request = draft.call(call, object, &self.actor)?;
        request.body = request.body.map(|body| request::replace(&body, values));
        Some(draft.step(self.group, Role::Change, Action::Request(Box::new(request))))
    }

    /// Changes the subject's password; the change, and a login that shows it.
    pub(crate) fn change_password(&self, draft: &mut Draft<'_>, call: &Call) -> Option<(StepId, StepId)> {
        let secret = draft.new_secret(&self.actor);
        let change = self.change(draft, call, &[("new.password", placeholder(&secret))])?;
        Some((change, draft.try_password(self.group, &self.actor, &secret)?))
    }

    /// The case of a request that the subject's token must not be good for any more.
    pub(crate) fn case(&self, check: &'static str, how: &str, (attack, needs): (StepId, Vec<StepId>)) -> Case {
        let control = Control {
            step: self.control,
            persona: self.persona.clone(),
            actor: Some(self.actor.clone()),
            ..Control::default()
        };
        Case {
            id: format!("{check}:{}:{}{how}", self.me.id, self.persona),
            check,
            operation: self.me.id.clone(),
            persona: Some(self.persona.clone()),
            relation: Relation::None,
            expected: Decision::Deny,
            trial: Trial { attack, control: Some(control), needs, ..Trial::default() },
            detail: Detail::Impersonation,
        }
    }
}

/// One request without an object.
pub(crate) fn ask(
    draft: &mut Draft<'_>,
    group: usize,
    operation: &Operation,
    (credential, role): (Credential, Role),
) -> StepId {
    let request = draft.request(operation, None, credential);
    draft.step(group, role, Action::Request(Box::new(request)))
}
