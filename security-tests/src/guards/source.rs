//! Functions and guards of a source text, line by line. Must not know what was there before.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::vocabulary::{IMPORTS, Language, MAKES};

/// A line with a guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Guard {
    /// What it guards; empty for the file.
    pub(super) function: String,
    /// From 1.
    pub(super) line: usize,
    /// Without the spaces around it.
    pub(super) text: String,
}

/// Functions and guards of a text.
#[derive(Debug, Default)]
pub(super) struct Outline {
    pub(super) guards: Vec<Guard>,
    /// Each with its first line, and whether it holds others.
    functions: BTreeMap<String, (usize, bool)>,
}

impl Outline {
    pub(super) fn of(&self, function: &str) -> Vec<&Guard> {
        self.guards.iter().filter(|guard| guard.function == function).collect()
    }

    /// The line of a function that is there; the first one for the file.
    pub(super) fn line_of(&self, function: &str) -> Option<usize> {
        if function.is_empty() { Some(1) } else { self.functions.get(function).map(|(line, _)| *line) }
    }

    /// Whether it is the file, or holds functions.
    pub(super) fn is_outer(&self, function: &str) -> bool {
        function.is_empty() || self.functions.get(function).is_some_and(|(_, outer)| *outer)
    }
}

/// A function, a class or a route.
struct Declared {
    line: usize,
    indent: usize,
    name: String,
}

pub(super) fn outline(language: &Language, text: &str) -> Outline {
    let mut outline = Outline::default();
    let mut declared: Vec<Declared> = Vec::new();
    // Guards that wait for the function that they belong to.
    let mut waiting: Vec<(usize, String)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let (trimmed, number) = (line.trim(), at + 1);
        let indent = line.len() - line.trim_start().len();
        if is_nothing(language, trimmed) {
            continue;
        }
        // `[Authorize] public Order Read(long id) {` goes on.
        let announces = language.before.iter().any(|guard| trimmed.starts_with(guard));
        if announces {
            waiting.push((number, trimmed.to_owned()));
        }
        if let Some((name, outer)) = declaration(language, trimmed) {
            outline.functions.entry(name.clone()).or_insert((number, outer));
            let guards = waiting.drain(..).map(|(line, text)| Guard { function: name.clone(), line, text });
            outline.guards.extend(guards);
            declared.push(Declared { line: number, indent, name });
        }
        if !announces && language.within.iter().any(|guard| mentions(trimmed, guard)) {
            let holds = |declared: &&Declared| declared.line == number || declared.indent < indent;
            let function = declared.iter().rev().find(holds).map_or_else(String::new, |known| known.name.clone());
            outline.guards.push(Guard { function, line: number, text: trimmed.to_owned() });
        }
    }
    outline
}

/// Empty lines, comments, and lines that bring names in.
fn is_nothing(language: &Language, line: &str) -> bool {
    let is_comment = language.comments.iter().any(|comment| line.starts_with(comment)) && !line.starts_with("#[");
    line.is_empty() || is_comment || IMPORTS.iter().any(|word| line.starts_with(word)) || line.contains("= require(")
}

/// Whether a line uses a guard: the word begins there, and is not the name of something new.
fn mentions(line: &str, guard: &str) -> bool {
    line.match_indices(guard).any(|(at, _)| {
        let before = line.get(..at).unwrap_or_default();
        let begins = !guard.starts_with(is_name) || !before.ends_with(is_name);
        let makes = before.split_whitespace().next_back().is_some_and(|word| MAKES.contains(&word));
        begins && !(makes && before.ends_with(' '))
    })
}

/// The name of what a line declares, and whether it holds functions.
fn declaration(language: &Language, line: &str) -> Option<(String, bool)> {
    let named = |words: &[&str]| words.iter().find_map(|word| after_word(line, word));
    if let Some(name) = named(language.holders) {
        return Some((name, true));
    }
    let function = named(language.functions).or_else(|| bare_function(line).filter(|_| language.bare_functions));
    let route = || route(line).filter(|_| language.routes);
    function.map(|name| (name, false)).or_else(|| route().map(|name| (name.clone(), name.starts_with("use "))))
}

/// `fn read(` → `read`; also `func (s *Server) Read(`.
fn after_word(line: &str, word: &str) -> Option<String> {
    // Only modifiers come before: in `-> Result<impl Reply, Error>` nothing is declared.
    let modifies = |c: char| is_name(c) || c == ' ' || c == '@';
    let mut words = line.match_indices(word).filter(|(at, _)| {
        let (before, after) = (line.get(..*at).unwrap_or_default(), line.get(at + word.len()..).unwrap_or_default());
        let modifiers = before.replace("pub(crate)", "").replace("pub(super)", "");
        !before.ends_with(is_name) && after.starts_with([' ', '\t']) && modifiers.chars().all(modifies)
    });
    let (at, _) = words.next()?;
    let after = line.get(at + word.len()..)?.trim_start();
    let receiver = after.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let name: String =
        receiver.map_or(after, |(_, rest)| rest.trim_start()).chars().take_while(|c| is_name(*c)).collect();
    (!name.is_empty()).then_some(name)
}

/// `public Order read(long id) {` or `read(id: number) {` → `read`.
fn bare_function(line: &str) -> Option<String> {
    const STATEMENTS: &[&str] = &[
        "if", "for", "while", "switch", "catch", "return", "new", "throw", "await", "else", "do", "using", "lock",
        "when", "yield", "assert", "super", "this", "typeof", "case",
    ];
    // Attributes on the same line.
    let line = if line.starts_with('[') { line.split_once("] ").map_or(line, |(_, rest)| rest) } else { line };
    let (head, _) = line.split_once('(')?;
    let written = |c: char| is_name(c) || " <>,?[]".contains(c);
    if !head.starts_with(is_name) || !head.chars().all(written) {
        return None;
    }
    let start = head.rfind(|c| !is_name(c)).map_or(0, |at| at + 1);
    let (typed, name) = head.split_at_checked(start)?;
    let first = head.split([' ', '<']).next().unwrap_or_default();
    let opens = line.ends_with('{') || (!typed.trim().is_empty() && !line.ends_with(';'));
    (opens && !name.is_empty() && !STATEMENTS.contains(&first)).then(|| name.to_owned())
}

/// `router.get('/orders', …)` → `get /orders`.
fn route(line: &str) -> Option<String> {
    line.match_indices('(').find_map(|(at, _)| {
        let after = line.get(at + 1..)?.trim_start();
        let path = after.strip_prefix(['"', '\'', '`'])?.split(['"', '\'', '`']).next()?;
        let before = line.get(..at)?;
        let start = before.rfind(|c| !is_name(c)).map_or(0, |at| at + 1);
        let method = before.get(start..)?;
        let called = before.get(..start).is_some_and(|before| before.ends_with(['.', ':', '>']));
        (path.starts_with('/') && !method.is_empty() && called).then(|| format!("{} {path}", method.to_lowercase()))
    })
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}
