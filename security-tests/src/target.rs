//! What is tested: one plain value, made by whoever calls. Must not know any file format or how a stack is run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value};

use crate::access::AccessRules;
use crate::api::Api;
use crate::base::Base;
use crate::lock::AccessLock;
use crate::oracle::Decider;
use crate::plan::{Part, Struck};
use crate::secret::Secret;
use crate::tokens::words::Project;

/// An API with all that is needed to attack it.
#[derive(Clone)]
pub struct Target {
    /// Name of the service, for reports and for the resource of functions without an object.
    pub name: String,
    /// Where it answers, e.g. `http://127.0.0.1:8080`, without trailing slash.
    pub base_url: String,
    /// Its operations.
    pub api: Api,
    /// Who may do what.
    pub access: AccessRules,
    /// Who takes part, by name.
    pub personas: BTreeMap<String, Persona>,
    /// The provider whose tokens the API accepts; without it `token` and `session` cannot run and say so.
    pub provider: Option<Provider>,
    /// The directory that the API obeys; without it directory changes cannot be tested and the layer says so.
    pub directory: Option<Directory>,
    /// The access matrix as it was recorded and reviewed; without it nothing is compared.
    pub lock: Option<AccessLock>,
    /// The project at an earlier revision; without it nothing is compared.
    pub base: Option<Base>,
    /// The policies, evaluated in-process; without them the `policy` layer says that it did not run.
    pub decider: Option<Arc<dyn Decider>>,
    /// Words that may be the signing key: more names of the project, and texts of its files. Never shown.
    pub words: Project,
    /// What can be ordered of the emulated provider and IAM that no standard protocol has a word for.
    pub controls: Controls,
}

/// Somebody who takes part in the tests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Persona {
    /// Tenant, when there are tenants.
    pub tenant: Option<String>,
    /// Roles at the start of the run.
    pub roles: Vec<String>,
    /// The account that the persona has already, for APIs with a login of their own. Others get one by registration.
    pub account: Option<Account>,
}

/// An account that is there before the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Its name.
    pub username: String,
    /// Its address, when the API asks for one.
    pub email: Option<String>,
    /// Its password; without one nobody can log in, and it can only be a victim.
    pub password: Option<Secret>,
}

impl Persona {
    /// Whether somebody can act as this persona.
    #[must_use]
    pub fn can_act(&self) -> bool {
        self.account.as_ref().is_none_or(|account| account.password.is_some())
    }
}

impl Target {
    /// The personas that can act: a victim without a password cannot.
    pub fn actors(&self) -> impl Iterator<Item = &String> {
        self.personas.iter().filter(|(_, persona)| persona.can_act()).map(|(name, _)| name)
    }

    /// One of them by name.
    #[must_use]
    pub fn actor(&self, name: &str) -> Option<&String> {
        self.personas.get_key_value(name).filter(|(_, persona)| persona.can_act()).map(|(name, _)| name)
    }

    /// Whether tokens can be had at all, from a provider or from the API's own login.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        self.provider.is_some() || self.access.login.is_some()
    }
}

/// The mocked provider: protocol at `issuer`, minting through its control API (see `docs/wire.md`).
#[derive(Clone, Debug)]
pub struct Provider {
    /// Issuer URL; metadata is discovered from it.
    pub issuer: String,
    /// Bearer token of the control API.
    pub control_token: Secret,
    /// Audience of tokens for this API.
    pub audience: Option<String>,
    /// The clients that are registered there, by `client_id`; without any, `flow` has nothing to do and says so.
    pub clients: BTreeMap<String, Client>,
}

/// A registered OAuth client (RFC 6749 §2), with what the tests need to act as it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Client {
    /// Its secret; a public client has none (§2.1).
    pub secret: Option<Secret>,
    /// The one way in which it sends the secret; without it, either will do (§2.3.1).
    pub secret_method: Option<SecretMethod>,
    /// Where it may be answered, as registered.
    pub redirect_uris: Vec<String>,
    /// What it may use; kinds of grants that the tests do not know are left out.
    pub grants: Vec<GrantType>,
    /// What it may ask for.
    pub scopes: Vec<String>,
    /// Whether its authorization requests must be pushed (RFC 9126 §6).
    pub must_push: bool,
    /// Why the tests cannot log somebody in with it, such as a request that only the client can sign.
    pub no_login: Option<String>,
    /// Why the tests cannot act as this client at all, such as a private key that they do not have.
    pub no_proof: Option<String>,
}

/// How a client sends its secret (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretMethod {
    /// `client_secret_basic`: in the `Authorization` header.
    Basic,
    /// `client_secret_post`: in the body.
    Post,
}

/// A kind of grant (RFC 6749 §1.3, RFC 8628).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GrantType {
    /// The authorization code.
    AuthorizationCode,
    /// Refresh tokens.
    RefreshToken,
    /// The client's own.
    ClientCredentials,
    /// A device without a browser.
    DeviceCode,
}

impl GrantType {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::AuthorizationCode, Self::RefreshToken, Self::ClientCredentials, Self::DeviceCode];

    /// The value of `grant_type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
        }
    }

    /// Its name in ids of cases.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "code",
            Self::RefreshToken => "refresh",
            Self::ClientCredentials => "client-credentials",
            Self::DeviceCode => "device",
        }
    }

    /// Its name in a few words.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "code",
            Self::RefreshToken => "refresh",
            Self::ClientCredentials => "client credentials",
            Self::DeviceCode => "device",
        }
    }
}

/// The emulated directory.
#[derive(Clone, Debug)]
pub struct Directory {
    /// SCIM base URL, ending in `/scim/v2`.
    pub scim_url: String,
    /// Bearer token that may read and write users.
    pub token: Secret,
}

/// The control interfaces of the emulated provider and IAM: faults, keys, policies, circumstances, events. Tokens are
/// those of [`Provider`] and [`Directory`].
#[derive(Clone, Debug, Default)]
pub struct Controls {
    /// Whether the provider takes orders beyond tokens and sessions: faults and keys.
    pub provider: bool,
    /// Whether access tokens are signed (RFC 9068). A reference (RFC 7662) outlives every key.
    pub signed_tokens: bool,
    /// The client that refresh tokens are for; without one refreshing is not tried.
    pub refresh_client: Option<String>,
    /// Base URL of the IAM, e.g. `http://localhost:9410`.
    pub iam: Option<String>,
    /// What is changed just now and how it is taken back: whoever ends a run early can still put the world back.
    pub undo: Arc<Mutex<Undo>>,
}

/// How what is changed just now is taken back. Empty when the world is as it was found.
#[derive(Debug, Default)]
pub struct Undo {
    /// The tenants of users that were moved.
    pub(crate) tenants: BTreeMap<String, Option<String>>,
    /// Users that were added.
    pub(crate) users: BTreeSet<String>,
    /// The policies are not those of the files.
    pub(crate) policies: bool,
    /// The circumstances as they were.
    pub(crate) circumstances: Option<Map<String, Value>>,
    /// Faults in force, by their number.
    pub(crate) faults: BTreeMap<(Part, Struck), Vec<u64>>,
    /// Signing keys that were added, oldest first.
    pub(crate) keys: Vec<String>,
}
