//! The checks of the layer, in families. Must not know how calls are sent.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod client;
mod code;
mod control;
mod metadata;
mod pkce;
mod redirect;
mod refresh;
mod response;
mod token;

pub(crate) use client::{AUTHENTICATION, INTROSPECTION, METHOD, UNREGISTERED_GRANT};
pub(crate) use code::{ANOTHER_CLIENT, BINDING, DEVICE, REUSE, REUSE_REVOCATION};
pub(crate) use control::CHECK as CONTROL;
pub(crate) use metadata::{ALGORITHM_NONE, ISSUER, ORIGIN};
pub(crate) use pkce::{DOWNGRADE, MISSING, PLAIN, VERIFIER};
pub(crate) use redirect::{LOOSE, REDIRECT_URI};
pub(crate) use refresh::{FAMILY, FOREIGN, ROTATION};
pub(crate) use response::{FRAGMENT, IMPLICIT, ISSUER_PARAMETER, PASSWORD, STATE};
pub(crate) use token::{ID_TOKEN, NONCE, REVOCATION, REVOKED_BY_OTHERS, SCOPE};
