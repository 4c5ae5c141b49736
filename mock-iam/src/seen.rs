//! Resources as their owner, the API, last described them: so that people can ask about `order:1` by name alone.
//!
//! In memory only and never logged. Must not know policies.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::policy::Entity;

/// How many resources are remembered; the oldest goes first.
const REMEMBERED: usize = 2_000;

/// What was seen of resources.
#[derive(Default)]
pub(crate) struct Seen(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    properties: HashMap<(String, String), Map<String, Value>>,
    order: VecDeque<(String, String)>,
}

impl Seen {
    /// Remembers what a question said of its resource.
    pub(crate) fn remember(&self, resource: &Entity) {
        if resource.properties.is_empty() {
            return;
        }
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (resource.kind.clone(), resource.id.clone());
        if inner.properties.insert(key.clone(), resource.properties.clone()).is_none() {
            inner.order.push_back(key);
        }
        if inner.order.len() > REMEMBERED
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.properties.remove(&oldest);
        }
    }

    /// Fills in what is remembered of a resource, and says whether there was anything.
    pub(crate) fn recall(&self, resource: &mut Entity) -> bool {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = inner.properties.get(&(resource.kind.clone(), resource.id.clone()));
        found.is_some_and(|found| {
            resource.properties.clone_from(found);
            true
        })
    }
}
