//! Who calls, and may they? Two questions that every operation asks, in this order, before it does anything. Must not know
//! what the operations do.

use std::sync::Arc;

use axum::http::{HeaderMap, header};

use crate::flaws::{Flaw, Flaws};
use crate::iam::{Iam, Resource};
use crate::operation::Operation;
use crate::problem::{Problem, Unavailable};
use crate::provider::{Caller, Provider};
use crate::secret::Secret;
use crate::sessions::Sessions;
use crate::statement::{self, Expected, Kind, Statement, Unbelievable};
use crate::step_up::StepUp;
use crate::store::Store;

/// What the operations share.
#[derive(Clone, Debug)]
pub struct App {
    /// Knows tokens.
    pub provider: Arc<Provider>,
    /// Decides.
    pub iam: Arc<Iam>,
    /// Keeps orders.
    pub store: Store,
    /// Whose sessions are over although the provider may not know.
    pub sessions: Arc<Sessions>,
    /// Deliberate holes; none but in exercises and tests.
    pub flaws: Arc<Flaws>,
}

impl App {
    /// Who calls, by the bearer token of the request.
    ///
    /// # Errors
    /// When there is no token, when the provider does not vouch for it, or when it does not answer.
    pub async fn authenticate(&self, operation: Operation, headers: &HeaderMap) -> Result<Caller, Problem> {
        let token = match bearer_token(headers) {
            Ok(token) => token,
            Err(problem) => return self.flaws.without_token(operation, headers).ok_or(problem),
        };
        let introspected = match self.provider.introspect(&token).await {
            Err(cause) => return self.flaws.without_provider(operation, &token).ok_or(cause.into()),
            Ok(introspected) => introspected,
        };
        match introspected {
            Some(caller) if self.sessions.is_over(&caller.subject, caller.issued) => Err(Problem::InvalidToken),
            Some(caller) => Ok(self.flaws.accepted(caller, headers)),
            None => Flaws::refused_token(self, operation, &token).await,
        }
    }

    /// Whether the IAM lets the caller do something.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn permits(&self, caller: &Caller, action: Operation, resource: &Resource) -> Result<bool, Problem> {
        let (asked, about) = self.flaws.question(action, caller, resource.clone());
        let permitted = match self.iam.permits(&caller.subject, asked, &about).await {
            Err(cause) => return self.flaws.without_iam(action, caller).ok_or(cause.into()),
            Ok(permitted) => permitted,
        };
        Ok(self.flaws.overrule(permitted, (action, resource), caller))
    }

    /// Goes on only when the user authenticated so (RFC 9470).
    ///
    /// # Errors
    /// When not, with what would help.
    pub fn require_step_up(&self, caller: &Caller, step_up: StepUp) -> Result<(), Problem> {
        let met = step_up.is_met(caller, jiff::Timestamp::now().as_second());
        if met || self.flaws.opens(Flaw::WeakAuthentication) {
            Ok(())
        } else {
            Err(Problem::WeakAuthentication(step_up))
        }
    }

    /// A statement of the provider or the IAM about a session, if it can be believed.
    ///
    /// # Errors
    /// When the keys cannot be had that it should be signed with.
    pub async fn verify(
        &self,
        kind: Kind,
        token: &str,
        now: i64,
    ) -> Result<Result<Statement, Unbelievable>, Unavailable> {
        if let Some(statement) = self.flaws.unverified(kind, token) {
            return Ok(Ok(statement));
        }
        let provider = self.provider.config();
        // The keys are asked for each time: such statements are rare, and a retired key must not be believed.
        let (issuer, audience, keys) = match kind {
            Kind::Logout => (provider.issuer.clone(), &provider.client_id, self.provider.published_keys().await?),
            Kind::Event => {
                let (issuer, keys) = self.iam.event_keys().await?;
                (issuer, &provider.audience, keys)
            }
        };
        let expected = Expected { kind, issuer: &issuer, audience, provider: &provider.issuer, now };
        let Ok(keys) = serde_json::from_value(keys) else { return Ok(Err(Unbelievable::Signature)) };
        Ok(statement::verify(token, &keys, &expected))
    }

    /// Goes on only when the IAM lets the caller do this.
    ///
    /// # Errors
    /// When it does not: `Forbidden` for a function and for an order that the caller may read; for any other order
    /// `NotFound`, since a refusal would tell that the order exists.
    pub async fn require(&self, caller: &Caller, action: Operation, resource: &Resource) -> Result<(), Problem> {
        if self.permits(caller, action, resource).await? {
            return Ok(());
        }
        match resource {
            Resource::Application => Err(Problem::Forbidden),
            Resource::Order { .. } if action == Operation::ReadOrder => Err(Problem::NotFound),
            Resource::Order { .. } => {
                // Not through the flaws: a hole in reading must not show in the refusals of writing.
                let may_read = self.iam.permits(&caller.subject, Operation::ReadOrder, resource).await?;
                Err(if may_read { Problem::Forbidden } else { Problem::NotFound })
            }
        }
    }
}

/// The token of `Authorization: Bearer …` (RFC 6750 §2.1); the scheme is compared without case (RFC 9110 §11.1).
///
/// # Errors
/// When there is no such header, or more than one of its name.
fn bearer_token(headers: &HeaderMap) -> Result<Secret, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(Problem::Unauthenticated)?;
    if values.next().is_some() {
        return Err(Problem::AmbiguousCredentials);
    }
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Problem::Unauthenticated)?;
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        Ok(Secret::new(token))
    } else {
        Err(Problem::Unauthenticated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(values: &[&'static str]) -> Result<String, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        bearer_token(&headers).map(|token| token.expose().to_owned()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        for value in ["Bearer abc", "bearer abc", "BEARER  abc"] {
            assert_eq!(token(&[value]).as_deref(), Ok("abc"), "{value}");
        }
    }

    #[test]
    fn other_schemes_and_empty_tokens_are_no_token() {
        for value in ["Basic abc", "Bearer", "Bearer ", "abc", ""] {
            assert_eq!(token(&[value]).unwrap_err(), "this operation needs a bearer token", "{value}");
        }
        assert_eq!(token(&[]).unwrap_err(), "this operation needs a bearer token");
    }

    #[test]
    fn two_headers_are_refused_even_when_they_are_equal() {
        assert_eq!(token(&["Bearer a", "Bearer a"]).unwrap_err(), "exactly one Authorization header is allowed");
    }
}
