//! A table of expectations: who may and who may not. Must not know how the table is stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use super::world::Examples;
use crate::directory::Directory;
use crate::policy::Engine;
use crate::policy::question::{Entity, Question};

/// The word for everybody whom the same expectation does not name.
const OTHERS: &str = "others";

/// A file of expectations.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestFile {
    /// Objects that expectations speak of, by name.
    #[serde(default)]
    pub resources: BTreeMap<String, Example>,
    /// The expectations.
    #[serde(default)]
    pub tests: Vec<Expectation>,
}

/// An object.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Entity type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id; its name when absent.
    pub id: Option<String>,
    /// Its attributes; a plain name where the schema asks for an entity.
    #[serde(default)]
    pub properties: Map<String, Value>,
}

/// Who may do something, and who may not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The action.
    pub action: Spanned<String>,
    /// Name of a resource of the file; the application when absent.
    pub resource: Option<String>,
    /// The circumstances.
    #[serde(default)]
    pub context: Map<String, Value>,
    /// Who may.
    #[serde(default)]
    pub allow: Vec<String>,
    /// Who may not.
    #[serde(default)]
    pub deny: Vec<String>,
    /// The policy that must be among those that decide.
    pub by: Option<String>,
}

/// What came of a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TestRun {
    /// How many questions were put.
    pub questions: usize,
    /// Those that were not answered as expected.
    pub failures: Vec<Failure>,
}

/// An expectation that does not hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failure {
    /// Where the expectation is written, 1-based.
    pub line: u64,
    /// What is wrong, in words.
    pub message: String,
    /// Why the answer is what it is, in words, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
}

impl TestFile {
    /// The objects of the file.
    #[must_use]
    pub fn examples(&self, application: &str) -> Examples {
        let entity = |(name, example): (&String, &Example)| {
            let mut entity = Entity::new(&example.kind, example.id.as_deref().unwrap_or(name));
            entity.properties.clone_from(&example.properties);
            (name.clone(), entity)
        };
        Examples { application: application.to_owned(), resources: self.resources.iter().map(entity).collect() }
    }
}

/// Holds policies to expectations.
#[must_use]
pub fn run(engine: &Engine, directory: &Directory, (file, examples): (&TestFile, &Examples)) -> TestRun {
    let mut run = TestRun::default();
    for expectation in &file.tests {
        let line = expectation.action.referenced.line();
        let mut fail = |message: String, explanation: Option<String>| {
            run.failures.push(Failure { line, message, explanation });
        };
        let resource = match &expectation.resource {
            None => Entity::new("Application", &examples.application),
            Some(name) => match examples.resources.get(name) {
                Some(entity) => entity.clone(),
                None => {
                    fail(format!("no resource is called `{name}`"), None);
                    continue;
                }
            },
        };
        if !engine.actions().contains(&expectation.action.value) {
            fail(format!("the schema has no action `{}`", expectation.action.value), None);
            continue;
        }
        let named = expectation.allow.iter().chain(&expectation.deny).filter(|name| *name != OTHERS);
        for unknown in named.filter(|name| directory.user(name).is_none()) {
            fail(format!("there is no persona `{unknown}`"), None);
        }
        for (persona, expected) in expectation.people(directory) {
            run.questions += 1;
            let mut question = Question::new(&persona, &expectation.action.value, resource.clone());
            question.context.clone_from(&expectation.context);
            if let Some((message, explanation)) = hold(engine, directory, (&mut question, expected, expectation)) {
                run.failures.push(Failure { line, message, explanation });
            }
        }
    }
    run
}

impl Expectation {
    /// Everybody that is spoken of, with what is expected.
    fn people(&self, directory: &Directory) -> BTreeMap<String, bool> {
        let mut people = BTreeMap::new();
        for (names, expected) in [(&self.allow, true), (&self.deny, false)] {
            if names.iter().any(|name| name == OTHERS) {
                people.extend(directory.users().map(|user| (user.profile.name.clone(), expected)));
            }
        }
        for (names, expected) in [(&self.allow, true), (&self.deny, false)] {
            let names = names.iter().filter(|name| directory.user(name).is_some());
            people.extend(names.map(|name| (name.clone(), expected)));
        }
        people
    }
}

/// What is wrong with an answer; nothing when it is as expected.
fn hold(
    engine: &Engine,
    directory: &Directory,
    (question, expected, expectation): (&mut Question, bool, &Expectation),
) -> Option<(String, Option<String>)> {
    engine.lift(question);
    let (persona, action) = (&question.subject.id, &question.action.name);
    let resource = expectation.resource.as_deref().unwrap_or("the application");
    let explanation = match engine.explain(question, directory) {
        Ok(explanation) => explanation,
        Err(error) => return Some((format!("{persona} {action} {resource}: {error}"), None)),
    };
    let decision = &explanation.decision;
    if decision.allowed != expected {
        let word = |allowed: bool| if allowed { "allowed" } else { "denied" };
        let message =
            format!("{persona} {action} {resource}: expected {}, is {}", word(expected), word(decision.allowed));
        return Some((message, Some(explanation.to_string())));
    }
    let by = expectation.by.as_ref().filter(|by| expected && !decision.determining.contains(by))?;
    let found = decision.determining.join(", ");
    Some((format!("{persona} {action} {resource}: expected to be decided by `{by}`, is by `{found}`"), None))
}
