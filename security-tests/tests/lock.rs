//! Runs held against a recorded access matrix.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    reason = "a test may fail this way, its helpers too; the support is shared"
)]

mod support;

use security_tests::access::{Grant, Rule};
use security_tests::lock::AccessLock;
use security_tests::oracle::Decision;
use security_tests::verdict::{Layer, Verdict};
use security_tests::{Options, Run, Target, plan, report, run};
use support::world::World;
use support::{Policies, attack_target, findings, rules, shared, target};

/// The target of a sound shop, and the matrix that its run records.
async fn recorded() -> (World, Target, AccessLock) {
    let world = World::start(&[]).await;
    let target = target(&world);
    let run = attack_target(&target).await;
    assert_eq!(run.verdict(), Verdict::Pass, "{:#?}", run.findings);
    let lock = AccessLock::default().accept(&run);
    (world, target, lock)
}

fn edited(lock: &AccessLock, from: &str, to: &str) -> AccessLock {
    let text = lock.to_string();
    assert!(text.contains(from), "{from} is not in\n{text}");
    AccessLock::parse(&text.replace(from, to)).unwrap()
}

#[tokio::test]
async fn the_same_access_as_recorded_passes_and_has_nothing_to_show() {
    let (_world, mut target, lock) = recorded().await;
    assert!(lock.to_string().contains("GET /orders/{id} by bob on same-tenant: deny\n"), "{lock}");
    target.lock = Some(lock);
    let run = attack_target(&target).await;
    assert_eq!(run.verdict(), Verdict::Pass);
    assert_eq!(run.lock.clone().unwrap().lines(), Vec::<String>::new());
    assert!(report::json(&run)["lock"]["widened"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn access_that_somebody_gained_fails_although_rules_and_api_agree_until_it_is_accepted() {
    let (_world, mut target, lock) = recorded().await;
    let line = "GET /orders/{id} by carol on same-tenant";
    let before = edited(&lock, &format!("{line}: allow"), &format!("{line}: deny"));
    target.lock = Some(before.clone());
    let run = attack_target(&target).await;
    assert_eq!(run.verdict(), Verdict::Fail);
    assert_eq!(findings(&run), ["widened-access GET /orders/{id} API5:2023"]);
    assert_eq!(run.findings[0].personas, ["carol"]);
    let lines = run.lock.clone().unwrap().lines();
    assert_eq!(lines, [format!("-{line}: deny"), format!("+{line}: allow")]);
    assert_eq!(before.accept(&run), lock);
}

#[tokio::test]
async fn access_that_somebody_lost_is_told_and_passes() {
    let (_world, mut target, lock) = recorded().await;
    let line = "GET /export by bob";
    target.lock = Some(edited(&lock, &format!("{line}: deny"), &format!("{line}: allow")));
    let run = attack_target(&target).await;
    assert_eq!(run.verdict(), Verdict::Pass);
    assert_eq!(run.lock.unwrap().narrowed[0].to_string(), line);
}

#[tokio::test]
async fn a_hole_is_its_own_finding_and_no_widened_cell() {
    let (_world, sound, lock) = recorded().await;
    drop(sound);
    let world = World::start(&["object-read"]).await;
    let mut target = target(&world);
    target.lock = Some(lock);
    let run = attack_target(&target).await;
    assert_eq!(findings(&run), ["object-access GET /orders/{id} API1:2023"]);
    assert!(!run.lock.unwrap().widened.is_empty());
}

#[tokio::test]
async fn cells_that_are_no_more_are_told_by_a_whole_run_only() {
    let (_world, mut target, lock) = recorded().await;
    let text = format!("{lock}GET /old by bob: allow\n");
    target.lock = Some(AccessLock::parse(&text).unwrap());
    let whole = attack_target(&target).await;
    assert_eq!(whole.lock.clone().unwrap().gone[0].0.to_string(), "GET /old by bob");
    assert_eq!(target.lock.clone().unwrap().accept(&whole), lock);
    let part = attack_operations(&target, &["readMe"]).await;
    assert!(part.lock.clone().unwrap().is_empty(), "{:?}", part.lock);
    assert_eq!(target.lock.clone().unwrap().accept(&part), target.lock.clone().unwrap());
}

async fn attack_operations(target: &Target, operations: &[&str]) -> Run {
    let operations = operations.iter().map(ToString::to_string).collect();
    let options = Options { operations, seed: 7, started_at: "2026-11-22T00:00:00Z".into(), ..Options::default() };
    run(&plan(target, &options).unwrap(), target, &mut |_| {}).await
}

#[tokio::test]
async fn a_policy_edit_that_widens_fails_without_a_request() {
    let (_world, mut target, lock) = recorded().await;
    // Rules and policies now both let support see the orders of every tenant.
    let mut access = rules();
    let read = Rule {
        allow: vec![Grant::Owner, Grant::Role("support".into()), Grant::RoleOfTenant("admin".into())],
        on: Some("order".into()),
        ..Rule::default()
    };
    access.rules.insert("readOrder".into(), read);
    let widened = access.clone();
    let decide = move |question: &security_tests::oracle::Question| {
        let support = question.persona == "carol" || question.persona == "dave";
        if question.action == "readOrder" && support { Decision::Allow } else { Decision::Deny }
    };
    target.access = widened;
    target.decider = shared(Policies(vec!["readOrder"], decide));
    target.lock = Some(lock);
    let options =
        Options { layers: vec![Layer::Policy], started_at: "2026-11-22T00:00:00Z".into(), ..Options::default() };
    let run = run(&plan(&target, &options).unwrap(), &target, &mut |_| {}).await;
    assert_eq!(run.summary().requests, 0);
    let widened: Vec<String> = run.lock.clone().unwrap().widened.iter().map(ToString::to_string).collect();
    assert_eq!(widened, ["GET /orders/{id} by carol on other-tenant", "GET /orders/{id} by dave on other-tenant"]);
    assert!(run.findings.iter().any(|finding| finding.check == "widened-access"), "{:#?}", run.findings);
}
