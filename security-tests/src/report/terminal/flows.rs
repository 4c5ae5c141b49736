//! The provider on a terminal: clients down, kinds of grants across, in a cell how many questions were answered as they
//! should be. Must not know findings.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use super::{Colour, paint};
use crate::checks;
use crate::plan::Detail;
use crate::run::Run;
use crate::target::GrantType;
use crate::verdict::Outcome;

/// What became of the cases of a cell.
#[derive(Clone, Copy, Default)]
struct Cell {
    passed: usize,
    failed: usize,
    advice: usize,
    open: usize,
    not_run: usize,
    impossible: bool,
}

/// The table; nothing when no client was tried.
pub(super) fn flows(run: &Run, colour: Colour) -> String {
    let (cells, obstacles) = collect(run);
    if cells.is_empty() {
        return String::new();
    }
    let clients: BTreeSet<&str> = cells.keys().map(|(client, _)| *client).collect();
    let used = |grant: &GrantType| cells.keys().any(|(_, known)| known == grant);
    let grants: Vec<GrantType> = GrantType::ALL.into_iter().filter(used).collect();
    let first = clients.iter().map(|client| client.chars().count()).chain(["client".len()]).max().unwrap_or(0);
    let widths: Vec<usize> = grants
        .iter()
        .map(|grant| {
            let texts = clients
                .iter()
                .map(|client| cells.get(&(*client, *grant)).copied().map_or(1, |cell| sign(cell).0.chars().count()));
            texts.chain([grant.title().len()]).max().unwrap_or(0)
        })
        .collect();
    let head: String =
        grants.iter().zip(&widths).map(|(grant, width)| format!("  {:<width$}", grant.title())).collect();
    let mut text = format!("{:<first$}{}\n", "client", head.trim_end());
    for client in clients {
        let cells = grants.iter().zip(&widths).map(|(grant, width)| {
            let (sign, code) = cells.get(&(client, *grant)).copied().map_or(("–".to_owned(), "2"), sign);
            let pad = width.saturating_sub(sign.chars().count());
            format!("  {}{:pad$}", paint(&sign, code, colour), "")
        });
        text.push_str(format!("{client:<first$}{}", cells.collect::<String>()).trim_end());
        text.push('\n');
    }
    text.push_str("\n✓ all as expected  ✗ findings  ! advice  ? unproven  – not registered for it\n");
    for ((client, reason), grants) in obstacles {
        text.push_str(&format!("○ not tried: {client} ({}): {reason}\n", grants.join(", ")));
    }
    text
}

/// Cells by client and grant.
type Cells<'a> = BTreeMap<(&'a str, GrantType), Cell>;
/// Grants that could not be tried, by client and reason.
type Obstacles<'a> = BTreeMap<(&'a str, &'a str), Vec<&'static str>>;

fn collect(run: &Run) -> (Cells<'_>, Obstacles<'_>) {
    let (mut cells, mut obstacles) = (Cells::new(), Obstacles::new());
    let outcomes: BTreeMap<&str, &Outcome> = run.cases.iter().map(|case| (case.id.as_str(), &case.outcome)).collect();
    for case in &run.plan.cases {
        let (Detail::Flow(subject), Some(outcome)) = (&case.detail, outcomes.get(case.id.as_str())) else { continue };
        let (Some(client), Some(grant)) = (subject.client.as_deref(), subject.grant) else { continue };
        let cell = cells.entry((client, grant)).or_default();
        if let Some(obstacle) = &subject.obstacle {
            cell.impossible = true;
            obstacles.entry((client, obstacle)).or_default().push(grant.title());
        }
        count(cell, outcome, checks::by_id(case.check).is_none_or(|check| check.tier <= run.plan.tier));
    }
    (cells, obstacles)
}

fn count(cell: &mut Cell, outcome: &Outcome, counts: bool) {
    match outcome {
        Outcome::Pass(_) => cell.passed += 1,
        Outcome::Fail(..) if counts => cell.failed += 1,
        Outcome::Fail(..) => cell.advice += 1,
        Outcome::ServerError(_) => cell.failed += 1,
        Outcome::Unproven(_) | Outcome::Inconclusive(_) => cell.open += 1,
        Outcome::NotRun(_) => cell.not_run += 1,
        Outcome::NotApplicable(_) => {}
    }
}

/// What is shown of a cell, and its colour.
fn sign(cell: Cell) -> (String, &'static str) {
    let Cell { passed, failed, advice, open, not_run, impossible } = cell;
    let all = passed + failed + advice + open;
    if all == 0 {
        return if impossible && not_run == 0 { ("○".to_owned(), "2") } else { ("–".to_owned(), "2") };
    }
    let most = [("✗", failed, "1;31"), ("?", open, "33"), ("!", advice, "33")];
    match most.into_iter().find(|(_, number, _)| *number > 0) {
        Some((sign, number, code)) => (format!("{sign} {number} of {all}"), code),
        None => (format!("✓ {passed}"), "32"),
    }
}
