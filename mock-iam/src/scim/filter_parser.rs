//! The grammar of filters (RFC 7644 §3.4.2.2, figure 1). Must not know what matches.

use serde_json::Value;

use super::filter::{Comparison, Filter};
use super::{ENTERPRISE, EXTENSION, GROUP, ScimError, ScimType, USER, after_urn};

/// How deep parentheses may nest: stops a filter from exhausting the stack.
const DEEPEST: usize = 32;

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// `invalidFilter`.
    pub(crate) fn parse(text: &str) -> Result<Self, ScimError> {
        let mut parser = Parser { tokens: tokens(text)?.into_iter().peekable(), depth: 0 };
        let filter = parser.any()?;
        match parser.tokens.next() {
            None => Ok(filter),
            Some(token) => Err(invalid(format!("`{token}` is not expected there"))),
        }
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<String>>,
    depth: usize,
}

impl Parser {
    /// `a or b`, which binds weaker than `and`.
    fn any(&mut self) -> Result<Filter, ScimError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(invalid("it nests too deep"));
        }
        let mut left = self.all()?;
        while self.accept("or") {
            left = Filter::Or(Box::new(left), Box::new(self.all()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn all(&mut self) -> Result<Filter, ScimError> {
        let mut left = self.one()?;
        while self.accept("and") {
            left = Filter::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Filter, ScimError> {
        if self.accept("not") {
            self.expect("(")?;
            return Ok(Filter::Not(Box::new(self.closed(")")?)));
        }
        if self.accept("(") {
            return self.closed(")");
        }
        let path = path(&self.next()?)?;
        if self.accept("[") {
            return Ok(Filter::Some(path, Box::new(self.closed("]")?)));
        }
        let operator = self.next()?.to_ascii_lowercase();
        if operator == "pr" {
            return Ok(Filter::Present(path));
        }
        let comparison = comparison(&operator).ok_or_else(|| invalid(format!("`{operator}` is not an operator")))?;
        let text = self.next()?;
        let value: Value = serde_json::from_str(&text).map_err(|_| invalid(format!("`{text}` is not a value")))?;
        match (&value, comparison) {
            // RFC 7644 §3.4.2.2: truth values have no order.
            (Value::Bool(_), Comparison::Equal | Comparison::NotEqual) => {}
            (Value::Bool(_), _) => return Err(invalid(format!("`{operator}` does not apply to true and false"))),
            (Value::Array(_) | Value::Object(_), _) => return Err(invalid(format!("`{text}` is not a value"))),
            (Value::Null | Value::Number(_) | Value::String(_), _) => {}
        }
        Ok(Filter::Compare(path, comparison, value))
    }

    fn closed(&mut self, end: &str) -> Result<Filter, ScimError> {
        let filter = self.any()?;
        self.expect(end)?;
        Ok(filter)
    }

    fn accept(&mut self, token: &str) -> bool {
        self.tokens.next_if(|next| next.eq_ignore_ascii_case(token)).is_some()
    }

    fn expect(&mut self, token: &str) -> Result<(), ScimError> {
        if self.accept(token) { Ok(()) } else { Err(invalid(format!("`{token}` is missing"))) }
    }

    fn next(&mut self) -> Result<String, ScimError> {
        self.tokens.next().ok_or_else(|| invalid("it ends too early"))
    }
}

/// Words, brackets, and strings with their quotes.
fn tokens(text: &str) -> Result<Vec<String>, ScimError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' | '[' | ']' => 1,
            '"' => string_length(rest).ok_or_else(|| invalid("a string has no end"))?,
            _ => rest.find(|next: char| next.is_whitespace() || "()[]\"".contains(next)).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        tokens.push(token.to_owned());
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// Length in bytes of the JSON string that a text begins with.
fn string_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        match character {
            '"' if !escaped => return Some(index + 1),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    None
}

fn path(text: &str) -> Result<Vec<String>, ScimError> {
    if !text.starts_with(char::is_alphabetic) {
        return Err(invalid(format!("`{text}` is not an attribute")));
    }
    let names = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
    for extension in [EXTENSION, ENTERPRISE] {
        if let Some(rest) = after_urn(text, extension) {
            return Ok(std::iter::once(extension.to_owned()).chain(names(rest)).collect());
        }
    }
    let core = [USER, GROUP].into_iter().find_map(|core| after_urn(text, core));
    Ok(names(core.unwrap_or(text)))
}

fn comparison(operator: &str) -> Option<Comparison> {
    Some(match operator {
        "eq" => Comparison::Equal,
        "ne" => Comparison::NotEqual,
        "co" => Comparison::Contains,
        "sw" => Comparison::StartsWith,
        "ew" => Comparison::EndsWith,
        "gt" => Comparison::Greater,
        "ge" => Comparison::GreaterOrEqual,
        "lt" => Comparison::Less,
        "le" => Comparison::LessOrEqual,
        _ => return None,
    })
}

fn invalid(problem: impl std::fmt::Display) -> ScimError {
    ScimError::new(ScimType::InvalidFilter, format!("the filter cannot be read: {problem}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matching(filter: &str) -> Vec<&'static str> {
        let people = [
            json!({ "id": "alice", "userName": "alice", "active": true, "roles": [{ "value": "customer" }],
                    EXTENSION: { "tenant": "acme", "attributes": { "level": 3 } } }),
            json!({ "id": "bob", "userName": "Bob", "active": false, "roles": [{ "value": "support" }, { "value": "customer" }] }),
        ];
        let filter = Filter::parse(filter).unwrap();
        ["alice", "bob"]
            .into_iter()
            .zip(people)
            .filter(|(_, person)| filter.matches(person))
            .map(|(name, _)| name)
            .collect()
    }

    #[test]
    fn each_operator_selects_whom_the_rfc_says() {
        for (filter, expected) in [
            (r#"userName eq "BOB""#, vec!["bob"]),
            (r#"id eq "BOB""#, vec![]),
            (r#"urn:ietf:params:scim:schemas:core:2.0:User:username EQ "alice""#, vec!["alice"]),
            (r#"userName ne "bob""#, vec!["alice"]),
            (r#"userName co "li" or userName sw "b""#, vec!["alice", "bob"]),
            (r#"userName ew "ce""#, vec!["alice"]),
            (r#"userName gt "alice""#, vec!["bob"]),
            (r#"userName ge "alice" and userName lt "b""#, vec!["alice"]),
            (r#"userName le "alice""#, vec!["alice"]),
            ("active eq true", vec!["alice"]),
            ("not (active eq true)", vec!["bob"]),
            (r#"roles eq "support""#, vec!["bob"]),
            (r#"roles.value eq "customer""#, vec!["alice", "bob"]),
            (r#"roles[value eq "customer" and value sw "s"]"#, vec![]),
            (r#"roles[value eq "support"]"#, vec!["bob"]),
            ("displayName pr", vec![]),
            ("displayName eq null", vec!["alice", "bob"]),
            (r#"urn:devenv:params:scim:schemas:extension:1.0:User:tenant eq "acme""#, vec!["alice"]),
            ("urn:devenv:params:scim:schemas:extension:1.0:User:attributes.level ge 3", vec!["alice"]),
            (r#"id eq "alice" or id eq "bob" and active eq true"#, vec!["alice"]),
            (r#"(id eq "alice" or id eq "bob") and active eq false"#, vec!["bob"]),
            (r#"userName eq "a\"b""#, vec![]),
        ] {
            assert_eq!(matching(filter), expected, "{filter}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused_as_invalid_filter() {
        let deep = "(".repeat(10_000);
        for text in [
            "",
            "userName",
            "userName eq",
            "userName is \"a\"",
            "userName eq \"a",
            "userName eq a",
            "(a pr",
            "a pr b",
            "\"a\" eq 1",
            &deep,
        ] {
            assert_eq!(Filter::parse(text).unwrap_err().kind, Some(ScimType::InvalidFilter), "{text}");
        }
    }
}
