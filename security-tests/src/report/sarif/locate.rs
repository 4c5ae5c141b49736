//! The line of an operation or of a rule in a text. Must not know SARIF.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::api::Operation;

/// The line of an operation in an OpenAPI document, from 1: of its `operationId`, else of its method, else of its path.
pub(super) fn operation_line(document: &str, operation: &Operation) -> Option<usize> {
    let named = document.lines().position(|line| {
        line.split_once("operationId")
            .is_some_and(|(_, rest)| rest.split([',', '}']).next().is_some_and(|value| word(value) == operation.id))
    });
    named.map(|line| line + 1).or_else(|| method_line(document, operation))
}

fn method_line(document: &str, operation: &Operation) -> Option<usize> {
    let lines: Vec<&str> = document.lines().collect();
    let path = lines.iter().position(|line| is_key(line, &operation.path))?;
    let method = operation.method.to_ascii_lowercase();
    let inside = lines.iter().enumerate().skip(path + 1);
    let within = inside.take_while(|(_, line)| line.trim().is_empty() || indent(line) > indent_at(&lines, path));
    let found = within.into_iter().find(|(_, line)| is_key(line, &method)).map(|(line, _)| line);
    Some(found.unwrap_or(path) + 1)
}

/// The line of the rule of an operation in a file of access rules, from 1.
pub(super) fn rule_line(rules: &str, operation: &str) -> Option<usize> {
    rules.lines().position(|line| line.starts_with([' ', '\t']) && is_key(line, operation)).map(|line| line + 1)
}

/// The line that holds a text, from 1.
pub(super) fn text_line(text: &str, wanted: &str) -> Option<usize> {
    text.lines().position(|line| line.contains(wanted)).map(|line| line + 1)
}

fn is_key(line: &str, key: &str) -> bool {
    let line = line.trim_start();
    let unquoted = line.trim_start_matches(['"', '\'']);
    unquoted.strip_prefix(key).is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':'))
}

fn word(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ':'))
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn indent_at(lines: &[&str], index: usize) -> usize {
    lines.get(index).map_or(0, |line| indent(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "openapi: 3.1.0
paths:
  /orders:
    get:
      operationId: listOrders
    post: { operationId: createOrder }
  /orders/{id}:
    get:
      summary: no name
    delete: {}
";

    #[test]
    fn an_operation_is_found_by_its_name_or_by_path_and_method() {
        let line = |id: &str, method: &str, path: &str| {
            let operation = Operation { id: id.to_owned(), ..Operation::undocumented(method, path) };
            operation_line(DOCUMENT, &operation)
        };
        assert_eq!(line("listOrders", "GET", "/orders"), Some(5));
        assert_eq!(line("createOrder", "POST", "/orders"), Some(6));
        assert_eq!(line("DELETE /orders/{id}", "DELETE", "/orders/{id}"), Some(10));
        assert_eq!(line("GET /debug", "GET", "/debug"), None);
    }

    #[test]
    fn json_documents_have_lines_too() {
        let operation = Operation { id: "list".to_owned(), ..Operation::undocumented("GET", "/orders") };
        assert_eq!(operation_line("{\n  \"operationId\": \"list\",\n}", &operation), Some(2));
    }

    #[test]
    fn a_rule_is_a_key_below_another() {
        let rules = "rules:\n  readMe: { allow: [owner] }\n  \"GET /x\": { allow: [] }\n";
        assert_eq!((rule_line(rules, "readMe"), rule_line(rules, "GET /x")), (Some(2), Some(3)));
        assert_eq!(rule_line(rules, "rules"), None);
    }
}
