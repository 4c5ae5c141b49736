//! Mistakes in policy files, each with its place. Must not know who shows them.

use std::fmt;

use miette::Diagnostic;
use serde::Serialize;

/// One mistake (or warning) in a policy or schema file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PolicyProblem {
    /// Name of the file, as the source file gives it.
    pub file: String,
    /// Line, 1-based.
    pub line: usize,
    /// Column in characters, 1-based.
    pub column: usize,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do about it, when that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// Everything that is wrong with a set of policies, sorted by file, line and column; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct PolicyErrors(pub Vec<PolicyProblem>);

impl PolicyProblem {
    /// A problem at a byte offset of a text.
    pub(super) fn at(file: &str, text: &str, offset: usize, message: impl Into<String>) -> Self {
        let (line, column) = line_and_column(text, offset);
        Self { file: file.to_owned(), line, column, message: message.into(), help: None }
    }

    /// A problem with a whole file or directory.
    pub(crate) fn of_file(file: &str, message: String) -> Self {
        Self { file: file.to_owned(), line: 1, column: 1, message, help: None }
    }

    /// A problem as the policy engine reports it; its first label is the place, the start of the text otherwise.
    pub(super) fn from_diagnostic(file: &str, text: &str, diagnostic: &dyn Diagnostic) -> Self {
        let label = diagnostic.labels().and_then(|mut labels| labels.next());
        let offset = label.as_ref().map_or(0, |label| label.offset());
        let mut message = lower_case_start(&diagnostic.to_string());
        if let Some(text) = label.as_ref().and_then(|label| label.label()) {
            message = format!("{message}: {text}");
        }
        Self { help: diagnostic.help().map(|help| help.to_string()), ..Self::at(file, text, offset, message) }
    }
}

/// Line and column, both 1-based, of a byte offset.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line, before.get(start..).unwrap_or_default().chars().count() + 1)
}

fn lower_case_start(message: &str) -> String {
    let mut characters = message.trim_end_matches('.').chars();
    match (characters.next(), characters.clone().next()) {
        // An acronym or an entity type keeps its capital.
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(characters).collect()
        }
        (Some(first), _) => std::iter::once(first).chain(characters).collect(),
        (None, _) => String::new(),
    }
}

impl fmt::Display for PolicyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}
