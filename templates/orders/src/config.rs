//! What the API is told by its environment. Must not read the environment or files itself: both are arguments.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::net::SocketAddr;

use reqwest::Url;

use crate::flaws::{Flaws, UnknownFlaw};
use crate::secret::Secret;

/// Everything that the API needs to know before its first request.
#[derive(Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The provider and who we are to it.
    pub provider: ProviderConfig,
    /// Who decides.
    pub iam: IamConfig,
    /// Where orders are kept, with the password in it when there is one.
    pub database: Secret,
    /// Deliberate holes; none but in exercises and tests.
    pub flaws: Flaws,
}

/// The provider and who we are to it.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// Issuer URL, from which the rest is discovered.
    pub issuer: String,
    /// Our client id.
    pub client_id: String,
    /// Our client secret.
    pub client_secret: Secret,
    /// What a token must be meant for.
    pub audience: String,
}

/// Who decides.
#[derive(Clone, Debug)]
pub struct IamConfig {
    /// Base URL of the policy decision point.
    pub url: String,
    /// The bearer token with which we ask.
    pub token: Secret,
}

/// What is wrong with the environment.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Names of variables that have no value.
    #[error("these environment variables must be set: {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// A file that a `*_FILE` variable names.
    #[error("cannot read the file that `{variable}` names: `{path}`")]
    File {
        /// The variable.
        variable: &'static str,
        /// Its value.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A value that cannot be what it should be; not repeated here, since a database URL may hold a password.
    #[error("the value of `{0}` is not valid")]
    Invalid(&'static str),
    /// A flaw that does not exist.
    #[error(transparent)]
    Flaw(#[from] UnknownFlaw),
}

/// Where values and secrets come from.
pub struct Sources<'a> {
    /// Looks up an environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a file.
    pub file: &'a dyn Fn(&str) -> std::io::Result<String>,
}

impl Config {
    /// Reads the configuration; all missing variables are named at once.
    ///
    /// # Errors
    /// When something is missing, unreadable or not valid.
    pub fn read(sources: &Sources<'_>) -> Result<Self, ConfigError> {
        const REQUIRED: [&str; 6] = [
            "OIDC_ISSUER",
            "OIDC_CLIENT_ID",
            "OIDC_CLIENT_SECRET_FILE",
            "OIDC_AUDIENCE",
            "AUTHZEN_URL",
            "AUTHZEN_TOKEN_FILE",
        ];
        let missing: Vec<_> = REQUIRED.into_iter().filter(|name| sources.value(name).is_none()).collect();
        if !missing.is_empty() {
            return Err(ConfigError::Missing(missing));
        }
        Ok(Self {
            listen: listen_address((sources.variable)("LISTEN"))?,
            provider: ProviderConfig {
                issuer: sources.url("OIDC_ISSUER")?,
                client_id: sources.required("OIDC_CLIENT_ID")?,
                client_secret: sources.secret("OIDC_CLIENT_SECRET_FILE")?,
                audience: sources.required("OIDC_AUDIENCE")?,
            },
            iam: IamConfig { url: sources.url("AUTHZEN_URL")?, token: sources.secret("AUTHZEN_TOKEN_FILE")? },
            database: sources.database()?,
            flaws: Flaws::parse(&sources.value("ORDERS_FLAWS").unwrap_or_default())?,
        })
    }
}

/// The address of `LISTEN`, or this machine only.
///
/// # Errors
/// When it is no `ADDRESS:PORT`.
pub fn listen_address(value: Option<String>) -> Result<SocketAddr, ConfigError> {
    let value = value.filter(|value| !value.is_empty()).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    value.parse().map_err(|_not_an_address| ConfigError::Invalid("LISTEN"))
}

impl Sources<'_> {
    fn value(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    fn required(&self, name: &'static str) -> Result<String, ConfigError> {
        self.value(name).ok_or_else(|| ConfigError::Missing(vec![name]))
    }

    fn url(&self, name: &'static str) -> Result<String, ConfigError> {
        let text = self.required(name)?;
        let url = Url::parse(&text).map_err(|_not_a_url| ConfigError::Invalid(name))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ConfigError::Invalid(name));
        }
        Ok(text)
    }

    fn secret(&self, variable: &'static str) -> Result<Secret, ConfigError> {
        let path = self.required(variable)?;
        match (self.file)(&path) {
            Ok(text) => Ok(Secret::new(text.trim_end_matches(['\r', '\n']))),
            Err(source) => Err(ConfigError::File { variable, path, source }),
        }
    }

    fn database(&self) -> Result<Secret, ConfigError> {
        const VARIABLE: &str = "DATABASE_URL";
        let text = self.value(VARIABLE).unwrap_or_else(|| "sqlite://orders.db?mode=rwc".to_owned());
        if self.value("DATABASE_PASSWORD_FILE").is_none() {
            return Ok(Secret::new(text));
        }
        let password = self.secret("DATABASE_PASSWORD_FILE")?;
        let mut url = Url::parse(&text).map_err(|_not_a_url| ConfigError::Invalid(VARIABLE))?;
        url.set_password(Some(password.expose())).map_err(|()| ConfigError::Invalid(VARIABLE))?;
        Ok(Secret::new(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE: [(&str, &str); 6] = [
        ("OIDC_ISSUER", "http://localhost:9400"),
        ("OIDC_CLIENT_ID", "orders-api"),
        ("OIDC_CLIENT_SECRET_FILE", "/secret"),
        ("OIDC_AUDIENCE", "orders-api"),
        ("AUTHZEN_URL", "http://localhost:9410"),
        ("AUTHZEN_TOKEN_FILE", "/secret"),
    ];

    fn read(more: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let all: Vec<_> = COMPLETE.iter().chain(more).copied().collect();
        let variable =
            |name: &str| all.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let file = |path: &str| match path {
            "/secret" => Ok("s3cret/@:\n".to_owned()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        };
        Config::read(&Sources { variable: &variable, file: &file })
    }

    #[test]
    fn everything_else_has_a_default() {
        let config = read(&[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.database.expose(), "sqlite://orders.db?mode=rwc");
        assert_eq!(config.provider.client_secret.expose(), "s3cret/@:");
    }

    #[test]
    fn all_missing_variables_are_named_at_once() {
        let error = read(&[("OIDC_ISSUER", ""), ("AUTHZEN_URL", "")]).unwrap_err();
        assert_eq!(error.to_string(), "these environment variables must be set: OIDC_ISSUER, AUTHZEN_URL");
    }

    #[test]
    fn the_database_password_is_put_into_the_url_and_never_shown() {
        let config =
            read(&[("DATABASE_URL", "postgres://orders@db:5432/orders"), ("DATABASE_PASSWORD_FILE", "/secret")])
                .unwrap();
        assert_eq!(config.database.expose(), "postgres://orders:s3cret%2F%40%3A@db:5432/orders");
        assert!(!format!("{config:?}").contains("s3cret"), "{config:?}");
    }

    #[test]
    fn what_is_wrong_is_named_without_its_value() {
        for (name, value) in [("LISTEN", "here"), ("AUTHZEN_URL", "ftp://x"), ("OIDC_ISSUER", "localhost")] {
            let error = read(&[(name, value)]).unwrap_err();
            assert_eq!(error.to_string(), format!("the value of `{name}` is not valid"));
        }
        let error = read(&[("AUTHZEN_TOKEN_FILE", "/none")]).unwrap_err();
        assert_eq!(error.to_string(), "cannot read the file that `AUTHZEN_TOKEN_FILE` names: `/none`");
    }
}
