//! CI: pipelines that are valid and run, what a run says to its host, and the reports of shards as one.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::program::{Bench, ports, program, ran, root};

/// The starter in a repository of its own, cloned: only what is committed is there. Its program is built here, once.
fn clone() -> (tempfile::TempDir, PathBuf) {
    let build = ["build", "--workspace", "--profile", "dev", "--bin", "orders-api", "--quiet"];
    assert!(Command::new("cargo").args(build).current_dir(root()).status().unwrap().success());
    let place = tempfile::tempdir().unwrap();
    let origin = place.path().join("origin");
    copy(&root().join("templates/orders"), &origin.join("api"));
    let manifest = origin.join("api/devenv.yaml");
    let api = program().with_file_name("orders-api").display().to_string();
    let text = std::fs::read_to_string(&manifest).unwrap();
    let text = text.replace("binary: { cargo: orders-api }", &format!("binary: {{ path: {api} }}"));
    assert!(text.contains(&api), "{text}");
    std::fs::write(manifest, text).unwrap();
    let git = |directory: &Path, arguments: &[&str]| {
        let who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
        let output = Command::new("git").args(who).args(arguments).current_dir(directory).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    git(&origin, &["init", "--quiet"]);
    git(&origin, &["add", "--all"]);
    git(&origin, &["commit", "--quiet", "-m", "all"]);
    git(place.path(), &["clone", "--quiet", "origin", "clone"]);
    let clone = place.path().join("clone");
    (place, clone)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A machine of a CI system: a shell with `devenv` in its path, and the variables of that system.
struct Machine<'a> {
    place: &'a Path,
    variables: BTreeMap<String, String>,
}

impl Machine<'_> {
    #[track_caller]
    fn run(&self, directory: &Path, script: &str) -> String {
        let path = format!("{}:{}", program().parent().unwrap().display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.args(["-e", "-c", script]).current_dir(directory).env_clear().env("PATH", path);
        command
            .env("XDG_STATE_HOME", self.place.join("state"))
            .env("HOME", self.place)
            .env("DEVENV_ENGINE", "embedded");
        let ran = ran(command.env("CI", "true").envs(&self.variables).output().unwrap()).expect(0);
        format!("{}{}", ran.stdout, ran.stderr)
    }
}

fn written(clone: &Path, arguments: &[&str]) -> Value {
    let mut command = Command::new(program());
    command.args(["ci", "init"]).args(arguments).args(["-o", "-"]).current_dir(clone.join("api"));
    let text = ran(command.output().unwrap()).expect(0).stdout;
    serde_saphyr::from_str(&text).unwrap()
}

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_steps_of_a_sharded_workflow_run_in_a_fresh_clone_and_end_in_one_summary() {
    let _ports = ports();
    let (place, clone) = clone();
    let workflow = written(&clone, &["github", "--shards", "2"]);
    let directory = clone.join("api");
    let summary = place.path().join("summary.md");
    for job in ["authorization", "summary"] {
        let job = &workflow["jobs"][job];
        assert_eq!(job["defaults"]["run"]["working-directory"], "api");
        let shards = job["strategy"]["matrix"]["shard"].as_array().cloned().unwrap_or_else(|| vec![Value::Null]);
        for shard in shards {
            let shard = shard.as_str().unwrap_or_default();
            let known =
                [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()), ("SHARD", shard)];
            let machine = Machine { place: place.path(), variables: variables(&known) };
            for step in job["steps"].as_array().unwrap().iter().filter_map(|step| step["run"].as_str()) {
                machine.run(&directory, step);
            }
        }
    }
    let text = std::fs::read_to_string(summary).unwrap();
    assert!(text.contains("(shard 1/2): pass") && text.contains("(shard 2/2): pass"), "{text}");
    let whole = text.rsplit("## ").next().unwrap();
    assert!(whole.contains("Authorization of orders: pass") && whole.contains("| `GET /orders/{id}` |"), "{whole}");
    let merged: Value = serde_json::from_str(&std::fs::read_to_string(directory.join("authz.json")).unwrap()).unwrap();
    let operations: std::collections::BTreeSet<&str> =
        merged["matrix"].as_array().unwrap().iter().filter_map(|cell| cell["operation"].as_str()).collect();
    assert_eq!((operations.len(), &merged["verdict"]), (13, &"pass".into()));
    assert!(directory.join("devenv-reports/authz-2.sarif").is_file());
}

#[test]
fn the_script_of_a_gitlab_job_runs_in_a_fresh_clone() {
    let _ports = ports();
    let (place, clone) = clone();
    let pipeline = written(&clone, &["gitlab"]);
    let words = |job: &str, key: &str| -> Vec<String> {
        pipeline[job][key].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
    };
    let script = [words(".devenv", "before_script"), words("authorization", "script")].concat().join("\n");
    let known = [("GITLAB_CI", "true"), ("CARGO_HOME", "/nonexistent")];
    let said = Machine { place: place.path(), variables: variables(&known) }.run(&clone, &script);
    assert!(said.contains("section_start:") && said.contains("section_end:"), "{said}");
    let reports = &pipeline["authorization"]["artifacts"]["reports"];
    for kind in ["junit", "codequality"] {
        assert!(clone.join(reports[kind].as_str().unwrap()).is_file(), "{kind}");
    }
    assert!(std::fs::read_to_string(clone.join("api/devenv-reports/authz.md")).unwrap().contains("✓"));
}

#[test]
fn pipelines_keep_to_the_published_schemas() {
    if !Command::new("check-jsonschema").arg("--version").output().is_ok_and(|output| output.status.success()) {
        // Straight to standard error: what `eprintln!` says in a test that passes is swallowed.
        drop(writeln!(
            std::io::stderr(),
            "SKIPPED: no check-jsonschema, so pipelines are not held against the published schemas"
        ));
        return;
    }
    let bench = Bench::of("embedded", &[("devenv.yaml", "services: {}\n")]);
    for (system, schema) in [("github", "vendor.github-workflows"), ("gitlab", "vendor.gitlab-ci")] {
        for shards in ["1", "3"] {
            let file = bench.project().join(format!("{system}-{shards}.yml"));
            let mut command = Command::new(program());
            command.args(["ci", "init", system, "--shards", shards, "-o"]).arg(&file).current_dir(bench.project());
            ran(command.output().unwrap()).expect(0);
            let checked =
                Command::new("check-jsonschema").args(["--builtin-schema", schema]).arg(&file).output().unwrap();
            ran(checked).expect(0);
        }
    }
}

#[test]
fn a_pipeline_is_written_where_its_system_looks_and_never_over_another() {
    let bench = Bench::of(
        "embedded",
        &[("api/devenv.yaml", "services: {}\n"), (".git/HEAD", ""), (".gitlab-ci.yml", "x: 1\n")],
    );
    let init = |arguments: &[&str]| {
        let mut command = Command::new(program());
        ran(command.args(["ci", "init"]).args(arguments).current_dir(bench.project().join("api")).output().unwrap())
    };
    init(&["github", "--repository", "https://example.org/devenv.git"]).expect(0);
    let written = std::fs::read_to_string(bench.project().join(".github/workflows/authorization.yml")).unwrap();
    assert!(written.contains("working-directory: \"api\"") && written.contains("\"https://example.org/devenv.git\""));
    assert!(init(&["github"]).expect(2).stderr.contains("`--force`"));
    init(&["github", "--force"]).expect(0);
    assert!(init(&["gitlab"]).expect(2).stderr.contains("include:"));
    assert_eq!(std::fs::read_to_string(bench.project().join(".gitlab-ci.yml")).unwrap(), "x: 1\n");
}

const OPENAPI: &str = "openapi: 3.1.0\npaths:\n  /me: { get: { operationId: me, security: [] } }\n  /new: { get: { operationId: new, security: [] } }\n";
const RULES: &str = "# ours\napi: { openapi: openapi.yaml }\nrules:\n  me: { allow: [anyone] }   # kept\n";

fn files_only() -> Bench {
    Bench::of(
        "embedded",
        &[("devenv.yaml", "services: {}\ntests: authz.yaml\n"), ("openapi.yaml", OPENAPI), ("authz.yaml", RULES)],
    )
}

#[test]
fn github_gets_an_annotation_at_the_line_and_a_summary_and_its_json_stays_json() {
    let bench = files_only();
    let summary = bench.project().join("summary.md");
    let bench =
        bench.with("GITHUB_ACTIONS", "true").with("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()).with("CI", "true");
    let ran = bench.run(&["test", "--layer", "static"]).expect(1);
    let expected = "::error file=openapi.yaml,line=4,title=undecided-operation%3Anew::GET /new has no rule";
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    assert!(ran.stderr.contains("::group::") && ran.stderr.contains("::endgroup::"), "{}", ran.stderr);
    let text = std::fs::read_to_string(summary).unwrap();
    assert!(text.contains("❌") && text.contains("`undecided-operation:new`"), "{text}");
    let report = bench.run(&["test", "--layer", "static", "--format", "json"]).expect(1);
    assert_eq!(report.json()["verdict"], "fail");
    let elsewhere = files_only().run(&["test", "--layer", "static"]).expect(1);
    assert!(!elsewhere.stderr.contains("::"), "{}", elsewhere.stderr);
}

#[test]
fn a_finding_is_pinned_under_a_name_and_must_pass_until_it_is_taken_out() {
    let bench = files_only();
    let file = |name: &str| bench.project().join(name);
    let test = || bench.run(&["test", "--layer", "static"]);
    test().expect(1);
    bench.run(&["test", "pin", "undecided-operation:new", "--name", "new came without a rule"]).expect(0);
    let pinned = std::fs::read_to_string(file("authz.yaml")).unwrap();
    assert!(pinned.starts_with(RULES) && pinned.contains("case: \"undecided-operation:new\""), "{pinned}");
    assert!(test().expect(1).stdout.contains("pinned: new came without a rule"));
    let twice = bench.run(&["test", "pin", "undecided-operation:new"]).expect(2).stderr;
    assert!(twice.contains("pinned already, as `new came without a rule`"), "{twice}");

    let mended = pinned.replace("  # kept\n", "  # kept\n  new: { allow: [anyone] }\n");
    std::fs::write(file("authz.yaml"), &mended).unwrap();
    test().expect(0);
    std::fs::write(file("openapi.yaml"), OPENAPI.replace("operationId: new", "operationId: newest")).unwrap();
    std::fs::write(file("authz.yaml"), mended.replace("  new:", "  newest:")).unwrap();
    let lost = test().expect(1).stdout;
    assert!(lost.contains("the API has no operation `new`") && lost.contains("[lost-regression:new]"), "{lost}");
    bench.run(&["test", "unpin", "new came without a rule"]).expect(0);
    test().expect(0);
    let after = std::fs::read_to_string(file("authz.yaml")).unwrap();
    assert_eq!(after, RULES.replace("  # kept\n", "  # kept\n  newest: { allow: [anyone] }\n"));
    assert!(bench.run(&["test", "unpin", "x"]).expect(2).stderr.contains("nothing is pinned"));
}

#[test]
fn merged_reports_are_refused_where_they_are_no_shards_and_inconclusive_where_one_is_missing() {
    let bench = files_only();
    let file = |name: &str| bench.project().join(name).display().to_string();
    let report = |shard: &str, name: &str| {
        let path = format!("json={}", file(name));
        let shard: &[&str] = if shard.is_empty() { &[] } else { &["--shard", shard] };
        bench.run(&[&["test", "--layer", "static", "--operation", "me", "--report", &path], shard].concat());
    };
    let merge = |names: &[&str]| {
        let mut command = Command::new(program());
        command.args(["test", "merge"]).args(names.iter().map(|name| file(name)));
        ran(command.env_remove("GITHUB_ACTIONS").output().unwrap())
    };
    report("1/1", "one.json");
    report("", "whole.json");
    merge(&["one.json"]).expect(0);
    assert!(merge(&["whole.json"]).expect(2).stderr.contains("is of no shard"));
    let text = std::fs::read_to_string(file("one.json")).unwrap().replace("\"1/1\"", "\"1/2\"");
    std::fs::write(file("half.json"), text).unwrap();
    assert!(merge(&["half.json"]).expect(4).stdout.contains("missing shards: 2/2"));
}
