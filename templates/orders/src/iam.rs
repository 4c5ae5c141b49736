//! Asks the IAM for decisions (OpenID AuthZEN Authorization API 1.0 §6). Must not know any rule.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::IamConfig;
use crate::operation::Operation;
use crate::order::Order;
use crate::problem::Unavailable;

const SERVICE: &str = "the IAM";

/// What a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// The API itself, for functions that concern no particular order.
    Application,
    /// One order, with what the policies may know of it.
    Order {
        /// Its id.
        id: String,
        /// Who placed it.
        owner: String,
        /// Whose it is.
        tenant: String,
    },
}

/// The policy decision point.
#[derive(Debug)]
pub struct Iam {
    http: reqwest::Client,
    endpoint: String,
    config: IamConfig,
}

#[derive(Deserialize)]
struct Decision {
    decision: bool,
}

impl Iam {
    /// An IAM that has not been asked anything yet.
    #[must_use]
    pub fn new(http: reqwest::Client, config: IamConfig) -> Self {
        let endpoint = format!("{}/access/v1/evaluation", config.url.trim_end_matches('/'));
        Self { http, endpoint, config }
    }

    /// Whether somebody may do something.
    ///
    /// # Errors
    /// When the IAM does not answer with a decision: then the answer is neither yes nor no.
    pub async fn permits(&self, subject: &str, action: Operation, resource: &Resource) -> Result<bool, Unavailable> {
        let unreachable = |source| Unavailable::Unreachable { service: SERVICE, source };
        let request = self.http.post(&self.endpoint).bearer_auth(self.config.token.expose());
        let response = request.json(&question(subject, action, resource)).send().await.map_err(unreachable)?;
        let status = response.status();
        if status != reqwest::StatusCode::OK {
            return Err(Unavailable::Status { service: SERVICE, status });
        }
        let Decision { decision } = response.json().await.map_err(unreachable)?;
        tracing::debug!(subject, action = action.name(), decision, "decided");
        Ok(decision)
    }
}

impl From<&Order> for Resource {
    fn from(order: &Order) -> Self {
        Self::Order { id: order.id.clone(), owner: order.owner.clone(), tenant: order.tenant.clone() }
    }
}

fn question(subject: &str, action: Operation, resource: &Resource) -> Value {
    let resource = match resource {
        Resource::Application => json!({"type": "Application", "id": "orders"}),
        Resource::Order { id, owner, tenant } => json!({
            "type": "Order",
            "id": id,
            "properties": {"owner": {"type": "User", "id": owner}, "tenant": {"type": "Tenant", "id": tenant}},
        }),
    };
    json!({"subject": {"type": "User", "id": subject}, "action": {"name": action.name()}, "resource": resource})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_about_an_order_names_its_owner_and_tenant() {
        let (id, owner, tenant) = ("17".to_owned(), "alice".to_owned(), "acme".to_owned());
        assert_eq!(
            question("bob", Operation::ReadOrder, &Resource::Order { id, owner, tenant }),
            json!({
                "subject": {"type": "User", "id": "bob"},
                "action": {"name": "readOrder"},
                "resource": {"type": "Order", "id": "17", "properties": {
                    "owner": {"type": "User", "id": "alice"}, "tenant": {"type": "Tenant", "id": "acme"}}},
            })
        );
    }

    #[test]
    fn a_question_about_a_function_names_the_application() {
        let question = question("root", Operation::ExportOrders, &Resource::Application);
        assert_eq!(question["resource"], json!({"type": "Application", "id": "orders"}));
    }
}
