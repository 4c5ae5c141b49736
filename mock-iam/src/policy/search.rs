//! Searches (AuthZEN 1.0 §8): every candidate that the directory or the policies know is asked about.
//!
//! What is found evaluates to true, because it just did. Must not know HTTP, pages, or who asks.

use std::collections::BTreeSet;

use super::engine::{Engine, QuestionError};
use super::question::Question;
use super::slice::{ROLE, TENANT, USER};
use crate::directory::Directory;

/// What is looked for; the question lacks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// Who may?
    Subject,
    /// On what of a type?
    Resource,
    /// What may be done?
    Action,
}

impl Engine {
    /// Identifiers of subjects or resources, or names of actions, that the question is permitted with; sorted.
    ///
    /// # Errors
    /// When what the question does say cannot be given to policies.
    pub fn search(
        &self,
        search: Search,
        question: &Question,
        directory: &Directory,
    ) -> Result<Vec<String>, QuestionError> {
        let mut asked = question.clone();
        let mut found = Vec::new();
        for candidate in self.candidates(search, question, directory) {
            match search {
                Search::Subject => asked.subject.id.clone_from(&candidate),
                Search::Resource => asked.resource.id.clone_from(&candidate),
                Search::Action => asked.action.name.clone_from(&candidate),
            }
            match self.decide(&asked, directory) {
                Ok(decision) if decision.allowed => found.push(candidate),
                // Actions differ in what they want to know: one that cannot be asked about is not permitted.
                Err(_) if search == Search::Action => {}
                Err(error) if error.is_about_what_was_said(search, question) => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(found)
    }

    fn candidates(&self, search: Search, question: &Question, directory: &Directory) -> BTreeSet<String> {
        let kind = match search {
            Search::Action => return self.known_actions(),
            Search::Subject if question.subject.kind == USER => USER,
            Search::Subject => return BTreeSet::new(),
            Search::Resource => question.resource.kind.as_str(),
        };
        match kind {
            USER => directory.users().map(|user| user.profile.name.clone()).collect(),
            ROLE => directory.groups().map(|group| group.name.clone()).collect(),
            TENANT => directory.users().filter_map(|user| user.profile.tenant.clone()).collect(),
            _ => {
                let resources = directory.resources().filter(|(name, _)| name.kind == kind);
                resources.map(|(name, _)| name.id.clone()).collect()
            }
        }
    }

    /// Actions of the schema; without one, those that policies name.
    fn known_actions(&self) -> BTreeSet<String> {
        let of_schema: BTreeSet<String> = self.actions().into_iter().collect();
        if self.has_schema() { of_schema } else { self.named_actions() }
    }
}

impl QuestionError {
    /// Whether it is the caller's words that are at fault, and not what nobody said of a candidate or of something that
    /// the directory does not know: such a thing is just not found.
    fn is_about_what_was_said(&self, search: Search, question: &Question) -> bool {
        match (self, search) {
            (Self::Context { .. }, _) => true,
            (Self::Property { part: "subject", .. }, Search::Resource) => !question.subject.properties.is_empty(),
            (Self::Property { part: "resource", .. }, Search::Subject) => !question.resource.properties.is_empty(),
            (Self::Property { .. }, _) => false,
        }
    }
}
