//! `devenv policy test`: do the policies do what the team expects? The table beside them, and the rules of authz.yaml.

use mock_iam::policy::analysis::{self, TestRun};
use security_tests::{Run, Verdict};
use serde_json::json;

use super::{TESTS, World};
use crate::cli::{Format, PolicyArgs};
use crate::commands::{Failure, test};
use crate::event::Reporter;
use crate::exit::Exit;
use crate::ui;

pub(super) async fn run(args: &PolicyArgs) -> Result<Exit, Failure> {
    let (reporter, _events) = Reporter::channel();
    let world = World::load(&args.stack, &reporter)?;
    let run = analysis::run(&world.engine, &world.directory, (&world.tests, &world.examples));
    let rules = match world.session.manifest.tests {
        Some(_) => Some(test::policy_layer(&world.session, &reporter).await?),
        None => None,
    };
    if run.questions == 0 && run.failures.is_empty() && rules.is_none() {
        return Err(Failure::with_help(
            Exit::Usage,
            format!("nothing is expected of the policies: there is no {}", world.folder.join(TESTS).display()),
            "write down who may do what there, or in authz.yaml (docs/policies.md)",
        ));
    }
    match args.format {
        Format::Text => ui::print(&text(&world, &run, rules.as_ref())),
        Format::Json => ui::print(&to_json(&run, rules.as_ref()).to_string()),
    }
    let rules = rules.as_ref().map_or(Verdict::Pass, Run::verdict);
    Ok(match (run.failures.is_empty(), rules) {
        (true, Verdict::Pass) => Exit::Success,
        (true, Verdict::Inconclusive) => Exit::Inconclusive,
        (false, _) | (true, Verdict::Fail) => Exit::Findings,
    })
}

fn text(world: &World, run: &TestRun, rules: Option<&Run>) -> String {
    let mut lines = Vec::new();
    let file = world.folder.join(TESTS);
    for failure in &run.failures {
        lines.push(format!("FAIL {}:{}: {}", file.display(), failure.line, failure.message));
        let explanation = failure.explanation.iter().flat_map(|text| text.lines());
        lines.extend(explanation.map(|line| format!("     {line}")));
    }
    for finding in rules.into_iter().flat_map(|rules| &rules.findings) {
        lines.push(format!("FAIL {}: {} ({})", finding.operation, finding.title, finding.evidence));
    }
    if run.questions > 0 || !run.failures.is_empty() {
        lines.push(format!("{}: {} questions, {} failures", file.display(), run.questions, run.failures.len()));
    }
    if let Some(rules) = rules {
        lines.push(format!("authz.yaml: {} questions, {} findings", rules.cases.len(), rules.findings.len()));
    }
    lines.join("\n")
}

fn to_json(run: &TestRun, rules: Option<&Run>) -> serde_json::Value {
    let rules = rules.map(|rules| {
        let findings = rules.findings.iter().map(|finding| {
            json!({ "operation": finding.operation, "title": finding.title, "evidence": finding.evidence, "personas": finding.personas })
        });
        json!({ "questions": rules.cases.len(), "findings": findings.collect::<Vec<_>>() })
    });
    json!({ "expectations": run, "rules": rules })
}
