//! `authz.yaml`.

use security_tests::access::{
    AccessRules, Archive, Creation, Entity, Grant, Hidden, Identifier, OracleKind, Receiver, Resource, Route, Scope,
    Sessions, StepUp,
};

use super::*;
use crate::manifest::authz::{self, Cast, Named};

const EXAMPLE: &str = r#"
api: { openapi: openapi.yaml }          # 3.0 or 3.1, JSON or YAML
routes: [GET /debug]
resources:
  order:
    create: { operation: createOrder, json: { item: "${canary}", quantity: 1 } }
    id: $.id
    read: getOrder
    server_owned: [owner, status, total]
    hidden: { customer: [margin, internal_note] }
rules:
  getOrder:    { on: order, allow: [owner, "support of tenant", admin] }
  listOrders:  { allow: [authenticated], only: [own] }
  deleteOrder: { on: order, allow: [admin], destructive: true }
  health:      { allow: [anyone] }
  GET /debug:  { allow: [] }
oracle: policy
waivers:
  - { finding: object-access-1, reason: being rebuilt, expires: 2026-12-31 }
"#;

pub(super) fn checked(text: &str) -> Result<(AccessRules, String), String> {
    let file = SourceFile { path: "authz.yaml".into(), text: text.to_owned() };
    let named = |id: &str, label: &str| Named { id: id.to_owned(), label: label.to_owned() };
    let operations = [
        named("createOrder", "POST /orders"),
        named("getOrder", "GET /orders/{id}"),
        named("listOrders", "GET /orders"),
        named("deleteOrder", "DELETE /orders/{id}"),
        named("health", "GET /health"),
    ];
    let mut cast: Cast =
        ["customer", "support", "admin"].map(|role| (role.to_owned(), vec![role.to_owned()])).into_iter().collect();
    let file = authz::parse(&file).map_err(|problems| listed(&problems))?;
    cast.extend(file.personas.iter().map(|(name, persona)| (name.clone(), persona.roles.clone())));
    let loaded = authz::check(&file, &operations, &cast).map_err(|problems| listed(&problems))?;
    let warnings = listed(&loaded.warnings);
    Ok((loaded.value, warnings))
}

#[test]
fn the_example_of_the_documentation_loads() {
    let (rules, warnings) = checked(EXAMPLE).unwrap();
    assert_eq!(warnings, "");
    assert_eq!(rules.routes, [Route { method: "GET".to_owned(), path: "/debug".to_owned() }]);
    assert_eq!(
        rules.resources["order"],
        Resource {
            create: Some(Creation {
                operation: "createOrder".to_owned(),
                json: serde_json::json!({ "item": "${canary}", "quantity": 1 }),
            }),
            id: Identifier::Answered("$.id".to_owned()),
            within: None,
            read: "getOrder".to_owned(),
            server_owned: ["owner", "status", "total"].map(str::to_owned).to_vec(),
            hidden: Hidden {
                from_role: [("customer".to_owned(), vec!["margin".to_owned(), "internal_note".to_owned()])].into(),
                ..Hidden::default()
            },
            entity: Entity { kind: "Order".to_owned(), owner: "owner".to_owned(), tenant: "tenant".to_owned() },
            lifecycle: Default::default(),
        }
    );
    let get = &rules.rules["getOrder"];
    assert_eq!(get.on.as_deref(), Some("order"));
    assert_eq!(get.allow, [Grant::Owner, Grant::RoleOfTenant("support".to_owned()), Grant::Role("admin".to_owned())]);
    assert_eq!(rules.rules["listOrders"].only, Some(Scope::Own));
    assert!(rules.rules["deleteOrder"].destructive);
    assert_eq!(rules.rules["GET /debug"].allow, []);
    assert_eq!(rules.oracle, OracleKind::Policy);
    assert_eq!(rules.waivers[0].expires, "2026-12-31");
}

#[test]
fn mistakes_of_both_steps_are_told_at_once() {
    let text = "\
api: { openapi: openapi.yaml }
login: { token: $.t }
routes: [get /debug]
resources:
  order:
    create: { operation: creatOrder, json: { item: \"${marker}\" } }
    id: id
    read: getOrders
    hidden: { custommer: [margin] }
  parcel:
    create: { operation: createOrder }
    id: $.id
    read: getOrders
    entity: { type: Box, onwer: me }
rules:
  getOrder: { on: oder, allow: [owner of tenant, suport, anyone] }
  listOrders: { allow: [owner], only: [mine] }
  removeOrder: { on: order, allow: [admin] }
  health: {}
oracle: policies
waivers: [{ finding: x, expires: soon }]
";
    assert_eq!(
        checked(text).unwrap_err(),
        "\
2:8+1 error: the key `request` is missing
3:10+10 error: `get /debug` is not a route (write the method in upper case and the path, such as `GET /debug/{id}`)
6:52+11 error: `${marker}` is not known here (known here: `${persona.username}`, `${persona.email}`, `${persona.password}`, `${persona.number}`, `${canary}`, `${new.password}`, `${new.username}`, `${new.owner}`)
7:9+2 error: expected a place in the answer such as `$.id`, found `id`
13:11+9 error: the API has no operation `getOrders` (did you mean `getOrder`?)
14:26+5 error: unknown key `onwer` (did you mean `owner`?)
16:19+4 error: there is no resource `oder` (did you mean `order`?)
16:33+15 error: `owner of tenant` is not a grant (write `anyone`, `authenticated`, `owner`, `others`, `tenant`, a role, or `ROLE of tenant`)
16:50+6 warning: no persona has the role `suport` (did you mean `support`?)
17:25+5 error: `owner` needs an object: whose? (add `on:` with the name of a resource)
17:40+4 error: expected `own` or `tenant`, found `mine`
18:3+11 error: the API has no operation `removeOrder` (operations are the `operationId`s of `openapi.yaml`, or `METHOD /path`)
19:3+6 error: the rule `health` does not say who may (write `allow: []` when nobody may)
20:9+8 error: expected `rules` or `policy`, found `policies`
21:11+1 error: the key `reason` is missing
21:34+4 error: expected a day such as `2026-01-31`, found `soon`
"
    );
}

#[test]
fn what_changes_while_somebody_is_signed_in_is_declared() {
    let text = r#"
api: { openapi: openapi.yaml }
resources:
  order:
    create: { operation: createOrder }
    id: $.id
    read: getOrder
    transfer: POST /orders
    archive: { operation: deleteOrder, ends: ["GET /orders/{id}", listOrders] }
rules:
  getOrder: { allow: [authenticated], step_up: { acr: mfa, max_age: 900 }, refused_when: { network: public } }
session:
  events: GET /health
  backchannel_logout: { operation: health, audience: web }
"#;
    let (rules, warnings) = checked(text).unwrap();
    assert_eq!(warnings, "");
    let lifecycle = &rules.resources["order"].lifecycle;
    assert_eq!(lifecycle.transfer.as_deref(), Some("createOrder"));
    let ends = ["getOrder", "listOrders"].map(str::to_owned).to_vec();
    assert_eq!(lifecycle.archive, Some(Archive { operation: "deleteOrder".to_owned(), ends }));
    let rule = &rules.rules["getOrder"];
    assert_eq!(rule.step_up, Some(StepUp { acr: Some("mfa".to_owned()), max_age: Some(900) }));
    assert_eq!(rule.refused_when["network"], "public");
    let receiver = |audience: Option<&str>| {
        Some(Receiver { operation: "health".to_owned(), audience: audience.map(str::to_owned) })
    };
    assert_eq!(rules.session, Sessions { events: receiver(None), backchannel_logout: receiver(Some("web")) });
}

#[test]
fn a_declaration_about_sessions_names_operations_and_says_something() {
    let text = "\
api: { openapi: openapi.yaml }
resources:
  order:
    create: { operation: createOrder }
    id: $.id
    read: getOrder
    transfer: giveOrder
    archive: { operation: deleteOrder }
rules:
  getOrder: { allow: [authenticated], step_up: {}, refused_when: always }
session: { events: receiveEvent, logout: health }
";
    assert_eq!(
        checked(text).unwrap_err(),
        "\
7:15+9 error: the API has no operation `giveOrder` (did you mean `getOrder`?)
8:14+1 error: the key `ends` is missing
10:48+1 error: `step_up` asks for an `acr`, a `max_age` in seconds, or both
10:66+6 error: expected circumstances such as `{ network: public }`
11:20+12 error: the API has no operation `receiveEvent` (operations are the `operationId`s of `openapi.yaml`, or `METHOD /path`)
11:34+6 error: unknown key `logout` (known here: `events`, `backchannel_logout`)
"
    );
}

#[test]
fn a_role_that_nobody_has_is_a_warning() {
    let (_, warnings) = checked("api: { openapi: o.yaml }\nrules: { health: { allow: [autenticated] } }\n").unwrap();
    assert_eq!(warnings, "2:28+12 warning: no persona has the role `autenticated` (did you mean `authenticated`?)\n");
}

#[test]
fn a_file_without_a_document_cannot_be_read() {
    assert_eq!(checked("rules: {}\n").unwrap_err(), "1:1+1 error: the key `api` is missing\n");
}

#[test]
fn a_document_that_cannot_be_read_is_told_where_it_is_named() {
    let file = SourceFile { path: "authz.yaml".into(), text: "api: { openapi: o.yaml }\noracle: x\n".to_owned() };
    let problems = authz::parse(&file).unwrap().openapi_problem("the file cannot be read");
    assert_eq!(
        listed(&problems),
        "1:17+6 error: the file cannot be read\n2:9+1 error: expected `rules` or `policy`, found `x`\n"
    );
}

#[test]
fn pinned_cases_have_a_name_of_their_own_and_a_day() {
    let text = |items: &str| format!("api: {{ openapi: openapi.yaml }}\nregressions:\n{items}");
    let (rules, _) =
        checked(&text("  - { name: the leak, case: \"object-access:getOrder:bob:own\", since: 2026-11-22 }\n"))
            .unwrap();
    let pinned = &rules.regressions[0];
    assert_eq!((pinned.name.as_str(), pinned.case.as_str()), ("the leak", "object-access:getOrder:bob:own"));
    let twice = "  - { name: a, case: x, since: 2026-11-22 }\n  - { name: a, case: y, since: soon }\n  - { name: a, case: z, since: 2026-11-22 }\n";
    let problems = checked(&text(twice)).unwrap_err();
    assert!(problems.contains("the name `a` is there twice") && problems.contains("expected a day"), "{problems}");
}
