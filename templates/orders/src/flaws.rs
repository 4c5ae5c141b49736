//! Deliberate holes, one for each check of `devenv test`: to prove that the check finds it, and to learn from. Off unless
//! `ORDERS_FLAWS` names them; take this module and its few hooks out when you make this API your own.
//!
//! Each flaw opens its own hole and no other. The sound API is asked first; a flaw only changes a question before it is
//! put to the IAM (`question`), or has a second look at a refusal (`refused_token`, `without_token`, `overrule`).

mod catalogue;
mod forgery;
mod memory;

use std::collections::BTreeSet;

use axum::http::{HeaderMap, header};
use serde_json::Value;

pub use catalogue::{CATALOGUE, Entry, Flaw};

use crate::app::App;
use crate::iam::Resource;
use crate::operation::Operation;
use crate::order::Order;
use crate::problem::Problem;
use crate::provider::Caller;
use crate::secret::Secret;
use crate::statement::{Kind, Statement};
use memory::Memory;

/// The holes that are open, and what the API remembers because of them.
#[derive(Debug, Default)]
pub struct Flaws {
    open: BTreeSet<Flaw>,
    memory: Memory,
}

/// A name that is no flaw.
#[derive(Debug, thiserror::Error)]
#[error("`{name}` is no flaw; ORDERS_FLAWS knows: {}", CATALOGUE.map(|entry| entry.name).join(", "))]
pub struct UnknownFlaw {
    name: String,
}

impl Flaws {
    /// Reads `name,name`.
    ///
    /// # Errors
    /// When a name is no flaw.
    pub fn parse(text: &str) -> Result<Self, UnknownFlaw> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let known = |name: &str| CATALOGUE.iter().find(|entry| entry.name == name).map(|entry| entry.flaw);
        let open = names.map(|name| known(name).ok_or_else(|| UnknownFlaw { name: name.to_owned() }));
        Ok(Self { open: open.collect::<Result<_, _>>()?, memory: Memory::default() })
    }

    /// Says loudly which holes are open, if any.
    pub fn warn(&self) {
        for entry in CATALOGUE.iter().filter(|entry| self.opens(entry.flaw)) {
            tracing::warn!(flaw = entry.name, owasp = entry.owasp, "DELIBERATELY INSECURE: {}", entry.opens);
        }
    }

    /// What the flawed API asks the IAM instead of the right question.
    pub(crate) fn question(&self, action: Operation, caller: &Caller, resource: Resource) -> (Operation, Resource) {
        use Operation::{ExportOrders, ListOrders, ListTenantOrders, ReadMargin, ReadOrder, UpdateOrder};
        match action {
            ReadOrder => {
                let owned = if self.opens(Flaw::ObjectRead) { owned_by_its_reader(caller, resource) } else { resource };
                (action, if self.opens(Flaw::TenantRead) { of_the_readers_tenant(caller, owned) } else { owned })
            }
            UpdateOrder => {
                let owned =
                    if self.opens(Flaw::ObjectWrite) { owned_by_its_reader(caller, resource) } else { resource };
                (action, if self.opens(Flaw::ArchivedOrder) { never_archived(owned) } else { owned })
            }
            ListTenantOrders if self.opens(Flaw::ListLeak) => (ListOrders, resource),
            ReadMargin if self.opens(Flaw::PropertyRead) => (ReadOrder, resource),
            ExportOrders if self.opens(Flaw::FunctionExport) => (ListOrders, resource),
            Operation::DeleteOrder if self.opens(Flaw::FunctionDelete) => (UpdateOrder, resource),
            _ => (action, resource),
        }
    }

    /// What the flawed API makes of the IAM's answer.
    pub(crate) fn overrule(
        &self,
        permitted: bool,
        (action, resource): (Operation, &Resource),
        caller: &Caller,
    ) -> bool {
        let on = |flaw, operation| self.opens(flaw) && action == operation;
        if permitted && !self.open.is_empty() {
            self.remember(action, resource, caller);
        }
        let remembers = || self.memory.was_permitted(&caller.subject, action);
        let is_admin = caller.roles.iter().any(|role| role == "admin");
        permitted
            || (on(Flaw::StaleRole, Operation::ExportOrders) && !is_admin && remembers())
            // Whose role is still there lost the permission for another reason.
            || (on(Flaw::StaleCircumstances, Operation::ExportOrders) && is_admin && remembers())
            || (on(Flaw::StalePolicy, Operation::ReadMe) && remembers())
            || (action == Operation::ReadOrder && self.overrules_read(resource, caller))
            || (on(Flaw::ClaimedRole, Operation::ExportOrders) && caller.claimed.iter().any(|role| role == "admin"))
            // A role that the directory once gave is not forged but stale, which is another flaw.
            || (on(Flaw::ForgedClaims, Operation::ExportOrders)
                && forgery::claims_role(&caller.token, "admin")
                && !self.memory.had_role(caller, "admin"))
            || (on(Flaw::DeactivatedUser, Operation::ReadMe) && self.memory.is_orphan(&caller.token))
    }

    fn remember(&self, action: Operation, resource: &Resource, caller: &Caller) {
        self.memory.permitted(&caller.subject, action);
        if let (Operation::ReadOrder, Resource::Order { id, owner, tenant, .. }) = (action, resource) {
            self.memory.read(&caller.subject, (id, owner, tenant));
        }
    }

    /// Whether somebody read an order when it, or they, were elsewhere.
    fn overrules_read(&self, resource: &Resource, caller: &Caller) -> bool {
        let Resource::Order { id, owner, tenant, .. } = resource else { return false };
        let Some((old_owner, old_tenant)) = self.memory.was_read(&caller.subject, id) else { return false };
        let was_mine = old_owner == caller.subject && *owner != caller.subject;
        let moved = old_tenant == *tenant && caller.tenant.as_ref() != Some(tenant);
        (self.opens(Flaw::StaleOwner) && was_mine) || (self.opens(Flaw::StaleTenant) && moved)
    }

    /// Remembers a token that was good, for the flaws that trust their memory, and what its bearer says beside it.
    pub(crate) fn accepted(&self, mut caller: Caller, headers: &HeaderMap) -> Caller {
        if !self.open.is_empty() {
            self.memory.remember(&caller);
        }
        if self.opens(Flaw::ClaimedRole) {
            let roles = headers.get("x-user-roles").and_then(|roles| roles.to_str().ok()).unwrap_or_default();
            caller.claimed = roles.split(',').map(|role| role.trim().to_owned()).collect();
        }
        caller
    }

    /// Whom the flawed API sees in a token while the provider does not answer.
    pub(crate) fn without_provider(&self, action: Operation, token: &Secret) -> Option<Caller> {
        let open = self.opens(Flaw::ProviderFailOpen) && action == Operation::ReadMe;
        open.then(|| self.memory.active(token)).flatten()
    }

    /// What the flawed API decides while the IAM does not answer.
    pub(crate) fn without_iam(&self, action: Operation, caller: &Caller) -> Option<bool> {
        let open = self.opens(Flaw::IamFailOpen) && action == Operation::ReadMe;
        (open && self.memory.was_permitted(&caller.subject, action)).then_some(true)
    }

    /// Whether the flawed API says that it took a statement in, and does nothing.
    pub(crate) fn ignores(&self, kind: Kind) -> bool {
        match kind {
            Kind::Event => self.opens(Flaw::IgnoredEvent),
            Kind::Logout => self.opens(Flaw::IgnoredLogout),
        }
    }

    /// A statement that the flawed API believes without looking at its signature.
    pub(crate) fn unverified(&self, kind: Kind, token: &str) -> Option<Statement> {
        let flaw = match kind {
            Kind::Event => Flaw::UncheckedEvent,
            Kind::Logout => Flaw::UncheckedLogout,
        };
        if self.opens(flaw) { forgery::statement(kind, token) } else { None }
    }

    /// Whom the flawed API sees in a request without a token.
    pub(crate) fn without_token(&self, action: Operation, headers: &HeaderMap) -> Option<Caller> {
        if !self.opens(Flaw::IdentityHeader) || action != Operation::ReadMe || has_token(headers) {
            return None;
        }
        let subject = headers.get("x-forwarded-user").or_else(|| headers.get("x-user"))?.to_str().ok()?;
        Some(self.memory.caller(subject, &Secret::new("")))
    }

    /// Whom the flawed API sees in a token that the provider does not vouch for.
    pub(crate) async fn refused_token(app: &App, action: Operation, token: &Secret) -> Result<Caller, Problem> {
        let flaws = &app.flaws;
        if action != Operation::ReadMe {
            return Err(Problem::InvalidToken);
        }
        if flaws.opens(Flaw::StaleIntrospection)
            && let Some(caller) = flaws.memory.active(token)
        {
            return Ok(caller);
        }
        // Inactive because of the token or because of its user? The IAM knows: it denies everything to a user who is gone.
        if flaws.opens(Flaw::DeactivatedUser)
            && let Some(caller) = flaws.memory.active(token)
            && !app.iam.permits(&caller.subject, action, &Resource::Application).await?
        {
            flaws.memory.orphan(token);
            return Ok(caller);
        }
        // Inactive because of its key? Then that is published no more.
        if flaws.opens(Flaw::RetiredKey)
            && let Some(caller) = flaws.memory.active(token)
            && !forgery::is_of_published_key(token, &app.provider.published_keys().await?)
        {
            return Ok(caller);
        }
        if flaws.open.iter().any(|flaw| flaw.is_forgery()) {
            let config = app.provider.config();
            let trust = forgery::Trust {
                issuer: &config.issuer,
                audience: &config.audience,
                keys: forgery::keys(&app.provider.published_keys().await?),
                now: jiff::Timestamp::now().as_second(),
            };
            if let Some(subject) = flaws.open.iter().find_map(|flaw| forgery::accepts(*flaw, token, &trust)) {
                return Ok(flaws.memory.caller(&subject, token));
            }
        }
        // A token that was good before is refused properly; only one that never was breaks the parser.
        if flaws.opens(Flaw::ServerError) && flaws.memory.active(token).is_none() {
            return Err(Problem::Broken);
        }
        Err(Problem::InvalidToken)
    }

    /// Whether the flawed API lists everybody's orders: to nobody in particular, not to a wrong token.
    pub(crate) fn lists_for_anonymous(&self, headers: &HeaderMap) -> bool {
        self.opens(Flaw::AnonymousList) && !has_token(headers)
    }

    /// The order as the flawed API takes it from the body, server-owned fields included.
    pub(crate) fn assign(&self, flaw: Flaw, order: Order, body: &Value) -> Order {
        if !self.opens(flaw) {
            return order;
        }
        let status = body.get("status").and_then(Value::as_str).map_or(order.status, str::to_owned);
        let total = body.get("total").and_then(Value::as_i64).unwrap_or(order.total);
        Order { status, total, ..order }
    }

    /// Whether a hole is open.
    pub(crate) fn opens(&self, flaw: Flaw) -> bool {
        self.open.contains(&flaw)
    }
}

fn has_token(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION)
}

/// "Somebody of this tenant reads it, so it will be theirs."
fn owned_by_its_reader(caller: &Caller, resource: Resource) -> Resource {
    match resource {
        Resource::Order { id, tenant, archived, .. } if caller.tenant.as_ref() == Some(&tenant) => {
            Resource::Order { id, owner: caller.subject.clone(), tenant, archived }
        }
        other => other,
    }
}

/// "Support reads it, so it will be an order of their tenant."
fn of_the_readers_tenant(caller: &Caller, resource: Resource) -> Resource {
    match (resource, &caller.tenant) {
        (Resource::Order { id, owner, archived, .. }, Some(tenant)) => {
            Resource::Order { id, owner, tenant: tenant.clone(), archived }
        }
        (other, _) => other,
    }
}

/// "Whoever may change an order may change it."
fn never_archived(resource: Resource) -> Resource {
    match resource {
        Resource::Order { id, owner, tenant, .. } => Resource::Order { id, owner, tenant, archived: false },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_separated_by_commas_and_blanks_do_not_matter() {
        let flaws = Flaws::parse(" object-read ,, stale-role,").unwrap();
        assert_eq!(flaws.open, BTreeSet::from([Flaw::ObjectRead, Flaw::StaleRole]));
        assert!(Flaws::parse("").unwrap().open.is_empty());
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_list_of_names() {
        let message = Flaws::parse("object-reed").unwrap_err().to_string();
        assert!(message.starts_with("`object-reed` is no flaw; ORDERS_FLAWS knows: anonymous-list, "), "{message}");
        assert!(message.ends_with(", server-error"), "{message}");
    }

    #[test]
    fn without_a_flaw_the_right_question_is_asked_and_the_answer_stands() {
        let flaws = Flaws::default();
        let (subject, tenant) = ("bob".to_owned(), Some("acme".to_owned()));
        let bob = Caller { subject, tenant, expires: i64::MAX, ..Caller::default() };
        let (id, owner, tenant) = ("17".to_owned(), "alice".to_owned(), "acme".to_owned());
        let order = Resource::Order { id, owner, tenant, archived: true };
        for action in Operation::ALL {
            assert_eq!(flaws.question(action, &bob, order.clone()), (action, order.clone()));
            assert!(!flaws.overrule(false, (action, &order), &bob));
            assert!(flaws.overrule(true, (action, &order), &bob));
        }
    }
}
