//! `devenv policy diff BASE`: what an edit of the policies gives and takes, exactly, over the seeded world.

use mock_iam::policy::Engine;
use mock_iam::policy::analysis::{self, Change, Diff};

use super::{World, left_out, policies_at, wrong};
use crate::cli::{Format, PolicyDiff};
use crate::commands::Failure;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::ui::{self, Table};

pub(super) fn run(args: &PolicyDiff) -> Result<Exit, Failure> {
    let (reporter, _events) = Reporter::channel();
    let world = World::load(&args.stack, &reporter)?;
    let before = policies_at(&world.session, &args.base, &world.folder)?;
    let before = Engine::new(&before).map_err(|errors| wrong(&errors))?;
    let diff = analysis::diff(&before, &world.engine, &world.directory, &world.examples);
    match args.format {
        Format::Text => ui::print(&text(&diff, &args.base)),
        Format::Json => ui::print(&serde_json::to_value(&diff).unwrap_or_default().to_string()),
    }
    Ok(if diff.gained.is_empty() || args.allow_widening { Exit::Success } else { Exit::Findings })
}

fn text(diff: &Diff, base: &str) -> String {
    let mut text = String::new();
    if !diff.gained.is_empty() || !diff.lost.is_empty() {
        let mut table = Table::new(&["", "persona", "action", "resource", "when", "by"]);
        let changes =
            diff.gained.iter().map(|change| ("+", change)).chain(diff.lost.iter().map(|change| ("-", change)));
        for (sign, change) in changes {
            table.row(row(sign, change));
        }
        text = format!("{}\n\n", table.render());
    }
    let crossing = diff.gained.iter().filter(|change| change.crosses_tenants).count();
    let crossing = if crossing > 0 { format!(" ({crossing} across tenants)") } else { String::new() };
    text.push_str(&format!(
        "since {base}: {} gained{crossing}, {} lost, of {} questions",
        diff.gained.len(),
        diff.lost.len(),
        diff.questions
    ));
    for note in left_out(&diff.left_out) {
        text.push_str(&format!("\n{note}"));
    }
    text
}

fn row(sign: &str, change: &Change) -> [String; 6] {
    let resource =
        if change.crosses_tenants { format!("{} (other tenant)", change.resource) } else { change.resource.clone() };
    let Change { persona, action, context, by, .. } = change;
    [sign.to_owned(), persona.clone(), action.clone(), resource, context.clone(), by.join(", ")]
}
