//! An emulated IAM: who exists (SCIM), who may do what (Cedar behind AuthZEN), what was decided (log).
//!
//! Must not know `devenv.yaml`, Docker, or any other crate of this workspace.

mod access;
mod adapt;
pub mod audit;
pub mod config;
pub mod config_file;
mod connection;
pub mod directory;
mod endpoints;
mod error;
mod faults;
mod json;
mod log;
pub mod policy;
mod router;
mod scim;
pub mod secret;
mod server;
mod state;

pub use config::Config;
pub use error::Error;
pub use router::app;
pub use server::run;
pub use state::State;
