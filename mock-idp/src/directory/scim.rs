//! A SCIM 2.0 service provider as the directory (RFC 7643, RFC 7644). Must not know what a login or a token is.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::{Directory, DirectoryError, Lookup, User};
use crate::config;
use crate::error::Error;
use crate::secret::Secret;

/// A directory that takes longer is down: stops a hanging directory from holding every request.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How many people the login page shows at most (RFC 7644 §3.4.2.4 `count`).
const PAGE: &str = "200";
#[cfg(test)]
const EXTENSION: &str = "urn:devenv:params:scim:schemas:extension:1.0:User";

/// Asks a SCIM service, every time.
pub(crate) struct ScimDirectory {
    client: reqwest::Client,
    users: Url,
    token: Secret,
}

impl ScimDirectory {
    pub(crate) fn new(directory: &config::Directory) -> Result<Self, Error> {
        let users = Url::parse(&format!("{}/Users", directory.scim_url.trim_end_matches('/')))
            .map_err(|error| Error::Config(format!("`directory.scim_url` is not a URL: {error}")))?;
        if users.cannot_be_a_base() {
            return Err(Error::Config("`directory.scim_url` is not an http or https URL".to_owned()));
        }
        let mut builder = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(TIMEOUT)
            // A proxy of the environment or a redirect would carry the bearer token elsewhere.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        if users.scheme() == "http" {
            // Without TLS no certificate is needed; reading the system's costs milliseconds, and an empty image has none.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| Error::Directory(error.to_string()))?;
        Ok(Self { client, users, token: directory.token.clone() })
    }

    async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<Option<T>, DirectoryError> {
        let request = self.client.get(url).bearer_auth(self.token.expose()).header("accept", "application/scim+json");
        let answer = request.send().await.map_err(unreachable)?;
        match answer.status().as_u16() {
            200 => {
                let body = answer.bytes().await.map_err(unreachable)?;
                serde_json::from_slice(&body).map(Some).map_err(|error| DirectoryError::Malformed(error.to_string()))
            }
            404 => Ok(None),
            status => Err(DirectoryError::Status(status)),
        }
    }

    async fn find_user(&self, id: &str) -> Result<Option<User>, DirectoryError> {
        let Some(url) = user_url(&self.users, id) else { return Ok(None) };
        let found: Option<ScimUser> = self.get(url).await?;
        // A directory that matches names loosely must not turn `ALICE` into `alice` (RFC 7643 §3.1: `id` is case-exact).
        Ok(found.map(ScimUser::into_user).filter(|user| user.id == id))
    }

    async fn list_users(&self) -> Result<Vec<User>, DirectoryError> {
        let mut url = self.users.clone();
        url.query_pairs_mut().append_pair("startIndex", "1").append_pair("count", PAGE);
        let list: Option<ScimList> = self.get(url).await?;
        let mut users: Vec<User> =
            list.ok_or(DirectoryError::Status(404))?.resources.into_iter().map(ScimUser::into_user).collect();
        users.sort_by(|left, right| left.id.cmp(&right.id));
        Ok(users)
    }
}

impl Directory for ScimDirectory {
    fn find<'a>(&'a self, id: &'a str) -> Lookup<'a, Option<User>> {
        Box::pin(self.find_user(id))
    }

    fn list(&self) -> Lookup<'_, Vec<User>> {
        Box::pin(self.list_users())
    }
}

/// The address of one user; `None` for a name that cannot be a path segment (it would address the collection instead).
fn user_url(users: &Url, id: &str) -> Option<Url> {
    if matches!(id, "" | "." | "..") || id.len() > 256 || id.chars().any(char::is_control) {
        return None;
    }
    let mut url = users.clone();
    url.path_segments_mut().ok()?.push(id);
    Some(url)
}

/// The error without the address: it is in the configuration already, and a user name is no matter for a log.
fn unreachable(error: reqwest::Error) -> DirectoryError {
    let kind = if error.is_timeout() { "no answer in time" } else { "the connection failed" };
    DirectoryError::Unreachable(kind.to_owned())
}

#[derive(Deserialize)]
struct ScimList {
    #[serde(rename = "Resources", default)]
    resources: Vec<ScimUser>,
}

/// RFC 7643 §4.1, as much as we use. `active` absent means nothing was said, so: not active.
#[derive(Deserialize)]
struct ScimUser {
    id: String,
    #[serde(default)]
    active: bool,
    #[serde(rename = "displayName", default)]
    display_name: Option<String>,
    #[serde(default)]
    roles: Vec<ScimRole>,
    #[serde(default, rename = "urn:devenv:params:scim:schemas:extension:1.0:User")]
    extension: Extension,
}

#[derive(Deserialize)]
struct ScimRole {
    value: String,
}

#[derive(Default, Deserialize)]
struct Extension {
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    attributes: Option<BTreeMap<String, Value>>,
}

impl ScimUser {
    fn into_user(self) -> User {
        User {
            id: self.id,
            active: self.active,
            name: self.display_name,
            tenant: self.extension.tenant,
            roles: self.roles.into_iter().map(|role| role.value).collect(),
            attributes: self.extension.attributes.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> User {
        serde_json::from_str::<ScimUser>(text).unwrap().into_user()
    }

    #[test]
    fn a_scim_user_with_the_extension_becomes_a_person_with_tenant_roles_and_attributes() {
        let text = format!(
            r#"{{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "{EXTENSION}"], "id": "carol",
                "userName": "carol", "active": true, "roles": [{{"value": "support", "primary": true}}],
                "{EXTENSION}": {{"tenant": "acme", "attributes": {{"clearance": 2}}}}}}"#
        );
        let user = parse(&text);
        assert_eq!((user.id.as_str(), user.active, user.tenant.as_deref()), ("carol", true, Some("acme")));
        assert_eq!(user.roles, ["support"]);
        assert_eq!(user.attributes["clearance"], 2);
    }

    #[test]
    fn a_user_of_whom_the_directory_does_not_say_active_is_not_active() {
        assert!(!parse(r#"{"id": "ghost"}"#).active);
    }

    #[test]
    fn a_user_name_stays_one_path_segment() {
        let users = Url::parse("http://127.0.0.1:9410/scim/v2/Users").unwrap();
        let address = |id| user_url(&users, id).map(String::from);
        assert_eq!(address("a/../b?c#d").unwrap(), "http://127.0.0.1:9410/scim/v2/Users/a%2F..%2Fb%3Fc%23d");
        assert_eq!([address(""), address("."), address(".."), address("a\nb")], [const { None }; 4]);
    }
}
