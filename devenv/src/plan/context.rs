//! What the machine contributes to a plan, gathered by the caller; and what the caller has to gather.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use crate::manifest::{Binary, Build, ConfigSource, EngineName, Manifest, MountSource, SecretSource};
use crate::plan::overrides::effective_services;
use crate::plan::{Artifact, Project};

/// The world as far as a plan depends on it.
#[derive(Clone, Debug)]
pub struct Context {
    /// The engine to resolve for.
    pub engine: EngineName,
    /// The project.
    pub project: Project,
    /// This program, from which built-in services are run.
    pub executable: Artifact,
    /// Results of `binary:`, by service.
    pub artifacts: BTreeMap<String, Artifact>,
    /// SHA-256 of everything that an image is built from, in hexadecimal, by service.
    pub builds: BTreeMap<String, String>,
    /// Digests of what counts in [`Requirements::mounts`], by the path as written.
    pub mounts: BTreeMap<PathBuf, String>,
    /// Values for everything in [`Requirements::secrets`].
    pub secrets: Secrets,
    /// Contents for everything in [`Requirements::files`], by the path as written.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    /// Whether the engine sees the files of this machine: a remote one does not, so nothing is mounted unasked.
    pub shares_files: bool,
    /// Policies and schema read from `iam.policies`.
    pub policies: mock_iam::config::Policies,
}

/// Secret values by key. `Debug` shows the keys only.
#[derive(Clone, Default)]
pub struct Secrets(pub BTreeMap<SecretKey, String>);

impl Secrets {
    /// The value for a key; empty when the caller did not gather it, which [`Requirements`] rules out.
    #[must_use]
    pub fn get(&self, key: &SecretKey) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Which secret. The text form is its file name in the state directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretKey {
    /// The provider's signing key (PKCS#8 PEM).
    SigningKey,
    /// Bearer token of the provider's control API.
    IdpControl,
    /// Bearer token of the IAM with every permission, for this program.
    IamControl,
    /// Bearer token with which the provider reads the directory.
    IamDirectory,
    /// Salt of fingerprints, so that labels tell nothing about contents.
    Salt,
    /// The secret of an OAuth client.
    Client(String),
    /// A secret of the manifest's `secrets:` that is generated (also IAM tokens).
    Generated(String),
    /// A secret of the manifest's `secrets:` that comes from a variable of the caller.
    Environment(String),
}

impl SecretKey {
    /// File name in the state directory.
    #[must_use]
    pub fn file_name(&self) -> String {
        match self {
            Self::SigningKey => "signing-key".into(),
            Self::IdpControl => "idp-control".into(),
            Self::IamControl => "iam-control".into(),
            Self::IamDirectory => "iam-directory".into(),
            Self::Salt => "salt".into(),
            Self::Client(name) => format!("client.{name}"),
            Self::Generated(name) => format!("secret.{name}"),
            Self::Environment(name) => format!("environment.{name}"),
        }
    }
}

/// What must be gathered before [`resolve`](crate::plan::resolve) can be called.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requirements {
    /// Secrets, made when they are not there yet.
    pub secrets: BTreeSet<SecretKey>,
    /// Files to read, as written in the manifest.
    pub files: BTreeSet<PathBuf>,
    /// Directory of policies.
    pub policies: Option<PathBuf>,
    /// Programs to build or find, by service.
    pub binaries: BTreeMap<String, Binary>,
    /// Images to build, by service; their contexts are relative to the manifest.
    pub builds: BTreeMap<String, Build>,
    /// Bind mounts whose content may count, as written, and whether nobody can write to them.
    pub mounts: BTreeMap<PathBuf, bool>,
}

/// Looks through a manifest for what one engine needs of the world.
#[must_use]
pub fn requirements(manifest: &Manifest, engine: EngineName) -> Requirements {
    let mut required = Requirements {
        secrets: [SecretKey::Salt].into(),
        policies: manifest.iam.as_ref().and_then(|iam| iam.policies.clone()),
        ..Requirements::default()
    };
    if manifest.idp.is_some() {
        required.secrets.extend([SecretKey::SigningKey, SecretKey::IdpControl]);
        let confidential = manifest.identity.clients.iter().filter(|(_, client)| client.confidential);
        required.secrets.extend(confidential.map(|(name, _)| SecretKey::Client(name.clone())));
    }
    if manifest.iam.is_some() {
        required.secrets.extend([SecretKey::IamControl, SecretKey::IamDirectory]);
    }
    required.files.extend(manifest.iam.iter().flat_map(|iam| iam.aws_roles.values().cloned()));
    for (name, source) in &manifest.secrets {
        match secret_place(name, source) {
            SecretPlace::Key(key) => drop(required.secrets.insert(key)),
            SecretPlace::File(path) => drop(required.files.insert(path)),
        }
    }
    required.files.extend(manifest.configs.values().filter_map(|config| match config {
        ConfigSource::File(path) => Some(path.clone()),
        ConfigSource::Content(_) => None,
    }));
    for (name, service) in effective_services(manifest, engine) {
        for mount in &service.volumes {
            if let MountSource::Bind(path) = &mount.source {
                let read_only = required.mounts.entry(path.clone()).or_insert(true);
                *read_only &= mount.read_only;
            }
        }
        if let Some(binary) = service.binary {
            required.binaries.insert(name, binary);
        } else if let Some(build) = service.build.filter(|_| engine == EngineName::Docker) {
            required.builds.insert(name, build);
        }
    }
    required
}

/// Where the value of a secret is found.
pub(super) enum SecretPlace {
    Key(SecretKey),
    File(PathBuf),
}

pub(super) fn secret_place(name: &str, source: &SecretSource) -> SecretPlace {
    match source {
        SecretSource::File(path) => SecretPlace::File(path.clone()),
        SecretSource::Environment(variable) => SecretPlace::Key(SecretKey::Environment(variable.clone())),
        SecretSource::Generate | SecretSource::Iam(_) => SecretPlace::Key(SecretKey::Generated(name.into())),
        SecretSource::Client(client) => SecretPlace::Key(SecretKey::Client(client.clone())),
    }
}
