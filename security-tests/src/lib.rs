//! Layered authorization tests: OpenAPI, access rules and personas in; cases, verdicts and reports out.
//!
//! Must not know `devenv.yaml`, Docker, or any other crate of this workspace.
//!
//! [`plan::plan`] decides every request before one is sent, [`runner::run`] sends them and records the answers, the
//! judges of [`checks`] read the records, [`rollup`] turns many failures into few findings, [`report`] shows them.

pub mod access;
pub mod api;
pub mod base;
pub mod checks;
pub mod exchange;
pub mod flow;
pub mod guards;
pub mod lock;
pub mod login;
pub mod oracle;
pub mod plan;
pub mod regressions;
pub mod report;
pub mod rollup;
pub mod run;
pub mod runner;
mod scim;
pub mod secret;
pub mod target;
pub mod tokens;
pub mod verdict;

pub use access::AccessRules;
pub use api::{Api, ApiError};
pub use base::Base;
pub use plan::{Options, PlanError, TestPlan, plan};
pub use run::Run;
pub use runner::{Progress, clean_up, restore, run};
pub use secret::Secret;
pub use target::Target;
pub use verdict::Verdict;
