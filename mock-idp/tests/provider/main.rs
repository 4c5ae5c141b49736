//! The provider as a client, a browser, an API and an attacker see it, without a socket.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this whole program is a test, its helpers too: whatever is not as expected must stop it"
)]

mod announced;
mod attacks;
mod authorize;
mod ciba;
mod claims_parameter;
mod client_authentication;
mod confirm;
mod control;
mod device;
mod directory;
mod discovery;
mod documents;
mod dpop;
mod exchange;
mod faults;
mod hostile;
mod introspect;
mod issuers;
mod jwt_bearer;
mod keys;
mod legacy;
mod login;
mod logout;
mod negative;
mod operate;
mod owned;
mod par;
mod people;
mod registration;
mod request_object;
mod resources;
mod serve;
mod signer;
mod step_up;
mod support;
mod token;
mod world;
