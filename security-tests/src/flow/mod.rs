//! The layer `flow`: OAuth itself. A provider is asked as each of its registered clients, soundly first, and then as an
//! attacker would. Calls are data, planned before one is sent. Must not know how calls are sent, or which provider it is.
//!
//! A client under test against a provider that misbehaves would be a second source of calls beside `script`; the
//! judges read answers only and would serve it too.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod call;
pub(crate) mod checks;
mod judge;
mod login;
mod meaning;
mod script;

pub(crate) use call::body as call_body;
pub use call::{Call, Credentials, Endpoint, curl};
pub(crate) use login::{claims, recorded_id_token};
pub(crate) use meaning::redirect_parameters;

use crate::plan::{Options, StepId};
use crate::target::{GrantType, Target};

/// What a case of this layer is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subject {
    /// The client; none when it is about the provider as a whole.
    pub client: Option<String>,
    /// By which grant.
    pub grant: Option<GrantType>,
    /// Parts of the attack before its last: a refusal there is one.
    pub earlier: Vec<StepId>,
    /// Calls on the way whose answers do not count, such as a token that is used again on purpose.
    pub between: Vec<StepId>,
    /// Calls after the attack that show its effect.
    pub proofs: Vec<StepId>,
    /// What the judge compares with: a value that was sent, an address, a scope.
    pub value: String,
    /// Why it cannot be asked.
    pub obstacle: Option<String>,
}

impl Subject {
    /// All steps beside those of the trial.
    pub(crate) fn steps(&self) -> impl Iterator<Item = StepId> {
        self.earlier.iter().chain(&self.between).chain(&self.proofs).copied()
    }
}

/// Why the layer has nothing to do.
pub(crate) fn nothing_to_do(target: &Target, options: &Options) -> Option<String> {
    let Some(provider) = &target.provider else {
        return Some("there is no provider of a stack: a login of the API's own is no OAuth".to_owned());
    };
    if provider.clients.is_empty() {
        return Some("no client is registered at the provider".to_owned());
    }
    (!options.operations.is_empty()).then(|| "only operations of the API were asked for".to_owned())
}
