//! Tests of explanations: policies, directory and question in, sentences out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::config::{Persona, Policies, SourceFile};
use crate::policy::Entity;

const SCHEMA: &str = r#"
entity Role, Tenant, Application;
entity User in [Role, Tenant] { tenant: Tenant, roles: Set<String>, active: Bool, level?: Long };
entity Order in [Tenant] { owner: User, tenant: Tenant, total: Long, archived?: Bool };
action readOrder, refundOrder appliesTo { principal: User, resource: Order, context: { mfa?: Bool } };
action listOrders appliesTo { principal: User, resource: Application };
"#;

const POLICIES: &str = r#"@id("owners-read")
permit (principal, action == Action::"readOrder", resource)
when { resource.owner == principal }
unless { resource has archived && resource.archived };

@id("support-reads-its-tenant")
permit (principal in Role::"support", action == Action::"readOrder", resource is Order)
when { principal in resource.tenant };

@id("seniors-refund")
permit (principal, action == Action::"refundOrder", resource)
when { principal has level && principal.level > 8 && resource.total < 1000 };

@id("mfa-refunds")
permit (principal in Role::"support", action == Action::"refundOrder", resource)
when { context has mfa && context.mfa };

@id("no-refund-across-tenants")
forbid (principal, action == Action::"refundOrder", resource)
unless { principal in resource.tenant };
"#;

fn engine(text: &str, schema: &str) -> Engine {
    let file = |name: &str, text: &str| SourceFile { name: name.to_owned(), text: text.to_owned() };
    Engine::new(&Policies { schema: Some(file("s.cedarschema", schema)), files: vec![file("orders.cedar", text)] })
        .unwrap()
}

fn directory() -> Directory {
    let persona = |tenant: &str, role: &str, level: i64| Persona {
        tenant: Some(tenant.to_owned()),
        roles: vec![role.to_owned()],
        attributes: if level > 0 { BTreeMap::from([("level".to_owned(), json!(level))]) } else { BTreeMap::new() },
    };
    let personas = BTreeMap::from([
        ("alice".to_owned(), persona("acme", "customer", 0)),
        ("bob".to_owned(), persona("acme", "customer", 5)),
        ("dave".to_owned(), persona("globex", "support", 0)),
    ]);
    Directory::seed(&personas, Timestamp::UNIX_EPOCH)
}

fn order(owner: &str) -> Entity {
    Entity::new("Order", "1")
        .with("owner", json!({ "type": "User", "id": owner }))
        .with("tenant", json!({ "type": "Tenant", "id": "acme" }))
        .with("total", 5000)
}

fn why(user: &str, action: &str, resource: Entity) -> String {
    engine(POLICIES, SCHEMA).explain(&Question::new(user, action, resource), &directory()).unwrap().to_string()
}

#[test]
fn a_permit_is_told_with_all_its_conditions() {
    let expected = "allowed\npermitted by `owners-read` (orders.cedar:1)\n  \
        `resource.owner == principal` is true: `resource.owner` is User::\"alice\", `principal` is User::\"alice\"\n  \
        `resource has archived && resource.archived` is false, as it must be: `resource` is Order::\"1\"";
    assert_eq!(why("alice", "readOrder", order("alice")), expected);
}

#[test]
fn a_denial_because_nothing_permits_names_each_permit_that_could_have_applied_and_what_was_false() {
    let expected = "denied: no policy permits it; the nearest first:\n\
        not permitted by `owners-read` (orders.cedar:1)\n  \
        `resource.owner == principal` is false: `resource.owner` is User::\"alice\", `principal` is User::\"bob\"\n\
        not permitted by `support-reads-its-tenant` (orders.cedar:6)\n  \
        the principal must be in Role::\"support\"; User::\"bob\" is in Role::\"customer\", Tenant::\"acme\"";
    assert_eq!(why("bob", "readOrder", order("alice")), expected);
}

#[test]
fn membership_that_is_missing_is_told_with_the_groups_that_there_are() {
    let text = why("dave", "readOrder", order("alice"));
    let line = "  `principal in resource.tenant` is false: `principal` is User::\"dave\" (in Role::\"support\", \
        Tenant::\"globex\"), `resource.tenant` is Tenant::\"acme\"";
    assert!(text.contains(line), "{text}");
}

#[test]
fn an_unless_that_was_true_is_told_as_such() {
    let text = why("alice", "readOrder", order("alice").with("archived", true));
    let line = "`resource has archived && resource.archived` is true and must be false: `resource` is Order::\"1\", \
        `resource.archived` is true";
    assert!(text.contains(line), "{text}");
}

#[test]
fn a_forbid_that_decided_is_told_instead_of_near_misses() {
    let text = why("dave", "refundOrder", order("alice"));
    let start = "denied\nforbidden by `no-refund-across-tenants` (orders.cedar:18)\n  \
        `principal in resource.tenant` is false, as it must be";
    assert!(text.starts_with(start), "{text}");
    assert!(!text.contains("not permitted"), "{text}");
}

#[test]
fn conditions_behind_a_guard_are_told_only_as_far_as_they_can_be_evaluated() {
    let explain = |user: &str| {
        let question = Question::new(user, "refundOrder", order("alice"));
        let explanation = engine(POLICIES, SCHEMA).explain(&question, &directory()).unwrap();
        let near = explanation.near_misses.into_iter().find(|near| near.policy == "seniors-refund").unwrap();
        near.conditions.iter().map(|condition| condition.text.clone()).collect::<Vec<_>>()
    };
    // Alice has no level: that it cannot be compared is no reason of its own.
    assert_eq!(explain("alice"), ["principal has level", "resource.total < 1000"]);
    assert_eq!(explain("bob"), ["principal.level > 8", "resource.total < 1000"]);
}

#[test]
fn a_condition_that_fails_with_an_error_says_which() {
    // Validation refuses an optional attribute without a guard; without a schema it is found out here.
    let file = SourceFile {
        name: "p.cedar".into(),
        text: "permit (principal, action, resource) when { context.mfa };".into(),
    };
    let engine = Engine::new(&Policies { schema: None, files: vec![file] }).unwrap();
    let explanation = engine.explain(&Question::new("alice", "anything", order("alice")), &directory()).unwrap();
    let text = explanation.to_string();
    assert!(text.contains("`context.mfa` cannot be evaluated: "), "{text}");
    assert!(!explanation.decision.errors.is_empty());
}

#[test]
fn an_unknown_subject_and_an_action_that_nobody_is_permitted_are_explained_as_well() {
    assert_eq!(
        why("nobody", "readOrder", order("alice")),
        "denied\nbecause subject `User::\"nobody\"` is not in the directory"
    );
    assert_eq!(
        why("alice", "listOrders", Entity::new("Application", "orders")),
        "denied: no policy permits this action on this type of resource to anybody"
    );
}

#[test]
fn a_note_names_what_was_required_and_no_value() {
    let question = Question::new("bob", "readOrder", order("alice"));
    let near_misses = engine(POLICIES, SCHEMA).note(&question, &directory()).unwrap().near_misses;
    let near = |policy: &str, required: &str| NearMiss { policy: policy.into(), required: vec![required.into()] };
    let nearest = vec![
        near("owners-read", "resource.owner == principal"),
        near("support-reads-its-tenant", "the principal must be in Role::\"support\""),
    ];
    assert_eq!(near_misses, NearMisses { nearest, further: 0 });
}

#[test]
fn a_note_and_an_explanation_decide_as_the_plain_question_does_and_name_the_same_near_misses() {
    let (engine, directory) = (engine(POLICIES, SCHEMA), directory());
    let mut denied = 0;
    for user in ["alice", "bob", "dave", "nobody"] {
        for action in ["readOrder", "refundOrder", "listOrders"] {
            for owner in ["alice", "bob"] {
                let question = Question::new(user, action, order(owner));
                let explained = engine.explain(&question, &directory).unwrap();
                let note = engine.note(&question, &directory).unwrap();
                assert_eq!(explained.decision, engine.decide(&question, &directory).unwrap(), "{user} {action}");
                assert_eq!(note.decision, explained.decision, "{user} {action}");
                assert_eq!(note.near_misses, NearMisses::from(&explained), "{user} {action}");
                denied += usize::from(!note.near_misses.nearest.is_empty());
            }
        }
    }
    assert!(denied > 5, "{denied}");
}

#[test]
fn a_note_names_the_ten_nearest_of_many_and_counts_the_others() {
    let far = "permit (principal in Role::\"nobody\", action, resource is Order) when { resource.total > 1000000 };\n";
    let near =
        "permit (principal, action, resource is Order) when { resource.total > 1000000 && principal has level };\n";
    let text = format!("{}{}{}", far.repeat(20), near, far);
    let (engine, question) = (engine(&text, SCHEMA), Question::new("bob", "readOrder", order("alice")));
    let near_misses = engine.note(&question, &directory()).unwrap().near_misses;
    assert_eq!((near_misses.nearest.len(), near_misses.further), (10, 12));
    assert_eq!(near_misses.nearest[0].policy, "orders.cedar:21");
    assert_eq!(near_misses, NearMisses::from(&engine.explain(&question, &directory()).unwrap()));
}
