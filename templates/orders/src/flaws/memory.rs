//! What the flawed API remembers of good tokens and permissions, for a minute. Must not know why it is asked.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::provider::Caller;
use crate::secret::Secret;

const MINUTE: Duration = Duration::from_secs(60);
/// So many entries of each kind; then it forgets all of them. An exercise never gets there.
const CAPACITY: usize = 10_000;

/// The memory, empty at first.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<Notes>);

#[derive(Debug, Default)]
struct Notes {
    tokens: HashMap<String, (Instant, Caller)>,
    people: HashMap<String, Person>,
    permissions: HashMap<String, Instant>,
}

/// What the directory said of somebody.
#[derive(Debug, Default)]
struct Person {
    tenant: Option<String>,
    roles: Vec<String>,
    roles_ever: BTreeSet<String>,
}

impl Memory {
    /// Notes that a token was good, and what the directory says of its user.
    pub(crate) fn remember(&self, caller: &Caller) {
        let mut notes = self.notes();
        if notes.tokens.len() >= CAPACITY {
            *notes = Notes::default();
        }
        notes.tokens.insert(caller.token.expose().to_owned(), (Instant::now(), caller.clone()));
        let person = notes.people.entry(caller.subject.clone()).or_default();
        person.tenant.clone_from(&caller.tenant);
        person.roles.clone_from(&caller.roles);
        person.roles_ever.extend(caller.roles.iter().cloned());
    }

    /// Whose token it was, when it was good within the last minute and has not ended by itself since.
    pub(crate) fn active(&self, token: &Secret) -> Option<Caller> {
        let notes = self.notes();
        let (seen, caller) = notes.tokens.get(token.expose())?;
        let unexpired = caller.expires > jiff::Timestamp::now().as_second();
        (seen.elapsed() < MINUTE && unexpired).then(|| caller.clone())
    }

    /// Somebody, with what the directory last said of them: a forged token gives nobody another role.
    pub(crate) fn caller(&self, subject: &str, token: &Secret) -> Caller {
        let notes = self.notes();
        let person = notes.people.get(subject);
        Caller {
            subject: subject.to_owned(),
            tenant: person.and_then(|person| person.tenant.clone()),
            roles: person.map(|person| person.roles.clone()).unwrap_or_default(),
            token: token.clone(),
            expires: 0,
        }
    }

    /// Whether the directory ever gave the caller a role.
    pub(crate) fn had_role(&self, caller: &Caller, role: &str) -> bool {
        self.notes().people.get(&caller.subject).is_some_and(|person| person.roles_ever.contains(role))
    }

    /// Notes that somebody was permitted to export.
    pub(crate) fn permitted(&self, subject: &str) {
        self.notes().permissions.insert(subject.to_owned(), Instant::now());
    }

    /// Whether somebody was permitted to export within the last minute.
    pub(crate) fn was_permitted(&self, subject: &str) -> bool {
        self.notes().permissions.get(subject).is_some_and(|seen| seen.elapsed() < MINUTE)
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
