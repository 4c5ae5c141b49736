//! `devenv policy coverage`: which policies ever decide, and which look wider than anybody meant.

use mock_iam::policy::analysis::{self, Coverage};

use super::{World, left_out};
use crate::cli::{Format, PolicyArgs};
use crate::commands::Failure;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::ui::{self, Table};

pub(super) fn run(args: &PolicyArgs) -> Result<Exit, Failure> {
    let (reporter, _events) = Reporter::channel();
    let world = World::load(&args.stack, &reporter)?;
    let cases = analysis::World::seeded(&world.engine, &world.directory, &world.examples);
    let coverage = analysis::coverage(&world.engine, &world.directory, &cases);
    match args.format {
        Format::Text => {
            let mut text = table(&coverage);
            for note in left_out(&cases.left_out) {
                text.push_str(&format!("\n{note}"));
            }
            ui::print(&text);
        }
        Format::Json => {
            let mut value = serde_json::to_value(&coverage).unwrap_or_default();
            if let Some(object) = value.as_object_mut() {
                object.insert("left_out".into(), serde_json::json!(cases.left_out));
            }
            ui::print(&value.to_string());
        }
    }
    Ok(Exit::Success)
}

fn table(coverage: &Coverage) -> String {
    let mut table = Table::new(&["policy", "effect", "decides", "personas", "actions", "look at"]);
    for used in &coverage.policies {
        table.row([
            used.policy.id.clone(),
            if used.policy.permits { "permit".into() } else { "forbid".into() },
            used.decided.to_string(),
            used.personas.len().to_string(),
            used.actions.len().to_string(),
            used.remarks.join("; "),
        ]);
    }
    format!("{}\n\n{} questions, {} allowed", table.render(), coverage.questions, coverage.allowed)
}
