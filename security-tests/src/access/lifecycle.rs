//! What may change while somebody is signed in, as far as the API takes part in it. Each of these is a declaration: what
//! nobody wrote down is not tried. Plain values; must not know the file they came from.

use serde_json::{Map, Value};

/// Who tells the API that a session is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sessions {
    /// Takes security event tokens by push (RFC 8935).
    pub events: Option<Receiver>,
    /// Takes logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.5).
    pub backchannel_logout: Option<Receiver>,
}

/// An operation that takes signed statements of the provider or the IAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// `operationId`.
    pub operation: String,
    /// For whom statements must be; the audience of the API's tokens when nobody says.
    pub audience: Option<String>,
}

/// What becomes of an object in its life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// The operation that gives it to another owner, whom its body names as `${new.owner}`.
    pub transfer: Option<String>,
    /// The operation after which some others are refused.
    pub archive: Option<Archive>,
}

/// The end of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// `operationId`.
    pub operation: String,
    /// The operations that it ends.
    pub ends: Vec<String>,
}

/// What an operation asks of the authentication behind a token (RFC 9470 §5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepUp {
    /// The authentication context class that is strong enough.
    pub acr: Option<String>,
    /// The oldest authentication that is recent enough, in seconds.
    pub max_age: Option<u64>,
}

/// Context values under which an operation is refused to everybody, e.g. `network: public`.
pub type Circumstances = Map<String, Value>;

impl Sessions {
    /// All receivers, by the name of their section.
    pub fn receivers(&self) -> impl Iterator<Item = (&'static str, &Receiver)> {
        let all = [("events", &self.events), ("backchannel_logout", &self.backchannel_logout)];
        all.into_iter().filter_map(|(name, receiver)| Some((name, receiver.as_ref()?)))
    }

    /// Whether an operation takes statements: nobody calls it with a token.
    #[must_use]
    pub fn receives(&self, operation: &str) -> bool {
        self.receivers().any(|(_, receiver)| receiver.operation == operation)
    }
}
