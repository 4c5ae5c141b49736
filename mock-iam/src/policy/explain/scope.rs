//! The head of a policy against a question: is it about this action and type, and whom does it leave out?
//!
//! Must not know conditions.

use cedar_policy::{ActionConstraint, EntityTypeName, EntityUid, Policy, PrincipalConstraint, ResourceConstraint};

use super::{ScopeMismatch, groups};
use crate::policy::engine::Prepared;

/// The head of a policy.
pub(in crate::policy) struct Scope {
    about: ActionConstraint,
    who: Asked,
    what: Asked,
}

/// What a scope asks of one entity.
enum Asked {
    Anything,
    Member(EntityUid),
    Exactly(EntityUid),
    OfType(EntityTypeName),
    MemberOfType(EntityTypeName, EntityUid),
}

impl Scope {
    /// Reads the head of a policy.
    pub(in crate::policy) fn of(policy: &Policy) -> Self {
        let who = match policy.principal_constraint() {
            PrincipalConstraint::Any => Asked::Anything,
            PrincipalConstraint::In(group) => Asked::Member(group),
            PrincipalConstraint::Eq(wanted) => Asked::Exactly(wanted),
            PrincipalConstraint::Is(kind) => Asked::OfType(kind),
            PrincipalConstraint::IsIn(kind, group) => Asked::MemberOfType(kind, group),
        };
        let what = match policy.resource_constraint() {
            ResourceConstraint::Any => Asked::Anything,
            ResourceConstraint::In(group) => Asked::Member(group),
            ResourceConstraint::Eq(wanted) => Asked::Exactly(wanted),
            ResourceConstraint::Is(kind) => Asked::OfType(kind),
            ResourceConstraint::IsIn(kind, group) => Asked::MemberOfType(kind, group),
        };
        Self { about: policy.action_constraint(), who, what }
    }

    /// Which parts do not match, in words; nothing when the policy is about something else.
    pub(super) fn mismatches(&self, prepared: &Prepared) -> Option<Vec<ScopeMismatch>> {
        let parts = self.parts(prepared)?.into_iter();
        let parts = parts.filter(|(_, asked, entity)| !asked.matches(entity, prepared));
        Some(parts.filter_map(|(part, asked, entity)| asked.mismatch(part, entity, prepared)).collect())
    }

    /// What the parts that do not match ask for, in words; nothing when the policy is about something else.
    pub(super) fn required(&self, prepared: &Prepared) -> Option<Vec<String>> {
        let parts = self.parts(prepared)?.into_iter();
        let parts = parts.filter(|(_, asked, entity)| !asked.matches(entity, prepared));
        Some(parts.filter_map(|(part, asked, _)| asked.required(part)).collect())
    }

    /// How many parts do not match; nothing when the policy is about something else.
    pub(super) fn unmet(&self, prepared: &Prepared) -> Option<usize> {
        let parts = self.parts(prepared)?.into_iter();
        Some(parts.filter(|(_, asked, entity)| !asked.matches(entity, prepared)).count())
    }

    /// Whether every part matches: only then does the engine look at the conditions.
    pub(in crate::policy) fn matches(&self, prepared: &Prepared) -> bool {
        self.unmet(prepared) == Some(0)
    }

    /// The one entity that the principal must be, or be in.
    pub(in crate::policy) fn principal(&self) -> Option<&EntityUid> {
        match &self.who {
            Asked::Anything | Asked::OfType(_) => None,
            Asked::Member(wanted) | Asked::Exactly(wanted) | Asked::MemberOfType(_, wanted) => Some(wanted),
        }
    }

    fn parts<'a>(&'a self, prepared: &'a Prepared) -> Option<[(&'static str, &'a Asked, &'a EntityUid); 2]> {
        let action = prepared.request.action()?;
        let about = match &self.about {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(wanted) => wanted == action,
            ActionConstraint::In(groups) => groups.iter().any(|group| is_in(action, group, prepared)),
        };
        let (principal, resource) = (prepared.request.principal()?, prepared.request.resource()?);
        let concerned = about && self.who.concerns(principal) && self.what.concerns(resource);
        concerned.then_some([("principal", &self.who, principal), ("resource", &self.what, resource)])
    }
}

impl Asked {
    /// Whether the type of the entity is one that is asked for.
    fn concerns(&self, entity: &EntityUid) -> bool {
        match self {
            Self::Anything | Self::Member(_) => true,
            Self::Exactly(wanted) => wanted.type_name() == entity.type_name(),
            Self::OfType(kind) | Self::MemberOfType(kind, _) => kind == entity.type_name(),
        }
    }

    /// Whether an entity of the right type is what is asked for.
    fn matches(&self, entity: &EntityUid, prepared: &Prepared) -> bool {
        match self {
            Self::Anything | Self::OfType(_) => true,
            Self::Exactly(wanted) => wanted == entity,
            Self::Member(group) | Self::MemberOfType(_, group) => is_in(entity, group, prepared),
        }
    }

    fn required(&self, part: &str) -> Option<String> {
        match self {
            Self::Anything | Self::OfType(_) => None,
            Self::Exactly(wanted) => Some(format!("the {part} must be {wanted}")),
            Self::Member(group) | Self::MemberOfType(_, group) => Some(format!("the {part} must be in {group}")),
        }
    }

    fn mismatch(&self, part: &str, entity: &EntityUid, prepared: &Prepared) -> Option<ScopeMismatch> {
        let found = match self {
            Self::Anything | Self::OfType(_) | Self::Exactly(_) => format!("it is {entity}"),
            Self::Member(_) | Self::MemberOfType(..) => {
                let groups = groups(entity, prepared);
                let groups = if groups.is_empty() { "nothing".to_owned() } else { groups.join(", ") };
                format!("{entity} is in {groups}")
            }
        };
        Some(ScopeMismatch { required: self.required(part)?, found })
    }
}

fn is_in(entity: &EntityUid, group: &EntityUid, prepared: &Prepared) -> bool {
    entity == group || prepared.entities.is_ancestor_of(group, entity)
}
