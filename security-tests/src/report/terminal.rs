//! The report for people: the access matrix, then the findings with a proof that can be pasted into a shell.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::shown;
use crate::oracle::Decision;
use crate::rollup::Finding;
use crate::run::{Cell, Run};
use crate::verdict::{Observed, Verdict};

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// With ANSI escapes.
    Ansi,
    /// Plain text.
    None,
}

/// The report as text, at most `width` columns wide where that is possible.
#[must_use]
pub fn terminal(run: &Run, width: usize, colour: Colour) -> String {
    let mut text = String::new();
    // Layers that send nothing observe nothing.
    if run.matrix.iter().any(|cell| cell.observed != Observed::NotRun) {
        text.push_str(&matrix(run, width, colour));
        text.push_str("\n\n");
    }
    for layer in &run.layers {
        let what = match &layer.skipped {
            Some(reason) => format!("skipped: {reason}"),
            None => format!("{:>4} cases", layer.cases),
        };
        text.push_str(&format!("{:<8} {what}\n", layer.layer.as_str()));
    }
    for finding in &run.findings {
        text.push('\n');
        text.push_str(&finding_text(run, finding, colour));
    }
    let open = run.open_questions();
    if !open.is_empty() {
        text.push_str("\nnot proven\n");
        open.iter().for_each(|(reason, cases)| text.push_str(&format!("  {cases:>4} × {reason}\n")));
    }
    text.push_str(&format!("\n{}\n", verdict_line(run, colour)));
    text
}

fn verdict_line(run: &Run, colour: Colour) -> String {
    let summary = run.summary();
    let verdict = run.verdict();
    let word = match verdict {
        Verdict::Pass => paint("pass", "32", colour),
        Verdict::Fail => paint("fail", "31", colour),
        Verdict::Inconclusive => paint("inconclusive", "33", colour),
    };
    let findings = match run.findings.len() {
        1 => "1 finding".to_owned(),
        number => format!("{number} findings"),
    };
    format!(
        "{word}: {findings}; {} of {} cases passed, {} failed, {} without proof; {} requests in {:.1} s",
        summary.passed,
        summary.cases,
        summary.failed,
        summary.inconclusive,
        summary.requests,
        run.duration_ms / 1000.0
    )
}

/// Operations down, personas across; in a cell one sign per relation. Personas that do not fit beside each other go
/// into a table of their own below.
fn matrix(run: &Run, width: usize, colour: Colour) -> String {
    let operations = distinct(run.matrix.iter().map(|cell| cell.operation.as_str()));
    let personas = distinct(run.matrix.iter().map(|cell| cell.persona.as_str()));
    let first = operations.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut cells: BTreeMap<(&str, &str), Vec<&Cell>> = BTreeMap::new();
    for cell in &run.matrix {
        cells.entry((&cell.operation, &cell.persona)).or_default().push(cell);
    }
    let mut text = String::new();
    for personas in beside(&personas, width.saturating_sub(first)) {
        let head: String = personas.iter().map(|name| format!("  {name:<width$}", width = column(name))).collect();
        text.push_str(format!("{:first$}{head}", "").trim_end());
        text.push('\n');
        for operation in &operations {
            let row: String = personas
                .iter()
                .map(|persona| {
                    let cells = cells.get(&(*operation, *persona)).map_or(&[][..], Vec::as_slice);
                    signs(cells, column(persona), colour)
                })
                .collect();
            text.push_str(format!("{operation:<first$}{row}").trim_end());
            text.push('\n');
        }
        text.push('\n');
    }
    text.push_str("✓ allowed  · denied  ✗ not as expected  ! server error  ? unproven  – not run\n");
    text.push_str("three signs: own object, same tenant, other tenant");
    text
}

/// Columns of a persona: its name, or three signs with blanks between.
fn column(persona: &str) -> usize {
    persona.chars().count().max(5)
}

/// As many personas in a row as fit; at least one.
fn beside<'a>(personas: &[&'a str], width: usize) -> Vec<Vec<&'a str>> {
    let mut rows: Vec<Vec<&str>> = Vec::new();
    let mut left = 0;
    for persona in personas {
        let needed = column(persona) + 2;
        match rows.last_mut() {
            Some(row) if needed <= left => row.push(persona),
            Some(_) | None => {
                rows.push(vec![persona]);
                left = width;
            }
        }
        left = left.saturating_sub(needed);
    }
    rows
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut distinct: Vec<&str> = Vec::new();
    names.for_each(|name| {
        if !distinct.contains(&name) {
            distinct.push(name)
        }
    });
    distinct
}

/// The signs of a cell, padded by what is seen: escapes take no column.
fn signs(cells: &[&Cell], column: usize, colour: Colour) -> String {
    let signs: Vec<String> = cells.iter().map(|cell| sign(cell, colour)).collect();
    let seen = (2 * signs.len()).saturating_sub(1);
    format!("  {}{:pad$}", signs.join(" "), "", pad = column.saturating_sub(seen))
}

fn sign(cell: &Cell, colour: Colour) -> String {
    match (cell.observed, cell.expected) {
        (Observed::Allow, Decision::Allow) => paint("✓", "32", colour),
        (Observed::Deny, Decision::Deny) => "·".to_owned(),
        (Observed::Allow, Decision::Deny) | (Observed::Deny, Decision::Allow) => paint("✗", "31", colour),
        (Observed::Error, _) => paint("!", "31", colour),
        (Observed::Unproven, _) => paint("?", "33", colour),
        (Observed::NotRun, _) => "–".to_owned(),
    }
}

fn finding_text(run: &Run, finding: &Finding, colour: Colour) -> String {
    let severity = paint(finding.severity.as_str(), "31", colour);
    let mut text = format!("{severity}: {} [{}]\n", finding.title, finding.id);
    text.push_str(&format!("  {} · {} · {}\n", finding.owasp, finding.cwe, finding.confidence.as_str()));
    if let Some(reason) = &finding.waived {
        text.push_str(&format!("  waived: {reason}\n"));
    }
    if !finding.personas.is_empty() {
        text.push_str(&format!("  by {}\n", finding.personas.join(", ")));
    }
    text.push_str(&format!("  {}\n", finding.evidence));
    for step in finding.steps.iter().filter_map(|id| shown(run, *id)) {
        let status = step.status.map_or_else(|| "–".to_owned(), |status| status.to_string());
        text.push_str(&format!("    {:<8} {}   # {status}\n", step.role, step.curl));
    }
    text
}

fn paint(text: &str, code: &str, colour: Colour) -> String {
    match colour {
        Colour::Ansi => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        Colour::None => text.to_owned(),
    }
}
