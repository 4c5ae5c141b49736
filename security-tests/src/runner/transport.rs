//! Sends one request. Must not know plans beyond objects and placeholders.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::secrets::{Secrets, without_tokens};
use super::sign_in;
use crate::access::Identifier;
use crate::exchange::{Answer, NoAnswer, at_path};
use crate::plan::{Credential, ObjectId, PlannedObject, Request, SignIn, TestPlan};
use crate::scim;
use crate::target::Target;
use crate::tokens::Mint;
use crate::tokens::acquire::{Wallet, plain};
use crate::tokens::login::{LoginTokens, has_expired};

/// A body is read up to here; more of a list proves nothing more.
const MAX_BODY: usize = 4 * 1024 * 1024;
/// After so many requests in a row without an answer the target is taken for dead, so that a run against one that
/// hangs ends in minutes and not in hours.
const DEAD_AFTER: usize = 8;

/// One client with its tokens and the identifiers of the objects made so far.
pub(super) struct Transport<'a> {
    plan: &'a TestPlan,
    target: &'a Target,
    client: reqwest::Client,
    wallet: Option<Wallet>,
    logins: Option<LoginTokens>,
    secrets: Secrets,
    /// The identifier of each object, or why there is none.
    objects: Mutex<Vec<Result<String, String>>>,
    unanswered: AtomicUsize,
}

impl<'a> Transport<'a> {
    pub(super) fn new(plan: &'a TestPlan, target: &'a Target) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(32)
            .connect_timeout(Duration::from_secs(3))
            .timeout(Duration::from_secs(10))
            .build()
            .map_err(|error| format!("cannot make an HTTP client: {}", plain(&error)))?;
        let wallet = target.provider.clone().map(|provider| Wallet::new(client.clone(), provider));
        let logins = target.access.login.as_ref().map(|login| LoginTokens::new(login.key.clone()));
        let objects = Mutex::new(plan.objects.iter().map(|object| known_id(plan, object)).collect());
        let secrets = Secrets::of(target);
        Ok(Self { plan, target, client, wallet, logins, secrets, objects, unanswered: AtomicUsize::new(0) })
    }

    /// Sends a request; the URL as it was sent comes back with the answer.
    pub(super) async fn send(
        &self,
        request: &Request,
        fresh: &Mutex<Option<String>>,
    ) -> (String, Result<Answer, NoAnswer>) {
        let url = match self.path(&request.path) {
            Ok(path) => format!("{}{path}", self.plan.base_url),
            Err(reason) => {
                let unfilled = format!("{}{}", self.plan.base_url, request.path);
                return (unfilled, Err(NoAnswer::NotSent(reason)));
            }
        };
        let result = match self.token(&request.credential, fresh).await {
            Ok(token) => match self.exchange(request, &url, token.clone()).await {
                // A failure may be a coincidence: what changes nothing is asked once more before it counts.
                Ok(answer) if answer.status == 500 && request.method == "GET" => {
                    self.exchange(request, &url, token).await
                }
                result => result,
            },
            Err(reason) => Err(reason),
        };
        if let Some(object) = request.creates {
            self.remember(object, &result);
        }
        (url, result.map(|answer| self.redacted(answer)))
    }

    pub(super) async fn mint(&self, persona: &str, mint: &Mint) -> Result<String, NoAnswer> {
        self.wallet()?.mint(persona, mint).await
    }

    pub(super) async fn end_sessions(&self, persona: &str) -> Result<Answer, NoAnswer> {
        let status = self.wallet()?.end_sessions(persona).await.map_err(NoAnswer::NotSent)?;
        Ok(Answer::new(status, String::new()))
    }

    pub(super) async fn patch_user(&self, persona: &str, change: &Value) -> Result<Answer, NoAnswer> {
        let Some(directory) = &self.target.directory else {
            return Err(NoAnswer::NotSent("there is no directory".to_owned()));
        };
        let url = format!("{}/Users/{persona}", directory.scim_url.trim_end_matches('/'));
        // RFC 7644 §3.1: `application/scim+json`.
        let request = self.client.patch(url).bearer_auth(directory.token.expose());
        let request = request.header("content-type", "application/scim+json").body(scim::patch(change).to_string());
        let answer =
            request.send().await.map_err(|error| NoAnswer::NotSent(format!("directory: {}", plain(&error))))?;
        Ok(Answer::new(answer.status().as_u16(), String::new()))
    }

    fn wallet(&self) -> Result<&Wallet, NoAnswer> {
        self.wallet.as_ref().ok_or_else(|| NoAnswer::NotSent("there is no provider".to_owned()))
    }

    /// Fills identifiers into a path.
    fn path(&self, template: &str) -> Result<String, String> {
        let Some((before, rest)) = template.split_once("${object:") else { return Ok(template.to_owned()) };
        let (number, after) = rest.split_once('}').ok_or("a placeholder does not end")?;
        let objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let known = number.parse::<ObjectId>().ok().and_then(|object| objects.get(object).cloned());
        let id = known.ok_or("a placeholder names no object")??;
        let encoded: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
        drop(objects);
        // What is inside of another object has two identifiers in its path.
        Ok(format!("{before}{}{}", encoded.replace('+', "%20"), self.path(after)?))
    }

    async fn token(&self, credential: &Credential, fresh: &Mutex<Option<String>>) -> Result<Option<String>, NoAnswer> {
        if let (Some(logins), None) = (&self.logins, &self.wallet) {
            return self.token_by_login(logins, credential).await;
        }
        match credential {
            Credential::Anonymous => Ok(None),
            Credential::Persona(actor) | Credential::Held(actor) => self.wallet()?.token(actor).await.map(Some),
            Credential::Minted(persona, mint) => self.mint(persona, mint).await.map(Some),
            Credential::Forged(persona, name) => self.wallet()?.forged(persona, name).await.map(Some),
            Credential::Fresh(persona) => {
                let fresh = fresh.lock().unwrap_or_else(PoisonError::into_inner).clone();
                fresh.map(Some).ok_or_else(|| NoAnswer::NotSent(format!("there is no fresh token of `{persona}`")))
            }
        }
    }

    async fn token_by_login(&self, logins: &LoginTokens, credential: &Credential) -> Result<Option<String>, NoAnswer> {
        let identity = |actor: &str| self.plan.identity_of(actor).to_owned();
        let token = match credential {
            Credential::Anonymous => return Ok(None),
            Credential::Held(actor) => {
                logins.held(actor).unwrap_or_else(|| Err(NoAnswer::NotSent(format!("`{actor}` never logged in"))))?
            }
            Credential::Persona(actor) | Credential::Fresh(actor) => self.current(logins, actor).await?,
            Credential::Minted(actor, mint) => {
                logins.mint(&self.current(logins, actor).await?, &identity(actor), mint)?
            }
            Credential::Forged(actor, name) => {
                logins.forged(actor, &self.current(logins, actor).await?, &identity(actor), name)?
            }
        };
        Ok(Some(token))
    }

    /// The actor's token; obtained again when it has expired.
    async fn current(&self, logins: &LoginTokens, actor: &str) -> Result<String, NoAnswer> {
        match logins.held(actor) {
            Some(Ok(token)) if has_expired(&token) => {}
            Some(held) => return held,
            None => {}
        }
        let login = self.plan.accounts.get(actor).and_then(|account| account.login.as_ref());
        let login = login.ok_or_else(|| NoAnswer::NotSent(format!("`{actor}` cannot log in")))?;
        let url = format!("{}{}", self.plan.base_url, login.path);
        drop(self.exchange(login, &url, None).await?);
        let never = || Err(NoAnswer::NotSent(format!("`{actor}` cannot log in")));
        logins.held(actor).unwrap_or_else(never)
    }

    /// Looks for the token in the answer to a login.
    fn sign_in(&self, request: &Request, answer: &mut Answer, headers: &[(String, String)]) {
        let (Some(sign_in), Some(login), Some(logins)) = (&request.signs_in, &self.target.access.login, &self.logins)
        else {
            return;
        };
        let token = sign_in::token(&login.token, answer, headers);
        answer.signed_in = token.is_ok();
        if let SignIn::Keep(actor) = sign_in {
            logins.keep(actor, token);
        }
    }

    /// The answer as it is recorded: without passwords and tokens, when there may be any.
    fn redacted(&self, mut answer: Answer) -> Answer {
        if self.logins.is_some() {
            let text = without_tokens(&self.secrets.redact(&answer.text));
            if text != answer.text {
                answer.json = serde_json::from_str(&text).ok();
                answer.text = text;
            }
        }
        answer
    }

    async fn exchange(&self, request: &Request, url: &str, token: Option<String>) -> Result<Answer, NoAnswer> {
        if self.unanswered.load(Ordering::Relaxed) >= DEAD_AFTER {
            return Err(NoAnswer::NotSent("the target does not answer".to_owned()));
        }
        let method = request.method.parse().map_err(|_| NoAnswer::NotSent("the method is not one".to_owned()))?;
        let mut outgoing = self.client.request(method, url).header("accept", "application/json");
        for (name, value) in &request.headers {
            outgoing = outgoing.header(name, value);
        }
        if let Some(token) = token {
            let (name, value) = request.carrier.header(&token);
            outgoing = outgoing.header(name, value);
        }
        if let Some(body) = &request.body {
            outgoing = outgoing.json(&self.secrets.fill(body).map_err(NoAnswer::NotSent)?);
        }
        let answer = read(outgoing).await.map(|(mut answer, headers)| {
            self.sign_in(request, &mut answer, &headers);
            answer
        });
        tracing::debug!(method = request.method, url, status = answer.as_ref().map_or(0, |answer| answer.status));
        match &answer {
            Ok(_) => self.unanswered.store(0, Ordering::Relaxed),
            Err(_) => drop(self.unanswered.fetch_add(1, Ordering::Relaxed)),
        }
        answer.map_err(|error| NoAnswer::Transport(format!("the target does not answer: {}", plain(&error))))
    }

    /// Keeps the identifier of an object, or why there is none. An account's may come with its registration, its login
    /// or its own look at itself: the first that has it counts.
    fn remember(&self, object: ObjectId, result: &Result<Answer, NoAnswer>) {
        let Some(planned) = self.plan.objects.get(object) else { return };
        let failed = |why: String| format!("the object of `{}` was not made: {why}", planned.owner);
        let id = match result {
            Err(reason) => Err(failed(reason.reason().to_owned())),
            Ok(answer) if !answer.is_2xx() => Err(failed(format!("answered {}", answer.status))),
            Ok(answer) if answer.says_no(None) => {
                Err(failed(format!("answered {}, and the body says that it failed", answer.status)))
            }
            Ok(answer) => identifier(answer, &planned.id).ok_or_else(|| failed("the answer has no identifier".into())),
        };
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = objects.get_mut(object)
            && (id.is_ok() || planned.account.is_none() || slot.is_err())
        {
            *slot = id;
        }
    }
}

/// The identifier of an object before anything was sent: an account has the name that it is registered with.
fn known_id(plan: &TestPlan, object: &PlannedObject) -> Result<String, String> {
    match (&object.account, &object.id) {
        (Some(_), Identifier::Sent(name)) => Ok(name.clone()),
        (Some(actor), Identifier::Answered(_))
            if plan.accounts.get(actor).is_some_and(|account| account.login.is_none()) =>
        {
            Ok(plan.identity_of(actor).to_owned())
        }
        _ => Err(format!("the object of `{}` was not made", object.owner)),
    }
}

/// The identifier where the rules say it is, else the last part of `Location` (RFC 9110 §10.2.2).
fn identifier(answer: &Answer, id: &Identifier) -> Option<String> {
    let path = match id {
        Identifier::Sent(text) => return Some(text.clone()),
        Identifier::Answered(path) => path,
    };
    let in_body = answer.json.as_ref().and_then(|json| at_path(json, path)).and_then(|id| match id {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    in_body.or_else(|| answer.location.as_ref()?.rsplit('/').next().map(str::to_owned))
}

/// The answer, and its headers: a token may be in one.
async fn read(request: reqwest::RequestBuilder) -> Result<(Answer, Vec<(String, String)>), reqwest::Error> {
    let mut answer = request.send().await?;
    let status = answer.status().as_u16();
    let location = answer.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let text = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    let headers = answer.headers().iter().filter_map(text).collect();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() >= MAX_BODY {
            break;
        }
    }
    Ok((Answer { location, ..Answer::new(status, String::from_utf8_lossy(&body).into_owned()) }, headers))
}
