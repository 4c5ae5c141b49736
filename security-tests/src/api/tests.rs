//! Tests of the OpenAPI reader: a document in, operations out.

use super::*;
use serde_json::json;

const YAML: &str = r##"
openapi: 3.1.0
info: { title: Orders }
security: [{ bearer: [] }]
paths:
  /zoo:
    get: { operationId: readZoo, responses: { 200: { description: ok } } }
  /orders/{id}:
    parameters: [{ $ref: "#/components/parameters/Id" }]
    patch:
      operationId: updateOrder
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/New" }, example: { item: tea } } } }
      responses:
        "200": { content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } }
    get:
      security: [{}, { bearer: [] }]
      responses: {}
  /health:
    get: { operationId: health, security: [] }
components:
  parameters: { Id: { name: id, in: path, required: true, schema: { type: string, example: "17" } } }
  schemas:
    New: { type: object, required: [item], properties: { item: { type: [string, "null"] }, quantity: { type: integer, minimum: 3 } } }
    Order: { allOf: [{ $ref: "#/components/schemas/New" }, { type: object, properties: { status: { enum: [new, paid], type: string }, next: { $ref: "#/components/schemas/Order" } } }] }
"##;

#[test]
fn operations_keep_the_order_of_the_document() {
    let api = Api::parse(YAML).unwrap();
    assert_eq!(api.operation_ids(), ["readZoo", "updateOrder", "GET /orders/{id}", "health"]);
    assert_eq!(api.operations[1].label(), "PATCH /orders/{id}");
    assert_eq!(api.operations[1].path_parameters(), ["id"]);
}

#[test]
fn references_examples_and_all_of_are_followed_also_in_a_circle() {
    let api = Api::parse(YAML).unwrap();
    let update = api.operation("updateOrder").unwrap();
    assert_eq!(update.example, Some(json!({"item": "tea"})));
    assert_eq!(update.parameters[0].schema.example, Some(json!("17")));
    let names: Vec<_> = update.response.as_ref().unwrap().fields().iter().map(|(name, _, _)| name.as_str()).collect();
    assert_eq!(names, ["item", "quantity", "status", "next"]);
    assert_eq!(update.request.as_ref().unwrap().sample(), json!({"item": "probe"}));
    assert_eq!(update.request.as_ref().unwrap().field("quantity").unwrap().kind, Kind::Integer(Some(3)));
}

#[test]
fn security_is_inherited_overridden_and_optional() {
    let api = Api::parse(YAML).unwrap();
    let declared: Vec<_> = api.operations.iter().map(|operation| operation.security).collect();
    assert_eq!(declared, [Security::Required, Security::Required, Security::Optional, Security::None]);
}

#[test]
fn what_an_operation_asked_for_is_found_under_its_name_or_at_its_place() {
    let document = |paths: &str, scheme: &str| {
        let schemes = format!("components: {{ securitySchemes: {{ {scheme}: {{ type: http, scheme: Bearer }} }} }}");
        Api::parse(&format!("openapi: 3.1.0\nsecurity: [{{ {scheme}: [] }}]\n{schemes}\npaths: {{ {paths} }}")).unwrap()
    };
    let before = document(
        "\"/a/{id}\": { get: { operationId: readA } }, /b: { get: {} }, /c: { get: { operationId: c } }",
        "jwt",
    );
    let now = document(
        "/v2/a: { get: { operationId: readA } }, /b: { get: { operationId: b } }, /c: { get: { operationId: d } }, /d: { get: { operationId: c } }",
        "bearer",
    );
    let earlier = |id: &str| {
        let (operation, asked) = now.earlier(now.operation(id).unwrap(), &before)?;
        Some(format!("{} {asked}", operation.label()))
    };
    assert_eq!(earlier("readA").unwrap(), "GET /a/{id} bearer");
    assert_eq!(earlier("b").unwrap(), "GET /b bearer");
    assert_eq!(earlier("c").unwrap(), "GET /c bearer");
    assert_eq!(earlier("d"), None);
}

#[test]
fn json_and_version_3_0_read_alike() {
    let api = Api::parse(r#"{"openapi": "3.0.3", "paths": {"/b": {"post": {}}, "/a": {"get": {"operationId": "a"}}}}"#);
    assert_eq!(api.unwrap().operation_ids(), ["POST /b", "a"]);
}

#[test]
fn what_is_wrong_with_a_document_is_said() {
    let message = |text: &str| Api::parse(text).unwrap_err().to_string();
    assert_eq!(message("swagger: '2.0'"), "`openapi: null` is not 3.0 or 3.1");
    assert_eq!(message("openapi: 2.0.0"), "`openapi: 2.0.0` is not 3.0 or 3.1");
    assert_eq!(message("openapi: 3.1.0\npaths: {}"), "the OpenAPI document has no operation");
    let twice = "openapi: 3.0.0\npaths: { /a: { get: { operationId: x }, put: { operationId: x } } }";
    assert_eq!(message(twice), "two operations have the operationId `x`");
    assert!(message("{").starts_with("cannot read the OpenAPI document"));
}
