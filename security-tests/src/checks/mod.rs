//! The checks: one file each, and one list of them. A check plans its cases and judges them; both are pure. Must not
//! know how requests are sent.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod account_case;
mod algorithm_family;
mod archived_object;
mod backchannel_logout;
mod claimed_property;
mod collection_scope;
mod confused_subject;
mod critical_header;
mod deactivated_user;
mod deleted_account;
mod duplicate_claim;
mod duplicate_key;
mod embedded_key;
mod evidence;
mod expired_token;
mod expired_waiver;
mod fail_open;
mod forged_claims;
mod forged_token;
mod fragile_verifier;
mod function_access;
mod identity;
mod identity_reuse;
mod ignored_signature;
mod key_confusion;
mod key_lookup;
mod lenient_claims;
mod logged_out_token;
mod lost_regression;
mod mass_assignment;
mod matrix_case;
mod missing_authentication;
mod missing_expiry;
mod mistaken_kind;
mod moved_tenant;
mod object_access;
mod old_version;
mod policy_disagrees;
mod premature_token;
mod privilege_escalation;
mod property_exposure;
mod reach;
mod remote_key;
mod removed_guard;
mod removed_role;
mod retired_key;
mod revoked_token;
mod scheme_case;
mod sender_constraint;
mod sensitive_data;
mod server_error;
mod session_case;
mod session_event;
mod shaped_request;
mod split_authorization;
mod stale_circumstances;
mod stale_ownership;
mod stale_policy;
mod stale_token;
mod statement_case;
mod step_up;
mod tenant_isolation;
mod token_kind;
mod token_placement;
mod token_size;
mod token_spelling;
mod trusted_identity_header;
mod undecided_operation;
mod undeclared_security;
mod unguarded_path;
mod unknown_action;
mod unknown_subject;
mod unsigned_token;
mod versions;
mod weak_key;
mod weakened_security;
mod widened_access;
mod wrong_audience;
mod wrong_issuer;
mod wrong_password;

use crate::api::Operation;
use crate::flow::checks as flow;
use crate::oracle::Relation;
use crate::plan::{Case, Draft, PlannedCell};
use crate::target::Target;
use crate::verdict::{Layer, Outcome, Severity, Tier};

pub use evidence::Evidence;
pub(crate) use reach::observed;

/// The case that shows what happens in a cell of the matrix.
pub(crate) fn case_of(cell: &PlannedCell) -> Option<Case> {
    matrix_case::case(cell, "cell")
}

/// One check.
#[derive(Debug)]
pub struct Check {
    /// Stable name.
    pub id: &'static str,
    /// What a finding of it says, without the operation.
    pub title: &'static str,
    /// Where it belongs.
    pub layer: Layer,
    /// What its failure means.
    pub tier: Tier,
    /// OWASP API Security Top 10, e.g. `API1:2023`.
    pub owasp: &'static str,
    /// Common Weakness Enumeration, e.g. `CWE-639`.
    pub cwe: &'static str,
    /// How bad a finding is.
    pub severity: Severity,
    /// How it works.
    pub work: Work,
}

/// How a check works.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// From files alone.
    Offline(fn(&Offline<'_>) -> Vec<Fact>),
    /// Plans cases, and judges each from the evidence.
    Online(fn(&mut Draft<'_>), fn(&Case, &Evidence<'_>) -> Outcome),
    /// Any case of another check may turn out to be one of it.
    ByTheWay,
}

/// What checks that need no network look at.
#[derive(Clone, Copy)]
pub struct Offline<'a> {
    /// The target.
    pub target: &'a Target,
    /// The operations asked for.
    pub operations: &'a [&'a Operation],
    /// The personas asked for.
    pub personas: &'a [String],
    /// Today, `YYYY-MM-DD`.
    pub today: &'a str,
}

/// A judged case of a check that needs no network.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// What follows the check's name in the id of the case, e.g. `readOrder:bob:own`.
    pub name: String,
    /// `operationId`; empty when it is about none.
    pub operation: String,
    /// Who.
    pub persona: Option<String>,
    /// How they stand to the object.
    pub relation: Relation,
    /// What became of it.
    pub outcome: Outcome,
}

impl Fact {
    /// A fact about one operation.
    #[must_use]
    pub fn of(operation: &str, outcome: Outcome) -> Self {
        let name = operation.to_owned();
        Self { operation: name.clone(), name, persona: None, relation: Relation::None, outcome }
    }
}

/// All checks, in the order in which they run and are reported.
pub static ALL: &[&Check] = &[
    &undecided_operation::CHECK,
    &undeclared_security::CHECK,
    &weakened_security::CHECK,
    &weakened_security::CHANGED,
    &removed_guard::CHECK,
    &unknown_action::CHECK,
    &expired_waiver::CHECK,
    &policy_disagrees::CHECK,
    &missing_authentication::CHECK,
    &ignored_signature::CHECK,
    &unsigned_token::CHECK,
    &key_confusion::CHECK,
    &embedded_key::CHECK,
    &remote_key::CHECK,
    &key_lookup::CHECK,
    &weak_key::CHECK,
    &expired_token::CHECK,
    &premature_token::CHECK,
    &confused_subject::CHECK,
    &forged_claims::CHECK,
    &trusted_identity_header::CHECK,
    &unknown_subject::CHECK,
    &mistaken_kind::CHECK,
    &scheme_case::CHECK,
    &unguarded_path::CHECK,
    &split_authorization::CHECK,
    &duplicate_key::CHECK,
    &missing_expiry::CHECK,
    &wrong_issuer::CHECK,
    &wrong_audience::CHECK,
    &token_kind::CHECK,
    &critical_header::CHECK,
    &duplicate_claim::CHECK,
    &algorithm_family::CHECK,
    &sender_constraint::CHECK,
    &token_placement::CHECK,
    &token_spelling::CHECK,
    &lenient_claims::CHECK,
    &token_size::CHECK,
    &object_access::CHECK,
    &tenant_isolation::CHECK,
    &collection_scope::CHECK,
    &function_access::CHECK,
    &property_exposure::CHECK,
    &sensitive_data::CHECK,
    &mass_assignment::CHECK,
    &privilege_escalation::CHECK,
    &wrong_password::CHECK,
    &wrong_password::OLD,
    &old_version::CHECK,
    &widened_access::CHECK,
    &lost_regression::CHECK,
    &revoked_token::CHECK,
    &deactivated_user::CHECK,
    &removed_role::CHECK,
    &moved_tenant::CHECK,
    &stale_ownership::CHECK,
    &archived_object::CHECK,
    &stale_policy::CHECK,
    &stale_circumstances::CHECK,
    &claimed_property::CHECK,
    &step_up::CHECK,
    &step_up::CHALLENGE,
    &fail_open::CHECK,
    &retired_key::CHECK,
    &session_event::CHECK,
    &session_event::FORGED,
    &backchannel_logout::CHECK,
    &backchannel_logout::FORGED,
    &logged_out_token::CHECK,
    &deleted_account::CHECK,
    &identity_reuse::CHECK,
    &stale_token::CHECK,
    &flow::CONTROL,
    &flow::ISSUER,
    &flow::ORIGIN,
    &flow::ALGORITHM_NONE,
    &flow::AUTHENTICATION,
    &flow::METHOD,
    &flow::UNREGISTERED_GRANT,
    &flow::REDIRECT_URI,
    &flow::LOOSE,
    &flow::VERIFIER,
    &flow::DOWNGRADE,
    &flow::MISSING,
    &flow::PLAIN,
    &flow::REUSE,
    &flow::REUSE_REVOCATION,
    &flow::ANOTHER_CLIENT,
    &flow::BINDING,
    &flow::DEVICE,
    &flow::STATE,
    &flow::ISSUER_PARAMETER,
    &flow::FRAGMENT,
    &flow::IMPLICIT,
    &flow::PASSWORD,
    &flow::SCOPE,
    &flow::ID_TOKEN,
    &flow::NONCE,
    &flow::FOREIGN,
    &flow::ROTATION,
    &flow::FAMILY,
    &flow::REVOCATION,
    &flow::REVOKED_BY_OTHERS,
    &flow::INTROSPECTION,
    &fragile_verifier::CHECK,
    &server_error::CHECK,
];

/// One check by name.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static Check> {
    ALL.iter().find(|check| check.id == id).copied()
}

#[cfg(test)]
mod tests;
