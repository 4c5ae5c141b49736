//! The report for people: the access matrix and the provider's clients, then the findings with a proof that can be pasted into a shell.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod flows;
pub(crate) mod matrix;

use super::{fails, shown};
use crate::lock::Comparison;
use crate::rollup::Finding;
use crate::run::Run;
use crate::verdict::{Observed, Verdict};
use matrix::matrix;

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// With ANSI escapes.
    Ansi,
    /// Plain text.
    None,
}

/// Which rows of the matrix are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rows {
    /// All of a small API; of a large one, those of interest.
    #[default]
    Auto,
    /// All.
    All,
    /// Those with something that is not as expected.
    Interesting,
    /// None.
    None,
}

/// How the report is shown.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to colour.
    pub colour: Colour,
    /// Which rows of the matrix.
    pub rows: Rows,
}

/// The report as text, at most `width` columns wide where that is possible.
#[must_use]
pub fn terminal(run: &Run, width: usize, colour: Colour) -> String {
    terminal_of(run, View { width, colour, rows: Rows::Auto })
}

/// The report as text, as somebody wants to see it.
#[must_use]
pub fn terminal_of(run: &Run, view: View) -> String {
    let View { width, colour, .. } = view;
    let mut text = String::new();
    // Layers that send nothing observe nothing.
    if view.rows != Rows::None && run.matrix.iter().any(|cell| cell.observed != Observed::NotRun) {
        text.push_str(&matrix(run, view));
        text.push_str("\n\n");
    }
    let flows = flows::flows(run, colour);
    if view.rows != Rows::None && !flows.is_empty() {
        text.push_str(&flows);
        text.push('\n');
    }
    for layer in &run.layers {
        let what = match &layer.skipped {
            Some(reason) => format!("skipped: {reason}"),
            None => format!("{:>4} cases", layer.cases),
        };
        text.push_str(&format!("{:<8} {what}\n", layer.layer.as_str()));
    }
    let (failing, advice): (Vec<&Finding>, Vec<&Finding>) =
        run.findings.iter().partition(|finding| finding.waived.is_some() || !finding.is_advice(run.plan.tier));
    for finding in failing {
        text.push('\n');
        text.push_str(&finding_text(run, finding, (width, colour)));
    }
    text.push_str(&advice_text(&advice, colour));
    if let Some(comparison) = run.lock.as_ref().filter(|comparison| !comparison.is_empty()) {
        text.push_str(&lock_text(comparison, colour));
    }
    let open = run.open_questions();
    if !open.is_empty() {
        text.push_str("\nnot proven\n");
        open.iter().for_each(|(reason, cases)| text.push_str(&format!("  {cases:>4} × {reason}\n")));
    }
    text.push_str(&format!("\n{}\n", verdict_line(run, colour)));
    text
}

/// What fails nobody, a line each: the proof is in the other reports.
fn advice_text(advice: &[&Finding], colour: Colour) -> String {
    if advice.is_empty() {
        return String::new();
    }
    let mut text = String::from("\nadvice\n");
    for finding in advice {
        let id = paint(&format!("[{}]", finding.id), "2", colour);
        text.push_str(&format!("  {} {} {id}\n", finding.tier.as_str(), finding.title));
    }
    text.push_str("  P: conformance to a profile, H: hardening; `--tier P` or `--tier H` makes them count\n");
    text
}

/// The changed lines of authz.lock; of many new ones only the number.
fn lock_text(comparison: &Comparison, colour: Colour) -> String {
    const MOST: usize = 24;
    let lines = comparison.lines();
    let mut text = String::from("\nauthz.lock\n");
    for line in lines.iter().take(MOST) {
        let code = match line.chars().next() {
            Some('+') if line.ends_with("allow") => "31",
            Some('+') => "32",
            _ => "2",
        };
        text.push_str(&format!("  {}\n", paint(line, code, colour)));
    }
    if lines.len() > MOST {
        text.push_str(&format!("  … and {} lines more\n", lines.len() - MOST));
    }
    text.push_str("  `devenv test --accept` records what is meant so; review its difference like code\n");
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
    let cut = if summary.not_run > 0 { format!(", not run: {}", summary.not_run) } else { String::new() };
    let part = run.plan.scope.shard.map_or_else(String::new, |shard| format!(" (shard {shard})"));
    format!(
        "{word}{part}: {findings}; {} of {} cases passed, {} failed, {} without proof{cut}; {} requests in {:.1} s",
        summary.passed,
        summary.cases,
        summary.failed,
        summary.inconclusive,
        summary.requests,
        run.duration_ms / 1000.0
    )
}

fn finding_text(run: &Run, finding: &Finding, (width, colour): (usize, Colour)) -> String {
    let tone = if finding.waived.is_some() || !fails(run, finding) { "33" } else { "31" };
    let severity = paint(finding.severity.as_str(), tone, colour);
    let mut text = format!("{severity}: {} {}\n", finding.title, paint(&format!("[{}]", finding.id), "2", colour));
    text.push_str(&format!("  {} · {} · {}\n", finding.owasp, finding.cwe, finding.confidence.as_str()));
    for name in &finding.regressions {
        text.push_str(&wrapped(&format!("pinned: {name}"), width));
    }
    if let Some(reason) = &finding.waived {
        text.push_str(&wrapped(&format!("waived: {reason}"), width));
    }
    if !finding.personas.is_empty() {
        text.push_str(&wrapped(&format!("by {}", finding.personas.join(", ")), width));
    }
    text.push_str(&wrapped(&finding.evidence, width));
    for step in finding.steps.iter().filter_map(|id| shown(run, *id)) {
        let status = step.status.map_or_else(|| "–".to_owned(), |status| status.to_string());
        text.push_str(&format!("    {:<8} {}   # {status}\n", step.role, step.curl));
    }
    text
}

/// Text in lines of at most so many columns, indented by two; a word that is longer keeps its line.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width.max(30) => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(format!("    {word}")),
            None => lines.push(format!("  {word}")),
        }
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

fn paint(text: &str, code: &str, colour: Colour) -> String {
    match colour {
        Colour::Ansi => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        Colour::None => text.to_owned(),
    }
}
