//! One self-contained page: no script, nothing loaded from anywhere, everything escaped. The matrix as a picture, the
//! findings with their proof.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use askama::Template;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::terminal::matrix::prefix;
use super::{Shown, fails, proof};
use crate::oracle::{Decision, Relation};
use crate::run::{Cell, Run};
use crate::verdict::{Observed, Verdict};

const STYLE: &str = include_str!("../../templates/report.css");

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    style: &'static str,
    /// The style sheet by its hash: the only thing that the page's policy lets in.
    style_source: String,
    target: String,
    url: String,
    started: String,
    verdict: &'static str,
    verdict_text: String,
    facts: Vec<(String, &'static str)>,
    layers: Vec<LayerRow>,
    personas: Vec<String>,
    groups: Vec<Group>,
    /// Whether groups have headings: in a small table they say nothing new.
    grouped: bool,
    seen: bool,
    findings: Vec<FindingCard>,
    open: Vec<(String, usize)>,
    /// What follows the id in a replay.
    again: &'a str,
}

struct LayerRow {
    name: &'static str,
    skipped: Option<String>,
    cases: usize,
    passed: usize,
    failed: usize,
    open: usize,
}

struct Group {
    heading: String,
    rows: Vec<Row>,
}

struct Row {
    method: String,
    path: String,
    wrong: bool,
    cells: Vec<Vec<Sign>>,
}

/// One sign: which picture, and what it says to who cannot see it.
struct Sign {
    picture: &'static str,
    says: String,
}

struct FindingCard {
    id: String,
    title: String,
    severity: &'static str,
    tier: &'static str,
    fails: bool,
    confidence: &'static str,
    owasp: &'static str,
    cwe: &'static str,
    cwe_number: String,
    waived: Option<String>,
    regressions: String,
    personas: String,
    evidence: String,
    steps: Vec<Shown>,
    cases: Vec<String>,
}

/// The report as an HTML document.
#[must_use]
pub fn html(run: &Run) -> String {
    html_of(run, "")
}

/// The same for a run with options that a replay needs too: a space and what follows the id there.
#[must_use]
pub fn html_of(run: &Run, again: &str) -> String {
    let hash = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let page = Page {
        style: STYLE,
        style_source: format!("'sha256-{hash}'"),
        target: run.plan.target.clone(),
        url: run.plan.base_url.clone(),
        started: run.plan.started_at.get(..16).unwrap_or_default().replace('T', " "),
        verdict: run.verdict().as_str(),
        verdict_text: verdict_text(run),
        facts: facts(run),
        layers: layers(run),
        personas: personas(run),
        grouped: groups(run).iter().map(|group| group.rows.len()).sum::<usize>() > 12,
        groups: groups(run),
        seen: run.matrix.iter().any(|cell| cell.observed != Observed::NotRun),
        findings: run.findings.iter().map(|finding| card(run, finding)).collect(),
        open: run.open_questions(),
        again,
    };
    // Writing into a string fails only when a value's own formatting does; none of these does.
    page.render().unwrap_or_default()
}

fn verdict_text(run: &Run) -> String {
    let failing = run.findings.iter().filter(|finding| fails(run, finding)).count();
    match run.verdict() {
        Verdict::Pass => "Everything that was asked behaved as the rules say.".to_owned(),
        Verdict::Fail if failing == 1 => "One defect: somebody can do what the rules do not allow.".to_owned(),
        Verdict::Fail => format!("{failing} defects: somebody can do what the rules do not allow."),
        Verdict::Inconclusive => "No defect was seen, but not everything was proven: this is not a pass.".to_owned(),
    }
}

fn facts(run: &Run) -> Vec<(String, &'static str)> {
    let summary = run.summary();
    let mut facts = vec![
        (run.findings.len().to_string(), if run.findings.len() == 1 { "finding" } else { "findings" }),
        (format!("{} / {}", summary.passed, summary.cases), "cases passed"),
        (summary.inconclusive.to_string(), "without proof"),
        (summary.requests.to_string(), "requests"),
        (format!("{:.1} s", run.duration_ms / 1000.0), "duration"),
    ];
    if summary.not_run > 0 {
        facts.insert(3, (summary.not_run.to_string(), "not run"));
    }
    facts
}

fn layers(run: &Run) -> Vec<LayerRow> {
    let row = |layer: &crate::run::LayerRun| {
        let count = |words: &[&str]| {
            let of_layer = run.cases.iter().filter(|case| case.layer == layer.layer);
            of_layer.filter(|case| words.contains(&case.outcome.as_str())).count()
        };
        LayerRow {
            name: layer.layer.as_str(),
            skipped: layer.skipped.clone(),
            cases: layer.cases,
            passed: count(&["pass"]),
            failed: count(&["fail", "server-error"]),
            open: count(&["inconclusive", "unproven", "not-run"]),
        }
    };
    run.layers.iter().map(row).collect()
}

fn personas(run: &Run) -> Vec<String> {
    let mut personas: Vec<String> = Vec::new();
    for cell in &run.matrix {
        if !personas.contains(&cell.persona) {
            personas.push(cell.persona.clone());
        }
    }
    personas
}

fn groups(run: &Run) -> Vec<Group> {
    let personas = personas(run);
    let mut cells: BTreeMap<(&str, &str), Vec<&Cell>> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    let mut known = std::collections::BTreeSet::new();
    for cell in &run.matrix {
        cells.entry((&cell.operation, &cell.persona)).or_default().push(cell);
        if known.insert(cell.operation.as_str()) {
            order.push(&cell.operation);
        }
    }
    let mut groups: Vec<Group> = Vec::new();
    for operation in order {
        let (method, path) = operation.split_once(' ').unwrap_or(("", operation));
        let of = |persona: &String| cells.get(&(operation, persona.as_str())).cloned().unwrap_or_default();
        let signs = |persona: &String| of(persona).into_iter().map(sign).collect::<Vec<_>>();
        let cells: Vec<Vec<Sign>> = personas.iter().map(signs).collect();
        let wrong = cells.iter().flatten().any(|sign| matches!(sign.picture, "leak" | "block" | "error"));
        let row = Row { method: method.to_owned(), path: path.to_owned(), wrong, cells };
        let heading = prefix(path);
        match groups.iter_mut().find(|group| group.heading == heading) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group { heading, rows: vec![row] }),
        }
    }
    groups
}

fn sign(cell: &Cell) -> Sign {
    let picture = match (cell.observed, cell.expected) {
        (Observed::Allow, Decision::Allow) => "allow",
        (Observed::Deny, Decision::Deny) => "deny",
        (Observed::Allow, Decision::Deny) => "leak",
        (Observed::Deny, Decision::Allow) => "block",
        (Observed::Error, _) => "error",
        (Observed::Unproven, _) => "unproven",
        (Observed::NotRun, _) => "notrun",
    };
    let relation = match cell.relation {
        Relation::Own => "own object: ",
        Relation::SameTenant => "same tenant: ",
        Relation::OtherTenant => "other tenant: ",
        Relation::None => "",
    };
    let (who, what) = (&cell.persona, &cell.operation);
    let says =
        format!("{who}, {what}, {relation}expected {}, observed {}", cell.expected.as_str(), cell.observed.as_str());
    Sign { picture, says }
}

fn card(run: &Run, finding: &crate::rollup::Finding) -> FindingCard {
    FindingCard {
        id: finding.id.clone(),
        title: finding.title.clone(),
        severity: finding.severity.as_str(),
        tier: finding.tier.as_str(),
        fails: fails(run, finding),
        confidence: finding.confidence.as_str(),
        owasp: finding.owasp,
        cwe: finding.cwe,
        cwe_number: finding.cwe.trim_start_matches("CWE-").to_owned(),
        waived: finding.waived.clone(),
        regressions: finding.regressions.join(", "),
        personas: finding.personas.join(", "),
        evidence: finding.evidence.clone(),
        steps: proof(run, &finding.steps),
        cases: finding.cases.clone(),
    }
}
