//! The decisions: request, what is remembered, and now → outcome. Everything here is pure; randomness is an argument.
//!
//! Must not know HTTP, the clock or the network.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub(crate) mod assertion;
pub(crate) mod authorize;
pub(crate) mod backchannel;
pub(crate) mod bearer;
pub(crate) mod broken;
pub(crate) mod claims_request;
pub(crate) mod client;
pub(crate) mod code;
pub(crate) mod details;
pub(crate) mod device;
pub(crate) mod dpop;
pub(crate) mod exchange;
pub(crate) mod form;
pub(crate) mod introspect;
pub(crate) mod issue;
pub(crate) mod jwt_bearer;
pub(crate) mod logout;
pub(crate) mod mint;
pub(crate) mod nonce;
pub(crate) mod pkce;
pub(crate) mod pushed;
pub(crate) mod refresh;
pub(crate) mod registration;
pub(crate) mod request_object;
pub(crate) mod resource;
pub(crate) mod response_type;
pub(crate) mod scope;
pub(crate) mod steps;
pub(crate) mod telling;
