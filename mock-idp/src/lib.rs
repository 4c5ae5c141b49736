//! A local OAuth 2.0 and OpenID Connect provider: as strict as a certified one, started in milliseconds.
//!
//! Must not know `devenv.yaml`, Docker, or any other crate of this workspace.

pub mod config;
pub mod secret;

pub use config::Config;
