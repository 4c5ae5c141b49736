//! Is what an archived object allows no more refused on the next request? Only where `resources.NAME.archive` says how
//! objects are archived and what that ends.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::session_case::{Place, Session, judge};
use super::{Check, Work};
use crate::access::{Archive, Resource};
use crate::plan::{Action, Credential, Detail, Draft, Phase, Role, request};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "archived-object",
    title: "still allows what ended when the object was archived",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API1:2023",
    cwe: "CWE-613",
    severity: Severity::Medium,
    work: Work::Online(plan, judge),
};

fn plan(draft: &mut Draft<'_>) {
    let resources: Vec<(&String, &Resource)> = draft.target.access.resources.iter().collect();
    for (name, resource) in resources {
        let Some(archive) = &resource.lifecycle.archive else { continue };
        for operation in archive.ends.iter().filter(|operation| draft.is_asked_for(operation)).collect::<Vec<_>>() {
            plan_archive(draft, (name, archive), operation);
        }
    }
}

fn plan_archive(draft: &mut Draft<'_>, (resource, archive): (&str, &Archive), ended: &str) -> Option<()> {
    let (ended, archive) = (draft.plan.operation(ended)?.clone(), draft.plan.operation(&archive.operation)?.clone());
    let may_both = |draft: &Draft<'_>, name: &String| {
        draft.may(&ended.id, Some(name), Some(name)) && draft.may(&archive.id, Some(name), Some(name))
    };
    let personas = draft.personas();
    let owners = draft.owners(resource);
    let owner = owners.iter().filter(|name| personas.contains(name)).find(|name| may_both(draft, name))?.clone();
    let group = draft.group(Phase::Session);
    let (object, made) = draft.create(group, resource, &owner)?;
    draft.step(group, Role::Setup, Action::FreshToken(owner.clone()));
    let marker = draft.marker(resource, &owner);
    let place = Place { operation: &ended, owner: Some(&owner), persona: &owner };
    let body = draft.body(&ended).map(|body| request::replace(&body, &[("canary", marker)]));
    let mut session = Session::opened_with(draft, group, (&place, &owner, Some(object)), body);
    session.needs.push(made);
    let request = draft.request(&archive, Some(object), Credential::Persona(owner.clone()));
    session.change(draft, Action::Request(Box::new(request)));
    let attack = session.ask(draft, Role::Attack, None);
    let mut case = session.case(CHECK.id, "", attack);
    case.detail = Detail::None;
    draft.case(case);
    Some(())
}
