//! Sends one request. Must not know plans beyond objects and placeholders.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper::header::HeaderMap;
use serde_json::Value;

use super::client::{Client, Outgoing, Received, SendError};
use super::flow::Flows;
use super::notes::Notes;
use super::patience::Patience;
use super::pulse::Pulse;
use super::secrets::{Secrets, without_tokens};
use super::sign_in;
use crate::access::{Identifier, StepUp};
use crate::exchange::{Answer, NoAnswer, at_path};
use crate::flow::Call;
use crate::plan::{BOUND, Credential, ObjectId, PlannedObject, Request, SignIn, TestPlan, Until, marker_prefix};
use crate::scim;
use crate::target::Target;
use crate::tokens::acquire::{Wallet, plain};
use crate::tokens::forger::{Forged, Forger, Source};
use crate::tokens::login::{LoginTokens, has_expired};
use crate::tokens::{Mint, Place};

/// How long one answer may take when nobody says.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait before a request is sent again that waits for something.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// One client with its tokens and the identifiers of the objects made so far.
pub(super) struct Transport<'a> {
    plan: &'a TestPlan,
    target: &'a Target,
    client: Client,
    wallet: Option<Wallet>,
    logins: Option<LoginTokens>,
    forger: Forger,
    secrets: Secrets,
    /// The identifier of each object, or why there is none.
    objects: Mutex<Vec<Result<String, String>>>,
    pulse: Pulse,
    patience: Patience,
    flows: Option<Flows>,
}

impl<'a> Transport<'a> {
    pub(super) fn new(plan: &'a TestPlan, target: &'a Target) -> Result<Self, String> {
        let client = Client::new(plan.timeout.unwrap_or(TIMEOUT))?;
        let strength = strongest(target);
        let wallet = target
            .provider
            .clone()
            .map(|provider| Wallet::new(client.reqwest.clone(), provider, (Forger::new(target), strength)));
        let logins = target.access.login.as_ref().map(|login| LoginTokens::new(login.key.clone()));
        let objects = Mutex::new(plan.objects.iter().map(|object| known_id(plan, object)).collect());
        let secrets = Secrets::of(target);
        let forger = Forger::new(target);
        Ok(Self {
            plan,
            target,
            client,
            wallet,
            logins,
            forger,
            secrets,
            objects,
            pulse: Pulse::default(),
            patience: Patience::default(),
            flows: target.provider.clone().map(Flows::new),
        })
    }

    /// Sends a request, again and again where the plan says so; the URL as it was sent comes back with the answer.
    pub(super) async fn send(&self, request: &Request, notes: &Notes) -> (String, Result<Answer, NoAnswer>) {
        let end = Instant::now() + BOUND;
        loop {
            let sent = self.send_once(request, notes).await;
            let Ok(answer) = &sent.1 else { return sent };
            let waits = match request.until {
                None => false,
                Some(Until::Refused) => answer.is_2xx(),
                Some(Until::Allowed) => !answer.is_2xx(),
            };
            if !waits || Instant::now() >= end {
                return sent;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            if let (Some(Until::Allowed), Credential::Fresh(persona)) = (request.until, &request.credential)
                && let Ok(token) = Box::pin(self.mint(persona, &Mint::default())).await
            {
                notes.lock().fresh = Some(token);
            }
        }
    }

    async fn send_once(&self, request: &Request, notes: &Notes) -> (String, Result<Answer, NoAnswer>) {
        let url = match self.path(&request.path) {
            Ok(path) => format!("{}{path}", self.plan.base_url),
            Err(reason) => {
                let unfilled = format!("{}{}", self.plan.base_url, request.path);
                return (unfilled, Err(NoAnswer::NotSent(reason)));
            }
        };
        let statement = match &request.statement {
            None => None,
            Some(statement) => match Box::pin(self.statement(statement, notes)).await {
                Ok(text) => Some(text),
                Err(reason) => return (url, Err(reason)),
            },
        };
        let statement = statement.as_ref().map(|(kind, text)| (*kind, text.as_str()));
        let result = match self.tokens(&request.credential, notes).await {
            Ok(tokens) => match self.exchange(request, (&url, statement), tokens.clone()).await {
                // A failure may be a coincidence: what changes nothing is asked once more before it counts.
                // A server that also drops the connection then has failed all the same.
                Ok(failed) if failed.status == 500 && request.method == "GET" => {
                    Ok(self.exchange(request, (&url, None), tokens).await.unwrap_or(failed))
                }
                result => result,
            },
            Err(reason) => Err(reason),
        };
        if let Some(object) = request.creates {
            self.remember(object, &result);
        }
        self.explain_login(request, &result, notes);
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
        let request = self.client.reqwest.patch(url).bearer_auth(directory.token.expose());
        let request = request.header("content-type", "application/scim+json").body(scim::patch(change).to_string());
        let answer =
            request.send().await.map_err(|error| NoAnswer::NotSent(format!("directory: {}", plain(&error))))?;
        Ok(Answer::new(answer.status().as_u16(), String::new()))
    }

    /// Asks the provider as one of its clients.
    pub(super) async fn ask_provider(&self, call: &Call) -> (String, Result<Answer, NoAnswer>) {
        match &self.flows {
            Some(flows) => flows.send(&self.client, call).await,
            None => (String::new(), Err(NoAnswer::NotSent("there is no provider".to_owned()))),
        }
    }

    pub(super) async fn mint_aged(&self, persona: &str, seconds: u64) -> Result<String, NoAnswer> {
        self.wallet()?.mint_aged(persona, seconds).await
    }

    pub(super) fn target(&self) -> &Target {
        self.target
    }

    pub(super) fn reqwest(&self) -> &reqwest::Client {
        &self.client.reqwest
    }

    /// What this run calls its own.
    pub(super) fn marker(&self) -> String {
        marker_prefix(self.plan)
    }

    pub(super) fn wallet(&self) -> Result<&Wallet, NoAnswer> {
        self.wallet.as_ref().ok_or_else(|| NoAnswer::NotSent("there is no provider".to_owned()))
    }

    /// Fills every identifier into a text.
    fn filled(&self, template: &str) -> Result<String, String> {
        let mut text = template.to_owned();
        while text.contains("${object:") {
            text = self.path(&text)?;
        }
        Ok(text)
    }

    /// Fills identifiers into a path, or into a header that names one.
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

    /// The tokens of a request, each with where it goes when that is not where tokens usually go.
    async fn tokens(&self, credential: &Credential, notes: &Notes) -> Result<Vec<(Option<Place>, Forged)>, NoAnswer> {
        let mut tokens = Vec::new();
        match credential {
            Credential::Pair(first, second) => {
                for credential in [first, second] {
                    tokens.extend(self.token(credential, notes).await?.map(|token| (None, token)));
                }
            }
            Credential::Placed(credential, place) => {
                tokens.extend(self.token(credential, notes).await?.map(|token| (Some(*place), token)));
            }
            credential => tokens.extend(self.token(credential, notes).await?.map(|token| (None, token))),
        }
        Ok(tokens)
    }

    async fn token(&self, credential: &Credential, notes: &Notes) -> Result<Option<Forged>, NoAnswer> {
        if let (Some(logins), None) = (&self.logins, &self.wallet) {
            return Box::pin(self.token_by_login(logins, credential)).await;
        }
        let token = match credential {
            Credential::Anonymous => return Ok(None),
            Credential::Forged(persona, name) => return Box::pin(self.wallet()?.forged(persona, name)).await.map(Some),
            Credential::Persona(actor) | Credential::Held(actor) => Box::pin(self.wallet()?.token(actor)).await?,
            Credential::Minted(persona, mint) => Box::pin(self.mint(persona, mint)).await?,
            Credential::Fresh(persona) => {
                let fresh = notes.lock().fresh.clone();
                fresh.ok_or_else(|| NoAnswer::NotSent(format!("there is no fresh token of `{persona}`")))?
            }
            Credential::Pair(..) | Credential::Placed(..) => {
                return Err(NoAnswer::NotSent("tokens cannot be placed twice".to_owned()));
            }
        };
        Ok(Some(Forged { token, remark: None }))
    }

    async fn token_by_login(&self, logins: &LoginTokens, credential: &Credential) -> Result<Option<Forged>, NoAnswer> {
        let identity = |actor: &str| self.plan.identity_of(actor).to_owned();
        let token = match credential {
            Credential::Anonymous => return Ok(None),
            Credential::Held(actor) => {
                logins.held(actor).unwrap_or_else(|| Err(NoAnswer::NotSent(format!("`{actor}` never logged in"))))?
            }
            Credential::Persona(actor) | Credential::Fresh(actor) => self.current(logins, actor).await?,
            Credential::Minted(actor, mint) => {
                logins.mint((actor, &self.current(logins, actor).await?), &identity(actor), mint)?
            }
            Credential::Forged(actor, name) => {
                let source = LoginSource { transport: self, logins };
                return self.forger.forged(&source, actor, name).await.map(Some);
            }
            Credential::Pair(..) | Credential::Placed(..) => {
                return Err(NoAnswer::NotSent("tokens cannot be placed twice".to_owned()));
            }
        };
        Ok(Some(Forged { token, remark: None }))
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
        drop(self.exchange(login, (&url, None), Vec::new()).await?);
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

    /// A login of an account that could not be registered says so: its own refusal explains nothing.
    fn explain_login(&self, request: &Request, result: &Result<Answer, NoAnswer>, notes: &Notes) {
        let Some(logins) = &self.logins else { return };
        let register = self.target.access.login.as_ref().and_then(|login| login.register.as_ref());
        if register.is_some_and(|register| register.operation == request.operation) {
            notes.lock().not_registered = match result {
                Ok(answer) if answer.is_2xx() && !answer.says_no(None) => None,
                Ok(answer) => Some(format!("was answered {}", answer.status)),
                Err(reason) => Some(format!("has no answer ({})", reason.reason())),
            };
        }
        let refused = notes.lock().not_registered.clone();
        let signed_in = result.as_ref().is_ok_and(|answer| answer.signed_in);
        if let (Some(SignIn::Keep(actor)), false, Some(how)) = (&request.signs_in, signed_in, refused) {
            logins.explain(actor, &format!("its registration {how}"));
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

    /// Puts a token where an attacker puts it.
    async fn place(
        &self,
        outgoing: &mut Outgoing,
        (request, url): (&Request, &str),
        (place, token): (Place, &str),
    ) -> Result<(), NoAnswer> {
        match place {
            Place::Query(name) => outgoing.query(name, token),
            Place::Cookie(name) => outgoing.header("cookie", format!("{name}={token}")).map_err(malformed)?,
            Place::Header(name) => outgoing.header(name, token).map_err(malformed)?,
            Place::Scheme(scheme) => {
                let value = format!("{scheme} {token}");
                outgoing.header("authorization", value.trim_start()).map_err(malformed)?;
            }
            Place::Proven(proof) => {
                let asked = (request.method.as_str(), url, token);
                let proof = match (&self.wallet, &self.logins) {
                    (None, Some(logins)) => {
                        self.forger.proof(&LoginSource { transport: self, logins }, asked, proof).await?
                    }
                    _ => self.wallet()?.proof(asked, proof).await?,
                };
                outgoing.header("authorization", format!("DPoP {token}")).map_err(malformed)?;
                outgoing.header("dpop", proof).map_err(malformed)?;
            }
        }
        Ok(())
    }

    async fn exchange(
        &self,
        request: &Request,
        (url, statement): (&str, Option<(&str, &str)>),
        tokens: Vec<(Option<Place>, Forged)>,
    ) -> Result<Answer, NoAnswer> {
        if self.pulse.is_dead() {
            return Err(NoAnswer::NotSent("the target does not answer".to_owned()));
        }
        let mut again = 0;
        loop {
            let (answer, retry_after) = self.once(request, (url, statement), &tokens).await?;
            if answer.status != 429 {
                return Ok(answer);
            }
            let Some(delay) = self.patience.delay(again, retry_after.as_deref()) else {
                // No denial and no success: whatever the judge would read into it is wrong.
                return Err(NoAnswer::Transport(format!("rate limited (429), also after {again} more attempts")));
            };
            tokio::time::sleep(delay).await;
            again += 1;
        }
    }

    /// The answer with its `Retry-After`.
    async fn once(
        &self,
        request: &Request,
        (url, statement): (&str, Option<(&str, &str)>),
        tokens: &[(Option<Place>, Forged)],
    ) -> Result<(Answer, Option<String>), NoAnswer> {
        let (mut outgoing, remark) = self.outgoing(request, url, tokens).await?;
        if let Some((kind, text)) = statement {
            outgoing.text(kind, text).map_err(malformed)?;
        }
        let began = Instant::now();
        let received = self.client.send(outgoing).await;
        let status = received.as_ref().map_or(0, |received| received.status);
        tracing::debug!(method = request.method, url, status);
        match &received {
            Ok(_) => self.pulse.answered(),
            Err(SendError::Malformed(_)) => {}
            Err(error) => {
                self.pulse.unanswered((began, Instant::now()), matches!(error, SendError::TimedOut));
            }
        }
        let received = received.map_err(|error| match error {
            SendError::Malformed(_) => malformed(error),
            error => NoAnswer::Transport(format!("the target does not answer: {error}")),
        })?;
        let retry_after = text(&received.headers, "retry-after");
        let headers = if request.signs_in.is_some() { texts(&received.headers) } else { Vec::new() };
        let mut answer = Answer { remark, ..answer(received) };
        self.sign_in(request, &mut answer, &headers);
        Ok((answer, retry_after))
    }

    /// The request as it goes out, and what there is to say of its token.
    async fn outgoing(
        &self,
        request: &Request,
        url: &str,
        tokens: &[(Option<Place>, Forged)],
    ) -> Result<(Outgoing, Option<String>), NoAnswer> {
        let mut outgoing = Outgoing::new(&request.method, url).map_err(malformed)?;
        outgoing.header("accept", "application/json").map_err(malformed)?;
        for (name, value) in &request.headers {
            outgoing.header(name, self.path(value).map_err(NoAnswer::NotSent)?).map_err(malformed)?;
        }
        let mut remark = None;
        for (place, forged) in tokens {
            match place {
                None => {
                    let (name, value) = request.carrier.header(&forged.token);
                    outgoing.header(&name, value).map_err(malformed)?;
                }
                Some(place) => Box::pin(self.place(&mut outgoing, (request, url), (*place, &forged.token))).await?,
            }
            remark = remark.or_else(|| forged.remark.clone());
        }
        match (&request.body, &request.twice) {
            (Some(body), _) if request.form => outgoing.form(&self.secrets.fill(body).map_err(NoAnswer::NotSent)?),
            (Some(body), Some(twice)) => outgoing.json(self.filled(&twice.text(body)).map_err(NoAnswer::NotSent)?),
            (Some(body), None) => outgoing.json(self.secrets.fill(body).map_err(NoAnswer::NotSent)?.to_string()),
            (None, _) => {}
        }
        Ok((outgoing, remark))
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

/// What the most demanding operation asks of the authentication behind a token: personas come with that.
fn strongest(target: &Target) -> StepUp {
    let asked = || target.access.rules.values().filter_map(|rule| rule.step_up.as_ref());
    StepUp {
        acr: asked().find_map(|step_up| step_up.acr.clone()),
        max_age: asked().filter_map(|step_up| step_up.max_age).min(),
    }
}

/// Good tokens of an API with a login of its own.
struct LoginSource<'t, 'a> {
    transport: &'t Transport<'a>,
    logins: &'t LoginTokens,
}

impl Source for LoginSource<'_, '_> {
    async fn token(&self, actor: &str) -> Result<String, NoAnswer> {
        self.transport.current(self.logins, actor).await
    }

    async fn mint(&self, actor: &str, mint: &Mint) -> Result<String, NoAnswer> {
        let token = self.transport.current(self.logins, actor).await?;
        self.logins.mint((actor, &token), self.transport.plan.identity_of(actor), mint)
    }

    async fn published(&self) -> Result<Vec<String>, String> {
        Ok(Vec::new())
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

/// What is kept of an answer; its headers are looked at and forgotten.
fn answer(received: Received) -> Answer {
    let location = text(&received.headers, "location");
    let challenge = text(&received.headers, "www-authenticate");
    let text =
        String::from_utf8(received.body).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Answer { location, challenge, ..Answer::new(received.status, text) }
}

/// One header as text.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// All headers as text: a token may be in one.
fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect()
}

fn malformed(error: SendError) -> NoAnswer {
    NoAnswer::NotSent(error.to_string())
}
