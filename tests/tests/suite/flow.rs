//! The layer `flow` on a stack: silent on a strict provider, and naming what a permissive one lets through.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::program::{Bench, program};

const OPENAPI: &str = "openapi: 3.1.0\npaths:\n  /health: { get: { operationId: health, security: [] } }\n";
const RULES: &str = "api: { openapi: openapi.yaml }\nrules: { health: { allow: [anyone] } }\n";

const CLIENTS: &str = "
    web: { type: public, redirect_uris: [\"http://localhost:8080/callback\"], scopes: [\"orders:read\"] }
    worker: { type: confidential, grants: [client_credentials] }
    shop: { type: confidential, auth_method: client_secret_post, redirect_uris: [\"https://shop.example/callback\"], require_pushed_authorization_requests: true }
    tv: { type: public, grants: [device_code] }
    asks: { type: public, redirect_uris: [\"http://127.0.0.1/callback\"], consent: true }
";

fn bench(mode: &str) -> Bench {
    let free = || std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap().port();
    let (idp, api, program) = (free(), free(), program().display().to_string());
    let manifest = format!(
        "name: flow\nidentity:\n  personas: {{ alice: {{}}, bob: {{}} }}\n  clients:{CLIENTS}\
         idp: {{ port: {idp}, mode: {mode} }}\nservices:\n  api:\n    run: {program} serve relay {api}=127.0.0.1:1\n    ports: [\"{api}:{api}\"]\n\
         tests: authz.yaml\n"
    );
    Bench::of("embedded", &[("devenv.yaml", &manifest), ("openapi.yaml", OPENAPI), ("authz.yaml", RULES)])
}

fn report(text: &str) -> Value {
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

fn checks(report: &Value) -> BTreeSet<&str> {
    report["findings"].as_array().unwrap().iter().map(|finding| finding["check"].as_str().unwrap()).collect()
}

#[test]
fn nothing_is_said_about_a_strict_provider_at_any_tier() {
    let bench = bench("strict");
    let run = bench.run(&["test", "--layer", "flow", "--tier", "H", "--format", "json"]).expect(0);
    let report = report(&run.stdout);
    assert_eq!(report["findings"], serde_json::json!([]));
    assert_eq!(report["summary"]["inconclusive"], 0, "{report}");
    let passed = |client: &str| {
        let cases = report["cases"].as_array().unwrap().iter();
        cases.filter(|case| case["client"] == client && case["outcome"] == "pass").count()
    };
    assert!(["web", "worker", "shop", "tv"].into_iter().all(|client| passed(client) >= 3), "{report}");
    assert_eq!(passed("asks"), 0);
}

#[test]
fn what_a_permissive_provider_lets_through_is_named_and_can_be_looked_at_again() {
    let bench = bench("permissive");
    let run = bench.run(&["test", "--layer", "flow", "--keep", "--format", "json"]).expect(1);
    let expected = [
        "client-authentication",
        "code-redirect-binding",
        "pkce-verifier",
        "redirect-uri-match",
        "refresh-rotation",
        "scope-escalation",
        "unregistered-grant",
    ];
    assert_eq!(checks(&report(&run.stdout)), BTreeSet::from(expected), "{}", run.stdout);
    let again = bench.run(&["test", "replay", "client-authentication:token"]).expect(1);
    assert!(again.stdout.contains("$SECRET_") || again.stdout.contains("devenv-wrong-secret"), "{}", again.stdout);
    assert!(again.stdout.ends_with("still there\n"), "{}", again.stdout);
    bench.run(&["down"]).expect(0);
}
