//! The flaws by name, with what they open. Must not know how.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::Serialize;

/// One deliberate hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the catalogue below says it, once")]
pub enum Flaw {
    AnonymousList,
    UnsignedToken,
    IgnoredSignature,
    KeyConfusion,
    EmbeddedKey,
    ExpiredToken,
    ForgedClaims,
    IdentityHeader,
    ObjectRead,
    ObjectWrite,
    TenantRead,
    ListLeak,
    FunctionExport,
    FunctionDelete,
    PropertyRead,
    MassAssignCreate,
    MassAssignUpdate,
    StaleIntrospection,
    DeactivatedUser,
    StaleRole,
    StaleTenant,
    StaleOwner,
    ArchivedOrder,
    StalePolicy,
    StaleCircumstances,
    ClaimedRole,
    WeakAuthentication,
    IamFailOpen,
    ProviderFailOpen,
    RetiredKey,
    IgnoredEvent,
    UncheckedEvent,
    IgnoredLogout,
    UncheckedLogout,
    ServerError,
}

/// What is to be known of a flaw.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Entry {
    /// The flaw.
    #[serde(skip)]
    pub flaw: Flaw,
    /// Its name in `ORDERS_FLAWS`.
    pub name: &'static str,
    /// The check of `devenv test` that finds it.
    pub check: &'static str,
    /// OWASP API Security Top 10.
    pub owasp: &'static str,
    /// Where the hole is.
    pub operation: &'static str,
    /// What goes wrong.
    pub opens: &'static str,
}

const fn entry(flaw: Flaw, [name, check, owasp, operation]: [&'static str; 4], opens: &'static str) -> Entry {
    Entry { flaw, name, check, owasp, operation, opens }
}

/// Every flaw, in the order of the checks.
pub const CATALOGUE: [Entry; 35] = [
    entry(
        Flaw::AnonymousList,
        ["anonymous-list", "missing-authentication", "API2:2023", "GET /orders"],
        "without a token, everybody's orders are listed",
    ),
    entry(
        Flaw::UnsignedToken,
        ["unsigned-token", "unsigned-token", "API2:2023", "GET /me"],
        "a token that says it needs no signature is believed",
    ),
    entry(
        Flaw::IgnoredSignature,
        ["ignored-signature", "ignored-signature", "API2:2023", "GET /me"],
        "a token is read without looking at its signature",
    ),
    entry(
        Flaw::KeyConfusion,
        ["key-confusion", "key-confusion", "API2:2023", "GET /me"],
        "the published key is accepted as a shared secret",
    ),
    entry(
        Flaw::EmbeddedKey,
        ["embedded-key", "embedded-key", "API2:2023", "GET /me"],
        "a token may bring the key that proves it",
    ),
    entry(Flaw::ExpiredToken, ["expired-token", "expired-token", "API2:2023", "GET /me"], "a token is good for ever"),
    entry(
        Flaw::ForgedClaims,
        ["forged-claims", "forged-claims", "API5:2023", "GET /admin/export"],
        "roles are read from the token and not from the directory",
    ),
    entry(
        Flaw::IdentityHeader,
        ["identity-header", "trusted-identity-header", "API2:2023", "GET /me"],
        "whoever sends X-Forwarded-User is that user",
    ),
    entry(
        Flaw::ObjectRead,
        ["object-read", "object-access", "API1:2023", "GET /orders/{id}"],
        "everybody of a tenant reads all its orders",
    ),
    entry(
        Flaw::ObjectWrite,
        ["object-write", "object-access", "API1:2023", "PATCH /orders/{id}"],
        "everybody of a tenant changes all its orders",
    ),
    entry(
        Flaw::TenantRead,
        ["tenant-read", "tenant-isolation", "API1:2023", "GET /orders/{id}"],
        "support and admins read the orders of other tenants",
    ),
    entry(
        Flaw::ListLeak,
        ["list-leak", "collection-scope", "API1:2023", "GET /orders"],
        "a customer's list holds the orders of the whole tenant",
    ),
    entry(
        Flaw::FunctionExport,
        ["function-export", "function-access", "API5:2023", "GET /admin/export"],
        "everybody exports the orders of the tenant",
    ),
    entry(
        Flaw::FunctionDelete,
        ["function-delete", "function-access", "API5:2023", "DELETE /orders/{id}"],
        "customers delete their own orders, which only admins may",
    ),
    entry(
        Flaw::PropertyRead,
        ["property-read", "property-exposure", "API3:2023", "GET /orders/{id}"],
        "whoever reads an order sees its margin",
    ),
    entry(
        Flaw::MassAssignCreate,
        ["mass-assign-create", "mass-assignment", "API3:2023", "POST /orders"],
        "a new order has the status and the total that the client says",
    ),
    entry(
        Flaw::MassAssignUpdate,
        ["mass-assign-update", "mass-assignment", "API3:2023", "PATCH /orders/{id}"],
        "a change sets the status and the total that the client says",
    ),
    entry(
        Flaw::StaleIntrospection,
        ["stale-introspection", "revoked-token", "API2:2023", "GET /me"],
        "a token that was good is good for another minute, revoked or not",
    ),
    entry(
        Flaw::DeactivatedUser,
        ["deactivated-user", "deactivated-user", "API2:2023", "GET /me"],
        "the token of a user who was deactivated is still good",
    ),
    entry(
        Flaw::StaleRole,
        ["stale-role", "removed-role", "API5:2023", "GET /admin/export"],
        "a permission is remembered for a minute after the role is gone",
    ),
    entry(
        Flaw::StaleTenant,
        ["stale-tenant", "moved-tenant", "API1:2023", "GET /orders/{id}"],
        "who moved to another tenant still reads what they read before",
    ),
    entry(
        Flaw::StaleOwner,
        ["stale-owner", "stale-ownership", "API1:2023", "GET /orders/{id}"],
        "who gave an order away still reads it",
    ),
    entry(
        Flaw::ArchivedOrder,
        ["archived-order", "archived-object", "API1:2023", "PATCH /orders/{id}"],
        "an archived order is changed like any other",
    ),
    entry(
        Flaw::StalePolicy,
        ["stale-policy", "stale-policy", "API5:2023", "GET /me"],
        "a permission is remembered for a minute after the policies changed",
    ),
    entry(
        Flaw::StaleCircumstances,
        ["stale-circumstances", "stale-circumstances", "API5:2023", "GET /admin/export"],
        "a permission is remembered for a minute after the circumstances changed",
    ),
    entry(
        Flaw::ClaimedRole,
        ["claimed-role", "claimed-property", "API5:2023", "GET /admin/export"],
        "whoever sends X-User-Roles: admin is one",
    ),
    entry(
        Flaw::WeakAuthentication,
        ["weak-authentication", "step-up", "API2:2023", "POST /orders/{id}/refund"],
        "a refund needs no second factor",
    ),
    entry(
        Flaw::IamFailOpen,
        ["iam-fail-open", "fail-open", "API8:2023", "GET /me"],
        "without an answer of the IAM, its last one counts",
    ),
    entry(
        Flaw::ProviderFailOpen,
        ["provider-fail-open", "fail-open", "API8:2023", "GET /me"],
        "without an answer of the provider, its last one counts",
    ),
    entry(
        Flaw::RetiredKey,
        ["retired-key", "retired-key", "API2:2023", "GET /me"],
        "a token is good although its key was retired",
    ),
    entry(
        Flaw::IgnoredEvent,
        ["ignored-event", "session-event", "API2:2023", "POST /events/ssf"],
        "security events are acknowledged and forgotten",
    ),
    entry(
        Flaw::UncheckedEvent,
        ["unchecked-event", "forged-event", "API2:2023", "POST /events/ssf"],
        "security events are believed, whoever made them",
    ),
    entry(
        Flaw::IgnoredLogout,
        ["ignored-logout", "backchannel-logout", "API2:2023", "POST /logout/backchannel"],
        "logout tokens are acknowledged and forgotten",
    ),
    entry(
        Flaw::UncheckedLogout,
        ["unchecked-logout", "forged-logout", "API2:2023", "POST /logout/backchannel"],
        "logout tokens are believed, whoever made them",
    ),
    entry(
        Flaw::ServerError,
        ["server-error", "server-error", "API8:2023", "GET /me"],
        "a token that cannot be read breaks the request",
    ),
];

impl Flaw {
    /// Whether it makes the API believe a token that the provider did not issue so.
    pub(crate) fn is_forgery(self) -> bool {
        matches!(
            self,
            Self::UnsignedToken | Self::IgnoredSignature | Self::KeyConfusion | Self::EmbeddedKey | Self::ExpiredToken
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flaw_is_in_the_catalogue_once() {
        let flaws: Vec<Flaw> = CATALOGUE.iter().map(|entry| entry.flaw).collect();
        assert!(flaws.is_sorted() && flaws.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(CATALOGUE[34].flaw, Flaw::ServerError);
    }
}
