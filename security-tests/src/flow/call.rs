//! One request to a provider, with placeholders: `${code}` is what an earlier answer of the same flow brought,
//! `${secret:web}` the secret of a client. Must not know what an answer means.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;

/// A request to the provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Calls with the same number share what their answers bring.
    pub flow: usize,
    /// As which client; empty for what everybody may ask.
    pub client: String,
    /// Where.
    pub endpoint: Endpoint,
    /// Parameters in their order, with placeholders.
    pub parameters: Vec<(String, String)>,
    /// How the client proves who it is.
    pub credentials: Credentials,
    /// Put behind the names under which the answer's values are kept, so that a second token does not replace the first.
    pub suffix: &'static str,
}

/// What a request proves itself with; texts may be placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    None,
    /// `client_secret_basic`: identifier and secret in the `Authorization` header (RFC 6749 §2.3.1).
    Basic(String, String),
    /// `client_secret_post`: both in the body.
    Post(String, String),
    /// A bearer token (RFC 6750 §2.1).
    Bearer(String),
    /// The token of the provider's control API.
    Control,
}

/// Where a provider is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The metadata (OpenID Connect Discovery §4).
    Metadata,
    /// The published keys (RFC 7517 §5).
    Keys,
    /// RFC 6749 §3.1.
    Authorization,
    /// RFC 9126 §2.
    PushedAuthorization,
    /// RFC 6749 §3.2.
    Token,
    /// RFC 7662 §2.
    Introspection,
    /// RFC 7009 §2.
    Revocation,
    /// OpenID Connect Core §5.3.
    UserInfo,
    /// RFC 8628 §3.1.
    DeviceAuthorization,
    /// The person at the device's page, played through the control API.
    DeviceAnswer,
}

impl Endpoint {
    /// All.
    pub const ALL: [Self; 10] = [
        Self::Metadata,
        Self::Keys,
        Self::Authorization,
        Self::PushedAuthorization,
        Self::Token,
        Self::Introspection,
        Self::Revocation,
        Self::UserInfo,
        Self::DeviceAuthorization,
        Self::DeviceAnswer,
    ];

    /// Its name in the ids of cases and findings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Keys => "jwks",
            Self::Authorization => "authorize",
            Self::PushedAuthorization => "par",
            Self::Token => "token",
            Self::Introspection => "introspect",
            Self::Revocation => "revoke",
            Self::UserInfo => "userinfo",
            Self::DeviceAuthorization => "device",
            Self::DeviceAnswer => "device-answer",
        }
    }

    /// The endpoint of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.as_str() == name)
    }

    /// Its name in words.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Metadata => "provider metadata",
            Self::Keys => "published keys",
            Self::Authorization => "authorization endpoint",
            Self::PushedAuthorization => "pushed authorization endpoint",
            Self::Token => "token endpoint",
            Self::Introspection => "introspection endpoint",
            Self::Revocation => "revocation endpoint",
            Self::UserInfo => "userinfo endpoint",
            Self::DeviceAuthorization => "device authorization endpoint",
            Self::DeviceAnswer => "page for devices",
        }
    }

    /// The member of the metadata that says where it is (RFC 8414 §2 and the registries of the others).
    #[must_use]
    pub fn member(self) -> Option<&'static str> {
        match self {
            Self::Metadata | Self::DeviceAnswer => None,
            Self::Keys => Some("jwks_uri"),
            Self::Authorization => Some("authorization_endpoint"),
            Self::PushedAuthorization => Some("pushed_authorization_request_endpoint"),
            Self::Token => Some("token_endpoint"),
            Self::Introspection => Some("introspection_endpoint"),
            Self::Revocation => Some("revocation_endpoint"),
            Self::UserInfo => Some("userinfo_endpoint"),
            Self::DeviceAuthorization => Some("device_authorization_endpoint"),
        }
    }

    /// Whether it is asked with `GET` and the parameters go into the query.
    #[must_use]
    pub fn is_get(self) -> bool {
        matches!(self, Self::Metadata | Self::Keys | Self::Authorization | Self::UserInfo)
    }
}

impl Call {
    /// A parameter of the request.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.endpoint.title())?;
        match &self.credentials {
            Credentials::None if self.client.is_empty() => {}
            Credentials::None => write!(f, " as {}", self.client)?,
            Credentials::Basic(id, secret) => write!(f, " as {id} with {secret} in the header")?,
            Credentials::Post(id, secret) => write!(f, " as {id} with {secret} in the body")?,
            Credentials::Bearer(token) => write!(f, " with {token}")?,
            Credentials::Control => f.write_str(" through the control API")?,
        }
        for (position, (name, value)) in self.parameters.iter().enumerate() {
            write!(f, "{}{name}={value}", if position == 0 { ": " } else { ", " })?;
        }
        Ok(())
    }
}

/// The call as a line for a shell: whatever is secret or of the moment is a variable.
#[must_use]
pub fn curl(call: &Call, url: &str) -> String {
    let mut parts = vec!["curl -sS".to_owned()];
    if call.endpoint == Endpoint::Authorization {
        // The answer is in a header.
        parts.push("-i".to_owned());
    }
    match &call.credentials {
        Credentials::None => {}
        Credentials::Basic(id, secret) => parts.push(format!("-u {}", quoted(&format!("{id}:{secret}")))),
        Credentials::Post(id, secret) => {
            parts.extend([("client_id", id), ("client_secret", secret)].map(|(name, value)| field(name, value)));
        }
        Credentials::Bearer(token) => parts.push(format!("-H {}", quoted(&format!("Authorization: Bearer {token}")))),
        Credentials::Control => {
            parts.push("-H \"Authorization: Bearer $CONTROL_TOKEN\" -H 'Content-Type: application/json'".to_owned());
        }
    }
    if call.endpoint == Endpoint::DeviceAnswer {
        parts.push(format!("-d {}", quoted(&body(call).to_string())));
    } else if !call.endpoint.is_get() {
        parts.extend(call.parameters.iter().map(|(name, value)| field(name, value)));
    }
    parts.push(quoted(if url.is_empty() { call.endpoint.as_str() } else { url }));
    parts.join(" ")
}

/// The parameters as a JSON object.
pub(crate) fn body(call: &Call) -> serde_json::Value {
    call.parameters.iter().map(|(name, value)| (name.clone(), serde_json::Value::from(value.as_str()))).collect()
}

fn field(name: &str, value: &str) -> String {
    format!("--data-urlencode {}", quoted(&format!("{name}={value}")))
}

/// A text in single quotes; its placeholders become variables in double quotes.
fn quoted(text: &str) -> String {
    let mut parts = text.split("${");
    let literal = |text: &str| match text {
        "" => String::new(),
        text => format!("'{}'", text.replace('\'', r"'\''")),
    };
    let mut line = literal(parts.next().unwrap_or_default());
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        line.push_str(&format!("\"${}\"{}", variable(name), literal(rest)));
    }
    line
}

fn variable(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_a_shell_has_variables_where_secrets_are() {
        let parameters = [("grant_type", "authorization_code"), ("code", "${code}"), ("note", "it's")];
        let call = Call {
            flow: 0,
            client: "web".into(),
            endpoint: Endpoint::Token,
            parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            credentials: Credentials::Basic("web".into(), "${secret:web}".into()),
            suffix: "",
        };
        let expected = r#"curl -sS -u 'web:'"$SECRET_WEB" --data-urlencode 'grant_type=authorization_code' --data-urlencode 'code='"$CODE" --data-urlencode 'note=it'\''s' 'http://idp/token'"#;
        assert_eq!(curl(&call, "http://idp/token"), expected);
        assert_eq!(
            call.to_string(),
            "token endpoint as web with ${secret:web} in the header: grant_type=authorization_code, code=${code}, note=it's"
        );
    }
}
