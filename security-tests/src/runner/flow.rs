//! Sends the calls of flows, fills in what earlier answers brought, and records answers without it. Decides nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::Url;

use super::client::{Client, Outgoing, Received, SendError};
use crate::exchange::{Answer, NoAnswer};
use crate::flow::{Call, Credentials, Endpoint, call_body, claims, recorded_id_token, redirect_parameters};
use crate::target::Provider;

/// What a redirect or a JSON answer brings that a later call of the flow needs, and nobody else may see.
const KEPT: [&str; 7] =
    ["code", "access_token", "refresh_token", "id_token", "request_uri", "device_code", "user_code"];

/// All flows of a run.
pub(super) struct Flows {
    provider: Provider,
    published: Mutex<Published>,
    /// What the answers of each flow brought, by name.
    kept: Mutex<BTreeMap<usize, BTreeMap<String, String>>>,
}

/// What the provider says of itself.
#[derive(Default)]
struct Published {
    metadata: Option<Value>,
    keys: Vec<Value>,
}

impl Flows {
    pub(super) fn new(provider: Provider) -> Self {
        Self { provider, published: Mutex::default(), kept: Mutex::default() }
    }

    /// Sends a call; the URL comes back with placeholders in place of what is filled in.
    pub(super) async fn send(&self, client: &Client, call: &Call) -> (String, Result<Answer, NoAnswer>) {
        let address = match self.address(call) {
            Ok(address) => address,
            Err(reason) => return (String::new(), Err(reason)),
        };
        let shown = shown(&address, call);
        let result = match self.outgoing(&address, call) {
            Ok(outgoing) => client.send(outgoing).await.map_err(no_answer).map(|received| self.record(call, received)),
            Err(reason) => Err(NoAnswer::NotSent(reason)),
        };
        let status = result.as_ref().map_or(0, |answer| answer.status);
        tracing::debug!(endpoint = call.endpoint.as_str(), client = call.client, status);
        (shown, result)
    }

    /// Where an endpoint is, as the metadata say.
    fn address(&self, call: &Call) -> Result<String, NoAnswer> {
        let issuer = self.provider.issuer.trim_end_matches('/');
        let Some(member) = call.endpoint.member() else {
            let path = match call.endpoint {
                Endpoint::DeviceAnswer => "control/v1/devices/${user_code}",
                // OpenID Connect Discovery §4.
                _ => ".well-known/openid-configuration",
            };
            return Ok(format!("{issuer}/{path}"));
        };
        let published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        let metadata = published.metadata.as_ref();
        let metadata =
            metadata.ok_or_else(|| NoAnswer::NotSent("the provider's metadata cannot be read".to_owned()))?;
        let endpoint = metadata.get(member).and_then(Value::as_str);
        endpoint
            .map(str::to_owned)
            .ok_or_else(|| NoAnswer::NotApplicable(format!("the provider announces no {}", call.endpoint.title())))
    }

    fn outgoing(&self, address: &str, call: &Call) -> Result<Outgoing, String> {
        let fill = |text: &str| self.fill(call.flow, text);
        let is_get = call.endpoint.is_get();
        let mut outgoing =
            Outgoing::new(if is_get { "GET" } else { "POST" }, &fill(address)?).map_err(|error| error.to_string())?;
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in &call.parameters {
            let value = fill(value)?;
            if is_get {
                outgoing.query(name, &value);
            } else {
                form.append_pair(name, &value);
            }
        }
        let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let authorization = match &call.credentials {
            Credentials::None => None,
            Credentials::Basic(id, secret) => {
                Some(format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(id), encoded(&fill(secret)?)))))
            }
            Credentials::Post(id, secret) => {
                form.append_pair("client_id", id).append_pair("client_secret", &fill(secret)?);
                None
            }
            Credentials::Bearer(token) => Some(format!("Bearer {}", fill(token)?)),
            Credentials::Control => Some(format!("Bearer {}", self.provider.control_token.expose())),
        };
        let header = |outgoing: &mut Outgoing, name: &str, value: String| {
            outgoing.header(name, value).map_err(|error| error.to_string())
        };
        if let Some(value) = authorization {
            header(&mut outgoing, "authorization", value)?;
        }
        header(&mut outgoing, "accept", "application/json".to_owned())?;
        if call.endpoint == Endpoint::DeviceAnswer {
            outgoing.json(call_body(call).to_string());
        } else if !is_get {
            header(&mut outgoing, "content-type", "application/x-www-form-urlencoded".to_owned())?;
            outgoing.json(form.finish());
        }
        Ok(outgoing)
    }

    /// Fills in what earlier answers brought, and secrets.
    fn fill(&self, flow: usize, text: &str) -> Result<String, String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut parts = text.split("${");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').ok_or("a placeholder does not end")?;
            let value = match name.strip_prefix("secret:") {
                Some(client) => self.secret(client),
                None => kept.get(&flow).and_then(|kept| kept.get(name)).cloned(),
            };
            filled.push_str(&value.ok_or_else(|| format!("nothing before brought a `{name}`"))?);
            filled.push_str(rest);
        }
        Ok(filled)
    }

    fn secret(&self, client: &str) -> Option<String> {
        self.provider.clients.get(client)?.secret.as_ref().map(|secret| secret.expose().to_owned())
    }

    /// The clients' secrets by placeholder: a provider may repeat what it was sent.
    fn secrets(&self) -> impl Iterator<Item = (String, String)> + '_ {
        let secret = |client: &str| Some((format!("secret:{client}"), self.secret(client)?));
        self.provider.clients.keys().filter_map(move |client| secret(client))
    }

    /// The answer as it is kept: names in place of what it brought.
    fn record(&self, call: &Call, received: Received) -> Answer {
        let location = received.headers.get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut answer = Answer::new(received.status, String::from_utf8_lossy(&received.body).into_owned());
        self.publish(call, &answer);
        let brought = brought(location.as_deref(), &answer);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let flow = kept.entry(call.flow).or_default();
        flow.extend(brought.iter().map(|(name, value)| (format!("{name}{}", call.suffix), value.clone())));
        // The longest first: one may be part of another.
        let mut secrets: Vec<(String, String)> =
            flow.iter().map(|(name, value)| (name.clone(), value.clone())).chain(self.secrets()).collect();
        secrets.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        drop(kept);
        let redacted = |text: &str| {
            let hide = |text: String, (name, value): &(String, String)| text.replace(value, &format!("${{{name}}}"));
            secrets.iter().filter(|(_, value)| value.len() >= 6).fold(text.to_owned(), hide)
        };
        answer.location = location.as_deref().map(redacted);
        answer.text = redacted(&answer.text);
        answer.json = serde_json::from_str(&answer.text).ok();
        if let Some(Value::Object(fields)) = &mut answer.json {
            let of = |name: &str| brought.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
            let keys = self.published.lock().unwrap_or_else(PoisonError::into_inner).keys.clone();
            if let Some(token) = of("id_token") {
                fields.insert("id_token".to_owned(), recorded_id_token(token, of("access_token"), &keys));
            }
            if let Some(claims) = of("access_token").and_then(claims) {
                fields.insert("access_token_claims".to_owned(), claims);
            }
            answer.text = Value::Object(fields.clone()).to_string();
        }
        answer
    }

    fn publish(&self, call: &Call, answer: &Answer) {
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        match (call.endpoint, &answer.json) {
            (Endpoint::Metadata, Some(metadata)) if answer.is_2xx() => published.metadata = Some(metadata.clone()),
            (Endpoint::Keys, Some(keys)) => {
                published.keys = keys.get("keys").and_then(Value::as_array).cloned().unwrap_or_default();
            }
            _ => {}
        }
    }
}

/// The values of an answer that are kept.
fn brought(location: Option<&str>, answer: &Answer) -> Vec<(String, String)> {
    let redirected = location.map(redirect_parameters).unwrap_or_default();
    let in_body = answer.json.as_ref().and_then(Value::as_object).into_iter().flatten();
    let in_body = in_body.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    redirected.into_iter().chain(in_body).filter(|(name, _)| KEPT.contains(&name.as_str())).collect()
}

/// The URL for a report: placeholders stay.
fn shown(address: &str, call: &Call) -> String {
    if !call.endpoint.is_get() || call.parameters.is_empty() {
        return address.to_owned();
    }
    let Ok(mut url) = Url::parse(address) else { return address.to_owned() };
    url.query_pairs_mut().extend_pairs(&call.parameters);
    // `${request_uri}` as it is encoded by the URL's own rules.
    url.to_string().replace("%24%7B", "${").replace("%7D", "}")
}

fn no_answer(error: SendError) -> NoAnswer {
    match error {
        SendError::Malformed(_) => NoAnswer::NotSent(error.to_string()),
        error => NoAnswer::Transport(format!("the provider does not answer: {error}")),
    }
}
