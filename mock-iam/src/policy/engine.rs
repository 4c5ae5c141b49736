//! Decisions: a question, a directory snapshot and loaded policies in, an answer with its reasons out.
//!
//! Must not know where policies come from nor who asks.

use std::sync::OnceLock;

use cedar_policy::{Authorizer, Context, Entities, EntityUid, PolicyId, PolicySet, Request, Schema};
use serde::Serialize;
use serde_json::Value;

use super::candidates::Candidates;
use super::convert::{ValueError, uid};
use super::explain::{Clauses, Numbers, Scope};
use super::load::load;
use super::problem::{PolicyErrors, PolicyProblem};
use super::question::Question;
use super::slice::{Slice, SliceError, USER};
use super::types::{Fields, SchemaTypes};
use crate::config::Policies;
use crate::directory::{Directory, User};

/// A validated set of policies, ready to decide.
pub struct Engine {
    set: PolicySet,
    schema: Option<(Schema, SchemaTypes)>,
    policies: Vec<Policy>,
    warnings: Vec<PolicyProblem>,
    /// Actions with their groups; they belong to each slice.
    actions: Entities,
    /// Users that policies name.
    literals: Vec<EntityUid>,
    hash: String,
    /// Heads of `policies`, in their order.
    scopes: Vec<Scope>,
    candidates: Candidates,
    /// Conditions of `policies`, taken apart when first asked for.
    clauses: OnceLock<Vec<Clauses>>,
}

/// A policy taken apart.
pub(super) struct Dissected<'a> {
    pub(super) policy: &'a Policy,
    pub(super) scope: &'a Scope,
    pub(super) clauses: &'a Clauses,
}

/// A question as policies see it.
pub(super) struct Prepared {
    pub(super) request: Request,
    pub(super) entities: Entities,
    mismatches: Vec<ClaimMismatch>,
}

/// A policy by name and place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// The `@id("…")` annotation, or `FILE:LINE`.
    pub id: String,
    /// Whether its effect is `permit`; `forbid` otherwise.
    pub permits: bool,
    /// Name of its file.
    pub file: String,
    /// Line where it begins, 1-based.
    pub line: usize,
}

/// The answer to a question.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Decision {
    /// Whether the subject may.
    pub allowed: bool,
    /// Ids of the policies that decided, sorted; none for a denial because nothing permits.
    pub determining: Vec<String>,
    /// What kept policies, or all of them, from being evaluated.
    pub errors: Vec<String>,
    /// Where the caller's claims contradict the directory, which wins.
    pub mismatches: Vec<ClaimMismatch>,
}

/// A property that the caller sent and the directory knows better.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClaimMismatch {
    /// Name of the property.
    pub property: String,
    /// What the caller said.
    pub claimed: Value,
    /// What the directory says; absent when it says that there is no such thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<Value>,
}

/// Why a question has no answer: its author is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// A property has no counterpart in the policy language or is not of the type that the schema declares.
    #[error("{part} property `{path}` {problem}")]
    Property {
        /// `subject` or `resource`.
        part: &'static str,
        /// Attribute names joined by dots.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A value of the context, likewise.
    #[error("context value `{path}` {problem}")]
    Context {
        /// Attribute names joined by dots.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Engine {
    /// Loads policies: parses all of them and validates them strictly against the schema, if there is one.
    ///
    /// # Errors
    /// Everything that is wrong, with file, line and column.
    pub fn new(policies: &Policies) -> Result<Self, PolicyErrors> {
        let loaded = load(policies)?;
        let actions = loaded.schema.as_ref().and_then(|(schema, _)| schema.action_entities().ok());
        let literals = loaded.set.policies().flat_map(cedar_policy::Policy::entity_literals);
        let mut literals: Vec<_> = literals.filter(|id| id.type_name().to_string() == USER).collect();
        literals.sort();
        literals.dedup();
        let scopes: Vec<Scope> = cedar_policies(&loaded.set, &loaded.policies).map(Scope::of).collect();
        Ok(Self {
            candidates: Candidates::new(&scopes),
            scopes,
            clauses: OnceLock::new(),
            set: loaded.set,
            schema: loaded.schema,
            policies: loaded.policies,
            warnings: loaded.warnings,
            actions: actions.unwrap_or_else(Entities::empty),
            literals,
            hash: hash(policies),
        })
    }

    /// Decides. Unknown and inactive subjects, actions and resource types that the schema does not know: denied.
    ///
    /// # Errors
    /// When a property or context value cannot be given to policies.
    pub fn decide(&self, question: &Question, directory: &Directory) -> Result<Decision, QuestionError> {
        let prepared = self.prepare(question, directory)?;
        Ok(prepared.map_or_else(|denied| denied, |prepared| self.authorize(&prepared)))
    }

    /// Gathers what policies look at; a denial when there is nothing for them to look at.
    pub(super) fn prepare(
        &self,
        question: &Question,
        directory: &Directory,
    ) -> Result<Result<Prepared, Decision>, QuestionError> {
        let user = match subject(question, directory) {
            Ok(user) => user,
            Err(reason) => return Ok(Err(Decision::denied(reason))),
        };
        let (resource, context_fields) = match self.resource_and_context(question) {
            Ok(checked) => checked,
            Err(reason) => return Ok(Err(Decision::denied(reason))),
        };
        let mut slice = Slice::new(directory, self.schema.as_ref().map(|(_, types)| types));
        let filled = self.fill(&mut slice, (user, &resource), question);
        let mismatches = std::mem::take(&mut slice.mismatches);
        let context = context(&mut slice, question, context_fields)?;
        let made = match filled.and_then(|()| slice.finish(&self.literals)) {
            Ok(entities) => self.request(entities, (question, resource), context),
            Err(SliceError::Question(error)) => return Err(error),
            Err(error @ SliceError::Directory(_)) => Err(error.to_string()),
        };
        Ok(match made {
            Ok((request, entities)) => Ok(Prepared { request, entities, mismatches }),
            Err(reason) => Err(Decision { mismatches, ..Decision::denied(reason) }),
        })
    }

    /// Lets the policies decide.
    pub(super) fn authorize(&self, prepared: &Prepared) -> Decision {
        let set = self.candidates.of(prepared, &self.scopes, || cedar_policies(&self.set, &self.policies));
        let response = Authorizer::new().is_authorized(&prepared.request, &set, &prepared.entities);
        Decision { mismatches: prepared.mismatches.clone(), ..Decision::from_cedar(&response) }
    }

    /// All policies, taken apart; their conditions are when first asked for.
    pub(super) fn dissected(&self) -> impl Iterator<Item = Dissected<'_>> {
        let clauses = self.clauses.get_or_init(|| {
            let mut numbers = Numbers::new();
            cedar_policies(&self.set, &self.policies).map(|policy| Clauses::of(policy, &mut numbers)).collect()
        });
        let parts = self.policies.iter().zip(&self.scopes).zip(clauses);
        parts.map(|((policy, scope), clauses)| Dissected { policy, scope, clauses })
    }

    /// All policies as the policy engine has them, in the order of [`Engine::policies`].
    pub(super) fn cedar_policies(&self) -> impl Iterator<Item = &cedar_policy::Policy> {
        cedar_policies(&self.set, &self.policies)
    }

    /// Names of the actions that the schema applies to something, sorted; none without a schema.
    #[must_use]
    pub fn actions(&self) -> Vec<String> {
        self.schema.iter().flat_map(|(_, types)| types.actions.keys().cloned()).collect()
    }

    pub(super) fn has_schema(&self) -> bool {
        self.schema.is_some()
    }

    /// Names of the actions that policies name.
    pub(super) fn named_actions(&self) -> std::collections::BTreeSet<String> {
        let literals = self.set.policies().flat_map(cedar_policy::Policy::entity_literals);
        let actions = literals.filter(|id| id.type_name().to_string() == "Action");
        actions.map(|id| id.id().unescaped().to_owned()).collect()
    }

    /// All policies, by id.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// What the validator finds suspicious, though valid.
    #[must_use]
    pub fn warnings(&self) -> &[PolicyProblem] {
        &self.warnings
    }

    /// What the schema declares, if there is one.
    pub(super) fn types(&self) -> Option<&SchemaTypes> {
        self.schema.as_ref().map(|(_, types)| types)
    }

    /// The hash that policies have once they are loaded.
    #[must_use]
    pub fn hash_of(policies: &Policies) -> String {
        hash(policies)
    }

    /// SHA-256 over schema and policies, in hexadecimal: names the version that decided.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The resource's entity and the declared context; the reason when the schema knows the action or type not at all.
    fn resource_and_context(&self, question: &Question) -> Result<(EntityUid, Option<&Fields>), String> {
        let kind = &question.resource.kind;
        let resource = uid(kind, &question.resource.id).ok_or(format!("`{kind}` is not a name of an entity type"))?;
        let Some((_, types)) = &self.schema else { return Ok((resource, None)) };
        if !types.entities.contains_key(&resource.type_name().to_string()) {
            return Err(format!("resource type `{kind}` is not in the schema"));
        }
        let name = &question.action.name;
        let action = types.actions.get(name).ok_or_else(|| format!("action `{name}` is not in the schema"))?;
        Ok((resource, Some(&action.context)))
    }

    fn fill(
        &self,
        slice: &mut Slice<'_>,
        (user, resource): (&User, &EntityUid),
        question: &Question,
    ) -> Result<(), SliceError> {
        let mut claims = question.subject.properties.clone();
        if question.resource.kind == USER && question.resource.id == user.profile.name {
            for (name, value) in &question.resource.properties {
                claims.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        slice.user(user, &claims)?;
        slice.resource(&question.resource, resource)
    }

    fn request(
        &self,
        entities: Vec<cedar_policy::Entity>,
        (question, resource): (&Question, EntityUid),
        context: Context,
    ) -> Result<(Request, Entities), String> {
        let (Some(subject), Some(action)) = (uid(USER, &question.subject.id), uid("Action", &question.action.name))
        else {
            return Err("subject or action is not a name".to_owned());
        };
        let schema = self.schema.as_ref().map(|(schema, _)| schema);
        let request = Request::new(subject, action, resource, context, schema).map_err(|error| error.to_string())?;
        // The converter has checked each entity against the schema; checking again would double the time.
        let entities = self.actions.clone().add_entities(entities, None).map_err(|error| error.to_string())?;
        Ok((request, entities))
    }
}

impl Decision {
    fn denied(reason: String) -> Self {
        Self { errors: vec![reason], ..Self::default() }
    }

    fn from_cedar(response: &cedar_policy::Response) -> Self {
        let diagnostics = response.diagnostics();
        let mut determining: Vec<String> = diagnostics.reason().map(ToString::to_string).collect();
        let mut errors: Vec<String> = diagnostics.errors().map(ToString::to_string).collect();
        determining.sort();
        errors.sort();
        let allowed = response.decision() == cedar_policy::Decision::Allow;
        Self { allowed, determining, errors, mismatches: Vec::new() }
    }
}

impl ClaimMismatch {
    pub(super) fn new(property: &str, claimed: &Value, directory: Option<&Value>) -> Self {
        Self { property: property.to_owned(), claimed: claimed.clone(), directory: directory.cloned() }
    }
}

impl QuestionError {
    pub(super) fn property(part: &'static str, ValueError { path, problem }: ValueError) -> Self {
        Self::Property { part, path, problem }
    }
}

fn cedar_policies<'a>(set: &'a PolicySet, policies: &'a [Policy]) -> impl Iterator<Item = &'a cedar_policy::Policy> {
    policies.iter().filter_map(|policy| set.policy(&PolicyId::new(&policy.id)))
}

/// The subject as the directory knows it; the reason when it is nobody who may act.
fn subject<'a>(question: &Question, directory: &'a Directory) -> Result<&'a User, String> {
    let (kind, id) = (&question.subject.kind, &question.subject.id);
    let user = directory.user(id).filter(|_| kind == USER);
    let user = user.ok_or_else(|| format!("subject `{kind}::{id:?}` is not in the directory"))?;
    if user.profile.active { Ok(user) } else { Err(format!("subject `{kind}::{id:?}` is not active")) }
}

fn context(slice: &mut Slice<'_>, question: &Question, fields: Option<&Fields>) -> Result<Context, QuestionError> {
    let mut values = question.context.clone();
    if !question.action.properties.is_empty() {
        values.insert("action".to_owned(), Value::Object(question.action.properties.clone()));
    }
    let wrong = |ValueError { path, problem }| QuestionError::Context { path, problem };
    let attributes = slice.converter.attributes(&values, fields).map_err(wrong)?;
    Context::from_pairs(attributes)
        .map_err(|error| QuestionError::Context { path: "context".to_owned(), problem: error.to_string() })
}

fn hash(policies: &Policies) -> String {
    let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for file in policies.schema.iter().chain(&policies.files) {
        // Lengths keep two files from hashing like one with their texts joined.
        digest.update(&(file.text.len() as u64).to_be_bytes());
        digest.update(file.text.as_bytes());
    }
    digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
