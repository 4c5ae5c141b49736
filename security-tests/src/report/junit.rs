//! JUnit XML, as CI systems read it (the schema of Jenkins' xUnit plugin): a suite for each layer, a test case for each
//! case. What is not proven is an `error`, so that no dashboard shows it as passed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;

use super::{fails, finding_of, proof};
use crate::run::{JudgedCase, LayerRun, Run};
use crate::verdict::Outcome;

/// The report as an XML document.
#[must_use]
pub fn junit(run: &Run) -> String {
    let mut suites = String::new();
    let mut all = Counts::default();
    for layer in &run.layers {
        let (text, counts) = suite(run, layer);
        suites.push_str(&text);
        all.add(&counts);
    }
    let name = if run.plan.target.is_empty() { "devenv test" } else { &run.plan.target };
    let seconds = run.duration_ms / 1000.0;
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{seconds:.3}\">\n{suites}</testsuites>\n",
        escaped(name),
        all.tests,
        all.failures,
        all.errors,
    )
}

/// What the attributes of a suite count.
#[derive(Clone, Copy, Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.tests += other.tests;
        self.failures += other.failures;
        self.errors += other.errors;
        self.skipped += other.skipped;
    }

    fn attributes(&self) -> String {
        let Self { tests, failures, errors, skipped } = self;
        format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"")
    }
}

/// How a case is told.
enum Told {
    Passed,
    Failure { message: String, proof: String },
    Error(String),
    Skipped(String),
}

fn suite(run: &Run, layer: &LayerRun) -> (String, Counts) {
    let mut counts = Counts::default();
    let mut cases = String::new();
    let name = layer.layer.as_str();
    if let Some(reason) = &layer.skipped {
        counts.add(&Counts { tests: 1, skipped: 1, ..Counts::default() });
        test_case(&mut cases, (&format!("{name}: the layer"), name, 0.0), &Told::Skipped(reason.clone()));
    }
    let of_layer = run.cases.iter().filter(|case| case.layer == layer.layer);
    for case in of_layer.filter(|case| !matches!(case.outcome, Outcome::NotApplicable(_))) {
        let told = told(run, case);
        counts.tests += 1;
        match &told {
            Told::Passed => {}
            Told::Failure { .. } => counts.failures += 1,
            Told::Error(_) => counts.errors += 1,
            Told::Skipped(_) => counts.skipped += 1,
        }
        let class = format!("{name}.{}", case.check);
        test_case(&mut cases, (&case.id, &class, seconds(run, case)), &told);
    }
    let started = run.plan.started_at.get(..19).unwrap_or("1970-01-01T00:00:00");
    let text = format!(
        "  <testsuite name=\"{name}\" {} time=\"{:.3}\" timestamp=\"{}\">\n{cases}  </testsuite>\n",
        counts.attributes(),
        layer.duration_ms / 1000.0,
        escaped(started),
    );
    (text, counts)
}

fn told(run: &Run, case: &JudgedCase) -> Told {
    match &case.outcome {
        Outcome::Pass(_) | Outcome::NotApplicable(_) => Told::Passed,
        Outcome::Inconclusive(reason) => Told::Error(reason.clone()),
        Outcome::Unproven(reason) => Told::Error(format!("unproven: {reason}")),
        Outcome::NotRun(reason) => Told::Skipped(reason.clone()),
        Outcome::Fail(..) | Outcome::ServerError(_) => failed(run, case),
    }
}

fn failed(run: &Run, case: &JudgedCase) -> Told {
    let reason = case.outcome.reason();
    let finding = finding_of(run, &case.id);
    let told = finding.map(|finding| (finding, fails(run, finding)));
    if let Some((finding, false)) = told {
        let why = finding.waived.as_ref().map_or_else(|| "advice".to_owned(), |why| format!("waived: {why}"));
        return Told::Skipped(format!("{why}: {reason}"));
    }
    let mut proof_text = String::new();
    if let Some((finding, _)) = told {
        let _ = writeln!(proof_text, "{} [{}]", finding.title, finding.id);
        for name in &finding.regressions {
            let _ = writeln!(proof_text, "pinned: {name}");
        }
        let _ = writeln!(proof_text, "{}, {}, {}", finding.owasp, finding.cwe, finding.confidence.as_str());
    }
    for step in proof(run, &case.steps) {
        let status = step.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let _ = writeln!(proof_text, "{:<8} {}   # {status}", step.role, step.curl);
    }
    Told::Failure { message: reason, proof: proof_text }
}

/// How long the request in question took.
fn seconds(run: &Run, case: &JudgedCase) -> f64 {
    let took = |step: &usize| run.exchanges.get(*step)?.as_ref().map(|exchange| exchange.duration_ms);
    case.steps.iter().filter_map(took).fold(0.0, std::ops::Add::add) / 1000.0
}

fn test_case(out: &mut String, (name, class, seconds): (&str, &str, f64), told: &Told) {
    let head =
        format!("    <testcase name=\"{}\" classname=\"{}\" time=\"{seconds:.3}\"", escaped(name), escaped(class));
    let inside = match told {
        Told::Passed => {
            let _ = writeln!(out, "{head}/>");
            return;
        }
        Told::Failure { message, proof } => {
            format!("<failure message=\"{}\" type=\"finding\">{}</failure>", escaped(message), escaped(proof))
        }
        Told::Error(message) => format!("<error message=\"{}\" type=\"inconclusive\"/>", escaped(message)),
        Told::Skipped(message) => format!("<skipped message=\"{}\"/>", escaped(message)),
    };
    let _ = writeln!(out, "{head}>\n      {inside}\n    </testcase>");
}

/// Text for an attribute or an element. XML 1.0 §2.2 has no way to write most control characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_in_a_message_can_end_an_attribute_or_an_element() {
        assert_eq!(escaped("<a href=\"x\">&\u{1b}[31m\n"), "&lt;a href=&quot;x&quot;&gt;&amp;\u{fffd}[31m\n");
    }
}
