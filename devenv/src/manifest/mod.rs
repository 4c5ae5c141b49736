//! Text to [`Manifest`]: all problems at once, each with file, line and column. Pure.
//!
//! Must not know engines, plans, or the machine: variables and file texts are arguments.
//!
//! [`load`] reads as the data flow: YAML events → tree of nodes with places → typed sections → checks across sections.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod attachments;
pub mod authz;
mod decode;
mod identity;
mod interpolate;
mod keys;
mod model;
mod ports;
mod problem;
mod process;
mod protocols;
mod readiness;
mod references;
mod render;
mod report;
mod scalars;
mod servers;
mod service;
mod sources;
mod stack;
mod suggest;
#[cfg(test)]
mod tests;
mod tree;
mod validate;
mod yaml;

use std::collections::BTreeMap;

pub use model::*;
pub use problem::{Loaded, Problem, Problems, Severity, SourceFile};
pub use render::{render, to_json};

/// Reads `devenv.yaml`. `variables` are what `$NAME` means: the environment and `.env`, chosen by the caller.
///
/// # Errors
/// All problems of the file, warnings included, when one of them is an error.
pub fn load(source: &SourceFile, variables: &BTreeMap<String, String>) -> Result<Loaded<Manifest>, Problems> {
    let mut context = decode::Context::new(source, variables);
    let manifest = yaml::parse(&mut context.report, Some(variables)).and_then(|root| {
        let manifest = stack::read(&mut context, &root)?;
        validate::check(&mut context, &manifest, &root);
        references::check(&mut context, &manifest);
        Some(manifest)
    });
    context.report.conclude(manifest)
}
