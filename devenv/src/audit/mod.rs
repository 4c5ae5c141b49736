//! A stack held against secure defaults: findings with rule, severity, place and fix. Pure.
//!
//! Must not know engines, nor how findings are shown. What `devenv` already does by default (ports on loopback, hardened
//! `binary:` containers) is no finding.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod fix;
mod rules;
mod sarif;

use std::path::PathBuf;

use serde::Serialize;

use crate::manifest::Composed;

pub use fix::{At, Edit, Fixed, SECRETS, Value, fixed};
pub use sarif::sarif;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Hygiene.
    Low,
    /// Makes an attack easier.
    Medium,
    /// Gives an attacker this machine, or its secrets.
    High,
}

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Short and stable.
    pub id: &'static str,
    /// How bad it is when it is broken.
    pub severity: Severity,
    /// What it forbids, in a sentence.
    pub title: &'static str,
    /// What to do instead.
    pub fix: &'static str,
}

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which.
    pub rule: &'static Rule,
    /// Of which service.
    pub service: String,
    /// What is wrong, naming what was written; never a secret.
    pub message: String,
    /// The file.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What `--fix` would put in place of what is there.
    pub edit: Option<Edit>,
}

/// All findings, by file and place.
#[must_use]
pub fn audit(composed: &Composed) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, service) in &composed.manifest.services {
        let subject = Subject { composed, name };
        findings.extend(rules::broken(service).into_iter().map(|broken| subject.finding(&[], broken)));
        findings.extend(
            rules::open_ports(&subject.texts(&["ports"])).into_iter().map(|broken| subject.finding(&[], broken)),
        );
        if let Some(over) = &service.docker {
            let broken = rules::written(over).into_iter();
            findings.extend(broken.map(|broken| subject.finding(&["docker"], broken)));
            let ports = rules::open_ports(&subject.texts(&["docker", "ports"])).into_iter();
            findings.extend(ports.map(|broken| subject.finding(&["docker"], broken)));
        }
    }
    findings.sort_by(|a, b| (&a.file, a.line, a.column, a.rule.id).cmp(&(&b.file, b.line, b.column, b.rule.id)));
    findings
}

/// A service in its file.
struct Subject<'a> {
    composed: &'a Composed,
    name: &'a str,
}

impl Subject<'_> {
    fn path<'p>(&'p self, more: &[&'p str]) -> Vec<&'p str> {
        ["services", self.name].into_iter().chain(more.iter().copied()).collect()
    }

    fn texts(&self, below: &[&str]) -> Vec<(Vec<String>, String)> {
        self.composed.texts(&self.path(below))
    }

    fn finding(&self, part: &[&str], broken: rules::Broken) -> Finding {
        let below: Vec<&str> = part.iter().copied().chain(broken.path.iter().map(String::as_str)).collect();
        let place = self.composed.place(&self.path(&below));
        // Keys are only added to the service itself, and in the file of the finding.
        let first_key = |path: &[&str]| {
            let first = self.composed.first_key(path).filter(|first| first.file == place.file);
            first.map(|first| At { line: first.line, column: first.column })
        };
        let edit = broken.fix.and_then(|fix| match fix {
            rules::Fix::Replace { from, to } => Some(Edit::Replace { from, to }),
            rules::Fix::Insert(keys) => {
                Some(Edit::Insert { before: first_key(&self.path(&[])).filter(|_| part.is_empty())?, keys })
            }
            rules::Fix::Secret(variable) => {
                let service = first_key(&self.path(&[])).filter(|_| part.is_empty())?;
                let name = format!("{}-{}", self.name, variable.to_lowercase().replace('_', "-"));
                let written = !self.composed.manifest.secrets.is_empty();
                let section = if written { Some(first_key(&["secrets"])?) } else { None };
                Some(Edit::Secret { variable, name, service, section })
            }
        });
        Finding {
            rule: broken.rule,
            service: self.name.to_owned(),
            message: broken.message,
            file: place.file,
            line: place.line,
            column: place.column,
            edit,
        }
    }
}

/// The rule about images that can be another one tomorrow; what is here now is only known to an engine.
pub const UNPINNED_IMAGE: &str = "unpinned-image";

/// Every rule.
#[must_use]
pub fn all() -> &'static [&'static Rule] {
    rules::ALL
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::manifest::{NoFiles, SourceFile, Sources, read};

    pub(super) fn findings(text: &str) -> Vec<Finding> {
        let file = SourceFile { path: "compose.yaml".into(), text: text.into() };
        let variables = BTreeMap::new();
        let sources = Sources { file: &file, overrides: &[], files: &NoFiles, variables: &variables };
        audit(&read(&sources).unwrap_or_else(|problems| panic!("{problems}")).value)
    }

    /// Every limit set and nothing wrong: each test adds one mistake.
    const SOUND: &str = "services:\n  a:\n    image: x@sha256:00\n    user: \"1000\"\n    read_only: true\n    mem_limit: 1g\n    pids_limit: 99\n    cap_drop: [NET_RAW]\n";
    const OPTIONS: &str = "    security_opt: [\"no-new-privileges:true\"]\n";

    fn ids(more: &str) -> Vec<&'static str> {
        let options = if more.contains("security_opt") { "" } else { OPTIONS };
        findings(&format!("{SOUND}{options}{more}")).into_iter().map(|finding| finding.rule.id).collect()
    }

    #[test]
    fn a_sound_service_has_no_findings() {
        assert_eq!(ids(""), Vec::<&str>::new());
        assert_eq!(ids("    ports: [\"8080:80\", \"127.0.0.1:8081:81\"]\n"), Vec::<&str>::new());
        assert_eq!(
            ids("    environment: { A_PASSWORD_FILE: /run/secrets/x, TOKEN_LIFETIME: 5m }\n"),
            Vec::<&str>::new()
        );
    }

    #[test]
    fn each_mistake_breaks_its_rule_and_no_other() {
        for (rule, mistake) in [
            ("ports-on-all-interfaces", "ports: [\"0.0.0.0:8080:80\"]"),
            ("privileged", "privileged: true"),
            ("docker-socket", "volumes: [\"/var/run/docker.sock:/var/run/docker.sock\"]"),
            ("inline-secret", "environment: { DB_PASSWORD: hunter2 }"),
            ("dangerous-capability", "cap_add: [SYS_ADMIN]"),
            ("host-namespace", "network_mode: host"),
            ("host-namespace", "pid: host"),
            ("unconfined", "security_opt: [\"seccomp:unconfined\", \"no-new-privileges:true\"]"),
            ("new-privileges", "security_opt: [\"label:disable\"]"),
            ("host-directory", "volumes: [\"/etc:/host/etc:ro\"]"),
            ("ports-on-all-interfaces", "ports: [{ target: 80, published: 80, host_ip: \"0.0.0.0\" }]"),
            ("privileged", "docker: { privileged: true }"),
            ("ports-on-all-interfaces", "docker: { ports: [\"0.0.0.0:80:80\"] }"),
        ] {
            assert_eq!(ids(&format!("    {mistake}\n")), [rule], "{mistake}");
        }
    }

    #[test]
    fn what_is_missing_is_found_at_the_service() {
        let found = findings("services:\n  a:\n    image: nginx\n");
        let ids: Vec<&str> = found.iter().map(|finding| finding.rule.id).collect();
        assert_eq!(ids, ["new-privileges", "no-limits", "root-user", "writable-root", "unpinned-image"]);
        assert_eq!((found[0].line, found[4].line), (2, 3));
    }

    #[test]
    fn a_secret_is_named_and_never_shown() {
        let found = findings(&format!("{SOUND}    environment:\n      API_TOKEN: s3cr3t\n"));
        let found: Vec<_> = found.into_iter().filter(|finding| finding.rule.id == "inline-secret").collect();
        assert_eq!((found[0].line, found[0].message.contains("API_TOKEN")), (10, true));
        assert!(!serde_json::to_string(&found).unwrap().contains("s3cr3t"));
    }
}
