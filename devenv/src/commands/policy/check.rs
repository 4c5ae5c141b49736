//! `devenv policy check`: syntax and schema of the policies, every mistake with its place.

use mock_iam::policy::Engine;
use serde_json::json;

use super::{folder, wrong};
use crate::cli::{Format, PolicyArgs};
use crate::commands::Failure;
use crate::commands::session::Session;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::{stack, ui};

pub(super) fn run(args: &PolicyArgs) -> Result<Exit, Failure> {
    let (reporter, _events) = Reporter::channel();
    let session = Session::open(&args.stack, &reporter)?;
    let folder = folder(&session)?;
    let policies = stack::policies(&session.project, &folder)?;
    let engine = Engine::new(&policies).map_err(|errors| wrong(&errors))?;
    match args.format {
        Format::Text => {
            let mut lines: Vec<String> =
                engine.warnings().iter().map(|warning| format!("warning: {warning}")).collect();
            let schema =
                if policies.schema.is_some() { "valid against the schema" } else { "no schema to hold them to" };
            lines.push(format!("policies: {}, files: {}; {schema}", engine.policies().len(), policies.files.len()));
            ui::print(&lines.join("\n"));
        }
        Format::Json => ui::print(
            &json!({
                "policies": engine.policies(),
                "warnings": engine.warnings(),
                "policy_hash": engine.hash(),
                "validated": policies.schema.is_some(),
            })
            .to_string(),
        ),
    }
    Ok(Exit::Success)
}
