//! Guards that an edit deletes from source, by the words that common frameworks have for them. A suspicion, never a
//! proof: no language is parsed. Must not know where texts come from.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod source;
mod vocabulary;

use std::collections::{BTreeMap, BTreeSet};

use source::{Outline, outline};
use vocabulary::{LANGUAGES, Language};

/// Guards that a function had and has no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedGuard {
    /// The file, as it is called now.
    pub file: String,
    /// The function, or the route; empty for the file as a whole.
    pub function: String,
    /// Where that is now, from 1.
    pub line: usize,
    /// The deleted lines as they were, with their numbers then.
    pub deleted: Vec<(usize, String)>,
}

impl RemovedGuard {
    /// The file and what in it, without a line: the same after every other edit.
    #[must_use]
    pub fn place(&self) -> String {
        if self.function.is_empty() { self.file.clone() } else { format!("{}:{}", self.file, self.function) }
    }
}

/// Whether guards in a file are recognised. Tests guard nothing.
#[must_use]
pub fn is_source(path: &str) -> bool {
    let is_test = path.split('/').any(|part| {
        matches!(part, "test" | "tests" | "__tests__" | "spec" | "e2e")
            || part.starts_with("test_")
            || [".test.", ".spec.", "_test.", "_spec."].iter().any(|mark| part.contains(mark))
    });
    !is_test && language(path).is_some()
}

fn language(path: &str) -> Option<&'static Language> {
    LANGUAGES.iter().find(|language| language.extensions.iter().any(|extension| path.ends_with(extension)))
}

/// What an edit of one file deleted.
///
/// A function that is gone takes its guards along, and one that has as many as before is guarded otherwise. Guards on the
/// file or on a class make up for those of its functions, and the reverse.
#[must_use]
pub fn removed(path: &str, before: &str, now: &str) -> Vec<RemovedGuard> {
    let Some(language) = language(path).filter(|_| is_source(path)) else { return Vec::new() };
    let (before, now) = (outline(language, before), outline(language, now));
    let places: BTreeSet<&str> = before.guards.iter().chain(&now.guards).map(|guard| guard.function.as_str()).collect();
    let counts: Vec<(&str, usize, usize)> =
        places.into_iter().map(|place| (place, before.of(place).len(), now.of(place).len())).collect();
    let gained = |outer: bool| counts.iter().any(|(place, then, now_)| now_ > then && now.is_outer(place) == outer);
    let (outside, inside) = (gained(true), gained(false));
    let lost = |(place, then, now_): &(&str, usize, usize)| {
        let made_up = if now.is_outer(place) { inside || outside } else { outside };
        let line = now.line_of(place)?;
        (then > now_ && !made_up).then(|| RemovedGuard {
            file: path.to_owned(),
            function: (*place).to_owned(),
            line,
            deleted: deleted(&before, &now, place, then - now_),
        })
    };
    counts.iter().filter_map(lost).collect()
}

/// The guards of a function that are no more, as many as there are too few.
fn deleted(before: &Outline, now: &Outline, place: &str, count: usize) -> Vec<(usize, String)> {
    let mut still: BTreeMap<&str, usize> = BTreeMap::new();
    for guard in now.of(place) {
        *still.entry(&guard.text).or_default() += 1;
    }
    let mut gone = Vec::new();
    for guard in before.of(place) {
        match still.get_mut(guard.text.as_str()).filter(|left| **left > 0) {
            Some(left) => *left -= 1,
            None => gone.push((guard.line, guard.text.clone())),
        }
    }
    gone.truncate(count);
    gone
}

#[cfg(test)]
mod tests;
