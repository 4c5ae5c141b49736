//! Collects the problems of one manifest and the files that it pulls in. Must not know what the file is about.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::problem::{Loaded, Problem, Problems, Severity, SourceFile};
use super::suggest::did_you_mean;
use super::tree::{FileId, Position};

/// Nobody reads more at once, and a hostile file must not make us write megabytes.
const MOST: usize = 100;
/// Characters of a source line that are kept for a problem.
const LONGEST_LINE: usize = 2_000;

pub(super) struct Report {
    files: Vec<Text>,
    problems: Vec<Problem>,
    /// Whether an error was found, listed or not.
    failed: bool,
    /// Problems that were found after the list was full.
    more: usize,
}

/// A file whose lines problems show.
struct Text {
    path: PathBuf,
    text: Arc<str>,
    lines: Vec<Range<usize>>,
}

impl Text {
    fn new(source: &SourceFile) -> Self {
        let text: Arc<str> = source.text.as_str().into();
        let start = text.as_ptr().addr();
        let range = |line: &str| {
            let from = line.as_ptr().addr() - start;
            from..from + line.len()
        };
        let lines = text.lines().map(range).collect();
        Self { path: source.path.clone(), text, lines }
    }

    fn line(&self, number: usize) -> &str {
        let line = number.checked_sub(1).and_then(|index| self.lines.get(index));
        let line = line.and_then(|range| self.text.get(range.clone())).unwrap_or_default();
        if number == 1 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line }
    }
}

impl Report {
    pub(super) fn new(source: &SourceFile) -> Self {
        Self { files: vec![Text::new(source)], problems: Vec::new(), failed: false, more: 0 }
    }

    /// Another file in which problems may be.
    pub(super) fn add_file(&mut self, source: &SourceFile) -> FileId {
        let id = u16::try_from(self.files.len()).unwrap_or(u16::MAX);
        self.files.push(Text::new(source));
        FileId(id)
    }

    pub(super) fn text(&self, file: FileId) -> Arc<str> {
        self.file(file).map(|file| Arc::clone(&file.text)).unwrap_or_default()
    }

    /// The paths of all files, in their order.
    pub(super) fn paths(&self) -> Vec<std::path::PathBuf> {
        self.files.iter().map(|file| file.path.clone()).collect()
    }

    /// How many files there are so far.
    pub(super) fn files(&self) -> usize {
        self.files.len()
    }

    fn file(&self, file: FileId) -> Option<&Text> {
        self.files.get(usize::from(file.0))
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
            let path = self.files.first().map(|file| file.path.clone()).unwrap_or_default();
            let mut last = Problem::of_file(&path, format!("{} more problems are not shown", self.more));
            last.line = self.files.first().map_or(1, |file| file.lines.len().max(1));
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
        let file = self.file(position.file);
        let text = file.map(|file| file.line(line)).unwrap_or_default();
        let path = file.map(|file| file.path.clone()).unwrap_or_default();
        let source_line: String = text.chars().take(LONGEST_LINE).collect();
        let rest = source_line.trim_end().chars().count().saturating_sub(position.column.saturating_sub(1));
        self.problems.push(Problem {
            severity,
            file: path,
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
