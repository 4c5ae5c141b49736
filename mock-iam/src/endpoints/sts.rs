//! The AWS query endpoint (`/sts`). Must not know how tokens are verified.
//!
//! No bearer token: the web identity token is the credential, as at AWS.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{Query, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};

use crate::state::State;
use crate::sts::answer::{self, Random};
use crate::sts::request::AssumeRole;
use crate::sts::{StsError, token};

/// Letters of an access key id (RFC 4648 §6).
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// `GET` or `POST /sts`: parameters in the query, the form, or both.
pub(crate) async fn call(
    Shared(state): Shared<State>,
    Query(mut parameters): Query<BTreeMap<String, String>>,
    body: Bytes,
) -> Response {
    let form = url::form_urlencoded::parse(&body);
    parameters.extend(form.map(|(name, value)| (name.into_owned(), value.into_owned())));
    let random = random();
    let (status, text) = match assume(&state, &parameters, &random).await {
        Ok(text) => (StatusCode::OK, text),
        Err(error) => {
            tracing::info!(code = error.code(), role = parameters.get("RoleArn"), %error, "role not assumed");
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
            (status, answer::error(&error, &random.request_id))
        }
    };
    let headers = [(header::CONTENT_TYPE, "text/xml"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, [("x-amzn-requestid", random.request_id)], text).into_response()
}

async fn assume(state: &State, parameters: &BTreeMap<String, String>, random: &Random) -> Result<String, StsError> {
    let sts = state.sts();
    let request = AssumeRole::read(parameters)?;
    let provider = sts.provider_of(&request.token)?;
    let keys = sts.keys.keys(provider, |keys| token::has_key(&request.token, keys)).await?;
    let now = Timestamp::now();
    let claims = token::verify(&request.token, provider, (&keys, now.as_second()))?;
    sts.authorize(&request, &claims)?;
    let lifetime = SignedDuration::from_secs(i64::try_from(request.duration).unwrap_or(3600));
    tracing::info!(role = request.role, subject = claims.subject, "role assumed");
    Ok(answer::credentials(&request, &claims, (random, now.saturating_add(lifetime).unwrap_or(now))))
}

fn random() -> Random {
    let mut bytes = [0_u8; 16 + 30 + 96 + 16];
    // Nothing is protected by these: a generator that fails gives poor credentials to nothing.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    let (key, rest) = bytes.split_at(16);
    let (secret, rest) = rest.split_at(30);
    let (session, request) = rest.split_at(96);
    let letter = |byte: &u8| BASE32.get(usize::from(byte % 32)).copied().map_or('A', char::from);
    Random {
        key_id: key.iter().map(letter).collect(),
        secret: STANDARD.encode(secret),
        session: STANDARD.encode(session),
        request_id: request.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
