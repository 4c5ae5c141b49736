//! What a reader does with one node: the record from which the schema is made. Must not know what the node is about.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use crate::manifest::decode::Context;
use crate::manifest::tree::{FileId, Position};

/// The place of the node that is watched; no file has so many lines.
pub(super) const TARGET: Position = Position { file: FileId(0), line: usize::MAX, column: 1, length: 1 };

/// What a reader made of the node at [`TARGET`].
#[derive(Debug, Default)]
pub(in crate::manifest) struct Seen {
    /// It looked at the node at all.
    pub(super) touched: bool,
    /// It cannot do anything with a node of this kind.
    pub(super) rejected: bool,
    /// The keys that it knows, and whether each must be there.
    pub(super) keys: Option<BTreeMap<&'static str, bool>>,
    pub(super) shape: Option<Shape>,
    /// Words that it takes beside values of the shape.
    pub(super) literals: Vec<&'static str>,
}

/// What a scalar is read as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::manifest) enum Shape {
    Text,
    Boolean,
    Duration,
    Bytes,
    Port,
    Mode,
    Number,
    OneOf(Vec<&'static str>),
}

impl Context<'_> {
    /// A value of this kind cannot be here.
    pub(in crate::manifest) fn note_rejected(&mut self, at: Position) {
        self.note(at, |seen| seen.rejected = true);
    }

    /// A text was read so. The last word counts, unless it only says that there is text.
    pub(in crate::manifest) fn note_shape(&mut self, at: Position, shape: Shape) {
        self.note(at, |seen| {
            if seen.shape.is_none() || shape != Shape::Text {
                seen.shape = Some(shape);
            }
        });
    }

    pub(in crate::manifest) fn note_literals(&mut self, at: Position, literals: &[&'static str]) {
        self.note(at, |seen| seen.literals.extend(literals));
    }

    /// Nothing else may stand there than these keys.
    pub(in crate::manifest) fn note_keys(&mut self, at: Position, known: &[&'static str], required: &[&'static str]) {
        self.note(at, |seen| {
            let keys = seen.keys.get_or_insert_default();
            for key in known {
                *keys.entry(key).or_default() |= required.contains(key);
            }
        });
    }

    fn note(&mut self, at: Position, what: impl FnOnce(&mut Seen)) {
        if let Some(seen) = self.seen.as_mut().filter(|_| at == TARGET) {
            seen.touched = true;
            what(seen);
        }
    }
}
