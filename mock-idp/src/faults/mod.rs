//! Which faults are ordered, for whom, and how often still. Must not know how a fault looks.

pub(crate) mod catalogue;
pub(crate) mod tamper;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::store::{Expiring, Key};
use catalogue::{Fault, Stage};

/// Stops a test that never clears from growing the process.
const MAX_ORDERS: usize = 256;
/// Codes and tokens of which the `state` is remembered, for faults of one `state`.
const MAX_TRACES: usize = 4_000;
/// As long as a login with its tokens is looked at.
const TRACE_LIFETIME: i64 = 3_600;
/// Where a request is about one token, so that a fault can be for its subject alone.
pub(crate) const TOKEN_ENDPOINTS: [&str; 2] = ["/introspect", "/userinfo"];

/// An ordered fault.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Order {
    pub(crate) id: u64,
    #[serde(rename = "name")]
    pub(crate) fault: Fault,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
    /// Whom the token is about that the request shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) endpoint: Option<String>,
    /// How often still; without it, until it is taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) times_left: Option<u64>,
    /// Seconds since 1970; without it, until it is taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay_ms: Option<u64>,
    /// How often it was used.
    pub(crate) used: u64,
}

/// An order as it comes in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderRequest {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) client_id: Option<String>,
    #[serde(default)]
    pub(crate) issuer: Option<String>,
    #[serde(default)]
    pub(crate) state: Option<String>,
    #[serde(default)]
    pub(crate) sub: Option<String>,
    #[serde(default)]
    pub(crate) endpoint: Option<String>,
    #[serde(default)]
    pub(crate) times: Option<u64>,
    #[serde(default)]
    pub(crate) seconds: Option<i64>,
    #[serde(default)]
    pub(crate) delay_ms: Option<u64>,
}

/// Whose request it is, as far as it says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) path: String,
    pub(crate) client_id: Option<String>,
    pub(crate) state: Option<String>,
    /// Whom the token is about that is asked about or shown; only endpoints of [`TOKEN_ENDPOINTS`] have one.
    pub(crate) sub: Option<String>,
}

/// A fault to be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) fault: Fault,
    pub(crate) delay_ms: Option<u64>,
}

/// All ordered faults of an issuer.
pub(crate) struct Faults {
    any: AtomicBool,
    kept: Mutex<Kept>,
}

struct Kept {
    last_id: u64,
    orders: Vec<Order>,
    /// The `state` behind a code or an access token.
    traces: Expiring<Key, String>,
    /// The last callback of each client that was watched.
    callbacks: BTreeMap<String, String>,
    /// A second key is published, for tokens that do not say which one signed.
    decoy: bool,
}

/// There are too many orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Faults {
    pub(crate) fn new() -> Self {
        let kept = Kept {
            last_id: 0,
            orders: Vec::new(),
            traces: Expiring::new(MAX_TRACES),
            callbacks: BTreeMap::new(),
            decoy: false,
        };
        Self { any: AtomicBool::new(false), kept: Mutex::new(kept) }
    }

    /// Whether there is anything to look at; the one question that every request asks.
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    pub(crate) fn order(&self, fault: Fault, request: OrderRequest, now: i64) -> Result<Order, TooMany> {
        let mut kept = self.lock();
        forget(&mut kept.orders, now);
        if kept.orders.len() >= MAX_ORDERS {
            return Err(TooMany);
        }
        kept.last_id += 1;
        kept.decoy |= fault == Fault::KidAbsent;
        let order = Order {
            id: kept.last_id,
            fault,
            client_id: request.client_id,
            state: request.state,
            sub: request.sub,
            endpoint: match fault {
                Fault::RedirectLoop => Some("/authorize".to_owned()),
                _ => request.endpoint,
            },
            times_left: request.times,
            until: request.seconds.map(|seconds| now.saturating_add(seconds)),
            delay_ms: request.delay_ms,
            used: 0,
        };
        kept.orders.push(order.clone());
        self.any.store(true, Ordering::Relaxed);
        Ok(order)
    }

    pub(crate) fn list(&self, now: i64) -> Vec<Order> {
        let mut kept = self.lock();
        forget(&mut kept.orders, now);
        kept.orders.clone()
    }

    /// Takes one order back; `false` when there is none of this number.
    pub(crate) fn cancel(&self, id: u64) -> bool {
        let mut kept = self.lock();
        let before = kept.orders.len();
        kept.orders.retain(|order| order.id != id);
        kept.orders.len() != before
    }

    /// Takes every order back.
    pub(crate) fn clear(&self) {
        let mut kept = self.lock();
        kept.orders.clear();
        kept.traces.clear();
        kept.callbacks.clear();
        kept.decoy = false;
        self.any.store(false, Ordering::Relaxed);
    }

    /// The faults of a stage that are due for this request, each used up by one.
    pub(crate) fn take(&self, stage: Stage, facts: &Facts, now: i64) -> Vec<Due> {
        let mut kept = self.lock();
        forget(&mut kept.orders, now);
        let due = kept.orders.iter_mut().filter(|order| {
            let is_of_stage = order.fault.described().is_some_and(|line| line.stage == stage);
            is_of_stage && order.times_left != Some(0) && order.is_for(facts)
        });
        due.map(|order| {
            order.used += 1;
            order.times_left = order.times_left.map(|times| times.saturating_sub(1));
            Due { fault: order.fault, delay_ms: order.delay_ms }
        })
        .collect()
    }

    /// Whether a second key must be published.
    pub(crate) fn has_decoy(&self) -> bool {
        self.lock().decoy
    }

    pub(crate) fn trace(&self, key: Key, state: &str, now: i64) {
        self.lock().traces.insert(key, state.to_owned(), now.saturating_add(TRACE_LIFETIME), now);
    }

    pub(crate) fn traced(&self, key: Key, now: i64) -> Option<String> {
        self.lock().traces.get(&key, now).cloned()
    }

    /// Remembers a callback of a client and gives the one before.
    pub(crate) fn callback(&self, client_id: &str, location: &str) -> Option<String> {
        let mut kept = self.lock();
        if kept.callbacks.len() >= MAX_ORDERS && !kept.callbacks.contains_key(client_id) {
            kept.callbacks.pop_first();
        }
        kept.callbacks.insert(client_id.to_owned(), location.to_owned())
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OrderRequest {
    /// What keeps an order for one subject from ever striking: a fault that is in no answer about a token, or an endpoint
    /// that is asked about none.
    pub(crate) fn misses_its_subject(&self, fault: Fault) -> bool {
        let stage = fault.described().map(|line| line.stage);
        let is_elsewhere = fault == Fault::RedirectLoop || !matches!(stage, Some(Stage::Transport | Stage::Userinfo));
        let asks_no_token = self.endpoint.as_deref().is_some_and(|endpoint| !TOKEN_ENDPOINTS.contains(&endpoint));
        self.sub.is_some() && (is_elsewhere || asks_no_token)
    }
}

impl Order {
    fn is_for(&self, facts: &Facts) -> bool {
        let same = |wanted: &Option<String>, seen: &Option<String>| wanted.is_none() || wanted == seen;
        same(&self.client_id, &facts.client_id)
            && same(&self.state, &facts.state)
            && same(&self.sub, &facts.sub)
            && self.endpoint.as_ref().is_none_or(|endpoint| *endpoint == facts.path)
    }
}

/// An order of which nothing is left is kept until it is taken back, so that a test can see that it was used; one whose
/// time is over is not.
fn forget(orders: &mut Vec<Order>, now: i64) {
    orders.retain(|order| order.until.is_none_or(|until| now < until));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(name: &str, change: impl FnOnce(&mut OrderRequest)) -> OrderRequest {
        let mut request: OrderRequest = serde_json::from_value(serde_json::json!({"name": name})).unwrap();
        change(&mut request);
        request
    }

    fn facts(client_id: &str, state: &str) -> Facts {
        let (client_id, state) = (Some(client_id.to_owned()), Some(state.to_owned()));
        Facts { path: "/token".to_owned(), client_id, state, sub: None }
    }

    #[test]
    fn a_fault_is_for_its_client_and_state_and_as_often_as_ordered() {
        let faults = Faults::new();
        let request = order("expired", |request| {
            request.client_id = Some("web".to_owned());
            request.state = Some("s".to_owned());
            request.times = Some(2);
        });
        faults.order(Fault::Expired, request, 0).unwrap();
        let due = |client, state| faults.take(Stage::IdToken, &facts(client, state), 1).len();
        assert_eq!(
            [due("other", "s"), due("web", "t"), due("web", "s"), due("web", "s"), due("web", "s")],
            [0, 0, 1, 1, 0]
        );
        assert_eq!(faults.list(1)[0].used, 2);
    }

    #[test]
    fn a_fault_for_a_duration_is_gone_when_it_is_over() {
        let faults = Faults::new();
        faults.order(Fault::Slow, order("slow", |request| request.seconds = Some(10)), 100).unwrap();
        assert_eq!(faults.take(Stage::Transport, &facts("web", "s"), 109).len(), 1);
        assert_eq!(faults.take(Stage::Transport, &facts("web", "s"), 110).len(), 0);
        assert!(faults.list(110).is_empty());
    }

    #[test]
    fn a_fault_of_one_endpoint_stays_there() {
        let faults = Faults::new();
        faults
            .order(Fault::Reset, order("connection-reset", |request| request.endpoint = Some("/jwks".to_owned())), 0)
            .unwrap();
        assert!(faults.take(Stage::Transport, &facts("web", "s"), 0).is_empty());
    }
}
