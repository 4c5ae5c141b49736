//! One service of the manifest to one planned service.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::manifest::{
    Build, Command, Condition, ConfigSource, EngineName, FileReference, Manifest, MountSource, Port, Protocol,
    PullPolicy, Service,
};
use crate::plan::context::{Context, SecretPlace, secret_place};
use crate::plan::ports::{moved, readiness_on_host};
use crate::plan::resolve::{DEFAULT_NETWORK, ResolveError};
use crate::plan::variables::{Variables, expand, upper};
use crate::plan::{
    Artifact, BuiltImage, ContainerSettings, DeliveredFile, Fingerprint, Hardening, PlannedMount, PlannedMountSource,
    PlannedService, Project, PublishedPort, Role, ServiceNetwork, Source, Stop, hardened,
};

/// Where containers find their data directory.
const CONTAINER_DATA: &str = "/data";
/// How long a service may take to end unless the file says otherwise.
pub(super) const GRACE: Duration = Duration::from_secs(3);

/// A service of the manifest with all that it is planned from.
pub(super) struct UserService<'a> {
    pub(super) name: &'a str,
    pub(super) service: &'a Service,
    pub(super) manifest: &'a Manifest,
    pub(super) context: &'a Context,
    pub(super) all: &'a BTreeMap<String, Service>,
}

impl UserService<'_> {
    pub(super) fn plan(&self, errors: &mut Vec<ResolveError>) -> PlannedService {
        let source = self.source(errors);
        let on_host = matches!(source, Source::Executable { .. } | Source::Process);
        let files = self.files(on_host);
        let variables = self.variables(on_host, &files);
        let mut text = |text: &str| {
            let (text, unknown) = expand(text, &variables);
            let service = self.name.to_owned();
            errors.extend(
                unknown
                    .into_iter()
                    .map(|variable| ResolveError::UnknownVariable { service: service.clone(), variable }),
            );
            text
        };
        let environment: BTreeMap<String, String> =
            self.service.environment.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        let written = if source == Source::Process { self.service.run.as_ref() } else { self.service.command.as_ref() };
        let command = self.words(written, &variables, errors).unwrap_or_default();
        let entrypoint = self.words(self.service.entrypoint.as_ref(), &variables, errors);
        PlannedService {
            name: self.name.into(),
            role: Role::User,
            entrypoint,
            command,
            environment,
            files: files.into_iter().map(|(_, file)| file).collect(),
            ports: self
                .service
                .ports
                .iter()
                .map(|port| published(port, on_host, self.manifest.ports_moved_by))
                .collect(),
            mounts: self.mounts(),
            mounted: self.mounted(),
            tmpfs: self.tmpfs(&source),
            network: self.network(on_host),
            depends_on: self.dependencies(),
            readiness: if on_host {
                readiness_on_host(self.service, self.manifest.ports_moved_by)
            } else {
                self.service.ready.clone()
            },
            restart: self.service.restart.unwrap_or_default(),
            stop: Stop {
                signal: self.service.stop_signal.clone().unwrap_or_else(|| "SIGTERM".into()),
                grace: self.service.stop_grace_period.unwrap_or(GRACE),
            },
            hardening: self.hardening(&source),
            container: self.container(),
            fingerprint: Fingerprint::default(),
            source,
        }
    }

    fn source(&self, errors: &mut Vec<ResolveError>) -> Source {
        let embedded = self.context.engine == EngineName::Embedded;
        let wrong = |key| ResolveError::WrongEngine { service: self.name.into(), key, engine: "embedded" };
        if self.service.binary.is_some() {
            let executable = self.context.artifacts.get(self.name).cloned().unwrap_or_else(Artifact::unknown);
            return if embedded { Source::Executable { executable } } else { Source::Packaged { executable } };
        }
        if let Some(build) = &self.service.build {
            if embedded {
                errors.push(wrong("build"));
            }
            return Source::Built(Box::new(self.built_image(build)));
        }
        if let Some(reference) = &self.service.image {
            if embedded {
                errors.push(wrong("image"));
            }
            let pull = self.service.pull_policy.unwrap_or_default();
            return Source::Image { reference: reference.clone(), pull };
        }
        Source::Process
    }

    /// The tag is the content: what is built already is not built again, and what changed is a changed service.
    fn built_image(&self, build: &Build) -> BuiltImage {
        let digest = self.context.builds.get(self.name).map_or("unknown", String::as_str);
        let tag: String = digest.chars().take(16).collect();
        let id = self.context.project.id();
        let context = match build.remote() {
            Some(_) => build.context.clone(),
            None => absolute(&self.context.project.directory, &build.context),
        };
        BuiltImage {
            reference: format!("devenv/{id}-{}:{tag}", self.name.to_lowercase()),
            names: self.service.image.iter().chain(&build.tags).cloned().collect(),
            build: Build { context, ..build.clone() },
            always: self.service.pull_policy == Some(PullPolicy::Build),
        }
    }

    /// Those with `required: false` count only when they are there. Whose namespaces or volumes it uses, it depends on.
    fn dependencies(&self) -> BTreeMap<String, Condition> {
        let mut all = self.service.depends_on.clone();
        all.retain(|name, _| self.all.contains_key(name) || !self.service.optional.contains(name));
        let options = &self.service.options;
        let namespaces = [&options.ipc, &options.pid].into_iter().flatten();
        let shared = namespaces.filter_map(|mode| mode.strip_prefix("service:"));
        let volumes = options.volumes_from.iter().map(|from| from.split(':').next().unwrap_or_default());
        for name in shared.chain(volumes).filter(|name| self.all.contains_key(*name)) {
            all.entry(name.to_owned()).or_insert(Condition::Started);
        }
        all
    }

    /// `container:alias`, as the engine wants them.
    fn links(&self) -> Vec<String> {
        let id = self.context.project.id();
        let container = |service: &String| {
            let named = self.all.get(service).and_then(|service| service.container_name.clone());
            named.unwrap_or_else(|| format!("{id}-{service}"))
        };
        let own = self.service.links.iter().map(|(service, alias)| format!("{}:{alias}", container(service)));
        let external = self.service.external_links.iter().map(|(name, alias)| format!("{name}:{alias}"));
        own.chain(external).collect()
    }

    /// Secrets and configs with the reference each came from.
    fn files(&self, on_host: bool) -> Vec<(Option<String>, DeliveredFile)> {
        let secrets = self.service.secrets.iter().map(|reference| {
            let content =
                self.manifest.secrets.get(&reference.source).map(|source| self.secret(&reference.source, source));
            let path = self.file_path(reference, "secrets", on_host);
            let mode = reference.mode.unwrap_or(0o400);
            (Some(reference.source.clone()), DeliveredFile { path, content: content.unwrap_or_default(), mode })
        });
        let stack = stack_variables(self.manifest, self.context);
        let configs = self.service.configs.iter().map(|reference| {
            let content = match self.manifest.configs.get(&reference.source) {
                Some(ConfigSource::File(path)) => self.context.files.get(path).cloned().unwrap_or_default(),
                Some(ConfigSource::Content(text)) => expand(text, &stack).0.into_bytes(),
                None => vec![],
            };
            let path = self.file_path(reference, "configs", on_host);
            (None, DeliveredFile { path, content, mode: reference.mode.unwrap_or(0o444) })
        });
        secrets.chain(configs).collect()
    }

    fn secret(&self, name: &str, source: &crate::manifest::SecretSource) -> Vec<u8> {
        match secret_place(name, source) {
            SecretPlace::Key(key) => self.context.secrets.get(&key).as_bytes().to_vec(),
            SecretPlace::File(path) => self.context.files.get(&path).cloned().unwrap_or_default(),
        }
    }

    fn file_path(&self, reference: &FileReference, kind: &str, on_host: bool) -> String {
        let target = reference.target.as_deref().unwrap_or(&reference.source);
        let base = match (on_host, target.strip_prefix('/')) {
            (true, _) => format!("{}/files/{kind}", self.state_of_service()),
            (false, Some(_)) => return target.into(),
            (false, None) => format!("/run/{kind}"),
        };
        format!("{base}/{}", target.trim_start_matches('/'))
    }

    fn state_of_service(&self) -> String {
        self.context.project.state.join("services").join(self.name).display().to_string()
    }

    fn variables(&self, on_host: bool, files: &[(Option<String>, DeliveredFile)]) -> Variables {
        let mut variables = stack_variables(self.manifest, self.context);
        let data = if on_host {
            host_data_of(&self.context.project, self.name).display().to_string()
        } else {
            CONTAINER_DATA.into()
        };
        variables.insert("DEVENV_DATA".into(), data);
        for (secret, file) in files {
            if let Some(secret) = secret {
                variables.insert(format!("DEVENV_SECRET_{}", upper(secret)), file.path.clone());
            }
        }
        for (name, other) in self.all {
            let (host, port) = if on_host {
                let embedded = self.context.engine == EngineName::Embedded;
                let port = other
                    .ports
                    .first()
                    .map(|port| published(port, embedded || is_process(other), self.manifest.ports_moved_by).host);
                ("localhost", port)
            } else {
                let target = other.ports.first().map(|port| port.target).or_else(|| other.expose.first().copied());
                (name.as_str(), target)
            };
            if let Some(port) = port {
                variables.insert(format!("DEVENV_URL_{}", upper(name)), format!("http://{host}:{port}"));
                variables.insert(format!("DEVENV_PORT_{}", upper(name)), port.to_string());
            }
        }
        variables
    }

    fn words(
        &self,
        command: Option<&Command>,
        variables: &Variables,
        errors: &mut Vec<ResolveError>,
    ) -> Option<Vec<String>> {
        let words = match command? {
            Command::Words(words) => words.clone(),
            Command::Line(line) => shlex::split(line).unwrap_or_else(|| {
                errors.push(ResolveError::Quotes { service: self.name.into(), line: line.clone() });
                vec![]
            }),
        };
        Some(words.iter().map(|word| expand(word, variables).0).collect())
    }

    /// The digests of mounted content, by path as people write it.
    fn mounted(&self) -> BTreeMap<String, String> {
        let shown = |path: &Path| {
            let plain = path.is_relative() && !path.starts_with(".") && !path.starts_with("..");
            if plain { format!("./{}", path.display()) } else { path.display().to_string() }
        };
        let digest = |mount: &crate::manifest::Mount| match &mount.source {
            MountSource::Bind(path) => Some((shown(path), self.context.mounts.get(path)?.clone())),
            MountSource::Volume(_) | MountSource::Anonymous => None,
        };
        self.service.volumes.iter().filter_map(digest).collect()
    }

    fn mounts(&self) -> Vec<PlannedMount> {
        let planned = |mount: &crate::manifest::Mount| PlannedMount {
            source: match &mount.source {
                MountSource::Volume(name) => PlannedMountSource::Volume(name.clone()),
                MountSource::Bind(path) => PlannedMountSource::Bind(absolute(&self.context.project.directory, path)),
                MountSource::Anonymous => PlannedMountSource::Anonymous,
            },
            target: mount.target.clone(),
            read_only: mount.read_only,
            options: mount.options.clone(),
        };
        self.service.volumes.iter().map(planned).collect()
    }

    /// Packaged programs have a read-only root: `/tmp` and, when it is asked for, the data directory are in memory.
    fn tmpfs(&self, source: &Source) -> BTreeMap<String, String> {
        let mut tmpfs: BTreeMap<String, String> = self.service.tmpfs.iter().cloned().collect();
        if matches!(source, Source::Packaged { .. }) {
            tmpfs.entry("/tmp".into()).or_insert_with(|| "mode=1777".into());
            if self.service.environment.values().any(|value| value.contains("${DEVENV_DATA}")) {
                tmpfs.entry(CONTAINER_DATA.into()).or_insert_with(|| "uid=65532,gid=65532,mode=0700".into());
            }
        }
        tmpfs
    }

    fn network(&self, on_host: bool) -> ServiceNetwork {
        match &self.service.network_mode {
            _ if on_host => ServiceNetwork::Host,
            Some(mode) => match mode.strip_prefix("service:") {
                Some(owner) => ServiceNetwork::SharedWith(owner.into()),
                None => ServiceNetwork::Mode(mode.clone()),
            },
            None if self.service.networks.is_empty() => ServiceNetwork::Networks(vec![DEFAULT_NETWORK.into()]),
            None => ServiceNetwork::Networks(self.service.networks.clone()),
        }
    }

    /// The team's own compiled program runs with least privilege; images run as their file says.
    fn hardening(&self, source: &Source) -> Hardening {
        let base = if matches!(source, Source::Packaged { .. }) { hardened() } else { Hardening::default() };
        let or = |own: &[String], base: Vec<String>| if own.is_empty() { base } else { own.to_vec() };
        Hardening {
            user: self.service.user.clone().or(base.user),
            read_only: self.service.read_only.unwrap_or(base.read_only),
            cap_drop: or(&self.service.cap_drop, base.cap_drop),
            cap_add: self.service.cap_add.clone(),
            security_opt: or(&self.service.security_opt, base.security_opt),
            pids_limit: self.service.pids_limit.or(base.pids_limit),
            init: self.service.init.unwrap_or(base.init),
            privileged: self.service.privileged.unwrap_or(false),
            memory: self.service.mem_limit,
        }
    }

    fn container(&self) -> ContainerSettings {
        let id = self.context.project.id();
        ContainerSettings {
            name: self.service.container_name.clone().unwrap_or_else(|| format!("{id}-{}", self.name)),
            hostname: self.service.hostname.clone(),
            labels: self.service.labels.clone(),
            working_dir: self.service.working_dir.clone(),
            extra_hosts: self.service.extra_hosts.clone(),
            tty: self.service.tty.unwrap_or(false),
            stdin_open: self.service.stdin_open.unwrap_or(false),
            shm_size: self.service.shm_size,
            platform: self.service.platform.clone(),
            attachments: self.service.attachments.clone(),
            links: self.links(),
            options: self.service.options.clone(),
        }
    }
}

/// The directory on this machine in which a host service keeps its data.
#[must_use]
pub fn host_data_of(project: &Project, service: &str) -> PathBuf {
    project.state.join("data").join(service)
}

/// What every service may know of its stack.
fn stack_variables(manifest: &Manifest, context: &Context) -> Variables {
    let mut variables = Variables::from([("DEVENV_PROJECT".to_owned(), context.project.id())]);
    if let Some(idp) = &manifest.idp {
        variables.insert("DEVENV_ISSUER".into(), format!("http://localhost:{}", idp.port));
    }
    if let Some(iam) = &manifest.iam {
        variables.insert("DEVENV_AUTHZEN_URL".into(), format!("http://localhost:{}", iam.port));
        variables.insert("DEVENV_SCIM_URL".into(), format!("http://localhost:{}/scim/v2", iam.port));
    }
    variables
}

/// A process listens on the port itself: there is nothing in between that could map it.
fn published(port: &Port, on_host: bool, moved_by: u16) -> PublishedPort {
    let target = if on_host { moved(port.target, moved_by) } else { port.target };
    PublishedPort {
        host_ip: port.host_ip.clone().unwrap_or_else(|| "127.0.0.1".into()),
        host: if on_host { target } else { port.published.unwrap_or(0) },
        target,
        udp: port.protocol == Protocol::Udp,
    }
}

/// Neither in a container of its own nor in one of somebody else's making.
fn is_process(service: &Service) -> bool {
    service.run.is_some()
}

fn absolute(directory: &Path, path: &Path) -> PathBuf {
    crate::manifest::normalized(&directory.join(path))
}
