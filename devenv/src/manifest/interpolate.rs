//! Compose's variables in text. Must not know the machine: variables are an argument.
//!
//! `${DEVENV_…}` stays as it is: those values depend on the engine and are resolved later.

use std::collections::BTreeMap;

/// What every variable that is resolved later begins with.
pub(super) const RESERVED: &str = "DEVENV_";

/// Defaults within defaults; deeper is no configuration.
const DEEPEST: usize = 16;

/// More of them in one text tell nothing new, and each costs a walk over the text.
const MOST_FINDINGS: usize = 20;

/// The text after interpolation, and what was wrong with it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Interpolated {
    pub(super) text: String,
    pub(super) findings: Vec<Finding>,
}

/// Something wrong at a place of the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// In characters from the start of the text.
    pub(super) offset: usize,
    pub(super) length: usize,
    pub(super) issue: Issue,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Issue {
    /// The variable is not set; it became nothing.
    Unset(String),
    /// `${NAME:?text}` and the variable is missing.
    Required(String, String),
    /// No variable begins like this.
    Syntax(&'static str),
    /// The result would be mistaken for a variable that is resolved later.
    Literal,
}

/// Replaces `$NAME` and `${NAME…}` in all of Compose's forms; `$$` is a plain `$`.
pub(super) fn interpolate(text: &str, variables: &BTreeMap<String, String>) -> Interpolated {
    if !text.contains('$') {
        return Interpolated { text: text.to_owned(), findings: Vec::new() };
    }
    let mut scanner = Scanner { text, at: 0, variables, findings: Vec::new(), kept: 0 };
    let result = scanner.expand(0, true);
    if result.matches("${DEVENV_").count() != scanner.kept && scanner.findings.is_empty() {
        let length = text.chars().count();
        scanner.findings.push(Finding { offset: 0, length, issue: Issue::Literal });
    }
    Interpolated { text: result, findings: scanner.findings }
}

/// The same for files of plain values, where every name is as good as another and a missing one is nothing.
pub(super) fn interpolate_plain(text: &str, variables: &BTreeMap<String, String>) -> String {
    interpolate(text, variables).text
}

/// The names of the variables that text after interpolation still holds.
pub(super) fn reserved_names(text: &str) -> impl Iterator<Item = &str> {
    text.split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name)
        .filter(|name| name.starts_with(RESERVED))
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    variables: &'a BTreeMap<String, String>,
    findings: Vec<Finding>,
    /// How many reserved variables the result holds.
    kept: usize,
}

impl Scanner<'_> {
    /// Up to the end, or within braces up to the closing one. Text that is not chosen (`live` is false) finds nothing.
    fn expand(&mut self, depth: usize, live: bool) -> String {
        let mut out = String::new();
        while let Some(c) = self.peek() {
            if c == '}' && depth > 0 {
                break;
            }
            let start = self.at;
            self.advance(c);
            if c != '$' {
                out.push(c);
                continue;
            }
            match self.peek() {
                Some('$') => {
                    self.advance('$');
                    out.push('$');
                }
                Some('{') => {
                    self.advance('{');
                    out.push_str(&self.braced(start, depth, live));
                }
                Some(c) if is_name_start(c) => {
                    let name = self.name();
                    out.push_str(&self.plain(&name, start, live));
                }
                _ => self.found(start, Issue::Syntax("a `$` begins a variable; write `$$` for a plain `$`")),
            }
        }
        out
    }

    fn braced(&mut self, start: usize, depth: usize, live: bool) -> String {
        let before = self.findings.len();
        let name = self.name();
        if name.is_empty() {
            self.found(start, Issue::Syntax("`${` is not followed by the name of a variable"));
        }
        if depth >= DEEPEST {
            self.at = self.text.len();
            self.found(start, Issue::Syntax("variables are nested too deeply"));
            return String::new();
        }
        let colon = self.peek() == Some(':');
        if colon {
            self.advance(':');
        }
        let result = match self.peek() {
            Some('}') if !colon => self.plain(&name, start, live),
            Some(operator @ ('-' | '?' | '+')) => {
                self.advance(operator);
                self.operation(Operation { name, operator, colon, start }, depth, live)
            }
            _ => {
                self.found(start, Issue::Syntax("no variable is written like this"));
                self.expand(depth + 1, false);
                String::new()
            }
        };
        match self.peek() {
            Some('}') => self.advance('}'),
            _ => self.found(start, Issue::Syntax("the closing `}` of a variable is missing")),
        }
        if self.findings.len() == before {
            return result;
        }
        let (offset, length) = (self.characters(0, start), self.characters(start, self.at));
        for finding in self.findings.iter_mut().skip(before).filter(|finding| finding.offset == offset) {
            finding.length = length;
        }
        result
    }

    fn operation(&mut self, operation: Operation, depth: usize, live: bool) -> String {
        let Operation { name, operator, colon, start } = operation;
        let value = self.variables.get(&name).filter(|_| !name.starts_with(RESERVED));
        let present = name.starts_with(RESERVED) || value.is_some_and(|value| !colon || !value.is_empty());
        let value = value.cloned().unwrap_or_default();
        let word_is_used = if operator == '+' { present } else { !present };
        let word = self.expand(depth + 1, live && word_is_used);
        match (operator, present) {
            ('+', true) | ('-', false) => word,
            ('+', false) => String::new(),
            (_, true) if name.starts_with(RESERVED) => self.plain(&name, start, live),
            (_, true) => value,
            (_, false) => {
                if live {
                    self.found(start, Issue::Required(name, word));
                }
                String::new()
            }
        }
    }

    fn plain(&mut self, name: &str, start: usize, live: bool) -> String {
        if name.starts_with(RESERVED) {
            self.kept += usize::from(live);
            return format!("${{{name}}}");
        }
        match self.variables.get(name) {
            Some(value) => value.clone(),
            None => {
                if live && !name.is_empty() {
                    self.found(start, Issue::Unset(name.to_owned()));
                }
                String::new()
            }
        }
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.peek() {
            if !(is_name_start(c) || (c.is_ascii_digit() && !name.is_empty())) {
                break;
            }
            name.push(c);
            self.advance(c);
        }
        name
    }

    fn found(&mut self, start: usize, issue: Issue) {
        if self.findings.len() >= MOST_FINDINGS {
            return;
        }
        let (offset, length) = (self.characters(0, start), self.characters(start, self.at));
        self.findings.push(Finding { offset, length: length.max(1), issue });
    }

    fn characters(&self, from: usize, to: usize) -> usize {
        self.text.get(from..to).map_or(0, |part| part.chars().count())
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn advance(&mut self, c: char) {
        self.at += c.len_utf8();
    }
}

struct Operation {
    name: String,
    operator: char,
    colon: bool,
    start: usize,
}

fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(input: &str) -> String {
        let variables = [("A", "1"), ("EMPTY", ""), ("DEVENV_ISSUER", "no")];
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let result = interpolate(input, &variables);
        let issues: Vec<String> =
            result.findings.iter().map(|f| format!(" [{}+{} {:?}]", f.offset, f.length, f.issue)).collect();
        result.text + &issues.concat()
    }

    #[test]
    fn every_form_of_compose_is_understood() {
        let cases = [
            ("$A ${A}", "1 1"),
            ("${A:-x} ${EMPTY:-x} ${NO:-x}", "1 x x"),
            ("${A-x} ${EMPTY-x} ${NO-x}", "1  x"),
            ("${A:+x} ${EMPTY:+x} ${NO:+x}", "x  "),
            ("${A+x} ${EMPTY+x} ${NO+x}", "x x "),
            ("${A:?m} ${A?m} ${EMPTY?m}", "1 1 "),
            ("${NO:-${EMPTY:-${A}}}", "1"),
            ("${NO:-a$$b}c", "a$bc"),
            ("$$A $${A}", "$A ${A}"),
            ("${NO:-}", ""),
            ("a$A/b-${A}_c", "a1/b-1_c"),
            ("ü${NO-ü}ü", "üüü"),
        ];
        for (input, expected) in cases {
            assert_eq!(text(input), expected, "{input}");
        }
    }

    #[test]
    fn what_is_missing_is_said_with_its_place() {
        assert_eq!(text("x $NO y"), r#"x  y [2+3 Unset("NO")]"#);
        assert_eq!(text("${NO:?set it}"), r#" [0+13 Required("NO", "set it")]"#);
        assert_eq!(text("${EMPTY:?set it}"), r#" [0+16 Required("EMPTY", "set it")]"#);
    }

    #[test]
    fn a_default_that_is_not_used_finds_nothing() {
        assert_eq!(text("${A:-$NO} ${NO:+${NO:?x}}"), "1 ");
    }

    #[test]
    fn reserved_variables_stay_as_they_are() {
        assert_eq!(text("$DEVENV_ISSUER/${DEVENV_DATA:-x}${DEVENV_A:+y}"), "${DEVENV_ISSUER}/${DEVENV_DATA}y");
        assert_eq!(text("${NO:-${DEVENV_ISSUER}}"), "${DEVENV_ISSUER}");
        assert_eq!(reserved_names("a ${DEVENV_X}${OTHER}${DEVENV_Y").collect::<Vec<_>>(), ["DEVENV_X"]);
    }

    #[test]
    fn text_that_only_looks_like_a_reserved_variable_is_refused() {
        assert_eq!(text("$${DEVENV_ISSUER}"), "${DEVENV_ISSUER} [0+17 Literal]");
    }

    #[test]
    fn broken_variables_are_refused() {
        for input in ["$", "a $ b", "$1", "${", "${A", "${}", "${1}", "${A:x}", "${A!}", "${A:-${B}", "$("] {
            assert!(text(input).contains("Syntax"), "{input}: {}", text(input));
        }
        assert!(text(&"${A:-".repeat(5_000)).contains("Syntax"));
    }
}
