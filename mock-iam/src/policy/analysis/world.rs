//! Every question that the people of a directory can put, as far as a schema tells. Must not know policies.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::directory::{Directory, User};
use crate::policy::Engine;
use crate::policy::question::{Entity, Question};
use crate::policy::types::{EntityShape, Field, Fields, Type};

/// Truth values are tried both ways, up to so many at once: each more would double the world.
const MOST_FLAGS: usize = 3;
/// With more people than this, objects belong to two of each kind (tenant and roles) instead of everybody.
const SMALL: usize = 30;

/// What a schema does not tell.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    /// Id of the one `Application`: the name of the API.
    pub application: String,
    /// Further objects by name.
    pub resources: BTreeMap<String, Entity>,
}

/// One question with the words for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The question.
    pub question: Question,
    /// The resource, e.g. `Order of alice`.
    pub resource: String,
    /// The context, e.g. `mfa`; empty when there is none.
    pub context: String,
    /// Whether the object belongs to another tenant than the subject.
    pub crosses_tenants: bool,
}

/// All questions, in a stable order.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The questions.
    pub cases: Vec<Case>,
    /// Types of which no object could be made up, with the reason.
    pub left_out: BTreeMap<String, String>,
}

/// A thing with the words for it.
struct Labelled<T> {
    label: String,
    thing: T,
}

impl World {
    /// The world of a directory; without a schema it is empty.
    #[must_use]
    pub fn seeded(engine: &Engine, directory: &Directory, examples: &Examples) -> Self {
        let mut world = Self::default();
        let Some(types) = engine.types() else { return world };
        let mut objects: BTreeMap<&str, Vec<Labelled<Entity>>> = BTreeMap::new();
        for (action, shape) in &types.actions {
            let contexts = contexts(&shape.context);
            for kind in &shape.resources {
                let Some(entity) = types.entities.get(kind) else { continue };
                if !objects.contains_key(kind.as_str()) {
                    let made = world.objects((kind, entity), directory, (engine, examples));
                    objects.insert(kind, made);
                }
                for user in directory.users() {
                    for object in objects.get(kind.as_str()).into_iter().flatten() {
                        world.cases.extend(contexts.iter().map(|context| case(user, action, object, context)));
                    }
                }
            }
        }
        world
    }

    fn objects(
        &mut self,
        (kind, shape): (&str, &EntityShape),
        directory: &Directory,
        (engine, examples): (&Engine, &Examples),
    ) -> Vec<Labelled<Entity>> {
        let mut made = match made_up(kind, shape, directory, examples) {
            Ok(made) => made,
            Err(reason) => {
                self.left_out.insert(kind.to_owned(), reason);
                Vec::new()
            }
        };
        for (name, example) in examples.resources.iter().filter(|(_, example)| example.kind == kind) {
            let mut thing = example.clone();
            engine.lift_entity(&mut thing);
            made.push(Labelled { label: name.clone(), thing });
            self.left_out.remove(kind);
        }
        made
    }
}

fn case(user: &User, action: &str, object: &Labelled<Entity>, context: &Labelled<Map<String, Value>>) -> Case {
    let mut question = Question::new(&user.profile.name, action, object.thing.clone());
    question.context.clone_from(&context.thing);
    let tenant = object.thing.properties.get("tenant").map(|tenant| tenant.get("id").unwrap_or(tenant));
    let tenant = tenant.and_then(Value::as_str);
    Case {
        crosses_tenants: tenant.is_some_and(|tenant| user.profile.tenant.as_deref() != Some(tenant)),
        question,
        resource: object.label.clone(),
        context: context.label.clone(),
    }
}

/// Objects of a type, one for each owner and each way its flags can stand.
fn made_up(
    kind: &str,
    shape: &EntityShape,
    directory: &Directory,
    examples: &Examples,
) -> Result<Vec<Labelled<Entity>>, String> {
    let named = |id: &str| Labelled { label: format!("{kind} {id}"), thing: Entity::new(kind, id) };
    match kind {
        "User" => return Ok(directory.users().map(|user| named(&user.profile.name)).collect()),
        "Role" => {
            return Ok(directory
                .users()
                .flat_map(|user| &user.profile.roles)
                .collect::<BTreeSet<_>>()
                .into_iter()
                .map(|role| named(role))
                .collect());
        }
        "Tenant" => {
            return Ok(directory
                .users()
                .filter_map(|user| user.profile.tenant.as_ref())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .map(|tenant| named(tenant))
                .collect());
        }
        "Application" if !examples.application.is_empty() => {
            return Ok(vec![Labelled { label: kind.to_owned(), thing: Entity::new(kind, &examples.application) }]);
        }
        _ => {}
    }
    let owned = shape.fields.values().any(|field| is_entity(&field.kind, "User") || is_entity(&field.kind, "Tenant"));
    if !owned {
        let variants = flags(&shape.fields);
        let base = properties(&shape.fields, None)?;
        return Ok(variants.into_iter().map(|variant| object(kind, None, &base, variant)).collect());
    }
    let mut objects = Vec::new();
    for owner in owners(directory) {
        // An owner without a tenant cannot own what must have one.
        let Ok(base) = properties(&shape.fields, Some(owner)) else { continue };
        objects.extend(flags(&shape.fields).into_iter().map(|variant| object(kind, Some(owner), &base, variant)));
    }
    if objects.is_empty() {
        properties(&shape.fields, owners(directory).first().copied()).map(|_| objects)
    } else {
        Ok(objects)
    }
}

fn object(
    kind: &str,
    owner: Option<&User>,
    base: &Map<String, Value>,
    variant: Labelled<Map<String, Value>>,
) -> Labelled<Entity> {
    let owner = owner.map(|owner| owner.profile.name.as_str());
    let mut label = owner.map_or_else(|| kind.to_owned(), |owner| format!("{kind} of {owner}"));
    let mut thing = Entity::new(kind, &owner.map_or_else(|| "any".to_owned(), |owner| format!("of-{owner}")));
    thing.properties.clone_from(base);
    if !variant.label.is_empty() {
        label = format!("{label}, {}", variant.label);
    }
    thing.properties.extend(variant.thing);
    Labelled { label, thing }
}

/// Everybody, or of many people two of each kind: one is always somebody else.
fn owners(directory: &Directory) -> Vec<&User> {
    let many = directory.users().count() > SMALL;
    let mut seen: BTreeMap<_, usize> = BTreeMap::new();
    let wanted = |user: &&User| {
        let count = seen.entry((user.profile.tenant.clone(), user.profile.roles.clone())).or_default();
        *count += 1;
        !many || *count <= 2
    };
    directory.users().filter(wanted).collect()
}

/// What an object must have, of an owner; truth values are left to [`flags`].
fn properties(fields: &Fields, owner: Option<&User>) -> Result<Map<String, Value>, String> {
    let mut properties = Map::new();
    for (name, Field { kind, required }) in fields {
        let value = match (kind, owner) {
            (Type::Entity(entity), Some(owner)) if entity.to_string() == "User" => {
                Some(json!({ "type": "User", "id": owner.profile.name }))
            }
            (Type::Entity(entity), Some(owner)) if entity.to_string() == "Tenant" => {
                owner.profile.tenant.as_ref().map(|tenant| json!({ "type": "Tenant", "id": tenant }))
            }
            (Type::Long, _) if *required => Some(json!(0)),
            (Type::String, _) if *required => Some(json!("")),
            (Type::Set(_), _) if *required => Some(json!([])),
            (Type::Record(fields), _) if *required => Some(Value::Object(properties_of_record(fields, owner)?)),
            _ => None,
        };
        match value {
            Some(value) => {
                properties.insert(name.clone(), value);
            }
            None if *required && !matches!(kind, Type::Bool) => {
                return Err(format!("nothing is known for the attribute `{name}`"));
            }
            None => {}
        }
    }
    Ok(properties)
}

fn properties_of_record(fields: &Fields, owner: Option<&User>) -> Result<Map<String, Value>, String> {
    let mut record = properties(fields, owner)?;
    record.extend(
        fields
            .iter()
            .filter(|(_, field)| field.required && matches!(field.kind, Type::Bool))
            .map(|(name, _)| (name.clone(), json!(false))),
    );
    Ok(record)
}

fn contexts(fields: &Fields) -> Vec<Labelled<Map<String, Value>>> {
    let base = properties(fields, None).unwrap_or_default();
    let with_base = |variant: Labelled<Map<String, Value>>| {
        let mut thing = base.clone();
        thing.extend(variant.thing);
        Labelled { label: variant.label, thing }
    };
    flags(fields).into_iter().map(with_base).collect()
}

/// Each way in which truth values can stand; an optional one is there and true, or absent.
fn flags(fields: &Fields) -> Vec<Labelled<Map<String, Value>>> {
    let mut all = vec![Labelled { label: String::new(), thing: Map::new() }];
    let truths = fields.iter().filter(|(_, field)| matches!(field.kind, Type::Bool));
    for (number, (name, field)) in truths.enumerate() {
        let mut more = Vec::new();
        for variant in &mut all {
            if number < MOST_FLAGS {
                let mut thing = variant.thing.clone();
                thing.insert(name.clone(), true.into());
                let label = if variant.label.is_empty() { name.clone() } else { format!("{}, {name}", variant.label) };
                more.push(Labelled { label, thing });
            }
            if field.required {
                variant.thing.insert(name.clone(), false.into());
            }
        }
        all.append(&mut more);
    }
    all
}

fn is_entity(kind: &Type, name: &str) -> bool {
    matches!(kind, Type::Entity(entity) if entity.to_string() == name)
}
