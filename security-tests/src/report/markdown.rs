//! The JSON report as Markdown: for job summaries and comments of code hosts. Reads the report and not the run, so that what
//! several machines reported can be shown as one.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

/// Findings that are shown with their proof; of more, one line each.
const MOST: usize = 20;
/// Rows of the matrix; a summary of a job has room for a megabyte.
const ROWS: usize = 400;

/// The report as Markdown, with a heading.
#[must_use]
pub fn markdown(report: &Value) -> String {
    let mut out = String::new();
    let shard = report.pointer("/run/shard").and_then(Value::as_str);
    let part = shard.map_or_else(String::new, |shard| format!(" (shard {shard})"));
    let target = cell(text(report, "/run/target"));
    let _ = writeln!(out, "## {} Authorization of {target}{part}: {}\n", sign(report), text(report, "/verdict"));
    let number = |path: &str| report.pointer(path).and_then(Value::as_u64).unwrap_or_default();
    let _ = writeln!(
        out,
        "{} of {} cases passed, {} failed, {} without proof; {} requests\n",
        number("/summary/passed"),
        number("/summary/cases"),
        number("/summary/failed"),
        number("/summary/inconclusive"),
        number("/summary/requests"),
    );
    findings(&mut out, list(report, "findings"));
    open(&mut out, list(report, "layers"));
    matrix(&mut out, list(report, "matrix"));
    lock(&mut out, report);
    out
}

fn sign(report: &Value) -> &'static str {
    match text(report, "/verdict") {
        "pass" => "✅",
        "fail" => "❌",
        _ => "⚠️",
    }
}

fn findings(out: &mut String, findings: &[Value]) {
    if findings.is_empty() {
        return;
    }
    out.push_str("| | finding | | by |\n|---|---|---|---|\n");
    for finding in findings {
        let personas: Vec<&str> = list(finding, "personas").iter().filter_map(Value::as_str).collect();
        let _ = writeln!(
            out,
            "| {} | {} | `{}`{} | {} |",
            text(finding, "/severity"),
            cell(text(finding, "/title")),
            code(text(finding, "/id")),
            cell(&remark(finding)),
            cell(&personas.join(", ")),
        );
    }
    out.push('\n');
    for finding in findings.iter().take(MOST) {
        proof(out, finding);
    }
    if findings.len() > MOST {
        let _ = writeln!(out, "… and {} findings more\n", findings.len() - MOST);
    }
}

/// What else there is to know: that it is waived, pinned, or not sure.
fn remark(finding: &Value) -> String {
    let mut remarks = Vec::new();
    let pinned: Vec<&str> = list(finding, "regressions").iter().filter_map(Value::as_str).collect();
    if !pinned.is_empty() {
        remarks.push(format!("pinned: {}", pinned.join(", ")));
    }
    if let Some(reason) = finding.get("waived").and_then(Value::as_str) {
        remarks.push(format!("waived: {reason}"));
    }
    if text(finding, "/confidence") != "confirmed" {
        remarks.push(text(finding, "/confidence").to_owned());
    }
    if remarks.is_empty() { String::new() } else { format!(" ({})", remarks.join("; ")) }
}

fn proof(out: &mut String, finding: &Value) {
    let steps = list(finding, "steps");
    let title = html(text(finding, "/title"));
    let _ = writeln!(out, "<details><summary>{title}</summary>\n");
    let _ =
        writeln!(out, "{} · {} · {}\n", text(finding, "/owasp"), text(finding, "/cwe"), text(finding, "/confidence"));
    let _ = writeln!(out, "{}\n", html(text(finding, "/evidence")));
    if !steps.is_empty() {
        let lines: Vec<String> = steps.iter().map(step).collect();
        let code = lines.join("\n");
        // A fence is longer than any run of its sign inside (CommonMark §4.5).
        let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or_default();
        let fence = "`".repeat(longest.max(2) + 1);
        let _ = writeln!(out, "{fence}sh\n{code}\n{fence}\n");
    }
    out.push_str("</details>\n\n");
}

fn step(step: &Value) -> String {
    let status = step.get("status").and_then(Value::as_u64).map_or_else(|| "–".to_owned(), |status| status.to_string());
    format!("{}   # {}: {status}", text(step, "/request").replace(['\n', '\r'], " "), text(step, "/role"))
}

fn open(out: &mut String, layers: &[Value]) {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for layer in layers {
        for open in list(layer, "inconclusive") {
            *reasons.entry(text(open, "/reason")).or_insert(0) += 1;
        }
    }
    if reasons.is_empty() {
        return;
    }
    out.push_str("**Not proven**\n\n");
    for (reason, cases) in reasons {
        let _ = writeln!(out, "* {cases} × {}", html(reason));
    }
    out.push('\n');
}

/// Operations down, personas across, a sign for each relation.
fn matrix(out: &mut String, cells: &[Value]) {
    let mut signs: BTreeMap<(&str, &str), Vec<&'static str>> = BTreeMap::new();
    let (mut operations, mut personas): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for one in cells {
        let (operation, persona) = (text(one, "/operation"), text(one, "/persona"));
        if !operations.contains(&operation) {
            operations.push(operation);
        }
        if !personas.contains(&persona) {
            personas.push(persona);
        }
        signs.entry((operation, persona)).or_default().push(picture(one));
    }
    if cells.iter().all(|one| text(one, "/observed") == "not-run") {
        return;
    }
    let head: Vec<String> = personas.iter().map(|persona| cell(persona)).collect();
    let _ = writeln!(out, "| | {} |\n|---|{}", head.join(" | "), "---|".repeat(personas.len()));
    for operation in operations.iter().take(ROWS) {
        let row: Vec<String> = personas
            .iter()
            .map(|persona| signs.get(&(*operation, *persona)).map(|signs| signs.join(" ")).unwrap_or_default())
            .collect();
        let _ = writeln!(out, "| `{}` | {} |", code(operation), row.join(" | "));
    }
    if operations.len() > ROWS {
        let _ = writeln!(out, "\n… and {} operations more", operations.len() - ROWS);
    }
    out.push_str("\n✓ allowed · denied ❌ not as expected ❗ server error ❔ unproven – not run; three signs: own object, same tenant, other tenant\n\n");
}

fn picture(cell: &Value) -> &'static str {
    match (text(cell, "/observed"), text(cell, "/expected")) {
        ("allow", "allow") => "✓",
        ("deny", "deny") => "·",
        ("allow" | "deny", _) => "❌",
        ("error", _) => "❗",
        ("unproven", _) => "❔",
        _ => "–",
    }
}

fn lock(out: &mut String, report: &Value) {
    let mut lines: Vec<String> = Vec::new();
    let cells =
        |key: &str| report.pointer(&format!("/lock/{key}")).and_then(Value::as_array).cloned().unwrap_or_default();
    for (key, before, after) in [("widened", "deny", "allow"), ("narrowed", "allow", "deny")] {
        for one in cells(key).iter().filter_map(Value::as_str) {
            lines.extend([format!("-{one}: {before}"), format!("+{one}: {after}")]);
        }
    }
    for (key, sign) in [("added", '+'), ("gone", '-')] {
        lines.extend(cells(key).iter().map(|one| format!("{sign}{}: {}", text(one, "/cell"), text(one, "/answer"))));
    }
    if !lines.is_empty() {
        let _ = writeln!(out, "**authz.lock**\n\n```diff\n{}\n```\n", lines.join("\n").replace("```", "'''"));
    }
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Text within a row of a table.
fn cell(text: &str) -> String {
    html(text).replace('|', "\\|").replace(['\n', '\r'], " ").replace('`', "'")
}

/// Text between backticks within a row of a table.
fn code(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ").replace('`', "'")
}

/// Text that must not become markup: titles and evidence hold what an API answered.
fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('[', "&#91;").replace(']', "&#93;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::markdown;

    #[test]
    fn a_matrix_becomes_a_table_and_a_finding_a_row_with_its_proof() {
        let report = json!({
            "verdict": "fail", "run": {"target": "orders", "shard": "2/3"},
            "summary": {"cases": 3, "passed": 2, "failed": 1, "inconclusive": 0, "requests": 9},
            "layers": [{"inconclusive": [{"case": "x", "reason": "no answer"}]}],
            "findings": [{"id": "object-access:readOrder", "severity": "high", "title": "GET /o/{id} | leaks <b>",
                "personas": ["bob"], "regressions": ["the leak of March"], "confidence": "confirmed", "owasp": "API1:2023",
                "cwe": "CWE-639", "evidence": "a marker", "steps": [{"role": "attack", "request": "curl ```x", "status": 200}]}],
            "matrix": [
                {"operation": "GET /o/{id}", "persona": "bob", "expected": "allow", "observed": "allow"},
                {"operation": "GET /o/{id}", "persona": "bob", "expected": "deny", "observed": "allow"}],
            "lock": {"widened": ["GET /o/{id} by bob on same-tenant"]},
        });
        let text = markdown(&report);
        for expected in [
            "## ❌ Authorization of orders (shard 2/3): fail",
            "| high | GET /o/{id} \\| leaks &lt;b&gt; | `object-access:readOrder` (pinned: the leak of March) | bob |",
            "````sh\ncurl ```x   # attack: 200\n````",
            "| `GET /o/{id}` | ✓ ❌ |",
            "* 1 × no answer",
            "-GET /o/{id} by bob on same-tenant: deny\n+GET /o/{id} by bob on same-tenant: allow",
        ] {
            assert!(text.contains(expected), "no {expected} in\n{text}");
        }
    }
}
