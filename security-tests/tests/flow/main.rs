//! The layer `flow` against a provider that is sound until it is given one flaw: each flaw is named by exactly the check
//! that is meant for it, and nothing is said about a sound provider, whatever its habits.

mod flaws;
mod provider;
mod redirects;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use security_tests::access::AccessRules;
use security_tests::target::{Client, GrantType, Persona, Provider, SecretMethod};
use security_tests::verdict::{Layer, Tier, Verdict};
use security_tests::{Api, Options, Run, Secret, Target, plan, run};

fn registered() -> BTreeMap<String, Client> {
    let grant = |name: &&str| GrantType::ALL.into_iter().find(|grant| grant.as_str() == *name);
    let lower = |(name, client): (&str, provider::Client)| {
        let client = Client {
            secret: client.secret.map(Secret::new),
            secret_method: match client.method {
                "client_secret_basic" => Some(SecretMethod::Basic),
                "client_secret_post" => Some(SecretMethod::Post),
                _ => None,
            },
            redirect_uris: client.redirect_uris.iter().map(|uri| (*uri).to_owned()).collect(),
            grants: client.grants.iter().filter_map(grant).collect(),
            scopes: client.scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            ..Client::default()
        };
        (name.to_owned(), client)
    };
    provider::clients().into_iter().map(lower).collect()
}

fn target(issuer: &str) -> Target {
    Target {
        name: "flow".into(),
        base_url: "http://127.0.0.1:9".into(),
        api: Api::parse("openapi: 3.1.0\npaths: { /health: { get: { operationId: health, security: [] } } }\n").unwrap(),
        access: AccessRules::default(),
        personas: BTreeMap::from([("alice".to_owned(), Persona::default())]),
        provider: Some(Provider {
            issuer: issuer.into(),
            control_token: Secret::new("control"),
            audience: None,
            clients: registered(),
        }),
        directory: None,
        decider: None,
        lock: None,
        words: Default::default(),
    }
}

fn options() -> Options {
    Options {
        layers: vec![Layer::Flow],
        tier: Tier::Hardening,
        seed: 7,
        started_at: "2026-11-22T00:00:00Z".into(),
        ..Options::default()
    }
}

async fn ask(target: &Target, options: &Options) -> Run {
    run(&plan(target, options).unwrap(), target, &mut |_| {}).await
}

async fn attack(flaw: &'static str) -> Run {
    ask(&target(&provider::start(flaw).await), &options()).await
}

#[tokio::test]
async fn every_flaw_is_found_and_named_by_the_check_that_is_meant_for_it() {
    let runs = futures_util::stream::iter(flaws::FLAWS).map(|(flaw, check)| async move {
        let run = attack(flaw).await;
        let found: BTreeSet<&str> = run.findings.iter().map(|finding| finding.check).collect();
        let fails = run.verdict() == Verdict::Fail;
        (found != BTreeSet::from([*check]) || !fails)
            .then(|| format!("{flaw}: expected {check}, found {found:?} {:?}", run.open_questions()))
    });
    let wrong: Vec<String> = runs.buffer_unordered(4).filter_map(|wrong| async { wrong }).collect().await;
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), flaws::FLAWS.len(), wrong.join("\n"));
    println!("{} flaws found", flaws::FLAWS.len());
}

#[tokio::test]
async fn nothing_is_said_about_a_sound_provider_whatever_its_habits() {
    for habit in flaws::HABITS {
        let run = attack(habit).await;
        assert!(run.findings.is_empty(), "{habit}: {:#?}", run.findings);
        assert_eq!((run.open_questions(), run.verdict()), (vec![], Verdict::Pass), "{habit}");
    }
}

#[test]
fn every_check_of_the_layer_is_there_for_a_flaw() {
    let of_layer = security_tests::checks::ALL.iter().filter(|check| check.layer == Layer::Flow);
    let all: BTreeSet<&str> = of_layer.map(|check| check.id).collect();
    let proven: BTreeSet<&str> = flaws::FLAWS.iter().map(|(_, check)| *check).collect();
    let unproven: Vec<&&str> = all.difference(&proven).collect();
    // The control is never a finding.
    assert_eq!(unproven, [&"grant-control"]);
}
