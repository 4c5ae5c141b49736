//! Proof key for code exchange, S256 only (RFC 7636). Must not know codes or clients.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

use crate::error::{Code, Refused};
use crate::findings::{Leniency, Relaxation};
use crate::jws;

/// Checks the challenge of an authorization request.
///
/// It is required of confidential clients too (RFC 9700 §2.1.1: stops code injection), and `plain` is refused, also as
/// the default that RFC 7636 §4.3 gives to an absent method: whoever reads the request would hold the verifier.
///
/// Permissive mode takes both: without a challenge the answer is empty, a plain one is turned into what S256 would have
/// made of it.
pub(crate) fn challenge(
    challenge: Option<&str>,
    method: Option<&str>,
    client_id: &str,
    leniency: &Leniency<'_>,
) -> Result<String, Refused> {
    let refused = |clause, reason: &str| Refused::new(Code::InvalidRequest, clause, reason);
    let Some(challenge) = challenge else {
        let refused = refused(
            "RFC 7636 section 4.4.1",
            "`code_challenge` is missing: every client must use PKCE, send the S256 challenge of a fresh `code_verifier`",
        );
        return leniency.let_through(Relaxation::PkceMissing, client_id, refused).map(|()| String::new());
    };
    match method {
        Some("S256") => {}
        Some("plain") | None => {
            let refused = refused(
                "RFC 7636 section 7.2",
                "`code_challenge_method` must be `S256`; `plain` (also the default when it is absent) protects nothing",
            );
            leniency.let_through(Relaxation::PkcePlain, client_id, refused)?;
            return Ok(jws::encode(digest(&SHA256, challenge.as_bytes())));
        }
        Some(_) => return Err(refused("RFC 7636 section 4.3", "`code_challenge_method` must be `S256`")),
    }
    // An S256 challenge is 32 bytes in base64url: 43 characters (RFC 7636 §4.2).
    if jws::decode(challenge).is_some_and(|bytes| bytes.len() == 32) {
        Ok(challenge.to_owned())
    } else {
        Err(refused(
            "RFC 7636 section 4.2",
            "`code_challenge` is no S256 challenge: it must be the SHA-256 of the verifier in base64url without padding",
        ))
    }
}

/// Checks the verifier of a token request against the challenge of its authorization request (RFC 7636 §4.6).
///
/// A code that was asked for without a challenge takes no verifier either (RFC 9700 §2.1.1: stops the downgrade of a
/// client that does use PKCE).
pub(crate) fn verify(challenge: &str, verifier: Option<&str>) -> Result<(), Refused> {
    if challenge.is_empty() {
        let downgraded = "`code_verifier` came although the code was asked for without a `code_challenge`";
        return match verifier {
            None => Ok(()),
            Some(_) => Err(Refused::new(Code::InvalidGrant, "RFC 9700 section 2.1.1", downgraded)),
        };
    }
    let verifier = verifier.ok_or_else(|| {
        Refused::new(
            Code::InvalidGrant,
            "RFC 7636 section 4.6",
            "`code_verifier` is missing although the code was asked for with a `code_challenge`",
        )
    })?;
    if !is_verifier(verifier) {
        return Err(Refused::new(
            Code::InvalidGrant,
            "RFC 7636 section 4.1",
            "`code_verifier` must have 43 to 128 characters of A-Z a-z 0-9 - . _ ~",
        ));
    }
    let computed = jws::encode(digest(&SHA256, verifier.as_bytes()));
    verify_slices_are_equal(computed.as_bytes(), challenge.as_bytes()).map_err(|_| {
        Refused::new(
            Code::InvalidGrant,
            "RFC 7636 section 4.6",
            "`code_verifier` does not belong to the `code_challenge` of the authorization request",
        )
    })
}

fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Mode;
    use crate::findings::Findings;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn ask(text: Option<&str>, method: Option<&str>, mode: Mode) -> Result<String, Code> {
        let findings = Findings::new();
        let leniency = Leniency { mode, findings: &findings, now: 0 };
        challenge(text, method, "web", &leniency).map_err(|refused| refused.code)
    }

    #[test]
    fn the_vector_of_rfc_7636_appendix_b_holds() {
        assert_eq!(ask(Some(CHALLENGE), Some("S256"), Mode::Strict).unwrap(), CHALLENGE);
        verify(CHALLENGE, Some(VERIFIER)).unwrap();
    }

    #[test]
    fn another_verifier_a_missing_one_and_a_short_one_are_refused() {
        let other = VERIFIER.replace('d', "e");
        for verifier in [Some(other.as_str()), None, Some("short"), Some(CHALLENGE)] {
            assert_eq!(verify(CHALLENGE, verifier).unwrap_err().code, Code::InvalidGrant);
        }
    }

    #[test]
    fn plain_an_absent_method_and_an_absent_challenge_are_refused() {
        for (text, method) in [
            (Some(VERIFIER), Some("plain")),
            (Some(CHALLENGE), None),
            (None, None),
            (None, Some("S256")),
            (Some("short"), Some("S256")),
            (Some(CHALLENGE), Some("s256")),
        ] {
            assert_eq!(ask(text, method, Mode::Strict), Err(Code::InvalidRequest));
        }
    }

    #[test]
    fn permissive_mode_takes_plain_and_nothing_but_never_a_broken_challenge_or_a_downgrade() {
        let plain = ask(Some(VERIFIER), Some("plain"), Mode::Permissive).unwrap();
        verify(&plain, Some(VERIFIER)).unwrap();
        assert_eq!(verify(&plain, Some(CHALLENGE)).unwrap_err().code, Code::InvalidGrant);
        let none = ask(None, None, Mode::Permissive).unwrap();
        verify(&none, None).unwrap();
        assert_eq!(verify(&none, Some(VERIFIER)).unwrap_err().code, Code::InvalidGrant);
        assert_eq!(ask(Some("short"), Some("S256"), Mode::Permissive), Err(Code::InvalidRequest));
    }
}
