//! What a run does: steps, the requests among them, and whose token each carries. Must not know what answers mean.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::world::{Statement, World};
use super::{ObjectId, SignIn};
use crate::flow::Call;
use crate::login::Carrier;
use crate::tokens::{Mint, Place};

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it is for.
    pub role: Role,
    /// What is done.
    pub action: Action,
}

/// What a step is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Prepares.
    Setup,
    /// Shows that the request works for somebody allowed.
    Control,
    /// The request in question.
    Attack,
    /// Reads back what it did.
    Probe,
    /// Changes a persona.
    Change,
    /// Takes that back; runs whatever happened before.
    Restore,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A request to the API.
    Request(Box<Request>),
    /// A fresh token of a persona for this group.
    FreshToken(String),
    /// The provider ends every session of a persona and revokes its tokens.
    EndSessions(String),
    /// The same, of a sign-in so many seconds ago.
    AgedToken(String, u64),
    /// A change in the directory: SCIM operations (RFC 7644 §3.5.2).
    PatchUser(String, Value),
    /// Any other change of provider or IAM.
    World(World),
    /// A request to the provider, as one of its clients.
    Flow(Box<Call>),
}

/// A request with placeholders: `${object:7}` in the path is the identifier of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// `operationId`.
    pub operation: String,
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers beside authorization.
    pub headers: Vec<(String, String)>,
    /// Fields of the body.
    pub body: Option<Value>,
    /// The body is a form; otherwise it is JSON.
    pub form: bool,
    /// A member that the body has twice, which no JSON value can say.
    pub twice: Option<Twice>,
    /// Whose token.
    pub credential: Credential,
    /// The object that the answer identifies.
    pub creates: Option<ObjectId>,
    /// How the token is sent.
    pub carrier: Arc<Carrier>,
    /// The answer carries a token.
    pub signs_in: Option<SignIn>,
    /// The body is a signed statement of provider or IAM.
    pub statement: Option<Statement>,
    /// It is sent again until this is seen, for [`BOUND`] at most: for what may take a moment to arrive.
    pub until: Option<Until>,
}

/// How long a change may take to be noticed, where the design does not ask for the very next request.
pub const BOUND: Duration = Duration::from_secs(1);

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// An answer that is no success.
    Refused,
    /// A success; whoever is refused signs in once more.
    Allowed,
}

/// A member that names two objects, the first and the last in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twice {
    /// Its name.
    pub field: String,
    /// What it names first.
    pub first: ObjectId,
    /// What it names last.
    pub last: ObjectId,
}

impl Twice {
    /// The body as text, with placeholders.
    #[must_use]
    pub fn text(&self, body: &Value) -> String {
        let Twice { field, first, last } = self;
        let text = body.to_string();
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_default();
        let comma = if inner.is_empty() { "" } else { "," };
        let field = Value::from(field.as_str());
        format!(r#"{{{field}:"${{object:{first}}}",{inner}{comma}{field}:"${{object:{last}}}"}}"#)
    }
}

/// Whose token a request carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Credential {
    /// None.
    Anonymous,
    /// The persona's, as the provider gives it.
    Persona(String),
    /// The actor's, never renewed: a token from before something changed.
    Held(String),
    /// The fresh one of the group.
    Fresh(String),
    /// Minted to order.
    Minted(String, Mint),
    /// The persona's, forged as the catalogue entry of this name says.
    Forged(String, &'static str),
    /// Two tokens, in two `Authorization` headers.
    Pair(Box<Credential>, Box<Credential>),
    /// A token where tokens do not go here.
    Placed(Box<Credential>, Place),
}

impl Credential {
    /// Whose token it is, or whom it pretends to be; empty for nobody.
    #[must_use]
    pub fn persona(&self) -> &str {
        match self {
            Credential::Anonymous => "",
            Credential::Persona(persona)
            | Credential::Held(persona)
            | Credential::Fresh(persona)
            | Credential::Minted(persona, _)
            | Credential::Forged(persona, _) => persona,
            Credential::Placed(credential, _) | Credential::Pair(credential, _) => credential.persona(),
        }
    }
}
