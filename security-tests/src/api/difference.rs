//! What two documents describe otherwise, operation by operation. Must not know files nor who asks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::node::Node;
use super::{ApiError, METHODS, checked, operation_id, schema};

/// Members of a document that describe no operation, or whose parts are compared where an operation uses them.
const OF_NO_OPERATION: [&str; 6] = ["info", "tags", "externalDocs", "components", "paths", "security"];

/// How a document differs from an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Operations, by `operationId`, that are new or are described otherwise: in a word of their own, of their path, of a
    /// component that they refer to, or in the security that they inherit.
    pub operations: BTreeSet<String>,
    /// Operations that only the earlier document has.
    pub removed: BTreeSet<String>,
    /// Members of the document that may concern every operation, e.g. `servers`.
    pub everywhere: BTreeSet<String>,
}

impl Difference {
    /// Compares two documents. The order of keys, comments and layout make no difference.
    ///
    /// # Errors
    /// When one of them cannot be read, as [`Api::parse`](super::Api::parse) says.
    pub fn between(before: &str, after: &str) -> Result<Self, ApiError> {
        let (before, after) = (checked(before)?, checked(after)?);
        let (old, new) = (descriptions(&before), descriptions(&after));
        let differs = |(id, description): &(&String, &Description)| old.get(*id) != Some(*description);
        let members = |document: &Node| -> BTreeMap<String, Value> {
            let entries = document.entries().iter();
            let wanted = entries.filter(|(name, _)| !OF_NO_OPERATION.contains(&name.as_str()));
            wanted.map(|(name, node)| (name.clone(), node.to_json())).collect()
        };
        let (were, are) = (members(&before), members(&after));
        let names = were.keys().chain(are.keys());
        Ok(Self {
            operations: new.iter().filter(differs).map(|(id, _)| id.clone()).collect(),
            removed: old.keys().filter(|id| !new.contains_key(*id)).cloned().collect(),
            everywhere: names.filter(|name| were.get(*name) != are.get(*name)).cloned().collect(),
        })
    }
}

/// All that a document says about one operation.
#[derive(PartialEq)]
struct Description {
    method: String,
    path: String,
    /// What its path item says for all operations of the path.
    shared: BTreeMap<String, Value>,
    own: Value,
    security: Value,
    /// What it refers to, by JSON pointer, and what that refers to.
    references: BTreeMap<String, Value>,
}

fn descriptions(document: &Node) -> BTreeMap<String, Description> {
    let mut all = BTreeMap::new();
    for (path, item) in document.get("paths").map(Node::entries).unwrap_or_default() {
        let item = schema::resolve(document, item);
        let (methods, shared): (Vec<_>, Vec<_>) =
            item.entries().iter().partition(|(name, _)| METHODS.contains(&name.as_str()));
        for (method, own) in methods {
            let security = own.get("security").or_else(|| document.get("security"));
            let mut references = BTreeMap::new();
            shared.iter().for_each(|(_, node)| follow(document, node, &mut references));
            follow(document, own, &mut references);
            for scheme in security.map(Node::items).unwrap_or_default().iter().flat_map(Node::entries) {
                let name = scheme.0.replace('~', "~0").replace('/', "~1");
                point(document, &format!("#/components/securitySchemes/{name}"), &mut references);
            }
            let description = Description {
                method: method.clone(),
                path: path.clone(),
                shared: shared.iter().map(|(name, node)| (name.clone(), node.to_json())).collect(),
                own: own.to_json(),
                security: security.map(Node::to_json).unwrap_or_default(),
                references,
            };
            all.insert(operation_id(own, &method.to_ascii_uppercase(), path), description);
        }
    }
    all
}

/// Adds what a node refers to. Each text that is a pointer into the document counts: `$ref`, the mapping of a
/// discriminator, a link.
fn follow(document: &Node, node: &Node, references: &mut BTreeMap<String, Value>) {
    if let Some(text) = node.text() {
        point(document, text, references);
    }
    node.items().iter().for_each(|item| follow(document, item, references));
    node.entries().iter().for_each(|(_, value)| follow(document, value, references));
}

fn point(document: &Node, pointer: &str, references: &mut BTreeMap<String, Value>) {
    if references.contains_key(pointer) {
        return;
    }
    if let Some(node) = document.pointer(pointer) {
        references.insert(pointer.to_owned(), node.to_json());
        follow(document, node, references);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "
openapi: 3.1.0
info: { title: Shop, version: '1' }
security: [{ bearer: [] }]
paths:
  /orders:
    get: { operationId: listOrders, responses: { '200': { $ref: '#/components/responses/Orders' } } }
    post: { operationId: createOrder, security: [{ key: [] }] }
  /orders/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    get: { operationId: readOrder, summary: One order, responses: { '200': { description: fine } } }
    delete: { responses: { '204': { description: gone } } }
components:
  securitySchemes: { bearer: { type: http, scheme: bearer }, key: { type: apiKey, in: header, name: X-Key } }
  responses:
    Orders: { content: { application/json: { schema: { type: array, items: { $ref: '#/components/schemas/Order' } } } } }
  schemas:
    Order: { type: object, properties: { id: { type: string }, part: { $ref: '#/components/schemas/Order' } } }
    Unused: { type: object }
";

    /// What an edit of the document concerns, in one line.
    fn edited(from: &str, to: &str) -> String {
        assert!(DOCUMENT.contains(from), "{from}");
        let found = Difference::between(DOCUMENT, &DOCUMENT.replacen(from, to, 1)).unwrap();
        let names = |names: &BTreeSet<String>| names.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        [&found.operations, &found.removed, &found.everywhere].map(names).join("|")
    }

    #[test]
    fn each_word_of_an_operation_is_that_operation() {
        assert_eq!(edited("description: fine }", "description: fine }, '410': { description: gone }"), "readOrder||");
        assert_eq!(edited("summary: One order", "summary: An order"), "readOrder||");
        assert_eq!(edited("description: gone", "description: deleted"), "DELETE /orders/{id}||");
        assert_eq!(edited("security: [{ key: [] }]", "security: []"), "createOrder||");
    }

    #[test]
    fn what_an_operation_refers_to_or_inherits_is_its_own() {
        assert_eq!(edited("id: { type: string }, part", "id: { type: integer }, part"), "listOrders||");
        assert_eq!(edited("type: array", "type: array, maxItems: 9"), "listOrders||");
        assert_eq!(
            edited("name: id, in: path", "name: id, in: path, deprecated: true"),
            "DELETE /orders/{id} readOrder||"
        );
        assert_eq!(edited("name: X-Key", "name: X-Other"), "createOrder||");
        assert_eq!(edited("security: [{ bearer: [] }]", "security: []"), "DELETE /orders/{id} listOrders readOrder||");
    }

    #[test]
    fn a_new_name_is_a_new_operation_and_the_old_one_is_gone() {
        assert_eq!(edited("operationId: readOrder", "operationId: getOrder"), "getOrder|readOrder|");
        assert_eq!(
            edited("    delete: { responses: { '204': { description: gone } } }\n", ""),
            "|DELETE /orders/{id}|"
        );
    }

    #[test]
    fn what_concerns_no_operation_is_nothing_and_what_is_not_known_is_everywhere() {
        assert_eq!(edited("title: Shop", "title: Store"), "||");
        assert_eq!(edited("Unused: { type: object }", "Unused: { type: array }"), "||");
        assert_eq!(edited("openapi: 3.1.0", "# words\nopenapi: 3.1.0"), "||");
        assert_eq!(edited("get: { operationId: listOrders,", "get: {  operationId: 'listOrders',"), "||");
        assert_eq!(edited("paths:", "servers: [{ url: /v2 }]\npaths:"), "||servers");
        assert_eq!(edited("openapi: 3.1.0", "openapi: 3.0.3"), "||openapi");
        assert_eq!(edited("paths:", "x-gateway: { auth: none }\npaths:"), "||x-gateway");
    }
}
