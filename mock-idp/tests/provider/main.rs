//! The provider as a client, a browser, an API and an attacker see it, without a socket.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this whole program is a test, its helpers too: whatever is not as expected must stop it"
)]

mod authorize;
mod confirm;
mod control;
mod directory;
mod discovery;
mod faults;
mod hostile;
mod introspect;
mod issuers;
mod keys;
mod login;
mod logout;
mod negative;
mod operate;
mod people;
mod serve;
mod support;
mod token;
mod world;
