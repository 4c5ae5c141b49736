//! Collects the problems of one file. Must not know what the file is about.

use super::problem::{Loaded, Problem, Problems, Severity, SourceFile};
use super::suggest::did_you_mean;
use super::tree::Position;

/// Nobody reads more at once, and a hostile file must not make us write megabytes.
const MOST: usize = 100;
/// Characters of a source line that are kept for a problem.
const LONGEST_LINE: usize = 2_000;

pub(super) struct Report<'a> {
    source: &'a SourceFile,
    lines: Vec<&'a str>,
    problems: Vec<Problem>,
    /// Whether an error was found, listed or not.
    failed: bool,
    /// Problems that were found after the list was full.
    more: usize,
}

impl<'a> Report<'a> {
    pub(super) fn new(source: &'a SourceFile) -> Self {
        Self { source, lines: source.text.lines().collect(), problems: Vec::new(), failed: false, more: 0 }
    }

    pub(super) fn text(&self) -> &'a str {
        &self.source.text
    }

    pub(super) fn error(&mut self, position: Position, message: String) {
        self.add(Severity::Error, position, message, None);
    }

    pub(super) fn error_with_help(&mut self, position: Position, message: String, help: impl Into<Option<String>>) {
        self.add(Severity::Error, position, message, help.into());
    }

    pub(super) fn warning(&mut self, position: Position, message: String) {
        self.add(Severity::Warning, position, message, None);
    }

    pub(super) fn warning_with_help(&mut self, position: Position, message: String, help: impl Into<Option<String>>) {
        self.add(Severity::Warning, position, message, help.into());
    }

    /// The value with its warnings, or all problems when one of them is an error or there is no value.
    pub(super) fn conclude<T>(self, value: Option<T>) -> Result<Loaded<T>, Problems> {
        let failed = self.failed;
        let problems = self.into_problems();
        match value {
            Some(value) if !failed => Ok(Loaded { value, warnings: problems }),
            _ => Err(problems),
        }
    }

    /// ``did you mean `candidate`?``; nothing when problems are no longer listed, because it costs a comparison each.
    pub(super) fn did_you_mean<'c>(&self, word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
        if self.problems.len() >= MOST { None } else { did_you_mean(word, candidates) }
    }

    pub(super) fn into_problems(mut self) -> Problems {
        if self.more > 0 {
            let mut last = Problem::of_file(&self.source.path, format!("{} more problems are not shown", self.more));
            last.line = self.lines.len().max(1);
            last.severity = if self.failed { Severity::Error } else { Severity::Warning };
            self.problems.push(last);
        }
        Problems::new(self.problems)
    }

    fn add(&mut self, severity: Severity, position: Position, message: String, help: Option<String>) {
        self.failed |= severity == Severity::Error;
        if self.problems.len() >= MOST {
            self.more += 1;
            return;
        }
        let line = position.line.max(1);
        let text = self.lines.get(line - 1).copied().unwrap_or_default();
        let text = if line == 1 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
        let source_line: String = text.chars().take(LONGEST_LINE).collect();
        let rest = source_line.trim_end().chars().count().saturating_sub(position.column.saturating_sub(1));
        self.problems.push(Problem {
            severity,
            file: self.source.path.clone(),
            line,
            column: position.column.max(1),
            length: position.length.min(rest).max(1),
            message: shortened(&message),
            help: help.map(|help| shortened(&help)),
            source_line,
        });
    }
}

/// A value of the file within a message can be as long as the file.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 400;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
