//! AWS Security Token Service, `AssumeRoleWithWebIdentity` only, and that one for real: issuer, signature, expiry, audience
//! and the role's trust policy are verified.
//!
//! The credentials open nothing: they belong to account 000000000000. Must not know HTTP servers or the directory.

pub(crate) mod answer;
pub(crate) mod keys;
pub(crate) mod request;
pub(crate) mod token;
pub(crate) mod trust;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::config;
use crate::error::Error;
use trust::TrustPolicy;

/// The account of everything here: nobody's.
pub(crate) const ACCOUNT: &str = "000000000000";

/// Roles and providers, checked.
#[derive(Default)]
pub(crate) struct Sts {
    /// By their issuer.
    pub(crate) providers: BTreeMap<String, config::OidcProvider>,
    /// By name.
    pub(crate) roles: BTreeMap<String, Role>,
    pub(crate) keys: keys::KeyCache,
}

/// A role that can be assumed.
pub(crate) struct Role {
    pub(crate) trust: TrustPolicy,
    pub(crate) longest_session: u64,
}

/// Why a role is not assumed: the codes of the AWS API reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StsError {
    /// A parameter is missing or ill-formed.
    #[error("{0}")]
    Validation(String),
    /// Another action than ours.
    #[error("Could not find operation {0} for version 2011-06-15")]
    Action(String),
    /// The token is not one, not from a provider we know, not signed by it, or for somebody else.
    #[error("{0}")]
    InvalidIdentityToken(String),
    /// The token was good once.
    #[error("Token expired: current date/time {now} must be before the expiration date/time {expired}")]
    ExpiredToken {
        /// Seconds since the epoch.
        now: i64,
        /// Likewise.
        expired: i64,
    },
    /// The provider's keys cannot be had.
    #[error(
        "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements"
    )]
    ProviderUnreachable,
    /// No such role, or its trust policy says no; AWS does not tell which.
    #[error("Not authorized to perform sts:AssumeRoleWithWebIdentity")]
    AccessDenied,
}

impl StsError {
    /// The `Code` of the error document, by which SDKs choose the exception.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Validation(_) => "ValidationError",
            Self::Action(_) => "InvalidAction",
            Self::InvalidIdentityToken(_) => "InvalidIdentityToken",
            Self::ExpiredToken { .. } => "ExpiredTokenException",
            Self::ProviderUnreachable => "IDPCommunicationError",
            Self::AccessDenied => "AccessDenied",
        }
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::AccessDenied => 403,
            Self::Validation(_)
            | Self::Action(_)
            | Self::InvalidIdentityToken(_)
            | Self::ExpiredToken { .. }
            | Self::ProviderUnreachable => 400,
        }
    }
}

impl Sts {
    /// Reads the configuration.
    ///
    /// # Errors
    /// A trust policy that is none, or that uses what is not understood here: it would be believed to protect.
    pub(crate) fn new(config: &config::Sts) -> Result<Self, Error> {
        let providers = config.providers.iter().map(|provider| (provider.issuer.clone(), provider.clone()));
        let mut roles = BTreeMap::new();
        for (name, role) in &config.roles {
            let wrong = |problem: String| Error::TrustPolicy { role: name.clone(), problem };
            let document = match &role.trust_policy {
                Value::String(text) => serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?,
                document => document.clone(),
            };
            let trust = TrustPolicy::parse(&document).map_err(wrong)?;
            roles.insert(name.clone(), Role { trust, longest_session: role.max_session_seconds });
        }
        Ok(Self { providers: providers.collect(), roles, keys: keys::KeyCache::default() })
    }

    /// The provider that a token says it is from, believed only as far as to choose the keys.
    pub(crate) fn provider_of(&self, token: &str) -> Result<&config::OidcProvider, StsError> {
        let issuer = token::claimed_issuer(token)?;
        self.providers.get(&issuer).ok_or_else(|| {
            StsError::InvalidIdentityToken(format!("No OpenIDConnect provider found in your account for {issuer}"))
        })
    }

    /// Whether verified claims may assume the role; all that is wrong looks alike.
    pub(crate) fn authorize(&self, request: &request::AssumeRole, claims: &token::Claims) -> Result<(), StsError> {
        let role = self.roles.get(&request.role).ok_or(StsError::AccessDenied)?;
        if !role.trust.allows(claims, &request.session_name) {
            return Err(StsError::AccessDenied);
        }
        if request.duration > role.longest_session {
            let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
            return Err(StsError::Validation(message.to_owned()));
        }
        Ok(())
    }
}
