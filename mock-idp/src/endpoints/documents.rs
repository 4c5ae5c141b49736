//! Clients that are described at the URL that is their identifier (OAuth Client ID Metadata Document).
//!
//! Fetched from an allow-list of origins only: an address that a browser brings must not send us anywhere else (SSRF).

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::config::{AuthMethod, ClientDocuments};
use crate::error::{Code, Refused};
use crate::flow::registration::{self, Metadata};
use crate::state::Provider;
use crate::store::Found;

const CLAUSE: &str = "OAuth Client ID Metadata Document section 4";
const TIMEOUT: Duration = Duration::from_secs(5);
/// The draft suggests 5 KB; keys take room.
const MAX_LENGTH: usize = 16 * 1024;

/// Makes the client known if its identifier is a URL whose document may be fetched. Any other identifier is left alone.
pub(crate) async fn prepare(provider: &Provider, id: &str) -> Result<(), Refused> {
    let Some(settings) = &provider.config.client_documents else { return Ok(()) };
    if !(id.starts_with("https://") || id.starts_with("http://")) {
        return Ok(());
    }
    if provider.store.clients.find(id, provider.now()).is_some() {
        return Ok(());
    }
    let url = allowed(settings, id)?;
    let metadata = fetch(url).await?;
    let client = check(settings, id, &metadata)?;
    let now = provider.now();
    let found = Found { id: Arc::from(id), client: Arc::new(client) };
    provider.store.clients.remember(found, now.saturating_add(i64::from(settings.lifetime_seconds)), now);
    Ok(())
}

fn allowed(settings: &ClientDocuments, id: &str) -> Result<Url, Refused> {
    let url = Url::parse(id).map_err(|_| refused("the client identifier is not a URL"))?;
    if !settings.origins.contains(&url.origin().ascii_serialization()) {
        return Err(refused("documents of this origin are not fetched; add it to `client_documents.origins`"));
    }
    // The parser resolves dot segments, so a URL that changes by it has some.
    let plain = url.as_str() == id && url.path() != "/" && url.fragment().is_none();
    if !plain || !url.username().is_empty() || url.password().is_some() {
        return Err(refused("the client identifier must be a normalised URL with a path and without fragment or user"));
    }
    Ok(url)
}

async fn fetch(url: Url) -> Result<Metadata, Refused> {
    // No redirects: they would lead past the allow-list.
    let mut builder =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(TIMEOUT).no_proxy();
    if url.scheme() == "http" {
        // Without TLS no certificate is needed; reading the system's costs milliseconds, and an empty image has none.
        builder = builder.tls_certs_only([]);
    }
    let client = builder.build().map_err(Refused::internal)?;
    let unreachable =
        |error: reqwest::Error| refused(format!("the client's document cannot be fetched: {}", error.without_url()));
    let mut response = client.get(url).header("accept", "application/json").send().await.map_err(unreachable)?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(refused(format!(
            "the client's document answers with status {}, not 200",
            response.status().as_u16()
        )));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_LENGTH {
            return Err(refused(format!("the client's document is larger than {MAX_LENGTH} bytes")));
        }
    }
    registration::parse(&body)
        .map_err(|problem| refused(format!("of the client's document: {}", problem.description())))
}

fn check(settings: &ClientDocuments, id: &str, metadata: &Metadata) -> Result<crate::config::Client, Refused> {
    if metadata.client_id.as_deref() != Some(id) {
        return Err(refused("the document's `client_id` is not the URL it was fetched from"));
    }
    if metadata.client_secret.is_some() {
        return Err(refused("the document contains a `client_secret`, which everybody can read"));
    }
    let client = registration::client(metadata, &settings.scopes)?;
    match client.auth_method {
        Some(AuthMethod::None | AuthMethod::PrivateKeyJwt) => Ok(client),
        Some(AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost | AuthMethod::ClientSecretJwt) | None => {
            Err(refused("`token_endpoint_auth_method` must be `none` or `private_key_jwt`: there is no shared secret"))
        }
    }
}

fn refused(reason: impl Into<String>) -> Refused {
    Refused::new(Code::InvalidClient, CLAUSE, reason)
}
