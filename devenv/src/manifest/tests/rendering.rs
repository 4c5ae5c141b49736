//! Problems as people and programs see them.

use super::*;
use crate::manifest::{Problem, render, to_json};

#[test]
fn a_problem_shows_its_line_and_what_to_do() {
    let problems =
        load(&source("services:\n  api:\n    imgae: postgres\n    image: x\n"), &variables(&[])).unwrap_err();
    assert_eq!(
        render(&problems, false),
        "\
error: unknown key `imgae`
 --> devenv.yaml:3:5
  |
3 |     imgae: postgres
  |     ^^^^^
  = help: did you mean `image`?

1 error
"
    );
    assert_eq!(problems.to_string(), render(&problems, false).trim_end());
    let coloured = render(&problems, true);
    assert!(coloured.starts_with("\u{1b}[1;31merror\u{1b}[0m: "), "{coloured:?}");
}

#[test]
fn warnings_are_counted_apart() {
    let warnings = load(&source("version: '3'\nservices: { a: { image: $X } }\n"), &variables(&[])).unwrap_err();
    assert!(render(&warnings, false).ends_with("\n1 error, 2 warnings\n"), "{warnings}");
}

#[test]
fn json_has_stable_fields() {
    let problems = load(&source("nmae: x\n"), &variables(&[])).unwrap_err();
    assert_eq!(
        to_json(&problems),
        serde_json::json!([{
            "file": "devenv.yaml", "line": 1, "column": 1, "severity": "error",
            "message": "unknown key `nmae`", "help": "did you mean `name`?",
        }])
    );
}

#[test]
fn a_file_cannot_paint_the_terminal() {
    let problems = load(&source("name: \"\\e[2Jx\" # \u{202e}\n"), &variables(&[])).unwrap_err();
    let shown = render(&problems, false);
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown:?}");
}

#[test]
fn a_long_line_is_cut_around_the_place() {
    let text = format!("x-a: {{ {} }}\nservices: {{ {}imgae: 1 }}\n", "k: 1", " ".repeat(300));
    let problems = load(&source(&text), &variables(&[])).unwrap_err();
    let shown = render(&problems, false);
    assert!(shown.lines().all(|line| line.chars().count() < 130), "{shown}");
    let lines: Vec<&str> = shown.lines().collect();
    let start = lines[4].find('^').unwrap();
    assert_eq!(lines[3].get(start..start + 1), Some("1"), "{shown}");
}

#[test]
fn a_problem_without_a_line_shows_none() {
    let problem = Problem::of_file("authz.yaml".as_ref(), "the file cannot be read");
    assert_eq!(render(&problem.into(), false), "error: the file cannot be read\n --> authz.yaml:1:1\n\n1 error\n");
}
