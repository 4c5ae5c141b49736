//! The JSON reports of several machines that shared a run, as one. Decides nothing anew: the whole passes when every part of
//! it is there and passes.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::plan::Shard;

/// Reports that are not parts of one run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MergeError {
    /// There is none.
    #[error("there is no report")]
    None,
    /// A report of something else.
    #[error("{0} is no report of `devenv test` (schema devenv.run/1)")]
    Foreign(String),
    /// A report of a whole run.
    #[error("{0} is of no shard")]
    Whole(String),
    /// Shares of different sizes.
    #[error("{name} is shard {shard}, the others are of {count}")]
    OtherCount {
        /// The report.
        name: String,
        /// Its shard.
        shard: Shard,
        /// How many there should be.
        count: usize,
    },
    /// Reports about different APIs.
    #[error("{0} is about another API")]
    OtherTarget(String),
    /// A part that is there twice.
    #[error("shard {0} is there twice")]
    Twice(Shard),
}

/// One report of all shards, by name each. A shard that is missing makes it inconclusive: nobody knows what it would say.
///
/// # Errors
/// They are not parts of one run.
pub fn merge(reports: &[(String, Value)]) -> Result<Value, MergeError> {
    let mut parts: BTreeMap<usize, &Value> = BTreeMap::new();
    let mut count = None;
    let target = reports.first().and_then(|(_, report)| report.pointer("/run/target"));
    for (name, report) in reports {
        if report.get("schema") != Some(&json!("devenv.run/1")) {
            return Err(MergeError::Foreign(name.clone()));
        }
        if report.pointer("/run/target") != target {
            return Err(MergeError::OtherTarget(name.clone()));
        }
        let shard = report.pointer("/run/shard").and_then(Value::as_str).and_then(Shard::parse);
        let shard = shard.ok_or_else(|| MergeError::Whole(name.clone()))?;
        let expected = *count.get_or_insert(shard.count);
        if expected != shard.count {
            return Err(MergeError::OtherCount { name: name.clone(), shard, count: expected });
        }
        if parts.insert(shard.index, report).is_some() {
            return Err(MergeError::Twice(shard));
        }
    }
    let count = count.ok_or(MergeError::None)?;
    let missing: Vec<String> =
        (1..=count).filter(|index| !parts.contains_key(index)).map(|index| format!("{index}/{count}")).collect();
    Ok(whole(&parts.into_values().collect::<Vec<_>>(), &missing))
}

fn whole(parts: &[&Value], missing: &[String]) -> Value {
    let all = |key: &str| parts.iter().flat_map(|part| list(part, key).to_vec()).collect::<Vec<_>>();
    let mut run = parts.first().and_then(|part| part.get("run")).cloned().unwrap_or_default();
    if let Some(run) = run.as_object_mut() {
        run.insert("shard".to_owned(), Value::Null);
        let began = parts.iter().filter_map(|part| part.pointer("/run/started_at").and_then(Value::as_str)).min();
        run.insert("started_at".to_owned(), json!(began));
    }
    json!({
        "schema": "devenv.run/1",
        "verdict": verdict(parts, missing),
        "run": run,
        "missing_shards": missing,
        "summary": summary(parts),
        "layers": layers(parts),
        "cases": all("cases"),
        "findings": findings(parts),
        "matrix": all("matrix"),
        "lock": lock(parts),
    })
}

/// A finding of one is a finding of all; otherwise what is not known of one is not known of all.
fn verdict(parts: &[&Value], missing: &[String]) -> &'static str {
    let is = |wanted: &str| parts.iter().any(|part| part.get("verdict").and_then(Value::as_str) == Some(wanted));
    if is("fail") {
        "fail"
    } else if is("inconclusive") || !missing.is_empty() {
        "inconclusive"
    } else {
        "pass"
    }
}

/// Numbers add up; machines work side by side, so the longest one tells how long it took.
fn summary(parts: &[&Value]) -> Value {
    let mut sum: Map<String, Value> = Map::new();
    for (key, value) in parts.iter().filter_map(|part| part.get("summary")?.as_object()).flatten() {
        let before = sum.get(key);
        let value = match (before.and_then(Value::as_u64), value.as_u64()) {
            _ if key == "duration_ms" => {
                json!(before.and_then(Value::as_f64).unwrap_or_default().max(value.as_f64().unwrap_or_default()))
            }
            (before, Some(more)) => json!(before.unwrap_or_default() + more),
            (_, None) => value.clone(),
        };
        sum.insert(key.clone(), value);
    }
    Value::Object(sum)
}

/// A layer ran when it ran anywhere.
fn layers(parts: &[&Value]) -> Vec<Value> {
    let mut layers: Vec<Value> = Vec::new();
    for layer in parts.iter().flat_map(|part| list(part, "layers")) {
        let Some(known) = layers.iter_mut().find(|known| known.get("layer") == layer.get("layer")) else {
            layers.push(layer.clone());
            continue;
        };
        let count = |layer: &Value| layer.get("cases").and_then(Value::as_u64).unwrap_or_default();
        let took = |layer: &Value| layer.get("duration_ms").and_then(Value::as_f64).unwrap_or_default();
        let (cases, duration) = (count(known) + count(layer), took(known) + took(layer));
        let open: Vec<Value> = [&*known, layer].iter().flat_map(|layer| list(layer, "inconclusive").to_vec()).collect();
        let ran = layer.get("status") == Some(&json!("ran"));
        if let Some(known) = known.as_object_mut() {
            known.insert("cases".to_owned(), json!(cases));
            known.insert("duration_ms".to_owned(), json!((duration * 10.0).round() / 10.0));
            known.insert("inconclusive".to_owned(), json!(open));
            if ran {
                known.insert("status".to_owned(), json!("ran"));
                known.insert("reason".to_owned(), Value::Null);
            }
        }
    }
    layers
}

/// One defect once: of the same finding on two machines, the first, with everybody who got there.
fn findings(parts: &[&Value]) -> Vec<Value> {
    let mut findings: Vec<Value> = Vec::new();
    for finding in parts.iter().flat_map(|part| list(part, "findings")) {
        let Some(known) = findings.iter_mut().find(|known| known.get("id") == finding.get("id")) else {
            findings.push(finding.clone());
            continue;
        };
        for key in ["personas", "cases", "explained", "regressions"] {
            let words: BTreeSet<String> = [&*known, finding]
                .iter()
                .flat_map(|finding| list(finding, key))
                .filter_map(|word| word.as_str().map(str::to_owned))
                .collect();
            if let Some(known) = known.as_object_mut() {
                known.insert(key.to_owned(), json!(words));
            }
        }
    }
    let severity = |finding: &Value| {
        let order = ["critical", "high", "medium", "low"];
        let word = finding.get("severity").and_then(Value::as_str).unwrap_or_default();
        order.iter().position(|known| *known == word)
    };
    findings.sort_by_key(severity);
    findings
}

/// Each part compared its own cells. What is gone from the lock nobody can tell from a part.
fn lock(parts: &[&Value]) -> Value {
    let mut merged: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for comparison in parts.iter().filter_map(|part| part.get("lock")?.as_object()) {
        for (key, cells) in comparison {
            merged.entry(key).or_default().extend(cells.as_array().cloned().unwrap_or_default());
        }
    }
    if merged.is_empty() { Value::Null } else { json!(merged) }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(shard: &str, verdict: &str, finding: Option<&str>) -> (String, Value) {
        let findings: Vec<Value> =
            finding.iter().map(|id| json!({"id": id, "severity": "high", "personas": [shard], "cases": []})).collect();
        let report = json!({"schema": "devenv.run/1", "verdict": verdict,
            "run": {"target": "orders", "shard": shard, "started_at": format!("2026-{shard}")},
            "summary": {"cases": 2, "duration_ms": 10.5}, "findings": findings,
            "layers": [{"layer": "token", "status": "ran", "cases": 2, "duration_ms": 1.0, "inconclusive": []}],
            "cases": [{"id": shard}], "matrix": [{"operation": shard}], "lock": {"widened": [shard]}});
        (format!("{shard}.json"), report)
    }

    #[test]
    fn parts_become_a_whole_and_a_shared_defect_is_told_once() {
        let merged = merge(&[part("2/2", "fail", Some("a:b")), part("1/2", "pass", Some("a:b"))]).unwrap();
        assert_eq!((&merged["verdict"], &merged["run"]["shard"]), (&json!("fail"), &Value::Null));
        assert_eq!(merged["findings"][0]["personas"], json!(["1/2", "2/2"]));
        assert_eq!(merged["findings"].as_array().unwrap().len(), 1);
        assert_eq!((&merged["summary"]["cases"], &merged["summary"]["duration_ms"]), (&json!(4), &json!(10.5)));
        assert_eq!((&merged["layers"][0]["cases"], &merged["lock"]["widened"]), (&json!(4), &json!(["1/2", "2/2"])));
    }

    #[test]
    fn what_is_missing_keeps_the_whole_from_passing() {
        let merged = merge(&[part("1/3", "pass", None), part("3/3", "pass", None)]).unwrap();
        assert_eq!((&merged["verdict"], &merged["missing_shards"]), (&json!("inconclusive"), &json!(["2/3"])));
    }

    #[test]
    fn what_is_no_part_of_the_same_run_is_refused() {
        let twice = merge(&[part("1/2", "pass", None), part("1/2", "pass", None)]);
        assert!(matches!(twice, Err(MergeError::Twice(_))));
        let other = merge(&[part("1/2", "pass", None), part("2/3", "pass", None)]);
        assert!(matches!(other, Err(MergeError::OtherCount { .. })));
        assert_eq!(merge(&[]), Err(MergeError::None));
        assert_eq!(merge(&[("x".into(), json!({}))]), Err(MergeError::Foreign("x".into())));
    }
}
