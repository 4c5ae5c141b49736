//! The starter project on the embedded engine: the main job, end to end.

use crate::program::{Bench, ports};

#[test]
fn the_starter_project_passes_all_layers_and_leaves_nothing() {
    let _ports = ports();
    let bench = Bench::orders("embedded");
    let report = bench.state().with_extension("json");
    let argument = format!("json={}", report.display());
    let ran = bench.run(&["test", "--report", &argument]).expect(0);
    let run: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(run["schema"], "devenv.run/1");
    assert_eq!(run["verdict"], "pass");
    assert_eq!(run["findings"].as_array().unwrap().len(), 0, "{}", run["findings"]);
    let layers: Vec<&str> =
        run["layers"].as_array().unwrap().iter().filter_map(|layer| layer["layer"].as_str()).collect();
    assert_eq!(layers, ["static", "policy", "token", "access", "session", "flow"]);
    assert!(run["summary"]["cases"].as_u64().unwrap() > 100, "{}", run["summary"]);
    assert!(
        ran.stdout.contains("\n/orders\n") && ran.stdout.contains("  GET    /{id} "),
        "no access matrix:\n{}",
        ran.stdout
    );
    // Only the run itself is kept, for `replay`.
    let left = bench.state().join("devenv").read_dir().into_iter().flatten().flatten();
    let left: Vec<String> = left.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert!(left.iter().all(|name| name.ends_with(".last-run.json")), "state was left: {left:?}");
}

#[test]
fn a_demoted_persona_is_denied_on_the_next_request_with_the_same_token() {
    let _ports = ports();
    let bench = Bench::orders("embedded");
    bench.run(&["up", "-d"]).expect(0);
    let up = bench.run(&["ps", "--format", "json"]).expect(0).json();
    let states: Vec<&str> = up.as_array().unwrap().iter().filter_map(|service| service["state"].as_str()).collect();
    assert_eq!(states, ["running"; 3], "{up}");

    let order = bench.run(&[
        "request",
        "alice",
        "POST",
        "/orders",
        "--json",
        r#"{"item": "tea", "quantity": 1}"#,
        "--format",
        "json",
    ]);
    let id = order.expect(0).json()["body"]["id"].as_str().unwrap().to_owned();
    let status = |persona: &str, token: Option<&str>| {
        let path = format!("/orders/{id}");
        let mut arguments = vec!["request", persona, "GET", &path, "--format", "json"];
        if let Some(token) = token {
            arguments.extend(["--token", token]);
        }
        bench.run(&arguments).expect(0).json()["status"].as_u64().unwrap()
    };
    assert_eq!(status("alice", None), 200);
    assert!(matches!(status("bob", None), 403 | 404));
    assert_eq!(status("anonymous", None), 401);

    let carol = bench.run(&["token", "carol"]).expect(0).stdout.trim().to_owned();
    assert_eq!(status("carol", Some(&carol)), 200, "support reads orders of its tenant");
    bench.run(&["persona", "carol", "--roles", "customer"]).expect(0);
    assert!(matches!(status("carol", Some(&carol)), 403 | 404), "the very next request, with the same token");
    bench.run(&["persona", "--reset"]).expect(0);
    assert_eq!(status("carol", Some(&carol)), 200);

    bench.run(&["down"]).expect(0);
    let left = bench.run(&["ps", "--format", "json"]).expect(0).json();
    assert_eq!(left, serde_json::json!([]));
}

#[test]
fn up_twice_changes_nothing_and_plan_says_so() {
    let _ports = ports();
    let bench = Bench::orders("embedded");
    bench.run(&["up", "-d"]).expect(0);
    let before = bench.run(&["ps", "--format", "json"]).expect(0).json();
    let again = bench.run(&["up", "-d"]).expect(0);
    assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
    assert_eq!(bench.run(&["plan", "--format", "json"]).expect(0).json(), serde_json::json!([]));
    assert_eq!(bench.run(&["ps", "--format", "json"]).expect(0).json(), before);
}

#[test]
fn no_secret_appears_in_any_output() {
    let _ports = ports();
    let bench = Bench::orders("embedded");
    let mut said = String::new();
    for arguments in [
        &["up", "-d", "--format", "json"][..],
        &["plan", "--format", "json"],
        &["ps", "--format", "json"],
        &["test", "--format", "json"],
        &["logs"],
        &["doctor"],
    ] {
        let ran = bench.run(arguments);
        said.push_str(&ran.stdout);
        said.push_str(&ran.stderr);
    }
    let state = bench.state().join("devenv");
    let project = state.read_dir().unwrap().filter_map(Result::ok).map(|entry| entry.path()).find(|path| path.is_dir());
    let mut secrets = 0;
    for entry in project.unwrap().join("secrets").read_dir().unwrap() {
        let secret = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        secrets += 1;
        assert!(!said.contains(secret.trim()), "a secret was printed");
    }
    assert!(secrets >= 5, "the starter project has secrets to look for");
}

#[test]
fn a_killed_devenv_loses_nothing_the_next_down_cleans_up() {
    let _ports = ports();
    let bench = Bench::orders("embedded");
    for pause in [20, 60, 120, 250] {
        let mut up = bench.command(&["up", "-d"]).stderr(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(pause));
        up.kill().unwrap();
        up.wait().unwrap();
    }
    bench.run(&["up", "-d"]).expect(0);
    let services = bench.run(&["ps", "--format", "json"]).expect(0).json();
    assert_eq!(services.as_array().unwrap().len(), 3, "{services}");
    bench.run(&["down"]).expect(0);
    assert_eq!(processes_of(&bench), Vec::<String>::new());
}

#[test]
fn an_up_that_follows_an_interrupted_one_still_waits_until_everything_is_ready() {
    let manifest =
        "services:\n  slow:\n    run: [sh, -c, 'sleep 1; echo ready now; sleep 60']\n    ready: { log: ready now }\n";
    let bench = Bench::of("embedded", &[("devenv.yaml", manifest)]);
    let mut first = bench.command(&["up", "-d"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    let begin = std::time::Instant::now();
    while !bench.run(&["ps", "--format", "json"]).stdout.contains("running") {
        assert!(begin.elapsed().as_secs() < 10, "it never ran");
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let second = bench.run(&["up", "-d"]).expect(0);
    assert!(second.stderr.contains("slow: ready"), "{}", second.stderr);
    assert!(bench.run(&["logs"]).expect(0).stdout.contains("ready now"));
    let third = bench.run(&["up", "-d"]).expect(0);
    assert!(third.stderr.contains("nothing to do"), "{}", third.stderr);
}

/// Processes that carry this test's state directory in their environment or arguments.
pub(crate) fn processes_of(bench: &Bench) -> Vec<String> {
    let mark = bench.state().display().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
        let of = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let text = [of("cmdline"), of("environ")].concat();
        if entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit())
            && String::from_utf8_lossy(&text).contains(&mark)
        {
            found.push(String::from_utf8_lossy(&of("cmdline")).replace('\0', " "));
        }
    }
    found
}
