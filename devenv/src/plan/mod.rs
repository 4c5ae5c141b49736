//! [`Manifest`](crate::manifest::Manifest) and [`Context`] to [`Plan`]: ports, hardening, secrets, start order, fingerprints,
//! and the lowering into the leaves' input types. Pure: the machine is an argument.
//!
//! Must not know how an engine does anything, nor how anything is shown.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod builtin;
mod context;
mod fingerprint;
mod model;
mod overrides;
mod ports;
mod relay;
mod resolve;
mod service;
#[cfg(test)]
mod tests;
mod variables;

pub use builtin::{IAM, IDP, hardened};
pub use context::{Context, Requirements, SecretKey, Secrets, requirements};
pub(crate) use fingerprint::hex;
pub use model::*;
pub use ports::{is_told_its_port, move_ports, moved, named_ports};
pub use relay::relay_name;
pub use resolve::{ResolveError, resolve};
pub use service::host_data_of;
