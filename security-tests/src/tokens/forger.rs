//! Forges tokens during a run: fetches what forgeries are made of when the first is needed, keeps it, and has the
//! provider mint what only it can make. Does I/O; must not know what the tokens are for.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use tokio::sync::{Mutex, OnceCell};

use super::catalogue::{Basis, Forgery, by_name};
use super::forge::{
    Make, Materials, Parts, Proof, ProofOf, Signer, Whose, certificate, forge, mint_with, prove, thumbprint, to_mint,
};
use super::host::Host;
use super::words::{self, Guess, Project};
use super::{Mint, der};
use crate::exchange::NoAnswer;
use crate::target::Target;

/// Where good tokens come from.
pub(crate) trait Source: Sync {
    /// The persona's token.
    fn token(&self, persona: &str) -> impl Future<Output = Result<String, NoAnswer>> + Send;
    /// A token minted to order; `NotApplicable` when nobody can.
    fn mint(&self, persona: &str, mint: &Mint) -> impl Future<Output = Result<String, NoAnswer>> + Send;
    /// The published keys, each as the text in the JWKS; none when none is published.
    fn published(&self) -> impl Future<Output = Result<Vec<String>, String>> + Send;
}

/// A forged token.
#[derive(Clone)]
pub(crate) struct Forged {
    pub(crate) token: String,
    /// What a report should say of how it was made.
    pub(crate) remark: Option<String>,
}

/// Forges the tokens of a run.
pub(crate) struct Forger {
    personas: Vec<String>,
    project: Project,
    /// Host of the issuer, else of the API.
    trusted: String,
    kit: OnceCell<Result<Kit, String>>,
    /// The shared secret of each signing algorithm, once looked for.
    guesses: Mutex<BTreeMap<String, Option<Guess>>>,
}

/// What forgeries are made of.
struct Kit {
    published: Vec<String>,
    attacker: AttackerKey,
    host: Option<Host>,
    /// Tells the proofs of this run from those of others.
    run: String,
}

impl Forger {
    pub(crate) fn new(target: &Target) -> Self {
        let issuer = target.provider.as_ref().map_or(&target.base_url, |provider| &provider.issuer);
        let trusted = issuer.split("://").nth(1).unwrap_or(issuer).split('/').next().unwrap_or_default().to_owned();
        let mut names = vec![target.name.clone(), target.api.title.clone(), trusted.clone()];
        names.extend(target.personas.keys().cloned());
        names.extend(target.words.names.iter().cloned());
        let project = Project { names, texts: target.words.texts.clone() };
        let personas = target.personas.keys().cloned().collect();
        Self { personas, project, trusted, kit: OnceCell::new(), guesses: Mutex::default() }
    }

    /// The persona's token, forged as the catalogue says.
    pub(crate) async fn forged<S: Source>(&self, source: &S, persona: &str, name: &str) -> Result<Forged, NoAnswer> {
        let forgery: &Forgery =
            by_name(name).ok_or_else(|| NoAnswer::NotSent(format!("there is no forgery `{name}`")))?;
        let token = source.token(persona).await?;
        let Some((header, claims)) = Parts::of(&token).and_then(|parts| Some((parts.header.clone(), parts.claims()?)))
        else {
            return Err(NoAnswer::NotApplicable("tokens are opaque".to_owned()));
        };
        let kit = self.kit(source).await?;
        let guess = self.guess(&token, &header).await;
        if let Make::Guessed(_) = forgery.make
            && guess.is_none()
        {
            return Err(NoAnswer::NotApplicable(self.why_no_guess(&header)));
        }
        let other = if needs_other(forgery.make) { self.other(source, persona).await? } else { String::new() };
        let thumbprint = thumbprint(&kit.attacker.jwk());
        let basis = Basis { header: &header, claims: &claims, thumbprint: &thumbprint, now: now() };
        if let Some(mint) = to_mint(forgery, &basis, &other) {
            match self.minted(source, (persona, &token), &mint, guess.as_ref()).await {
                // Nobody mints it: the attacker can still sign with a key of their own.
                Err(NoAnswer::NotApplicable(_)) if matches!(forgery.make, Make::OtherKey) => {}
                minted => return minted.map(|token| Forged { token, remark: None }),
            }
        }
        let materials = Materials {
            token: &token,
            other: &other,
            published: &kit.published,
            attacker: &kit.attacker,
            host: kit.host.as_ref().map(|host| host.url.as_str()),
            trusted: &self.trusted,
            guess: guess.as_ref(),
        };
        let token = forge(forgery, &materials).map_err(NoAnswer::NotApplicable)?;
        let remark = guess.filter(|_| matches!(forgery.make, Make::Guessed(_))).map(|guess| guess.to_string());
        Ok(Forged { token, remark })
    }

    /// A proof that the caller has the key that a token is bound to.
    pub(crate) async fn proof<S: Source>(
        &self,
        source: &S,
        (method, url, token): (&str, &str, &str),
        proof: Proof,
    ) -> Result<String, NoAnswer> {
        let kit = self.kit(source).await?;
        Ok(prove(&kit.attacker, ProofOf { method, url, token, run: &kit.run, now: now() }, proof))
    }

    async fn kit<S: Source>(&self, source: &S) -> Result<&Kit, NoAnswer> {
        let kit = self.kit.get_or_init(|| async {
            let published = source.published().await?;
            let attacker = AttackerKey::generate()?;
            let certificate = certificate(&attacker).map(|der| der::pem("CERTIFICATE", &der)).unwrap_or_default();
            let host = Host::start(key_set(&published, &attacker), certificate).await;
            let host =
                host.inspect_err(|reason| tracing::warn!(reason, "tokens that point to a key are left out")).ok();
            let run = thumbprint(&attacker.jwk());
            Ok(Kit { published, attacker, host, run })
        });
        kit.await.as_ref().map_err(|reason: &String| NoAnswer::NotSent(reason.clone()))
    }

    /// The shared secret; looked for once per algorithm, since one service signs with one key.
    async fn guess(&self, token: &str, header: &Map<String, Value>) -> Option<Guess> {
        let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or_default();
        if !algorithm.starts_with("HS") {
            return None;
        }
        let mut guesses = self.guesses.lock().await;
        guesses.entry(algorithm.to_owned()).or_insert_with(|| words::guess(token, &self.project)).clone()
    }

    fn why_no_guess(&self, header: &Map<String, Value>) -> String {
        match header.get("alg").and_then(Value::as_str).unwrap_or_default() {
            algorithm if algorithm.starts_with("HS") => {
                format!("none of {} words is the signing key", words::count(&self.project))
            }
            algorithm => format!("tokens are signed with {algorithm}, which has no shared secret"),
        }
    }

    /// A token of somebody else; where there is nobody else, another one of the same.
    async fn other<S: Source>(&self, source: &S, persona: &str) -> Result<String, NoAnswer> {
        for other in self.personas.iter().filter(|name| *name != persona) {
            if let Ok(token) = source.token(other).await {
                return Ok(token);
            }
        }
        source.mint(persona, &Mint::default()).await
    }

    async fn minted<S: Source>(
        &self,
        source: &S,
        (persona, token): (&str, &str),
        mint: &Mint,
        guess: Option<&Guess>,
    ) -> Result<String, NoAnswer> {
        match (source.mint(persona, mint).await, guess) {
            (Err(NoAnswer::NotApplicable(_)), Some(guess)) if !mint.other_key => {
                mint_with(guess.key(), token, mint, now()).map_err(NoAnswer::NotApplicable)
            }
            (minted, _) => minted,
        }
    }
}

fn needs_other(make: Make) -> bool {
    use super::forge::Damage;
    matches!(
        make,
        Make::Signature(Damage::OfAnother) | Make::Polyglot | Make::DoubledSubject(_) | Make::Guessed(Whose::Others)
    )
}

/// The attacker's key under every published name.
fn key_set(published: &[String], attacker: &AttackerKey) -> String {
    let names = published.iter().filter_map(|key| serde_json::from_str::<Value>(key).ok()?.get("kid").cloned());
    let named = names.chain([Value::Null]).map(|name| {
        let mut key = attacker.jwk();
        if let Some(members) = key.as_object_mut().filter(|_| !name.is_null()) {
            members.insert("kid".to_owned(), name);
        }
        key
    });
    json!({"keys": named.collect::<Vec<Value>>()}).to_string()
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}

/// The attacker's key, new in each run.
struct AttackerKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl AttackerKey {
    fn generate() -> Result<Self, String> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| "cannot make a key")?;
        Ok(Self { pair, random: SystemRandom::new() })
    }
}

impl Signer for AttackerKey {
    fn jwk(&self) -> Value {
        // Uncompressed point (SEC 1 §2.3.3): 4, then 32 bytes of x, then 32 of y.
        let point = self.pair.public_key().as_ref();
        let half = |from: usize| URL_SAFE_NO_PAD.encode(point.get(from..from + 32).unwrap_or_default());
        json!({"kty": "EC", "crv": "P-256", "x": half(1), "y": half(33)})
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(&self.random, message).map(|signature| signature.as_ref().to_vec()).unwrap_or_default()
    }
}
