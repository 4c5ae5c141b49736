//! What the checks of sessions have in common: a fresh token that works, a change, the same token again, the change taken
//! back, and a look whether that worked. Must not know single changes.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Evidence, forged_token, reach};
use crate::api::Operation;
use crate::oracle::{Decision, Relation};
use crate::plan::{
    Action, Case, Control, Credential, Detail, Draft, ObjectId, Phase, Request, Role, StepId, Trial, Until, World,
};
use crate::verdict::{Confidence, Outcome};

/// Where a change must be noticed.
pub(crate) struct Place<'a> {
    /// The operation.
    pub(crate) operation: &'a Operation,
    /// Whose object.
    pub(crate) owner: Option<&'a str>,
    /// Whose token.
    pub(crate) persona: &'a str,
}

/// Somebody who is signed in, and what they ask for again and again.
pub(crate) struct Session {
    pub(crate) group: usize,
    pub(crate) persona: String,
    /// Who it is really: the persona, or somebody like them who was added for one check.
    pub(crate) actor: String,
    operation: String,
    request: Request,
    control: StepId,
    /// Steps that must have worked.
    pub(crate) needs: Vec<StepId>,
}

impl Session {
    /// Signs in and shows that the request works.
    pub(crate) fn open(draft: &mut Draft<'_>, place: &Place<'_>) -> Self {
        let group = draft.group(Phase::Session);
        draft.step(group, Role::Setup, Action::FreshToken(place.persona.to_owned()));
        let object = object(draft, place);
        Self::opened(draft, group, (place, place.persona, object))
    }

    /// The same for somebody who is added to the directory: for changes that outlive the check.
    pub(crate) fn open_for_stand_in(draft: &mut Draft<'_>, place: &Place<'_>, check: &str, age: Option<u64>) -> Self {
        let group = draft.group(Phase::Session);
        Self::stand_in(draft, group, (place, check), age)
    }

    /// The same for what concerns nobody else, so that it can run beside the rest.
    pub(crate) fn open_beside(draft: &mut Draft<'_>, place: &Place<'_>, check: &str) -> Self {
        let group = draft.group(Phase::Beside);
        Self::stand_in(draft, group, (place, check), None)
    }

    fn stand_in(draft: &mut Draft<'_>, group: usize, (place, check): (&Place<'_>, &str), age: Option<u64>) -> Self {
        let (like, name) = (place.persona.to_owned(), format!("{}-{check}-{}", place.persona, draft.plan.salt()));
        let added =
            draft.step(group, Role::Change, Action::World(World::AddUser { name: name.clone(), like: like.clone() }));
        let token = match age {
            Some(seconds) => Action::AgedToken(name.clone(), seconds),
            None => Action::FreshToken(name.clone()),
        };
        draft.step(group, Role::Setup, token);
        let mut session = Self::opened(draft, group, (place, &name, None));
        session.needs.push(added);
        session
    }

    /// The rest of the beginning, where the group has a token already.
    pub(crate) fn opened(
        draft: &mut Draft<'_>,
        group: usize,
        (place, actor, object): (&Place<'_>, &str, Option<ObjectId>),
    ) -> Self {
        Self::opened_with(draft, group, (place, actor, object), None)
    }

    /// The same for a request with a body.
    pub(crate) fn opened_with(
        draft: &mut Draft<'_>,
        group: usize,
        (place, actor, object): (&Place<'_>, &str, Option<ObjectId>),
        body: Option<Value>,
    ) -> Self {
        let mut request = draft.request(place.operation, object, Credential::Fresh(actor.to_owned()));
        request.body = body;
        let control = draft.step(group, Role::Control, Action::Request(Box::new(request.clone())));
        Self {
            group,
            persona: place.persona.to_owned(),
            actor: actor.to_owned(),
            operation: place.operation.id.clone(),
            request,
            control,
            needs: Vec::new(),
        }
    }

    /// A change that the case needs.
    pub(crate) fn change(&mut self, draft: &mut Draft<'_>, action: Action) -> StepId {
        let step = draft.step(self.group, Role::Change, action);
        self.needs.push(step);
        step
    }

    /// The same request with the same token.
    pub(crate) fn ask(&self, draft: &mut Draft<'_>, role: Role, until: Option<Until>) -> StepId {
        draft.step(self.group, role, Action::Request(Box::new(Request { until, ..self.request.clone() })))
    }

    /// Takes the change back, and shows that who signs in again is served again.
    pub(crate) fn restore(&mut self, draft: &mut Draft<'_>, action: Action) -> StepId {
        let restored = draft.step(self.group, Role::Restore, action);
        self.needs.push(restored);
        self.sign_in_again(draft);
        restored
    }

    /// Signs in again and is served.
    pub(crate) fn sign_in_again(&mut self, draft: &mut Draft<'_>) -> StepId {
        draft.step(self.group, Role::Setup, Action::FreshToken(self.actor.clone()));
        let served = self.ask(draft, Role::Probe, Some(Until::Allowed));
        self.needs.push(served);
        served
    }

    /// The one who was added is removed.
    pub(crate) fn remove_stand_in(&self, draft: &mut Draft<'_>) -> StepId {
        draft.step(self.group, Role::Restore, Action::World(World::RemoveUser(self.actor.clone())))
    }

    /// The case of a request that must be refused.
    pub(crate) fn case(&self, check: &'static str, how: &str, attack: StepId) -> Case {
        let control = Control {
            step: self.control,
            persona: self.persona.clone(),
            actor: Some(self.actor.clone()).filter(|actor| *actor != self.persona),
            ..Control::default()
        };
        let how = if how.is_empty() { String::new() } else { format!(":{how}") };
        Case {
            id: format!("{check}:{}:{}{how}", self.operation, self.persona),
            check,
            operation: self.operation.clone(),
            persona: Some(self.persona.clone()),
            relation: Relation::None,
            expected: Decision::Deny,
            trial: Trial { attack, control: Some(control), needs: self.needs.clone(), ..Trial::default() },
            detail: Detail::Impersonation,
        }
    }
}

/// The operation that needs no role, where it is planned.
pub(crate) fn representative(draft: &Draft<'_>) -> Option<Operation> {
    forged_token::representative(draft).and_then(|id| draft.plan.operation(&id).cloned())
}

/// The operation that needs no role, wherever it is planned: it shows whether somebody is signed in.
pub(crate) fn witness(draft: &Draft<'_>) -> Option<Operation> {
    let id = forged_token::witness(draft)?;
    draft.plan.operation(&id).cloned()
}

/// The first persona, on the operation that needs no role.
pub(crate) fn somebody(draft: &Draft<'_>) -> Option<(Operation, String)> {
    Some((representative(draft)?, draft.personas().into_iter().next()?))
}

/// Plans a change for one persona of each set of roles, on the operation that needs none.
pub(crate) fn for_representatives(
    draft: &mut Draft<'_>,
    check: &'static str,
    change: impl Fn(&str) -> (Action, Option<Action>),
) {
    let Some(operation) = representative(draft) else { return };
    let mut seen = BTreeSet::new();
    for persona in draft.personas() {
        let roles = draft.target.personas.get(&persona).map(|persona| persona.roles.clone());
        if seen.insert(roles) {
            let place = Place { operation: &operation, owner: None, persona: &persona };
            plan(draft, check, (&place, None), change(&persona));
        }
    }
}

/// Plans a change and, when there is one, its way back. The very next request counts, unless something else is said.
pub(crate) fn plan(
    draft: &mut Draft<'_>,
    check: &'static str,
    (place, until): (&Place<'_>, Option<Until>),
    (change, restore): (Action, Option<Action>),
) {
    let mut session = Session::open(draft, place);
    session.change(draft, change);
    let attack = session.ask(draft, Role::Attack, until);
    if let Some(restore) = restore {
        session.restore(draft, restore);
    }
    let case = session.case(check, "", attack);
    draft.case(case);
}

/// Judges a request that must be refused, and says how long that took.
pub(crate) fn judge(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let exchange = evidence.exchanges.get(case.trial.attack).and_then(Option::as_ref);
    match (reach::judge(case, evidence), exchange) {
        (Outcome::Pass(how), Some(exchange)) => {
            Outcome::Pass(format!("{how}, {:.0} ms after the change", exchange.duration_ms))
        }
        (Outcome::Unproven(_), _) if shows_the_same(case, evidence) => {
            Outcome::Fail(Confidence::Confirmed, "the answer still holds what it held before the change".to_owned())
        }
        (outcome, _) => outcome,
    }
}

/// Whether the answer after the change holds a marker of the one before it, in whatever form.
fn shows_the_same(case: &Case, evidence: &Evidence<'_>) -> bool {
    let control = case.trial.control.as_ref().and_then(|control| evidence.optional(Some(control.step)));
    let (Some(before), Some(after)) = (control, evidence.optional(Some(case.trial.attack))) else { return false };
    let known = evidence.markers(&before.text, None);
    evidence.markers(&after.text, None).into_iter().any(|marker| known.contains(&marker))
}

fn object(draft: &mut Draft<'_>, place: &Place<'_>) -> Option<ObjectId> {
    let resource = draft.resource_of(&place.operation.id).map(|(name, _)| name.to_owned());
    resource.zip(place.owner).and_then(|(resource, owner)| draft.shared_object(&resource, owner))
}
