//! A client of the stack's own control endpoints: minting tokens, reading and changing the directory (`docs/wire.md`).

use std::time::Duration;

use mock_iam::policy::{Entity, Question};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::commands::Failure;
use crate::commands::session::Session;
use crate::exit::Exit;
use crate::plan::SecretKey;
use crate::stack;

/// The extension of a SCIM user that holds tenant and attributes.
const EXTENSION: &str = "urn:devenv:params:scim:schemas:extension:1.0:User";

/// What is said when nobody answers.
const NOT_UP: &str = "the stack is not up";

/// A client for one stack.
pub(super) struct Control<'a> {
    session: &'a Session,
    http: Client,
}

impl<'a> Control<'a> {
    pub(super) fn new(session: &'a Session) -> Result<Self, Failure> {
        let http = Client::builder()
            .timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| Failure::new(Exit::World, format!("cannot make an HTTP client: {error}")))?;
        Ok(Self { session, http })
    }

    pub(super) fn http(&self) -> &Client {
        &self.http
    }

    /// Mints a token; `order` is the body of `POST /control/v1/tokens`.
    pub(super) async fn mint(&self, order: &Value) -> Result<Value, Failure> {
        let Some(idp) = &self.session.manifest.idp else {
            return Err(Failure::new(Exit::Usage, "the manifest has no `idp:`, so nobody can issue tokens"));
        };
        let url = format!("http://localhost:{}/control/v1/tokens", idp.port);
        let request = self.http.post(url).bearer_auth(self.secret(&SecretKey::IdpControl)?).json(order);
        self.send(request, "idp").await
    }

    /// All users of the directory.
    pub(super) async fn users(&self) -> Result<Vec<Value>, Failure> {
        let answer = self.directory(Method::GET, "/scim/v2/Users", None).await?;
        Ok(answer.get("Resources").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    /// One user of the directory.
    pub(super) async fn user(&self, name: &str) -> Result<Value, Failure> {
        self.directory(Method::GET, &format!("/scim/v2/Users/{name}"), None).await
    }

    /// Replaces attributes of a user (RFC 7644 §3.5.2.3).
    pub(super) async fn change_user(&self, name: &str, attributes: Value) -> Result<Value, Failure> {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "value": attributes }],
        });
        self.directory(Method::PATCH, &format!("/scim/v2/Users/{name}"), Some(body)).await
    }

    /// Puts the directory back to its seed.
    pub(super) async fn reset_directory(&self) -> Result<(), Failure> {
        self.directory(Method::POST, "/control/v1/reset", None).await.map(drop)
    }

    /// Why the running IAM would answer a question so; nothing when the stack is not up.
    pub(super) async fn explain(&self, question: &Question) -> Result<Option<Value>, Failure> {
        if self.session.manifest.iam.is_none() || self.secret(&SecretKey::IamControl).is_err() {
            return Ok(None);
        }
        let body = serde_json::to_value(question).unwrap_or_default();
        match self.directory(Method::POST, "/control/v1/explain", Some(body)).await {
            Ok(answer) => Ok(Some(answer)),
            Err(Failure::Other { messages, .. }) if messages.iter().any(|message| message.text == NOT_UP) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Whether the running IAM remembers the attributes of a resource.
    pub(super) async fn knows(&self, persona: &str, action: &str, resource: &Entity) -> Result<bool, Failure> {
        match self.explain(&Question::new(persona, action, resource.clone())).await {
            Ok(answer) => Ok(answer.is_some_and(|answer| answer.get("remembered") == Some(&Value::Bool(true)))),
            // It misses an attribute that the schema requires.
            Err(Failure::Other { exit: Exit::Usage, .. }) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// The memory of the provider.
    pub(super) async fn idp_snapshot(&self) -> Result<Value, Failure> {
        self.idp(Method::GET, "snapshot", None).await
    }

    /// Puts it back.
    pub(super) async fn restore_idp(&self, snapshot: Value) -> Result<(), Failure> {
        self.idp(Method::PUT, "snapshot", Some(snapshot)).await.map(drop)
    }

    async fn idp(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failure> {
        let Some(idp) = &self.session.manifest.idp else {
            return Err(Failure::new(Exit::Usage, "the manifest has no `idp:`, so there is no provider"));
        };
        let url = format!("http://localhost:{}/control/v1/{path}", idp.port);
        let mut request = self.http.request(method, url).bearer_auth(self.secret(&SecretKey::IdpControl)?);
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.send(request, "idp").await
    }

    /// Puts the people of the directory back as they were: what they were seeded with, then what was changed.
    pub(super) async fn restore_users(&self, users: &[Value]) -> Result<(), Failure> {
        fn id(user: &Value) -> &str {
            user.get("id").and_then(Value::as_str).unwrap_or_default()
        }
        fn plain(user: &Value) -> Value {
            let mut user = user.clone();
            if let Some(fields) = user.as_object_mut() {
                fields.remove("meta");
            }
            user
        }
        self.reset_directory().await?;
        let seeded = self.users().await?;
        for user in seeded.iter().filter(|user| !users.iter().any(|kept| id(kept) == id(user))) {
            self.directory(Method::DELETE, &format!("/scim/v2/Users/{}", id(user)), None).await?;
        }
        for user in users {
            match seeded.iter().find(|now| id(now) == id(user)) {
                Some(now) if plain(now) == plain(user) => {}
                Some(_) => {
                    let path = format!("/scim/v2/Users/{}", id(user));
                    self.directory(Method::PUT, &path, Some(plain(user))).await?;
                }
                None => drop(self.directory(Method::POST, "/scim/v2/Users", Some(plain(user))).await?),
            }
        }
        Ok(())
    }

    /// The IAM's decisions in memory, as JSON lines.
    pub(super) async fn decisions(&self) -> Result<String, Failure> {
        let Some(iam) = &self.session.manifest.iam else {
            return Err(Failure::new(Exit::Usage, "the manifest has no `iam:`, so nobody decides"));
        };
        let url = format!("http://localhost:{}/control/v1/decisions", iam.port);
        let request = self.http.get(url).bearer_auth(self.secret(&SecretKey::IamControl)?);
        self.receive(request, "iam").await
    }

    async fn directory(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failure> {
        let Some(iam) = &self.session.manifest.iam else {
            return Err(Failure::new(Exit::Usage, "the manifest has no `iam:`, so there is no directory"));
        };
        let url = format!("http://localhost:{}{path}", iam.port);
        let mut request = self.http.request(method, url).bearer_auth(self.secret(&SecretKey::IamControl)?);
        if let Some(body) = body {
            let kind = if path.starts_with("/scim/") { "application/scim+json" } else { "application/json" };
            request = request.header("content-type", kind).body(body.to_string());
        }
        self.send(request, "iam").await
    }

    fn secret(&self, key: &SecretKey) -> Result<String, Failure> {
        stack::read(&self.session.project, key)?.ok_or_else(not_up)
    }

    async fn send(&self, request: RequestBuilder, service: &str) -> Result<Value, Failure> {
        let text = self.receive(request, service).await?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn receive(&self, request: RequestBuilder, service: &str) -> Result<String, Failure> {
        let answer = request.send().await.map_err(|error| match error.is_connect() {
            true => not_up(),
            false => Failure::new(Exit::World, format!("`{service}` does not answer: {error}")),
        })?;
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        if status.is_success() {
            return Ok(text);
        }
        let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let said = ["detail", "error_description", "error", "message"].iter().find_map(|key| value.get(*key)?.as_str());
        let exit = if status.is_client_error() { Exit::Usage } else { Exit::World };
        Err(Failure::new(exit, format!("`{service}` refused ({status}): {}", said.unwrap_or(text.trim()))))
    }
}

fn not_up() -> Failure {
    Failure::with_help(Exit::World, NOT_UP, "start it with `devenv up -d`")
}

/// Name, tenant, roles and state of a SCIM user.
pub(super) fn persona_row(user: &Value) -> (String, String, Vec<String>, bool) {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let roles = user.get("roles").and_then(Value::as_array).into_iter().flatten();
    (
        text(user.get("userName")).unwrap_or_default(),
        text(user.get(EXTENSION).and_then(|extension| extension.get("tenant"))).unwrap_or_else(|| "-".into()),
        roles.filter_map(|role| text(role.get("value"))).collect(),
        user.get("active").and_then(Value::as_bool).unwrap_or(true),
    )
}

/// The attributes of a change, in SCIM's words.
pub(super) fn attributes(roles: Option<&[String]>, tenant: Option<&str>, active: Option<bool>) -> Value {
    let mut attributes = serde_json::Map::new();
    if let Some(roles) = roles {
        let values = roles.iter().filter(|role| !role.is_empty()).map(|role| json!({ "value": role }));
        attributes.insert("roles".into(), values.collect());
    }
    if let Some(tenant) = tenant {
        attributes.insert(EXTENSION.into(), json!({ "tenant": tenant }));
    }
    if let Some(active) = active {
        attributes.insert("active".into(), active.into());
    }
    attributes.into()
}
