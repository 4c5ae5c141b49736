//! What was written: `devenv.yaml` after interpolation, checked but not yet resolved for an engine.
//!
//! Must not know engines, ports in use, secrets or the machine. Strings may still hold `${DEVENV_…}` variables: they
//! depend on the engine and are resolved in `plan`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use super::options::{Attachment, ContainerOptions, Ipam};

/// A whole stack as its team wrote it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifest {
    /// `name:`; without it, the directory's name is used.
    pub name: Option<String>,
    /// `identity:` one cast for the IdP, the IAM and the tests.
    pub identity: Identity,
    /// `idp:` the mocked provider; absent: none runs.
    pub idp: Option<Idp>,
    /// `iam:` the emulated IAM; absent: none runs.
    pub iam: Option<Iam>,
    /// `services:` by name.
    pub services: BTreeMap<String, Service>,
    /// `secrets:` by name.
    pub secrets: BTreeMap<String, SecretSource>,
    /// `configs:` by name.
    pub configs: BTreeMap<String, ConfigSource>,
    /// `networks:` by name.
    pub networks: BTreeMap<String, Network>,
    /// `volumes:` by name.
    pub volumes: BTreeMap<String, Volume>,
    /// `tests:` path of the access rules, relative to the manifest.
    pub tests: Option<PathBuf>,
    /// Profiles that are on: not written in the file, chosen by the caller. `*` stands for all.
    pub active_profiles: BTreeSet<String>,
    /// How far the ports of this machine are from those that were written: of the work tree, not of the file.
    pub ports_moved_by: u16,
}

/// `identity:` who takes part.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    /// Tenant names.
    pub tenants: Vec<String>,
    /// Personas by user name.
    pub personas: BTreeMap<String, Persona>,
    /// OAuth clients by `client_id`.
    pub clients: BTreeMap<String, Client>,
}

/// A persona.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Persona {
    /// Its tenant, one of `tenants`.
    pub tenant: Option<String>,
    /// Its roles.
    pub roles: Vec<String>,
    /// Further attributes.
    pub attributes: BTreeMap<String, serde_json::Value>,
}

/// An OAuth client (RFC 6749 §2).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Client {
    /// `type: confidential` (true) or `public` (false).
    pub confidential: bool,
    /// Exact redirect URIs.
    pub redirect_uris: Vec<String>,
    /// `grants:`; default: `authorization_code` and `refresh_token` for clients with redirect URIs, `client_credentials` for confidential ones without.
    pub grants: Vec<String>,
    /// Scopes that it may ask for.
    pub scopes: Vec<String>,
    /// Further settings, under the provider's names.
    pub settings: serde_json::Map<String, serde_json::Value>,
}

/// `idp:` the provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Idp {
    /// Port of the issuer URL `http://localhost:PORT`; default 9400.
    pub port: u16,
    /// `access_token.format`: true for `opaque`, false for `jwt` (default).
    pub opaque: bool,
    /// `access_token.lifetime`, default 5 minutes.
    pub lifetime: Duration,
    /// `access_token.audience`.
    pub audience: Option<String>,
    /// Further settings, under the provider's names.
    pub settings: serde_json::Map<String, serde_json::Value>,
}

/// `iam:` directory and decisions.
#[derive(Clone, Debug, PartialEq)]
pub struct Iam {
    /// Port of `http://localhost:PORT`; default 9410.
    pub port: u16,
    /// Directory with `*.cedar` files and one `*.cedarschema`, relative to the manifest.
    pub policies: Option<PathBuf>,
    /// Whether edits there decide at once; default true. On Docker the directory is mounted for that.
    pub watch: bool,
    /// `OWNER/NAME` of the repository for which GitHub Actions' token endpoint speaks.
    pub github: Option<String>,
    /// AWS roles by name: the JSON file with the trust policy of each.
    pub aws_roles: BTreeMap<String, PathBuf>,
}

/// One service. Everything is optional here, because the same type holds the overrides for one engine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    /// `image:` a container image.
    pub image: Option<String>,
    /// `build:` an image built from a Dockerfile.
    pub build: Option<Build>,
    /// `binary:` the team's own compiled program.
    pub binary: Option<Binary>,
    /// `run:` a process of this machine.
    pub run: Option<Command>,
    /// `engines:` where it exists; absent: everywhere.
    pub engines: Option<Vec<EngineName>>,
    /// `command:`.
    pub command: Option<Command>,
    /// `entrypoint:`.
    pub entrypoint: Option<Command>,
    /// `environment:`; `None` passes the value of the host, as resolved at load.
    pub environment: BTreeMap<String, String>,
    /// `ports:`.
    pub ports: Vec<Port>,
    /// `expose:`.
    pub expose: Vec<u16>,
    /// `volumes:`.
    pub volumes: Vec<Mount>,
    /// `tmpfs:` path and options, e.g. (`/run`, `size=64m`).
    pub tmpfs: Vec<(String, String)>,
    /// `secrets:`.
    pub secrets: Vec<FileReference>,
    /// `configs:`.
    pub configs: Vec<FileReference>,
    /// `networks:` names; empty: the default network.
    pub networks: Vec<String>,
    /// How it is known in those networks that say something about it.
    pub attachments: BTreeMap<String, Attachment>,
    /// `links:` services and the names under which this one knows them.
    pub links: Vec<(String, String)>,
    /// `external_links:` containers that are not of this stack, likewise.
    pub external_links: Vec<(String, String)>,
    /// `network_mode:`.
    pub network_mode: Option<String>,
    /// `depends_on:`.
    pub depends_on: BTreeMap<String, Condition>,
    /// Those of them with `required: false`: they may be missing.
    pub optional: BTreeSet<String>,
    /// `ready:` or `healthcheck:`.
    pub ready: Option<Readiness>,
    /// `healthcheck:` as it was written, for those who run it as Compose does.
    pub healthcheck: Option<Healthcheck>,
    /// `restart:`.
    pub restart: Option<Restart>,
    /// `user:`.
    pub user: Option<String>,
    /// `working_dir:`.
    pub working_dir: Option<String>,
    /// `hostname:`.
    pub hostname: Option<String>,
    /// `container_name:`.
    pub container_name: Option<String>,
    /// `labels:`.
    pub labels: BTreeMap<String, String>,
    /// `cap_add:`.
    pub cap_add: Vec<String>,
    /// `cap_drop:`.
    pub cap_drop: Vec<String>,
    /// `security_opt:`.
    pub security_opt: Vec<String>,
    /// `extra_hosts:` as `name:address`.
    pub extra_hosts: Vec<String>,
    /// `read_only:`.
    pub read_only: Option<bool>,
    /// `privileged:`.
    pub privileged: Option<bool>,
    /// `init:`.
    pub init: Option<bool>,
    /// `tty:`.
    pub tty: Option<bool>,
    /// `stdin_open:`.
    pub stdin_open: Option<bool>,
    /// `pids_limit:`.
    pub pids_limit: Option<i64>,
    /// `mem_limit:` in bytes.
    pub mem_limit: Option<u64>,
    /// `shm_size:` in bytes.
    pub shm_size: Option<u64>,
    /// `stop_signal:`.
    pub stop_signal: Option<String>,
    /// `stop_grace_period:`.
    pub stop_grace_period: Option<Duration>,
    /// `pull_policy:`.
    pub pull_policy: Option<PullPolicy>,
    /// `platform:`.
    pub platform: Option<String>,
    /// `profiles:`; empty: always on.
    pub profiles: Vec<String>,
    /// What is passed on to the container engine as it is.
    pub options: ContainerOptions,
    /// `develop.watch:` what `devenv watch` does when a file changes.
    pub watch: Vec<WatchRule>,
    /// `docker:` overrides for the docker engine.
    pub docker: Option<Box<Service>>,
    /// `embedded:` overrides for the embedded engine.
    pub embedded: Option<Box<Service>>,
}

/// An engine by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EngineName {
    /// Containers.
    Docker,
    /// Processes.
    Embedded,
}

/// `build:`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    /// Context directory, relative to the manifest.
    pub context: PathBuf,
    /// Dockerfile within the context.
    pub dockerfile: Option<String>,
    /// `dockerfile_inline:` its text.
    pub dockerfile_inline: Option<String>,
    /// Build arguments.
    pub args: BTreeMap<String, String>,
    /// Target stage.
    pub target: Option<String>,
    /// `labels:` of the image.
    pub labels: BTreeMap<String, String>,
    /// `network:` of its `RUN` instructions.
    pub network: Option<String>,
    /// `extra_hosts:` as `name:address`.
    pub extra_hosts: Vec<String>,
    /// `shm_size:` in bytes.
    pub shm_size: Option<u64>,
    /// `tags:` further names of the image.
    pub tags: Vec<String>,
    /// `cache_from:`.
    pub cache_from: Vec<String>,
    /// `no_cache:`.
    pub no_cache: bool,
    /// `pull:` newer base images.
    pub pull: bool,
}

impl Build {
    /// The context as it was written, when it is a repository or an archive elsewhere instead of a directory.
    #[must_use]
    pub fn remote(&self) -> Option<&str> {
        let text = self.context.to_str()?;
        let elsewhere = ["http://", "https://", "git://", "ssh://", "git@", "github.com/"];
        elsewhere.iter().any(|start| text.starts_with(start)).then_some(text)
    }
}

/// An entry of `develop.watch:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchRule {
    /// What is watched, relative to the manifest.
    pub path: PathBuf,
    /// What is done.
    pub action: WatchAction,
    /// Where files go, for the actions that copy.
    pub target: Option<String>,
    /// Patterns that are not looked at.
    pub ignore: Vec<String>,
}

/// What a changed file leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchAction {
    /// A new image and a new container.
    Rebuild,
    /// The file is copied into the container.
    Sync,
    /// The same, and the container starts again.
    SyncAndRestart,
    /// The container starts again.
    Restart,
}

/// `binary:`: either `{ cargo: NAME, profile?: release }` or `{ path: FILE, build?: COMMAND }`.
#[derive(Clone, Debug, PartialEq)]
pub enum Binary {
    /// Built by `cargo build --profile PROFILE --bin NAME`; cargo says where the result is.
    Cargo {
        /// Binary target.
        bin: String,
        /// Cargo profile, default `release`.
        profile: String,
    },
    /// A file, after an optional build command.
    Path {
        /// Relative to the manifest.
        path: PathBuf,
        /// Command that makes it.
        build: Option<Command>,
    },
}

/// A command, in one of Compose's two forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A string, split as a shell splits words (Compose), no shell involved.
    Line(String),
    /// Words.
    Words(Vec<String>),
}

/// `ports:` one entry, ranges already expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Host address; absent: 127.0.0.1 (not all interfaces as in Compose).
    pub host_ip: Option<String>,
    /// Host port; absent: any free one.
    pub published: Option<u16>,
    /// Port of the container or process.
    pub target: u16,
    /// `tcp` or `udp`.
    pub protocol: Protocol,
}

/// Transport protocol of a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

/// `volumes:` of a service, one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted.
    pub source: MountSource,
    /// Where.
    pub target: String,
    /// `ro`.
    pub read_only: bool,
    /// Everything else about it.
    pub options: MountOptions,
}

/// Details of a mount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MountOptions {
    /// `bind.propagation`, e.g. `rshared`.
    pub propagation: Option<String>,
    /// `bind.create_host_path`: a missing directory is made, as the short form always does.
    pub create_host_path: bool,
    /// `volume.nocopy`: what the image has there is not copied into a new volume.
    pub no_copy: bool,
    /// `bind.selinux`: `z` (shared) or `Z` (private).
    pub selinux: Option<String>,
}

/// What a mount shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountSource {
    /// A volume of the top-level `volumes:`.
    Volume(String),
    /// A path of this machine, relative to the manifest.
    Bind(PathBuf),
    /// A volume without a name.
    Anonymous,
}

/// A service's use of a secret or config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReference {
    /// Name in the top-level section.
    pub source: String,
    /// File name or absolute path in the container; default: the name, under `/run/secrets` or `/run/configs`.
    pub target: Option<String>,
    /// File mode; default 0400 for secrets, 0444 for configs.
    pub mode: Option<u32>,
}

/// `depends_on:` conditions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// `service_started`.
    #[default]
    Started,
    /// `service_healthy`: its readiness test passed.
    Healthy,
    /// `service_completed_successfully`: it exited with 0.
    Completed,
}

/// When a service counts as ready.
#[derive(Clone, Debug, PartialEq)]
pub struct Readiness {
    /// The test.
    pub test: ReadinessTest,
    /// How long one attempt may take; default 2 s (`ready:`) or Compose's 30 s (`healthcheck:`).
    pub timeout: Duration,
    /// How long until it is given up; default 60 s; for `healthcheck:` start_period + interval × retries, at least 30 s.
    pub within: Duration,
}

/// `healthcheck:` as written; what it means here is in [`Readiness`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Healthcheck {
    /// The test, words of the long form; `["NONE"]` switches it off.
    pub test: Vec<String>,
    /// Between two tests.
    pub interval: Option<Duration>,
    /// Of one test.
    pub timeout: Option<Duration>,
    /// Before failures count.
    pub start_period: Option<Duration>,
    /// Between two tests while that lasts.
    pub start_interval: Option<Duration>,
    /// Failures until it is unhealthy.
    pub retries: Option<u32>,
}

/// A readiness test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadinessTest {
    /// `ready: { http: /health }` or `{ http: { path, port } }`: any 2xx; port defaults to the first of `ports`/`expose`.
    Http {
        /// Path.
        path: String,
        /// Port of the service.
        port: Option<u16>,
    },
    /// `ready: { tcp: 5432 }`: the port accepts.
    Tcp {
        /// Port of the service.
        port: u16,
    },
    /// `ready: { log: "text" }`: a line of its output holds the text.
    Log {
        /// The text.
        text: String,
    },
    /// `ready: { exec: [...] }`, `healthcheck: { test: ["CMD", …] }`: exits with 0.
    Exec {
        /// Words.
        words: Vec<String>,
    },
    /// `healthcheck: { test: "…" }` or `["CMD-SHELL", "…"]`: run by `/bin/sh -c`, exits with 0.
    Shell {
        /// Script.
        script: String,
    },
}

/// `restart:`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// `no`.
    #[default]
    No,
    /// `always`.
    Always,
    /// `on-failure[:N]`.
    OnFailure {
        /// Most attempts; 0: no limit.
        attempts: u32,
    },
    /// `unless-stopped`.
    UnlessStopped,
}

/// `pull_policy:`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PullPolicy {
    /// `missing` (default, also `if_not_present`).
    #[default]
    Missing,
    /// `never`.
    Never,
    /// `always`.
    Always,
    /// `build`: made anew each time, for services with `build:`.
    Build,
}

/// Where a secret's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// `file:` relative to the manifest.
    File(PathBuf),
    /// `environment:` a variable of the caller.
    Environment(String),
    /// `generate: true`: random, made once per stack.
    Generate,
    /// `client: NAME`: the secret of an OAuth client of `identity.clients`.
    Client(String),
    /// `iam: decide`: a bearer token for the IAM with these permissions (`decide`, `read_directory`, `write_directory`, `receive_events`, `github_token`, `control`; a word or a list).
    Iam(Vec<String>),
}

/// Where a config's content comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigSource {
    /// `file:` relative to the manifest.
    File(PathBuf),
    /// `content:` inline.
    Content(String),
}

/// `networks:` one entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// `internal: true`: no way out.
    pub internal: bool,
    /// `external: true`: exists already.
    pub external: bool,
    /// `name:`.
    pub name: Option<String>,
    /// `driver:`.
    pub driver: Option<String>,
    /// `driver_opts:`.
    pub driver_opts: BTreeMap<String, String>,
    /// `attachable: true`.
    pub attachable: bool,
    /// `enable_ipv6: true`.
    pub ipv6: bool,
    /// `ipam:`.
    pub ipam: Ipam,
    /// `labels:`.
    pub labels: BTreeMap<String, String>,
}

/// `volumes:` one entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// `external: true`: exists already.
    pub external: bool,
    /// `name:`.
    pub name: Option<String>,
    /// `driver:`.
    pub driver: Option<String>,
    /// `driver_opts:`.
    pub driver_opts: BTreeMap<String, String>,
    /// `labels:`.
    pub labels: BTreeMap<String, String>,
}

impl std::fmt::Display for EngineName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Docker => "docker",
            Self::Embedded => "embedded",
        })
    }
}
