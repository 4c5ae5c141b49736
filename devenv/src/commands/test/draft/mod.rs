//! An OpenAPI document and a cast to a draft of the access rules. Pure. Every guess says so, and what the document is
//! silent about is denied: silence is no permission.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod resource;
mod rule;
#[cfg(test)]
mod tests;
mod yaml;

use std::collections::BTreeSet;

use security_tests::Api;

use resource::Kind;
pub(super) use rule::is_login;

/// Who takes part, as far as a draft must know.
#[derive(Clone, Debug, Default)]
pub(super) struct Cast {
    /// Roles of the personas.
    pub(super) roles: BTreeSet<String>,
    /// Whether personas belong to tenants.
    pub(super) tenants: bool,
    /// Whether the stack has a provider that mints tokens.
    pub(super) provider: bool,
}

/// A draft.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// The file.
    pub(super) text: String,
    /// How many operations have a rule.
    pub(super) rules: usize,
    /// Names of the kinds of objects.
    pub(super) resources: Vec<String>,
    /// How many guesses somebody must look at.
    pub(super) guesses: usize,
}

/// Drafts the file for a document at a path relative to it.
pub(super) fn draft(api: &Api, openapi: &str, cast: &Cast) -> Draft {
    let kinds = resource::kinds(api);
    let mut text = format!(
        "# Who may do what: a draft made from {openapi}. Every line with `guess:` is the guess of a program, every line with\n\
         # `question:` asks for a decision; until then the operation is denied. Read each, make it right, delete the comment.\n\n\
         api: {{ openapi: {} }}\n",
        yaml::scalar(openapi)
    );
    text.push_str(&login(api, cast));
    if !kinds.is_empty() {
        text.push_str("\nresources:\n");
        kinds.iter().for_each(|kind| text.push_str(&kind.text()));
    }
    text.push_str("\nrules:\n");
    let lines: Vec<(String, String, String)> = api.operations.iter().map(|o| rule::line(o, &kinds, cast)).collect();
    let name = lines.iter().map(|(name, _, _)| name.chars().count()).max().unwrap_or(0).min(40);
    let body = lines.iter().map(|(_, body, _)| body.chars().count()).max().unwrap_or(0).min(60);
    for (key, rule, comment) in &lines {
        let line = format!("  {:<key_width$} {rule:<body$}   # {comment}", format!("{key}:"), key_width = name + 1);
        text.push_str(&line);
        text.push('\n');
    }
    Draft {
        rules: lines.len(),
        resources: kinds.iter().map(|kind: &Kind| kind.name.clone()).collect(),
        guesses: text.matches("# guess:").count() + text.matches("# question:").count(),
        text,
    }
}

/// An API without a provider of the stack has its own login: what is known of it.
fn login(api: &Api, cast: &Cast) -> String {
    let Some(operation) = api.operations.iter().find(|operation| is_login(operation)).filter(|_| !cast.provider) else {
        return String::new();
    };
    let body = rule::login_body(operation);
    let token = rule::token_place(operation);
    format!(
        "\n# guess: people log in here; for an API with its own login, make it right and remove the `#`\n\
         # login:\n#   request: {{ operation: {}, json: {body} }}\n#   token: {token}\n",
        yaml::scalar(&operation.id)
    )
}
