//! A local OAuth 2.0 and OpenID Connect provider: as strict as a certified one, started in milliseconds.
//!
//! Must not know `devenv.yaml`, Docker, or any other crate of this workspace.
//!
//! Reading order: [`config`] (what goes in), `router` (every route on one page), `flow` (the decisions, pure), `store`
//! (what is remembered), `endpoints` (HTTP in, flow, HTTP out).

mod claims;
mod clock;
pub mod config;
mod directory;
mod endpoints;
mod error;
mod faults;
mod findings;
mod flow;
mod journal;
pub mod jwk;
mod jws;
mod keys;
mod pages;
mod random;
mod router;
pub mod secret;
mod serve;
mod state;
mod store;
mod tls;

pub use clock::{Clock, SystemClock};
pub use config::Config;
pub use directory::{Directory, DirectoryError, Lookup, User};
pub use error::Error;
pub use keys::{Algorithm, generate_key, generate_signing_key};
pub use router::app;
pub use serve::run;
pub use state::Provider;
