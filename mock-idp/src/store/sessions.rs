//! Sessions and grants seen as lists, and single sessions ended. Must not know who asks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ledger::{Grant, Ledger, Session};

impl Ledger {
    /// Every live session with the clients that were granted something in it, in the order of their beginning.
    pub(crate) fn list_sessions(&self, now: i64) -> Vec<(Session, BTreeSet<Arc<str>>)> {
        let live = self.sessions.live(now).map(|(_, _, session)| session);
        let mut sessions: Vec<(Session, BTreeSet<Arc<str>>)> = live
            .filter(|session| !self.is_ended(&session.user, session.serial))
            .map(|session| (session.clone(), self.clients_of(session, now)))
            .collect();
        sessions.sort_by_key(|(session, _)| session.serial);
        sessions
    }

    /// Every live grant, in the order of their beginning.
    pub(crate) fn list_grants(&self, now: i64) -> Vec<(u64, Grant)> {
        let live = self.grants.live(now).filter(|(id, ..)| self.grant_is_live(**id, now));
        let mut grants: Vec<(u64, Grant)> = live.map(|(id, _, grant)| (*id, grant.clone())).collect();
        grants.sort_by_key(|(id, _)| *id);
        grants
    }

    /// Who was granted something in a session.
    pub(crate) fn clients_of(&self, session: &Session, now: i64) -> BTreeSet<Arc<str>> {
        let of_session = self.grants.live(now).filter(|(_, _, grant)| grant.login == session.serial && !grant.revoked);
        of_session.map(|(_, _, grant)| Arc::clone(&grant.client_id)).collect()
    }

    /// The live session of this public name.
    pub(crate) fn session_named(&self, sid: &str, now: i64) -> Option<Session> {
        let named = self.sessions.live(now).find(|(_, _, session)| *session.sid == *sid)?;
        Some(named.2).filter(|session| !self.is_ended(&session.user, session.serial)).cloned()
    }

    /// Ends one session and every grant of it.
    pub(crate) fn end_session(&mut self, session: &Session) {
        self.sessions.retain(|other| other.serial != session.serial);
        for grant in self.grants.values_mut().filter(|grant| grant.login == session.serial) {
            grant.revoked = true;
        }
    }
}
