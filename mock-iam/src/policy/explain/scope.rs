//! The head of a policy against a question: is it about this action and type, and whom does it leave out?
//!
//! Must not know conditions.

use cedar_policy::{ActionConstraint, EntityTypeName, EntityUid, Policy, PrincipalConstraint, ResourceConstraint};

use super::{ScopeMismatch, groups};
use crate::policy::engine::Prepared;

/// The head of a policy.
pub(super) struct Scope {
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
    pub(super) fn of(policy: &Policy) -> Self {
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
        let action = prepared.request.action()?;
        let about = match &self.about {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(wanted) => wanted == action,
            ActionConstraint::In(groups) => groups.iter().any(|group| is_in(action, group, prepared)),
        };
        let (principal, resource) = (prepared.request.principal()?, prepared.request.resource()?);
        if !about || !self.who.concerns(principal) || !self.what.concerns(resource) {
            return None;
        }
        let parts = [("principal", &self.who, principal), ("resource", &self.what, resource)];
        Some(parts.into_iter().filter_map(|(part, asked, entity)| asked.mismatch(part, entity, prepared)).collect())
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

    fn mismatch(&self, part: &str, entity: &EntityUid, prepared: &Prepared) -> Option<ScopeMismatch> {
        match self {
            Self::Anything | Self::OfType(_) => None,
            Self::Exactly(wanted) => (wanted != entity).then(|| ScopeMismatch {
                required: format!("the {part} must be {wanted}"),
                found: format!("it is {entity}"),
            }),
            Self::Member(group) | Self::MemberOfType(_, group) => (!is_in(entity, group, prepared)).then(|| {
                let groups = groups(entity, prepared);
                let groups = if groups.is_empty() { "nothing".to_owned() } else { groups.join(", ") };
                ScopeMismatch {
                    required: format!("the {part} must be in {group}"),
                    found: format!("{entity} is in {groups}"),
                }
            }),
        }
    }
}

fn is_in(entity: &EntityUid, group: &EntityUid, prepared: &Prepared) -> bool {
    entity == group || prepared.entities.is_ancestor_of(group, entity)
}
