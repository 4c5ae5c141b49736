//! Who is asking: client authentication (RFC 6749 §2.3). Must not know what is asked.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::form::Parameters;
use crate::config::{Client, Grant};
use crate::error::{Code, Refused};
use crate::findings::{Leniency, Relaxation};

/// A client that proved who it is, or a public one that only says it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Authenticated<'a> {
    pub(crate) id: &'a str,
    pub(crate) client: &'a Client,
}

impl Authenticated<'_> {
    /// Refuses a client that is not registered for a grant.
    pub(crate) fn may_use(&self, grant: Grant, leniency: &Leniency<'_>) -> Result<(), Refused> {
        if self.client.grants.contains(&grant) {
            return Ok(());
        }
        let refused = Refused::new(
            Code::UnauthorizedClient,
            "RFC 6749 section 5.2",
            format!("the client `{}` is not registered for this grant type", self.id),
        );
        leniency.let_through(Relaxation::UnregisteredGrant, self.id, refused)
    }

    /// Refuses a public client, which proved nothing.
    pub(crate) fn confidential(&self) -> Result<(), Refused> {
        if self.client.secret.is_some() {
            return Ok(());
        }
        Err(Refused::new(
            Code::InvalidClient,
            "RFC 7662 section 2.1",
            format!("the client `{}` is public and cannot authenticate, which this endpoint requires", self.id),
        ))
    }
}

/// What the request claims about its sender, by one method.
struct Presented<'a> {
    id: Cow<'a, str>,
    secret: Option<Cow<'a, str>>,
}

/// Authenticates by `client_secret_basic`, `client_secret_post` or `none`, exactly one of them.
pub(crate) fn authenticate<'a>(
    clients: &'a BTreeMap<String, Client>,
    authorization: Option<&str>,
    parameters: &Parameters,
    leniency: &Leniency<'_>,
) -> Result<Authenticated<'a>, Refused> {
    let presented = presented(authorization, parameters)?;
    let (id, client) = clients
        .get_key_value(presented.id.as_ref())
        .ok_or_else(|| wrong(format!("there is no client `{}`; register it in the configuration", presented.id)))?;
    match (&client.secret, &presented.secret) {
        (Some(secret), Some(presented)) if secret.matches(presented) => {}
        (Some(_), Some(_)) => {
            let refused = wrong(format!("the secret of the client `{id}` is wrong"));
            leniency.let_through(Relaxation::WrongSecret, id, refused)?;
        }
        (Some(_), None) => {
            let refused = wrong(format!("the client `{id}` is confidential and must send its secret"));
            leniency.let_through(Relaxation::WrongSecret, id, refused)?;
        }
        (None, Some(_)) => return Err(wrong(format!("the client `{id}` is public and has no secret to send"))),
        (None, None) => {}
    }
    Ok(Authenticated { id, client })
}

fn presented<'a>(authorization: Option<&str>, parameters: &'a Parameters) -> Result<Presented<'a>, Refused> {
    let Some(authorization) = authorization else {
        let id = parameters.get("client_id").ok_or_else(|| wrong("the request names no client"))?;
        return Ok(Presented { id: id.into(), secret: parameters.get("client_secret").map(Cow::Borrowed) });
    };
    let (id, secret) = basic(authorization)
        .ok_or_else(|| wrong("the Authorization header is not `Basic` with base64 of `client_id:client_secret`"))?;
    if parameters.get("client_secret").is_some() {
        return Err(Refused::new(
            Code::InvalidRequest,
            "RFC 6749 section 2.3",
            "the client authenticates twice, in the Authorization header and in the body; use one method",
        ));
    }
    if parameters.get("client_id").is_some_and(|other| other != id) {
        return Err(Refused::new(
            Code::InvalidRequest,
            "RFC 6749 section 2.3",
            "`client_id` in the body is another client than in the Authorization header",
        ));
    }
    Ok(Presented { id: id.into(), secret: Some(secret.into()) })
}

/// RFC 7617 with both parts form-encoded first, as RFC 6749 §2.3.1 wants it.
fn basic(authorization: &str) -> Option<(String, String)> {
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
    Refused::new(Code::InvalidClient, "RFC 6749 section 2.3", reason)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Mode;
    use crate::findings::Findings;
    use crate::secret::Secret;

    fn clients() -> BTreeMap<String, Client> {
        let client = |secret: Option<&str>| Client { secret: secret.map(Secret::new), ..Client::default() };
        BTreeMap::from([("api".to_owned(), client(Some("p&=+%/:ss"))), ("web".to_owned(), client(None))])
    }

    fn outcome(authorization: Option<&str>, body: &str) -> Result<String, Code> {
        let findings = Findings::new();
        let leniency = Leniency { mode: Mode::Strict, findings: &findings, now: 0 };
        authenticate(&clients(), authorization, &Parameters::parse(body.as_bytes()), &leniency)
            .map(|client| client.id.to_owned())
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
        }
    }
}
