//! Proof key for code exchange, S256 only (RFC 7636). Must not know codes or clients.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

use crate::error::{Code, Refused};
use crate::jws;

/// Checks the challenge of an authorization request.
///
/// It is required of confidential clients too (RFC 9700 §2.1.1: stops code injection), and `plain` is refused, also as
/// the default that RFC 7636 §4.3 gives to an absent method: whoever reads the request would hold the verifier.
pub(crate) fn challenge<'a>(challenge: Option<&'a str>, method: Option<&str>) -> Result<&'a str, Refused> {
    let refused = |clause, reason: &str| Refused::new(Code::InvalidRequest, clause, reason);
    let challenge = challenge.ok_or_else(|| {
        refused(
            "RFC 7636 section 4.4.1",
            "`code_challenge` is missing: every client must use PKCE, send the S256 challenge of a fresh `code_verifier`",
        )
    })?;
    match method {
        Some("S256") => {}
        Some("plain") | None => {
            return Err(refused(
                "RFC 7636 section 7.2",
                "`code_challenge_method` must be `S256`; `plain` (also the default when it is absent) protects nothing",
            ));
        }
        Some(_) => return Err(refused("RFC 7636 section 4.3", "`code_challenge_method` must be `S256`")),
    }
    // An S256 challenge is 32 bytes in base64url: 43 characters (RFC 7636 §4.2).
    if jws::decode(challenge).is_some_and(|bytes| bytes.len() == 32) {
        Ok(challenge)
    } else {
        Err(refused(
            "RFC 7636 section 4.2",
            "`code_challenge` is no S256 challenge: it must be the SHA-256 of the verifier in base64url without padding",
        ))
    }
}

/// Checks the verifier of a token request against the challenge of its authorization request (RFC 7636 §4.6).
pub(crate) fn verify(challenge: &str, verifier: Option<&str>) -> Result<(), Refused> {
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

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_vector_of_rfc_7636_appendix_b_holds() {
        assert_eq!(challenge(Some(CHALLENGE), Some("S256")).unwrap(), CHALLENGE);
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
            assert_eq!(challenge(text, method).unwrap_err().code, Code::InvalidRequest);
        }
    }
}
