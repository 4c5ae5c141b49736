//! A bearer token in a header (RFC 6750 §2.1). Must not know what it opens.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// How a token is presented (RFC 6750 §2.1, RFC 9449 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Bearer,
    Dpop,
}

/// The token of an `Authorization` header of either scheme.
pub(crate) fn presented(authorization: &str) -> Option<(Scheme, &str)> {
    if let Some(token) = token(authorization) {
        return Some((Scheme::Bearer, token));
    }
    let (scheme, token) = authorization.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("dpop") && is_token(token)).then_some((Scheme::Dpop, token))
}

/// The token of an `Authorization: Bearer` header; the scheme's case does not matter (RFC 9110 §11.1).
pub(crate) fn token(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && is_token(token)).then_some(token)
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bearer_header_gives_its_token_in_any_case_of_the_scheme() {
        assert_eq!(
            [token("Bearer a.b-c"), token("bearer x"), token("BEARER x")],
            [Some("a.b-c"), Some("x"), Some("x")]
        );
    }

    #[test]
    fn anything_else_gives_none() {
        for header in ["", "Bearer", "Bearer ", "Basic eA==", "Bearer a b", "Bearer a,b", "Bearer \u{e9}"] {
            assert_eq!(token(header), None, "{header}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_answered(header in ".{0,128}") {
            let _ = presented(&header);
        }
    }
}
