//! `devenv plan`: the steps that `up` would take, and why. Changes nothing.

use std::collections::BTreeSet;

use crate::cli::{Format, Plan};
use crate::commands::Failure;
use crate::commands::session::Session;
use crate::engine::reconcile::{Goal, reconcile};
use crate::exit::Exit;
use crate::stack::Depth;
use crate::ui::{self, Table, Ui};

pub(super) async fn run(args: Plan) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = plan(&args, &ui).await;
    ui.finish().await;
    result
}

async fn plan(args: &Plan, ui: &Ui) -> Result<Exit, Failure> {
    let session = Session::open(&args.stack, ui.reporter())?;
    let prepared = session.prepare(Depth::Existing, ui.reporter()).await?;
    let observed = prepared.engine.observe(&session.project).await?;
    let steps = reconcile(&prepared.plan, &observed, &Goal::Up { only: BTreeSet::new() });
    match args.format {
        Format::Json => {
            let rows = steps.iter().map(|step| {
                serde_json::json!({
                    "action": step.action.verb(),
                    "subject": step.action.subject(),
                    "cause": step.cause.to_string(),
                    "kind": step.cause.kind(),
                    "fields": step.cause.fields(),
                    "after": step.after,
                })
            });
            ui::print(&rows.collect::<serde_json::Value>().to_string());
        }
        Format::Text if steps.is_empty() => ui::print("nothing to do: everything runs as devenv.yaml says"),
        Format::Text => {
            let mut table = Table::new(&["#", "action", "on", "because", "after"]);
            for (index, step) in steps.iter().enumerate() {
                let after: Vec<String> = step.after.iter().map(ToString::to_string).collect();
                let (action, subject) = (step.action.verb(), step.action.subject());
                table.row([index.to_string(), action.into(), subject.into(), step.cause.to_string(), after.join(" ")]);
            }
            ui::print(&table.render());
        }
    }
    Ok(Exit::Success)
}
