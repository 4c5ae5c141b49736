//! Who may do what, as the team wrote it down. Plain values; must not know the file they came from.

mod lifecycle;

use std::collections::BTreeMap;

use crate::login::{Call, Login};
pub use lifecycle::{Archive, Circumstances, Lifecycle, Receiver, Sessions, StepUp};

/// The written answer to "who may do what". What is not allowed is denied.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccessRules {
    /// How the API is entered when no provider gives tokens for it.
    pub login: Option<Login>,
    /// What puts the API back to its start; runs before and after everything.
    pub reset: Option<Call>,
    /// Operations that the OpenAPI document hides.
    pub routes: Vec<Route>,
    /// Kinds of objects that rules speak of, by name.
    pub resources: BTreeMap<String, Resource>,
    /// Rules by `operationId` (for `routes`: `METHOD /path`).
    pub rules: BTreeMap<String, Rule>,
    /// Where expectations come from.
    pub oracle: OracleKind,
    /// Who tells the API that a session is over.
    pub session: Sessions,
    /// Known and accepted findings.
    pub waivers: Vec<Waiver>,
    /// Cases that failed once and must pass ever after.
    pub regressions: Vec<Regression>,
}

/// An operation that no document describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// HTTP method, upper case.
    pub method: String,
    /// Path template, e.g. `/debug/{id}`.
    pub path: String,
}

/// A kind of object: how to make one, how to know it, who may see what of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// How its owner makes one; nothing when it is the account itself, which registration makes.
    pub create: Option<Creation>,
    /// What identifies one.
    pub id: Identifier,
    /// The kind of object that it is inside of, when its path names that first.
    pub within: Option<String>,
    /// The operation that reads one, or a list that holds it: the effect probe.
    pub read: String,
    /// Fields that a client must not be able to set.
    pub server_owned: Vec<String>,
    /// Fields that somebody must not see.
    pub hidden: Hidden,
    /// How policies see it.
    pub entity: Entity,
    /// What becomes of it.
    pub lifecycle: Lifecycle,
}

/// What identifies an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identifier {
    /// The server's choice, in the answer to its creation, as `$.a.b`.
    Answered(String),
    /// The client's choice: a text with `${canary}` or `${persona.username}`.
    Sent(String),
}

/// Fields that somebody must not see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// From everybody but the owner.
    pub from_others: Vec<String>,
    /// From a role, by its name.
    pub from_role: BTreeMap<String, Vec<String>>,
}

/// How an owner makes an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Creation {
    /// `operationId`.
    pub operation: String,
    /// JSON body; `${canary}` becomes the unique marker of the object.
    pub json: serde_json::Value,
}

/// A resource as policies see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// Entity type, e.g. `Order`.
    pub kind: String,
    /// Attribute that holds the owner.
    pub owner: String,
    /// Attribute that holds the tenant.
    pub tenant: String,
}

/// Who may call one operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// The resource it works on, by name; the first path parameter is its identifier.
    pub on: Option<String>,
    /// Who may; nobody else.
    pub allow: Vec<Grant>,
    /// What a list may contain; without it, whatever the operation answers.
    pub only: Option<Scope>,
    /// It ends the object or more: runs after everything else, on objects made for it.
    pub destructive: bool,
    /// What the caller does to the object first, e.g. follow somebody before following ends.
    pub prepare: Option<String>,
    /// Body to send; without it, one is made from the OpenAPI schema. `${canary}` as above.
    pub json: Option<serde_json::Value>,
    /// What it asks of the authentication behind the token.
    pub step_up: Option<StepUp>,
    /// Under which circumstances nobody may.
    pub refused_when: Circumstances,
}

/// One way to be allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// Without a token: `anyone`.
    Anyone,
    /// With any valid token: `authenticated`.
    Authenticated,
    /// Who made the object: `owner`.
    Owner,
    /// With any valid token but that of who made the object: `others`.
    Others,
    /// Anybody of the object's tenant: `tenant`.
    Tenant,
    /// A role, in any tenant: `admin`.
    Role(String),
    /// A role within the object's tenant: `support of tenant`. Without an object: the role.
    RoleOfTenant(String),
}

/// Whose objects a list may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `own`: only the caller's, unless the rule's other grants (a role of the tenant) let the caller read the object itself.
    Own,
    /// `tenant`: only of the caller's tenant.
    Tenant,
}

/// Where expectations come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OracleKind {
    /// From the rules here.
    #[default]
    Rules,
    /// From the policies; rules only describe.
    Policy,
}

/// A finding that the team lives with until a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// Finding id, as reports print it.
    pub finding: String,
    /// Why.
    pub reason: String,
    /// Last day it holds, `YYYY-MM-DD`. An expired waiver is itself a failure.
    pub expires: String,
}

/// A case that failed once: it must be asked, and pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regression {
    /// What people call it, unique in the file.
    pub name: String,
    /// Id of the case, as reports print it.
    pub case: String,
    /// The day on which it was pinned, `YYYY-MM-DD`.
    pub since: String,
}
