//! HTTP in, HTTP out: each endpoint reads its request, asks a pure module, writes the answer.
//!
//! Must not decide anything itself.

pub(crate) mod access;
mod authentication;
pub(crate) mod control;
pub(crate) mod discovery;
pub(crate) mod emit;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod faults;
pub(crate) mod github;
pub(crate) mod groups;
pub(crate) mod me;
pub(crate) mod metadata;
mod origin;
pub(crate) mod request_id;
pub(crate) mod scim;
pub(crate) mod search;
pub(crate) mod search_directory;
pub(crate) mod sts;
pub(crate) mod users;
pub(crate) mod world;
