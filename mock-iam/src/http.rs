//! Requests that this server makes itself: to identity providers and event receivers. Must not know what for.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, redirect};
use serde::de::DeserializeOwned;

/// A client that goes exactly where it is sent: no proxy, no redirect.
pub(crate) fn client(patience: Duration) -> reqwest::Result<Client> {
    Client::builder().timeout(patience).redirect(redirect::Policy::none()).no_proxy().build()
}

/// The JSON body of a good answer that is not longer than so many bytes.
pub(crate) async fn json<T: DeserializeOwned>(request: RequestBuilder, longest: usize) -> Result<T, String> {
    let mut answer = request.send().await.map_err(|error| error.without_url().to_string())?;
    if !answer.status().is_success() {
        return Err(format!("it answered {}", answer.status()));
    }
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| error.without_url().to_string())? {
        body.extend_from_slice(&part);
        if body.len() > longest {
            return Err("its answer is too long".to_owned());
        }
    }
    serde_json::from_slice(&body).map_err(|error| error.to_string())
}
