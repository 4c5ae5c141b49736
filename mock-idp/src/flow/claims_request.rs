//! Which claims a client asks for one by one (OpenID Connect Core §5.5). Must not know what is told of a person.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::ClaimTarget;
use crate::error::{Code, Refused};

/// Claims in one request; more than any person has, and few enough to be kept with each grant.
const MAX_CLAIMS: usize = 64;

/// The claims that are wanted, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    id_token: BTreeSet<String>,
    userinfo: BTreeSet<String>,
}

impl Wanted {
    /// Whether the client asked for this claim there.
    pub(crate) fn has(&self, name: &str, target: ClaimTarget) -> bool {
        match target {
            ClaimTarget::IdToken => self.id_token.contains(name),
            ClaimTarget::Userinfo => self.userinfo.contains(name),
            ClaimTarget::AccessToken | ClaimTarget::Introspection | ClaimTarget::OnRequest => false,
        }
    }
}

/// What the `claims` parameter says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClaimsRequest {
    pub(crate) wanted: Wanted,
    /// Levels of which the login must reach one: `acr` as an essential claim with values (§5.5.1.1).
    pub(crate) essential_acr: Vec<String>,
    /// The only person whom the answer may be about: `sub` with a value (§5.5.1).
    pub(crate) subject: Option<String>,
}

/// Reads the parameter. Members that are not understood are ignored, as §5.5 wants it; wrong shapes are refused.
pub(crate) fn parse(text: Option<&str>) -> Result<ClaimsRequest, Refused> {
    let Some(text) = text else { return Ok(ClaimsRequest::default()) };
    let Ok(Value::Object(request)) = serde_json::from_str(text) else { return Err(wrong("must be a JSON object")) };
    let (id_token, userinfo) = (member(&request, "id_token")?, member(&request, "userinfo")?);
    let mut subjects = BTreeSet::new();
    for claims in [&id_token, &userinfo] {
        subjects.extend(claims.get("sub").and_then(|sub| sub.get("value")).and_then(Value::as_str).map(str::to_owned));
    }
    if subjects.len() > 1 {
        return Err(wrong("asks for two different persons as `sub`"));
    }
    let acr = id_token.get("acr").filter(|acr| acr.get("essential") == Some(&Value::Bool(true)));
    let names = |claims: Map<String, Value>| claims.into_iter().map(|(name, _)| name).collect();
    Ok(ClaimsRequest {
        essential_acr: acr.map(values).unwrap_or_default(),
        subject: subjects.pop_first(),
        wanted: Wanted { id_token: names(id_token), userinfo: names(userinfo) },
    })
}

/// One of the two members, each claim of which is null or says more in an object (§5.5.1).
fn member(request: &Map<String, Value>, name: &str) -> Result<Map<String, Value>, Refused> {
    let claims = match request.get(name) {
        None => return Ok(Map::new()),
        Some(Value::Object(claims)) => claims,
        Some(_) => return Err(wrong("must have objects as `id_token` and `userinfo`")),
    };
    if claims.len() > MAX_CLAIMS {
        return Err(wrong("asks for more than 64 claims"));
    }
    if !claims.values().all(is_right) {
        return Err(wrong("must say of each claim `null`, or an object of `essential`, `value` or `values`"));
    }
    Ok(claims.clone())
}

fn is_right(claim: &Value) -> bool {
    match claim {
        Value::Null => true,
        Value::Object(members) => {
            members.get("essential").is_none_or(Value::is_boolean)
                && members.get("values").is_none_or(Value::is_array)
                && !(members.contains_key("value") && members.contains_key("values"))
        }
        _ => false,
    }
}

fn values(claim: &Value) -> Vec<String> {
    let several = claim.get("values").and_then(Value::as_array).into_iter().flatten();
    several.chain(claim.get("value")).filter_map(Value::as_str).map(str::to_owned).collect()
}

fn wrong(problem: &str) -> Refused {
    Refused::new(Code::InvalidRequest, "OpenID Connect Core section 5.5", format!("the parameter `claims` {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_essential_levels_and_the_person_are_read_and_the_rest_is_ignored() {
        let text = r#"{"userinfo": {"email": null, "sub": {"value": "alice"}}, "saml": 1,
            "id_token": {"acr": {"essential": true, "values": ["mfa", "pwd"]}, "phone": {"essential": true}}}"#;
        let request = parse(Some(text)).unwrap();
        assert!(
            request.wanted.has("email", ClaimTarget::Userinfo) && request.wanted.has("phone", ClaimTarget::IdToken)
        );
        assert!(!request.wanted.has("email", ClaimTarget::IdToken));
        assert_eq!(
            (request.essential_acr, request.subject.as_deref()),
            (vec!["mfa".into(), "pwd".into()], Some("alice"))
        );
        let voluntary = parse(Some(r#"{"id_token": {"acr": {"values": ["mfa"]}}}"#)).unwrap();
        assert_eq!(voluntary.essential_acr, Vec::<String>::new());
        assert_eq!(parse(None).unwrap(), ClaimsRequest::default());
    }

    #[test]
    fn wrong_shapes_are_refused() {
        for text in [
            "{",
            "[]",
            r#""email""#,
            r#"{"id_token": []}"#,
            r#"{"userinfo": {"email": true}}"#,
            r#"{"userinfo": {"email": {"essential": "yes"}}}"#,
            r#"{"id_token": {"acr": {"value": "a", "values": ["b"]}}}"#,
            r#"{"id_token": {"sub": {"value": "a"}}, "userinfo": {"sub": {"value": "b"}}}"#,
        ] {
            assert_eq!(parse(Some(text)).unwrap_err().code, Code::InvalidRequest, "{text}");
        }
    }
}
