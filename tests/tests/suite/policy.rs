//! `devenv why` and `devenv policy`: answers from files alone, and what a revision changed.

use std::process::Command;

use crate::program::Bench;

const MANIFEST: &str = "\
name: orders
identity:
  tenants: [acme, globex]
  personas:
    alice: { tenant: acme, roles: [customer] }
    bob: { tenant: acme, roles: [customer] }
    mallory: { tenant: globex, roles: [customer] }
iam: { policies: policies/ }
services: {}
";
const SCHEMA: &str = "\
entity Role, Tenant, Application;
entity User in [Role, Tenant] { tenant: Tenant, active: Bool };
entity Order in [Tenant] { owner: User, tenant: Tenant };
action readOrder appliesTo { principal: User, resource: Order };
";
const POLICIES: &str = "\
@id(\"owners-read\")
permit (principal, action == Action::\"readOrder\", resource)
when { resource.owner == principal };
";
const TESTS: &str = "\
resources:
  alices: { type: Order, properties: { owner: alice, tenant: acme } }
tests:
  - { action: readOrder, resource: alices, allow: [alice], deny: [others], by: owners-read }
";

fn bench() -> Bench {
    Bench::of(
        "embedded",
        &[
            ("devenv.yaml", MANIFEST),
            ("policies/schema.cedarschema", SCHEMA),
            ("policies/orders.cedar", POLICIES),
            ("policies/tests.yaml", TESTS),
        ],
    )
}

fn write(bench: &Bench, name: &str, text: &str) {
    std::fs::write(bench.project().join(name), text).unwrap();
}

fn git(bench: &Bench, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.test", "-c", "commit.gpgsign=false"];
    let output = Command::new("git").current_dir(bench.project()).args(identity).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn why_tells_the_condition_that_was_false_without_a_stack() {
    let bench = bench();
    let why = ["why", "bob", "readOrder", "order:1", "--set", "owner=alice", "--set", "tenant=acme"];
    let said = bench.run(&why).expect(0).stdout;
    assert!(said.starts_with("denied: no policy permits it"), "{said}");
    assert!(said.contains("not permitted by `owners-read` (policies/orders.cedar:1)"), "{said}");
    let line =
        "`resource.owner == principal` is false: `resource.owner` is User::\"alice\", `principal` is User::\"bob\"";
    assert!(said.contains(line), "{said}");
    let json = bench.run(&["why", "alice", "readOrder", "Order::\"1\"", "--format", "json"]).expect(0).json();
    let answers: Vec<_> = json.as_array().unwrap().iter().map(|one| (&one["resource"], &one["allowed"])).collect();
    // Nothing is known of the order, so it is asked about as one's own, as a neighbour's and as a stranger's.
    assert_eq!(answers.len(), 3, "{json}");
    assert_eq!(answers[0], (&"Order of alice".into(), &true.into()));
    let stranger = bench.run(&["why", "zed", "readOrder", "order:1"]).expect(2).stderr;
    assert!(stranger.contains("no persona `zed`"), "{stranger}");
    let action = bench.run(&["why", "bob", "fly", "order:1"]).expect(2).stderr;
    assert!(action.contains("no action `fly`") && action.contains("readOrder"), "{action}");
}

#[test]
fn a_broken_policy_is_told_with_file_line_and_column() {
    let bench = bench();
    let said = bench.run(&["policy", "check"]).expect(0).stdout;
    assert_eq!(said.trim_end(), "policies: 1, files: 1; valid against the schema");
    write(&bench, "policies/orders.cedar", &POLICIES.replace("owner", "onwer"));
    let said = bench.run(&["policy", "check"]).expect(2).stderr;
    assert!(said.contains("policies/orders.cedar:3:"), "{said}");
}

#[test]
fn expectations_are_held_and_a_broken_one_is_told_with_its_line_and_the_reason() {
    let bench = bench();
    let said = bench.run(&["policy", "test"]).expect(0).stdout;
    assert!(said.contains("policies/tests.yaml: 3 questions, 0 failures"), "{said}");
    write(&bench, "policies/tests.yaml", &TESTS.replace("allow: [alice]", "allow: [alice, bob]"));
    let said = bench.run(&["policy", "test"]).expect(1).stdout;
    assert!(said.contains("FAIL policies/tests.yaml:4: bob readOrder alices: expected allowed, is denied"), "{said}");
    assert!(said.contains("`resource.owner == principal` is false"), "{said}");
    write(&bench, "policies/tests.yaml", "testz: []\n");
    assert!(bench.run(&["policy", "test"]).expect(2).stderr.contains("testz"));
}

#[test]
fn a_difference_says_who_gains_what_and_is_a_finding_only_when_somebody_does() {
    let bench = bench();
    git(&bench, &["init", "-q"]);
    git(&bench, &["add", "."]);
    git(&bench, &["commit", "-qm", "one"]);
    let said = bench.run(&["policy", "diff", "HEAD"]).expect(0).stdout;
    assert_eq!(said.trim_end(), "since HEAD: 0 gained, 0 lost, of 12 questions");
    write(&bench, "policies/orders.cedar", &POLICIES.replace("resource.owner == principal", "true"));
    let said = bench.run(&["policy", "diff", "HEAD"]).expect(1).stdout;
    assert!(said.contains("since HEAD: 8 gained (5 across tenants), 0 lost, of 12 questions"), "{said}");
    assert!(said.contains("mallory") && said.contains("Order of alice (other tenant)"), "{said}");
    bench.run(&["policy", "diff", "HEAD", "--allow-widening"]).expect(0);
    write(&bench, "policies/orders.cedar", &POLICIES.replace("permit", "forbid"));
    let json = bench.run(&["policy", "diff", "HEAD", "--format", "json"]).expect(0).json();
    assert_eq!((json["gained"].as_array().unwrap().len(), json["lost"].as_array().unwrap().len()), (0, 4));
    assert!(bench.run(&["policy", "diff", "nonsense"]).expect(2).stderr.contains("`nonsense` is not a revision"));
}

#[test]
fn coverage_and_usage_name_what_nobody_needs() {
    let bench = bench();
    write(&bench, "policies/more.cedar", "permit (principal in Role::\"admin\", action, resource);\n");
    let said = bench.run(&["policy", "coverage"]).expect(0).stdout;
    assert!(said.contains("never decides; permits every action, also those to come"), "{said}");
    let line = r#"{"subject":{"type":"User","id":"alice"},"action":"readOrder","decision":true}"#;
    write(&bench, "decisions.jsonl", line);
    let log = bench.project().join("decisions.jsonl");
    let json = bench.run(&["policy", "usage", "--log", log.to_str().unwrap(), "--format", "json"]).expect(0).json();
    let unused: Vec<_> = json.as_array().unwrap().iter().map(|row| row["unused"].as_array().unwrap().len()).collect();
    assert_eq!(unused, [0, 1, 1]);
}

#[test]
fn an_edit_of_a_policy_decides_in_the_running_stack_and_why_asks_it() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let manifest = MANIFEST.replace("iam: { ", &format!("iam: {{ port: {port}, "));
    let bench = bench();
    write(&bench, "devenv.yaml", &manifest);
    bench.run(&["up", "-d"]).expect(0);
    let why = ["why", "bob", "readOrder", "order:1", "--set", "owner=alice", "--set", "tenant=acme"];
    let live = |bench: &Bench| {
        let answer = bench.run(&[&why[..], &["--format", "json"]].concat()).expect(0).json();
        assert_eq!(answer[0]["live"], true, "{answer}");
        (answer[0]["allowed"].clone(), answer[0]["text"].as_str().unwrap().to_owned())
    };
    assert_eq!(live(&bench).0, false);
    write(&bench, "policies/orders.cedar", &POLICIES.replace("resource.owner == principal", "true"));
    let begin = std::time::Instant::now();
    while live(&bench).0 != true {
        assert!(begin.elapsed().as_secs() < 10, "the edit never decided");
    }
    bench.run(&["persona", "bob", "--active", "false"]).expect(0);
    assert_eq!(live(&bench).1, "denied\nbecause subject `User::\"bob\"` is not active");
    write(&bench, "policies/orders.cedar", "permit (principal, action, resource) when { nonsense };");
    while !bench.run(&["logs", "iam"]).stdout.contains("the last good set stays in force") {
        assert!(begin.elapsed().as_secs() < 20, "the broken edit was never told");
    }
    assert!(bench.run(&["logs", "iam"]).stdout.contains("policies/orders.cedar:1:"));
}
