//! YAML text to a tree of nodes: merge keys resolved, variables replaced, duplicate keys and hostile sizes refused.
//!
//! Built on the events of the YAML parser instead of `serde`, which stops at the first mistake. Must not know what a
//! document is about.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, Span, Tag};

use super::interpolate::{Finding, Issue, interpolate};
use super::report::Report;
use super::tree::{Entry, FileId, Map, Node, Overlay, Position, Scalar, Value};

/// A configuration file is smaller by two orders of magnitude.
const MOST_BYTES: usize = 1 << 20;
/// Nesting, aliases included; recursion over the tree is safe below.
const DEEPEST: usize = 64;
/// Nodes after all aliases and merges are written out: what an alias bomb multiplies.
const MOST_NODES: usize = 100_000;

/// The document, or `None` after a problem that leaves nothing to look at. Without `variables`, `$` is a plain letter.
pub(super) fn parse(
    report: &mut Report,
    file: FileId,
    variables: Option<&BTreeMap<String, String>>,
) -> Option<Arc<Node>> {
    let start = Position { file, line: 1, column: 1, length: 1 };
    let whole = report.text(file);
    let text = &*whole;
    if text.len() > MOST_BYTES {
        report.error(start, format!("the file is larger than {} KiB", MOST_BYTES / 1024));
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut options = Options::default();
    options.flow_nesting_limit = DEEPEST;
    options.block_nesting_limit = DEEPEST;
    options.set_emit_comments(false);
    let mut builder =
        Builder { report, file, source: text, variables, stack: Vec::new(), anchors: HashMap::new(), root: None };
    let mut documents = 0;
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = match next {
            Ok(next) => next,
            Err(error) => {
                let position =
                    Position { file, line: error.marker().line(), column: error.marker().col() + 1, length: 1 };
                builder.report.error(position, format!("the file is not valid YAML: {}", lower_first(&error.info())));
                return None;
            }
        };
        if let Event::DocumentStart(..) = event {
            documents += 1;
            if documents > 1 {
                builder.report.error(position_of(file, &span), "the file holds more than one YAML document".to_owned());
                return None;
            }
        }
        if let Err(Refused(position, message)) = builder.on_event(event, &span) {
            builder.report.error(position, message.to_owned());
            return None;
        }
    }
    let root = builder.root.take();
    match root {
        Some(built) if !built.node.is_null() => Some(built.node),
        _ => {
            report.error(start, "the file is empty".to_owned());
            None
        }
    }
}

/// The document is not looked at any further.
struct Refused(Position, &'static str);

/// A node and what it would be with all aliases written out.
#[derive(Clone)]
struct Built {
    node: Arc<Node>,
    nodes: usize,
    depth: usize,
}

enum Open {
    List(Vec<Arc<Node>>),
    Map { entries: Vec<Entry>, key: Option<Key>, merges: Vec<(Position, Arc<Node>)> },
}

struct Key {
    /// `None`: not a text, reported, its value is left out.
    text: Option<String>,
    plain: bool,
    position: Position,
}

struct Frame {
    open: Open,
    position: Position,
    overlay: Overlay,
    anchor: usize,
    nodes: usize,
    depth: usize,
}

struct Builder<'r, 'v> {
    report: &'r mut Report,
    file: FileId,
    source: &'v str,
    variables: Option<&'v BTreeMap<String, String>>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Built>,
    root: Option<Built>,
}

impl Builder<'_, '_> {
    fn on_event(&mut self, event: Event<'_>, span: &Span) -> Result<(), Refused> {
        let position = position_of(self.file, span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let (text_tag, overlay) = self.check_tag(tag.as_deref(), position);
                self.scalar(ScalarEvent { text, style, text_tag, overlay, span }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                let (_, overlay) = self.check_tag(tag.as_deref(), position);
                self.open(Open::List(Vec::new()), (position, overlay), anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                let (_, overlay) = self.check_tag(tag.as_deref(), position);
                let open = Open::Map { entries: Vec::new(), key: None, merges: Vec::new() };
                self.open(open, (position, overlay), anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(id) => match self.anchors.get(&id).cloned() {
                Some(built) => self.push(built, position),
                None => Err(Refused(position, "the alias is used within the value that it names")),
            },
            _ => Ok(()),
        }
    }

    fn open(&mut self, open: Open, (position, overlay): (Position, Overlay), anchor: usize) -> Result<(), Refused> {
        if self.stack.len() >= DEEPEST {
            return Err(Refused(position, TOO_DEEP));
        }
        self.stack.push(Frame { open, position, overlay, anchor, nodes: 1, depth: 1 });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Refused> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let Frame { open, position, overlay, anchor, mut nodes, depth } = frame;
        let value = match open {
            Open::List(items) => Value::List(items),
            Open::Map { mut entries, merges, .. } => {
                let merged: usize = merges.iter().map(|(_, node)| merge_cost(node)).sum();
                if merged > MOST_NODES {
                    return Err(Refused(position, TOO_LARGE));
                }
                merge(self.report, &mut entries, &merges);
                nodes = nodes.saturating_add(merged);
                Value::Map(Map::new(entries))
            }
        };
        self.finish(Built { node: Arc::new(Node { position, value, overlay }), nodes, depth }, anchor, position)
    }

    fn scalar(&mut self, event: ScalarEvent<'_>, anchor: usize) -> Result<(), Refused> {
        let position = position_of(self.file, event.span);
        let plain = event.style == ScalarStyle::Plain && !event.text_tag;
        let value = if plain && matches!(&*event.text, "" | "~" | "null" | "Null" | "NULL") {
            Value::Null
        } else if self.expects_key() {
            Value::Scalar(Scalar { text: event.text.into_owned(), plain })
        } else {
            Value::Scalar(Scalar { text: self.interpolated(&event), plain })
        };
        let node = Node { position, value, overlay: event.overlay };
        self.finish(Built { node: Arc::new(node), nodes: 1, depth: 1 }, anchor, position)
    }

    fn expects_key(&self) -> bool {
        matches!(self.stack.last(), Some(Frame { open: Open::Map { key: None, .. }, .. }))
    }

    fn interpolated(&mut self, event: &ScalarEvent<'_>) -> String {
        let Some(variables) = self.variables else { return event.text.to_string() };
        let result = interpolate(&event.text, variables);
        for finding in result.findings {
            let position = event.place_of(&finding, self.file, self.source);
            report_finding(self.report, position, finding.issue);
        }
        result.text
    }

    fn finish(&mut self, built: Built, anchor: usize, position: Position) -> Result<(), Refused> {
        if anchor != 0 {
            self.anchors.insert(anchor, built.clone());
        }
        self.push(built, position)
    }

    /// Hands a complete node to the collection that it is in. `position` is where it is used.
    fn push(&mut self, built: Built, position: Position) -> Result<(), Refused> {
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(built);
            return Ok(());
        };
        frame.nodes = frame.nodes.saturating_add(built.nodes);
        frame.depth = frame.depth.max(built.depth + 1);
        if frame.depth > DEEPEST {
            return Err(Refused(position, TOO_DEEP));
        }
        if frame.nodes > MOST_NODES {
            return Err(Refused(position, TOO_LARGE));
        }
        match &mut frame.open {
            Open::List(items) => items.push(built.node),
            Open::Map { key: pending @ None, .. } => *pending = Some(key_of(self.report, &built.node, position)),
            Open::Map { entries, key, merges } => match key.take() {
                Some(key) if key.plain && key.text.as_deref() == Some("<<") => {
                    if !merges.is_empty() {
                        let help = "merge several at once: `<<: [*one, *two]`".to_owned();
                        self.report.error_with_help(key.position, "the key `<<` is there twice".to_owned(), help);
                    }
                    merges.push((key.position, built.node));
                }
                Some(Key { text: Some(text), position, .. }) => {
                    entries.push(Entry { key: text, position, value: built.node });
                }
                Some(Key { text: None, .. }) | None => {}
            },
        }
        Ok(())
    }

    /// Whether the tag is `!!str`, which makes any scalar a text, and what it says of merging. Reports unknown tags.
    fn check_tag(&mut self, tag: Option<&Tag>, position: Position) -> (bool, Overlay) {
        let Some(tag) = tag else { return (false, Overlay::Merge) };
        match tag.core_suffix() {
            Some("str") => (true, Overlay::Merge),
            Some("int" | "float" | "bool" | "null" | "map" | "seq") => (false, Overlay::Merge),
            _ => match tag.original().as_str() {
                "!reset" => (false, Overlay::Reset),
                "!override" => (false, Overlay::Override),
                name => {
                    self.report.error(position, format!("the tag `{name}` is not known"));
                    (false, Overlay::Merge)
                }
            },
        }
    }
}

const TOO_DEEP: &str = "the file is nested too deeply";
const TOO_LARGE: &str = "the file holds too many values, aliases written out";

struct ScalarEvent<'e> {
    text: Cow<'e, str>,
    style: ScalarStyle,
    text_tag: bool,
    overlay: Overlay,
    span: &'e Span,
}

impl ScalarEvent<'_> {
    /// The place of a finding within the scalar; of the whole scalar when escapes or line ends come between.
    fn place_of(&self, finding: &Finding, file: FileId, source: &str) -> Position {
        let whole = position_of(file, self.span);
        let raw = self.span.slice(source).unwrap_or_default();
        let quote = usize::from(matches!(self.style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted));
        let inner = raw.get(quote..raw.len().saturating_sub(quote)).unwrap_or_default();
        if inner == self.text && !inner.contains('\n') {
            Position { column: whole.column + quote + finding.offset, length: finding.length, ..whole }
        } else {
            whole
        }
    }
}

fn report_finding(report: &mut Report, position: Position, issue: Issue) {
    match issue {
        Issue::Unset(name) => report.warning_with_help(
            position,
            format!("the variable `{name}` is not set; it is taken as empty"),
            format!("set it, or write a default: `${{{name}:-default}}`"),
        ),
        Issue::Required(name, text) => {
            let text = if text.is_empty() { String::new() } else { format!(": {text}") };
            report.error(position, format!("the variable `{name}` is required{text}"));
        }
        Issue::Syntax(message) => report.error(position, message.to_owned()),
        Issue::Literal => report.error(
            position,
            "text that reads `${DEVENV_…}` after interpolation would be taken for a variable".to_owned(),
        ),
    }
}

fn key_of(report: &mut Report, node: &Node, position: Position) -> Key {
    let (text, plain) = match &node.value {
        Value::Scalar(scalar) => (Some(scalar.text.clone()), scalar.plain),
        Value::Null => (Some(String::new()), false),
        Value::List(_) | Value::Map(_) => {
            report.error(position, format!("a key must be text, not {}", node.kind()));
            (None, false)
        }
    };
    Key { text, plain, position }
}

/// How many entries a merge walks over.
fn merge_cost(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => items.iter().map(|item| item.entries().len() + 1).sum(),
        Value::Null | Value::Scalar(_) | Value::Map(_) => node.entries().len(),
    }
}

/// Drops repeated keys with a problem each, then adds what `<<` brings: explicit keys win, then earlier merges.
fn merge(report: &mut Report, entries: &mut Vec<Entry>, merges: &[(Position, Arc<Node>)]) {
    let mut lines: HashMap<String, usize> = HashMap::new();
    entries.retain(|entry| match lines.get(&entry.key) {
        Some(line) => {
            let message = format!("the key `{}` is there twice", entry.key);
            report.error_with_help(entry.position, message, format!("it is first in line {line}"));
            false
        }
        None => {
            lines.insert(entry.key.clone(), entry.position.line);
            true
        }
    });
    let mut known: HashSet<String> = lines.into_keys().collect();
    for (position, node) in merges {
        let sources: Vec<&Arc<Node>> = match &node.value {
            Value::List(items) => items.iter().collect(),
            Value::Null | Value::Scalar(_) | Value::Map(_) => vec![node],
        };
        for source in sources {
            if !matches!(source.value, Value::Map(_)) {
                report.error(*position, format!("`<<` merges mappings, not {}", source.kind()));
            }
            for entry in source.entries() {
                if known.insert(entry.key.clone()) {
                    entries.push(entry.clone());
                }
            }
        }
    }
}

fn position_of(file: FileId, span: &Span) -> Position {
    Position { file, line: span.start.line(), column: span.start.col() + 1, length: span.len().max(1) }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
