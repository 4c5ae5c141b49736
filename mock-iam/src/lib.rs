//! An emulated IAM: who exists (SCIM), who may do what (Cedar behind AuthZEN), what was decided (log).
//!
//! Must not know `devenv.yaml`, Docker, or any other crate of this workspace.

pub mod config;
pub mod secret;

pub use config::Config;
