//! `devenv test merge`: the reports of shards as one, with one verdict.

use std::path::Path;

use security_tests::report::{self, merge};
use serde_json::Value;

use super::ci::Host;
use super::reports::{merged_only, reports, write_merged};
use crate::cli::{Format, Merge};
use crate::commands::Failure;
use crate::exit::Exit;
use crate::ui;

pub(super) fn run(args: &Merge) -> Result<Exit, Failure> {
    let wanted = reports(&args.reports)?;
    merged_only(&wanted)?;
    let parts: Vec<(String, Value)> = args.files.iter().map(|file| read(file)).collect::<Result<_, _>>()?;
    let whole = merge(&parts).map_err(|error| {
        let help = "give it one JSON report of each shard: `devenv test --shard 1/3 --report json=1.json`, …";
        Failure::with_help(Exit::Usage, error.to_string(), help)
    })?;
    write_merged(&wanted, &whole)?;
    if let Some(host) = Host::here() {
        host.summarize(&whole);
    }
    match args.format {
        Format::Json => ui::print(&whole.to_string()),
        Format::Text => ui::print(text(&whole).trim_end()),
    }
    Ok(match whole.get("verdict").and_then(Value::as_str) {
        Some("pass") => Exit::Success,
        Some("fail") => Exit::Findings,
        _ => Exit::Inconclusive,
    })
}

fn text(whole: &Value) -> String {
    let missing: Vec<&str> =
        whole.get("missing_shards").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let missing = if missing.is_empty() { String::new() } else { format!("missing shards: {}\n", missing.join(", ")) };
    format!("{}{missing}", report::markdown(whole))
}

fn read(path: &Path) -> Result<(String, Value), Failure> {
    let wrong = |what: String| Failure::new(Exit::Usage, what);
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot read {name}: {error}")))?;
    let report = serde_json::from_str(&text).map_err(|error| wrong(format!("{name} is no JSON report: {error}")))?;
    Ok((name, report))
}
