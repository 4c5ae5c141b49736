//! The entities that one question needs: subject, resource, their ancestors, and users that they refer to.
//!
//! Evaluating on this slice keeps a decision independent of the size of the directory. Must not know policies.

use std::collections::{HashMap, HashSet};

use cedar_policy::{Entity as CedarEntity, EntityUid};
use serde_json::{Map, Value, json};

use super::convert::{Converter, ValueError, reference, uid};
use super::engine::{ClaimMismatch, QuestionError};
use super::entity_type::decode;
use super::question::Entity;
use super::types::{EntityShape, Field, SchemaTypes, Type};
use crate::directory::{Directory, Name, User};

/// Entity type of the users of the directory.
pub(super) const USER: &str = "User";
/// Entity type of roles, which are parents of users.
pub(super) const ROLE: &str = "Role";
/// Entity type of tenants, which are parents of users and resources.
pub(super) const TENANT: &str = "Tenant";
/// What the directory alone says of a user: a caller that adds a role or a tenant to somebody would decide for itself.
const OWNED: [&str; 3] = ["active", "roles", "tenant"];

/// A slice under construction.
pub(super) struct Slice<'a> {
    types: Option<&'a SchemaTypes>,
    directory: &'a Directory,
    pub(super) converter: Converter,
    entities: HashMap<EntityUid, CedarEntity>,
    /// Parents of entities; those that nothing is known of come without attributes.
    parents: HashSet<EntityUid>,
    pub(super) mismatches: Vec<ClaimMismatch>,
}

/// Why an entity cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum SliceError {
    /// The caller's properties are at fault.
    #[error(transparent)]
    Question(#[from] QuestionError),
    /// The directory's own data do not fit the schema.
    #[error("the directory does not fit the schema: {0}")]
    Directory(String),
}

impl<'a> Slice<'a> {
    pub(super) fn new(directory: &'a Directory, types: Option<&'a SchemaTypes>) -> Self {
        let converter = Converter::default();
        Self { types, directory, converter, entities: HashMap::new(), parents: HashSet::new(), mismatches: Vec::new() }
    }

    /// Adds a user as the directory knows it; claims fill only what the directory does not know.
    pub(super) fn user(&mut self, user: &User, claims: &Map<String, Value>) -> Result<(), SliceError> {
        let Some(id) = uid(USER, &user.profile.name) else { return Ok(()) };
        let shape = self.shape(USER);
        let known = known_properties(user, shape);
        let mut properties = known.clone();
        for (name, claimed) in claims.iter().filter(|(name, _)| declares(shape, name)) {
            match known.get(name) {
                Some(value) if same(name, value, claimed) => {}
                None if !OWNED.contains(&name.as_str()) => {
                    properties.insert(name.clone(), claimed.clone());
                }
                value => self.mismatches.push(ClaimMismatch::new(name, claimed, value)),
            }
        }
        let parents = user_parents(user).into_iter().filter(|parent| may_be_parent(shape, parent)).collect();
        self.entity(id, &properties, parents).map_err(|error| {
            if known.contains_key(error.attribute()) || !claims.contains_key(error.attribute()) {
                SliceError::Directory(format!("{error} of user `{}`", user.profile.name))
            } else {
                SliceError::Question(QuestionError::property("subject", error))
            }
        })
    }

    /// Adds a resource: what the directory knows of it wins over what the caller says, as with users.
    pub(super) fn resource(&mut self, resource: &Entity, id: &EntityUid) -> Result<(), SliceError> {
        if resource.kind == USER && self.entities.contains_key(id) {
            return Ok(());
        }
        if let Some(user) = self.directory.user(&resource.id).filter(|_| resource.kind == USER) {
            return self.user(user, &resource.properties);
        }
        let known = self.directory.resource(&resource.kind, &resource.id);
        let Some(known) = known else { return self.described(id, &resource.properties, &[]) };
        let mut properties: Map<String, Value> = known.attributes.clone().into_iter().collect();
        let shape = self.shape(&id.type_name().to_string());
        for (name, claimed) in resource.properties.iter().filter(|(name, _)| declares(shape, name)) {
            match properties.get(name) {
                Some(value) if same(name, value, claimed) => {}
                None => drop(properties.insert(name.clone(), claimed.clone())),
                value => self.mismatches.push(ClaimMismatch::new(&format!("resource.{name}"), claimed, value)),
            }
        }
        let made = self.described(id, &properties, &known.parents);
        made.map_err(|error| match error {
            SliceError::Question(QuestionError::Property { path, problem, .. })
                if known.attributes.contains_key(path.split(['.', '[']).next().unwrap_or_default()) =>
            {
                SliceError::Directory(format!("`{path}` {problem} of resource `{id}`"))
            }
            other => other,
        })
    }

    fn described(
        &mut self,
        id: &EntityUid,
        properties: &Map<String, Value>,
        parents: &[Name],
    ) -> Result<(), SliceError> {
        let kind = id.type_name().to_string();
        let shape = self.shape(&kind);
        let tenant = properties.get("tenant").and_then(Value::as_object).and_then(reference);
        // What a role or a tenant belongs to, all who have it belong to: that is not the caller's to say.
        let tenant = tenant.filter(|_| kind != ROLE && kind != TENANT);
        let known = parents.iter().filter_map(|parent| uid(&parent.kind, &parent.id));
        let parents = tenant.into_iter().chain(known).filter(|parent| may_be_parent(shape, parent)).collect();
        let made = self.entity(id.clone(), properties, parents);
        made.map_err(|error| SliceError::Question(QuestionError::property("resource", error)))
    }

    /// Adds what values, policies and parents refer to, and what these refer to, and gives the slice out.
    pub(super) fn finish(mut self, literals: &[EntityUid]) -> Result<Vec<CedarEntity>, SliceError> {
        self.converter.references.extend_from_slice(literals);
        while let Some(id) = self.converter.references.pop() {
            if self.entities.contains_key(&id) {
                continue;
            }
            let kind = id.type_name().to_string();
            match kind.as_str() {
                USER => {
                    if let Some(user) = self.directory.user(id.id().unescaped()) {
                        self.user(user, &Map::new())?;
                    }
                }
                _ => self.known_resource(&kind, &id)?,
            }
        }
        for parent in std::mem::take(&mut self.parents) {
            let entity = CedarEntity::new_no_attrs(parent.clone(), HashSet::new());
            self.entities.entry(parent).or_insert(entity);
        }
        Ok(self.entities.into_values().collect())
    }

    fn known_resource(&mut self, kind: &str, id: &EntityUid) -> Result<(), SliceError> {
        let directory = self.directory;
        let Some(known) = directory.resource(&decode(kind), id.id().unescaped()) else { return Ok(()) };
        let properties = known.attributes.clone().into_iter().collect();
        self.described(id, &properties, &known.parents).map_err(|error| match error {
            SliceError::Question(error) => SliceError::Directory(format!("{error} of `{id}`")),
            directory @ SliceError::Directory(_) => directory,
        })
    }

    fn entity(
        &mut self,
        id: EntityUid,
        properties: &Map<String, Value>,
        parents: HashSet<EntityUid>,
    ) -> Result<(), ValueError> {
        let shape = self.types.and_then(|types| types.entities.get(&id.type_name().to_string()));
        let attributes = self.converter.attributes(properties, shape.map(|shape| &shape.fields))?;
        self.converter.references.extend(parents.iter().cloned());
        self.parents.extend(parents.iter().cloned());
        let entity = CedarEntity::new(id.clone(), attributes.into_iter().collect(), parents);
        let entity = entity.map_err(|error| {
            let problem = format!("cannot be read: {}", error.inner());
            ValueError { path: error.attr().to_string(), problem }
        })?;
        self.entities.insert(id, entity);
        Ok(())
    }

    fn shape(&self, kind: &str) -> Option<&'a EntityShape> {
        self.types.and_then(|types| types.entities.get(kind))
    }
}

/// Attributes of a user as the directory knows them, in the form that the schema asks for.
fn known_properties(user: &User, shape: Option<&EntityShape>) -> Map<String, Value> {
    let profile = &user.profile;
    let kind = |name: &str| shape.and_then(|shape| shape.fields.get(name)).map(|Field { kind, .. }| kind);
    let mut properties: Map<String, Value> = profile.attributes.clone().into_iter().collect();
    properties.insert("active".to_owned(), profile.active.into());
    let role = |role: &String| match kind("roles") {
        Some(Type::Set(element)) if matches!(**element, Type::Entity(_)) => json!({ "type": ROLE, "id": role }),
        _ => Value::from(role.clone()),
    };
    properties.insert("roles".to_owned(), profile.roles.iter().map(role).collect());
    match (&profile.tenant, kind("tenant")) {
        (Some(tenant), Some(Type::String)) => properties.insert("tenant".to_owned(), tenant.clone().into()),
        (Some(tenant), _) => properties.insert("tenant".to_owned(), json!({ "type": TENANT, "id": tenant })),
        // A free attribute of that name is not a tenant.
        (None, _) => properties.remove("tenant"),
    };
    properties
}

fn user_parents(user: &User) -> Vec<EntityUid> {
    let roles = user.profile.roles.iter().filter_map(|role| uid(ROLE, role));
    roles.chain(user.profile.tenant.iter().filter_map(|tenant| uid(TENANT, tenant))).collect()
}

fn may_be_parent(shape: Option<&EntityShape>, parent: &EntityUid) -> bool {
    shape.is_none_or(|shape| shape.parents.contains(&parent.type_name().to_string()))
}

fn declares(shape: Option<&EntityShape>, name: &str) -> bool {
    OWNED.contains(&name) || shape.is_none_or(|shape| shape.fields.contains_key(name))
}

/// Whether a claim says what the directory says; names and references of tenants and roles are the same thing.
fn same(name: &str, known: &Value, claimed: &Value) -> bool {
    let plain = |value: &Value| match value {
        Value::Object(object) => object.get("id").or(object.get("value")).cloned().unwrap_or_default(),
        other => other.clone(),
    };
    let sorted = |values: &[Value]| {
        let mut values: Vec<_> = values.iter().map(|value| plain(value).to_string()).collect();
        values.sort();
        values.dedup();
        values
    };
    match (name, known, claimed) {
        ("roles", Value::Array(known), Value::Array(claimed)) => sorted(known) == sorted(claimed),
        ("tenant", known, claimed) => plain(known) == plain(claimed),
        (_, known, claimed) => known == claimed,
    }
}
