//! Tests of the reports: a run in, text out.

use super::*;
use crate::oracle::{Decision, Relation};
use crate::plan::TestPlan;
use crate::rollup::Finding;
use crate::run::{Cell, LayerRun};
use crate::verdict::{Confidence, Layer, Observed, Outcome, Severity, Tier, Verdict};

fn run() -> Run {
    let cell = |operation: &str, persona: &str, relation, expected, observed| Cell {
        operation: operation.into(),
        persona: persona.into(),
        relation,
        expected,
        observed,
        decided: None,
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
        regressions: vec![],
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
        lock: None,
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
  object-access:readOrder:bob:same-tenant: the answer holds the marker of an
    object of alice

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
    assert_eq!(keys, ["cases", "findings", "layers", "lock", "matrix", "run", "schema", "summary", "verdict"]);
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

/// The same with a case that failed, one without proof, and one that the budget cut off.
fn with_cases() -> Run {
    let mut run = run();
    let case = |id: &str, outcome| crate::run::JudgedCase {
        id: id.into(),
        check: "object-access",
        layer: Layer::Access,
        operation: "readOrder".into(),
        persona: Some("bob".into()),
        client: None,
        relation: Relation::SameTenant,
        outcome,
        steps: vec![],
    };
    run.cases = vec![
        case(
            "object-access:readOrder:bob:same-tenant",
            Outcome::Fail(Confidence::Confirmed, "a \"marker\" <of> alice".into()),
        ),
        case("b", Outcome::Pass("refused with 404".into())),
        case("c", Outcome::Inconclusive("the control failed".into())),
        case("d", Outcome::NotRun("not run: the budget of 2 s was used up".into())),
        case("e", Outcome::NotApplicable("tokens are opaque".into())),
    ];
    run.plan.started_at = "2026-11-22T10:00:00.123Z".into();
    run.plan.operations = vec![crate::api::Operation {
        id: "readOrder".into(),
        ..crate::api::Operation::undocumented("GET", "/orders/{id}")
    }]
    .into();
    run
}

#[test]
fn junit_tells_what_is_not_proven_as_an_error_and_never_as_passed() {
    let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="devenv test" tests="5" failures="1" errors="1" time="1.235">
  <testsuite name="access" tests="4" failures="1" errors="1" skipped="1" time="0.001" timestamp="2026-11-22T10:00:00">
    <testcase name="object-access:readOrder:bob:same-tenant" classname="access.object-access" time="0.000">
      <failure message="a &quot;marker&quot; &lt;of&gt; alice" type="finding">GET /orders/{id} gives access to an object of somebody else [object-access:readOrder]
API1:2023, CWE-639, confirmed
</failure>
    </testcase>
    <testcase name="b" classname="access.object-access" time="0.000"/>
    <testcase name="c" classname="access.object-access" time="0.000">
      <error message="the control failed" type="inconclusive"/>
    </testcase>
    <testcase name="d" classname="access.object-access" time="0.000">
      <skipped message="not run: the budget of 2 s was used up"/>
    </testcase>
  </testsuite>
  <testsuite name="policy" tests="1" failures="0" errors="0" skipped="1" time="0.001" timestamp="2026-11-22T10:00:00">
    <testcase name="policy: the layer" classname="policy" time="0.000">
      <skipped message="there are no policies"/>
    </testcase>
  </testsuite>
</testsuites>
"#;
    assert_eq!(junit(&with_cases()), expected);
}

#[test]
fn a_waived_finding_is_skipped_in_junit_and_suppressed_in_sarif() {
    let mut run = with_cases();
    run.findings[0].waived = Some("the gateway does it".into());
    let text = junit(&run);
    assert!(text.contains("<skipped message=\"waived: the gateway does it: a &quot;marker"), "{text}");
    let sarif = sarif(&run, &Sources::default());
    assert_eq!(sarif["runs"][0]["results"][0]["suppressions"][0]["justification"], "the gateway does it");
}

#[test]
fn sarif_tells_a_finding_at_the_line_of_its_operation() {
    let document = "paths:\n  /orders/{id}:\n    get:\n      operationId: readOrder\n";
    let source = Source { uri: "api/openapi.yaml".into(), text: document.into() };
    let sarif = sarif(&with_cases(), &Sources { openapi: Some(source), ..Sources::default() });
    let (run, result) = (&sarif["runs"][0], &sarif["runs"][0]["results"][0]);
    assert_eq!(
        result["locations"][0]["physicalLocation"],
        serde_json::json!({"artifactLocation": {"uri": "api/openapi.yaml"}, "region": {"startLine": 4}})
    );
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    let rule = &run["tool"]["driver"]["rules"][index];
    assert_eq!((&rule["id"], &result["ruleId"]), (&"object-access".into(), &"object-access".into()));
    assert_eq!(
        rule["properties"]["tags"],
        serde_json::json!(["security", "external/cwe/cwe-639", "owasp/API1:2023", "access"])
    );
    assert_eq!((&result["level"], &result["suppressions"]), (&"error".into(), &serde_json::json!([])));
    assert_eq!(result["partialFingerprints"]["devenvFinding/v1"], "object-access:readOrder");
    let notes = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    assert_eq!(notes.len(), 2, "what is not proven is told");
}

#[test]
fn the_page_is_one_file_that_runs_and_loads_nothing_and_believes_no_text() {
    let mut run = with_cases();
    run.findings[0].evidence = "<script>alert(1)</script>".into();
    run.matrix[0].persona = "\"><img src=x>".into();
    let page = html_of(&run, " --target http://h:1");
    assert!(page.contains("devenv test replay object-access:readOrder --target http://h:1<"));
    let page_of_a_stack = html(&run);
    assert!(page_of_a_stack.contains("devenv test replay object-access:readOrder<"));
    assert!(page.contains("&#60;script&#62;alert(1)"), "{page}");
    for forbidden in ["<script", "<img", " src=", " style=", "@import", "url(", "<link", "onerror"] {
        assert!(!page.replace("img src=x", "").contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("default-src 'none'; style-src &#39;sha256-"), "{page}");
    for picture in ["#leak", "#deny", "#notrun", "devenv test replay object-access:readOrder"] {
        assert!(page.contains(picture), "{picture}");
    }
}

#[test]
fn a_large_matrix_is_grouped_by_path_and_shows_what_is_of_interest() {
    let mut run = run();
    let template = run.matrix[0].clone();
    run.matrix = (0..50).map(|n| Cell { operation: format!("GET /api/v1/things{n}/x"), ..template.clone() }).collect();
    run.matrix[7].expected = Decision::Deny;
    let view = |rows| View { width: 80, colour: Colour::None, rows };
    let text = terminal_of(&run, view(Rows::Auto));
    assert!(
        text.starts_with("             bob\n/api/v1/things7\n  GET    /x  ✗\n\n49 more operations are as expected"),
        "{text}"
    );
    assert_eq!(terminal_of(&run, view(Rows::All)).matches("/api/v1/things").count(), 50);
    assert!(!terminal_of(&run, view(Rows::None)).contains('✗'));
}

#[test]
fn advice_fails_only_whom_asks_for_it() {
    let mut run = with_cases();
    run.cases.truncate(2);
    run.findings[0].tier = Tier::Hardening;
    assert_eq!((run.verdict(), run.summary().advice), (Verdict::Pass, 1));
    run.plan.tier = Tier::Hardening;
    assert_eq!((run.verdict(), run.summary().advice), (Verdict::Fail, 0));
}

#[test]
fn a_pinned_finding_counts_whatever_its_tier() {
    let mut run = with_cases();
    run.cases.truncate(2);
    run.findings[0].tier = Tier::Hardening;
    assert!(!super::fails(&run, &run.findings[0]) && run.summary().advice == 1);
    run.findings[0].regressions = vec!["the leak".into()];
    assert!(super::fails(&run, &run.findings[0]) && run.summary().advice == 0);
    assert_eq!(run.verdict(), Verdict::Fail);
}
