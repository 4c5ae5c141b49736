//! One planned service to one service of a Compose file.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde_json::{Map, Value, json};

use super::Destination;
use super::files::Files;
use super::gate::{Gate, dependencies, healthcheck};
use crate::manifest::{Object, PullPolicy, Restart, elements};
use crate::plan::{
    Hardening, Plan, PlannedMount, PlannedMountSource, PlannedService, PublishedPort, Role, ServiceNetwork, Source,
};

/// A service with what its entry is written from, and where what does not fit into the entry goes.
pub(super) struct ServiceWriter<'a, 'b> {
    pub(super) plan: &'a Plan,
    pub(super) service: &'a PlannedService,
    pub(super) gates: &'a BTreeMap<String, Gate>,
    pub(super) to: &'a Destination<'a>,
    pub(super) files: &'b mut Files<'a>,
    pub(super) notes: &'b mut Vec<String>,
}

impl ServiceWriter<'_, '_> {
    pub(super) fn write(&mut self) -> Value {
        let service = self.service;
        let mut out = Object::default();
        self.source(&mut out);
        out.set("entrypoint", json!(service.entrypoint));
        out.set("command", json!(service.command));
        out.set("environment", json!(service.environment));
        self.container(&mut out);
        self.storage(&mut out);
        self.network(&mut out);
        let (dependencies, untold) = dependencies(service, self.gates);
        out.set("depends_on", dependencies);
        self.notes.extend(untold.into_iter().map(|other| {
            format!(
                "`{}` waits until `{other}` runs, not for the line of its output that says that it is ready",
                service.name
            )
        }));
        out.set("healthcheck", healthcheck(self.plan, service, self.gates));
        // `no` is what Compose does anyway, and a word that older readers of YAML take for false.
        if service.restart != Restart::No {
            out.set("restart", elements::restart(service.restart));
        }
        out.set("stop_signal", json!(service.stop.signal));
        out.set("stop_grace_period", json!(elements::shown(service.stop.grace)));
        hardening(&mut out, &service.hardening);
        elements::options(&mut out, &service.container.options);
        out.value()
    }

    /// The image. One that is made here is in no registry, and whoever has its name there must not be asked for it.
    fn source(&mut self, out: &mut Object) {
        match &self.service.source {
            Source::Packaged { executable } => {
                out.set("image", json!((self.to.packaged)(executable)));
                out.set("pull_policy", json!("never"));
            }
            Source::Built(image) => {
                out.set("image", json!(image.reference));
                out.set("build", elements::build(&image.build, |path| json!(self.path(path))));
            }
            Source::Image { reference, pull } => {
                out.set("image", json!(self.pinned(reference)));
                out.set(
                    "pull_policy",
                    match pull {
                        PullPolicy::Missing | PullPolicy::Build => Value::Null,
                        PullPolicy::Never => json!("never"),
                        PullPolicy::Always => json!("always"),
                    },
                );
            }
            // Refused before.
            Source::Executable { .. } | Source::Process => {}
        }
        out.text("platform", self.service.container.platform.as_ref());
    }

    /// The reference with the digest of devenv.lock, unless it has one.
    fn pinned(&mut self, reference: &str) -> String {
        match self.to.digests.get(reference) {
            _ if reference.contains('@') => reference.to_owned(),
            Some(digest) => format!("{reference}@{digest}"),
            None => {
                let note = format!("image `{reference}` is not pinned: devenv.lock has no digest of it");
                if !self.notes.contains(&note) {
                    self.notes.push(note);
                }
                reference.to_owned()
            }
        }
    }

    fn container(&self, out: &mut Object) {
        let settings = &self.service.container;
        let ours = format!("{}-{}", self.plan.project.id(), self.service.name);
        out.text("container_name", Some(&settings.name).filter(|name| **name != ours));
        out.text("hostname", settings.hostname.as_ref());
        out.set("labels", json!(settings.labels));
        out.text("working_dir", settings.working_dir.as_ref());
        out.set("extra_hosts", elements::hosts(&settings.extra_hosts));
        out.truth("tty", Some(settings.tty));
        out.truth("stdin_open", Some(settings.stdin_open));
        out.set("shm_size", json!(settings.shm_size.map(|bytes| bytes.to_string())));
        let own = format!("{}-", self.plan.project.id());
        let (links, external): (Vec<&String>, Vec<&String>) =
            settings.links.iter().partition(|link| link.starts_with(&own));
        out.set("links", links.into_iter().map(|link| json!(link.trim_start_matches(&own))).collect());
        out.set("external_links", json!(external));
    }

    fn storage(&mut self, out: &mut Object) {
        let tmpfs = self.service.tmpfs.iter();
        let tmpfs = tmpfs
            .map(|(path, options)| json!(if options.is_empty() { path.clone() } else { format!("{path}:{options}") }));
        out.set("tmpfs", tmpfs.collect());
        out.set("volumes", self.service.mounts.iter().map(|mount| self.mount(mount)).collect());
        let (secrets, configs) = self.files.of(self.service);
        out.set("secrets", secrets);
        out.set("configs", configs);
    }

    fn mount(&self, mount: &PlannedMount) -> Value {
        let mut out = Object::default();
        let mut details = Object::default();
        details.text("propagation", mount.options.propagation.as_ref());
        details.text("selinux", mount.options.selinux.as_ref());
        match &mount.source {
            PlannedMountSource::Bind(path) => {
                out.set("type", json!("bind"));
                out.set("source", json!(self.path(path)));
                details.truth("create_host_path", Some(mount.options.create_host_path));
                out.set("bind", details.value());
            }
            PlannedMountSource::Volume(name) => {
                out.set("type", json!("volume"));
                out.set("source", json!(name));
                details.truth("nocopy", Some(mount.options.no_copy));
                out.set("volume", details.value());
            }
            PlannedMountSource::Anonymous => out.set("type", json!("volume")),
        }
        out.set("target", json!(mount.target));
        out.truth("read_only", Some(mount.read_only));
        out.value()
    }

    fn network(&self, out: &mut Object) {
        match &self.service.network {
            ServiceNetwork::Networks(names) => {
                out.set("networks", self.networks(names));
                out.set("ports", self.service.ports.iter().map(port).collect());
            }
            // What is published is published by the owner of the namespace.
            ServiceNetwork::SharedWith(owner) => out.set("network_mode", json!(format!("service:{owner}"))),
            ServiceNetwork::Mode(mode) => out.set("network_mode", json!(mode)),
            ServiceNetwork::Host => out.set("network_mode", json!("host")),
        }
    }

    /// A relay is known by the name of the service that it stands for.
    fn networks(&self, names: &[String]) -> Value {
        let attachments = &self.service.container.attachments;
        let written = names.iter().map(|name| {
            let mut attachment = attachments.get(name).cloned().unwrap_or_default();
            if let Role::Relay { of } = &self.service.role {
                attachment.aliases.insert(0, of.clone());
            }
            (name.clone(), elements::attachment(&attachment))
        });
        Value::Object(written.collect::<Map<_, _>>())
    }

    /// Relative to the Compose file as far as both are in the project, so that the export works in another work tree.
    fn path(&self, path: &Path) -> String {
        let (project, from) = (&self.plan.project.directory, self.to.directory);
        let (Ok(inside), Ok(below)) = (path.strip_prefix(project), from.strip_prefix(project)) else {
            return path.display().to_string();
        };
        let depth = below.components().filter(|part| matches!(part, Component::Normal(_))).count();
        let up = if depth == 0 { "./".to_owned() } else { "../".repeat(depth) };
        format!("{up}{}", inside.display())
    }
}

/// What it may not do.
pub(super) fn hardening(out: &mut Object, hardening: &Hardening) {
    out.text("user", hardening.user.as_ref());
    out.truth("read_only", Some(hardening.read_only));
    out.set("cap_drop", json!(hardening.cap_drop));
    out.set("cap_add", json!(hardening.cap_add));
    out.set("security_opt", json!(hardening.security_opt));
    out.set("pids_limit", json!(hardening.pids_limit));
    out.set("init", json!(hardening.init));
    out.truth("privileged", Some(hardening.privileged));
    out.set("mem_limit", json!(hardening.memory.map(|bytes| bytes.to_string())));
}

fn port(port: &PublishedPort) -> Value {
    let mut out = Object::default();
    out.set("mode", json!("ingress"));
    out.set("host_ip", json!(port.host_ip));
    out.set("target", json!(port.target));
    // Without one, the engine takes any that is free.
    out.set("published", json!((port.host != 0).then(|| port.host.to_string())));
    out.set("protocol", json!(if port.udp { "udp" } else { "tcp" }));
    out.value()
}
