//! The access matrix as a file that is reviewed: who could do what, one line for each cell. Must not know where it lies.
//!
//! A line reads as a sentence (`GET /orders/{id} by bob on same-tenant: deny`), stands alone and has nothing that depends
//! on other lines, so that a change of one cell is a change of one line, and two branches that change different cells
//! merge.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::oracle::{Decision, Relation};
use crate::run::{Cell, Run};
use crate::verdict::Observed;

const HEADER: &str = "\
# Who may do what, as `devenv test` saw it. A line that changes from deny to allow is access that somebody gains:
# review it like code. Written by `devenv test --accept`; do not edit by hand.
";

/// One cell: an operation (`GET /orders/{id}`), who, and how they stand to the object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// `GET /orders/{id}`.
    pub operation: String,
    /// A persona or `anonymous`.
    pub persona: String,
    /// How they stand to the object.
    pub relation: Relation,
}

/// The recorded matrix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessLock {
    cells: BTreeMap<Key, Decision>,
}

/// A line that is no cell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not `METHOD /path by PERSONA on RELATION: allow`: `{text}`")]
pub struct LockError {
    /// Line, from 1.
    pub line: usize,
    /// The line.
    pub text: String,
}

/// What a run says about a lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Denied in the lock, allowed now: somebody gained access.
    pub widened: Vec<Key>,
    /// Allowed in the lock, denied now.
    pub narrowed: Vec<Key>,
    /// Not in the lock, with the answer now.
    pub added: Vec<(Key, Decision)>,
    /// In the lock, of operations or personas that are no more.
    pub gone: Vec<(Key, Decision)>,
}

impl Comparison {
    /// Whether the lock says exactly what the run says.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.widened.is_empty() && self.narrowed.is_empty() && self.added.is_empty() && self.gone.is_empty()
    }

    /// The changed lines as a difference: `-` and `+`, in the order of the file.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: BTreeMap<&Key, Vec<String>> = BTreeMap::new();
        let mut note = |sign: char, key, decision| {
            lines.entry(key).or_default().push(format!("{sign}{}", Line(key, decision)));
        };
        for key in &self.widened {
            note('-', key, Decision::Deny);
            note('+', key, Decision::Allow);
        }
        for key in &self.narrowed {
            note('-', key, Decision::Allow);
            note('+', key, Decision::Deny);
        }
        self.added.iter().for_each(|(key, decision)| note('+', key, *decision));
        self.gone.iter().for_each(|(key, decision)| note('-', key, *decision));
        lines.into_values().flatten().collect()
    }
}

impl AccessLock {
    /// Reads the file. Order and comments do not matter; a cell that is there twice (a careless merge) is denied when one
    /// of the lines says so.
    ///
    /// # Errors
    /// The first line that is no cell, such as the mark of a merge conflict.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let mut cells = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (key, decision) =
                cell(line).ok_or_else(|| LockError { line: index + 1, text: line.chars().take(120).collect() })?;
            let entry = cells.entry(key).or_insert(decision);
            if decision == Decision::Deny {
                *entry = Decision::Deny;
            }
        }
        Ok(Self { cells })
    }

    /// What a run knows, over what this lock says of cells that the run does not know of (another operation was asked
    /// for, nothing was proven, time was up).
    #[must_use]
    pub fn accept(&self, run: &Run) -> Self {
        let mut cells = self.cells.clone();
        for (key, _) in self.compare(run).gone {
            cells.remove(&key);
        }
        cells.extend(answers(run));
        Self { cells }
    }

    /// Holds a run against the lock.
    #[must_use]
    pub fn compare(&self, run: &Run) -> Comparison {
        let mut comparison = Comparison::default();
        for (key, answer) in answers(run) {
            match (self.cells.get(&key), answer) {
                (Some(Decision::Deny), Decision::Allow) => comparison.widened.push(key),
                (Some(Decision::Allow), Decision::Deny) => comparison.narrowed.push(key),
                (None, answer) => comparison.added.push((key, answer)),
                (Some(_), _) => {}
            }
        }
        if is_whole(run) {
            let known: BTreeSet<Key> = run.matrix.iter().map(key_of).collect();
            let gone = self.cells.iter().filter(|(key, _)| !known.contains(key));
            comparison.gone = gone.map(|(key, decision)| (key.clone(), *decision)).collect();
        }
        comparison
    }

    /// What is recorded of a cell.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<Decision> {
        self.cells.get(key).copied()
    }

    /// How many cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Nothing recorded yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }
}

impl fmt::Display for AccessLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADER)?;
        let mut operation = "";
        for (key, decision) in &self.cells {
            // An empty line between operations keeps changes of different operations apart when branches merge.
            if key.operation != operation {
                operation = &key.operation;
                f.write_str("\n")?;
            }
            writeln!(f, "{}", Line(key, *decision))?;
        }
        Ok(())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.operation, self.persona)?;
        match self.relation {
            Relation::None => Ok(()),
            relation => write!(f, " on {}", relation.as_str()),
        }
    }
}

struct Line<'a>(&'a Key, Decision);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0, self.1.as_str())
    }
}

/// What a run says of each cell: what was observed; without a request, what the policies decide.
fn answers(run: &Run) -> BTreeMap<Key, Decision> {
    run.matrix.iter().filter_map(|cell| Some((key_of(cell), answer(cell)?))).collect()
}

pub(crate) fn answer(cell: &Cell) -> Option<Decision> {
    match (cell.observed, cell.decided) {
        (Observed::Allow, _) => Some(Decision::Allow),
        (Observed::Deny, _) => Some(Decision::Deny),
        (Observed::NotRun, decided) => decided,
        (Observed::Error | Observed::Unproven, _) => None,
    }
}

pub(crate) fn key_of(cell: &Cell) -> Key {
    Key { operation: cell.operation.clone(), persona: cell.persona.clone(), relation: cell.relation }
}

/// Whether the matrix holds every cell there is.
fn is_whole(run: &Run) -> bool {
    let scope = &run.plan.scope;
    scope.operations.is_empty() && scope.personas.is_empty() && scope.only.is_empty() && scope.shard.is_none()
}

/// `METHOD /path by PERSONA[ on RELATION]: allow`. Paths may hold spaces; personas and relations do not.
fn cell(line: &str) -> Option<(Key, Decision)> {
    let (rest, answer) = line.rsplit_once(": ")?;
    let decision = match answer {
        "allow" => Decision::Allow,
        "deny" => Decision::Deny,
        _ => return None,
    };
    let (operation, who) = rest.rsplit_once(" by ")?;
    let (persona, relation) = match who.split_once(" on ") {
        Some((persona, relation)) => (persona, relation_named(relation)?),
        None => (who, Relation::None),
    };
    let is_operation =
        operation.split_once(" /").is_some_and(|(method, _)| method.chars().all(|c| c.is_ascii_uppercase()));
    if !is_operation || persona.is_empty() || persona.contains(' ') {
        return None;
    }
    Some((Key { operation: operation.to_owned(), persona: persona.to_owned(), relation }, decision))
}

fn relation_named(text: &str) -> Option<Relation> {
    [Relation::Own, Relation::SameTenant, Relation::OtherTenant].into_iter().find(|relation| relation.as_str() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(lines: &str) -> AccessLock {
        AccessLock::parse(lines).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn what_is_written_is_read_again_sorted_and_grouped_by_operation() {
        let text =
            "GET /b by bob: allow\nGET /a/{id} by bob on same-tenant: deny\nGET /a/{id} by alice on own: allow\n";
        let written = lock(text).to_string();
        let body: Vec<&str> = written.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = [
            "",
            "GET /a/{id} by alice on own: allow",
            "GET /a/{id} by bob on same-tenant: deny",
            "",
            "GET /b by bob: allow",
        ];
        assert_eq!(body, expected);
        assert_eq!(lock(&written), lock(text));
    }

    #[test]
    fn a_conflict_mark_or_a_word_that_is_no_answer_is_told_with_its_line() {
        let error = |text: &str| AccessLock::parse(text).unwrap_err().line;
        assert_eq!(error("GET /a by bob: allow\n<<<<<<< HEAD\n"), 2);
        assert_eq!(error("GET /a by bob: maybe\n"), 1);
        assert_eq!(error("GET /a by bob on somebody: allow\n"), 1);
        assert_eq!(error("by bob: allow\n"), 1);
    }

    #[test]
    fn a_cell_that_is_there_twice_after_a_merge_is_denied_when_one_says_so() {
        let both = lock("GET /a by bob: deny\nGET /a by bob: allow\n");
        assert_eq!(both, lock("GET /a by bob: deny\n"));
    }

    #[test]
    fn changes_read_as_a_difference() {
        let key = |persona: &str| Key {
            operation: "GET /a".into(),
            persona: persona.into(),
            relation: Relation::OtherTenant,
        };
        let comparison = Comparison {
            widened: vec![key("bob")],
            narrowed: vec![key("carol")],
            added: vec![(key("dave"), Decision::Deny)],
            gone: vec![(key("alice"), Decision::Allow)],
        };
        assert_eq!(
            comparison.lines(),
            [
                "-GET /a by alice on other-tenant: allow",
                "-GET /a by bob on other-tenant: deny",
                "+GET /a by bob on other-tenant: allow",
                "-GET /a by carol on other-tenant: allow",
                "+GET /a by carol on other-tenant: deny",
                "+GET /a by dave on other-tenant: deny",
            ]
        );
    }
}
