//! Whose sessions are over, as far as somebody told us. The provider is asked about every token anyway; this is for what it
//! does not know, or does not know yet. Kept in memory: after a restart the provider's word alone counts. Must not know
//! who told us and how that was proved.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::statement::{LONGEST, Statement};

/// How many users and statements are remembered. Whoever cannot remember a statement must not say that it did.
const MOST: usize = 100_000;

/// The sessions that are over.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// When all sessions of a user were over.
    ended: HashMap<String, i64>,
    /// When a statement may be forgotten: it is too old then.
    heard: HashMap<String, i64>,
}

/// What became of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It counts from now on.
    New,
    /// It came before; nothing happened.
    Again,
    /// There is no room for it.
    Full,
}

impl Sessions {
    /// Takes a statement in, once.
    pub fn hear(&self, statement: Statement, now: i64) -> Heard {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.heard.retain(|_, until| *until > now);
        if kept.heard.contains_key(&statement.jti) {
            return Heard::Again;
        }
        if kept.heard.len() >= MOST || kept.ended.len() >= MOST {
            return Heard::Full;
        }
        kept.heard.insert(statement.jti, now + 2 * LONGEST);
        if let Some((user, at)) = statement.ended {
            let ended = kept.ended.entry(user).or_insert(at);
            *ended = at.max(*ended);
        }
        Heard::New
    }

    /// Whether a token of a user, issued then, belongs to a session that is over. Times are whole seconds: who signs in
    /// within the very second must do it again.
    pub fn is_over(&self, user: &str, issued: i64) -> bool {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.ended.get(user).is_some_and(|ended| issued <= *ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(jti: &str, at: i64) -> Statement {
        Statement { jti: jti.to_owned(), ended: Some(("alice".to_owned(), at)) }
    }

    #[test]
    fn what_was_issued_before_is_over_and_what_comes_later_is_not() {
        let sessions = Sessions::default();
        assert!(!sessions.is_over("alice", 10));
        assert_eq!(sessions.hear(statement("1", 10), 20), Heard::New);
        assert!(sessions.is_over("alice", 9) && sessions.is_over("alice", 10));
        assert!(!sessions.is_over("alice", 11) && !sessions.is_over("bob", 9));
    }

    #[test]
    fn a_statement_counts_once_and_an_older_one_changes_nothing() {
        let sessions = Sessions::default();
        assert_eq!(sessions.hear(statement("1", 10), 20), Heard::New);
        assert_eq!(sessions.hear(statement("1", 15), 20), Heard::Again);
        assert_eq!(sessions.hear(statement("2", 5), 20), Heard::New);
        assert!(sessions.is_over("alice", 10) && !sessions.is_over("alice", 11));
    }
}
