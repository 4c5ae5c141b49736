//! DPoP at an endpoint: the proof in the header, the nonce in the answer (RFC 9449).

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

use crate::error::Refused;
use crate::flow::dpop::{self, Policy, Request};
use crate::state::Provider;

/// RFC 9449 §8.
pub(crate) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The thumbprint of the key that the sender holds, where there is a proof.
pub(crate) fn check(
    provider: &Provider,
    proof: Option<&str>,
    request: Request<'_>,
) -> Result<Option<Arc<str>>, Refused> {
    let Some(proof) = proof else { return Ok(None) };
    let policy = Policy {
        nonces: if provider.config.dpop.nonce { Some(provider.nonces()?) } else { None },
        lifetime: i64::from(provider.config.dpop.lifetime_seconds),
        seen: &provider.store.seen,
        now: provider.now(),
    };
    dpop::check(proof, request, &policy).map(Some)
}

/// Gives the client the nonce for its next proof, where proofs need one (RFC 9449 §8.2).
pub(crate) fn with_nonce(provider: &Provider, mut response: Response) -> Response {
    if provider.config.dpop.nonce
        && let Ok(nonces) = provider.nonces()
        && let Ok(nonce) = HeaderValue::try_from(nonces.current(provider.now()))
    {
        response.headers_mut().insert(DPOP_NONCE, nonce);
    }
    response
}
