//! Small commands, and the habits that all commands share.

use std::process::Command;

use crate::program::{Bench, ran, root};

#[test]
fn completions_are_printed_for_each_shell() {
    let bench = Bench::of("embedded", &[]);
    for shell in ["bash", "zsh", "fish"] {
        let script = bench.run(&["completions", shell]).expect(0).stdout;
        assert!(script.contains("devenv") && script.contains("persona"), "{shell}");
    }
}

#[test]
fn schemas_are_printed_as_they_are_committed() {
    let bench = Bench::of("embedded", &[]);
    for (name, arguments) in [("devenv", &["schema"][..]), ("authz", &["schema", "authz"])] {
        let committed = std::fs::read_to_string(root().join(format!("docs/{name}.schema.json"))).unwrap();
        assert!(bench.run(arguments).expect(0).stdout == committed, "docs/{name}.schema.json is not current");
    }
}

#[test]
fn help_names_the_exit_codes_and_hides_what_is_not_for_people() {
    let help = Bench::of("embedded", &[]).run(&["--help"]).expect(0).stdout;
    assert!(help.contains("inconclusive") && help.contains("test") && !help.contains("supervise"), "{help}");
}

#[test]
fn an_unknown_flag_is_a_mistake_of_the_command_line() {
    Bench::of("embedded", &[]).run(&["up", "--nonsense"]).expect(2);
}

#[test]
fn a_second_devenv_is_told_who_works_on_the_stack() {
    let manifest = "services:\n  slow:\n    run: sleep 60\n    ready: { log: never }\n";
    let bench = Bench::of("embedded", &[("devenv.yaml", manifest)]);
    let mut first = bench.command(&["up", "-d"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    // Looking takes no lock: the first one holds it as soon as its service runs.
    let begin = std::time::Instant::now();
    while !bench.run(&["ps", "--format", "json"]).stdout.contains("running") {
        assert!(begin.elapsed().as_secs() < 30, "it never ran");
    }
    let said = bench.run(&["up", "-d", "--format", "json"]).expect(3).stdout;
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(said.contains(&format!("`devenv up` (pid {})", first.id())), "{said}");
}

#[test]
fn ctrl_c_ends_an_attached_up_and_stops_what_it_started() {
    let bench = Bench::of("embedded", &[("devenv.yaml", "services:\n  web:\n    run: sleep 60\n")]);
    let mut up = bench
        .command(&["up"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut states = String::new();
    for _ in 0..100 {
        states = bench.run(&["ps", "--format", "json"]).stdout;
        if states.contains("running") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(states.contains("running"), "{states}");
    assert!(Command::new("kill").args(["-INT", &up.id().to_string()]).status().unwrap().success());
    let ended = up.wait().unwrap();
    assert!(matches!(ended.code(), Some(0 | 130)), "{ended:?}");
    let after = bench.run(&["ps", "--format", "json"]).expect(0);
    assert!(!after.stdout.contains("\"running\""), "{}", after.stdout);
    drop(ran(bench.command(&["down"]).output().unwrap()));
}

#[test]
fn a_plan_of_the_tests_names_every_request_and_sends_none() {
    let bench = Bench::orders("embedded");
    let plan = bench.run(&["test", "--plan"]).expect(0).stdout;
    for expected in
        ["POST /orders as alice", "GET /orders/${object:", "GET /me as alice (alg-none)", "revoke the tokens of"]
    {
        assert!(plan.contains(expected), "no `{expected}` in:\n{plan}");
    }
    assert!(!bench.state().exists(), "a plan needs no state");
}

#[test]
fn file_layers_need_no_stack_and_take_no_time() {
    let bench = Bench::orders("docker").with("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    let run = bench.run(&["test", "--layer", "static,policy", "--format", "json"]).expect(0).json();
    assert_eq!(run["summary"]["requests"], 0);
    assert!(run["summary"]["cases"].as_u64().unwrap() > 50, "{run}");
}
