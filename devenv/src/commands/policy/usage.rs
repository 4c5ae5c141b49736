//! `devenv policy usage`: what each persona may do and never did, by the decision log: candidates for removal.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mock_iam::policy::analysis;
use serde_json::{Value, json};

use super::World;
use crate::cli::{Format, PolicyUsage};
use crate::commands::Failure;
use crate::commands::control::Control;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::ui::{self, Table};

/// Actions by persona.
type Actions = BTreeMap<String, BTreeSet<String>>;

pub(super) async fn run(args: &PolicyUsage) -> Result<Exit, Failure> {
    let (reporter, _events) = Reporter::channel();
    let world = World::load(&args.stack, &reporter)?;
    let log = match &args.log {
        Some(path) => read(path)?,
        None => Control::new(&world.session)?.decisions().await?,
    };
    let cases = analysis::World::seeded(&world.engine, &world.directory, &world.examples);
    let granted = analysis::coverage(&world.engine, &world.directory, &cases).grants;
    let (used, decisions) = used(&log);
    let people = world.directory.users().map(|user| user.profile.name.clone());
    let rows = people.map(|persona| {
        let actions = |of: &Actions| of.get(&persona).cloned().unwrap_or_default();
        let (granted, used) = (actions(&granted), actions(&used));
        let unused: Vec<String> = granted.difference(&used).cloned().collect();
        (persona, granted, used, unused)
    });
    let mut table = Table::new(&["persona", "granted", "used", "never used"]);
    let mut values = Vec::new();
    for (persona, granted, used, unused) in rows {
        values.push(json!({ "persona": persona, "granted": granted, "used": used, "unused": unused }));
        table.row([persona, granted.len().to_string(), used.len().to_string(), unused.join(", ")]);
    }
    match args.format {
        Format::Text => ui::print(&format!("{}\n\n{decisions} decisions in the log", table.render())),
        Format::Json => ui::print(&Value::Array(values).to_string()),
    }
    Ok(Exit::Success)
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::new(Exit::Usage, format!("cannot read {}: {error}", path.display())))
}

/// What was allowed, by persona, and how many decisions there are. Lines that are no decisions are passed over.
fn used(log: &str) -> (Actions, usize) {
    let mut used = Actions::new();
    let mut decisions = 0;
    for line in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let (subject, action) = (line.pointer("/subject/id"), line.get("action"));
        if let (Some(subject), Some(action)) = (subject.and_then(Value::as_str), action.and_then(Value::as_str)) {
            decisions += 1;
            if line.get("decision") == Some(&Value::Bool(true)) {
                used.entry(subject.to_owned()).or_default().insert(action.to_owned());
            }
        }
    }
    (used, decisions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_allowed_counts_as_used() {
        let log = r#"{"subject":{"type":"User","id":"alice"},"action":"readOrder","decision":true}
            {"subject":{"type":"User","id":"alice"},"action":"deleteOrder","decision":false}
            {"chain":"something else"}
            not JSON"#;
        let (used, decisions) = used(log);
        assert_eq!((used["alice"].contains("readOrder"), used["alice"].len(), decisions), (true, 1, 2));
    }
}
