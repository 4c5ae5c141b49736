//! Pinned cases: asked in every run, told by name when they fail, and missed when they cannot be asked any more.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    reason = "a test may fail this way, its helpers too; the support is shared"
)]

mod support;

use security_tests::access::Regression;
use security_tests::verdict::{Layer, Verdict};
use security_tests::{Options, Run, Target, plan, report, run};
use support::world::World;
use support::{attack_target, target};

const LEAK: &str = "object-access:readOrder:alice:same-tenant";

fn pin(target: &mut Target, name: &str, case: &str) {
    let regression = Regression { name: name.into(), case: case.into(), since: "2026-11-22".into() };
    target.access.regressions.push(regression);
}

async fn sound(pinned: &[&str]) -> (World, Target) {
    let world = World::start(&[]).await;
    let mut target = target(&world);
    pinned.iter().for_each(|case| pin(&mut target, &format!("hole {case}"), case));
    (world, target)
}

async fn with(target: &Target, options: Options) -> Run {
    let options = Options { seed: 7, started_at: "2026-11-22T00:00:00Z".into(), ..options };
    run(&plan(target, &options).unwrap(), target, &mut |_| {}).await
}

#[tokio::test]
async fn a_pinned_case_that_passes_says_nothing_and_one_that_fails_carries_its_name_everywhere() {
    let (_world, target) = sound(&[LEAK, "undecided-operation:readMe"]).await;
    let run = attack_target(&target).await;
    assert_eq!((run.verdict(), run.findings.len()), (Verdict::Pass, 0), "{:#?}", run.findings);

    let world = World::start(&["object-read"]).await;
    let mut open = support::target(&world);
    pin(&mut open, "the neighbour's orders", LEAK);
    let run = attack_target(&open).await;
    let finding = run.findings.iter().find(|finding| finding.check == "object-access").unwrap();
    assert_eq!(finding.regressions, ["the neighbour's orders"]);
    let said = "pinned: the neighbour's orders";
    assert!(report::terminal(&run, 100, report::Colour::None).contains(said));
    assert!(report::junit(&run).contains(said) && report::markdown(&report::json(&run)).contains(said));
    assert!(report::html(&run).contains("the neighbour&#39;s orders"), "{}", report::html(&run));
    let sarif = report::sarif(&run, &report::Sources::default());
    assert_eq!(sarif["runs"][0]["results"][0]["properties"]["regressions"][0], "the neighbour's orders");
}

#[tokio::test]
async fn a_case_that_cannot_be_asked_any_more_fails_and_says_why() {
    let lost = [
        ("object-access:showOrder:alice:same-tenant", "the API has no operation `showOrder`"),
        ("object-access:readOrder:zoe:same-tenant", "there is no persona `zoe`"),
        ("object-access:readOrder:alice:nowhere", "no such case is planned"),
        ("undecided-operation:showOrder", "the API has no operation `showOrder`"),
        ("strange-check:readOrder", "there is no check `strange-check`"),
    ];
    let cases: Vec<&str> = lost.iter().map(|(case, _)| *case).collect();
    let (_world, target) = sound(&cases).await;
    let run = attack_target(&target).await;
    assert_eq!(run.verdict(), Verdict::Fail);
    for (case, why) in lost {
        let judged = run.cases.iter().find(|judged| judged.id == format!("lost-regression:{case}")).unwrap();
        let reason = judged.outcome.reason();
        assert!(reason.contains(why) && reason.contains(&format!("`hole {case}`")), "{reason}");
    }
    let finding = run.findings.iter().find(|finding| finding.id == "lost-regression:readOrder").unwrap();
    assert_eq!(finding.regressions.len(), 3, "{:#?}", finding.regressions);
}

#[tokio::test]
async fn whoever_asks_for_a_part_is_not_told_that_the_rest_is_lost() {
    let (_world, target) = sound(&["object-access:readOrder:zoe:own", "object-access:showOrder:alice:own"]).await;
    for options in [
        Options { layers: vec![Layer::Static, Layer::Token], ..Options::default() },
        Options { operations: vec!["readMe".into()], ..Options::default() },
        Options { personas: vec!["alice".into()], ..Options::default() },
        Options { only: vec!["function-access:readMe:alice:none".into()], ..Options::default() },
        Options { shard: security_tests::plan::Shard::parse("2/2"), ..Options::default() },
    ] {
        let run = with(&target, options.clone()).await;
        let missed: Vec<&str> = run
            .findings
            .iter()
            .filter(|finding| finding.check == "lost-regression")
            .map(|finding| finding.id.as_str())
            .collect();
        assert_eq!(missed, Vec::<&str>::new(), "{options:?}");
    }
    let asked = with(&target, Options { operations: vec!["readOrder".into()], ..Options::default() }).await;
    assert_eq!(asked.findings.len(), 1, "{:#?}", asked.findings);
    let first = Options { shard: security_tests::plan::Shard::parse("1/2"), ..Options::default() };
    assert_eq!(with(&target, first).await.findings.len(), 2);
}

#[tokio::test]
async fn a_layer_that_does_not_run_loses_its_pinned_cases() {
    let (_world, mut target) = sound(&[LEAK]).await;
    target.provider = None;
    let run = attack_target(&target).await;
    assert_eq!(run.verdict(), Verdict::Fail);
    assert!(run.findings[0].evidence.contains("its layer `access` does not run"), "{}", run.findings[0].evidence);
}
