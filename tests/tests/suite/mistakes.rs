//! Wrong files, taken ports, programs that never get ready: each says what is wrong and what to do.

use std::net::TcpListener;

use crate::program::{Bench, ports};

#[test]
fn all_mistakes_of_a_manifest_are_told_at_once_with_their_places() {
    let manifest = "name: broken\nservices:\n  api:\n    imagee: x\n    ports: [\"eighty:80\"]\n  web:\n    run: sleep 1\n    depends_on: [databse]\n  database:\n    image: postgres\nidp: { port: 99999 }\n";
    let bench = Bench::of("embedded", &[("devenv.yaml", manifest)]);
    let ran = bench.run(&["up", "-d"]).expect(2);
    for expected in
        ["devenv.yaml:4:5", "`imagee`", "image", "devenv.yaml:5:", "devenv.yaml:8:", "databse", "devenv.yaml:11:"]
    {
        assert!(ran.stderr.contains(expected), "no {expected} in:\n{}", ran.stderr);
    }
    let json = bench.run(&["up", "-d", "--format", "json"]).expect(2).json();
    let messages = json["error"]["messages"].as_array().unwrap();
    assert!(messages.len() >= 4, "{json}");
    assert!(messages.iter().all(|message| message["line"].is_u64() && message["column"].is_u64()), "{json}");
}

#[test]
fn ten_mistakes_are_ten_reports_with_places() {
    let manifest = "nmae: ten
services:
  a: { image: x, ports: [\"80800:80\"] }
  b: { image: x, restart: sometimes }
  c: { image: x, depends_on: [nobody] }
  d: { image: x, mem_limit: lots }
  e: { imagee: x, image: x }
  f: { image: x, healthcheck: { interval: soon, test: x } }
  g: { image: x, volumes: [relative/path] }
  h: { image: x, secrets: [unknown] }
idp: { port: 99999 }
";
    let bench = Bench::of("embedded", &[("devenv.yaml", manifest)]);
    let json = bench.run(&["plan", "--format", "json"]).expect(2).json();
    let messages = json["error"]["messages"].as_array().unwrap();
    let lines: Vec<u64> = messages.iter().map(|message| message["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [1, 3, 4, 5, 6, 7, 8, 9, 10, 11], "{json}");
    assert!(messages.iter().all(|message| message["column"].as_u64().unwrap() >= 1), "{json}");
    let text = bench.run(&["plan"]).expect(2).stderr;
    assert_eq!(text.matches("error: ").count(), 10, "{text}");
}

#[test]
fn a_huge_a_deep_and_an_exploding_file_are_refused_at_once() {
    let huge = format!("services:\n{}", "  a: { image: x, labels: { a: b } }   # padding\n".repeat(220_000));
    let deep = format!("services: {}x{}\n", "[".repeat(20_000), "]".repeat(20_000));
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", before.trim_end_matches(", ")));
    }
    bomb.push_str("services: *a29\n");
    assert!(huge.len() > 10_000_000);
    for (what, text) in [("huge", huge), ("deep", deep), ("bomb", bomb)] {
        let bench = Bench::of("embedded", &[("devenv.yaml", &text)]);
        // The best of three: the machine may be busy, the program is not.
        let took = (0..3).map(|_| {
            let begun = std::time::Instant::now();
            let ran = bench.run(&["config"]).expect(2);
            assert!(ran.stderr.contains("error: "), "{what}: {}", ran.stderr);
            assert!(ran.stderr.len() < 100_000, "{what}: {} bytes", ran.stderr.len());
            begun.elapsed()
        });
        let best = took.min().unwrap();
        assert!(best.as_millis() < 1_000, "{what} took {best:?}");
    }
}

#[test]
fn a_directory_without_a_manifest_says_so() {
    let bench = Bench::of("embedded", &[("README.md", "nothing")]);
    let ran = bench.run(&["up", "-d"]).expect(2);
    assert!(ran.stderr.contains("no devenv.yaml or compose.yaml in") && ran.stderr.contains("--dir"), "{}", ran.stderr);
}

#[test]
fn a_wrong_rule_is_told_with_its_place() {
    let bench = Bench::of(
        "embedded",
        &[
            ("devenv.yaml", "services: { api: { run: sleep 1, ports: [\"18080:18080\"] } }\ntests: authz.yaml\n"),
            ("authz.yaml", "api: { openapi: openapi.yaml }\nrules:\n  listOrder: { allow: [authenticated] }\n"),
            (
                "openapi.yaml",
                "openapi: 3.1.0\ninfo: { title: t, version: '1' }\npaths: { /orders: { get: { operationId: listOrders, responses: {} } } }\n",
            ),
        ],
    );
    let ran = bench.run(&["test"]).expect(2);
    assert!(ran.stderr.contains("authz.yaml:3:3") && ran.stderr.contains("listOrders"), "{}", ran.stderr);
}

#[test]
fn a_taken_port_names_its_holder() {
    let _ports = ports();
    let holder = TcpListener::bind("127.0.0.1:9410").unwrap();
    let bench = Bench::orders("embedded");
    let ran = bench.run(&["up", "-d"]).expect(3);
    let own = format!("pid {}", std::process::id());
    assert!(ran.stderr.contains("port 9410") && ran.stderr.contains(&own), "{}", ran.stderr);
    drop(holder);
    bench.run(&["up", "-d"]).expect(0);
}

#[test]
fn a_service_that_never_gets_ready_shows_its_last_lines() {
    let manifest = "services:\n  api:\n    run: [sh, -c, 'for i in $$(seq 30); do echo line $$i; done; exit 7']\n    ports: [\"18081:18081\"]\n    ready: { tcp: 18081 }\n";
    let bench = Bench::of("embedded", &[("devenv.yaml", manifest)]);
    let ran = bench.run(&["up", "-d"]).expect(3);
    assert!(ran.stderr.contains("`api` ended with exit code 7"), "{}", ran.stderr);
    assert!(ran.stderr.contains("line 30") && ran.stderr.contains("line 11"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("line 10\n"), "more than twenty lines:\n{}", ran.stderr);
}

#[test]
fn an_image_cannot_run_embedded_and_the_error_says_what_to_do() {
    let bench = Bench::of("embedded", &[("devenv.yaml", "services: { db: { image: postgres } }\n")]);
    let ran = bench.run(&["up", "-d"]).expect(2);
    assert!(
        ran.stderr.contains("service `db`: `image:` cannot run") && ran.stderr.contains("--engine docker"),
        "{}",
        ran.stderr
    );
}
