//! What an IAM is made from: one plain value, policies included as text.
//!
//! Must not know where the value came from nor how the server is started.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::directory::Name;
use crate::secret::Secret;

/// Everything that the IAM needs to answer its first request. A secret file when written down: it carries bearer tokens.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The public base URL of this server, for discovery documents and `Location` headers, e.g. `http://localhost:9410`.
    /// The program of its own takes its port on this machine when there is none.
    #[serde(default)]
    pub base_url: String,
    /// Tenants, each an entity `Tenant::"name"`.
    #[serde(default)]
    pub tenants: Vec<String>,
    /// The seed of the directory, by user name, which is the SCIM `id` and the Cedar entity id as well.
    #[serde(default)]
    pub personas: BTreeMap<String, Persona>,
    /// Policies and their schema.
    #[serde(default)]
    pub policies: Policies,
    /// Where the policies are, to be watched: an edit there decides without a restart. Without `policies` they are read
    /// there at the start, too.
    #[serde(default)]
    pub policy_directory: Option<PolicyDirectory>,
    /// Who may call, by name.
    #[serde(default)]
    pub callers: BTreeMap<String, Caller>,
    /// AWS roles that can be assumed with tokens of an OpenID provider; without it nobody can assume any.
    #[serde(default)]
    pub sts: Sts,
    /// The workflow that GitHub Actions' token endpoint speaks for; without it, there is none.
    #[serde(default)]
    pub github: Option<Github>,
    /// Issuer of the tokens that people have, so that security events name them as `iss` and `sub`.
    #[serde(default)]
    pub subject_issuer: Option<String>,
    /// Where each decision is appended as one JSON line; without it, decisions go to the log stream only.
    #[serde(default)]
    pub decision_log: Option<std::path::PathBuf>,
    /// When a new file of the decision log is begun, and how many old ones are kept.
    #[serde(default)]
    pub decision_log_rotation: Rotation,
    /// Resources that the IAM knows: it decides on what it knows of them, whatever callers say.
    #[serde(default)]
    pub resources: Vec<SeedResource>,
    /// Entity types of policies by the types that callers say, e.g. `user: User`; others are taken as they are, and
    /// what is no identifier is spelled out as one.
    #[serde(default)]
    pub entity_types: BTreeMap<String, String>,
}

/// A workflow of GitHub Actions.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Github {
    /// `OWNER/NAME`.
    pub repository: String,
    /// What was pushed.
    #[serde(default = "main_branch", rename = "ref")]
    pub git_ref: String,
    /// The environment that the job names; it changes the subject.
    #[serde(default)]
    pub environment: Option<String>,
    /// Claims set over the usual ones.
    #[serde(default)]
    pub claims: serde_json::Map<String, serde_json::Value>,
}

fn main_branch() -> String {
    "refs/heads/main".to_owned()
}

/// Roles for `AssumeRoleWithWebIdentity`, with the providers whose tokens count.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sts {
    /// Identity providers of the account.
    #[serde(default)]
    pub providers: Vec<OidcProvider>,
    /// Roles by name: `arn:aws:iam::000000000000:role/NAME`.
    #[serde(default)]
    pub roles: BTreeMap<String, AwsRole>,
}

/// An OpenID provider that the account knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcProvider {
    /// Its issuer, exactly as in `iss`.
    pub issuer: String,
    /// Where its keys are; without it, its metadata says so.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// The audiences that tokens may have (AWS: client ids).
    pub client_ids: Vec<String>,
}

/// A role.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsRole {
    /// Its trust policy: AWS JSON as it is, or the text of it.
    pub trust_policy: serde_json::Value,
    /// The longest session, 3600 by default.
    #[serde(default = "an_hour")]
    pub max_session_seconds: u64,
}

fn an_hour() -> u64 {
    3600
}

/// Somebody in the seed of the directory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    /// Parent `Tenant::"…"` and attribute `tenant` of the user entity.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Parents `Role::"…"` of the user entity; SCIM groups of the same name.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Further attributes of the user entity.
    #[serde(default)]
    pub attributes: BTreeMap<String, serde_json::Value>,
}

/// A resource in the seed of the directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedResource {
    /// Entity type of the policies.
    #[serde(rename = "type")]
    pub kind: String,
    /// Identifier within the type.
    pub id: String,
    /// Attributes, as policies see them; a reference is `{type: …, id: …}`.
    #[serde(default)]
    pub attributes: BTreeMap<String, serde_json::Value>,
    /// What it belongs to, e.g. a folder.
    #[serde(default)]
    pub parents: Vec<Name>,
}

/// How long and how many files of the decision log are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rotation {
    /// The longest file, in bytes.
    pub bytes: u64,
    /// How many older files are kept beside it, as `FILE.1` (the youngest) and so on.
    pub files: u32,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { bytes: 64 << 20, files: 4 }
    }
}

/// A set of Cedar policies with the schema they are validated against.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    /// Cedar schema in its human-readable syntax; without it policies are not validated.
    #[serde(default)]
    pub schema: Option<SourceFile>,
    /// Policy files in Cedar syntax.
    #[serde(default)]
    pub files: Vec<SourceFile>,
}

/// A directory of `*.cedar` files and one `*.cedarschema`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDirectory {
    /// Its path as this process sees it.
    pub path: std::path::PathBuf,
    /// Its path as its owner knows it, for messages.
    pub name: String,
}

/// A text with the name that messages give it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// Path as its owner knows it.
    pub name: String,
    /// The whole text; a configuration file may leave it out and have the file of that name read.
    #[serde(default)]
    pub text: String,
}

/// A program that may call this server, known by its bearer token (RFC 6750).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// The bearer token.
    pub token: Secret,
    /// What the caller may do.
    pub may: Vec<Permission>,
    /// The user of the directory that the caller acts for: what SCIM's `/Me` is (RFC 7644 §3.11).
    #[serde(default)]
    pub user: Option<String>,
}

/// What a caller may do: least privilege, one word for each door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Ask for decisions (AuthZEN).
    Decide,
    /// Read the directory (SCIM GET).
    ReadDirectory,
    /// Change the directory (SCIM POST, PUT, PATCH, DELETE).
    WriteDirectory,
    /// Make event streams and receive security events (SSF).
    ReceiveEvents,
    /// Get tokens of GitHub Actions' provider, as a workflow run does.
    GithubToken,
    /// Reset, replace policies, read the decision log (`/control`).
    Control,
}
