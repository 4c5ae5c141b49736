//! Tells clients that a session is over (OpenID Connect Back-Channel Logout 1.0). Must not know why it is.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use serde_json::json;

use crate::journal::{Entry, Note};
use crate::keys::TokenType;
use crate::random;
use crate::state::Provider;
use crate::store::{Found, Session};

/// A client that does not answer is asked again this often at most, then given up: it may not be running at all.
const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const TIMEOUT: Duration = Duration::from_secs(2);
/// A logout token is for now (§2.4 recommends two minutes at most).
const LIFETIME: i64 = 120;

static CLIENT: LazyLock<Option<reqwest::Client>> = LazyLock::new(|| {
    // A proxy or a redirect would carry the token elsewhere.
    let builder = reqwest::Client::builder().timeout(TIMEOUT).no_proxy().redirect(reqwest::redirect::Policy::none());
    builder.build().ok()
});

/// Sends a logout token to each of these clients that wants one, in the background.
pub(crate) fn notify(provider: &Arc<Provider>, session: &Session, clients: &BTreeSet<Arc<str>>) {
    for id in clients {
        let Some(Found { client, .. }) = provider.store.clients.find(id, provider.now()) else { continue };
        let Some(uri) = client.backchannel_logout_uri.clone() else { continue };
        let (provider, session, id) = (Arc::clone(provider), session.clone(), Arc::clone(id));
        tokio::spawn(async move {
            let status = match token(&provider, &session, &id).await {
                Some(token) => send(&uri, &token).await,
                None => None,
            };
            record(&provider, &session, &id, status);
        });
    }
}

async fn token(provider: &Provider, session: &Session, client_id: &str) -> Option<String> {
    let found = provider.store.clients.find(client_id, provider.now());
    let algorithm = found.and_then(|found| found.client.id_token_signed_response_alg);
    let key = provider.signer(algorithm).await.ok()?;
    let now = provider.now();
    // No `nonce`: with one it could be taken for an ID token (§2.4).
    let claims = json!({
        "iss": provider.config.issuer,
        "aud": client_id,
        "sub": session.user.as_ref(),
        "sid": session.sid.as_ref(),
        "iat": now,
        "exp": now.saturating_add(LIFETIME),
        "jti": random::identifier().ok()?,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    key.sign(TokenType::Logout, &claims).ok()
}

/// The status that ended it: 2xx is done, 4xx says that asking again is no use (§2.8).
async fn send(uri: &str, token: &str) -> Option<u16> {
    let client = CLIENT.as_ref()?;
    let mut pause = FIRST_PAUSE;
    let mut last = None;
    for attempt in 1..=ATTEMPTS {
        match client.post(uri).form(&[("logout_token", token)]).send().await {
            Ok(answer) if answer.status().is_server_error() => last = Some(answer.status().as_u16()),
            Ok(answer) => return Some(answer.status().as_u16()),
            Err(_) => {}
        }
        if attempt < ATTEMPTS {
            tokio::time::sleep(pause).await;
            pause *= 4;
        }
    }
    last
}

fn record(provider: &Provider, session: &Session, client_id: &str, status: Option<u16>) {
    let outcome = match status {
        Some(200..=299) => "logout token accepted",
        Some(_) => "logout token refused",
        None => "logout token not delivered",
    };
    provider.journal.record(Entry {
        sequence: 0,
        time: provider.now(),
        method: "POST".to_owned(),
        path: "(back-channel logout)".to_owned(),
        status: status.unwrap_or_default(),
        note: Note::outcome(outcome).client(client_id).subject(&session.user),
    });
}
