//! Is who gave an object away refused on the next request, and does the new owner get it? Only where
//! `resources.NAME.transfer` says how objects are given away.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::session_case::{Place, Session, judge};
use super::{Check, Work};
use crate::api::Operation;
use crate::plan::{Action, Credential, Detail, Draft, ObjectId, Phase, Request, Role, request};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "stale-ownership",
    title: "lets the owner of before reach what belongs to somebody else now",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API1:2023",
    cwe: "CWE-613",
    severity: Severity::High,
    work: Work::Online(plan, judge),
};

/// An object that changes hands.
struct Handover {
    resource: String,
    read: Operation,
    transfer: Operation,
    owner: String,
    heir: String,
}

fn plan(draft: &mut Draft<'_>) {
    for handover in handovers(draft) {
        plan_handover(draft, &handover);
    }
}

/// Of each kind of object that can be given away, one that its owner may read, and not once it is another's.
fn handovers(draft: &Draft<'_>) -> Vec<Handover> {
    let resources = draft.target.access.resources.iter();
    let handover = |(name, resource): (&String, &crate::access::Resource)| {
        let transfer = draft.plan.operation(resource.lifecycle.transfer.as_ref()?)?.clone();
        let read = draft.plan.operation(&resource.read).filter(|read| draft.is_asked_for(&read.id))?.clone();
        let personas = draft.personas();
        let changes = |owner: &&String| {
            let heir = draft.heir_of(name, owner);
            heir.is_some_and(|heir| {
                personas.contains(&heir)
                    && draft.may(&read.id, Some(owner), Some(owner))
                    && draft.may(&read.id, Some(&heir), Some(&heir))
                    && !draft.may(&read.id, Some(owner), Some(&heir))
                    && draft.may(&transfer.id, Some(owner), Some(owner))
            })
        };
        let owners = draft.owners(name);
        let owner = owners.iter().filter(|owner| personas.contains(owner)).find(changes)?.clone();
        let heir = draft.heir_of(name, &owner)?;
        Some(Handover { resource: name.clone(), read, transfer, owner, heir })
    };
    resources.filter_map(handover).collect()
}

fn plan_handover(draft: &mut Draft<'_>, handover: &Handover) -> Option<()> {
    let Handover { resource, read, transfer, owner, heir } = handover;
    let group = draft.group(Phase::Session);
    let (object, made) = draft.create(group, resource, owner)?;
    draft.step(group, Role::Setup, Action::FreshToken(owner.clone()));
    let place = Place { operation: read, owner: Some(owner), persona: owner };
    let mut session = Session::opened(draft, group, (&place, owner, Some(object)));
    session.needs.push(made);
    let change = given_away(draft, transfer, (object, owner), heir);
    session.change(draft, Action::Request(Box::new(change)));
    let attack = session.ask(draft, Role::Attack, None);
    let by_heir = draft.request(read, Some(object), Credential::Persona(heir.clone()));
    session.needs.push(draft.step(group, Role::Probe, Action::Request(Box::new(by_heir))));
    let mut case = session.case(CHECK.id, "", attack);
    case.detail = Detail::None;
    draft.case(case);
    Some(())
}

/// The request with which an owner gives an object away.
fn given_away(draft: &Draft<'_>, transfer: &Operation, (object, owner): (ObjectId, &str), heir: &str) -> Request {
    let mut sent = draft.request(transfer, Some(object), Credential::Persona(owner.to_owned()));
    let values = [("new.owner", draft.plan.identity_of(heir).to_owned())];
    sent.body = draft.body(transfer).map(|body| request::replace(&body, &values));
    sent
}
