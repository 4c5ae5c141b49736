//! Tests of decisions: policies, directory and question in, decision out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::config::{Persona, SourceFile};

const SCHEMA: &str = r#"
entity Application, Role, Tenant;
entity User in [Role, Tenant] { tenant?: Tenant, roles: Set<String>, active: Bool, level?: Long, address?: { city: String }, manager?: User };
entity Order in [Tenant] { owner: User, tenant: Tenant, total?: Long, archived?: Bool, price?: decimal };
action reads;
action readOrder in [reads] appliesTo { principal: User, resource: Order, context: { mfa?: Bool, action?: { reason: String } } };
action listOrders in [reads] appliesTo { principal: User, resource: Application };
"#;

const POLICIES: &str = r#"// Who may read.
permit (principal in Role::"customer", action == Action::"readOrder", resource)
when { resource.owner == principal };

@id("support-reads-tenant")
permit (principal in Role::"support", action in Action::"reads", resource)
when { resource has tenant && principal has tenant && resource in principal.tenant };

permit (principal, action == Action::"listOrders", resource == Application::"orders");

forbid (principal, action, resource) unless { principal.active };
"#;

const MORE: &str = r#"
permit (principal, action == Action::"readOrder", resource)
when { principal has level && principal.level > 8 };
permit (principal, action == Action::"readOrder", resource)
when { resource.owner has manager && resource.owner.manager == principal };
permit (principal, action == Action::"readOrder", resource)
when { context has action && context.action.reason == "audit" && context has mfa && context.mfa };
"#;

fn file(name: &str, text: &str) -> SourceFile {
    SourceFile { name: name.to_owned(), text: text.to_owned() }
}

fn policies(files: &[(&str, &str)]) -> Policies {
    let files = files.iter().map(|(name, text)| file(name, text)).collect();
    Policies { schema: Some(file("schema.cedarschema", SCHEMA)), files }
}

fn engine() -> Engine {
    Engine::new(&policies(&[("orders.cedar", POLICIES), ("more.cedar", MORE)])).unwrap()
}

fn persona(tenant: &str, role: &str, attributes: Value) -> Persona {
    let tenant = (!tenant.is_empty()).then(|| tenant.to_owned());
    Persona { tenant, roles: vec![role.to_owned()], attributes: serde_json::from_value(attributes).unwrap() }
}

fn directory() -> Directory {
    let personas = BTreeMap::from([
        (
            "alice".to_owned(),
            persona("acme", "customer", json!({ "manager": { "type": "User", "id": "dave" }, "hobby": 1.5 })),
        ),
        ("bob".to_owned(), persona("globex", "customer", json!({}))),
        ("carol".to_owned(), persona("acme", "support", json!({ "level": 3 }))),
        ("dave".to_owned(), persona("", "manager", json!({}))),
    ]);
    Directory::seed(&personas, Timestamp::UNIX_EPOCH)
}

fn order(owner: &str, tenant: &str) -> crate::policy::Entity {
    crate::policy::Entity::new("Order", "17")
        .with("owner", json!({ "type": "User", "id": owner }))
        .with("tenant", json!({ "type": "Tenant", "id": tenant }))
}

fn decide(question: &Question) -> Decision {
    engine().decide(question, &directory()).unwrap()
}

#[test]
fn a_permit_names_the_file_and_line_of_the_policy_that_decided() {
    let decision = decide(&Question::new("alice", "readOrder", order("alice", "acme")));
    assert!(decision.allowed);
    // Dave's policy on managers does not apply: its subject is Alice.
    assert_eq!(decision.determining, ["orders.cedar:2"]);
    assert!(decision.errors.is_empty() && decision.mismatches.is_empty());
}

#[test]
fn an_id_annotation_names_the_policy_instead() {
    let decision = decide(&Question::new("carol", "readOrder", order("alice", "acme")));
    assert_eq!((decision.allowed, decision.determining), (true, vec!["support-reads-tenant".to_owned()]));
}

#[test]
fn a_denial_because_nothing_permits_names_no_policy() {
    let decision = decide(&Question::new("bob", "readOrder", order("alice", "acme")));
    assert_eq!(decision, Decision::default());
}

#[test]
fn a_resource_is_a_member_of_the_tenant_in_its_properties() {
    assert!(!decide(&Question::new("carol", "readOrder", order("bob", "globex"))).allowed);
}

#[test]
fn an_action_on_no_particular_resource_is_decided_on_the_application() {
    let application = crate::policy::Entity::new("Application", "orders");
    assert!(decide(&Question::new("dave", "listOrders", application)).allowed);
    let other = crate::policy::Entity::new("Application", "invoices");
    assert!(!decide(&Question::new("dave", "listOrders", other)).allowed);
}

#[test]
fn a_user_that_the_resource_refers_to_is_as_the_directory_knows_it() {
    assert!(decide(&Question::new("dave", "readOrder", order("alice", "acme"))).allowed);
    assert!(!decide(&Question::new("dave", "readOrder", order("bob", "acme"))).allowed);
}

#[test]
fn unknown_subjects_actions_and_resource_types_are_denied_with_a_reason() {
    let mut machine = Question::new("alice", "readOrder", order("alice", "acme"));
    machine.subject.kind = "Machine".to_owned();
    for (question, reason) in [
        (Question::new("eve", "readOrder", order("eve", "acme")), "subject `User::\"eve\"` is not in the directory"),
        (machine, "subject `Machine::\"alice\"` is not in the directory"),
        (Question::new("alice", "fly", order("alice", "acme")), "action `fly` is not in the schema"),
        (Question::new("alice", "reads", order("alice", "acme")), "action `reads` is not in the schema"),
        (
            Question::new("alice", "readOrder", crate::policy::Entity::new("Invoice", "1")),
            "resource type `Invoice` is not in the schema",
        ),
        (
            Question::new("alice", "readOrder", crate::policy::Entity::new("not a name", "1")),
            "resource type `not a name` is not in the schema",
        ),
    ] {
        let decision = decide(&question);
        assert_eq!((decision.allowed, decision.errors), (false, vec![reason.to_owned()]));
    }
    let listed = decide(&Question::new("alice", "listOrders", order("alice", "acme")));
    assert!(!listed.allowed && !listed.errors.is_empty());
}

#[test]
fn an_inactive_user_is_denied_whatever_the_policies_say() {
    let mut directory = directory();
    let mut profile = directory.user("alice").unwrap().profile.clone();
    profile.active = false;
    directory.replace(profile, Timestamp::UNIX_EPOCH).unwrap();
    let decision = engine().decide(&Question::new("alice", "readOrder", order("alice", "acme")), &directory).unwrap();
    assert_eq!(
        (decision.allowed, decision.errors),
        (false, vec!["subject `User::\"alice\"` is not active".to_owned()])
    );
}

#[test]
fn claims_that_contradict_the_directory_are_ignored_and_reported() {
    let mut question = Question::new("bob", "readOrder", order("alice", "acme"));
    question.subject.properties = serde_json::from_value(json!({
        "roles": ["support"], "tenant": "acme", "active": true, "unknown": "ignored",
    }))
    .unwrap();
    let decision = decide(&question);
    assert!(!decision.allowed);
    let reported: Vec<_> = decision.mismatches.iter().map(|mismatch| mismatch.property.as_str()).collect();
    assert_eq!(reported, ["roles", "tenant"]);
    assert_eq!(decision.mismatches[0].directory, Some(json!(["customer"])));
}

#[test]
fn a_claim_cannot_give_a_tenant_to_somebody_without_one() {
    let mut directory = directory();
    let mut profile = directory.user("carol").unwrap().profile.clone();
    profile.tenant = None;
    directory.replace(profile, Timestamp::UNIX_EPOCH).unwrap();
    let mut question = Question::new("carol", "readOrder", order("alice", "acme"));
    question.subject.properties =
        serde_json::from_value(json!({ "tenant": { "type": "Tenant", "id": "acme" } })).unwrap();
    let decision = engine().decide(&question, &directory).unwrap();
    assert!(!decision.allowed);
    assert_eq!(decision.mismatches[0].directory, None);
}

#[test]
fn claims_fill_what_the_directory_does_not_know_and_agreement_is_no_mismatch() {
    let mut question = Question::new("bob", "readOrder", order("alice", "acme"));
    question.subject.properties =
        serde_json::from_value(json!({ "level": 9, "tenant": "globex", "roles": ["customer"] })).unwrap();
    let decision = decide(&question);
    assert!(decision.allowed && decision.mismatches.is_empty(), "{decision:?}");
    question.subject.id = "carol".to_owned();
    question.subject.properties = serde_json::from_value(json!({ "level": 9 })).unwrap();
    question.resource = order("bob", "globex");
    assert!(!decide(&question).allowed);
}

#[test]
fn action_properties_are_seen_in_the_context() {
    let mut question = Question::new("bob", "readOrder", order("alice", "acme"));
    question.action.properties = serde_json::from_value(json!({ "reason": "audit" })).unwrap();
    question.context = serde_json::from_value(json!({ "mfa": true, "undeclared": null })).unwrap();
    assert!(decide(&question).allowed);
}

#[test]
fn values_that_policies_cannot_see_are_refused_with_their_place() {
    let with = |name: &str, value: Value| Question::new("alice", "readOrder", order("alice", "acme").with(name, value));
    let mut context = Question::new("alice", "readOrder", order("alice", "acme"));
    context.context = serde_json::from_value(json!({ "mfa": "yes" })).unwrap();
    let mut claim = Question::new("alice", "readOrder", order("alice", "acme"));
    claim.subject.properties = serde_json::from_value(json!({ "address": { "city": 1 } })).unwrap();
    for (question, message) in [
        (
            with("total", json!(1.5)),
            "resource property `total` is not a whole number of 64 bits, the only numbers of policies",
        ),
        (with("total", json!(null)), "resource property `total` is null, which policies cannot see; leave it out"),
        (with("archived", json!("no")), "resource property `archived` must be true or false"),
        (
            with("owner", json!("alice")),
            "resource property `owner` must be a reference {\"type\": \"User\", \"id\": \"…\"}",
        ),
        (
            with("owner", json!({ "type": "Role", "id": "a" })),
            "resource property `owner` must be a reference {\"type\": \"User\", \"id\": \"…\"}",
        ),
        (
            Question::new("alice", "readOrder", crate::policy::Entity::new("Order", "17")),
            "resource property `owner` is missing, and the schema requires it",
        ),
        (context, "context value `mfa` must be true or false"),
        (claim, "subject property `address.city` must be a string"),
    ] {
        assert_eq!(engine().decide(&question, &directory()).unwrap_err().to_string(), message);
    }
    let error = engine().decide(&with("price", json!("cheap")), &directory()).unwrap_err();
    assert!(error.to_string().starts_with("resource property `price` cannot be read"), "{error}");
}

#[test]
fn properties_that_the_schema_does_not_declare_are_ignored() {
    assert!(decide(&Question::new("alice", "readOrder", order("alice", "acme").with("weight", json!(1.5)))).allowed);
}

#[test]
fn a_directory_that_does_not_fit_the_schema_denies() {
    let mut directory = directory();
    let mut profile = directory.user("alice").unwrap().profile.clone();
    profile.attributes.insert("level".to_owned(), json!("high"));
    directory.replace(profile, Timestamp::UNIX_EPOCH).unwrap();
    let decision = engine().decide(&Question::new("alice", "readOrder", order("alice", "acme")), &directory).unwrap();
    let reason = "the directory does not fit the schema: `level` must be a whole number of user `alice`";
    assert_eq!((decision.allowed, decision.errors), (false, vec![reason.to_owned()]));
}

#[test]
fn without_a_schema_values_are_typed_by_their_look() {
    let text = r#"permit (principal, action == Action::"read", resource)
        when { resource.owner == principal && principal.tenant == Tenant::"acme" && principal.roles.contains("customer") };"#;
    let policies = Policies { schema: None, files: vec![file("p.cedar", text)] };
    let engine = Engine::new(&policies).unwrap();
    let resource = crate::policy::Entity::new("Thing", "1").with("owner", json!({ "type": "User", "id": "bob" }));
    let mut directory = directory();
    let mut profile = directory.user("bob").unwrap().profile.clone();
    profile.tenant = Some("acme".to_owned());
    directory.replace(profile, Timestamp::UNIX_EPOCH).unwrap();
    assert!(engine.decide(&Question::new("bob", "read", resource.clone()), &directory).unwrap().allowed);
    // Alice has a free attribute with a fraction: that is the directory's fault, not the caller's.
    assert!(!engine.decide(&Question::new("alice", "read", resource.clone()), &directory).unwrap().errors.is_empty());
    let half = Question::new("bob", "read", resource.with("a", json!({ "b": [0.5] })));
    assert!(engine.decide(&half, &directory).unwrap_err().to_string().contains("`a.b[]` is not a whole number"));
}

#[test]
fn a_schema_may_type_roles_and_tenant_otherwise() {
    let schema = "entity Role, Thing; entity User { tenant: String, roles: Set<Role> }; action read appliesTo { principal: User, resource: Thing };";
    let text = r#"permit (principal, action, resource) when { principal.tenant == "acme" && principal.roles.contains(Role::"support") };"#;
    let policies = Policies { schema: Some(file("s", schema)), files: vec![file("p.cedar", text)] };
    let engine = Engine::new(&policies).unwrap();
    let thing = || crate::policy::Entity::new("Thing", "1");
    assert!(engine.decide(&Question::new("carol", "read", thing()), &directory()).unwrap().allowed);
    assert!(!engine.decide(&Question::new("bob", "read", thing()), &directory()).unwrap().allowed);
    // Dave has no tenant, which this schema requires.
    assert!(!engine.decide(&Question::new("dave", "read", thing()), &directory()).unwrap().errors.is_empty());
}

#[test]
fn a_user_as_resource_is_as_the_directory_knows_it() {
    let schema = "entity Tenant; entity User in [Tenant] { tenant?: Tenant, active: Bool }; action read appliesTo { principal: User, resource: User };";
    let text = "permit (principal, action, resource) when { principal has tenant && resource in principal.tenant };";
    let policies = Policies { schema: Some(file("s", schema)), files: vec![file("p.cedar", text)] };
    let engine = Engine::new(&policies).unwrap();
    let claimed =
        |name: &str| crate::policy::Entity::new("User", name).with("tenant", json!({ "type": "Tenant", "id": "acme" }));
    assert!(engine.decide(&Question::new("carol", "read", claimed("alice")), &directory()).unwrap().allowed);
    assert!(engine.decide(&Question::new("carol", "read", claimed("carol")), &directory()).unwrap().allowed);
    let decision = engine.decide(&Question::new("carol", "read", claimed("bob")), &directory()).unwrap();
    assert_eq!((decision.allowed, decision.mismatches.len()), (false, 1));
}

#[test]
fn a_caller_cannot_put_a_role_and_with_it_everybody_who_has_it_into_a_tenant() {
    let text = r#"permit (principal in Tenant::"globex", action, resource);"#;
    let engine = Engine::new(&Policies { schema: None, files: vec![file("p.cedar", text)] }).unwrap();
    let globex = json!({ "type": "Tenant", "id": "globex" });
    for kind in ["Role", "Tenant"] {
        for id in ["support", "acme"] {
            let resource = crate::policy::Entity::new(kind, id).with("tenant", globex.clone());
            assert!(!engine.decide(&Question::new("carol", "read", resource), &directory()).unwrap().allowed);
        }
    }
}

#[test]
fn a_tenant_as_resource_has_the_properties_that_the_caller_sends() {
    let text = "permit (principal, action, resource) when { principal in resource && resource.plan == \"gold\" };";
    let engine = Engine::new(&Policies { schema: None, files: vec![file("p.cedar", text)] }).unwrap();
    let tenant = crate::policy::Entity::new("Tenant", "acme").with("plan", "gold");
    assert!(engine.decide(&Question::new("carol", "read", tenant.clone()), &directory()).unwrap().allowed);
    assert!(!engine.decide(&Question::new("bob", "read", tenant), &directory()).unwrap().allowed);
}

#[test]
fn the_schema_names_the_actions_that_apply_to_something() {
    assert_eq!(engine().actions(), ["listOrders", "readOrder"]);
}

#[test]
fn the_hash_follows_the_texts() {
    let changed = Engine::new(&policies(&[("orders.cedar", POLICIES)])).unwrap();
    assert_eq!(engine().hash(), engine().hash());
    assert_ne!(engine().hash(), changed.hash());
    assert_eq!(changed.hash().len(), 64);
}

#[test]
fn all_mistakes_of_all_files_are_told_at_once_with_their_places() {
    let errors = Engine::new(&policies(&[
        ("a.cedar", "permit (principal, action, resource)\n  when { principal.nme == \"x\" };\n"),
        ("b.cedar", "\npermit (principal, action, resource;\n"),
        (
            "c.cedar",
            "@id(\"x\")\npermit (principal, action == Action::\"fly\", resource);\n@id(\"x\") forbid (principal, action, resource);\n",
        ),
        ("d.cedar", "permit (principal == ?principal, action, resource);\n"),
    ]));
    let errors = errors.err().unwrap();
    let places: Vec<_> = errors.0.iter().map(|problem| (problem.file.as_str(), problem.line, problem.column)).collect();
    assert_eq!(
        places,
        [("a.cedar", 2, 10), ("b.cedar", 2, 36), ("c.cedar", 2, 30), ("c.cedar", 3, 1), ("d.cedar", 1, 1)],
        "{errors}"
    );
    assert!(errors.to_string().starts_with("a.cedar:2:10: "), "{errors}");
}

#[test]
fn mistakes_of_a_schema_have_their_places_too() {
    let with = |text: &str| {
        Engine::new(&Policies { schema: Some(file("s.cedarschema", text)), files: vec![] }).err().unwrap().to_string()
    };
    assert_eq!(
        with("entity A;\nentity B { a: Foo, foo: Foobar };"),
        "s.cedarschema:2:15: `Foo` is not declared\ns.cedarschema:2:25: `Foobar` is not declared"
    );
    assert!(with("entity A {\n x: };").starts_with("s.cedarschema:2:5: "), "{}", with("entity A {\n x: };"));
    assert!(with("entity A;\nentity A;").starts_with("s.cedarschema:"), "{}", with("entity A;\nentity A;"));
}

/// Every form of a head, with conditions that hold, fail and cannot be computed, permitting and forbidding.
fn every_head() -> String {
    let principals = [
        "principal",
        "principal == User::\"alice\"",
        "principal == User::\"bob\"",
        "principal in Role::\"support\"",
        "principal in Tenant::\"acme\"",
        "principal in User::\"carol\"",
        "principal is User",
        "principal is Role",
        "principal is User in Role::\"customer\"",
        "principal is Role in Role::\"customer\"",
    ];
    let actions =
        ["action", "action == Action::\"readOrder\"", "action in [Action::\"listOrders\", Action::\"reads\"]"];
    let resources = [
        "resource",
        "resource == Order::\"17\"",
        "resource in Tenant::\"acme\"",
        "resource is Order",
        "resource is Application",
        "resource is Order in Tenant::\"globex\"",
    ];
    let conditions = ["", "when { false }", "when { resource.nothing == 1 }", "unless { principal has level }"];
    let effects = ["permit", "permit", "permit", "forbid"];
    let mut text = String::new();
    for principal in principals {
        for (action, resource) in actions.iter().flat_map(|action| resources.map(|resource| (action, resource))) {
            for (effect, condition) in effects.iter().zip(conditions.iter().cycle().skip(text.lines().count() % 3)) {
                text += &format!("{effect} ({principal}, {action}, {resource}) {condition};\n");
            }
        }
    }
    text
}

#[test]
fn leaving_out_policies_whose_heads_do_not_match_changes_no_answer() {
    let engine = Engine::new(&Policies { schema: None, files: vec![file("all.cedar", &every_head())] }).unwrap();
    let people = [("alice", "acme", "customer"), ("bob", "globex", "customer"), ("carol", "acme", "support")];
    let people = people.map(|(name, tenant, role)| (name.to_owned(), persona(tenant, role, json!({ "level": 3 }))));
    let directory = Directory::seed(&BTreeMap::from(people), Timestamp::UNIX_EPOCH);
    let (mut determining, mut errors, mut left_out) = (0, 0, 0);
    // Twice, because the second time the policies come from what was kept of the first.
    for _ in 0..2 {
        for user in ["alice", "bob", "carol"] {
            for action in ["readOrder", "listOrders", "reads", "else"] {
                let resources = [order("alice", "acme"), order("bob", "globex")];
                let application = crate::policy::Entity::new("Application", "orders");
                for resource in resources.into_iter().chain([application]) {
                    let question = Question::new(user, action, resource);
                    let prepared = engine.prepare(&question, &directory).unwrap().unwrap();
                    let all = Authorizer::new().is_authorized(&prepared.request, &engine.set, &prepared.entities);
                    let all = Decision { mismatches: prepared.mismatches.clone(), ..Decision::from_cedar(&all) };
                    assert_eq!(engine.authorize(&prepared), all, "{user} {action}");
                    determining += all.determining.len();
                    errors += all.errors.len();
                    let set = engine.candidates.of(&prepared, &engine.scopes, || engine.cedar_policies());
                    left_out += engine.policies.len() - set.policies().count();
                }
            }
        }
    }
    assert!(determining > 500 && errors > 1_000 && left_out > 10_000, "{determining} {errors} {left_out}");
}
