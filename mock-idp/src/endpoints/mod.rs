//! HTTP in, flow, HTTP out. Thin: what is decided here is only where an answer goes.

pub(crate) mod authorize;
pub(crate) mod backchannel;
pub(crate) mod confirm;
pub(crate) mod control;
pub(crate) mod cookie;
pub(crate) mod fault;
pub(crate) mod guard;
pub(crate) mod input;
pub(crate) mod introspect;
pub(crate) mod journal;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod metadata;
pub(crate) mod record;
pub(crate) mod respond;
pub(crate) mod revoke;
pub(crate) mod token;
pub(crate) mod userinfo;
