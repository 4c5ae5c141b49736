//! The layer `flow` against a provider that is sound until it is given one flaw: each flaw is named by exactly the check
//! that is meant for it, and nothing is said about a sound provider, whatever its habits.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail this way, its helpers too")]

mod endpoints;
mod flaws;
mod provider;
mod redirects;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use security_tests::access::AccessRules;
use security_tests::report::{self, Colour};
use security_tests::run::JudgedCase;
use security_tests::target::{Client, GrantType, Persona, Provider, SecretMethod};
use security_tests::verdict::{Layer, Outcome, Tier, Verdict};
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
            must_push: name == "pushed",
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
        api: Api::parse("openapi: 3.1.0\npaths: { /health: { get: { operationId: health, security: [] } } }\n")
            .unwrap(),
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
        base: None,
        controls: Default::default(),
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

#[tokio::test]
async fn no_report_holds_a_secret_a_code_or_a_token() {
    let run = attack("codes may be used again").await;
    let texts = [
        report::json(&run).to_string(),
        report::junit(&run),
        report::html(&run).to_string(),
        report::terminal(&run, 100, Colour::None),
        report::transcript(&run),
        run.plan.to_string(),
        format!("{:?}", run.exchanges),
    ];
    for text in texts {
        for (name, client) in provider::clients() {
            let secret = client.secret.unwrap_or("eyJ");
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            assert!(!text.contains(secret) && !text.contains(&encoded), "{name}: {secret} in {text}");
        }
        assert!(!text.contains("urn:ietf:params:oauth:request_uri:"), "{text}");
    }
    let finding = &run.findings[0];
    assert_eq!(
        (finding.id.as_str(), finding.personas.join(" ").as_str()),
        ("code-reuse:token", "app pushed shop short")
    );
    let shown = report::terminal(&run, 100, Colour::None);
    assert!(shown.contains(r#"--data-urlencode 'code='"$CODE" "#), "{shown}");
}

#[tokio::test]
async fn a_case_can_be_asked_again_alone_and_shards_share_the_rest() {
    let target = target(&provider::start("pkce unknown").await);
    let only = Options { only: vec!["pkce-verifier:token".into()], ..options() };
    let again = ask(&target, &only).await;
    assert!(
        again.cases.iter().all(|case| case.check == "pkce-verifier") && again.cases.len() == 12,
        "{:?}",
        again.cases
    );
    assert_eq!(again.findings.len(), 1);
    let whole: BTreeSet<String> = plan(&target, &options()).unwrap().cases.into_iter().map(|case| case.id).collect();
    let part = |index| Options { shard: Some(security_tests::plan::Shard { index, count: 2 }), ..options() };
    let parts = [1, 2].map(|index| plan(&target, &part(index)).unwrap().cases);
    assert!(parts.iter().all(|part| !part.is_empty()));
    let together: Vec<String> = parts.into_iter().flatten().map(|case| case.id).collect();
    assert_eq!(together.len(), whole.len());
    assert_eq!(together.into_iter().collect::<BTreeSet<_>>(), whole);
}

#[tokio::test]
async fn a_refusal_without_a_sound_run_proves_nothing() {
    let mut target = target(&provider::start("strict").await);
    if let Some(shop) = target.provider.as_mut().and_then(|provider| provider.clients.get_mut("shop")) {
        shop.secret = Some(Secret::new("one that was changed"));
    }
    let run = ask(&target, &options()).await;
    let of = |client: &str| run.cases.iter().filter(|case| case.client.as_deref() == Some(client)).collect::<Vec<_>>();
    let proven = |case: &&&JudgedCase| matches!(case.outcome, Outcome::Pass(_) | Outcome::Fail(..));
    assert!(of("app").iter().any(|case| proven(&case)));
    // What asks for no secret still is proven.
    let without_secret = |case: &&JudgedCase| !matches!(case.operation.as_str(), "authorize");
    assert_eq!(of("shop").into_iter().filter(without_secret).filter(|case| proven(&case)).count(), 0);
    assert_eq!(run.verdict(), Verdict::Inconclusive);
}

#[tokio::test]
async fn a_provider_that_is_down_is_inconclusive_and_a_budget_is_kept() {
    let target = target("http://127.0.0.1:9");
    let down = ask(&target, &options()).await;
    assert_eq!((down.findings.len(), down.verdict()), (0, Verdict::Inconclusive));
    let cut = ask(&target, &Options { budget: Some(std::time::Duration::ZERO), ..options() }).await;
    assert!(cut.cases.iter().all(|case| matches!(case.outcome, Outcome::NotRun(_))));
}

#[tokio::test]
async fn a_client_that_cannot_be_tried_is_said_and_not_counted() {
    let mut target = target(&provider::start("strict").await);
    let clients = &mut target.provider.as_mut().unwrap().clients;
    clients.retain(|name, _| matches!(name.as_str(), "short" | "worker"));
    clients.get_mut("short").unwrap().no_login = Some("it asks people for consent".into());
    let run = ask(&target, &options()).await;
    assert_eq!(run.verdict(), Verdict::Pass, "{:?}", run.open_questions());
    let shown = report::terminal(&run, 100, Colour::None);
    let expected = "client  code  client credentials
short   ○     –
worker  –     ✓ 8

✓ all as expected  ✗ findings  ! advice  ? unproven  – not registered for it
○ not tried: short (code): it asks people for consent
";
    assert!(shown.starts_with(expected), "{shown}");
}

#[test]
fn a_layer_without_a_provider_or_without_clients_says_why_it_has_nothing_to_do() {
    let reason = |target: &Target| plan(target, &options()).unwrap().layers[0].skipped.clone().unwrap();
    let mut target = target("http://127.0.0.1:9");
    target.provider.as_mut().unwrap().clients.clear();
    assert_eq!(reason(&target), "no client is registered at the provider");
    target.provider = None;
    assert_eq!(reason(&target), "there is no provider of a stack: a login of the API's own is no OAuth");
}

#[test]
fn a_plan_shows_every_call_before_one_is_sent() {
    let text = plan(&target("http://127.0.0.1:9"), &options()).unwrap().to_string();
    let lines = [
        "  setup    provider metadata\n  setup    published keys\n",
        "  setup    authorization endpoint as short: response_type=code, client_id=short, redirect_uri=https://short.example/callback, scope=openid, state=",
        "  attack   token endpoint as shop with ${secret:shop} in the header: grant_type=authorization_code, code=${code}, redirect_uri=https://shop.example/callback, code_verifier=",
        "  attack   token endpoint as worker with devenv-wrong-secret in the body: grant_type=client_credentials\n",
    ];
    for line in lines {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}
