//! Tests of expectations: rules and relations in, decisions out.

use super::*;
use crate::access::{Grant, Rule};

fn persona(roles: &[&str]) -> Persona {
    Persona { tenant: Some("acme".into()), roles: roles.iter().map(ToString::to_string).collect(), account: None }
}

/// One line per relation: who may, of nobody, a customer and a support.
fn table(grant: Grant) -> String {
    let rule = Rule { allow: vec![grant], ..Rule::default() };
    let (customer, support) = (persona(&["customer"]), persona(&["support"]));
    let relations = [Relation::Own, Relation::SameTenant, Relation::OtherTenant, Relation::None];
    let lines = relations.map(|relation| {
        [None, Some(&customer), Some(&support)].map(|who| by_rule(&rule, who, relation).as_str()).join(" ")
    });
    lines.join(" | ")
}

#[test]
fn each_grant_allows_exactly_whom_it_names() {
    let all = "allow allow allow";
    assert_eq!(table(Grant::Anyone), [all; 4].join(" | "));
    assert_eq!(table(Grant::Authenticated), ["deny allow allow"; 4].join(" | "));
    assert_eq!(table(Grant::Owner), "deny allow allow | deny deny deny | deny deny deny | deny deny deny");
    assert_eq!(table(Grant::Others), "deny deny deny | deny allow allow | deny allow allow | deny allow allow");
    assert_eq!(table(Grant::Tenant), "deny allow allow | deny allow allow | deny deny deny | deny deny deny");
    assert_eq!(table(Grant::Role("support".into())), ["deny deny allow"; 4].join(" | "));
    let of_tenant = "deny deny allow | deny deny allow | deny deny deny | deny deny allow";
    assert_eq!(table(Grant::RoleOfTenant("support".into())), of_tenant);
}

#[test]
fn what_no_grant_allows_is_denied() {
    assert_eq!(by_rule(&Rule::default(), Some(&persona(&["admin"])), Relation::Own), Decision::Deny);
}
