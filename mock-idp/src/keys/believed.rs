//! Tokens whose signature was found good once, so that it is not computed again: an API that asks about each call shows
//! the same token hundreds of times, and verifying P-256 costs more than everything else in the answer.
//!
//! Must not know what a token says. Only whole tokens are remembered, by half a SHA-256: whatever differs in one bit is
//! another token, and a key that is retired is asked for first.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};

const SHARDS: usize = 16;
/// 14 thousand in all, 500 KB; a full shard begins anew, which costs one verification per token.
const CAPACITY: usize = 896;

type Name = [u8; 16];

/// The tokens that were good.
pub(super) struct Believed(Vec<Mutex<HashSet<Name>>>);

/// What a token is remembered by.
#[derive(Clone, Copy)]
pub(super) struct Mark(Name);

impl Mark {
    pub(super) fn of(token: &str) -> Self {
        let mut name = Name::default();
        for (to, from) in name.iter_mut().zip(digest(&SHA256, token.as_bytes()).as_ref()) {
            *to = *from;
        }
        Self(name)
    }
}

impl Believed {
    pub(super) fn new() -> Self {
        Self((0..SHARDS).map(|_| Mutex::new(HashSet::new())).collect())
    }

    pub(super) fn has(&self, mark: Mark) -> bool {
        self.shard(mark).is_some_and(|shard| shard.contains(&mark.0))
    }

    pub(super) fn remember(&self, mark: Mark) {
        if let Some(mut shard) = self.shard(mark) {
            if shard.len() >= CAPACITY {
                shard.clear();
            }
            shard.insert(mark.0);
        }
    }

    fn shard(&self, Mark([first, ..]): Mark) -> Option<MutexGuard<'_, HashSet<Name>>> {
        self.0.get(usize::from(first) % SHARDS).map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_believed_as_a_whole_and_the_memory_is_bounded() {
        let believed = Believed::new();
        believed.remember(Mark::of("a.b.c"));
        assert!(believed.has(Mark::of("a.b.c")) && !believed.has(Mark::of("a.b.d")) && !believed.has(Mark::of("a.b.")));
        for number in 0..50_000 {
            believed.remember(Mark::of(&number.to_string()));
        }
        let kept: usize = believed.0.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(kept <= SHARDS * CAPACITY, "{kept}");
    }
}
