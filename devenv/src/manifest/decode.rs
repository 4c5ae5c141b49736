//! Reads values out of nodes; a value that is wrong becomes a problem and reading goes on. Must not know sections.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::compose::{Files, NoFiles};
use super::interpolate::reserved_names;
use super::model::Port;
use super::problem::SourceFile;
use super::report::Report;
use super::scalars;
use super::schema::{Seen, Shape};
use super::tree::{Entry, Node, Position, Value};

/// What reading a file gathers besides its values.
pub(super) struct Context<'a> {
    pub(super) report: Report,
    pub(super) variables: &'a BTreeMap<String, String>,
    pub(super) files: &'a dyn Files,
    /// `${DEVENV_…}` variables.
    pub(super) references: Vec<Reference>,
    /// The service that is being read.
    pub(super) service: Option<String>,
    pub(super) published: Vec<Published>,
    /// What is done with one node that is watched, when a schema is made.
    pub(super) seen: Option<Seen>,
}

/// The use of a `${DEVENV_…}` variable.
pub(super) struct Reference {
    /// Of the text that holds it.
    pub(super) position: Position,
    pub(super) variable: String,
    /// The service whose text it is.
    pub(super) service: Option<String>,
}

/// A port of the host that a service asks for.
pub(super) struct Published {
    pub(super) service: String,
    pub(super) part: Part,
    pub(super) port: Port,
    pub(super) position: Position,
}

/// Which part of a service is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Base,
    Docker,
    Embedded,
}

impl<'a> Context<'a> {
    pub(super) fn new(source: &'a SourceFile, variables: &'a BTreeMap<String, String>) -> Self {
        let report = Report::new(source);
        Self {
            report,
            variables,
            files: &NoFiles,
            references: Vec::new(),
            service: None,
            published: Vec::new(),
            seen: None,
        }
    }

    pub(super) fn error(&mut self, position: Position, message: impl Into<String>) {
        self.report.error(position, message.into());
    }

    pub(super) fn error_with_help(
        &mut self,
        position: Position,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        self.report.error_with_help(position, message.into(), help);
    }

    /// A problem with a node that can be nothing of its kind here: `expected` says what it could be.
    pub(super) fn wrong_kind(&mut self, node: &Node, expected: &str) {
        self.note_rejected(node.position);
        self.error(node.position, format!("{expected}{}", node.kind()));
    }

    /// Whether a text is one of a few words that stand beside what it usually is.
    pub(super) fn literal(&mut self, node: &Node, literals: &[&'static str]) -> bool {
        self.note_literals(node.position, literals);
        node.text().is_some_and(|text| literals.contains(&text))
    }

    /// A text without variables that are resolved later.
    pub(super) fn text(&mut self, node: &Node) -> Option<String> {
        let text = self.scalar(node)?;
        if let Some(name) = reserved_names(text).next() {
            self.error_with_help(
                node.position,
                format!("`${{{name}}}` is not known here"),
                "such variables belong in `environment`, `command`, `entrypoint`, `run` and the `content` of configs"
                    .to_owned(),
            );
            return None;
        }
        Some(text.to_owned())
    }

    /// A text that may hold variables that are resolved later.
    pub(super) fn template(&mut self, node: &Node) -> Option<String> {
        let text = self.scalar(node)?;
        for name in reserved_names(text) {
            self.refer(node.position, name);
        }
        Some(text.to_owned())
    }

    /// Notes the use of a variable that is resolved later.
    pub(super) fn refer(&mut self, position: Position, variable: &str) {
        let reference = Reference { position, variable: variable.to_owned(), service: self.service.clone() };
        self.references.push(reference);
    }

    /// A text that is not empty.
    pub(super) fn word(&mut self, node: &Node) -> Option<String> {
        let text = self.text(node)?;
        if text.is_empty() {
            self.error(node.position, "expected text, found an empty one");
            return None;
        }
        Some(text)
    }

    pub(super) fn path(&mut self, node: &Node) -> Option<PathBuf> {
        self.word(node).map(PathBuf::from)
    }

    pub(super) fn boolean(&mut self, node: &Node) -> Option<bool> {
        self.parsed(node, Shape::Boolean, scalars::boolean, "`true` or `false`")
    }

    pub(super) fn duration(&mut self, node: &Node) -> Option<Duration> {
        self.parsed(node, Shape::Duration, scalars::duration, "a duration such as `1m30s`")
    }

    pub(super) fn bytes(&mut self, node: &Node) -> Option<u64> {
        self.parsed(node, Shape::Bytes, scalars::bytes, "a size such as `64m`")
    }

    pub(super) fn port(&mut self, node: &Node) -> Option<u16> {
        self.parsed(node, Shape::Port, scalars::port, "a port from 1 to 65535")
    }

    pub(super) fn mode(&mut self, node: &Node) -> Option<u32> {
        self.parsed(node, Shape::Mode, scalars::mode, "a file mode in octal such as `0440`")
    }

    pub(super) fn number<T: std::str::FromStr>(&mut self, node: &Node) -> Option<T> {
        self.parsed(node, Shape::Number, |text| text.parse().ok(), "a whole number")
    }

    /// One of a few words, with a suggestion when it is none of them.
    pub(super) fn choice<T: Copy>(&mut self, node: &Node, choices: &[(&'static str, T)]) -> Option<T> {
        self.note_shape(node.position, Shape::OneOf(choices.iter().map(|(word, _)| *word).collect()));
        let text = self.text(node)?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let help = self.report.did_you_mean(&text, words.iter().copied());
        self.error_with_help(node.position, format!("expected {}, found `{text}`", one_of(&words)), help);
        None
    }

    /// The items of a list; a problem for anything else.
    pub(super) fn items<'n>(&mut self, node: &'n Node) -> &'n [Arc<Node>] {
        match &node.value {
            Value::List(items) => items,
            Value::Null => &[],
            Value::Scalar(_) | Value::Map(_) => {
                self.wrong_kind(node, "expected a list, found ");
                &[]
            }
        }
    }

    /// The entries of a mapping; a problem for anything else.
    pub(super) fn entries<'n>(&mut self, node: &'n Node) -> &'n [Entry] {
        match &node.value {
            Value::Map(_) | Value::Null => node.entries(),
            Value::Scalar(_) | Value::List(_) => {
                self.wrong_kind(node, "expected a mapping, found ");
                &[]
            }
        }
    }

    /// Each item of a list, read by `read`.
    pub(super) fn list<T>(&mut self, node: &Node, read: impl Fn(&mut Self, &Node) -> Option<T>) -> Vec<T> {
        self.items(node).iter().filter_map(|item| read(self, item)).collect()
    }

    /// The same, where one item may stand without a list.
    pub(super) fn one_or_list<T>(&mut self, node: &Node, read: impl Fn(&mut Self, &Node) -> Option<T>) -> Vec<T> {
        match node.value {
            Value::Scalar(_) => read(self, node).into_iter().collect(),
            Value::Null | Value::List(_) | Value::Map(_) => self.list(node, read),
        }
    }

    /// The entries of a section of Compose by name, each read by `read`; keys that begin with `x-` are extensions.
    pub(super) fn named<T>(
        &mut self,
        node: &Node,
        read: impl Fn(&mut Self, &Entry) -> Option<T>,
    ) -> BTreeMap<String, T> {
        self.all_named(node, |context, entry| if is_extension(&entry.key) { None } else { read(context, entry) })
    }

    /// The same for a section of ours: there, `x-ray` may be anybody's name.
    pub(super) fn all_named<T>(
        &mut self,
        node: &Node,
        read: impl Fn(&mut Self, &Entry) -> Option<T>,
    ) -> BTreeMap<String, T> {
        self.entries(node).iter().filter_map(|entry| Some((entry.key.clone(), read(self, entry)?))).collect()
    }

    fn scalar<'n>(&mut self, node: &'n Node) -> Option<&'n str> {
        let text = node.text();
        if text.is_none() {
            self.wrong_kind(node, "expected text, found ");
        }
        self.note_shape(node.position, Shape::Text);
        text
    }

    fn parsed<T>(&mut self, node: &Node, shape: Shape, parse: impl Fn(&str) -> Option<T>, expected: &str) -> Option<T> {
        let Value::Scalar(_) = node.value else {
            self.wrong_kind(node, &format!("expected {expected}, found "));
            return None;
        };
        self.note_shape(node.position, shape);
        let text = self.text(node)?;
        let value = parse(&text);
        if value.is_none() {
            self.error(node.position, format!("expected {expected}, found `{text}`"));
        }
        value
    }
}

/// The keys of one mapping. Each key that is asked for is known; `finish` reports the others.
pub(super) struct Fields<'n> {
    node: &'n Node,
    known: Vec<&'static str>,
    required: Vec<&'static str>,
    /// Valid keys of Compose that we have no place for.
    unsupported: &'static [&'static str],
}

impl<'n> Fields<'n> {
    /// `None` after a problem when the node is no mapping.
    pub(super) fn of(context: &mut Context<'_>, node: &'n Node, what: &str) -> Option<Self> {
        match node.value {
            Value::Map(_) => Some(Self { node, known: Vec::new(), required: Vec::new(), unsupported: &[] }),
            Value::Null | Value::Scalar(_) | Value::List(_) => {
                context.wrong_kind(node, &format!("{what} must be a mapping, not "));
                None
            }
        }
    }

    pub(super) fn with_unsupported(self, unsupported: &'static [&'static str]) -> Self {
        Self { unsupported, ..self }
    }

    /// The value of a key, unless it is null.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'n Node> {
        self.take_even_null(key).filter(|node| !node.is_null())
    }

    pub(super) fn take_even_null(&mut self, key: &'static str) -> Option<&'n Node> {
        self.known.push(key);
        self.node.get(key)
    }

    /// The value of a key that must be there.
    pub(super) fn require(&mut self, context: &mut Context<'_>, key: &'static str, at: Position) -> Option<&'n Node> {
        self.required.push(key);
        let value = self.take(key);
        if value.is_none() {
            if let Some(nothing) = self.node.get(key) {
                context.note_rejected(nothing.position);
            }
            context.error(at, format!("the key `{key}` is missing"));
        }
        value
    }

    /// Where a key is.
    pub(super) fn position(&self, key: &str) -> Position {
        self.node.entry(key).map_or(self.node.position, |entry| entry.position)
    }

    pub(super) fn finish(self, context: &mut Context<'_>) {
        context.note_keys(self.node.position, &self.known, &self.required);
        for entry in self.node.entries() {
            let key = entry.key.as_str();
            if self.known.contains(&key) || is_extension(key) {
                continue;
            }
            if self.unsupported.contains(&key) {
                let message = format!("`{key}` is a Compose key that devenv does not support yet");
                context.error(entry.position, message);
                continue;
            }
            let help = context
                .report
                .did_you_mean(key, self.known.iter().chain(self.unsupported).copied())
                .or_else(|| (self.known.len() <= 8).then(|| format!("known here: {}", quoted(&self.known, ", "))));
            context.error_with_help(entry.position, format!("unknown key `{key}`"), help);
        }
    }
}

/// Compose: anybody may put anything under a key that begins so.
pub(super) fn is_extension(key: &str) -> bool {
    key.starts_with("x-")
}

/// `` `a`, `b` or `c` ``.
pub(super) fn one_of(words: &[&str]) -> String {
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or `{last}`", quoted(rest, ", ")),
        Some((last, _)) => format!("`{last}`"),
        None => String::new(),
    }
}

fn quoted(words: &[&str], separator: &str) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(separator)
}
