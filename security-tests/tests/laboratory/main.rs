//! The unit test of the token catalogue: verifiers with one mistake each. Every mistake is found by a token or a request
//! of the catalogue and named by the one check that is meant for it; a strict verifier accepts nothing and a run against
//! it is silent.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail this way, its helpers too"
)]

mod flaws;
mod keys;
mod libraries;
mod members;
mod proof;
mod service;
mod verifier;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use security_tests::access::*;
use security_tests::target::{Directory, Persona, Provider};
use security_tests::tokens::words::{Project, guess};
use security_tests::tokens::{Basis, Forgery, Materials, SHAPES, catalogue, forge};
use security_tests::verdict::{Layer, Tier};
use security_tests::{Api, Options, Run, Secret, Target, Verdict, plan, run};
use serde_json::{Map, Value, json};

use keys::Key;
use service::{Laboratory, now};

const DOCUMENT: &str = r#"
openapi: 3.1.0
info: { title: Tea Shop, version: "1" }
security: [{ bearer: [] }]
paths:
  /me: { get: { operationId: readMe } }
  /notes: { post: { operationId: createNote } }
  /notes/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    get: { operationId: readNote }
    patch:
      operationId: updateNote
      requestBody: { content: { application/json: { schema: { type: object, properties: { text: { type: string } } } } } }
  /export: { get: { operationId: exportNotes } }
  /health: { get: { operationId: health, security: [] } }
"#;

fn target(url: &str) -> Target {
    let rule = |allow: Vec<Grant>| Rule { allow, ..Rule::default() };
    let rules = [
        ("readMe", rule(vec![Grant::Authenticated])),
        ("createNote", rule(vec![Grant::Authenticated])),
        ("readNote", Rule { on: Some("note".into()), ..rule(vec![Grant::Owner]) }),
        ("updateNote", Rule { on: Some("note".into()), ..rule(vec![Grant::Owner]) }),
        ("exportNotes", rule(vec![Grant::Role("admin".into())])),
        ("health", rule(vec![Grant::Anyone])),
    ];
    let note = Resource {
        create: Some(Creation { operation: "createNote".into(), json: json!({"text": "${canary}"}) }),
        id: Identifier::Answered("$.id".into()),
        within: None,
        read: "readNote".into(),
        server_owned: Vec::new(),
        hidden: Hidden::default(),
        entity: Entity { kind: "Note".into(), owner: "owner".into(), tenant: "tenant".into() },
        lifecycle: Default::default(),
    };
    let personas = [
        ("alice", "acme", "customer"),
        ("bob", "acme", "customer"),
        ("mallory", "globex", "customer"),
        ("root", "globex", "admin"),
    ];
    let persona =
        |tenant: &str, role: &str| Persona { tenant: Some(tenant.into()), roles: vec![role.into()], account: None };
    Target {
        name: verifier::AUDIENCE.into(),
        base_url: url.into(),
        api: Api::parse(DOCUMENT).unwrap(),
        access: AccessRules {
            resources: BTreeMap::from([("note".to_owned(), note)]),
            rules: rules.into_iter().map(|(name, rule)| (name.to_owned(), rule)).collect(),
            ..AccessRules::default()
        },
        personas: personas.into_iter().map(|(name, tenant, role)| (name.to_owned(), persona(tenant, role))).collect(),
        provider: Some(Provider {
            issuer: url.into(),
            control_token: Secret::new("control"),
            audience: None,
            clients: BTreeMap::new(),
        }),
        directory: Some(Directory { scim_url: format!("{url}/scim"), token: Secret::new("directory") }),
        decider: None,
        lock: None,
        base: None,
        words: Project { names: Vec::new(), texts: vec!["PORT=8080\nJWT_SECRET=\"tr0ub4dor&3\"".into()] },
        controls: Default::default(),
    }
}

async fn attack(flaw: &str) -> Run {
    let laboratory = Laboratory::start(flaw).await;
    let target = target(&laboratory.url);
    let options = Options {
        layers: vec![Layer::Token],
        tier: Tier::Hardening,
        seed: 7,
        started_at: "2026-11-22T00:00:00Z".into(),
        ..Options::default()
    };
    run(&plan(&target, &options).unwrap(), &target, &mut |_| {}).await
}

/// Every token of the catalogue that can be made in a laboratory, made for alice.
fn tokens(laboratory: &Laboratory) -> Vec<(&'static Forgery, String)> {
    let token = laboratory.mint(&json!({"persona": "alice"}));
    let other = laboratory.mint(&json!({"persona": "bob"}));
    let (attacker, published) = (Key::es(), laboratory.published());
    let part = |at: usize| -> Map<String, Value> {
        use base64::Engine;
        let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap());
        serde_json::from_slice(&text.unwrap()).unwrap()
    };
    let (header, claims) = (part(0), part(1));
    let names = vec![verifier::AUDIENCE.to_owned()];
    let guessed = guess(&token, &Project { names, texts: target("").words.texts });
    let basis = Basis { header: &header, claims: &claims, thumbprint: "t", now: now() };
    let materials = Materials {
        token: &token,
        other: &other,
        published: &published,
        attacker: &attacker,
        host: Some("http://attacker.example"),
        trusted: laboratory.url.trim_start_matches("http://"),
        guess: guessed.as_ref(),
    };
    let made = |forgery: &'static Forgery| match forge::to_mint(forgery, &basis, &other) {
        Some(mint) => {
            let signature = if mint.other_key { "other_key" } else { "valid" };
            let order = json!({"persona": "alice", "claims": mint.claims, "header": mint.header, "payload": mint.payload,
                "lifetime_seconds": mint.lifetime_seconds, "signature": signature});
            Some((forgery, laboratory.mint(&order)))
        }
        None => Some((forgery, forge::forge(forgery, &materials).ok()?)),
    };
    catalogue().filter_map(made).collect()
}

#[tokio::test]
async fn every_flaw_is_found_and_named_by_the_check_that_is_meant_for_it() {
    let runs = futures_util::stream::iter(flaws::FLAWS).map(|(flaw, check)| async move {
        let run = attack(flaw).await;
        let found: BTreeSet<&str> = run.findings.iter().map(|finding| finding.check).collect();
        (found != BTreeSet::from([*check]))
            .then(|| format!("{flaw}: expected {check}, found {found:?}\n{:#?}", run.findings))
    });
    let wrong: Vec<String> = runs.buffer_unordered(4).filter_map(|wrong| async { wrong }).collect().await;
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), flaws::FLAWS.len(), wrong.join("\n"));
    let names: BTreeSet<&str> = flaws::FLAWS.iter().map(|(flaw, _)| *flaw).collect();
    let checks: BTreeSet<&str> = flaws::FLAWS.iter().map(|(_, check)| *check).collect();
    println!("{} flaws found, by {} checks", names.len(), checks.len());
    assert!(names.len() == flaws::FLAWS.len() && names.len() >= 46);
}

#[tokio::test]
async fn a_run_against_a_strict_verifier_is_silent() {
    for strict in ["strict", "strict with rsa", "strict with a good secret"] {
        let run = attack(strict).await;
        assert!(run.findings.is_empty(), "{strict}: {:#?}", run.findings);
        assert_eq!((run.open_questions(), run.verdict()), (vec![], Verdict::Pass), "{strict}");
    }
}

#[test]
fn the_strict_verifier_accepts_a_good_token_and_no_other_each_for_the_right_reason() {
    let laboratory = Laboratory::new("strict", "http://127.0.0.1:1");
    let good = laboratory.mint(&json!({"persona": "alice"}));
    let refused = |token: &str| laboratory.verifier(&[], None, None).verify(token).map(|(subject, _)| subject);
    assert_eq!(refused(&good), Ok("alice".to_owned()));
    let tokens = tokens(&laboratory);
    for (forgery, token) in &tokens {
        let reason = refused(token);
        assert!(reason.is_err(), "{} is accepted", forgery.name);
        if forgery.check != "token-size" {
            assert_eq!(reason, Err(forgery.refused_for), "{}", forgery.name);
        }
    }
    let count = |tier: Tier| {
        let shapes = SHAPES.iter().filter(|shape| shape.tier == tier).count();
        (catalogue().filter(|forgery| forgery.tier == tier).count(), shapes)
    };
    let (exploit, profile, hardening) = (count(Tier::Exploit), count(Tier::Profile), count(Tier::Hardening));
    println!("tokens and request shapes: E {exploit:?}, P {profile:?}, H {hardening:?}");
    assert!(tokens.len() >= 90, "{}", tokens.len());
}

#[test]
fn every_token_is_there_for_a_flaw() {
    let mut useless: BTreeSet<&str> = catalogue().map(|forgery| forgery.name).collect();
    for (flaw, _) in flaws::of_tokens() {
        let laboratory = Laboratory::new(flaw, "http://127.0.0.1:1");
        let tokens = tokens(&laboratory);
        let issued = laboratory.issued.lock().unwrap().clone();
        for (forgery, token) in tokens {
            if laboratory.verifier(&issued, None, None).verify(&token).is_ok() {
                useless.remove(forgery.name);
            }
        }
    }
    // Shown by the time that they take.
    let elsewhere = ["claims-32-kib", "json-2000-deep", "pbes2-count", "zip-bomb"];
    assert_eq!(useless, BTreeSet::from(elsewhere));
}

#[test]
fn a_token_that_is_no_jwt_cannot_be_forged_and_that_is_said() {
    let attacker = Key::es();
    let materials = Materials {
        token: "opaque",
        other: "opaque",
        published: &[],
        attacker: &attacker,
        host: None,
        trusted: "",
        guess: None,
    };
    let first = catalogue().next().unwrap();
    assert_eq!(forge::forge(first, &materials), Err("the token is not a JWT".to_owned()));
}

proptest::proptest! {
    #[test]
    fn whatever_a_token_is_forging_it_ends_in_a_token_or_a_reason(token in r"[\x20-\x7e]{0,40}|[A-Za-z0-9_-]{0,12}\.[A-Za-z0-9_-]{0,12}\.[A-Za-z0-9_-]{0,12}|eyJhbGciOiJIUzI1NiJ9\.e30\.[A-Za-z0-9_-]{0,12}") {
        let attacker = Key::es();
        for forgery in catalogue() {
            let materials = Materials { token: &token, other: &token, published: &[], attacker: &attacker, host: None, trusted: "", guess: None };
            let _ = forge::forge(forgery, &materials);
        }
        let _ = guess(&token, &Project::default());
    }

    #[test]
    fn whatever_a_document_is_reading_it_ends(text in r"(openapi: 3\.[01]\.0\npaths:\n)?[ -~\n]{0,200}") {
        let _ = Api::parse(&text);
    }
}
