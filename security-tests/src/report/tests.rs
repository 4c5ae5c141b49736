//! Tests of the reports: a run in, text out.

use super::*;
use crate::oracle::{Decision, Relation};
use crate::plan::TestPlan;
use crate::rollup::Finding;
use crate::run::{Cell, LayerRun};
use crate::verdict::{Confidence, Layer, Observed, Severity, Tier};

fn run() -> Run {
    let cell = |operation: &str, persona: &str, relation, expected, observed| Cell {
        operation: operation.into(),
        persona: persona.into(),
        relation,
        expected,
        observed,
    };
    let finding = Finding {
        id: "object-access:readOrder".into(),
        check: "object-access",
        tier: Tier::Exploit,
        owasp: "API1:2023",
        cwe: "CWE-639",
        severity: Severity::High,
        confidence: Confidence::Confirmed,
        operation: "GET /orders/{id}".into(),
        personas: vec!["bob".into()],
        title: "GET /orders/{id} gives access to an object of somebody else".into(),
        evidence: "object-access:readOrder:bob:same-tenant: the answer holds the marker of an object of alice".into(),
        steps: vec![],
        cases: vec!["object-access:readOrder:bob:same-tenant".into()],
        explained: vec![],
        waived: None,
    };
    let layer = |layer, skipped: Option<&str>| LayerRun {
        layer,
        skipped: skipped.map(str::to_owned),
        cases: 2,
        duration_ms: 1.0,
    };
    Run {
        plan: TestPlan::default(),
        exchanges: vec![],
        cases: vec![],
        findings: vec![finding],
        matrix: vec![
            cell("GET /orders/{id}", "bob", Relation::Own, Decision::Allow, Observed::Allow),
            cell("GET /orders/{id}", "bob", Relation::SameTenant, Decision::Deny, Observed::Allow),
            cell("GET /orders/{id}", "bob", Relation::OtherTenant, Decision::Deny, Observed::NotRun),
            cell("GET /orders/{id}", "anonymous", Relation::None, Decision::Deny, Observed::Deny),
        ],
        layers: vec![layer(Layer::Access, None), layer(Layer::Policy, Some("there are no policies"))],
        duration_ms: 1234.56,
    }
}

#[test]
fn the_terminal_shows_the_matrix_and_the_findings() {
    let expected = "                  bob    anonymous
GET /orders/{id}  ✓ ✗ –  ·

✓ allowed  · denied  ✗ not as expected  ! server error  ? unproven  – not run
three signs: own object, same tenant, other tenant

access      2 cases
policy   skipped: there are no policies

high: GET /orders/{id} gives access to an object of somebody else [object-access:readOrder]
  API1:2023 · CWE-639 · confirmed
  by bob
  object-access:readOrder:bob:same-tenant: the answer holds the marker of an object of alice

fail: 1 finding; 0 of 0 cases passed, 0 failed, 0 without proof; 0 requests in 1.2 s
";
    assert_eq!(terminal(&run(), 80, Colour::None), expected);
    assert!(terminal(&run(), 80, Colour::Ansi).contains("\u{1b}[31mfail\u{1b}[0m: 1 finding"));
}

#[test]
fn a_narrow_terminal_gets_the_personas_below_each_other() {
    let text = terminal(&run(), 30, Colour::None);
    assert!(
        text.starts_with("                  bob\nGET /orders/{id}  ✓ ✗ –\n\n                  anonymous\n"),
        "{text}"
    );
}

#[test]
fn the_json_report_has_the_keys_of_its_schema() {
    let report = json(&run());
    // Sorted here: whether a JSON map keeps its order depends on features of the whole build.
    let mut keys: Vec<&String> = report.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["cases", "findings", "layers", "matrix", "run", "schema", "summary", "verdict"]);
    assert_eq!(report["summary"]["duration_ms"], 1234.6);
    let cell = serde_json::json!({"operation": "GET /orders/{id}", "persona": "bob", "relation": "same-tenant",
        "expected": "deny", "observed": "allow"});
    assert_eq!(report["matrix"][1], cell);
    assert_eq!(report["layers"][1]["status"], "skipped");
    for key in [
        "id",
        "check",
        "tier",
        "owasp",
        "cwe",
        "severity",
        "confidence",
        "operation",
        "personas",
        "title",
        "evidence",
        "steps",
    ] {
        assert!(report["findings"][0].get(key).is_some(), "{key}");
    }
}
