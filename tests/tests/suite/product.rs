//! What people do around a run: reports, drafts, waivers, another look; and a target that misbehaves.

use crate::program::{Bench, program};

const OPENAPI: &str = "openapi: 3.1.0\nsecurity: [{ bearer: [] }]\npaths:\n  /me: { get: { operationId: me } }\n  /new: { get: { operationId: new } }\n";
const RULES: &str = "api: { openapi: openapi.yaml }   # kept\nrules: { me: { allow: [authenticated] } }\n";

fn manifest(idp: u16, api: u16) -> String {
    let program = program().display().to_string();
    format!(
        "name: product\nidentity: {{ tenants: [acme], personas: {{ alice: {{ tenant: acme, roles: [user] }} }} }}\n\
         idp: {{ port: {idp} }}\nservices:\n  api:\n    run: {program} serve relay {api}=127.0.0.1:1\n    ports: [\"{api}:{api}\"]\n\
         tests: authz.yaml\n"
    )
}

/// A project whose API takes connections and closes them.
fn bench() -> Bench {
    let free = || std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap().port();
    let manifest = manifest(free(), free());
    Bench::of("embedded", &[("devenv.yaml", &manifest), ("openapi.yaml", OPENAPI), ("authz.yaml", RULES)])
}

#[test]
fn every_report_is_written_and_a_finding_of_files_can_be_replayed_and_waived() {
    let bench = bench();
    let place = bench.project().to_path_buf();
    let files = ["json", "junit", "sarif", "html"].map(|kind| format!("{kind}={}", place.join(kind).display()));
    let mut arguments = vec!["test", "--layer", "static"];
    files.iter().for_each(|file| arguments.extend(["--report", file]));
    bench.run(&arguments).expect(1);
    let read = |name: &str| std::fs::read_to_string(place.join(name)).unwrap();
    assert!(read("junit").contains("<failure message=\"no rule says who may call it\""));
    assert!(read("html").contains("GET /new has no rule"));
    let sarif: serde_json::Value = serde_json::from_str(&read("sarif")).unwrap();
    let place_of = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(
        (&place_of["artifactLocation"]["uri"], &place_of["region"]["startLine"]),
        (&"openapi.yaml".into(), &5.into())
    );

    let again = bench.run(&["test", "replay", "undecided-operation:new"]).expect(1);
    assert!(again.stdout.ends_with("still there\n"), "{}", again.stdout);
    bench
        .run(&["test", "waive", "undecided-operation:new", "--reason", "next week", "--until", "2999-12-31"])
        .expect(0);
    assert!(read("authz.yaml").starts_with(RULES), "{}", read("authz.yaml"));
    bench.run(&["test", "--layer", "static"]).expect(0);
    let listed = bench.run(&["test", "waive", "--list", "--format", "json"]).expect(0).json();
    assert_eq!((&listed[0]["finding"], &listed[0]["state"]), (&"undecided-operation:new".into(), &"holds".into()));
}

#[test]
fn a_draft_loads_and_overwrites_nothing() {
    let bench = bench();
    let refused = bench.run(&["test", "init"]).expect(2);
    assert!(refused.stderr.contains("is not overwritten"), "{}", refused.stderr);
    std::fs::remove_file(bench.project().join("authz.yaml")).unwrap();
    bench.run(&["test", "init"]).expect(0);
    let draft = std::fs::read_to_string(bench.project().join("authz.yaml")).unwrap();
    assert!(draft.contains("# guess:"), "{draft}");
    bench.run(&["test", "--layer", "static"]).expect(0);
}

#[test]
fn a_target_that_closes_connections_is_inconclusive_and_never_a_pass() {
    let bench = bench();
    let run = bench.run(&["test", "--operation", "me", "--format", "json"]).expect(4);
    let report: serde_json::Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(report["verdict"], "inconclusive", "{report}");
}
