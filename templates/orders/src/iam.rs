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
        /// Nothing of it changes any more.
        archived: bool,
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

    /// Who the IAM is when it sends security events, and the keys that it signs them with.
    ///
    /// # Errors
    /// When it does not say.
    pub async fn event_keys(&self) -> Result<(String, Value), Unavailable> {
        let base = self.config.url.trim_end_matches('/');
        let Transmitter { issuer, jwks_uri } = self.get(&format!("{base}/.well-known/ssf-configuration")).await?;
        // Metadata of another issuer must not be used (SSF 1.0 §7.2.3).
        if issuer.trim_end_matches('/') != base {
            return Err(Unavailable::OtherIssuer { expected: base.to_owned(), found: issuer });
        }
        Ok((issuer, self.get(&jwks_uri).await?))
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, Unavailable> {
        let unreachable = |source| Unavailable::Unreachable { service: SERVICE, source };
        let response = self.http.get(url).send().await.map_err(unreachable)?;
        let status = response.status();
        if status != reqwest::StatusCode::OK {
            return Err(Unavailable::Status { service: SERVICE, status });
        }
        response.json().await.map_err(unreachable)
    }
}

/// RFC 8414-like metadata of who transmits security events (OpenID SSF 1.0 §7).
#[derive(Deserialize)]
struct Transmitter {
    issuer: String,
    jwks_uri: String,
}

impl From<&Order> for Resource {
    fn from(order: &Order) -> Self {
        Self::Order {
            id: order.id.clone(),
            owner: order.owner.clone(),
            tenant: order.tenant.clone(),
            archived: order.is_archived(),
        }
    }
}

fn question(subject: &str, action: Operation, resource: &Resource) -> Value {
    let resource = match resource {
        Resource::Application => json!({"type": "Application", "id": "orders"}),
        Resource::Order { id, owner, tenant, archived } => json!({
            "type": "Order",
            "id": id,
            "properties": {
                "owner": {"type": "User", "id": owner},
                "tenant": {"type": "Tenant", "id": tenant},
                "archived": archived,
            },
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
            question("bob", Operation::ReadOrder, &Resource::Order { id, owner, tenant, archived: false }),
            json!({
                "subject": {"type": "User", "id": "bob"},
                "action": {"name": "readOrder"},
                "resource": {"type": "Order", "id": "17", "properties": {
                    "owner": {"type": "User", "id": "alice"}, "tenant": {"type": "Tenant", "id": "acme"},
                    "archived": false}},
            })
        );
    }

    #[test]
    fn a_question_about_a_function_names_the_application() {
        let question = question("root", Operation::ExportOrders, &Resource::Application);
        assert_eq!(question["resource"], json!({"type": "Application", "id": "orders"}));
    }
}
