//! The decisions: request, what is remembered, and now → outcome. Everything here is pure; randomness is an argument.
//!
//! Must not know HTTP, the clock or the network.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub(crate) mod authorize;
pub(crate) mod bearer;
pub(crate) mod broken;
pub(crate) mod client;
pub(crate) mod code;
pub(crate) mod form;
pub(crate) mod introspect;
pub(crate) mod issue;
pub(crate) mod logout;
pub(crate) mod mint;
pub(crate) mod pkce;
pub(crate) mod refresh;
pub(crate) mod scope;
pub(crate) mod steps;
pub(crate) mod telling;
