//! Orders changes of the emulated provider and IAM, and takes them back. What is changed is noted with the target, so
//! that whoever ends a run early can still put the world back. Decides nothing.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::notes::Notes;
use super::transport::Transport;
use crate::exchange::{Answer, NoAnswer};
use crate::plan::{Failure, Part, Struck, World};
use crate::scim;
use crate::target::Undo;
use crate::tokens::acquire::plain;

/// A fault of the IAM strikes so many requests at most, and one of the provider holds so many seconds: nobody is left with
/// a broken stack when a run is killed.
const MOST_REQUESTS: u32 = 1_000;
const MOST_SECONDS: u32 = 60;
/// How long `slow` is.
pub(crate) const SLOW: Duration = Duration::from_secs(5);

type Result<T> = std::result::Result<T, NoAnswer>;

impl Transport<'_> {
    /// Does what a plan says of provider and IAM.
    pub(super) async fn world(&self, world: &World, notes: &Notes) -> Result<Answer> {
        match world {
            World::AddUser { name, like } => self.add_user(name, like).await,
            World::RemoveUser(name) => self.remove_user(name).await,
            World::Move { persona, tenant } => self.move_to(persona, tenant.as_deref()).await,
            World::Forbid { persona, operation } => self.forbid(persona, operation).await,
            World::PoliciesBack => self.policies_back().await,
            World::Circumstances(values) => self.circumstances(values).await,
            World::CircumstancesBack => self.circumstances_back().await,
            World::Break(part, failure, struck) => self.fail(*part, *failure, struck).await,
            World::Mend(part, struck) => self.mend(*part, struck).await,
            World::NewKey => self.new_key().await,
            World::RetireKey => self.retire_key().await,
            World::KeysBack => self.keys_back().await,
            World::RefreshToken(persona) => {
                let client = self.target().controls.refresh_client.clone().ok_or_else(no_controls)?;
                notes.lock().refresh = Some(self.wallet()?.refresh_token(persona, &client).await?);
                Ok(Answer::new(201, String::new()))
            }
            World::Refresh(_) => self.refresh(notes).await,
            World::ReuseRefreshToken(_) => self.reuse(notes).await,
            World::Contradict { persona, operation, claims } => self.contradict((persona, operation), claims).await,
        }
    }

    /// Takes back whatever is still changed; says what could not be taken back.
    pub(super) async fn undo(&self) -> Vec<String> {
        let mut left = Vec::new();
        let mut note = |what: &str, result: Result<Answer>| match result {
            Ok(answer) if answer.is_2xx() || answer.status == 404 => {}
            Ok(answer) => left.push(format!("{what}: answered {}", answer.status)),
            Err(reason) => left.push(format!("{what}: {}", reason.reason())),
        };
        let (faults, policies, circumstances) = {
            let undo = self.changed();
            (undo.faults.clone(), undo.policies, undo.circumstances.is_some())
        };
        for (part, struck) in faults.into_keys() {
            note(&format!("faults of the {}", part.as_str()), self.mend(part, &struck).await);
        }
        if policies {
            note("policies", self.policies_back().await);
        }
        if circumstances {
            note("circumstances", self.circumstances_back().await);
        }
        let (users, tenants, keys) = {
            let undo = self.changed();
            (undo.users.clone(), undo.tenants.clone(), !undo.keys.is_empty())
        };
        for (user, tenant) in tenants {
            note(&format!("the tenant of `{user}`"), self.move_to(&user, tenant.as_deref()).await);
        }
        for user in users {
            note(&format!("user `{user}`"), self.remove_user(&user).await);
        }
        if keys {
            note("signing keys", self.keys_back().await);
        }
        left
    }

    async fn add_user(&self, name: &str, like: &str) -> Result<Answer> {
        let persona = self.target().personas.get(like).cloned().unwrap_or_default();
        let user = scim::user(name, persona.tenant.as_deref(), &persona.roles);
        self.changed().users.insert(name.to_owned());
        self.directory(Method::POST, "Users", Some(user)).await
    }

    async fn remove_user(&self, name: &str) -> Result<Answer> {
        let answer = self.directory(Method::DELETE, &format!("Users/{name}"), None).await?;
        self.changed().users.remove(name);
        Ok(answer)
    }

    async fn move_to(&self, persona: &str, tenant: Option<&str>) -> Result<Answer> {
        let home = self.target().personas.get(persona).and_then(|persona| persona.tenant.clone());
        if home.as_deref() != tenant {
            self.changed().tenants.insert(persona.to_owned(), home);
            return self.patch_user(persona, &scim::replace_tenant(tenant)).await;
        }
        let answer = self.patch_user(persona, &scim::replace_tenant(tenant)).await?;
        self.changed().tenants.remove(persona);
        Ok(answer)
    }

    async fn forbid(&self, persona: &str, operation: &str) -> Result<Answer> {
        let decider = self.target().decider.as_ref();
        let policies = decider.and_then(|decider| decider.forbidding(persona, operation)).ok_or_else(no_controls)?;
        self.changed().policies = true;
        self.iam(Method::PUT, "control/v1/policies", Some(policies)).await
    }

    async fn policies_back(&self) -> Result<Answer> {
        let answer = self.iam(Method::DELETE, "control/v1/policies", None).await?;
        self.changed().policies = false;
        Ok(answer)
    }

    async fn circumstances(&self, values: &Map<String, Value>) -> Result<Answer> {
        const PATH: &str = "control/v1/circumstances";
        let found = self.iam(Method::GET, PATH, None).await?.json;
        let Some(Value::Object(found)) = found else {
            return Err(NoAnswer::NotSent("the IAM does not say under which circumstances it decides".to_owned()));
        };
        let mut changed = found.clone();
        changed.extend(values.clone());
        self.changed().circumstances.get_or_insert(found);
        self.iam(Method::PUT, PATH, Some(Value::Object(changed))).await
    }

    async fn circumstances_back(&self) -> Result<Answer> {
        let found = self.changed().circumstances.clone().unwrap_or_default();
        let answer = self.iam(Method::PUT, "control/v1/circumstances", Some(Value::Object(found))).await?;
        self.changed().circumstances = None;
        Ok(answer)
    }

    async fn fail(&self, part: Part, failure: Failure, struck: &Struck) -> Result<Answer> {
        let delay = u64::try_from(SLOW.as_millis()).unwrap_or_default();
        let (body, subject) = match part {
            Part::Iam => {
                let fault = failure.as_str();
                let body = json!({"target": "decisions", "fault": fault, "requests": MOST_REQUESTS, "delay_ms": delay});
                (body, "mentions")
            }
            Part::Provider => {
                let name = match failure {
                    Failure::Down => "connection-reset",
                    Failure::Slow => "slow",
                    Failure::Error => "server-error",
                    Failure::Malformed => "malformed-json",
                };
                // Where APIs ask about tokens (RFC 7662); keys may be kept for a while by whoever verifies by itself.
                let body = json!({"name": name, "endpoint": "/introspect", "seconds": MOST_SECONDS, "delay_ms": delay});
                (body, "sub")
            }
        };
        let mut body = body;
        if let (Struck::Subject(name), Some(members)) = (struck, body.as_object_mut()) {
            members.insert(subject.to_owned(), name.as_str().into());
        }
        let answer = self.faults(part, Method::POST, "", Some(body)).await?;
        let id = answer.json.as_ref().and_then(|json| json.get("id")).and_then(Value::as_u64);
        self.changed().faults.entry((part, struck.clone())).or_default().extend(id);
        Ok(answer)
    }

    async fn faults(&self, part: Part, method: Method, id: &str, body: Option<Value>) -> Result<Answer> {
        match part {
            Part::Iam => self.iam(method, &format!("control/v1/faults{id}"), body).await,
            Part::Provider => self.provider(method, &format!("faults{id}"), body).await,
        }
    }

    fn ours(&self, part: Part, struck: &Struck) -> Vec<u64> {
        self.changed().faults.get(&(part, struck.clone())).cloned().unwrap_or_default()
    }

    /// How often the failures in force were met so far.
    async fn met(&self, part: Part, struck: &Struck) -> Result<u64> {
        let member = match part {
            Part::Iam => "struck",
            Part::Provider => "used",
        };
        let ours = self.ours(part, struck);
        let answer = self.faults(part, Method::GET, "", None).await?;
        let counts = |fault: &&Value| fault.get("id").and_then(Value::as_u64).is_some_and(|id| ours.contains(&id));
        let faults = answer.json.as_ref().and_then(|json| json.get("faults")).and_then(Value::as_array);
        Ok(faults.into_iter().flatten().filter(counts).filter_map(|fault| fault.get(member)?.as_u64()).sum())
    }

    async fn mend(&self, part: Part, struck: &Struck) -> Result<Answer> {
        let met = self.met(part, struck).await;
        let key = (part, struck.clone());
        for id in self.ours(part, struck) {
            self.faults(part, Method::DELETE, &format!("/{id}"), None).await?;
            self.changed().faults.entry(key.clone()).or_default().retain(|fault| *fault != id);
        }
        self.changed().faults.remove(&key);
        Ok(Answer::new(200, json!({"met": met?}).to_string()))
    }

    async fn new_key(&self) -> Result<Answer> {
        let answer = self.provider(Method::POST, "keys/rotate", Some(json!({}))).await?;
        let kid = answer.json.as_ref().and_then(|json| json.get("kid")?.as_str().map(str::to_owned));
        self.changed().keys.extend(kid);
        Ok(answer)
    }

    async fn retire_key(&self) -> Result<Answer> {
        let oldest = self.changed().keys.first().cloned();
        let Some(kid) = oldest else { return Err(NoAnswer::NotSent("there is no new key to retire".to_owned())) };
        let answer = self.provider(Method::DELETE, &format!("keys/{kid}"), None).await?;
        self.changed().keys.retain(|key| *key != kid);
        Ok(answer)
    }

    async fn keys_back(&self) -> Result<Answer> {
        loop {
            let left = self.changed().keys.len();
            if left == 0 {
                break;
            }
            let answer = self.retire_key().await?;
            if !answer.is_2xx() {
                return Ok(answer);
            }
        }
        // What was signed in between is good no more.
        self.wallet()?.forget().await;
        Ok(Answer::new(204, String::new()))
    }

    async fn refresh(&self, notes: &Notes) -> Result<Answer> {
        let token = notes.lock().refresh.take();
        let token = token.ok_or_else(|| NoAnswer::NotSent("there is no refresh token".to_owned()))?;
        let client = self.target().controls.refresh_client.clone().ok_or_else(no_controls)?;
        let (status, tokens) = self.wallet()?.refresh(&client, &token).await?;
        let mut kept = notes.lock();
        if let Some((access, refresh)) = tokens {
            kept.fresh = Some(access);
            kept.refresh = refresh;
        }
        kept.used_refresh = Some(token);
        Ok(Answer::new(status, String::new()))
    }

    /// 2xx when the provider refuses: that is what the case needs.
    async fn reuse(&self, notes: &Notes) -> Result<Answer> {
        let token = notes.lock().used_refresh.clone();
        let token = token.ok_or_else(|| NoAnswer::NotSent("no refresh token was used".to_owned()))?;
        let client = self.target().controls.refresh_client.clone().ok_or_else(no_controls)?;
        let (status, _) = self.wallet()?.refresh(&client, &token).await?;
        Ok(Answer::new(if status == 400 { 200 } else { 409 }, String::new()))
    }

    /// 2xx when the directory decides and the contradiction is logged.
    async fn contradict(&self, (persona, operation): (&str, &str), claims: &Map<String, Value>) -> Result<Answer> {
        let id = format!("contradiction-{}", self.marker());
        let question = json!({
            "subject": {"type": "User", "id": persona, "properties": claims},
            "action": {"name": operation},
            "resource": {"type": "Application", "id": self.target().name},
        });
        let url = format!("{}/access/v1/evaluation", self.iam_url()?);
        let request = self.reqwest().post(url).bearer_auth(self.iam_token()?).header("x-request-id", &id);
        let decided = request.json(&question).send().await.map_err(|error| not_sent("the IAM", &error))?;
        let decided: Value = decided.json().await.map_err(|error| not_sent("the IAM", &error))?;
        let path = format!("control/v1/decisions?request_id={id}&claim_mismatch=true");
        let logged = self.iam(Method::GET, &path, None).await?.text.contains("claim_mismatch");
        let refused = decided.get("decision") == Some(&Value::Bool(false));
        let body = json!({"decision": !refused, "logged": logged});
        Ok(Answer::new(if refused && logged { 200 } else { 409 }, body.to_string()))
    }

    async fn directory(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answer> {
        let Some(directory) = &self.target().directory else {
            return Err(NoAnswer::NotSent("there is no directory".to_owned()));
        };
        let url = format!("{}/{path}", directory.scim_url.trim_end_matches('/'));
        // RFC 7644 §3.1: `application/scim+json`.
        self.ask("the directory", (method, url, directory.token.expose()), ("application/scim+json", body)).await
    }

    pub(super) async fn iam(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answer> {
        let url = format!("{}/{path}", self.iam_url()?);
        self.ask("the IAM", (method, url, self.iam_token()?), ("application/json", body)).await
    }

    async fn provider(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answer> {
        let Some(provider) = &self.target().provider else {
            return Err(NoAnswer::NotSent("there is no provider".to_owned()));
        };
        let url = format!("{}/control/v1/{path}", provider.issuer.trim_end_matches('/'));
        self.ask("the provider", (method, url, provider.control_token.expose()), ("application/json", body)).await
    }

    async fn ask(
        &self,
        whom: &str,
        (method, url, token): (Method, String, &str),
        (kind, body): (&str, Option<Value>),
    ) -> Result<Answer> {
        let mut request = self.reqwest().request(method, url).bearer_auth(token);
        if let Some(body) = body {
            request = request.header("content-type", kind).body(body.to_string());
        }
        let answer = request.send().await.map_err(|error| not_sent(whom, &error))?;
        let status = answer.status().as_u16();
        Ok(Answer::new(status, answer.text().await.map_err(|error| not_sent(whom, &error))?))
    }

    fn iam_url(&self) -> Result<&str> {
        self.target().controls.iam.as_deref().map(|url| url.trim_end_matches('/')).ok_or_else(no_controls)
    }

    fn iam_token(&self) -> Result<&str> {
        self.target().directory.as_ref().map(|directory| directory.token.expose()).ok_or_else(no_controls)
    }

    fn changed(&self) -> MutexGuard<'_, Undo> {
        self.target().controls.undo.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_sent(whom: &str, error: &reqwest::Error) -> NoAnswer {
    NoAnswer::NotSent(format!("{whom}: {}", plain(error)))
}

fn no_controls() -> NoAnswer {
    NoAnswer::NotSent("there is no control interface for that".to_owned())
}
