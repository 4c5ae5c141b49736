//! HTTP in, flow, HTTP out. Thin: what is decided here is only where an answer goes.

pub(crate) mod arrival;
pub(crate) mod authenticate;
pub(crate) mod authorize;
pub(crate) mod capabilities;
pub(crate) mod control;
pub(crate) mod cookie;
pub(crate) mod device;
pub(crate) mod documents;
pub(crate) mod exchange;
pub(crate) mod guard;
pub(crate) mod input;
pub(crate) mod introspect;
pub(crate) mod issue;
pub(crate) mod jwt_bearer;
pub(crate) mod login;
pub(crate) mod metadata;
pub(crate) mod par;
pub(crate) mod proof;
pub(crate) mod record;
pub(crate) mod register;
pub(crate) mod respond;
pub(crate) mod revoke;
pub(crate) mod token;
pub(crate) mod userinfo;
