//! Operations that are looked up by name again and again. Must not know the document.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use super::Operation;

/// A list of operations in their order, found by name; copies share it.
#[derive(Clone, Debug, Default)]
pub struct Operations {
    list: Arc<[Operation]>,
    places: Arc<HashMap<String, usize>>,
}

impl Operations {
    /// One by name; the first, if there were several.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Operation> {
        self.list.get(*self.places.get(id)?)
    }
}

impl Deref for Operations {
    type Target = [Operation];

    fn deref(&self) -> &[Operation] {
        &self.list
    }
}

impl From<Vec<Operation>> for Operations {
    fn from(list: Vec<Operation>) -> Self {
        let mut places = HashMap::with_capacity(list.len());
        for (place, operation) in list.iter().enumerate() {
            places.entry(operation.id.clone()).or_insert(place);
        }
        Self { list: list.into(), places: Arc::new(places) }
    }
}
