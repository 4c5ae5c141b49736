//! The IAM's policies, evaluated in this process for the `policy` layer: no server, no network.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use mock_iam::config::{Persona, Policies, SourceFile};
use mock_iam::directory::Directory;
use mock_iam::policy::{Engine, Entity, PolicyErrors, Question as PolicyQuestion};
use security_tests::oracle::{Decider, Decision, Question};

use crate::manifest::Identity;

/// A policy engine over the seeded cast.
pub struct CedarDecider {
    engine: Engine,
    directory: Directory,
    /// The schema's actions: every question looks here first.
    actions: BTreeSet<String>,
    /// The policies as they were read.
    policies: Policies,
}

impl CedarDecider {
    /// Loads policies for a cast.
    ///
    /// # Errors
    /// Every mistake in the policies, with file and line.
    pub fn new(policies: &Policies, identity: &Identity) -> Result<Self, PolicyErrors> {
        let engine = Engine::new(policies)?;
        let actions = engine.actions().into_iter().collect();
        Ok(Self { engine, directory: seeded_directory(identity), actions, policies: policies.clone() })
    }
}

/// The directory as the IAM seeds it.
#[must_use]
pub fn seeded_directory(identity: &Identity) -> Directory {
    let lower = |(name, persona): (&String, &crate::manifest::Persona)| {
        let persona = Persona {
            tenant: persona.tenant.clone(),
            roles: persona.roles.clone(),
            attributes: persona.attributes.clone(),
        };
        (name.clone(), persona)
    };
    let personas: BTreeMap<String, Persona> = identity.personas.iter().map(lower).collect();
    Directory::seed(&personas, jiff::Timestamp::UNIX_EPOCH)
}

impl Decider for CedarDecider {
    fn decide(&self, question: &Question) -> Result<Decision, String> {
        let mut resource = Entity::new(&question.resource_type, &question.resource_id);
        resource.properties.extend(question.properties.clone());
        let asked = PolicyQuestion::new(&question.persona, &question.action, resource);
        let decision = self.engine.decide(&asked, &self.directory).map_err(|error| error.to_string())?;
        Ok(if decision.allowed { Decision::Allow } else { Decision::Deny })
    }

    fn actions(&self) -> Vec<String> {
        self.actions.iter().cloned().collect()
    }

    fn knows(&self, action: &str) -> bool {
        self.actions.contains(action)
    }

    fn forbidding(&self, persona: &str, action: &str) -> Option<serde_json::Value> {
        // What cannot stand between quotes as it is is nobody's name here.
        if [persona, action].iter().any(|name| name.contains(['"', '\\']) || name.contains(char::is_control)) {
            return None;
        }
        let mut policies = self.policies.clone();
        policies.files.push(SourceFile {
            name: "edited-by-a-test.cedar".to_owned(),
            text: format!(
                "@id(\"edited-by-a-test\") forbid (principal == User::\"{persona}\", action == Action::\"{action}\", resource);"
            ),
        });
        serde_json::to_value(policies).ok()
    }
}
