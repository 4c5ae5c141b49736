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
mod events;
mod faults;
mod github;
mod http;
mod json;
mod log;
pub mod policy;
mod policy_store;
mod router;
mod scim;
pub mod secret;
mod seen;
mod server;
mod state;
mod sts;
mod watch;

pub use config::Config;
pub use error::Error;
pub use router::app;
pub use server::run;
pub use state::State;
