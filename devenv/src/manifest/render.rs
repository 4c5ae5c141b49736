//! Problems as text for people and as JSON for programs. Must not know where they came from.

use std::fmt::Write as _;

use super::problem::{Problem, Problems, Severity};

/// Characters of a source line that are shown; a longer line is cut around the place that is meant.
const SHOWN: usize = 120;

/// Each problem with its place, its source line and its help; a count at the end.
pub fn render(problems: &Problems, colour: bool) -> String {
    let paint = Paint { colour };
    let mut out = String::new();
    for problem in problems {
        render_problem(&mut out, problem, &paint);
        out.push('\n');
    }
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let warnings = problems.len() - errors;
    let counts: Vec<String> = [(errors, "error"), (warnings, "warning")]
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}{}", if *count == 1 { "" } else { "s" }))
        .collect();
    if !counts.is_empty() {
        let _ = writeln!(out, "{}", counts.join(", "));
    }
    out
}

/// An array with the stable fields `file`, `line`, `column`, `severity`, `message` and `help` (text or null).
pub fn to_json(problems: &Problems) -> serde_json::Value {
    problems
        .iter()
        .map(|problem| {
            serde_json::json!({
                "file": problem.file.display().to_string(),
                "line": problem.line,
                "column": problem.column,
                "severity": problem.severity.name(),
                "message": problem.message,
                "help": problem.help,
            })
        })
        .collect()
}

fn render_problem(out: &mut String, problem: &Problem, paint: &Paint) {
    let title = match problem.severity {
        Severity::Error => paint.red("error"),
        Severity::Warning => paint.yellow("warning"),
    };
    let margin = " ".repeat(problem.line.to_string().len());
    let _ = writeln!(out, "{title}: {}", paint.bold(&printable(&problem.message)));
    let place = format!("{}:{}:{}", printable(&problem.file.display().to_string()), problem.line, problem.column);
    let _ = writeln!(out, "{margin}{} {place}", paint.blue("-->"));
    if let Some((line, start, length)) = shown(problem) {
        let bar = paint.blue("|");
        let _ = writeln!(out, "{margin} {bar}");
        let _ = writeln!(out, "{} {bar} {line}", paint.blue(&problem.line.to_string()));
        let marks = "^".repeat(length);
        let marks = match problem.severity {
            Severity::Error => paint.red(&marks),
            Severity::Warning => paint.yellow(&marks),
        };
        let _ = writeln!(out, "{margin} {bar} {}{marks}", " ".repeat(start));
    }
    if let Some(help) = &problem.help {
        let _ = writeln!(out, "{margin} {} {} {}", paint.blue("="), paint.bold("help:"), printable(help));
    }
}

/// The part of the source line around the place, where the marks start in it, and how many there are.
fn shown(problem: &Problem) -> Option<(String, usize, usize)> {
    if problem.source_line.is_empty() {
        return None;
    }
    let column = problem.column.saturating_sub(1);
    let skipped = if column + 20 > SHOWN { column.saturating_sub(SHOWN / 2) } else { 0 };
    let line: String = printable(&problem.source_line).chars().skip(skipped).take(SHOWN).collect();
    let width = line.chars().count();
    let start = (column - skipped).min(width);
    let length = problem.length.min((width - start).max(1)).max(1);
    Some((line.trim_end().to_owned(), start, length))
}

/// The text without characters that a terminal obeys: a file must not be able to paint our output.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            c if c.is_control() || is_bidirectional_control(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// Characters that reorder what follows on a screen (the "Trojan Source" trick).
fn is_bidirectional_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

struct Paint {
    colour: bool,
}

impl Paint {
    fn red(&self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    fn yellow(&self, text: &str) -> String {
        self.wrap("1;33", text)
    }

    fn blue(&self, text: &str) -> String {
        self.wrap("1;34", text)
    }

    fn bold(&self, text: &str) -> String {
        self.wrap("1", text)
    }

    fn wrap(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
