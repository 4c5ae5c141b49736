//! Devices and clients that wait for a person elsewhere (RFC 8628, CIBA). Must not know pages or polls.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use super::expiring::Expiring;
use super::{Key, Session, Terms};

/// Devices that wait at a time.
const CAPACITY: usize = 5_000;

/// One device and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct DeviceRecord {
    pub(crate) client_id: Arc<str>,
    pub(crate) scope: String,
    pub(crate) terms: Terms,
    pub(crate) user_code: String,
    /// Who is asked, if a client said whom (CIBA); anybody may agree for a device.
    pub(crate) asked: Option<Asked>,
    pub(crate) expires: i64,
    /// Seconds that the device must wait between polls; grows when it does not (RFC 8628 §3.5).
    pub(crate) interval: i64,
    pub(crate) last_poll: Option<i64>,
    pub(crate) state: DeviceState,
}

/// A person whom a client wants to log in (OpenID Connect CIBA Core §7.1).
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) user: String,
    /// What the person sees at the client too, to tell this login from another one.
    pub(crate) binding_message: Option<String>,
}

/// What the person said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DeviceState {
    Pending,
    Denied,
    /// Agreed; the tokens are not fetched yet.
    Approved(Session),
    Redeemed {
        grant: u64,
    },
}

/// All devices, by device code, and their device codes by user code.
pub(crate) struct Devices {
    pub(crate) records: Expiring<Key, DeviceRecord>,
    pub(crate) by_user_code: Expiring<Key, Key>,
    /// Wrong user codes in the running minute, to stop somebody from trying them all (RFC 8628 §5.1).
    pub(crate) wrong_codes: (i64, u32),
}

impl Devices {
    pub(crate) fn new() -> Self {
        Self { records: Expiring::new(CAPACITY), by_user_code: Expiring::new(CAPACITY), wrong_codes: (0, 0) }
    }
}
