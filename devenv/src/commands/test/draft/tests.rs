//! Tests of drafts: a document in, a file out.

use super::*;

const DOCUMENT: &str = r#"
openapi: 3.1.0
security: [{ bearer: [] }]
paths:
  /orders:
    get: { operationId: listOrders }
    post:
      operationId: createOrder
      requestBody: { content: { application/json: { schema: { type: object, required: [item, quantity], properties: {
        item: { type: string }, quantity: { type: integer }, note: { type: string } } } } } }
      responses: { 201: { content: { application/json: { schema: { type: object, properties: { id: { type: string } } } } } } }
  /orders/{id}:
    get:
      operationId: readOrder
      responses: { 200: { content: { application/json: { schema: { type: object, properties: {
        id: { type: string }, owner_id: { type: string }, item: { type: string }, status: { type: string } } } } } } }
    delete: { operationId: deleteOrder }
  /orders/{id}/refund:
    post: { operationId: refundOrder }
  /admin/export:
    get: { operationId: exportOrders }
  /health:
    get: { operationId: health, security: [] }
  /login:
    post:
      operationId: login
      security: []
      requestBody: { content: { application/json: { schema: { type: object, properties: {
        username: { type: string }, password: { type: string } } } } } }
      responses: { 200: { content: { application/json: { schema: { type: object, properties: { auth_token: { type: string } } } } } } }
  "/files/{name}":
    get: {}
"#;

fn text(provider: bool) -> String {
    let cast = Cast { roles: ["admin".to_owned()].into(), tenants: false, provider };
    draft(&Api::parse(DOCUMENT).unwrap(), "openapi.yaml", &cast).text
}

#[test]
fn a_resource_is_a_collection_with_items_that_can_be_made_and_read() {
    let text = text(true);
    for line in [
        "  order:\n    create: { operation: createOrder, json: { item: \"${canary}\", quantity: 1 } }   # guess:",
        "    id: $.id   # guess:",
        "    read: readOrder\n",
        "    server_owned: [id, owner_id, status]   # guess:",
        "    entity: { owner: owner_id }   # guess:",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn every_operation_has_a_rule_and_each_rule_its_reason() {
    let text = text(true);
    let rule = |name: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(&format!("{name}:"))).unwrap();
        let (rule, comment) = line.split_once('#').unwrap();
        let rule = rule.split_once(": ").unwrap().1.trim().to_owned();
        (rule, comment.trim().split(':').next().unwrap().to_owned())
    };
    let guess = |rule: &str| (rule.to_owned(), "guess".to_owned());
    assert_eq!(rule("listOrders"), guess("{ allow: [authenticated], only: [own] }"));
    assert_eq!(rule("createOrder"), guess("{ allow: [authenticated] }"));
    assert_eq!(rule("readOrder"), guess("{ on: order, allow: [owner] }"));
    assert_eq!(rule("deleteOrder"), guess("{ on: order, allow: [owner], destructive: true }"));
    assert_eq!(rule("refundOrder"), guess("{ on: order, allow: [owner] }"));
    assert_eq!(rule("exportOrders"), guess("{ allow: [admin] }"));
    assert_eq!(rule("login"), guess("{ allow: [anyone] }"));
}

#[test]
fn silence_about_security_is_a_question_and_denied() {
    let text = text(true);
    let line = text.lines().find(|line| line.contains("health:")).unwrap();
    assert!(line.contains("{ allow: [] }") && line.contains("# question:"), "{line}");
    assert_eq!(text.matches("anyone] }").count(), 1, "only the login:\n{text}");
}

#[test]
fn a_login_is_told_when_the_stack_has_no_provider() {
    assert!(!text(true).contains("# login:"));
    let text = text(false);
    let request = r#"#   request: { operation: login, json: { username: "${persona.username}", password: "${persona.password}" } }"#;
    assert!(text.contains(request) && text.contains("#   token: $.auth_token"), "{text}");
}

#[test]
fn names_that_are_no_plain_words_are_quoted() {
    assert!(text(true).contains("\"GET /files/{name}\": "));
}
