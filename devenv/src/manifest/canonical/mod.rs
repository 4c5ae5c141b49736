//! A manifest written out in Compose's long forms: what `devenv config` shows. Pure.
//!
//! Keys that Compose knows come from the model, so that it is what we understood and not what was typed; keys of our own
//! are shown as they were composed. Follows what `docker compose config` prints.

pub(crate) mod elements;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::model::{Command, Manifest, Mount, MountSource, Port, Protocol, PullPolicy, Service};
use super::{ConfigSource, SecretSource, WatchAction};
use elements::{Object, attachment, escape, hosts, options, restart, shown};

/// Keys of a service that Compose does not have.
const OWN_KEYS: [&str; 6] = ["binary", "run", "engines", "ready", "docker", "embedded"];
/// Sections that Compose does not have.
const OWN_SECTIONS: [&str; 4] = ["identity", "idp", "iam", "tests"];

/// The project that a manifest belongs to, as far as names and paths depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Naming<'a> {
    /// Name of the project.
    pub project: &'a str,
    /// Absolute directory that relative paths are relative to.
    pub directory: &'a Path,
}

/// The manifest in long form. `composed` is the tree that it was read from, for keys of our own.
pub(super) fn canonical(manifest: &Manifest, composed: &Value, naming: Naming<'_>) -> Value {
    let writer = Writer { naming, manifest };
    let mut out = Object::default();
    out.set("name", json!(naming.project));
    for section in OWN_SECTIONS {
        // Also when it is empty: that it is there at all says something.
        if let Some(written) = composed.get(section) {
            out.0.insert(section.to_owned(), written.clone());
        }
    }
    let services = manifest.services.iter().filter(|(_, service)| writer.is_on(service));
    let written = services.map(|(name, service)| {
        let own = composed.get("services").and_then(|services| services.get(name));
        (name.clone(), writer.service(service, own.unwrap_or(&Value::Null)))
    });
    out.set("services", Value::Object(written.collect()));
    out.set("networks", writer.networks());
    out.set("volumes", writer.volumes());
    out.set("secrets", writer.secrets(composed));
    out.set("configs", writer.configs());
    let mut document = Value::Object(out.0);
    escape(&mut document);
    document
}

struct Writer<'a> {
    naming: Naming<'a>,
    manifest: &'a Manifest,
}

impl Writer<'_> {
    fn is_on(&self, service: &Service) -> bool {
        let active = &self.manifest.active_profiles;
        service.profiles.is_empty()
            || active.contains("*")
            || service.profiles.iter().any(|profile| active.contains(profile))
    }

    fn path(&self, path: &Path) -> Value {
        json!(super::compose::normalized(&self.naming.directory.join(path)).display().to_string())
    }

    fn ours(&self, name: &str) -> String {
        format!("{}_{name}", self.naming.project)
    }

    fn service(&self, service: &Service, own: &Value) -> Value {
        let mut out = Object::default();
        self.source(&mut out, service);
        process(&mut out, service);
        self.attachments(&mut out, service);
        lifecycle(&mut out, service);
        limits(&mut out, service);
        options(&mut out, &service.options);
        for key in OWN_KEYS {
            out.set(key, own.get(key).cloned().unwrap_or_default());
        }
        let watch = service.watch.iter().map(|rule| {
            let mut out = Object::default();
            out.set("path", self.path(&rule.path));
            out.set("action", json!(action(rule.action)));
            out.text("target", rule.target.as_ref());
            out.set("ignore", json!(rule.ignore));
            Value::Object(out.0)
        });
        let watch: Vec<Value> = watch.collect();
        if !watch.is_empty() {
            out.set("develop", json!({ "watch": watch }));
        }
        Value::Object(out.0)
    }

    fn source(&self, out: &mut Object, service: &Service) {
        out.text("image", service.image.as_ref());
        out.set(
            "build",
            service.build.as_ref().map(|build| elements::build(build, |path| self.path(path))).unwrap_or_default(),
        );
        out.text("platform", service.platform.as_ref());
        out.set(
            "pull_policy",
            match service.pull_policy {
                None => Value::Null,
                Some(PullPolicy::Missing) => json!("missing"),
                Some(PullPolicy::Never) => json!("never"),
                Some(PullPolicy::Always) => json!("always"),
                Some(PullPolicy::Build) => json!("build"),
            },
        );
    }

    fn attachments(&self, out: &mut Object, service: &Service) {
        out.set("ports", service.ports.iter().map(port).collect());
        out.set("expose", service.expose.iter().map(|port| json!(port.to_string())).collect());
        let tmpfs = service
            .tmpfs
            .iter()
            .map(|(path, options)| json!(if options.is_empty() { path.clone() } else { format!("{path}:{options}") }));
        out.set("tmpfs", tmpfs.collect());
        out.set("volumes", service.volumes.iter().map(|mount| self.mount(mount)).collect());
        for (key, references) in [("secrets", &service.secrets), ("configs", &service.configs)] {
            let references = references.iter().map(|reference| {
                let mut out = Object::default();
                out.set("source", json!(reference.source));
                // Only secrets have a place that Compose writes out.
                let place = (key == "secrets").then(|| format!("/run/secrets/{}", reference.source));
                out.text("target", reference.target.as_ref().or(place.as_ref()));
                out.set("mode", json!(reference.mode));
                Value::Object(out.0)
            });
            out.set(key, references.collect());
        }
        out.text("network_mode", service.network_mode.as_ref());
        if service.network_mode.is_none() && service.run.is_none() {
            out.set("networks", networks(service));
        }
        let links = |links: &[(String, String)]| -> Value {
            let one = |(name, alias): &(String, String)| {
                json!(if name == alias { name.clone() } else { format!("{name}:{alias}") })
            };
            links.iter().map(one).collect()
        };
        out.set("links", links(&service.links));
        out.set("external_links", links(&service.external_links));
        out.set("extra_hosts", hosts(&service.extra_hosts));
    }

    fn mount(&self, mount: &Mount) -> Value {
        let mut out = Object::default();
        let mut details = Object::default();
        details.text("propagation", mount.options.propagation.as_ref());
        details.text("selinux", mount.options.selinux.as_ref());
        match &mount.source {
            MountSource::Bind(path) => {
                out.set("type", json!("bind"));
                out.set("source", self.path(path));
                details.truth("create_host_path", Some(mount.options.create_host_path));
                out.set("bind", Value::Object(details.0));
            }
            MountSource::Volume(name) => {
                out.set("type", json!("volume"));
                out.set("source", json!(name));
                details.truth("nocopy", Some(mount.options.no_copy));
                out.set("volume", Value::Object(details.0));
            }
            MountSource::Anonymous => out.set("type", json!("volume")),
        }
        out.set("target", json!(mount.target));
        out.truth("read_only", Some(mount.read_only));
        Value::Object(out.0)
    }

    fn networks(&self) -> Value {
        let mut used: BTreeMap<&str, ()> = BTreeMap::new();
        for service in self.manifest.services.values().filter(|service| self.is_on(service)) {
            used.extend(service.networks.iter().map(|name| (name.as_str(), ())));
            if service.networks.is_empty() && service.network_mode.is_none() && service.run.is_none() {
                used.insert("default", ());
            }
        }
        let written = used.into_keys().map(|key| {
            let network = self.manifest.networks.get(key).cloned().unwrap_or_default();
            let mut out = Object::default();
            let name = network.name.unwrap_or(if network.external { key.to_owned() } else { self.ours(key) });
            out.set("name", json!(name));
            out.truth("external", Some(network.external));
            out.truth("internal", Some(network.internal));
            out.truth("attachable", Some(network.attachable));
            out.truth("enable_ipv6", Some(network.ipv6));
            out.text("driver", network.driver.as_ref());
            out.set("driver_opts", json!(network.driver_opts));
            out.set("labels", json!(network.labels));
            out.set("ipam", elements::ipam(&network.ipam));
            (key.to_owned(), Value::Object(out.0))
        });
        Value::Object(written.collect())
    }

    fn volumes(&self) -> Value {
        let written = self.manifest.volumes.iter().map(|(key, volume)| {
            let mut out = Object::default();
            let ours = if volume.external { key.clone() } else { self.ours(key) };
            out.set("name", json!(volume.name.clone().unwrap_or(ours)));
            out.truth("external", Some(volume.external));
            out.text("driver", volume.driver.as_ref());
            out.set("driver_opts", json!(volume.driver_opts));
            out.set("labels", json!(volume.labels));
            (key.clone(), Value::Object(out.0))
        });
        Value::Object(written.collect())
    }

    fn secrets(&self, composed: &Value) -> Value {
        let written = self.manifest.secrets.iter().map(|(key, source)| {
            let value = match source {
                SecretSource::File(path) => json!({ "name": self.ours(key), "file": self.path(path) }),
                SecretSource::Environment(variable) => json!({ "name": self.ours(key), "environment": variable }),
                SecretSource::Generate | SecretSource::Client(_) | SecretSource::Iam(_) => {
                    composed.get("secrets").and_then(|secrets| secrets.get(key)).cloned().unwrap_or_default()
                }
            };
            (key.clone(), value)
        });
        Value::Object(written.collect())
    }

    fn configs(&self) -> Value {
        let written = self.manifest.configs.iter().map(|(key, source)| {
            let value = match source {
                ConfigSource::File(path) => json!({ "name": self.ours(key), "file": self.path(path) }),
                ConfigSource::Content(text) => json!({ "name": self.ours(key), "content": text }),
            };
            (key.clone(), value)
        });
        Value::Object(written.collect())
    }
}

fn process(out: &mut Object, service: &Service) {
    out.set("entrypoint", words(service.entrypoint.as_ref()));
    out.set("command", words(service.command.as_ref()));
    out.set("environment", json!(service.environment));
    out.set("labels", json!(service.labels));
    out.text("user", service.user.as_ref());
    out.text("working_dir", service.working_dir.as_ref());
    out.text("hostname", service.hostname.as_ref());
    out.text("container_name", service.container_name.as_ref());
    out.truth("tty", service.tty);
    out.truth("stdin_open", service.stdin_open);
    out.set("init", json!(service.init));
    out.set("profiles", json!(service.profiles));
}

fn words(command: Option<&Command>) -> Value {
    match command {
        None => Value::Null,
        Some(Command::Words(words)) => json!(words),
        Some(Command::Line(line)) => json!(shlex::split(line).unwrap_or_default()),
    }
}

fn lifecycle(out: &mut Object, service: &Service) {
    let conditions = service.depends_on.iter().map(|(name, condition)| {
        (
            name.clone(),
            json!({ "condition": elements::condition(*condition), "required": !service.optional.contains(name) }),
        )
    });
    out.set("depends_on", Value::Object(conditions.collect()));
    if let Some(health) = &service.healthcheck {
        let mut written = Object::default();
        if health.test.first().map(String::as_str) == Some("NONE") {
            written.truth("disable", Some(true));
        } else {
            written.set("test", json!(health.test));
        }
        for (key, value) in [
            ("interval", health.interval),
            ("timeout", health.timeout),
            ("start_period", health.start_period),
            ("start_interval", health.start_interval),
        ] {
            written.set(key, json!(value.map(shown)));
        }
        written.set("retries", json!(health.retries));
        out.set("healthcheck", Value::Object(written.0));
    }
    out.set("restart", service.restart.map(restart).unwrap_or_default());
    out.text("stop_signal", service.stop_signal.as_ref());
    out.set("stop_grace_period", json!(service.stop_grace_period.map(shown)));
}

fn limits(out: &mut Object, service: &Service) {
    out.set("cap_add", json!(service.cap_add));
    out.set("cap_drop", json!(service.cap_drop));
    out.set("security_opt", json!(service.security_opt));
    out.truth("read_only", service.read_only);
    out.truth("privileged", service.privileged);
    out.set("pids_limit", json!(service.pids_limit));
    out.set("mem_limit", json!(service.mem_limit.map(|bytes| bytes.to_string())));
    out.set("shm_size", json!(service.shm_size.map(|bytes| bytes.to_string())));
}

fn port(port: &Port) -> Value {
    let mut out = Object::default();
    out.set("mode", json!("ingress"));
    out.text("host_ip", port.host_ip.as_ref());
    out.set("target", json!(port.target));
    out.set("published", json!(port.published.map(|port| port.to_string())));
    out.set("protocol", json!(if port.protocol == Protocol::Udp { "udp" } else { "tcp" }));
    Value::Object(out.0)
}

/// A network without anything to say about it is null, as Compose writes it.
fn networks(service: &Service) -> Value {
    let default = ["default".to_owned()];
    let names: &[String] = if service.networks.is_empty() { &default } else { &service.networks };
    let written = names.iter().map(|name| {
        let value = service.attachments.get(name).map(attachment).unwrap_or_default();
        (name.clone(), value)
    });
    Value::Object(written.collect())
}

fn action(action: WatchAction) -> &'static str {
    match action {
        WatchAction::Rebuild => "rebuild",
        WatchAction::Sync => "sync",
        WatchAction::SyncAndRestart => "sync+restart",
        WatchAction::Restart => "restart",
    }
}
