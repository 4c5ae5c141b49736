//! Names in access rules: operations, resources, roles. Do they exist?

use std::collections::BTreeSet;

use security_tests::access::{Grant, Rule};
use security_tests::login::Call;

use super::grants::WORDS;
use super::rules::route_names;
use super::{AuthzFile, Cast, Named};
use crate::manifest::report::Report;
use crate::manifest::tree::Position;

pub(super) fn check(report: &mut Report, file: &AuthzFile, operations: &[Named], cast: &Cast) {
    let routes = route_names(&file.rules);
    let mut checker = Checker {
        report,
        file,
        operations: operations.iter().map(|named| named.id.as_str()).chain(routes.keys().map(String::as_str)).collect(),
        labels: operations.iter().map(|named| named.label.as_str()).collect(),
        roles: cast.values().flatten().map(String::as_str).collect(),
        names: cast.keys().map(String::as_str).collect(),
    };
    checker.login();
    checker.resources();
    for (name, receiver) in file.rules.session.receivers() {
        checker.operation(&receiver.operation, &["session", name]);
    }
    for (name, rule) in &file.rules.rules {
        checker.rule(name, rule);
    }
}

struct Checker<'c> {
    report: &'c mut Report,
    file: &'c AuthzFile,
    operations: BTreeSet<&'c str>,
    labels: BTreeSet<&'c str>,
    roles: BTreeSet<&'c str>,
    names: BTreeSet<&'c str>,
}

impl Checker<'_> {
    fn login(&mut self) {
        let Some(login) = &self.file.rules.login else { return self.call(self.file.rules.reset.as_ref(), &["reset"]) };
        for (name, call) in login.calls() {
            self.call(Some(call), &["login", name]);
        }
        self.call(self.file.rules.reset.as_ref(), &["reset"]);
        if let Some(me) = &login.me {
            self.operation(me, &["login", "me"]);
        }
        let unregistered = self.file.personas.iter().find(|(_, persona)| persona.account.is_none());
        if let (None, Some((name, _))) = (&login.register, unregistered) {
            let position = self.position(&["personas", name]);
            let help = "give it a `username` and a `password`, or say in `login.register` how to make one".to_owned();
            self.report.error_with_help(position, format!("the persona `{name}` has no account"), help);
        }
    }

    fn call(&mut self, call: Option<&Call>, path: &[&str]) {
        let Some(call) = call else { return };
        self.operation(&call.operation, &[path, &["operation"]].concat());
        if let Some(by) = call.by.as_deref().filter(|by| !self.names.contains(by)) {
            let position = self.position(&[path, &["as"]].concat());
            let help = self.report.did_you_mean(by, self.names.iter().copied());
            self.report.error_with_help(position, format!("there is no persona `{by}`"), help);
        }
    }

    fn resources(&mut self) {
        let file = self.file;
        let known = written_resources(file);
        for (name, resource) in &file.rules.resources {
            if let Some(within) = resource.within.as_deref().filter(|within| !known.contains(within)) {
                let help = self.report.did_you_mean(within, known.iter().copied());
                let position = self.position(&["resources", name, "in"]);
                self.report.error_with_help(position, format!("there is no resource `{within}`"), help);
            }
            match &resource.create {
                Some(create) => self.operation(&create.operation, &["resources", name, "create", "operation"]),
                None if self.file.rules.login.is_none() => {
                    let position = self.position(&["resources", name]);
                    let help =
                        "without `create` the resource is the account itself, which only `login` makes".to_owned();
                    self.report.error_with_help(position, format!("`{name}` does not say how to create one"), help);
                }
                None => {}
            }
            self.operation(&resource.read, &["resources", name, "read"]);
            if let Some(transfer) = &resource.lifecycle.transfer {
                self.operation(transfer, &["resources", name, "transfer"]);
            }
            if let Some(archive) = &resource.lifecycle.archive {
                self.operation(&archive.operation, &["resources", name, "archive", "operation"]);
                for ended in &archive.ends {
                    self.operation(ended, &["resources", name, "archive", "ends"]);
                }
            }
            for role in resource.hidden.from_role.keys() {
                self.role(role, self.position(&["resources", name, "hidden", role]));
            }
        }
    }

    fn rule(&mut self, name: &str, rule: &Rule) {
        self.operation(name, &["rules", name]);
        if let Some(prepare) = &rule.prepare {
            self.operation(prepare, &["rules", name, "prepare"]);
        }
        if let Some(resource) = &rule.on {
            let known = written_resources(self.file);
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
                Grant::Owner | Grant::Others | Grant::Tenant if rule.on.is_none() => {
                    let word = match grant {
                        Grant::Owner => "owner",
                        Grant::Others => "others",
                        _ => "tenant",
                    };
                    let position = self.position(&["rules", name, "allow", word]);
                    let help = "add `on:` with the name of a resource".to_owned();
                    self.report.error_with_help(position, format!("`{word}` needs an object: whose?"), help);
                }
                Grant::Anyone | Grant::Authenticated | Grant::Owner | Grant::Others | Grant::Tenant => {}
            }
        }
    }

    fn operation(&mut self, name: &str, path: &[&str]) {
        if !self.operations.contains(name) && !self.labels.contains(name) {
            let position = self.position(path);
            let help = self.report.did_you_mean(name, self.operations.iter().copied()).unwrap_or_else(|| {
                format!("operations are the `operationId`s of `{}`, or `METHOD /path`", self.file.openapi)
            });
            self.report.error_with_help(position, format!("the API has no operation `{name}`"), help);
        }
    }

    fn role(&mut self, role: &str, position: Position) {
        if !self.roles.contains(role) {
            let help = self.report.did_you_mean(role, self.roles.iter().copied().chain(WORDS));
            self.report.warning_with_help(position, format!("no persona has the role `{role}`"), help);
        }
    }

    fn position(&self, path: &[&str]) -> Position {
        self.file.root.locate(path)
    }
}

/// As written: a resource that is there but wrong has a problem of its own.
fn written_resources(file: &AuthzFile) -> Vec<&str> {
    let resources = file.root.get("resources").map(|node| node.entries()).unwrap_or_default();
    resources.iter().map(|entry| entry.key.as_str()).collect()
}
