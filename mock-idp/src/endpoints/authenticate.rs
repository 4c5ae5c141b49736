//! Which client sent this form. Fetches what a client says of itself first, where that is allowed.

use super::documents;
use super::input::Form;
use crate::error::Refused;
use crate::flow::client::{self, Authenticated};
use crate::state::Provider;

/// Authenticates the sender of a form (RFC 6749 §2.3).
pub(crate) async fn authenticate(provider: &Provider, form: &Form) -> Result<Authenticated, Refused> {
    if provider.config.client_documents.is_some()
        && let Some(id) = client::claimed_id(form.authorization.as_deref(), &form.parameters)
    {
        documents::prepare(provider, &id).await?;
    }
    client::authenticate(&provider.desk(), form.authorization.as_deref(), &form.parameters)
}
