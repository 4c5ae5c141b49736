//! Whole runs against small applications: each with exactly one hole, or odd but sound.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail this way, its helpers too"
)]

mod support;

use security_tests::oracle::{Asked, Decision, Question, expected_by_rule};
use security_tests::verdict::{Layer, Observed, Outcome};
use security_tests::{Options, Verdict, plan, report};
use support::world::World;
use support::*;

macro_rules! hole {
    ($name:ident, $hole:literal, $finding:literal) => {
        #[tokio::test]
        async fn $name() {
            let run = attack(&[$hole]).await;
            assert_eq!(findings(&run), [$finding], "{:#?}", run.findings);
            assert_eq!(run.verdict(), Verdict::Fail);
        }
    };
}

hole!(a_list_for_anonymous_callers_is_one_finding, "anonymous-list", "missing-authentication GET /orders API2:2023");
hole!(unsigned_tokens_are_one_finding, "unsigned-token", "unsigned-token GET /me API2:2023");
hole!(an_ignored_signature_is_one_finding, "ignored-signature", "ignored-signature GET /me API2:2023");
hole!(no_verification_at_all_is_one_finding, "no-verification", "ignored-signature GET /me API2:2023");
hole!(key_confusion_is_one_finding, "key-confusion", "key-confusion GET /me API2:2023");
hole!(an_embedded_key_is_one_finding, "embedded-key", "embedded-key GET /me API2:2023");
hole!(expired_tokens_are_one_finding, "expired-token", "expired-token GET /me API2:2023");
hole!(believed_claims_are_one_finding, "forged-claims", "forged-claims GET /export API5:2023");
hole!(a_trusted_header_is_one_finding, "identity-header", "trusted-identity-header GET /me API2:2023");
hole!(readable_objects_of_others_are_one_finding, "object-read", "object-access GET /orders/{id} API1:2023");
hole!(writable_objects_of_others_are_one_finding, "object-write", "object-access PATCH /orders/{id} API1:2023");
hole!(a_role_of_another_tenant_is_one_finding, "tenant-read", "tenant-isolation GET /orders/{id} API1:2023");
hole!(a_list_of_others_objects_is_one_finding, "list-leak", "collection-scope GET /orders API1:2023");
hole!(a_function_without_its_role_is_one_finding, "function-export", "function-access GET /export API5:2023");
hole!(a_destructive_function_is_one_finding, "function-delete", "function-access DELETE /orders/{id} API5:2023");
hole!(
    a_function_without_a_body_is_one_finding,
    "function-refund",
    "function-access POST /orders/{id}/refund API5:2023"
);
hole!(a_hidden_field_is_one_finding, "property-read", "property-exposure GET /orders/{id} API3:2023");
hole!(assigned_fields_of_a_creation_are_one_finding, "mass-assign-create", "mass-assignment POST /orders API3:2023");
hole!(
    assigned_fields_of_an_update_are_one_finding,
    "mass-assign-update",
    "mass-assignment PATCH /orders/{id} API3:2023"
);
hole!(a_revoked_token_is_one_finding, "stale-introspection", "revoked-token GET /me API2:2023");
hole!(a_deactivated_user_is_one_finding, "deactivated-user", "deactivated-user GET /me API2:2023");
hole!(a_stale_role_is_one_finding, "stale-role", "removed-role GET /export API5:2023");
hole!(a_server_error_is_one_finding, "server-error", "server-error GET /me API8:2023");

/// No policies are asked, and no client is registered.
const NOT_HERE: [Layer; 2] = [Layer::Policy, Layer::Flow];

async fn is_silent(oddities: &[&str]) {
    let run = attack(oddities).await;
    assert_eq!(findings(&run), Vec::<String>::new(), "{:#?}", run.findings);
    assert_eq!(run.open_questions(), []);
    assert_eq!(run.verdict(), Verdict::Pass);
    assert!(run.layers.iter().filter(|layer| !NOT_HERE.contains(&layer.layer)).all(|layer| layer.cases > 0));
}

#[tokio::test]
async fn a_sound_application_passes() {
    is_silent(&[]).await;
}

#[tokio::test]
async fn anonymous_callers_may_be_answered_403() {
    is_silent(&["anonymous-403"]).await;
}

#[tokio::test]
async fn a_denial_may_be_a_200_that_says_fail() {
    let world = World::start(&["fail-200"]).await;
    let mut target = target(&world);
    target.access.resources.get_mut("order").unwrap().id =
        security_tests::access::Identifier::Answered("$.data.id".into());
    let run = attack_target(&target).await;
    assert_eq!((findings(&run), run.open_questions(), run.verdict()), (vec![], vec![], Verdict::Pass));
}

#[tokio::test]
async fn a_hole_in_an_application_that_answers_200_to_everything_is_found() {
    let world = World::start(&["fail-200", "object-write"]).await;
    let mut target = target(&world);
    target.access.resources.get_mut("order").unwrap().id =
        security_tests::access::Identifier::Answered("$.data.id".into());
    assert_eq!(findings(&attack_target(&target).await), ["object-access PATCH /orders/{id} API1:2023"]);
}

#[tokio::test]
async fn a_write_answered_200_without_effect_is_no_defect() {
    is_silent(&["no-effect-200"]).await;
}

#[tokio::test]
async fn a_route_may_answer_anonymous_callers_something_else() {
    is_silent(&["optional-auth"]).await;
}

#[tokio::test]
async fn a_failed_control_is_inconclusive_and_not_a_pass() {
    let world = World::start(&[]).await;
    world.deactivate("root");
    let mut target = target(&world);
    target.personas.remove("eve");
    let run = attack_target(&target).await;
    assert_eq!((findings(&run), run.verdict()), (vec![], Verdict::Inconclusive));
    assert!(run.open_questions().iter().any(|(reason, _)| reason == "the control by root was answered 401"));
}

#[tokio::test]
async fn a_target_that_is_down_is_inconclusive_and_ends_soon() {
    let world = World::start(&[]).await;
    let mut target = target(&world);
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    target.base_url = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let run = attack_target(&target).await;
    assert_eq!((findings(&run), run.verdict()), (vec![], Verdict::Inconclusive));
    assert!(run.matrix.iter().all(|cell| cell.observed == Observed::NotRun));
}

#[tokio::test]
async fn an_api_whose_dependency_is_down_is_inconclusive() {
    let run = attack(&["down"]).await;
    assert_eq!((findings(&run), run.verdict()), (vec![], Verdict::Inconclusive));
}

#[tokio::test]
async fn a_directory_that_refuses_changes_is_inconclusive() {
    let run = attack(&["frozen-directory"]).await;
    assert_eq!((findings(&run), run.verdict()), (vec![], Verdict::Inconclusive));
    assert!(run.open_questions().iter().any(|(reason, _)| reason == "a preparation failed with 403"));
}

#[tokio::test]
async fn restore_puts_everybody_back() {
    let world = World::start(&[]).await;
    world.deactivate("root");
    security_tests::restore(&target(&world)).await.unwrap();
    assert_eq!(world.changed_personas(), Vec::<String>::new());
}

#[tokio::test]
async fn without_a_provider_the_layers_that_need_one_say_so() {
    let world = World::start(&[]).await;
    let mut target = target(&world);
    target.provider = None;
    let run = attack_target(&target).await;
    let skipped: Vec<_> = run.layers.iter().filter(|layer| layer.skipped.is_some()).map(|layer| layer.layer).collect();
    assert_eq!(skipped, [Layer::Policy, Layer::Token, Layer::Access, Layer::Session, Layer::Flow]);
    let options = Options { layers: vec![Layer::Access], ..Options::default() };
    let plan = plan(&target, &options).unwrap();
    assert_eq!(security_tests::run(&plan, &target, &mut |_| {}).await.verdict(), Verdict::Inconclusive);
}

#[tokio::test]
async fn one_layer_one_operation_and_one_persona_can_be_asked_for() {
    let world = World::start(&["object-read"]).await;
    let target = target(&world);
    for layer in [Layer::Token, Layer::Access, Layer::Session] {
        let options = Options { layers: vec![layer], ..Options::default() };
        let run = security_tests::run(&plan(&target, &options).unwrap(), &target, &mut |_| {}).await;
        // Whoever moves to another tenant reads like everybody else, which the session layer sees by itself.
        let expected = if layer == Layer::Token { Verdict::Pass } else { Verdict::Fail };
        assert_eq!((run.verdict(), run.open_questions()), (expected, vec![]));
    }
    let options = Options { operations: vec!["readOrder".into()], personas: vec!["bob".into()], ..Options::default() };
    let run = security_tests::run(&plan(&target, &options).unwrap(), &target, &mut |_| {}).await;
    assert_eq!(run.findings[0].personas, ["bob"]);
    assert!(run.matrix.iter().all(|cell| cell.operation == "GET /orders/{id}"));
}

#[tokio::test]
async fn a_sound_application_passes_whatever_part_of_it_is_asked_for() {
    let world = World::start(&[]).await;
    let target = target(&world);
    let personas = target.personas.keys().map(|name| Options { personas: vec![name.clone()], ..Options::default() });
    let ids = target.api.operation_ids().into_iter();
    let operations = ids.map(|name| Options { operations: vec![name.to_owned()], ..Options::default() });
    let all: Vec<Options> = personas.chain(operations).collect();
    assert!(all.len() > 8);
    for (seed, options) in (1..).zip(all) {
        // Nothing is reset in between: the markers of one run are not those of another.
        let options = Options { seed, ..options };
        let run = security_tests::run(&plan(&target, &options).unwrap(), &target, &mut |_| {}).await;
        let asked = (&options.personas, &options.operations);
        assert_eq!(
            (run.verdict(), findings(&run)),
            (Verdict::Pass, vec![]),
            "{asked:?} {:?} {:?}",
            run.open_questions(),
            run.findings
        );
    }
}

#[tokio::test]
async fn a_waiver_holds_until_its_day_and_fails_after_it() {
    let world = World::start(&["function-export"]).await;
    let mut target = target(&world);
    let waiver = |expires: &str| security_tests::access::Waiver {
        finding: "function-access:exportOrders".into(),
        reason: "until the new gateway".into(),
        expires: expires.into(),
    };
    target.access.waivers = vec![waiver("2026-11-22")];
    let run = attack_target(&target).await;
    assert_eq!((run.verdict(), run.findings[0].waived.as_deref()), (Verdict::Pass, Some("until the new gateway")));
    target.access.waivers = vec![waiver("2026-11-21")];
    let run = attack_target(&target).await;
    assert_eq!(run.verdict(), Verdict::Fail);
    assert!(findings(&run).contains(&"expired-waiver GET /export API9:2023".to_owned()));
}

#[tokio::test]
async fn reports_show_the_matrix_and_a_proof_and_no_secret() {
    let run = attack(&["object-read"]).await;
    let text = report::terminal(&run, 100, report::Colour::None);
    let json = report::json(&run);
    for part in ["GET /orders/{id}", "$TOKEN_BOB", "$TOKEN_ALICE", "API1:2023", "CWE-639", "fail: 1 finding"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!text.contains("eyJ") && !json.to_string().contains("eyJ") && !text.contains("Bearer control"));
    assert_eq!((&json["schema"], &json["verdict"]), (&"devenv.run/1".into(), &"fail".into()));
    let finding = &json["findings"][0];
    assert_eq!(finding["personas"], serde_json::json!(["alice", "bob", "carol", "dave", "eve", "mallory", "root"]));
    assert_eq!(finding["steps"].as_array().unwrap().last().unwrap()["status"], 200);
    let leaked: Vec<_> =
        run.matrix.iter().filter(|cell| cell.observed == Observed::Allow && cell.expected.as_str() == "deny").collect();
    assert!(leaked.iter().all(|cell| cell.operation == "GET /orders/{id}") && leaked.len() > 3);
}

#[tokio::test]
async fn a_run_is_small_and_quick() {
    let run = attack(&[]).await;
    let summary = run.summary();
    assert!(summary.requests < 600, "{summary:?}");
    // What makes no sense with these tokens is not sent: guessing a shared secret where there is a key pair.
    let senseless = run.cases.iter().filter(|case| matches!(case.outcome, Outcome::NotApplicable(_))).count();
    assert!(summary.requests + senseless >= run.plan.request_count(), "{summary:?}, {senseless} make no sense");
}

const ACTIONS: [&str; 8] =
    ["readMe", "listOrders", "createOrder", "readOrder", "updateOrder", "deleteOrder", "refundOrder", "exportOrders"];

/// Policies that say what the rules say, except to mallory.
fn policies(
    target: &security_tests::Target,
    also: &'static str,
) -> impl Fn(&Question) -> Decision + Send + Sync + use<> {
    let target = target.clone();
    move |question| {
        let owner = question.properties.get("owner").and_then(|owner| owner["id"].as_str());
        let asked = Asked { operation: &question.action, persona: Some(&question.persona), owner };
        if question.action == also { Decision::Allow } else { expected_by_rule(&target, asked) }
    }
}

#[tokio::test]
async fn policies_that_agree_are_an_oracle_and_those_that_do_not_are_a_finding() {
    let world = World::start(&[]).await;
    let mut target = target(&world);
    target.access.oracle = security_tests::access::OracleKind::Policy;
    target.decider = shared(Policies(ACTIONS.to_vec(), policies(&target, "")));
    let run = attack_target(&target).await;
    assert_eq!((findings(&run), run.open_questions(), run.verdict()), (vec![], vec![], Verdict::Pass));
    let mut layers = run.layers.iter().filter(|layer| layer.layer != Layer::Flow);
    assert!(layers.all(|layer| layer.cases > 0 && layer.skipped.is_none()));

    target.access.oracle = security_tests::access::OracleKind::Rules;
    target.decider = shared(Policies(ACTIONS.to_vec(), policies(&target, "exportOrders")));
    assert_eq!(findings(&attack_target(&target).await), ["policy-disagrees GET /export API5:2023"]);

    target.decider = shared(Policies(ACTIONS[..7].to_vec(), policies(&target, "")));
    assert_eq!(findings(&attack_target(&target).await), ["unknown-action GET /export API5:2023"]);
}

#[tokio::test]
async fn files_that_forget_an_operation_or_its_security_are_findings() {
    let world = World::start(&[]).await;
    let mut target = target(&world);
    target.access.rules.remove("exportOrders");
    target.api = security_tests::Api::parse(
        &DOCUMENT.replace("{ operationId: readMe }", "{ operationId: readMe, security: [] }"),
    )
    .unwrap();
    let options = Options { layers: vec![Layer::Static], ..Options::default() };
    let run = security_tests::run(&plan(&target, &options).unwrap(), &target, &mut |_| {}).await;
    assert_eq!(findings(&run), ["undeclared-security GET /me API2:2023", "undecided-operation GET /export API9:2023"]);
    assert_eq!(run.summary().requests, 0);
}

#[tokio::test]
async fn a_declaration_that_was_weakened_is_a_finding_and_other_changes_are_advice_or_silent() {
    const READ_ME: &str = "{ operationId: readMe }";
    let declaring =
        |security: &str| DOCUMENT.replace(READ_ME, &format!("{{ operationId: readMe, security: {security} }}"));
    let static_findings = async |before: &str, now: &str, guards: Vec<security_tests::guards::RemovedGuard>| {
        let mut target = target(&World::start(&[]).await);
        target.api = security_tests::Api::parse(&declaring(now)).unwrap();
        let api = security_tests::Api::parse(&declaring(before)).ok();
        target.base = Some(security_tests::Base { revision: "HEAD".into(), api, guards });
        let options = Options { layers: vec![Layer::Static], ..Options::default() };
        let run = security_tests::run(&plan(&target, &options).unwrap(), &target, &mut |_| {}).await;
        (
            findings(&run),
            run.verdict(),
            run.findings.first().map(|finding| finding.evidence.clone()).unwrap_or_default(),
        )
    };
    let (found, verdict, evidence) = static_findings("[{ a: [read] }]", "[{ a: [] }]", vec![]).await;
    assert_eq!((found, verdict), (vec!["weakened-security GET /me API2:2023".to_owned()], Verdict::Fail));
    assert!(evidence.ends_with("at HEAD it asked for a [read]; now for a"), "{evidence}");
    // One defect, once: what asks for nothing any more declares nothing either.
    let (found, _, _) = static_findings("[{ a: [] }]", "[]", vec![]).await;
    assert_eq!(found, ["weakened-security GET /me API2:2023"]);
    let (found, verdict, _) = static_findings("[{ a: [] }]", "[{ b: [] }]", vec![]).await;
    assert_eq!((found, verdict), (vec!["changed-security GET /me API8:2023".to_owned()], Verdict::Pass));
    let (found, verdict, _) = static_findings("[{ a: [] }]", "[{ a: [], b: [] }]", vec![]).await;
    assert_eq!((found, verdict), (vec![], Verdict::Pass));
    let guard = security_tests::guards::removed("src/me.py", "@login_required\ndef me():\n", "def me():\n");
    let (found, verdict, evidence) = static_findings("[{ a: [] }]", "[{ a: [] }]", guard).await;
    assert_eq!((found, verdict), (vec!["removed-guard src/me.py:me API5:2023".to_owned()], Verdict::Pass));
    assert!(evidence.ends_with("at HEAD there was line 1, `@login_required`; now src/me.py:1"), "{evidence}");
}

#[tokio::test]
async fn a_run_can_be_spawned_and_dropped_and_the_personas_put_back() {
    fn spawnable<T: Send>(future: T) -> T {
        future
    }
    let world = World::start(&[]).await;
    let target = target(&world);
    let options = Options { layers: vec![Layer::Session], ..Options::default() };
    let plan = plan(&target, &options).unwrap();
    // Stops as soon as somebody is changed: whatever step that was, everybody can be put back.
    let (mut ignore, changed) = (|_| {}, world.changed());
    tokio::select! {
        _ = spawnable(security_tests::run(&plan, &target, &mut ignore)) => panic!("nobody was changed"),
        () = changed => {}
    }
    assert_eq!(world.changed_personas().len(), 1);
    security_tests::restore(&target).await.unwrap();
    assert_eq!(world.changed_personas(), Vec::<String>::new());
}
