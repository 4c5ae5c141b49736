//! Files of `NAME=value` lines: `.env` and `env_file` (Compose Specification, "Env_file format").

use std::collections::BTreeMap;

use thiserror::Error;

use crate::manifest::interpolate::interpolate_plain;

/// A line that is no assignment.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {message}")]
pub struct DotEnvError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

/// The pairs of the text. Values in double quotes or without quotes may use earlier pairs and `known` variables, which
/// win; a name without `=` stands for the variable of that name, when there is one.
///
/// # Errors
/// The first line that is no assignment, or a quote that is not closed.
pub fn dot_env(text: &str, known: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, DotEnvError> {
    let mut pairs = BTreeMap::new();
    let mut lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |message: &str| DotEnvError { line: index + 1, message: message.to_owned() };
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        let Some((name, value)) = line.split_once('=') else {
            let name = line.split_once('#').map_or(line, |(name, _)| name).trim_end();
            if name.is_empty() || name.contains(char::is_whitespace) {
                return Err(wrong("this is not `NAME=value`"));
            }
            pairs.extend(known.get(name).map(|value| (name.to_owned(), value.clone())));
            continue;
        };
        let name = name.trim_end();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(wrong("this is not `NAME=value`"));
        }
        let mut raw = value.trim_start().to_owned();
        let value = loop {
            let lookup: BTreeMap<String, String> = pairs.clone().into_iter().chain(known.clone()).collect();
            match value_of(&raw, &lookup) {
                Some(value) => break value,
                // A quoted value may go on in the next lines.
                None => match lines.next() {
                    Some((_, more)) => raw = format!("{raw}\n{more}"),
                    None => return Err(wrong("a quote is not closed")),
                },
            }
        };
        pairs.insert(name.to_owned(), value);
    }
    Ok(pairs)
}

/// `None`: a quote is still open.
fn value_of(raw: &str, variables: &BTreeMap<String, String>) -> Option<String> {
    if let Some(rest) = raw.strip_prefix('\'') {
        return rest.split_once('\'').map(|(value, _)| value.to_owned());
    }
    if let Some(rest) = raw.strip_prefix('"') {
        return Some(interpolate_plain(&unescaped(rest)?, variables));
    }
    let end = raw
        .match_indices('#')
        .find(|(at, _)| *at == 0 || raw.get(..*at).is_some_and(|before| before.ends_with(char::is_whitespace)));
    let value = end.and_then(|(at, _)| raw.get(..at)).unwrap_or(raw).trim_end();
    Some(interpolate_plain(value, variables))
}

/// The text up to the closing double quote, escapes replaced; `\$` stays a plain dollar through interpolation.
fn unescaped(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some(out),
            '\\' => match chars.next()? {
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                't' => out.push('\t'),
                '$' => out.push_str("$$"),
                quoted @ ('"' | '\\') => out.push(quoted),
                other => out.extend(['\\', other]),
            },
            plain => out.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> BTreeMap<String, String> {
        let known = BTreeMap::from([("HOST".to_owned(), "here".to_owned())]);
        dot_env(text, &known).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn quotes_comments_and_export_read_as_in_compose() {
        let pairs = read("# c\nexport A=one # two\nB='a # $HOST'\nC=\"x\\ny ${HOST}\"\nD=\nE=a#b\nF = spaced \n");
        let expected = [("A", "one"), ("B", "a # $HOST"), ("C", "x\ny here"), ("D", ""), ("E", "a#b"), ("F", "spaced")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn a_quoted_value_goes_over_several_lines() {
        assert_eq!(read("KEY=\"one\ntwo\"\nNEXT=1")["KEY"], "one\ntwo");
    }

    #[test]
    fn a_value_may_use_earlier_ones_and_a_bare_name_is_the_variable() {
        let pairs = read("A=1\nB=${A}-${HOST}-${C:-none}\nHOST\nMISSING\n");
        assert_eq!((pairs["B"].as_str(), pairs["HOST"].as_str(), pairs.get("MISSING")), ("1-here-none", "here", None));
    }

    #[test]
    fn a_line_that_is_no_assignment_is_told_with_its_number() {
        let error = dot_env("A=1\nthis is no pair\n", &BTreeMap::new()).unwrap_err();
        assert_eq!(error, DotEnvError { line: 2, message: "this is not `NAME=value`".into() });
        assert_eq!(dot_env("A='open", &BTreeMap::new()).unwrap_err().message, "a quote is not closed");
    }
}
