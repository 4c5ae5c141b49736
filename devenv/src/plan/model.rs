//! What shall be: a stack resolved for one engine, one project directory and one set of secrets.
//!
//! Must not know Docker's API or processes; it is what engines read and reports print.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::manifest::{
    Attachment, Build, Condition, ContainerOptions, EngineName, Ipam, MountOptions, PullPolicy, Readiness, Restart,
};

/// A stack that can be compared with what runs.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whose stack it is.
    pub project: Project,
    /// The engine that it was resolved for.
    pub engine: EngineName,
    /// Services by name, built-in ones and relays included.
    pub services: BTreeMap<String, PlannedService>,
    /// Networks by the name that the manifest gives them.
    pub networks: BTreeMap<String, PlannedNetwork>,
    /// Named volumes by the name that the manifest gives them.
    pub volumes: BTreeMap<String, PlannedVolume>,
}

/// One project in one work tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its name, valid in container names.
    pub name: String,
    /// Eight hexadecimal digits of the hash of the absolute directory: tells work trees apart.
    pub instance: String,
    /// Directory of the manifest, absolute.
    pub directory: PathBuf,
    /// Directory for state, secrets and logs of this work tree, absolute.
    pub state: PathBuf,
}

impl Project {
    /// The name under which everything of this work tree is found: `orders-1a2b3c4d`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}-{}", self.name, self.instance)
    }
}

/// One service, ready to be run.
#[derive(Clone, Debug)]
pub struct PlannedService {
    /// Name in the stack.
    pub name: String,
    /// Whose it is.
    pub role: Role,
    /// What is run.
    pub source: Source,
    /// Replaces the image's entry point.
    pub entrypoint: Option<Vec<String>>,
    /// Arguments; for `Source::Process` the whole command.
    pub command: Vec<String>,
    /// Environment; never holds a secret.
    pub environment: BTreeMap<String, String>,
    /// Files that exist before the first instruction runs.
    pub files: Vec<DeliveredFile>,
    /// Ports on this machine. For processes: the ports they were told to listen on.
    pub ports: Vec<PublishedPort>,
    /// Volumes and bind mounts.
    pub mounts: Vec<PlannedMount>,
    /// Digests of mounted content that counts as configuration, by the path as it was written.
    pub mounted: BTreeMap<String, String>,
    /// In-memory file systems: path and options.
    pub tmpfs: BTreeMap<String, String>,
    /// How it is connected.
    pub network: ServiceNetwork,
    /// What must hold before it starts.
    pub depends_on: BTreeMap<String, Condition>,
    /// When it counts as ready; without it: when it runs.
    pub readiness: Option<Readiness>,
    /// When it is started again by itself.
    pub restart: Restart,
    /// How it is ended.
    pub stop: Stop,
    /// What it may not do.
    pub hardening: Hardening,
    /// Everything that only containers have.
    pub container: ContainerSettings,
    /// A hash of each field above: what changed is known by name.
    pub fingerprint: Fingerprint,
}

impl PlannedService {
    /// Whether it runs as a process of this machine rather than in a container.
    #[must_use]
    pub fn on_host(&self) -> bool {
        matches!(self.source, Source::Executable { .. } | Source::Process)
    }
}

/// Whose service it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// The provider or the IAM.
    BuiltIn,
    /// The team's.
    User,
    /// Forwards the issuer's port inside the network namespace of another service.
    Relay {
        /// That service.
        of: String,
    },
}

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A container of an image.
    Image {
        /// Reference as written.
        reference: String,
        /// When to pull.
        pull: PullPolicy,
    },
    /// A container of an image made here from a Dockerfile.
    Built(Box<BuiltImage>),
    /// A container of an image made here from one executable and the shared objects it needs. `entrypoint` is `/<file name>` of it.
    Packaged {
        /// The executable.
        executable: Artifact,
    },
    /// That executable as a process of this machine.
    Executable {
        /// The executable.
        executable: Artifact,
    },
    /// `command` as a process of this machine.
    Process,
}

/// An image and what it is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltImage {
    /// Its name; the tag is the hash of everything that it is made from, so that it is made once for each content.
    pub reference: String,
    /// Further names: `image:` and `build.tags`.
    pub names: Vec<String>,
    /// How it is made; its context is an absolute path.
    pub build: Build,
    /// Made anew each time: `pull_policy: build`.
    pub always: bool,
}

/// A file with its content's hash, so that a rebuilt program is a changed program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Absolute path.
    pub path: PathBuf,
    /// SHA-256 of the content in hexadecimal.
    pub digest: String,
}

impl Artifact {
    /// Stands for a program that was not built yet: it differs from every built one.
    #[must_use]
    pub fn unknown() -> Self {
        Self { path: PathBuf::new(), digest: "not built".into() }
    }
}

/// A file put in place before a service starts.
#[derive(Clone, PartialEq, Eq)]
pub struct DeliveredFile {
    /// Absolute path as the service sees it. For host services it lies within the project's state directory.
    pub path: String,
    /// Content; `Debug` never shows it.
    pub content: Vec<u8>,
    /// Permission bits; readable by the service's user and nobody else when 0400.
    pub mode: u32,
}

impl fmt::Debug for DeliveredFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes, {:o})", self.path, self.content.len(), self.mode)
    }
}

/// A port of this machine that leads to a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedPort {
    /// Address of this machine, `127.0.0.1` unless the file says otherwise.
    pub host_ip: String,
    /// Port of this machine; 0: any free one.
    pub host: u16,
    /// Port of the service.
    pub target: u16,
    /// UDP instead of TCP.
    pub udp: bool,
}

/// A mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedMount {
    /// What is mounted.
    pub source: PlannedMountSource,
    /// Where.
    pub target: String,
    /// Read only.
    pub read_only: bool,
    /// Details.
    pub options: MountOptions,
}

/// What a mount shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlannedMountSource {
    /// A volume of `Plan::volumes`, by its key there.
    Volume(String),
    /// An absolute path of this machine.
    Bind(PathBuf),
    /// A volume that lives and ends with the container.
    Anonymous,
}

/// How a service is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceNetwork {
    /// Networks of `Plan::networks` by key, the service's name is its alias in each.
    Networks(Vec<String>),
    /// The network namespace of another service.
    SharedWith(String),
    /// Docker's `host`, `none` or `bridge`.
    Mode(String),
    /// This machine's own.
    Host,
}

/// How a service is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Signal name, e.g. `SIGTERM`.
    pub signal: String,
    /// How long it may take before it is killed; 3 s unless the file says otherwise.
    pub grace: Duration,
}

/// What a container may not do. Defaults differ by role; the manifest can only be explicit about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hardening {
    /// `uid:gid` or a name.
    pub user: Option<String>,
    /// Root file system read only.
    pub read_only: bool,
    /// Capabilities dropped.
    pub cap_drop: Vec<String>,
    /// Capabilities added.
    pub cap_add: Vec<String>,
    /// Docker's `security_opt`, e.g. `no-new-privileges:true`.
    pub security_opt: Vec<String>,
    /// Most processes.
    pub pids_limit: Option<i64>,
    /// An init process reaps zombies and passes signals on.
    pub init: bool,
    /// Everything allowed.
    pub privileged: bool,
    /// Memory in bytes.
    pub memory: Option<u64>,
}

/// What only containers have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerSettings {
    /// Container name.
    pub name: String,
    /// Host name inside.
    pub hostname: Option<String>,
    /// Labels of the user.
    pub labels: BTreeMap<String, String>,
    /// Working directory.
    pub working_dir: Option<String>,
    /// `name:address` lines.
    pub extra_hosts: Vec<String>,
    /// A terminal.
    pub tty: bool,
    /// Standard input stays open.
    pub stdin_open: bool,
    /// `/dev/shm` in bytes.
    pub shm_size: Option<u64>,
    /// `os/arch`.
    pub platform: Option<String>,
    /// How it is known in networks of the plan, beside its name; by the network's key.
    pub attachments: BTreeMap<String, Attachment>,
    /// Containers that it knows under names of its own: `container:alias`.
    pub links: Vec<String>,
    /// Passed on to the engine as they are.
    pub options: ContainerOptions,
}

/// A network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannedNetwork {
    /// Name in the engine.
    pub name: String,
    /// Not ours to make or remove.
    pub external: bool,
    /// No way out.
    pub internal: bool,
    /// Driver.
    pub driver: Option<String>,
    /// Options of the driver.
    pub driver_opts: BTreeMap<String, String>,
    /// Other containers may join by hand.
    pub attachable: bool,
    /// IPv6 beside IPv4.
    pub ipv6: bool,
    /// Addresses.
    pub ipam: Ipam,
    /// Labels of the user.
    pub labels: BTreeMap<String, String>,
}

/// A named volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannedVolume {
    /// Name in the engine.
    pub name: String,
    /// Not ours to make or remove.
    pub external: bool,
    /// Driver.
    pub driver: Option<String>,
    /// Options of the driver.
    pub driver_opts: BTreeMap<String, String>,
    /// Labels of the user.
    pub labels: BTreeMap<String, String>,
}

/// A short hash for each field of a service, by field name. Equal fingerprints: nothing to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub BTreeMap<String, String>);

impl Fingerprint {
    /// Names of the fields in which two fingerprints differ, sorted.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let names: std::collections::BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        names.into_iter().filter(|name| self.0.get(*name) != other.0.get(*name)).cloned().collect()
    }
}
