//! Files that mean harm end in an error, fast, whatever they are.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::manifest::{authz, render};

/// The message of the first problem of a file that must be refused at once. An optimised build needs milliseconds; the
/// limit leaves room for a busy machine, and anything that grows out of proportion goes far beyond it.
#[expect(clippy::disallowed_methods, reason = "the test measures the time that reading takes")]
fn refused(text: &str) -> String {
    let start = Instant::now();
    let problems = load(&source(text), &variables(&[])).unwrap_err();
    let shown = render(&problems, false);
    assert!(start.elapsed() < Duration::from_secs(5), "took {:?}", start.elapsed());
    assert!(shown.len() < 100_000, "the report is {} bytes long", shown.len());
    problems.iter().next().unwrap().message.clone()
}

#[test]
fn ten_megabytes_are_refused() {
    assert_eq!(refused(&"a: b\n".repeat(2 << 20)), "the file is larger than 1024 KiB");
}

#[test]
fn deep_nesting_is_refused() {
    for text in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000), "? ".repeat(100_000)] {
        let message = refused(&text);
        assert!(message.contains("nest") || message.contains("not valid YAML"), "{message}");
    }
    let chain: String = (1..5_000).map(|i| format!("k{i}: &a{i} [*a{}]\n", i - 1)).collect();
    assert_eq!(refused(&format!("k0: &a0 [x]\n{chain}")), "the file is nested too deeply");
}

#[test]
fn alias_bombs_are_refused() {
    let lines: String =
        (1..30).map(|i| format!("x-{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(","))).collect();
    assert_eq!(refused(&format!("x-0: &a0 [lol]\n{lines}")), "the file holds too many values, aliases written out");
}

#[test]
fn merge_bombs_are_refused() {
    let keys: String = (0..1_000).map(|i| format!("k{i}: 1, ")).collect();
    let merges = "  - { <<: *a }\n".repeat(40_000);
    assert_eq!(
        refused(&format!("x-a: &a {{ {keys} }}\nx-b:\n{merges}")),
        "the file holds too many values, aliases written out"
    );
    let repeated = vec!["*a"; 40_000].join(",");
    assert_eq!(
        refused(&format!("x-a: &a {{ {keys} }}\nx-b: {{ <<: [{repeated}] }}\n")),
        "the file holds too many values, aliases written out"
    );
}

#[test]
fn an_alias_to_what_it_is_in_is_refused() {
    assert_eq!(refused("services: &a { b: *a }\n"), "the alias is used within the value that it names");
}

#[test]
fn a_flood_of_mistakes_is_cut_off() {
    let keys: String = (0..20_000).map(|i| format!("unknown{i}: 1\n")).collect();
    let problems = load(&source(&keys), &variables(&[])).unwrap_err();
    assert_eq!(problems.len(), 101);
    assert!(listed(&problems).ends_with("error: 19900 more problems are not shown\n"));
    refused(&keys);
    refused(&format!("name: \"{}\"", "$ ".repeat(400_000)));
    refused(&format!("name: {}", "${A:-".repeat(100_000)));
    refused(&format!("services: {{ a: {{ image: x, ports: [{}] }} }}", vec!["1-65535"; 20_000].join(",")));
    refused(&format!("services: {{ {} }}", "a: {}, ".repeat(20_000)));
}

#[test]
fn a_long_chain_of_services_is_no_deep_recursion() {
    let chain: String =
        (0..10_000).map(|i| format!("  s{i}: {{ run: x, depends_on: [s{}] }}\n", (i + 1) % 10_000)).collect();
    assert!(refused(&format!("services:\n{chain}")).starts_with("services wait for each other: `s0` → `s1` → "));
}

const PIECES: [&str; 40] = [
    "services",
    "image",
    "a",
    ":",
    ": ",
    "\n",
    "\n  ",
    "\n    ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "\"",
    "'",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "!x ",
    "# ",
    "|\n",
    ">",
    "?",
    "$",
    "${",
    "}",
    "${DEVENV_ISSUER}",
    "${A:-",
    "ports",
    "8080:80",
    "1-9",
    "identity",
    "depends_on",
    "ready",
    "ü",
    "\u{1b}",
    "\t",
    "---\n",
];

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC*") {
        let _ = load(&source(&text), &variables(&[("A", "1")])).map_err(|problems| render(&problems, true));
        let _ = authz::parse(&source(&text));
    }

    #[test]
    fn arbitrary_pieces_of_yaml_never_panic(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60)) {
        let text = pieces.concat();
        let _ = load(&source(&text), &variables(&[("A", "1")])).map_err(|problems| render(&problems, true));
        let _ = authz::parse(&source(&text)).map(|file| authz::check(&file, &[], &BTreeMap::new()));
    }

    #[test]
    fn a_file_that_lost_some_of_its_text_never_panics(from in 0usize..2_400, length in 0usize..40) {
        let text: Vec<char> = super::examples::ORDERS.chars().collect();
        let kept = text.iter().take(from).chain(text.iter().skip(from + length)).collect::<String>();
        let _ = load(&source(&kept), &variables(&[])).map_err(|problems| render(&problems, true));
    }
}
