//! People who are made while the provider runs, beside those of the directory: each with an owner and a lifetime, so that a
//! CI job that forgets to clean up leaves nothing behind.
//!
//! Must not know tokens or sessions: whoever makes or ends somebody ends those.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Directory, DirectoryError, User};
use crate::clock::AdjustableClock;

/// Stops a test that never ends anybody from growing the process.
const CAPACITY: usize = 2_000;

/// Somebody for a while.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    pub(crate) user: User,
    pub(crate) owner: String,
    /// Seconds since 1970; from then on there is nobody of this name.
    pub(crate) expires: i64,
}

/// The directory and the guests. Of two of one name the directory's is meant.
pub(crate) struct People {
    directory: Arc<dyn Directory>,
    clock: Arc<AdjustableClock>,
    guests: Mutex<BTreeMap<String, Guest>>,
}

/// There are too many guests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl People {
    pub(crate) fn new(directory: Arc<dyn Directory>, clock: Arc<AdjustableClock>) -> Self {
        Self { directory, clock, guests: Mutex::new(BTreeMap::new()) }
    }

    /// The person of this user name, or `None` when there is none.
    pub(crate) async fn find(&self, id: &str) -> Result<Option<User>, DirectoryError> {
        let found = self.directory.find(id).await?;
        Ok(found.or_else(|| self.lock().get(id).map(|guest| guest.user.clone())))
    }

    /// Everybody, for the login page, in order of user name.
    pub(crate) async fn list(&self) -> Result<Vec<User>, DirectoryError> {
        let mut users = self.directory.list().await?;
        let guests = self.guests();
        let missing: Vec<User> = guests
            .into_iter()
            .map(|guest| guest.user)
            .filter(|guest| users.iter().all(|user| user.id != guest.id))
            .collect();
        users.extend(missing);
        users.sort_by(|left, right| left.id.cmp(&right.id));
        Ok(users)
    }

    /// Every guest, in order of user name.
    pub(crate) fn guests(&self) -> Vec<Guest> {
        self.lock().values().cloned().collect()
    }

    /// Lets somebody in; the same name again is the new one.
    pub(crate) fn admit(&self, guest: Guest) -> Result<(), TooMany> {
        let mut guests = self.lock();
        if guests.len() >= CAPACITY && !guests.contains_key(&guest.user.id) {
            return Err(TooMany);
        }
        guests.insert(guest.user.id.clone(), guest);
        Ok(())
    }

    /// Ends the guests of an owner and says who they were.
    pub(crate) fn end_of(&self, owner: &str) -> Vec<String> {
        let mut guests = self.lock();
        let ended = guests.values().filter(|guest| guest.owner == owner).map(|guest| guest.user.id.clone()).collect();
        guests.retain(|_, guest| guest.owner != owner);
        ended
    }

    /// Back to those of the directory.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// Whose time is over is gone.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Guest>> {
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        if !guests.is_empty() {
            let now = self.clock.now();
            guests.retain(|_, guest| now < guest.expires);
        }
        guests
    }
}
