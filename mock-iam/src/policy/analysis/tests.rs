//! Tests of analyses: two people of two tenants, a few policies in, tables out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::config::{Persona, Policies, SourceFile};
use crate::directory::Directory;
use crate::policy::Engine;

const SCHEMA: &str = r#"
entity Role, Tenant, Application;
entity User in [Role, Tenant] { tenant: Tenant, active: Bool };
entity Order in [Tenant] { owner: User, tenant: Tenant, archived?: Bool };
entity Parcel { weight: decimal };
action readOrder appliesTo { principal: User, resource: Order, context: { mfa: Bool } };
action listOrders appliesTo { principal: User, resource: Application };
action weigh appliesTo { principal: User, resource: Parcel };
"#;

const POLICIES: &str = r#"@id("own")
permit (principal, action == Action::"readOrder", resource) when { resource.owner == principal && context.mfa };
@id("list")
permit (principal, action == Action::"listOrders", resource);
@id("auditors")
permit (principal in Role::"auditor", action == Action::"readOrder", resource);
@id("archived")
forbid (principal, action, resource is Order) when { resource has archived && resource.archived };
"#;

fn engine(text: &str) -> Engine {
    let file = |name: &str, text: &str| SourceFile { name: name.to_owned(), text: text.to_owned() };
    Engine::new(&Policies { schema: Some(file("s.cedarschema", SCHEMA)), files: vec![file("p.cedar", text)] }).unwrap()
}

fn directory() -> Directory {
    let persona =
        |tenant: &str| Persona { tenant: Some(tenant.into()), roles: vec!["customer".into()], ..Persona::default() };
    let personas = BTreeMap::from([("alice".to_owned(), persona("acme")), ("mallory".to_owned(), persona("globex"))]);
    Directory::seed(&personas, Timestamp::UNIX_EPOCH)
}

fn examples() -> Examples {
    Examples { application: "orders".to_owned(), ..Examples::default() }
}

fn lines(changes: &[Change]) -> Vec<String> {
    let line = |change: &Change| {
        let Change { persona, action, resource, context, .. } = change;
        format!("{persona} {action} {resource} [{context}] {}", change.by.join(","))
    };
    changes.iter().map(line).collect()
}

#[test]
fn a_world_holds_each_owner_each_flag_and_each_context() {
    let world = World::seeded(&engine(POLICIES), &directory(), &examples());
    // 2 people × (2 owners × archived or not × mfa or not) + 2 people × 1 application.
    assert_eq!(world.cases.len(), 2 * 2 * 2 * 2 + 2);
    assert_eq!(world.left_out["Parcel"], "nothing is known for the attribute `weight`");
    let labels: Vec<_> = world.cases.iter().filter(|case| case.question.subject.id == "alice").collect();
    assert!(labels.iter().any(|case| case.resource == "Order of mallory, archived" && case.context == "mfa"));
    assert_eq!(labels.iter().filter(|case| case.crosses_tenants).count(), 4);
}

#[test]
fn coverage_counts_what_each_policy_decides_and_points_at_what_looks_wrong() {
    let (engine, directory) = (engine(POLICIES), directory());
    let world = World::seeded(&engine, &directory, &examples());
    let coverage = coverage(&engine, &directory, &world);
    let uses: BTreeMap<&str, _> = coverage.policies.iter().map(|used| (used.policy.id.as_str(), used)).collect();
    assert_eq!((uses["own"].decided, &uses["own"].remarks), (2, &vec![]));
    assert_eq!(uses["list"].remarks, ["permits everybody without a condition"]);
    assert_eq!(uses["auditors"].remarks, ["never decides"]);
    assert_eq!((uses["archived"].decided, uses["archived"].remarks.len()), (8, 0));
    assert_eq!(coverage.grants["alice"].iter().collect::<Vec<_>>(), ["listOrders", "readOrder"]);
    assert_eq!((coverage.questions, coverage.allowed), (18, 4));
}

#[test]
fn a_permit_that_lets_people_into_other_tenants_is_pointed_at() {
    let (engine, directory) = (engine("@id(\"all\") permit (principal, action, resource);"), directory());
    let coverage = coverage(&engine, &directory, &World::seeded(&engine, &directory, &examples()));
    assert_eq!(
        coverage.policies[0].remarks,
        [
            "permits every action, also those to come",
            "permits everybody without a condition",
            "crosses tenants (8 questions)"
        ]
    );
}

#[test]
fn a_difference_is_told_question_by_question_with_the_policy_that_makes_it() {
    let after = POLICIES.replace("resource.owner == principal && context.mfa", "resource.owner == principal").replace(
        "permit (principal, action == Action::\"listOrders\"",
        "forbid (principal, action == Action::\"listOrders\"",
    );
    let diff = diff(&engine(POLICIES), &engine(&after), &directory(), &examples());
    assert_eq!(diff.questions, 18);
    assert_eq!(
        lines(&diff.gained),
        ["alice readOrder Order of alice [] own", "mallory readOrder Order of mallory [] own"]
    );
    assert_eq!(lines(&diff.lost), ["alice listOrders Application [] list", "mallory listOrders Application [] list"]);
    let same = super::diff(&engine(POLICIES), &engine(POLICIES), &directory(), &examples());
    assert!(same.gained.is_empty() && same.lost.is_empty());
}

#[test]
fn expectations_that_do_not_hold_are_told_with_line_and_reason() {
    let text = "
resources:
  alices: { type: Order, properties: { owner: alice, tenant: acme } }
tests:
  - { action: readOrder, resource: alices, context: { mfa: true }, allow: [alice], deny: [others], by: own }
  - { action: readOrder, resource: alices, context: { mfa: false }, allow: [alice] }
  - { action: listOrders, allow: [others], by: own }
  - { action: fly, allow: [alice] }
  - { action: readOrder, resource: bobs, deny: [alice] }
  - { action: listOrders, allow: [nobody] }
";
    let file: TestFile = serde_saphyr::from_str(text).unwrap();
    let examples = file.examples("orders");
    let run = run(&engine(POLICIES), &directory(), (&file, &examples));
    let lines: Vec<_> = run.failures.iter().map(|failure| format!("{}: {}", failure.line, failure.message)).collect();
    assert_eq!(
        lines,
        [
            "6: alice readOrder alices: expected allowed, is denied",
            "7: alice listOrders the application: expected to be decided by `own`, is by `list`",
            "7: mallory listOrders the application: expected to be decided by `own`, is by `list`",
            "8: the schema has no action `fly`",
            "9: no resource is called `bobs`",
            "10: there is no persona `nobody`",
        ]
    );
    assert_eq!(run.questions, 5);
    assert!(run.failures[0].explanation.as_ref().unwrap().contains("`context.mfa` is false"));
    assert_eq!(json!(run)["failures"][3].get("explanation"), None);
}

#[test]
fn every_near_miss_of_a_world_names_what_it_missed() {
    let more = r#"
permit (principal, action, resource is Order)
when { if context has mfa && context.mfa then resource.owner != principal else principal.tenant == resource.tenant }
unless { resource has archived || !(principal.active && [1, 2].contains(3)) };
permit (principal == User::"mallory", action, resource in Tenant::"globex") when { principal in [Role::"a", Role::"b"] };
"#;
    let (engine, directory) = (engine(&format!("{POLICIES}{more}")), directory());
    let mut near_misses = 0;
    for case in World::seeded(&engine, &directory, &examples()).cases {
        let explanation = engine.explain(&case.question, &directory).unwrap();
        for near in explanation.near_misses {
            near_misses += 1;
            assert!(!near.required().is_empty(), "{}: {near}", case.resource);
        }
    }
    assert!(near_misses > 20, "{near_misses}");
}
