//! Who is asking: client authentication (RFC 6749 §2.3, RFC 7523 §2.2). Must not know what is asked.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::assertion::{self, Expected, Verifier};
use super::form::Parameters;
use crate::config::{AuthMethod, Client, Grant};
use crate::error::{Code, Refused};
use crate::findings::{Leniency, Relaxation};
use crate::store::{Clients, Found, Seen};

/// RFC 7523 §2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const CLAUSE: &str = "RFC 6749 section 2.3";

/// A client that proved who it is, or a public one that only says it.
#[derive(Clone, Debug)]
pub(crate) struct Authenticated {
    pub(crate) id: Arc<str>,
    pub(crate) client: Arc<Client>,
}

impl Authenticated {
    /// Refuses a client that is not registered for a grant.
    pub(crate) fn may_use(&self, grant: Grant, leniency: &Leniency<'_>) -> Result<(), Refused> {
        if self.client.grants.contains(&grant) {
            return Ok(());
        }
        let refused = Refused::new(
            Code::UnauthorizedClient,
            "RFC 6749 section 5.2",
            format!("the client `{}` is not registered for the grant type `{}`", self.id, grant.as_str()),
        );
        leniency.let_through(Relaxation::UnregisteredGrant, &self.id, refused)
    }

    /// Refuses a public client, which proved nothing.
    pub(crate) fn confidential(&self) -> Result<(), Refused> {
        if !self.client.is_public() {
            return Ok(());
        }
        Err(Refused::new(
            Code::InvalidClient,
            "RFC 7662 section 2.1",
            format!("the client `{}` is public and cannot authenticate, which this endpoint requires", self.id),
        ))
    }
}

/// What authentication needs to know of the provider.
pub(crate) struct Desk<'a> {
    pub(crate) clients: &'a Clients,
    pub(crate) seen: &'a Seen,
    /// The issuer and the token endpoint (RFC 7523 §3 item 3).
    pub(crate) audiences: &'a [String],
    pub(crate) leniency: Leniency<'a>,
}

/// What the request shows, by one method.
enum Proof<'a> {
    Nothing,
    Secret(AuthMethod, Cow<'a, str>),
    Assertion(&'a str),
}

/// Authenticates by exactly one method, which must be one that the client is registered for.
pub(crate) fn authenticate(
    desk: &Desk<'_>,
    authorization: Option<&str>,
    parameters: &Parameters,
) -> Result<Authenticated, Refused> {
    let (id, proof) = presented(authorization, parameters)?;
    let Found { id, client } = desk
        .clients
        .find(&id, desk.leniency.now)
        .ok_or_else(|| wrong(format!("there is no client `{id}`; register it in the configuration")))?;
    let methods = client.auth_methods();
    let wants = || methods.iter().map(|method| method.as_str()).collect::<Vec<_>>().join("` or `");
    match (&proof, &client.secret) {
        (Proof::Nothing, _) if methods == [AuthMethod::None] => {}
        (Proof::Nothing, _) => {
            let refused = wrong(format!("the client `{id}` is confidential and must authenticate with `{}`", wants()));
            // A forgotten secret is a beginner's mistake; a client with keys is no beginner's.
            if !sends_secret(methods) {
                return Err(refused);
            }
            desk.leniency.let_through(Relaxation::WrongSecret, &id, refused)?;
        }
        (Proof::Secret(method, presented), Some(secret)) if methods.contains(method) => {
            if !secret.matches(presented) {
                let refused = wrong(format!("the secret of the client `{id}` is wrong"));
                desk.leniency.let_through(Relaxation::WrongSecret, &id, refused)?;
            }
        }
        (Proof::Secret(..), _) if methods == [AuthMethod::None] => {
            return Err(wrong(format!("the client `{id}` is public and has no secret to send")));
        }
        (Proof::Secret(method, _), _) => {
            let used = method.as_str();
            return Err(wrong(format!("the client `{id}` must authenticate with `{}`, not `{used}`", wants())));
        }
        (Proof::Assertion(token), _) => check_assertion(desk, &id, &client, token)?,
    }
    Ok(Authenticated { id, client })
}

/// Whether the client proves itself by sending its secret as it is.
fn sends_secret(methods: &[AuthMethod]) -> bool {
    methods.iter().any(|method| matches!(method, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost))
}

fn check_assertion(desk: &Desk<'_>, id: &str, client: &Client, token: &str) -> Result<(), Refused> {
    let verifier = match (client.auth_methods(), &client.secret, &client.jwks) {
        ([AuthMethod::PrivateKeyJwt], _, Some(keys)) => Verifier::Keys(keys),
        ([AuthMethod::ClientSecretJwt], Some(secret), _) => Verifier::Secret(secret),
        _ => return Err(wrong(format!("the client `{id}` is not registered for authentication by assertion"))),
    };
    let expected = Expected {
        name: "the client assertion",
        code: Code::InvalidClient,
        clause: "RFC 7523 section 3",
        typ: None,
        issuer: id,
        audiences: desk.audiences,
        needs_id: true,
    };
    let verified = assertion::verify(token, verifier, &expected, desk.leniency.now)?;
    if verified.claims.get("sub").and_then(Value::as_str) != Some(id) {
        return Err(expected.refused("must have the client as `sub` as well as `iss`"));
    }
    verified.use_up(&expected, desk.seen, desk.leniency.now)
}

/// The identifier of the client as the request claims it, for whoever must prepare something before it is checked.
pub(crate) fn claimed_id(authorization: Option<&str>, parameters: &Parameters) -> Option<String> {
    presented(authorization, parameters).ok().map(|(id, _)| id.into_owned())
}

fn presented<'a>(
    authorization: Option<&str>,
    parameters: &'a Parameters,
) -> Result<(Cow<'a, str>, Proof<'a>), Refused> {
    let (basic, secret, assertion) =
        (authorization, parameters.get("client_secret"), parameters.get("client_assertion"));
    if [basic.is_some(), secret.is_some(), assertion.is_some()].into_iter().filter(|used| *used).count() > 1 {
        let reason =
            "the client authenticates in several ways at once (header, `client_secret`, `client_assertion`); use one";
        return Err(Refused::new(Code::InvalidRequest, CLAUSE, reason));
    }
    if let Some(authorization) = basic {
        let (id, secret) = decode_basic(authorization)
            .ok_or_else(|| wrong("the Authorization header is not `Basic` with base64 of `client_id:client_secret`"))?;
        same_client(parameters, &id, "in the Authorization header")?;
        return Ok((id.into(), Proof::Secret(AuthMethod::ClientSecretBasic, secret.into())));
    }
    if let Some(assertion) = assertion {
        if parameters.get("client_assertion_type") != Some(ASSERTION_TYPE) {
            let reason = format!("`client_assertion_type` must be `{ASSERTION_TYPE}`");
            return Err(Refused::new(Code::InvalidRequest, "RFC 7523 section 2.2", reason));
        }
        let claims = assertion::unverified(assertion)
            .ok_or_else(|| Refused::new(Code::InvalidClient, "RFC 7523 section 3", "the client assertion is no JWT"))?;
        let id = claims.get("sub").and_then(Value::as_str).ok_or_else(|| {
            Refused::new(Code::InvalidClient, "RFC 7523 section 3", "the client assertion has no `sub`")
        })?;
        same_client(parameters, id, "in the assertion")?;
        return Ok((id.to_owned().into(), Proof::Assertion(assertion)));
    }
    let id = parameters.get("client_id").ok_or_else(|| wrong("the request names no client"))?;
    let proof = match secret {
        Some(secret) => Proof::Secret(AuthMethod::ClientSecretPost, secret.into()),
        None => Proof::Nothing,
    };
    Ok((id.into(), proof))
}

fn same_client(parameters: &Parameters, id: &str, place: &str) -> Result<(), Refused> {
    if parameters.get("client_id").is_some_and(|other| other != id) {
        let reason = format!("`client_id` in the body is another client than {place}");
        return Err(Refused::new(Code::InvalidRequest, CLAUSE, reason));
    }
    Ok(())
}

/// RFC 7617 with both parts form-encoded first, as RFC 6749 §2.3.1 wants it.
fn decode_basic(authorization: &str) -> Option<(String, String)> {
    let (scheme, credentials) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((form_decode(id), form_decode(secret)))
}

fn form_decode(text: &str) -> String {
    // The parser splits at these two; here they are plain characters, as a sender that forgot to encode means them.
    let plain = text.replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(plain.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

fn wrong(reason: impl Into<String>) -> Refused {
    Refused::new(Code::InvalidClient, CLAUSE, reason)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::config::Mode;
    use crate::findings::Findings;
    use crate::secret::Secret;

    fn outcome(authorization: Option<&str>, body: &str) -> Result<String, Code> {
        let client = |secret: Option<&str>| Client { secret: secret.map(Secret::new), ..Client::default() };
        let clients = BTreeMap::from([("api".to_owned(), client(Some("p&=+%/:ss"))), ("web".to_owned(), client(None))]);
        let (clients, seen, findings) = (Clients::new(&clients), Seen::new(), Findings::new());
        let leniency = Leniency { mode: Mode::Strict, findings: &findings, now: 0 };
        let desk = Desk { clients: &clients, seen: &seen, audiences: &[], leniency };
        authenticate(&desk, authorization, &Parameters::parse(body.as_bytes()))
            .map(|client| client.id.to_string())
            .map_err(|refused| refused.code)
    }

    #[test]
    fn a_secret_with_special_characters_is_read_form_encoded() {
        let header = format!("Basic {}", STANDARD.encode("api:p%26%3D%2B%25%2F%3Ass"));
        assert_eq!(outcome(Some(&header), ""), Ok("api".to_owned()));
        assert_eq!(outcome(None, "client_id=api&client_secret=p%26%3D%2B%25%2F%3Ass"), Ok("api".to_owned()));
        assert_eq!(outcome(None, "client_id=web"), Ok("web".to_owned()));
    }

    #[test]
    fn a_wrong_a_missing_and_a_needless_secret_are_invalid_client() {
        for body in
            ["client_id=api&client_secret=x", "client_id=api", "client_id=web&client_secret=x", "client_id=no", ""]
        {
            assert_eq!(outcome(None, body), Err(Code::InvalidClient), "{body}");
        }
    }

    #[test]
    fn two_methods_at_once_are_an_invalid_request() {
        let header = format!("Basic {}", STANDARD.encode("api:p%26%3D%2B%25%2F%3Ass"));
        assert_eq!(outcome(Some(&header), "client_secret=p"), Err(Code::InvalidRequest));
        assert_eq!(outcome(Some(&header), "client_id=web"), Err(Code::InvalidRequest));
    }

    proptest! {
        #[test]
        fn any_header_and_body_is_answered(header in ".{0,64}", body in ".{0,64}", raw in any::<Vec<u8>>()) {
            let _ = outcome(Some(&header), &body);
            let _ = outcome(Some(&format!("Basic {}", STANDARD.encode(raw))), &body);
            let _ = outcome(None, &format!("client_assertion_type={ASSERTION_TYPE}&client_assertion={body}"));
        }
    }
}
