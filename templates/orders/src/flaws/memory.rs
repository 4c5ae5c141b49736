//! What the flawed API remembers of good tokens and permissions, for a minute. Must not know why it is asked.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::operation::Operation;
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
    /// Orders that somebody read, with whose and of which tenant they were then.
    reads: HashMap<(String, String), (String, String)>,
    /// Tokens whose users the provider does not know any more.
    orphans: BTreeSet<String>,
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
            ..Caller::default()
        }
    }

    /// Whether the directory ever gave the caller a role.
    pub(crate) fn had_role(&self, caller: &Caller, role: &str) -> bool {
        self.notes().people.get(&caller.subject).is_some_and(|person| person.roles_ever.contains(role))
    }

    /// Notes that somebody was permitted to do something.
    pub(crate) fn permitted(&self, subject: &str, action: Operation) {
        self.notes().permissions.insert(format!("{} {subject}", action.name()), Instant::now());
    }

    /// Whether somebody was permitted to do something within the last minute.
    pub(crate) fn was_permitted(&self, subject: &str, action: Operation) -> bool {
        let notes = self.notes();
        notes.permissions.get(&format!("{} {subject}", action.name())).is_some_and(|seen| seen.elapsed() < MINUTE)
    }

    /// Notes that somebody read an order, and whose and of which tenant it was.
    pub(crate) fn read(&self, subject: &str, (id, owner, tenant): (&str, &str, &str)) {
        self.notes().reads.insert((subject.to_owned(), id.to_owned()), (owner.to_owned(), tenant.to_owned()));
    }

    /// Whose and of which tenant an order was when somebody read it.
    pub(crate) fn was_read(&self, subject: &str, id: &str) -> Option<(String, String)> {
        self.notes().reads.get(&(subject.to_owned(), id.to_owned())).cloned()
    }

    /// Notes that the user of a token is gone.
    pub(crate) fn orphan(&self, token: &Secret) {
        self.notes().orphans.insert(token.expose().to_owned());
    }

    /// Whether the user of a token is gone.
    pub(crate) fn is_orphan(&self, token: &Secret) -> bool {
        self.notes().orphans.contains(token.expose())
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
