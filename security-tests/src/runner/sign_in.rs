//! Where the token is in the answer to a login. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::exchange::{Answer, at_path};
use crate::login::TokenPlace;

/// The token, or what the answer has instead: a 200 that says `fail` is no login.
pub(super) fn token(place: &TokenPlace, answer: &Answer, headers: &[(String, String)]) -> Result<String, String> {
    let status = answer.status;
    if status >= 400 || answer.says_no(None) {
        let body = if status < 400 { ", and the body says that it failed" } else { "" };
        return Err(format!("the login was answered {status}{body}"));
    }
    let found = match place {
        TokenPlace::Body(path) => answer.json.as_ref().and_then(|json| at_path(json, path)?.as_str()),
        TokenPlace::Header(name) => headers.iter().find_map(|(known, value)| {
            known.eq_ignore_ascii_case(name).then(|| value.strip_prefix("Bearer ").unwrap_or(value))
        }),
        // RFC 6265 §4.1.1: `NAME=VALUE; attributes`.
        TokenPlace::Cookie(name) => {
            headers.iter().filter(|(header, _)| header == "set-cookie").find_map(|(_, cookie)| {
                let (known, value) = cookie.split(';').next()?.split_once('=')?;
                (known.trim() == name).then(|| value.trim().trim_matches('"'))
            })
        }
    };
    let where_ = match place {
        TokenPlace::Body(path) => format!("`{path}`"),
        TokenPlace::Header(name) => format!("the header `{name}`"),
        TokenPlace::Cookie(name) => format!("the cookie `{name}`"),
    };
    let missing = || format!("the login was answered {status} without a token in {where_}");
    found.filter(|token| !token.is_empty()).map(str::to_owned).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(place: &TokenPlace, status: u16, body: &str, cookies: &[&str]) -> Result<String, String> {
        let headers: Vec<_> = cookies.iter().map(|cookie| ("set-cookie".to_owned(), cookie.to_string())).collect();
        token(place, &Answer::new(status, body.to_owned()), &headers)
    }

    #[test]
    fn a_token_is_found_where_the_file_says() {
        let body = TokenPlace::Body("$.user.token".into());
        assert_eq!(found(&body, 200, r#"{"user": {"token": "t"}}"#, &[]), Ok("t".into()));
        let cookie = TokenPlace::Cookie("sid".into());
        assert_eq!(found(&cookie, 204, "", &["a=1", "sid=\"t\"; Path=/; HttpOnly"]), Ok("t".into()));
    }

    #[test]
    fn a_200_that_says_fail_is_no_login() {
        let place = TokenPlace::Body("$.auth_token".into());
        let fail = r#"{"status": "fail", "auth_token": "t"}"#;
        let said = "the login was answered 200, and the body says that it failed";
        assert_eq!(found(&place, 200, fail, &[]), Err(said.into()));
        let missing = "the login was answered 200 without a token in `$.auth_token`";
        assert_eq!(found(&place, 200, r#"{"message": "hello"}"#, &[]), Err(missing.into()));
        assert_eq!(found(&place, 401, "", &[]), Err("the login was answered 401".into()));
    }
}
