//! A small shop with its provider and directory in one process, on ephemeral ports. `Hole`s open exactly one defect
//! each; `Trap`s make it odd but sound.

pub(crate) mod shop;
pub(crate) mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use security_tests::access::*;
use security_tests::target::{Directory, Persona, Provider};
use security_tests::{Api, Options, Run, Secret, Target, plan, run};
use serde_json::json;
use world::World;

pub(crate) const DOCUMENT: &str = r#"
openapi: 3.1.0
security: [{ bearer: [] }]
paths:
  /me: { get: { operationId: readMe } }
  /orders:
    get: { operationId: listOrders }
    post:
      operationId: createOrder
      requestBody: { content: { application/json: { schema: { type: object, required: [item], properties: { item: { type: string } } } } } }
  /orders/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    get:
      operationId: readOrder
      responses: { 200: { content: { application/json: { schema: { type: object, properties: {
        id: { type: string }, owner: { type: string }, tenant: { type: string }, item: { type: string },
        status: { type: string, enum: [open, refunded] }, margin: { type: integer } } } } } } }
    patch:
      operationId: updateOrder
      requestBody: { content: { application/json: { schema: { type: object, properties: { item: { type: string } } } } } }
    delete: { operationId: deleteOrder }
  /orders/{id}/refund:
    post: { operationId: refundOrder, parameters: [{ name: id, in: path, required: true, schema: { type: string } }] }
  /export: { get: { operationId: exportOrders } }
  /health: { get: { operationId: health, security: [] } }
"#;

/// Runs everything against a shop with these oddities.
pub(crate) async fn attack(oddities: &[&str]) -> Run {
    let world = World::start(oddities).await;
    let run = attack_target(&target(&world)).await;
    assert_eq!(world.changed_personas(), Vec::<String>::new(), "the directory is as it was");
    run
}

pub(crate) async fn attack_target(target: &Target) -> Run {
    let options = Options { seed: 7, started_at: "2026-11-22T00:00:00Z".into(), ..Options::default() };
    let plan = plan(target, &options).unwrap();
    run(&plan, target, &mut |_| {}).await
}

/// Findings as `check operation owasp`, one a line.
pub(crate) fn findings(run: &Run) -> Vec<String> {
    let line = |finding: &security_tests::rollup::Finding| {
        format!("{} {} {}", finding.check, finding.operation, finding.owasp)
    };
    run.findings.iter().map(line).collect()
}

pub(crate) fn target(world: &World) -> Target {
    Target {
        name: "shop".into(),
        base_url: world.url.clone(),
        api: Api::parse(DOCUMENT).unwrap(),
        access: rules(),
        personas: personas(),
        provider: Some(Provider {
            issuer: world.url.clone(),
            control_token: Secret::new("control"),
            audience: Some("shop".into()),
            clients: BTreeMap::new(),
        }),
        directory: Some(Directory { scim_url: format!("{}/scim/v2", world.url), token: Secret::new("directory") }),
        decider: None,
        lock: None,
        base: None,
        words: Default::default(),
        controls: Default::default(),
    }
}

pub(crate) fn personas() -> BTreeMap<String, Persona> {
    let all = [
        ("alice", "acme", "customer"),
        ("bob", "acme", "customer"),
        ("carol", "acme", "support"),
        ("root", "acme", "admin"),
        ("mallory", "globex", "customer"),
        ("dave", "globex", "support"),
        ("eve", "globex", "admin"),
    ];
    let persona =
        |tenant: &str, role: &str| Persona { tenant: Some(tenant.into()), roles: vec![role.into()], account: None };
    all.into_iter().map(|(name, tenant, role)| (name.to_owned(), persona(tenant, role))).collect()
}

pub(crate) fn rules() -> AccessRules {
    let of_tenant = |role: &str| Grant::RoleOfTenant(role.into());
    let on = |allow: Vec<Grant>| Rule { on: Some("order".into()), allow, ..Rule::default() };
    let plain = |allow: Vec<Grant>| Rule { allow, ..Rule::default() };
    let rules = [
        ("readMe", plain(vec![Grant::Authenticated])),
        ("listOrders", Rule { only: Some(Scope::Own), ..plain(vec![Grant::Authenticated]) }),
        ("createOrder", plain(vec![Grant::Role("customer".into())])),
        ("readOrder", on(vec![Grant::Owner, of_tenant("support"), of_tenant("admin")])),
        ("updateOrder", on(vec![Grant::Owner])),
        ("deleteOrder", Rule { destructive: true, ..on(vec![of_tenant("admin")]) }),
        ("refundOrder", on(vec![of_tenant("support"), of_tenant("admin")])),
        ("exportOrders", Rule { only: Some(Scope::Tenant), ..plain(vec![Grant::Role("admin".into())]) }),
        ("health", plain(vec![Grant::Anyone])),
    ];
    let order = Resource {
        create: Some(Creation { operation: "createOrder".into(), json: json!({"item": "${canary}"}) }),
        id: Identifier::Answered("$.id".into()),
        within: None,
        read: "readOrder".into(),
        server_owned: ["owner", "tenant", "status"].map(String::from).to_vec(),
        hidden: Hidden {
            from_role: BTreeMap::from([("customer".to_owned(), vec!["margin".to_owned()])]),
            ..Hidden::default()
        },
        entity: Entity { kind: "Order".into(), owner: "owner".into(), tenant: "tenant".into() },
        lifecycle: Default::default(),
    };
    AccessRules {
        resources: BTreeMap::from([("order".to_owned(), order)]),
        rules: rules.into_iter().map(|(name, rule)| (name.to_owned(), rule)).collect(),
        ..AccessRules::default()
    }
}

/// A policy engine that answers as a function says.
pub(crate) struct Policies<F>(pub(crate) Vec<&'static str>, pub(crate) F);

impl<F> security_tests::oracle::Decider for Policies<F>
where
    F: Fn(&security_tests::oracle::Question) -> security_tests::oracle::Decision + Send + Sync,
{
    fn decide(&self, question: &security_tests::oracle::Question) -> Result<security_tests::oracle::Decision, String> {
        Ok(self.1(question))
    }

    fn actions(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

pub(crate) fn shared<D: security_tests::oracle::Decider + 'static>(
    decider: D,
) -> Option<Arc<dyn security_tests::oracle::Decider>> {
    Some(Arc::new(decider))
}
