//! OpenAPI 3.0 and 3.1, YAML or JSON, to operations in the order of the document. Must not know access rules or HTTP
//! clients. Own reader: no library reads both versions, and little of them is needed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod difference;
mod node;
mod operations;
mod schema;
mod security;
mod servers;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub use difference::Difference;
use node::Node;
pub use operations::Operations;
pub use schema::{Kind, Schema};
pub use security::{Alternative, Change, Requirements};

/// The methods of OpenAPI's path item, in lower case as written there.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// What an API offers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Api {
    /// Title of the document.
    pub title: String,
    /// Operations in the order of the document.
    pub operations: Vec<Operation>,
    /// Path of the document's first server, e.g. `/api/v1`; empty for none.
    pub base_path: String,
    /// Security schemes by name, each with what it is: `http bearer`, `apiKey header X-Key`.
    pub schemes: BTreeMap<String, String>,
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// `operationId`; without one, `METHOD /path`.
    pub id: String,
    /// HTTP method, upper case.
    pub method: String,
    /// Path template, e.g. `/orders/{id}`.
    pub path: String,
    /// Parameters of path, query and header.
    pub parameters: Vec<Parameter>,
    /// The body it takes: JSON, or else a form.
    pub request: Option<Schema>,
    /// The body is a form (`application/x-www-form-urlencoded`), and JSON is not taken.
    pub form: bool,
    /// Example of that body.
    pub example: Option<Value>,
    /// What the document says about security.
    pub security: Security,
    /// The same in full: what a caller must show.
    pub requirements: Requirements,
    /// What it answers when all is well.
    pub response: Option<Schema>,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// `path`, `query`, `header` or `cookie`.
    pub location: String,
    /// Whether a request without it is wrong.
    pub required: bool,
    /// Its values.
    pub schema: Schema,
}

/// What the document says about security of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Nothing, neither here nor for all; or an empty list.
    None,
    /// An empty requirement (`{}`) is among the alternatives.
    Optional,
    /// At least one scheme.
    Required,
    /// The operation is in no document.
    Undocumented,
}

/// Why a document could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Neither YAML nor JSON.
    #[error("cannot read the OpenAPI document: {0}")]
    Syntax(String),
    /// Not OpenAPI 3.
    #[error("`openapi: {0}` is not 3.0 or 3.1")]
    Version(String),
    /// No `paths`.
    #[error("the OpenAPI document has no operation")]
    Empty,
    /// Two operations share a name.
    #[error("two operations have the operationId `{0}`")]
    Duplicate(String),
}

impl Api {
    /// Reads a document.
    ///
    /// # Errors
    /// When it is not OpenAPI 3, holds no operation, or names two of them alike.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let document = checked(text)?;
        let operations = read_operations(&document);
        if operations.is_empty() {
            return Err(ApiError::Empty);
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = operations.iter().find(|operation| !seen.insert(operation.id.as_str())) {
            return Err(ApiError::Duplicate(twice.id.clone()));
        }
        let title = document.pointer("#/info/title").and_then(Node::text).unwrap_or_default().to_owned();
        let base_path = servers::base_path(&document);
        Ok(Self { title, operations, base_path, schemes: read_schemes(&document) })
    }

    /// Where the API answers on a target: the host is the target's, the base path the document's, unless the target has
    /// one itself.
    #[must_use]
    pub fn address(&self, target: &str) -> String {
        servers::address(target, &self.base_path)
    }

    /// An operation of an earlier document: of the same name, else with the same method and path. With what it asked for,
    /// in the names that schemes have here.
    #[must_use]
    pub fn earlier<'a>(&self, operation: &Operation, before: &'a Self) -> Option<(&'a Operation, Requirements)> {
        let of_name = before.operation(&operation.id);
        let found = of_name.or_else(|| {
            let same_place = before.operations.iter().find(|known| known.place() == operation.place());
            // One that still has its name is somewhere else now.
            same_place.filter(|known| self.operation(&known.id).is_none())
        })?;
        Some((found, found.requirements.renamed(&security::names(&before.schemes, &self.schemes))))
    }

    /// The names of all operations, in the order of the document.
    #[must_use]
    pub fn operation_ids(&self) -> Vec<&str> {
        self.operations.iter().map(|operation| operation.id.as_str()).collect()
    }

    /// One operation by name.
    #[must_use]
    pub fn operation(&self, id: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.id == id)
    }
}

impl Operation {
    /// An operation that no document describes.
    #[must_use]
    pub fn undocumented(method: &str, path: &str) -> Self {
        Self {
            id: format!("{method} {path}"),
            method: method.to_owned(),
            path: path.to_owned(),
            parameters: Vec::new(),
            request: None,
            form: false,
            example: None,
            security: Security::Undocumented,
            requirements: Requirements::new(Vec::new()),
            response: None,
        }
    }

    /// As reports print it: `GET /orders/{id}`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Method and path, whatever its parameters are called.
    fn place(&self) -> (&str, String) {
        let part = |part: &str| if part.starts_with('{') { "{}".to_owned() } else { part.to_owned() };
        (&self.method, self.path.split('/').map(part).collect::<Vec<_>>().join("/"))
    }

    /// Names in the path template, in order.
    #[must_use]
    pub fn path_parameters(&self) -> Vec<&str> {
        self.path.split('{').skip(1).filter_map(|part| part.split_once('}').map(|(name, _)| name)).collect()
    }

    /// Whether the method promises to change nothing (RFC 9110 §9.2.1).
    #[must_use]
    pub fn is_safe(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }
}

/// The document, when it is one of OpenAPI 3.
fn checked(text: &str) -> Result<Node, ApiError> {
    let document = read_document(text)?;
    let version = document.get("openapi").map(Node::to_json).unwrap_or_default();
    let version = version.as_str().map_or_else(|| version.to_string(), str::to_owned);
    let known = version.starts_with("3.0") || version.starts_with("3.1");
    if known { Ok(document) } else { Err(ApiError::Version(version)) }
}

fn read_document(text: &str) -> Result<Node, ApiError> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| ApiError::Syntax(error.to_string()));
    }
    serde_saphyr::from_str(text).map_err(|error| ApiError::Syntax(error.to_string()))
}

fn read_operations(document: &Node) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in document.get("paths").map(Node::entries).unwrap_or_default() {
        let item = schema::resolve(document, item);
        for (method, node) in item.entries().iter().filter(|(method, _)| METHODS.contains(&method.as_str())) {
            operations.push(read_operation(document, item, &Place { method, path }, node));
        }
    }
    operations
}

/// Where an operation is in the document.
struct Place<'a> {
    method: &'a str,
    path: &'a str,
}

fn read_operation(document: &Node, item: &Node, place: &Place<'_>, node: &Node) -> Operation {
    let method = place.method.to_ascii_uppercase();
    let body = node.get("requestBody").map(|body| schema::resolve(document, body));
    let (json, form) = (body.and_then(json_media), body.and_then(form_media));
    let media = json.or(form);
    let security = node.get("security").or_else(|| document.get("security"));
    Operation {
        id: operation_id(node, &method, place.path),
        path: place.path.to_owned(),
        parameters: read_parameters(document, item, node),
        request: media.and_then(|media| media.get("schema")).map(|node| schema::read(document, node)),
        form: json.is_none() && form.is_some(),
        example: media.and_then(|media| media_example(document, media)),
        security: read_security(security),
        requirements: read_requirements(security),
        response: read_response(document, node),
        method,
    }
}

/// `operationId`; without one, `METHOD /path`.
fn operation_id(node: &Node, method: &str, path: &str) -> String {
    let named = node.get("operationId").and_then(Node::text).map(str::to_owned);
    named.unwrap_or_else(|| format!("{method} {path}"))
}

/// The operation's own parameters, then those of the path item that it does not override.
fn read_parameters(document: &Node, item: &Node, operation: &Node) -> Vec<Parameter> {
    let mut parameters: Vec<Parameter> = Vec::new();
    for owner in [operation, item] {
        for node in owner.get("parameters").map(Node::items).unwrap_or_default() {
            let node = schema::resolve(document, node);
            let text = |key: &str| node.get(key).and_then(Node::text).unwrap_or_default().to_owned();
            let (name, location) = (text("name"), text("in"));
            if parameters.iter().any(|known| known.name == name && known.location == location) {
                continue;
            }
            let mut schema = node.get("schema").map_or_else(Schema::any, |node| schema::read(document, node));
            schema.example = media_example(document, node).or(schema.example);
            let required = node.get("required").is_some_and(Node::is_true) || location == "path";
            parameters.push(Parameter { name, location, required, schema });
        }
    }
    parameters
}

fn json_media(body: &Node) -> Option<&Node> {
    let content = body.get("content")?.entries();
    let is_json = |name: &str| name.starts_with("application/json") || name.contains("+json");
    content.iter().find(|(name, _)| is_json(name)).map(|(_, media)| media)
}

fn form_media(body: &Node) -> Option<&Node> {
    body.get("content")?.get("application/x-www-form-urlencoded")
}

/// `example`, or the first of the named `examples`.
fn media_example(document: &Node, media: &Node) -> Option<Value> {
    let named = || {
        let (_, first) = media.get("examples")?.entries().first()?;
        schema::resolve(document, first).get("value")
    };
    media.get("example").or_else(named).map(Node::to_json)
}

fn read_response(document: &Node, operation: &Node) -> Option<Schema> {
    let responses = operation.get("responses")?.entries();
    let (_, good) = responses.iter().find(|(status, _)| status.starts_with('2'))?;
    let media = json_media(schema::resolve(document, good))?;
    media.get("schema").map(|node| schema::read(document, node))
}

fn read_security(node: Option<&Node>) -> Security {
    let alternatives = node.map(Node::items).unwrap_or_default();
    if alternatives.is_empty() {
        Security::None
    } else if alternatives.iter().any(|alternative| alternative.entries().is_empty()) {
        Security::Optional
    } else {
        Security::Required
    }
}

fn read_requirements(node: Option<&Node>) -> Requirements {
    let scopes = |node: &Node| node.items().iter().filter_map(Node::text).map(str::to_owned).collect();
    let alternative = |node: &Node| -> Alternative {
        node.entries().iter().map(|(scheme, node)| (scheme.clone(), scopes(node))).collect()
    };
    Requirements::new(node.map(Node::items).unwrap_or_default().iter().map(alternative).collect())
}

/// Schemes by name, each as what tells it from others; not how it is described.
fn read_schemes(document: &Node) -> BTreeMap<String, String> {
    let read = |(name, node): &(String, Node)| {
        let node = schema::resolve(document, node);
        let words = ["type", "scheme", "in", "name", "openIdConnectUrl"].map(|key| node.get(key).and_then(Node::text));
        let kind: Vec<&str> = words.into_iter().flatten().collect();
        // RFC 9110 §11.1: the names of schemes have no case.
        (name.clone(), if kind.first() == Some(&"http") { kind.join(" ").to_lowercase() } else { kind.join(" ") })
    };
    document.pointer("#/components/securitySchemes").map(Node::entries).unwrap_or_default().iter().map(read).collect()
}
