//! Orders: what a client may say of one, what the server makes of it, and what is shown. Must not know the database,
//! HTTP, or who may do what.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::{Deserialize, Serialize};

const PRICE_CENTS: i64 = 1999;
const MARGIN_PERCENT: i64 = 30;
const LONGEST_ITEM: usize = 200;
const LARGEST_QUANTITY: i64 = 1000;
const ARCHIVED: &str = "archived";

/// An order as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Random, so that it cannot be guessed.
    pub id: String,
    /// `sub` of who placed it.
    pub owner: String,
    /// Tenant of the owner when it was placed.
    pub tenant: String,
    /// What was ordered.
    pub item: String,
    /// How many.
    pub quantity: i64,
    /// `open`, `refunded` or `archived`.
    pub status: String,
    /// Price, in cents.
    pub total: i64,
    /// What it earns, in cents.
    pub margin: i64,
    /// RFC 3339, UTC, always with microseconds: its text sorts by time.
    pub created_at: String,
}

/// What a client may say of a new order. Owner, tenant, status and prices are not here, so no request can set them: the
/// answer to mass assignment (OWASP API3:2023) is a type, not a filter.
#[derive(Clone, Debug, Deserialize)]
pub struct NewOrder {
    item: String,
    quantity: i64,
}

/// What a client may change.
#[derive(Clone, Debug, Deserialize)]
pub struct OrderChange {
    item: Option<String>,
    quantity: Option<i64>,
}

/// Who gets an order.
#[derive(Clone, Debug, Deserialize)]
pub struct NewOwner {
    /// Their `sub`.
    pub owner: String,
}

/// What the server adds to a new order.
#[derive(Clone, Debug)]
pub struct Placed {
    /// A fresh random id.
    pub id: String,
    /// Who placed it.
    pub owner: String,
    /// The owner's tenant.
    pub tenant: String,
    /// When.
    pub created_at: String,
}

/// An order as a client sees it.
#[derive(Clone, Debug, Serialize)]
pub struct OrderView {
    id: String,
    owner: String,
    tenant: String,
    item: String,
    quantity: i64,
    status: String,
    total: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    margin: Option<i64>,
    created_at: String,
}

/// Why an order cannot be as the client wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOrder {
    /// Empty or too long.
    #[error("`item` must have 1 to {LONGEST_ITEM} characters")]
    Item,
    /// None, or too many.
    #[error("`quantity` must be from 1 to {LARGEST_QUANTITY}")]
    Quantity,
}

impl NewOrder {
    /// Makes the order that is stored.
    ///
    /// # Errors
    /// When item or quantity are out of bounds.
    pub fn place(self, placed: Placed) -> Result<Order, InvalidOrder> {
        let order = Order {
            id: placed.id,
            owner: placed.owner,
            tenant: placed.tenant,
            item: self.item,
            quantity: self.quantity,
            status: "open".to_owned(),
            total: 0,
            margin: 0,
            created_at: placed.created_at,
        };
        order.priced()
    }
}

impl OrderChange {
    /// The order with this change.
    ///
    /// # Errors
    /// When item or quantity are out of bounds.
    pub fn apply(self, order: Order) -> Result<Order, InvalidOrder> {
        let item = self.item.unwrap_or(order.item);
        let quantity = self.quantity.unwrap_or(order.quantity);
        Order { item, quantity, ..order }.priced()
    }
}

impl Order {
    /// The order as everybody sees it who may read it.
    #[must_use]
    pub fn view(self) -> OrderView {
        OrderView {
            id: self.id,
            owner: self.owner,
            tenant: self.tenant,
            item: self.item,
            quantity: self.quantity,
            status: self.status,
            total: self.total,
            margin: None,
            created_at: self.created_at,
        }
    }

    /// The order as somebody sees it who may also know what it earns.
    #[must_use]
    pub fn view_with_margin(self) -> OrderView {
        OrderView { margin: Some(self.margin), ..self.view() }
    }

    /// The order, paid back. Doing it again changes nothing.
    #[must_use]
    pub fn refunded(self) -> Self {
        Self { status: "refunded".to_owned(), ..self }
    }

    /// The order, put away: it is read and deleted, and otherwise stays as it is.
    #[must_use]
    pub fn archived(self) -> Self {
        Self { status: ARCHIVED.to_owned(), ..self }
    }

    /// Whether it was put away.
    #[must_use]
    pub fn is_archived(&self) -> bool {
        self.status == ARCHIVED
    }

    fn priced(mut self) -> Result<Self, InvalidOrder> {
        if self.item.trim().is_empty() || self.item.chars().count() > LONGEST_ITEM {
            return Err(InvalidOrder::Item);
        }
        if !(1..=LARGEST_QUANTITY).contains(&self.quantity) {
            return Err(InvalidOrder::Quantity);
        }
        self.total = self.quantity * PRICE_CENTS;
        self.margin = self.total * MARGIN_PERCENT / 100;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn place(body: serde_json::Value) -> Result<Order, InvalidOrder> {
        let new: NewOrder = serde_json::from_value(body).unwrap();
        let (owner, tenant) = ("alice".to_owned(), "acme".to_owned());
        new.place(Placed { id: "1".to_owned(), owner, tenant, created_at: "2026-01-31T12:00:00.000000Z".to_owned() })
    }

    #[test]
    fn the_server_sets_price_status_and_owner_whatever_the_client_says() {
        let order = place(json!({"item": "teapot", "quantity": 2, "owner": "eve", "status": "refunded", "total": 1}));
        let shown = serde_json::to_value(order.unwrap().view()).unwrap();
        assert_eq!(
            shown,
            json!({"id": "1", "owner": "alice", "tenant": "acme", "item": "teapot", "quantity": 2, "status": "open",
                   "total": 3998, "created_at": "2026-01-31T12:00:00.000000Z"})
        );
    }

    #[test]
    fn the_margin_is_shown_only_when_asked_for() {
        let order = place(json!({"item": "teapot", "quantity": 1})).unwrap();
        assert_eq!(serde_json::to_value(order.view_with_margin()).unwrap()["margin"], 599);
    }

    #[test]
    fn a_change_keeps_what_it_does_not_name_and_prices_anew() {
        let order = place(json!({"item": "teapot", "quantity": 1})).unwrap();
        let change: OrderChange = serde_json::from_value(json!({"quantity": 3, "total": 0})).unwrap();
        let changed = change.apply(order).unwrap();
        assert_eq!((changed.item.as_str(), changed.quantity, changed.total), ("teapot", 3, 5997));
    }

    #[test]
    fn an_order_without_item_or_with_an_impossible_quantity_is_refused() {
        assert_eq!(place(json!({"item": " ", "quantity": 1})), Err(InvalidOrder::Item));
        assert_eq!(place(json!({"item": "x".repeat(201), "quantity": 1})), Err(InvalidOrder::Item));
        assert_eq!(place(json!({"item": "x", "quantity": 0})), Err(InvalidOrder::Quantity));
        assert_eq!(place(json!({"item": "x", "quantity": i64::MAX})), Err(InvalidOrder::Quantity));
    }
}
