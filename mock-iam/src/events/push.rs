//! Delivery by push (RFC 8935): one event after the other, again until the receiver has dealt with it. Must not know what
//! events mean.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode, header};

use super::Events;
use super::stream::Delivery;
use crate::secret::Secret;

/// How long a receiver may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The first pause after a failure; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// In case a ring was missed.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What is next for a stream.
enum Next {
    /// The stream is gone.
    End,
    /// Nothing waits.
    Wait,
    /// This event goes there.
    Send { url: String, authorization: Option<Secret>, jti: String, token: String },
}

/// Delivers the events of a stream until it is deleted.
pub(crate) async fn deliver(events: Arc<Events>, stream: String) {
    let Ok(client) = crate::http::client(PATIENCE) else { return };
    let mut pause = FIRST_PAUSE;
    loop {
        let rung = events.bell.notified();
        match next(&events, &stream) {
            Next::End => return,
            Next::Wait => drop(tokio::time::timeout(LOOK_AGAIN, rung).await),
            Next::Send { url, authorization, jti, token } => match send(&client, (&url, authorization), token).await {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    acknowledge(&events, &stream, jti);
                }
                Err(problem) => {
                    tracing::warn!(stream, jti, problem, "security event not delivered, trying again");
                    tokio::time::sleep(pause).await;
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
            },
        }
    }
}

fn next(events: &Events, id: &str) -> Next {
    let streams = events.streams();
    let Some(stream) = streams.get(id) else { return Next::End };
    let Delivery::Push { endpoint_url, authorization } = &stream.delivery else { return Next::End };
    match stream.waiting().next().cloned() {
        None => Next::Wait,
        Some((jti, token)) => {
            Next::Send { url: endpoint_url.clone(), authorization: authorization.clone(), jti, token }
        }
    }
}

fn acknowledge(events: &Events, id: &str, jti: String) {
    if let Some(stream) = events.streams().get_mut(id) {
        stream.acknowledge(&BTreeSet::from([jti]));
    }
}

/// RFC 8935 §2.2 to §2.4: 202 is delivered; 400 is refused for good, and sending it again would change nothing.
async fn send(client: &Client, (url, authorization): (&str, Option<Secret>), token: String) -> Result<(), String> {
    let mut request = client
        .post(url)
        .header(header::CONTENT_TYPE, "application/secevent+jwt")
        .header(header::ACCEPT, "application/json")
        .body(token);
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization.expose());
    }
    let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
    match answer.status() {
        StatusCode::ACCEPTED | StatusCode::OK | StatusCode::NO_CONTENT => Ok(()),
        StatusCode::BAD_REQUEST => {
            let said: String = answer.text().await.unwrap_or_default().chars().take(300).collect();
            tracing::warn!(url, said, "the receiver refused a security event");
            Ok(())
        }
        status => Err(format!("the receiver answered {status}")),
    }
}
