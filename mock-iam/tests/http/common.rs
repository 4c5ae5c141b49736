//! A server with three people and a caller for each permission.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use mock_iam::{Config, State, app};
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) const EXTENSION: &str = "urn:devenv:params:scim:schemas:extension:1.0:User";

pub(crate) const SCHEMA: &str = r#"
entity Application, Role, Tenant;
entity User in [Role, Tenant] { tenant?: Tenant, roles: Set<String>, active: Bool, level?: Long };
entity Order in [Tenant] { owner: User, tenant: Tenant, total?: Long };
action readOrder appliesTo { principal: User, resource: Order };
"#;

pub(crate) const POLICIES: &str = r#"permit (principal in Role::"customer", action, resource) when { resource.owner == principal };
permit (principal in Role::"support", action, resource) when { principal has tenant && resource in principal.tenant };
"#;

pub(crate) fn config() -> Config {
    let caller = |name: &str, may: &str| (name.to_owned(), json!({ "token": format!("{name}-token"), "may": [may] }));
    let callers = [
        caller("api", "decide"),
        caller("idp", "read_directory"),
        caller("hr", "write_directory"),
        caller("tests", "control"),
    ];
    serde_json::from_value(json!({
        "base_url": "http://localhost:9410",
        "tenants": ["acme", "globex"],
        "personas": {
            "alice": { "tenant": "acme", "roles": ["customer"], "attributes": { "level": 1 } },
            "bob": { "tenant": "globex", "roles": ["customer"] },
            "carol": { "tenant": "acme", "roles": ["support", "customer"] },
        },
        "policies": {
            "schema": { "name": "schema.cedarschema", "text": SCHEMA },
            "files": [{ "name": "orders.cedar", "text": POLICIES }],
        },
        "callers": callers.into_iter().collect::<serde_json::Map<_, _>>(),
    }))
    .unwrap()
}

/// A server under test; each request is one call.
pub(crate) struct Server(Router);

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(config())
    }

    pub(crate) fn with(config: Config) -> Self {
        Self(app(State::new(config).unwrap()))
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.0.clone().oneshot(request).await.unwrap().into_parts();
        let text = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// Sends JSON (or, for `Value::Null`, nothing) with the token of the caller.
    pub(crate) async fn call(&self, caller: &str, method: &str, path: &str, body: Value) -> Answer {
        self.send(request(caller, method, path, &body)).await
    }

    pub(crate) async fn evaluate(&self, body: Value) -> Answer {
        self.call("api", "POST", "/access/v1/evaluation", body).await
    }

    pub(crate) async fn patch(&self, user: &str, operations: Value) -> Answer {
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
        self.call("hr", "PATCH", &format!("/scim/v2/Users/{user}"), body).await
    }

    pub(crate) async fn decision(&self, user: &str, owner: &str, tenant: &str) -> bool {
        let answer = self.evaluate(question(user, owner, tenant)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["decision"].as_bool().unwrap()
    }

    /// The decision log, a value for each line.
    pub(crate) async fn decisions(&self) -> Vec<Value> {
        let answer = self.call("tests", "GET", "/control/v1/decisions", Value::Null).await;
        answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) fn request(caller: &str, method: &str, path: &str, body: &Value) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header(header::HOST, "localhost:9410");
    let request = request.header(header::AUTHORIZATION, format!("Bearer {caller}-token"));
    match body {
        Value::Null => request.body(Body::empty()),
        body => request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())),
    }
    .unwrap()
}

pub(crate) fn question(user: &str, owner: &str, tenant: &str) -> Value {
    json!({
        "subject": { "type": "User", "id": user },
        "action": { "name": "readOrder" },
        "resource": { "type": "Order", "id": "17", "properties": {
            "owner": { "type": "User", "id": owner },
            "tenant": { "type": "Tenant", "id": tenant },
        } },
    })
}
