//! Names in access rules: operations, resources, roles. Do they exist?

use std::collections::{BTreeMap, BTreeSet};

use security_tests::access::{Grant, Rule};

use super::AuthzFile;
use super::grants::WORDS;
use super::rules::route_names;
use crate::manifest::Persona;
use crate::manifest::report::Report;
use crate::manifest::tree::Position;

pub(super) fn check(
    report: &mut Report,
    file: &AuthzFile,
    operation_ids: &[String],
    personas: &BTreeMap<String, Persona>,
) {
    let routes = route_names(&file.rules);
    let mut checker = Checker {
        report,
        file,
        operations: operation_ids.iter().map(String::as_str).chain(routes.keys().map(String::as_str)).collect(),
        roles: personas.values().flat_map(|persona| &persona.roles).map(String::as_str).collect(),
    };
    checker.resources();
    for (name, rule) in &file.rules.rules {
        checker.rule(name, rule);
    }
}

struct Checker<'c> {
    report: &'c mut Report,
    file: &'c AuthzFile,
    operations: BTreeSet<&'c str>,
    roles: BTreeSet<&'c str>,
}

impl Checker<'_> {
    fn resources(&mut self) {
        for (name, resource) in &self.file.rules.resources {
            self.operation(&resource.create.operation, &["resources", name, "create", "operation"]);
            self.operation(&resource.read, &["resources", name, "read"]);
            for role in resource.hidden.keys() {
                self.role(role, self.position(&["resources", name, "hidden", role]));
            }
        }
    }

    fn rule(&mut self, name: &str, rule: &Rule) {
        self.operation(name, &["rules", name]);
        if let Some(resource) = &rule.on {
            let known = self.written_resources();
            if !known.contains(&resource.as_str()) {
                let help = self.report.did_you_mean(resource, known);
                let position = self.position(&["rules", name, "on"]);
                self.report.error_with_help(position, format!("there is no resource `{resource}`"), help);
            }
        }
        for grant in &rule.allow {
            match grant {
                Grant::Role(role) => self.role(role, self.position(&["rules", name, "allow", role])),
                Grant::RoleOfTenant(role) => {
                    let text = format!("{role} of tenant");
                    self.role(role, self.position(&["rules", name, "allow", &text]));
                }
                Grant::Owner | Grant::Tenant if rule.on.is_none() => {
                    let word = if *grant == Grant::Owner { "owner" } else { "tenant" };
                    let position = self.position(&["rules", name, "allow", word]);
                    let help = "add `on:` with the name of a resource".to_owned();
                    self.report.error_with_help(position, format!("`{word}` needs an object: whose?"), help);
                }
                Grant::Anyone | Grant::Authenticated | Grant::Owner | Grant::Tenant => {}
            }
        }
    }

    fn operation(&mut self, name: &str, path: &[&str]) {
        if !self.operations.contains(name) {
            let position = self.position(path);
            let help = self
                .report
                .did_you_mean(name, self.operations.iter().copied())
                .unwrap_or_else(|| format!("operations are the `operationId`s of `{}`", self.file.openapi.display()));
            self.report.error_with_help(position, format!("the API has no operation `{name}`"), help);
        }
    }

    fn role(&mut self, role: &str, position: Position) {
        if !self.roles.contains(role) {
            let help = self.report.did_you_mean(role, self.roles.iter().copied().chain(WORDS));
            self.report.warning_with_help(position, format!("no persona has the role `{role}`"), help);
        }
    }

    /// As written: a resource that is there but wrong has a problem of its own.
    fn written_resources(&self) -> Vec<&str> {
        let resources = self.file.root.get("resources").map(|node| node.entries()).unwrap_or_default();
        resources.iter().map(|entry| entry.key.as_str()).collect()
    }

    fn position(&self, path: &[&str]) -> Position {
        self.file.root.locate(path)
    }
}
