//! A map that forgets: entries expire, and when it is full the one that would expire next goes first.
//!
//! Must not know what it holds or what time it is.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;

/// Entries with a deadline in seconds; `now >= deadline` is gone.
pub(crate) struct Expiring<K, V> {
    entries: HashMap<K, (i64, V)>,
    deadlines: BinaryHeap<Reverse<(i64, K)>>,
    capacity: usize,
}

impl<K: Copy + Eq + Hash + Ord, V> Expiring<K, V> {
    /// `capacity` stops whoever makes entries from making the process grow.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: HashMap::new(), deadlines: BinaryHeap::new(), capacity }
    }

    pub(crate) fn insert(&mut self, key: K, value: V, deadline: i64, now: i64) {
        self.entries.insert(key, (deadline, value));
        self.deadlines.push(Reverse((deadline, key)));
        self.forget(now);
    }

    pub(crate) fn get(&self, key: &K, now: i64) -> Option<&V> {
        self.entries.get(key).filter(|(deadline, _)| now < *deadline).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &K, now: i64) -> Option<&mut V> {
        self.entries.get_mut(key).filter(|(deadline, _)| now < *deadline).map(|(_, value)| value)
    }

    /// Takes an entry out; only one of two that try gets it.
    pub(crate) fn take(&mut self, key: &K, now: i64) -> Option<V> {
        self.entries.remove(key).filter(|(deadline, _)| now < *deadline).map(|(_, value)| value)
    }

    /// Keeps an entry longer; never shortens its time.
    pub(crate) fn keep_until(&mut self, key: &K, deadline: i64) {
        if let Some(entry) = self.entries.get_mut(key)
            && entry.0 < deadline
        {
            entry.0 = deadline;
            self.deadlines.push(Reverse((deadline, *key)));
        }
    }

    /// Whether an insertion would throw out something that is still good.
    pub(crate) fn is_full(&mut self, now: i64) -> bool {
        self.forget(now);
        self.entries.len() >= self.capacity
    }

    /// Every entry that is not over, in no order.
    pub(crate) fn live(&self, now: i64) -> impl Iterator<Item = (&K, i64, &V)> {
        let entries = self.entries.iter().map(|(key, (deadline, value))| (key, *deadline, value));
        entries.filter(move |(_, deadline, _)| now < *deadline)
    }

    /// Changes every entry.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.values_mut().map(|(_, value)| value)
    }

    /// Takes one out whatever its deadline; `true` when it was there.
    pub(crate) fn remove(&mut self, key: &K) -> bool {
        self.entries.remove(key).is_some()
    }

    /// Keeps those of which this is true.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&V) -> bool) {
        self.entries.retain(|_, (_, value)| keep(value));
    }

    /// How many are kept, over or not.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.deadlines.clear();
    }

    fn forget(&mut self, now: i64) {
        while let Some(Reverse((deadline, key))) = self.deadlines.peek().copied() {
            if deadline > now && self.entries.len() <= self.capacity {
                break;
            }
            self.deadlines.pop();
            // A removed or prolonged entry leaves its old deadline behind; that one says nothing any more.
            if self.entries.get(&key).is_some_and(|entry| entry.0 == deadline) {
                self.entries.remove(&key);
            }
        }
        if self.deadlines.len() > 2 * self.capacity + 64 {
            self.deadlines = self.entries.iter().map(|(key, (deadline, _))| Reverse((*deadline, *key))).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_gone_at_its_deadline() {
        let mut map = Expiring::new(10);
        map.insert(1, 'a', 100, 0);
        assert_eq!(map.get(&1, 99), Some(&'a'));
        assert_eq!(map.get(&1, 100), None);
    }

    #[test]
    fn a_full_map_forgets_what_would_expire_next() {
        let mut map = Expiring::new(2);
        map.insert(1, 'a', 300, 0);
        map.insert(2, 'b', 100, 0);
        map.insert(3, 'c', 200, 0);
        assert_eq!([map.get(&1, 0), map.get(&2, 0), map.get(&3, 0)], [Some(&'a'), None, Some(&'c')]);
    }

    #[test]
    fn a_prolonged_entry_outlives_its_first_deadline() {
        let mut map = Expiring::new(2);
        map.insert(1, 'a', 100, 0);
        map.keep_until(&1, 300);
        map.insert(2, 'b', 400, 150);
        assert_eq!(map.get(&1, 150), Some(&'a'));
    }

    #[test]
    fn prolonging_for_ever_does_not_grow_the_map() {
        let mut map = Expiring::new(4);
        for round in 0..1_000 {
            map.insert(1, 'a', 1_000 + round, 0);
            map.keep_until(&1, 2_000 + round);
        }
        assert!(map.deadlines.len() <= 2 * 4 + 66, "{}", map.deadlines.len());
    }
}
