//! Signed statements about sessions, as the IAM and the provider make them when a plan asks for one. Must not know which
//! of them are wrong, nor what an API should make of them.

use reqwest::Method;
use serde_json::{Value, json};

use super::notes::Notes;
use super::transport::Transport;
use crate::exchange::NoAnswer;
use crate::plan::Statement;
use crate::tokens::acquire::now;

/// How long ago, in seconds, sessions ended that a statement speaks of: it says so in whole seconds, and a new session must
/// not begin within the same one.
const ENDED_BEFORE: u64 = 30;

impl Transport<'_> {
    /// The text of a signed statement, and what kind of body it is.
    pub(super) async fn statement(
        &self,
        statement: &Statement,
        notes: &Notes,
    ) -> Result<(&'static str, String), NoAnswer> {
        const NONE: &str = "there is no statement to send again";
        let again = |text: Option<String>| text.ok_or_else(|| NoAnswer::NotSent(NONE.to_owned()));
        let (is_good, text) = match statement {
            Statement::Event { persona, audience, fault } => {
                (fault.is_none(), self.event((persona, audience), *fault).await?)
            }
            Statement::Logout { persona, mint } => {
                // It says when the session ended: whoever signs in now is not meant.
                let dated = mint.clone().and("iat", Value::from(now().saturating_sub(ENDED_BEFORE)));
                (mint.name.is_empty(), self.wallet()?.mint_plainly(persona, &dated).await?)
            }
            Statement::EventAgain => (false, again(notes.lock().event.clone())?),
            Statement::LogoutAgain => (false, again(notes.lock().logout.clone())?),
        };
        let mut kept = notes.lock();
        Ok(if statement.is_event() {
            kept.event = if is_good { Some(text.clone()) } else { kept.event.take() };
            ("application/secevent+jwt", text)
        } else {
            kept.logout = if is_good { Some(text.clone()) } else { kept.logout.take() };
            let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", &text).finish();
            ("application/x-www-form-urlencoded", form)
        })
    }

    /// Asks the IAM for the text of a security event: made for a stream of its own, so that no other receiver gets it.
    async fn event(&self, (persona, audience): (&str, &str), fault: Option<&str>) -> Result<String, NoAnswer> {
        let stream = json!({"delivery": {"method": "urn:ietf:rfc:8936"}, "aud": audience});
        let made = self.iam(Method::POST, "ssf/v1/streams", Some(stream)).await?;
        let id = made.json.as_ref().and_then(|json| json.get("stream_id")?.as_str().map(str::to_owned));
        let id = id.ok_or_else(|| NoAnswer::NotSent(format!("the IAM makes no event stream: {}", made.status)))?;
        let text = self.event_of(&id, persona, fault).await;
        drop(self.iam(Method::DELETE, &format!("ssf/v1/streams?stream_id={id}"), None).await);
        text
    }

    async fn event_of(&self, stream: &str, persona: &str, fault: Option<&str>) -> Result<String, NoAnswer> {
        let ended = now().saturating_sub(ENDED_BEFORE);
        let mut order = json!({"event": "session-revoked", "persona": persona, "stream_id": stream,
            "payload": {"event_timestamp": ended}});
        if let (Some(fault), Some(fields)) = (fault, order.as_object_mut()) {
            fields.insert("fault".to_owned(), json!(fault));
        }
        self.iam(Method::POST, "control/v1/events", Some(order)).await?;
        let poll = json!({"maxEvents": 1, "returnImmediately": true});
        let polled = self.iam(Method::POST, &format!("ssf/v1/poll/{stream}"), Some(poll)).await?;
        let sets = polled.json.as_ref().and_then(|json| json.get("sets")?.as_object()?.values().next()?.as_str());
        sets.map(str::to_owned).ok_or_else(|| NoAnswer::NotSent("the IAM made no security event".to_owned()))
    }
}
