//! The questions that the API asks the IAM. Must not know the answers: those are in `policies/`.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// An action of `policies/schema.cedarschema`: an operation of `openapi.yaml`, or a finer question on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `GET /me`
    ReadMe,
    /// `GET /orders`
    ListOrders,
    /// Whether the list holds the whole tenant's orders and not only the caller's.
    ListTenantOrders,
    /// `POST /orders`
    CreateOrder,
    /// `GET /orders/{id}`
    ReadOrder,
    /// Whether an order is shown with its margin.
    ReadMargin,
    /// `PATCH /orders/{id}`
    UpdateOrder,
    /// `DELETE /orders/{id}`
    DeleteOrder,
    /// `POST /orders/{id}/refund`
    RefundOrder,
    /// `POST /orders/{id}/archive`
    ArchiveOrder,
    /// `POST /orders/{id}/transfer`
    TransferOrder,
    /// Whether the new owner of an order may have it: asked for them, not for the caller.
    ReceiveOrder,
    /// `GET /admin/export`
    ExportOrders,
}

impl Operation {
    /// Each of them.
    pub const ALL: [Self; 13] = [
        Self::ReadMe,
        Self::ListOrders,
        Self::ListTenantOrders,
        Self::CreateOrder,
        Self::ReadOrder,
        Self::ReadMargin,
        Self::UpdateOrder,
        Self::DeleteOrder,
        Self::RefundOrder,
        Self::ArchiveOrder,
        Self::TransferOrder,
        Self::ReceiveOrder,
        Self::ExportOrders,
    ];

    /// The name of the action, which is the `operationId` where there is one.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadMe => "readMe",
            Self::ListOrders => "listOrders",
            Self::ListTenantOrders => "listTenantOrders",
            Self::CreateOrder => "createOrder",
            Self::ReadOrder => "readOrder",
            Self::ReadMargin => "readMargin",
            Self::UpdateOrder => "updateOrder",
            Self::DeleteOrder => "deleteOrder",
            Self::RefundOrder => "refundOrder",
            Self::ArchiveOrder => "archiveOrder",
            Self::TransferOrder => "transferOrder",
            Self::ReceiveOrder => "receiveOrder",
            Self::ExportOrders => "exportOrders",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_schema_declares_every_action() {
        let schema = include_str!("../policies/schema.cedarschema");
        let words: Vec<&str> = schema.split(|c: char| !c.is_alphanumeric()).collect();
        for operation in Operation::ALL {
            assert!(words.contains(&operation.name()), "{operation:?} is not in the schema");
        }
    }

    #[test]
    fn every_operation_of_the_document_has_a_rule_and_an_action() {
        let rules = include_str!("../authz.yaml");
        let schema = include_str!("../policies/schema.cedarschema");
        let document = include_str!("../openapi.yaml");
        let ids: Vec<&str> = document.lines().filter_map(|line| line.trim().strip_prefix("operationId: ")).collect();
        assert_eq!(ids.len(), 13);
        for id in ids {
            assert!(rules.contains(&format!("\n  {id}:")), "{id} has no rule");
            assert!(schema.contains(id), "{id} is no action");
        }
    }
}
