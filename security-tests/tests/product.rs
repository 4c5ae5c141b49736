//! A part of a run, a run with little time, and targets that behave badly: never a pass of what was not proven.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail this way, its helpers too"
)]
#![expect(dead_code, reason = "the support is shared with other test programs")]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use security_tests::plan::{PlanError, Shard};
use security_tests::verdict::{Layer, Outcome};
use security_tests::{Options, Run, Target, Verdict, plan, report, run};
use support::world::World;
use support::*;
use tokio::net::TcpListener;

fn options() -> Options {
    Options { seed: 7, started_at: "2026-11-22T00:00:00Z".into(), ..Options::default() }
}

async fn run_with(target: &Target, options: &Options) -> Run {
    run(&plan(target, options).unwrap(), target, &mut |_| {}).await
}

fn ids(run: &Run) -> BTreeSet<String> {
    run.cases.iter().map(|case| case.id.clone()).collect()
}

#[tokio::test]
async fn the_shards_of_a_run_are_the_whole_run() {
    let world = World::start(&["object-read"]).await;
    let target = target(&world);
    let whole = run_with(&target, &options()).await;
    let (mut cases, mut found, mut cells) = (BTreeSet::new(), Vec::new(), 0);
    for index in 1..=3 {
        let shard = Some(Shard { index, count: 3 });
        let part = run_with(&target, &Options { shard, ..options() }).await;
        assert_eq!(part.open_questions(), [], "shard {index} proves what it says");
        assert!(ids(&part).is_disjoint(&cases), "no case runs twice");
        assert_eq!(part.layers[0].cases > 0, index == 1, "files are read by the first shard");
        cases.extend(ids(&part));
        found.extend(findings(&part));
        cells += part.matrix.len();
    }
    assert_eq!((cases, found, cells), (ids(&whole), findings(&whole), whole.matrix.len()));
}

#[tokio::test]
async fn more_shards_than_operations_are_refused() {
    let world = World::start(&[]).await;
    let shard = Some(Shard { index: 99, count: 99 });
    let refused = plan(&target(&world), &Options { shard, ..options() }).unwrap_err();
    assert!(matches!(refused, PlanError::EmptyShard { operations: 9, .. }), "{refused}");
}

#[tokio::test]
async fn one_finding_can_be_run_again_alone() {
    let world = World::start(&["object-read"]).await;
    let target = target(&world);
    let whole = run_with(&target, &options()).await;
    let only = vec![whole.findings[0].id.clone()];
    let again = run_with(&target, &Options { only: only.clone(), ..options() }).await;
    assert_eq!(findings(&again), findings(&whole));
    assert!(again.cases.iter().all(|case| case.check == "object-access" && case.operation == "readOrder"));
    assert!(again.summary().requests * 5 < whole.summary().requests, "{:?}", again.summary());
    let sound = World::start(&[]).await;
    let gone = run_with(&support::target(&sound), &Options { only, ..options() }).await;
    assert_eq!((gone.verdict(), gone.open_questions()), (Verdict::Pass, vec![]));
}

#[tokio::test]
async fn what_the_budget_cuts_off_is_not_run_and_no_pass() {
    let world = World::start(&[]).await;
    let target = target(&world);
    let whole = run_with(&target, &Options { budget: Some(Duration::from_secs(60)), ..options() }).await;
    assert_eq!((whole.verdict(), whole.summary().not_run), (Verdict::Pass, 0));
    let started = Instant::now();
    let cut = run_with(&target, &Options { budget: Some(Duration::from_millis(40)), ..options() }).await;
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    let summary = cut.summary();
    assert!(summary.not_run > 0 && summary.requests < whole.summary().requests, "{summary:?}");
    assert_eq!((cut.verdict(), findings(&cut)), (Verdict::Inconclusive, vec![]));
    let reports = [report::json(&cut).to_string(), report::junit(&cut), report::html(&cut)];
    assert!(reports.iter().all(|text| text.contains("not run: the budget of 0.04 s was used up")));
    assert!(report::terminal(&cut, 100, report::Colour::None).contains(&format!("not run: {}", summary.not_run)));
    assert_eq!(world.changed_personas(), Vec::<String>::new(), "whoever was changed was put back");
}

#[tokio::test]
async fn a_budget_asks_first_what_would_be_worst() {
    let world = World::start(&["no-verification"]).await;
    let cut = run_with(&target(&world), &Options { budget: Some(Duration::from_millis(400)), ..options() }).await;
    assert_eq!(cut.verdict(), Verdict::Fail, "{:?}", cut.summary());
}

/// A server of one answer, or one that forwards to a real one.
struct Front {
    url: String,
    asked: Arc<AtomicUsize>,
    server: tokio::task::JoinHandle<()>,
}

impl Front {
    /// `answer` gets the number of the request; without an answer it is forwarded.
    async fn start(behind: String, answer: fn(usize) -> Option<(u16, &'static str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let (count, client) = (Arc::clone(&asked), reqwest::Client::builder().no_proxy().build().unwrap());
        let app = axum::Router::new().fallback(move |request: Request| {
            let number = count.fetch_add(1, Ordering::SeqCst);
            let (client, behind) = (client.clone(), behind.clone());
            async move {
                match answer(number) {
                    Some((status, after)) => {
                        let mut response = Response::new(Body::from("{}"));
                        *response.status_mut() = StatusCode::from_u16(status).unwrap();
                        response.headers_mut().insert("retry-after", after.parse().unwrap());
                        response
                    }
                    None => forward(&client, &behind, request).await,
                }
            }
        });
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, asked, server }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn forward(client: &reqwest::Client, behind: &str, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let url = format!("{behind}{}", parts.uri);
    let answer = client.request(parts.method, url).headers(parts.headers).body(body).send().await.unwrap();
    let (status, body) = (answer.status(), answer.bytes().await.unwrap());
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
}

/// The run against a target that misbehaves: it proves nothing, says why, and ends soon.
async fn proves_nothing(target: &Target, options: &Options) -> Vec<String> {
    let started = Instant::now();
    let run = run_with(target, options).await;
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    assert_eq!((findings(&run), run.verdict()), (vec![], Verdict::Inconclusive), "{:#?}", run.findings);
    let reached = |case: &&security_tests::run::JudgedCase| case.layer != Layer::Static;
    let passed = |case: &security_tests::run::JudgedCase| matches!(case.outcome, Outcome::Pass(_));
    let proven = run.cases.iter().filter(reached).filter(|case| passed(case)).map(|case| &case.id).collect::<Vec<_>>();
    assert_eq!(proven, Vec::<&String>::new());
    run.open_questions().into_iter().map(|(reason, _)| reason).collect()
}

async fn at(url: String) -> (World, Target) {
    let world = World::start(&[]).await;
    let target = Target { base_url: url, ..target(&world) };
    (world, target)
}

#[tokio::test]
async fn a_target_that_answers_500_to_everybody_proves_nothing() {
    let front = Front::start(String::new(), |_| Some((500, "0"))).await;
    let (_world, target) = at(front.url.clone()).await;
    let reasons = proves_nothing(&target, &options()).await;
    assert!(reasons.iter().any(|reason| reason == "the target answers everybody with 500"), "{reasons:?}");
}

#[tokio::test]
async fn a_target_that_limits_rates_for_ever_proves_nothing() {
    let front = Front::start(String::new(), |_| Some((429, "3600"))).await;
    let (_world, target) = at(front.url.clone()).await;
    let reasons = proves_nothing(&target, &options()).await;
    assert!(reasons.iter().any(|reason| reason.contains("rate limited (429)")), "{reasons:?}");
}

#[tokio::test]
async fn a_target_that_limits_rates_now_and_then_is_asked_again() {
    let world = World::start(&[]).await;
    // Three times in all, so that chance cannot refuse one request more often than it is repeated.
    let front = Front::start(world.url.clone(), |number| [4, 5, 40].contains(&number).then_some((429, "0"))).await;
    let target = Target { base_url: front.url.clone(), ..target(&world) };
    let run = run_with(&target, &options()).await;
    assert_eq!((run.verdict(), run.open_questions()), (Verdict::Pass, vec![]));
    assert!(front.asked.load(Ordering::SeqCst) > run.summary().requests);
}

#[tokio::test]
async fn a_target_that_closes_connections_proves_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        loop {
            drop(listener.accept().await);
        }
    });
    let (_world, target) = at(url).await;
    let reasons = proves_nothing(&target, &options()).await;
    assert!(reasons.iter().any(|reason| reason.contains("the target does not answer")), "{reasons:?}");
    server.abort();
}

#[tokio::test]
async fn a_target_that_hangs_proves_nothing_and_ends_in_bounded_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(listener.accept().await);
        }
    });
    let (_world, target) = at(url).await;
    let timeout = Some(Duration::from_millis(100));
    let reasons = proves_nothing(&target, &Options { timeout, ..options() }).await;
    assert!(reasons.iter().any(|reason| reason.contains("no answer in time")), "{reasons:?}");
    server.abort();
}
