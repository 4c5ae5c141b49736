//! A flow while it is written down: the calls of one client in their order, and the case that they make. Must not know
//! single checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Call, Credentials, Endpoint, Subject};
use crate::checks::Check;
use crate::oracle::{Decision, Relation};
use crate::plan::{Action, Case, Control, Detail, Draft, Phase, Role, StepId, Trial};
use crate::target::{Client, GrantType, SecretMethod};

/// A registered client and its name.
#[derive(Clone, Debug)]
pub(crate) struct Registered {
    pub(crate) id: String,
    pub(crate) client: Client,
    /// Whether there is somebody to log in.
    pub(crate) has_people: bool,
}

/// One flow.
pub(crate) struct Script<'d, 'a> {
    draft: &'d mut Draft<'a>,
    group: usize,
    number: usize,
    registered: Registered,
    /// Each with what it is for.
    steps: Vec<(StepId, Role, Endpoint)>,
}

/// A parameter changed; without a value it is left out.
pub(crate) type Change<'c> = (&'c str, Option<&'c str>);

/// The clients of the provider, by name.
pub(crate) fn clients(draft: &Draft<'_>) -> Vec<Registered> {
    if !draft.is_first() {
        return Vec::new();
    }
    let has_people = !draft.personas().is_empty();
    let clients = draft.target.provider.iter().flat_map(|provider| &provider.clients);
    clients.map(|(id, client)| Registered { id: id.clone(), client: client.clone(), has_people }).collect()
}

/// The clients with which a grant can be tried.
pub(crate) fn clients_with(draft: &Draft<'_>, grant: GrantType) -> Vec<Registered> {
    clients(draft).into_iter().filter(|registered| registered.obstacle(grant).is_none()).collect()
}

impl Registered {
    /// Whether the client may use a grant.
    pub(crate) fn has(&self, grant: GrantType) -> bool {
        self.client.grants.contains(&grant)
    }

    /// Why a grant cannot be tried with it.
    pub(crate) fn obstacle(&self, grant: GrantType) -> Option<String> {
        let logs_in = matches!(grant, GrantType::AuthorizationCode | GrantType::RefreshToken);
        let said = |holds: bool, reason: &str| holds.then(|| reason.to_owned());
        said(!self.has(grant), "it is not registered for this grant")
            .or_else(|| self.client.no_proof.clone())
            .or_else(|| self.client.no_login.clone().filter(|_| logs_in))
            .or_else(|| said(grant != GrantType::ClientCredentials && !self.has_people, "there is nobody to log in"))
            .or_else(|| {
                let without = grant == GrantType::RefreshToken && !self.has(GrantType::AuthorizationCode);
                said(without, "refreshing is only tried after a login by code")
            })
            .or_else(|| said(logs_in && self.client.redirect_uris.is_empty(), "it has no redirect URI"))
    }

    /// Whether it has no secret (RFC 6749 §2.1).
    pub(crate) fn is_public(&self) -> bool {
        self.client.secret.is_none()
    }

    /// Its first redirect URI.
    pub(crate) fn redirect_uri(&self) -> &str {
        self.client.redirect_uris.first().map_or("", String::as_str)
    }

    /// How it proves who it is, as registered.
    pub(crate) fn credentials(&self) -> Credentials {
        self.with_secret(&format!("${{secret:{}}}", self.id))
    }

    /// The same with another secret.
    pub(crate) fn with_secret(&self, secret: &str) -> Credentials {
        let (id, secret) = (self.id.clone(), secret.to_owned());
        match (&self.client.secret, self.client.secret_method) {
            (None, _) => Credentials::None,
            (Some(_), Some(SecretMethod::Post)) => Credentials::Post(id, secret),
            (Some(_), Some(SecretMethod::Basic) | None) => Credentials::Basic(id, secret),
        }
    }

    /// What a login asks for.
    fn scope(&self) -> String {
        let own = self.client.scopes.iter().map(String::as_str);
        std::iter::once("openid").chain(own.filter(|scope| *scope != "openid")).collect::<Vec<_>>().join(" ")
    }
}

impl<'d, 'a> Script<'d, 'a> {
    /// A flow of a client, without a call yet.
    pub(crate) fn open(draft: &'d mut Draft<'a>, registered: &Registered) -> Self {
        let group = draft.group(Phase::Flow);
        // The number of its group is a flow's own.
        Self { draft, group, number: group, registered: registered.clone(), steps: Vec::new() }
    }

    /// A value that belongs to this flow alone and is the same in each run with the same seed: 43 characters, as a PKCE
    /// verifier has at least (RFC 7636 §4.1).
    pub(crate) fn value(&self, what: &str) -> String {
        base64(&format!("{what} {} {}", self.draft.plan.seed, self.number))
    }

    /// The code challenge of this flow (RFC 7636 §4.2).
    pub(crate) fn challenge(&self) -> String {
        base64(&self.value("verifier"))
    }

    /// Sends somebody to the authorization endpoint; through a pushed request, where the client must.
    pub(crate) fn authorize(&mut self, role: Role, changes: &[Change<'_>]) -> StepId {
        let (id, scope) = (self.registered.id.clone(), self.registered.scope());
        let persona = self.draft.personas().into_iter().next().unwrap_or_default();
        let (state, nonce, challenge) = (self.value("state"), self.value("nonce"), self.challenge());
        let parameters = [
            ("response_type", "code"),
            ("client_id", &id),
            ("redirect_uri", self.registered.redirect_uri()),
            ("scope", &scope),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            // Without a page and without a password: the provider of a stack logs in whom it is told.
            ("login_hint", &persona),
            ("prompt", "none"),
        ];
        let parameters = changed(&parameters, changes);
        if !self.registered.client.must_push {
            return self.send(role, Endpoint::Authorization, parameters, Credentials::None);
        }
        let credentials = self.registered.credentials();
        let without_id = matches!(credentials, Credentials::Post(..));
        let pushed = parameters.into_iter().filter(|(name, _)| !(without_id && name == "client_id")).collect();
        self.send(role, Endpoint::PushedAuthorization, pushed, credentials);
        let reference = changed(&[("client_id", &id), ("request_uri", "${request_uri}")], &[]);
        self.send(role, Endpoint::Authorization, reference, Credentials::None)
    }

    /// Redeems the code of this flow.
    pub(crate) fn redeem(&mut self, role: Role, changes: &[Change<'_>]) -> StepId {
        self.redeem_as(role, changes, self.registered.credentials())
    }

    /// The same with other credentials.
    pub(crate) fn redeem_as(&mut self, role: Role, changes: &[Change<'_>], credentials: Credentials) -> StepId {
        let verifier = self.value("verifier");
        let parameters = [
            ("grant_type", GrantType::AuthorizationCode.as_str()),
            ("code", "${code}"),
            ("redirect_uri", self.registered.redirect_uri()),
            ("code_verifier", &verifier),
        ];
        let parameters = changed(&parameters, changes);
        self.token(role, parameters, credentials)
    }

    /// Uses a refresh token.
    pub(crate) fn refresh(&mut self, role: Role, changes: &[Change<'_>]) -> StepId {
        self.refresh_as(role, changes, self.registered.credentials())
    }

    /// The same with other credentials.
    pub(crate) fn refresh_as(&mut self, role: Role, changes: &[Change<'_>], credentials: Credentials) -> StepId {
        let parameters = [("grant_type", GrantType::RefreshToken.as_str()), ("refresh_token", "${refresh_token}")];
        self.token(role, changed(&parameters, changes), credentials)
    }

    /// Asks for a token of the client's own.
    pub(crate) fn own_token(&mut self, role: Role, changes: &[Change<'_>], credentials: Credentials) -> StepId {
        let parameters = [("grant_type", GrantType::ClientCredentials.as_str())];
        self.token(role, changed(&parameters, changes), credentials)
    }

    /// Asks for codes for a device (RFC 8628 §3.1).
    pub(crate) fn begin_device(&mut self, role: Role) -> StepId {
        let (credentials, id) = (self.registered.credentials(), self.registered.id.clone());
        let named = (credentials == Credentials::None).then(|| ("client_id".to_owned(), id));
        self.send(role, Endpoint::DeviceAuthorization, named.into_iter().collect(), credentials)
    }

    /// The person agrees.
    pub(crate) fn answer_device(&mut self, role: Role, persona: &str) -> StepId {
        let parameters = vec![("persona".to_owned(), persona.to_owned())];
        self.send(role, Endpoint::DeviceAnswer, parameters, Credentials::Control)
    }

    /// The device asks for its tokens (RFC 8628 §3.4).
    pub(crate) fn redeem_device(&mut self, role: Role) -> StepId {
        let parameters = [("grant_type", GrantType::DeviceCode.as_str()), ("device_code", "${device_code}")];
        self.token(role, changed(&parameters, &[]), self.registered.credentials())
    }

    /// Asks the token endpoint; a client without a secret says who it is (RFC 6749 §3.2.1).
    pub(crate) fn token(
        &mut self,
        role: Role,
        mut parameters: Vec<(String, String)>,
        credentials: Credentials,
    ) -> StepId {
        let named = parameters.iter().any(|(name, _)| name == "client_id");
        if credentials == Credentials::None && !named {
            parameters.push(("client_id".to_owned(), self.registered.id.clone()));
        }
        self.send(role, Endpoint::Token, parameters, credentials)
    }

    /// Asks about, or gives up, a token as this client.
    pub(crate) fn about(&mut self, role: Role, endpoint: Endpoint, token: &str) -> StepId {
        let credentials = self.registered.credentials();
        let id = self.registered.id.clone();
        let named = (credentials == Credentials::None).then(|| ("client_id".to_owned(), id));
        let parameters = std::iter::once(("token".to_owned(), token.to_owned())).chain(named).collect();
        self.send(role, endpoint, parameters, credentials)
    }

    /// Adds any call.
    pub(crate) fn send(
        &mut self,
        role: Role,
        endpoint: Endpoint,
        parameters: Vec<(String, String)>,
        credentials: Credentials,
    ) -> StepId {
        // What the second answer of a kind brings is kept beside what the first did.
        let before = self.steps.iter().filter(|(_, _, known)| *known == endpoint).count();
        let suffix = ["", "_2", "_3", "_4"].get(before).copied().unwrap_or("_5");
        let client = self.registered.id.clone();
        let call = Call { flow: self.number, client, endpoint, parameters, credentials, suffix };
        let step = self.draft.step(self.group, role, Action::Flow(Box::new(call)));
        self.steps.push((step, role, endpoint));
        step
    }

    /// Goes on as another client.
    pub(crate) fn become_client(&mut self, registered: &Registered) {
        self.registered = registered.clone();
    }

    /// What this flow shows, for one client and grant. Of the attack, the last step is the one in question; what was set
    /// up must have worked, and so must the sound run of the grant.
    pub(crate) fn case(self, check: &'static Check, (of, grant): (&Registered, GrantType), question: Question<'_>) {
        let of_role = |wanted: Role| {
            let steps = self.steps.iter().filter(move |(_, role, _)| *role == wanted);
            steps.map(|(step, _, endpoint)| (*step, *endpoint)).collect::<Vec<_>>()
        };
        // A sound run is the control of others and has none of its own.
        let mut attacks = [of_role(Role::Control), of_role(Role::Attack)].concat();
        let Some((attack, endpoint)) = attacks.pop() else { return };
        let only = |steps: Vec<(StepId, Endpoint)>| steps.into_iter().map(|(step, _)| step).collect::<Vec<_>>();
        let control = sound_run(self.draft, &of.id, grant);
        let mut needs = control.as_ref().map_or_else(Vec::new, |(_, needs)| needs.clone());
        needs.extend(only(of_role(Role::Setup)));
        let variant = if question.variant.is_empty() { String::new() } else { format!(":{}", question.variant) };
        let case = Case {
            id: format!("{}:{}:{}{variant}", check.id, endpoint.as_str(), of.id),
            check: check.id,
            operation: endpoint.as_str().to_owned(),
            persona: None,
            relation: Relation::None,
            expected: Decision::Deny,
            trial: Trial {
                attack,
                control: control.map(|(step, _)| Control { step, persona: of.id.clone(), ..Control::default() }),
                needs,
                ..Trial::default()
            },
            detail: Detail::Flow(Box::new(Subject {
                client: Some(of.id.clone()),
                grant: Some(grant),
                earlier: only(attacks),
                between: only(of_role(Role::Change)),
                proofs: only(of_role(Role::Probe)),
                value: question.value.to_owned(),
                obstacle: None,
            })),
        };
        self.draft.case(case);
    }
}

/// What a case asks beside its calls.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Question<'q> {
    /// The last part of its id.
    pub(crate) variant: &'q str,
    /// What the judge compares with.
    pub(crate) value: &'q str,
}

/// A question of this name that compares with nothing.
pub(crate) fn variant(variant: &str) -> Question<'_> {
    Question { variant, value: "" }
}

/// A case that looks at what the sound run of a login brought, at one of its endpoints: nothing more is sent.
pub(crate) fn judge_sound_run(
    draft: &mut Draft<'_>,
    check: &'static Check,
    registered: &Registered,
    (endpoint, variant): (Endpoint, &str),
) {
    let Some((last, before)) = sound_run(draft, &registered.id, GrantType::AuthorizationCode) else { return };
    let is_there = |step: &StepId| match draft.plan.steps.get(*step).map(|step| &step.action) {
        Some(Action::Flow(call)) => call.endpoint == endpoint,
        _ => false,
    };
    let Some(attack) = before.iter().chain([&last]).copied().find(is_there) else { return };
    let variant = if variant.is_empty() { String::new() } else { format!(":{variant}") };
    draft.case(Case {
        id: format!("{}:{}:{}{variant}", check.id, endpoint.as_str(), registered.id),
        check: check.id,
        operation: endpoint.as_str().to_owned(),
        persona: None,
        relation: Relation::None,
        expected: Decision::Deny,
        trial: Trial { attack, needs: before.into_iter().filter(|step| *step < attack).collect(), ..Trial::default() },
        detail: Detail::Flow(Box::new(Subject {
            client: Some(registered.id.clone()),
            grant: Some(GrantType::AuthorizationCode),
            ..Subject::default()
        })),
    });
}

/// The step that shows that a grant works for a client, the last of its sound run, and the steps before it.
fn sound_run(draft: &Draft<'_>, client: &str, grant: GrantType) -> Option<(StepId, Vec<StepId>)> {
    let is_it = |case: &&Case| {
        let Detail::Flow(subject) = &case.detail else { return false };
        let same = subject.client.as_deref() == Some(client) && subject.grant == Some(grant);
        same && case.check == super::checks::CONTROL.id && subject.obstacle.is_none()
    };
    let case = draft.plan.cases.iter().find(is_it)?;
    Some((case.trial.attack, case.trial.needs.clone()))
}

/// Parameters with changes laid over them.
pub(crate) fn changed(parameters: &[(&str, &str)], changes: &[Change<'_>]) -> Vec<(String, String)> {
    let change = |name: &str| changes.iter().find(|(changed, _)| *changed == name).map(|(_, value)| *value);
    let kept = parameters.iter().filter_map(|(name, value)| Some((*name, change(name).unwrap_or(Some(*value))?)));
    let known = |name: &str| parameters.iter().any(|(known, _)| *known == name);
    let added = changes.iter().filter(|(name, _)| !known(name)).filter_map(|(name, value)| Some((*name, (*value)?)));
    kept.chain(added).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn base64(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}
