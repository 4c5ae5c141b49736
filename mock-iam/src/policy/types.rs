//! What a schema declares, in the shape that the conversion of JSON needs. Must not know values.

use std::collections::BTreeMap;

use cedar_policy::EntityTypeName;
use serde_json::{Map, Value};

/// Attributes by name.
pub(super) type Fields = BTreeMap<String, Field>;

/// The entity types and actions of a schema.
#[derive(Debug, Default)]
pub(super) struct SchemaTypes {
    pub(super) entities: BTreeMap<String, EntityShape>,
    /// Each action that applies to something, by its id.
    pub(super) actions: BTreeMap<String, ActionShape>,
}

/// What a schema says of an action.
#[derive(Debug, Default)]
pub(super) struct ActionShape {
    pub(super) context: Fields,
    /// Types of the resources that it applies to.
    pub(super) resources: Vec<String>,
}

/// What a schema says of an entity type.
#[derive(Debug, Default)]
pub(super) struct EntityShape {
    pub(super) fields: Fields,
    /// Types that an entity of this type may be a member of.
    pub(super) parents: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) kind: Type,
    pub(super) required: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Type {
    Bool,
    Long,
    String,
    Set(Box<Type>),
    Record(Fields),
    Entity(EntityTypeName),
    Extension(Extension),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Extension {
    Decimal,
    IpAddress,
    DateTime,
    Duration,
}

impl SchemaTypes {
    /// Reads the JSON form of a schema whose type names are resolved.
    ///
    /// # Errors
    /// The name of a type that this reader does not know.
    pub(super) fn from_json(schema: &Value) -> Result<Self, String> {
        let empty = Map::new();
        let namespaces = schema.as_object().unwrap_or(&empty);
        let common = common_types(namespaces);
        let mut types = Self::default();
        for (namespace, declarations) in namespaces {
            for (name, entity) in members(declarations, "entityTypes") {
                types.entities.insert(qualified(namespace, name), EntityShape::from_json(entity, &common)?);
            }
            for (name, action) in members(declarations, "actions").filter(|(_, action)| applies(action)) {
                let context = action.pointer("/appliesTo/context");
                let fields = context.map_or(Ok(Fields::new()), |context| record_fields(context, &common))?;
                types.actions.insert(name.clone(), ActionShape { context: fields, resources: resources(action) });
            }
        }
        Ok(types)
    }
}

impl EntityShape {
    fn from_json(entity: &Value, common: &CommonTypes<'_>) -> Result<Self, String> {
        let fields = entity.get("shape").map_or(Ok(Fields::new()), |shape| record_fields(shape, common))?;
        let parents = entity.get("memberOfTypes").and_then(Value::as_array);
        let parents = parents.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(Self { fields, parents })
    }
}

type CommonTypes<'a> = BTreeMap<String, &'a Value>;

fn common_types(namespaces: &Map<String, Value>) -> CommonTypes<'_> {
    let all = namespaces.iter().flat_map(|(namespace, declarations)| {
        members(declarations, "commonTypes").map(move |(name, kind)| (qualified(namespace, name), kind))
    });
    all.collect()
}

fn members<'a>(declarations: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    declarations.get(key).and_then(Value::as_object).into_iter().flatten()
}

/// Whether an action applies to anything; one that does not is a group of actions.
fn applies(action: &Value) -> bool {
    let resources = action.pointer("/appliesTo/resourceTypes").and_then(Value::as_array);
    resources.is_some_and(|resources| !resources.is_empty())
}

fn resources(action: &Value) -> Vec<String> {
    let types = action.pointer("/appliesTo/resourceTypes").and_then(Value::as_array);
    types.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn qualified(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}::{name}") }
}

fn record_fields(json: &Value, common: &CommonTypes<'_>) -> Result<Fields, String> {
    match parse_type(json, common)? {
        Type::Record(fields) => Ok(fields),
        _ => Ok(Fields::new()),
    }
}

fn parse_type(json: &Value, common: &CommonTypes<'_>) -> Result<Type, String> {
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
    let name = text("type");
    Ok(match name.strip_prefix("__cedar::").unwrap_or(name) {
        "Bool" | "Boolean" => Type::Bool,
        "Long" => Type::Long,
        "String" => Type::String,
        "Set" => Type::Set(Box::new(parse_type(json.get("element").unwrap_or(&Value::Null), common)?)),
        "Record" => {
            let fields = members(json, "attributes").map(|(name, field)| {
                let required = field.get("required").and_then(Value::as_bool).unwrap_or(true);
                Ok((name.clone(), Field { kind: parse_type(field, common)?, required }))
            });
            Type::Record(fields.collect::<Result<_, String>>()?)
        }
        "Entity" => Type::Entity(text("name").parse().map_err(|_| text("name").to_owned())?),
        "decimal" => Type::Extension(Extension::Decimal),
        "ipaddr" => Type::Extension(Extension::IpAddress),
        "datetime" => Type::Extension(Extension::DateTime),
        "duration" => Type::Extension(Extension::Duration),
        "Extension" => return parse_type(&serde_json::json!({ "type": text("name") }), common),
        other => return common.get(other).map_or(Err(other.to_owned()), |kind| parse_type(kind, common)),
    })
}
