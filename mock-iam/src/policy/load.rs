//! Policy and schema texts to a validated policy set, with every mistake of every file in one go.
//!
//! Must not know requests or the directory.

use std::collections::BTreeMap;
use std::str::FromStr;

use cedar_policy::{
    CedarSchemaError, Effect, PolicyId, PolicySet, Schema, SchemaError, ValidationMode, Validator,
    schema_str_to_json_with_resolved_types,
};
use miette::Diagnostic;

use super::engine::Policy;
use super::problem::{PolicyErrors, PolicyProblem, line_and_column};
use super::types::SchemaTypes;
use crate::config::{Policies, SourceFile};

/// How many mistakes of a schema are looked for: each costs a parse.
const MOST_SCHEMA_PROBLEMS: usize = 20;

/// A set of policies that passed validation.
pub(super) struct Loaded {
    pub(super) set: PolicySet,
    pub(super) schema: Option<(Schema, SchemaTypes)>,
    pub(super) policies: Vec<Policy>,
    pub(super) warnings: Vec<PolicyProblem>,
}

/// Parses all files, then validates what parsed, strictly, against the schema.
pub(super) fn load(policies: &Policies) -> Result<Loaded, PolicyErrors> {
    let mut loading = Loading::default();
    let schema = policies.schema.as_ref().and_then(|file| loading.schema(file));
    for file in &policies.files {
        loading.file(file);
    }
    let warnings = schema.as_ref().map_or_else(Vec::new, |(schema, _)| loading.validate(schema));
    if loading.problems.is_empty() {
        Ok(Loaded {
            set: loading.set,
            schema,
            policies: loading.policies.into_values().map(|(info, _)| info).collect(),
            warnings,
        })
    } else {
        loading.problems.sort();
        loading.problems.dedup();
        Err(PolicyErrors(loading.problems))
    }
}

#[derive(Default)]
struct Loading<'a> {
    set: PolicySet,
    policies: BTreeMap<String, (Policy, &'a SourceFile)>,
    problems: Vec<PolicyProblem>,
}

impl<'a> Loading<'a> {
    fn schema(&mut self, file: &SourceFile) -> Option<(Schema, SchemaTypes)> {
        let result = Schema::from_cedarschema_str(&file.text).map(|(schema, _)| schema);
        let types = schema_str_to_json_with_resolved_types(&file.text);
        match (result, types) {
            (Ok(schema), Ok((json, _))) => match SchemaTypes::from_json(&json) {
                Ok(types) => return Some((schema, types)),
                Err(name) => {
                    self.problems.push(problem_at_word(file, &name, format!("type `{name}` is not supported")))
                }
            },
            (Err(error), _) | (_, Err(error)) => self.problems.extend(all_schema_problems(file, error)),
        }
        None
    }

    fn file(&mut self, file: &'a SourceFile) {
        let parsed = match PolicySet::from_str(&file.text) {
            Ok(parsed) => parsed,
            Err(errors) => {
                let problems = errors.iter().map(|error| PolicyProblem::from_diagnostic(&file.name, &file.text, error));
                self.problems.extend(problems);
                return;
            }
        };
        for template in parsed.templates() {
            let offset = template.as_ref().loc().map_or(0, |place| place.start());
            let message = "a policy with a slot is a template, which nothing here fills";
            self.problems.push(PolicyProblem::at(&file.name, &file.text, offset, message));
        }
        for policy in parsed.policies() {
            self.policy(file, policy);
        }
    }

    fn policy(&mut self, file: &'a SourceFile, policy: &cedar_policy::Policy) {
        let offset = policy.as_ref().loc().map_or(0, |place| place.start());
        let (line, column) = line_and_column(&file.text, offset);
        let named = policy.annotation("id").filter(|id| !id.is_empty());
        let mut id = named.map_or_else(|| format!("{}:{line}", file.name), str::to_owned);
        if named.is_none() && self.policies.contains_key(&id) {
            id = format!("{id}:{column}");
        }
        if let Some((first, _)) = self.policies.get(&id) {
            let message = format!("policy id `{id}` is taken by {}:{}", first.file, first.line);
            self.problems.push(PolicyProblem::at(&file.name, &file.text, offset, message));
            return;
        }
        let permits = policy.effect() == Effect::Permit;
        let info = Policy { id: id.clone(), permits, file: file.name.clone(), line };
        if let Err(error) = self.set.add(policy.new_id(PolicyId::new(&id))) {
            self.problems.push(PolicyProblem::from_diagnostic(&file.name, &file.text, &error));
        }
        self.policies.insert(id, (info, file));
    }

    /// Adds what the validator refuses to the problems, and returns its warnings.
    fn validate(&mut self, schema: &Schema) -> Vec<PolicyProblem> {
        let result = Validator::new(schema.clone()).validate(&self.set, ValidationMode::Strict);
        let errors = result.validation_errors().map(|error| self.problem(error.policy_id(), error));
        let errors: Vec<_> = errors.collect();
        let warnings = result.validation_warnings().map(|warning| self.problem(warning.policy_id(), warning));
        let warnings = warnings.collect();
        self.problems.extend(errors);
        warnings
    }

    fn problem(&self, policy: &PolicyId, diagnostic: &dyn Diagnostic) -> PolicyProblem {
        let id: &str = policy.as_ref();
        let file = self.policies.get(id).map(|(_, file)| *file);
        let (name, text) = file.map_or(("", ""), |file| (file.name.as_str(), file.text.as_str()));
        let mut problem = PolicyProblem::from_diagnostic(name, text, diagnostic);
        // The place says which policy it is.
        if let Some(rest) = problem.message.strip_prefix(&format!("for policy `{id}`, ")) {
            problem.message = rest.to_owned();
        }
        problem
    }
}

/// The engine names one undeclared type at a time: each is declared behind the text until no new one turns up.
fn all_schema_problems(file: &SourceFile, error: CedarSchemaError) -> Vec<PolicyProblem> {
    let mut text = file.text.clone();
    let mut problems: Vec<PolicyProblem> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next.take().filter(|_| problems.len() < MOST_SCHEMA_PROBLEMS) {
        let found = schema_problems(file, &error);
        let names = undeclared(&error);
        if found.iter().all(|problem| problems.contains(problem)) {
            break;
        }
        problems.extend(found);
        for name in &names {
            text.push_str(&format!("\nentity {name};"));
        }
        next = Schema::from_cedarschema_str(&text).err().filter(|_| !names.is_empty());
    }
    problems
}

fn schema_problems(file: &SourceFile, error: &CedarSchemaError) -> Vec<PolicyProblem> {
    let names = undeclared(error);
    if names.is_empty() {
        // Parse errors come as one with others related to it.
        let parts = error.related().map(|related| {
            related.map(|error| PolicyProblem::from_diagnostic(&file.name, &file.text, error)).collect::<Vec<_>>()
        });
        let mut all = vec![PolicyProblem::from_diagnostic(&file.name, &file.text, error)];
        all.extend(parts.into_iter().flatten());
        return all;
    }
    names.iter().map(|name| problem_at_word(file, name, format!("`{name}` is not declared"))).collect()
}

/// Names of types that a schema uses and does not declare; the engine gives no place for them.
fn undeclared(error: &CedarSchemaError) -> Vec<String> {
    match error {
        CedarSchemaError::Schema(SchemaError::TypeNotDefined(error)) => unresolved(&error.to_string()),
        _ => Vec::new(),
    }
}

/// The names in a message such as ``failed to resolve types: A, B``.
fn unresolved(message: &str) -> Vec<String> {
    let names = message.split_once(": ").map_or("", |(_, names)| names);
    names.split(", ").filter(|name| !name.is_empty()).map(|name| name.trim_matches('`').to_owned()).collect()
}

fn problem_at_word(file: &SourceFile, word: &str, message: String) -> PolicyProblem {
    let in_word = |character: char| character.is_alphanumeric() || character == '_';
    let stands_alone = |offset: &usize| {
        let before = file.text.get(..*offset).and_then(|text| text.chars().next_back());
        let after = file.text.get(offset + word.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(in_word) && !after.is_some_and(in_word)
    };
    let offset = file.text.match_indices(word).map(|(offset, _)| offset).find(stands_alone);
    PolicyProblem::at(&file.name, &file.text, offset.unwrap_or(0), message)
}
