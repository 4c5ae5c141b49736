//! Whole runs against an API with a login of its own: each with exactly one hole, or odd but sound.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail this way, its helpers too")]

mod club;

use std::collections::BTreeMap;

use club::{Club, KEY};
use security_tests::access::*;
use security_tests::login::*;
use security_tests::plan::{Action, Group, Request};
use security_tests::target::{Account, Persona};
use security_tests::verdict::{Layer, Tier};
use security_tests::{Api, Options, Run, Secret, Target, Verdict, plan, report};
use serde_json::{Value, json};

const DOCUMENT: &str = r#"
openapi: 3.1.0
info: { title: club }
security: [{ token: [] }]
paths:
  /users: { post: { operationId: register, security: [] } }
  /v2/login: { post: { operationId: login, security: [] } }
  /logout: { post: { operationId: logout } }
  /me:
    get:
      operationId: me
      responses: { 200: { content: { application/json: { schema: { type: object, properties: {
        name: { type: string }, email: { type: string }, admin: { type: boolean }, bio: { type: string } } } } } } }
    patch: { operationId: changeMe }
  /users/{name}: { get: { operationId: profile }, delete: { operationId: deleteUser } }
  /users/{name}/password: { put: { operationId: setPassword } }
  /users/{name}/email: { put: { operationId: setEmail } }
  /users/{name}/name: { put: { operationId: rename } }
  /notes: { post: { operationId: addNote } }
  /v2/notes/{title}: { get: { operationId: readNote } }
  /notes/{title}/comments: { get: { operationId: comments, security: [] }, post: { operationId: comment } }
  /notes/{title}/comments/{id}: { delete: { operationId: uncomment } }
  /members: { get: { operationId: members, security: [] } }
  /debug: { get: { operationId: debug } }
  /undecided: { get: { operationId: undecided } }
  /reset: { post: { operationId: reset } }
"#;

fn rules() -> AccessRules {
    let plain = |allow: &[Grant]| Rule { allow: allow.to_vec(), ..Rule::default() };
    let on = |resource: &str, allow: Grant| Rule { on: Some(resource.into()), ..plain(&[allow]) };
    let with = |rule: Rule, json: Value| Rule { json: Some(json), ..rule };
    let destructive = |rule: Rule| Rule { destructive: true, ..rule };
    let rules = [
        ("register", plain(&[Grant::Anyone])),
        ("login", plain(&[Grant::Anyone])),
        ("logout", plain(&[Grant::Authenticated])),
        ("me", plain(&[Grant::Authenticated])),
        ("changeMe", with(plain(&[Grant::Authenticated]), json!({"bio": "${canary}"}))),
        ("profile", on("account", Grant::Authenticated)),
        ("deleteUser", destructive(on("account", Grant::Role("admin".into())))),
        ("setPassword", on("account", Grant::Owner)),
        ("setEmail", with(on("account", Grant::Owner), json!({"email": "${canary}@example.com"}))),
        ("rename", on("account", Grant::Owner)),
        ("addNote", plain(&[Grant::Authenticated])),
        ("readNote", on("note", Grant::Owner)),
        ("comments", on("note", Grant::Anyone)),
        ("comment", with(on("note", Grant::Authenticated), json!({"text": "${canary}"}))),
        ("uncomment", destructive(on("comment", Grant::Owner))),
        ("members", plain(&[Grant::Anyone])),
        ("debug", plain(&[])),
        ("GET /admin", plain(&[Grant::Role("admin".into())])),
        ("reset", destructive(plain(&[]))),
        ("undecided", plain(&[])),
    ];
    AccessRules {
        login: Some(entrance()),
        routes: vec![Route { method: "GET".into(), path: "/admin".into() }],
        resources: BTreeMap::from([
            (
                "account".to_owned(),
                Resource {
                    hidden: Hidden { from_others: vec!["admin".into()], ..Hidden::default() },
                    ..resource("profile", Identifier::Sent("${persona.username}".into()))
                },
            ),
            (
                "note".to_owned(),
                Resource {
                    create: creation("addNote", json!({"title": "${canary}", "secret": "of ${canary}"})),
                    ..resource("readNote", Identifier::Sent("${canary}".into()))
                },
            ),
            (
                "comment".to_owned(),
                Resource {
                    create: creation("comment", json!({"text": "${canary}"})),
                    within: Some("note".into()),
                    ..resource("comments", Identifier::Answered("$.comment.id".into()))
                },
            ),
        ]),
        rules: rules.into_iter().map(|(name, rule)| (name.to_owned(), rule)).collect(),
        ..AccessRules::default()
    }
}

fn creation(operation: &str, json: Value) -> Option<Creation> {
    Some(Creation { operation: operation.into(), json })
}

fn resource(read: &str, id: Identifier) -> Resource {
    Resource {
        create: None,
        id,
        within: None,
        read: read.into(),
        server_owned: Vec::new(),
        hidden: Hidden::default(),
        entity: Entity { kind: "Thing".into(), owner: "owner".into(), tenant: "tenant".into() },
        lifecycle: Default::default(),
    }
}

fn entrance() -> Login {
    let call = |operation: &str, json: Value| Call { operation: operation.into(), json: Some(json), ..Call::default() };
    let account = json!({"email": "${persona.email}", "password": "${persona.password}"});
    Login {
        register: Some(call(
            "register",
            json!({"name": "${persona.username}", "email": "${persona.email}", "password": "${persona.password}"}),
        )),
        request: call("login", account),
        token: TokenPlace::Body("$.user.token".into()),
        carrier: Carrier::Scheme("Token".into()),
        me: Some("me".into()),
        password: Some(call("setPassword", json!({"password": "${new.password}"}))),
        rename: Some(call("rename", json!({"name": "${new.username}"}))),
        delete: Some(Call { operation: "deleteUser".into(), by: Some("root".into()), ..Call::default() }),
        logout: Some(Call { operation: "logout".into(), ..Call::default() }),
        key: Some(SigningKey { algorithm: Hmac::Hs256, secret: Secret::new(KEY) }),
    }
}

fn target(club: &Club) -> Target {
    let account = |name: &str, password: Option<&str>| {
        Some(Account {
            username: name.into(),
            email: Some(format!("{name}@example.com")),
            password: password.map(Secret::new),
        })
    };
    let persona = |roles: &[&str], account| Persona {
        roles: roles.iter().map(ToString::to_string).collect(),
        account,
        ..Persona::default()
    };
    let personas = [
        ("alice", persona(&[], None)),
        ("bob", persona(&[], None)),
        ("root", persona(&["admin"], account("root", Some("root-pass")))),
        ("victor", persona(&[], account("victor", None))),
    ];
    Target {
        name: "club".into(),
        base_url: club.url.clone(),
        api: Api::parse(DOCUMENT).unwrap(),
        access: rules(),
        personas: personas.into_iter().map(|(name, persona)| (name.to_owned(), persona)).collect(),
        provider: None,
        directory: None,
        decider: None,
        lock: None,
        base: None,
        words: security_tests::tokens::words::Project::default(),
        controls: Default::default(),
    }
}

/// Findings as `check operation owasp`, one a line. The club's tokens follow no profile, so what profiles ask is left out.
fn findings(run: &Run) -> Vec<String> {
    let line = |finding: &security_tests::rollup::Finding| {
        format!("{} {} {}", finding.check, finding.operation, finding.owasp)
    };
    run.findings.iter().filter(|finding| finding.tier != Tier::Profile).map(line).collect()
}

async fn run(target: &Target, options: Options) -> Run {
    let options = Options { seed: 7, started_at: "2026-11-22T00:00:00Z".into(), ..options };
    security_tests::run(&plan(target, &options).unwrap(), target, &mut |_| {}).await
}

async fn attack(oddities: &[&str]) -> Run {
    let club = Club::start(oddities).await;
    run(&target(&club), Options::default()).await
}

#[tokio::test]
async fn the_shards_of_a_run_with_its_own_login_are_the_whole_run() {
    let club = Club::start(&["any-ones-note"]).await;
    let target = target(&club);
    let ids = |run: &Run| run.cases.iter().map(|case| case.id.clone()).collect::<std::collections::BTreeSet<_>>();
    let whole = run(&target, Options::default()).await;
    let (mut cases, mut found, mut cells) = (std::collections::BTreeSet::new(), Vec::new(), 0);
    for index in 1..=3 {
        let shard = Some(plan::Shard { index, count: 3 });
        let part = run(&target, Options { shard, ..Options::default() }).await;
        assert_eq!(part.open_questions(), [], "shard {index} proves what it says");
        assert!(ids(&part).is_disjoint(&cases), "no case runs twice");
        cases.extend(ids(&part));
        found.extend(findings(&part));
        cells += part.matrix.len();
    }
    assert_eq!((cases, found, cells), (ids(&whole), findings(&whole), whole.matrix.len()));
}

async fn finds(hole: &str, expected: &[&str]) {
    let run = attack(&[hole]).await;
    assert_eq!(findings(&run), expected, "{hole}: {:#?}", run.findings);
    assert_eq!(run.open_questions(), [], "{hole}");
    let advice = run.findings.iter().all(|finding| finding.tier != Tier::Exploit);
    assert_eq!(run.verdict(), if advice { Verdict::Pass } else { Verdict::Fail }, "{hole}");
}

macro_rules! hole {
    ($name:ident, $hole:literal, $($finding:literal),+) => {
        #[tokio::test]
        async fn $name() {
            finds($hole, &[$($finding),+]).await;
        }
    };
}

hole!(
    a_password_that_anybody_may_set_is_one_finding,
    "any-ones-password",
    "object-access PUT /users/{name}/password API1:2023"
);
hole!(
    an_address_that_anybody_may_set_is_one_finding,
    "any-ones-email",
    "object-access PUT /users/{name}/email API1:2023"
);
hole!(a_name_that_anybody_may_set_is_one_finding, "any-ones-name", "object-access PUT /users/{name}/name API1:2023");
hole!(
    a_note_with_a_natural_name_that_anybody_reads_is_one_finding,
    "any-ones-note",
    "object-access GET /v2/notes/{title} API1:2023"
);
hole!(
    a_nested_object_that_anybody_deletes_is_one_finding,
    "any-ones-comment",
    "object-access DELETE /notes/{title}/comments/{id} API1:2023"
);
hole!(
    a_role_that_one_gives_oneself_at_registration_is_a_cause_and_a_consequence,
    "register-admin",
    "mass-assignment POST /users API3:2023",
    "privilege-escalation DELETE /users/{name} API5:2023"
);
hole!(
    a_role_that_one_gives_oneself_in_the_profile_is_a_cause_and_a_consequence,
    "profile-admin",
    "mass-assignment PATCH /me API3:2023",
    "privilege-escalation DELETE /users/{name} API5:2023"
);
hole!(
    passwords_for_everybody_are_a_missing_lock_and_a_leak,
    "debug",
    "missing-authentication GET /debug API2:2023",
    "sensitive-data GET /debug API3:2023"
);
hole!(a_card_number_in_a_profile_is_one_finding, "card", "sensitive-data GET /users/{name} API3:2023");
hole!(a_field_hidden_from_others_is_one_finding, "flag", "property-exposure GET /users/{name} API3:2023");
hole!(an_undocumented_function_is_one_finding, "admin", "function-access GET /admin API5:2023");
hole!(a_function_that_nobody_may_call_is_one_finding, "undecided", "missing-authentication GET /undecided API2:2023");
hole!(an_open_reset_is_one_finding, "reset", "missing-authentication POST /reset API2:2023");
hole!(an_old_login_without_a_password_is_one_finding, "old-login", "old-login POST /v1/login API9:2023");
hole!(an_old_version_without_a_lock_is_one_finding, "old-version", "old-version GET /v1/notes/{title} API9:2023");
hole!(a_name_that_opens_the_next_owners_account_is_one_finding, "bound-to-name", "identity-reuse GET /me API2:2023");
hole!(a_deleted_account_that_fails_is_one_finding, "ghosts-500", "server-error GET /me API8:2023");
hole!(a_token_that_outlives_its_logout_is_one_finding, "no-logout", "logged-out-token GET /me API2:2023");
hole!(a_token_that_outlives_its_password_is_advice, "stale", "stale-token GET /me API2:2023");
hole!(a_token_of_any_kind_is_advice, "any-kind", "mistaken-kind GET /me API2:2023");
hole!(a_scheme_that_must_be_capital_is_advice, "strict-scheme", "scheme-case GET /me API8:2023");

#[tokio::test]
async fn a_deleted_account_that_still_acts_is_found_by_what_it_does() {
    let run = attack(&["ghosts"]).await;
    let found = findings(&run);
    assert!(found.contains(&"deleted-account GET /me API2:2023".to_owned()), "{found:?}");
    assert!(found.contains(&"unknown-subject GET /me API2:2023".to_owned()), "{found:?}");
    assert_eq!(found.len(), 2, "{:#?}", run.findings);
}

#[tokio::test]
async fn a_login_that_takes_any_password_is_found() {
    let run = attack(&["any-password"]).await;
    assert_eq!(findings(&run), ["wrong-password POST /v2/login API2:2023"], "{:#?}", run.findings);
    assert_eq!(run.verdict(), Verdict::Fail);
}

#[tokio::test]
async fn a_sound_api_passes_also_when_it_is_odd() {
    for oddities in [&[][..], &["anonymous-403"], &["own-password-only"], &["own-email-only"], &["short-lived"]] {
        let run = attack(oddities).await;
        assert_eq!((findings(&run), run.open_questions()), (vec![], vec![]), "{oddities:?} {:#?}", run.findings);
        assert_eq!(run.verdict(), Verdict::Pass, "{oddities:?}");
        // There are no policies and no provider here.
        let idle = |layer| matches!(layer, Layer::Policy | Layer::Flow);
        assert!(run.layers.iter().all(|layer| idle(layer.layer) || layer.cases > 0));
    }
}

#[tokio::test]
async fn nobody_asks_for_anything_before_they_are_registered() {
    let club = Club::start(&[]).await;
    let mut target = target(&club);
    // The function of a higher role is one that only reads, so it would come early.
    target.access.rules.get_mut("deleteUser").unwrap().allow = vec![Grant::Owner];
    let plan = plan(&target, &Options::default()).unwrap();
    let raised = plan.cases.iter().filter(|case| case.check == "privilege-escalation");
    assert!(raised.clone().count() > 1 && raised.clone().all(|case| case.operation == "GET /admin"));
    let requests = |group: &Group| -> Vec<Request> {
        let steps = group.steps.iter().filter_map(|id| match &plan.steps[*id].action {
            Action::Request(request) => Some((**request).clone()),
            _ => None,
        });
        steps.collect()
    };
    let made: BTreeMap<&String, &str> = plan
        .accounts
        .iter()
        .filter(|(_, account)| account.made)
        .map(|(actor, account)| (actor, account.username.as_str()))
        .collect();
    let mut compared = 0;
    for group in &plan.groups {
        for (at, request) in requests(group).iter().enumerate() {
            let Some(username) = made.get(&request.credential.persona().to_owned()) else { continue };
            let registers = |request: &Request| {
                request.operation == "register" && request.body.as_ref().is_some_and(|body| body["name"] == **username)
            };
            let before = plan.groups.iter().filter(|other| other.phase < group.phase).flat_map(requests);
            let known = before.chain(requests(group).into_iter().take(at)).any(|request| registers(&request));
            // Who took over a name or was renamed is registered under another one.
            let renamed = !plan.groups.iter().flat_map(requests).any(|request| registers(&request));
            assert!(known || renamed, "{:?}: {} as {:?}", group.phase, request.operation, request.credential);
            compared += usize::from(known);
        }
    }
    assert!(compared > 100, "{compared}");
}

#[tokio::test]
async fn a_login_may_take_a_form_because_the_document_or_the_rules_say_so() {
    const FORM: &str = "/v2/login: { post: { operationId: login, security: [], requestBody: { content: { \
                        application/x-www-form-urlencoded: { schema: { type: object } } } } } }";
    let document = DOCUMENT.replace("/v2/login: { post: { operationId: login, security: [] } }", FORM);
    assert_ne!(document, DOCUMENT);
    for (document, form) in [(document.as_str(), false), (DOCUMENT, true)] {
        for (holes, expected) in [
            (&["form-login"][..], &[][..]),
            (&["form-login", "any-password"], &["wrong-password POST /v2/login API2:2023"]),
            (&["form-login", "any-ones-password"], &["object-access PUT /users/{name}/password API1:2023"]),
        ] {
            let club = Club::start(holes).await;
            let mut target = target(&club);
            target.api = Api::parse(document).unwrap();
            target.access.login.as_mut().unwrap().request.form = form;
            let run = run(&target, Options::default()).await;
            assert_eq!(findings(&run), expected, "{holes:?} {:?}", run.open_questions());
        }
    }
}

#[tokio::test]
async fn a_denial_may_be_a_200_that_says_fail() {
    for (oddities, expected) in [
        (&["fail-200"][..], &[][..]),
        (&["fail-200", "any-ones-password"], &["object-access PUT /users/{name}/password API1:2023"]),
        (&["fail-200", "any-ones-comment"], &["object-access DELETE /notes/{title}/comments/{id} API1:2023"]),
    ] {
        let club = Club::start(oddities).await;
        let mut target = target(&club);
        target.access.login.as_mut().unwrap().token = TokenPlace::Body("$.data.user.token".into());
        let comment = target.access.resources.get_mut("comment").unwrap();
        comment.id = Identifier::Answered("$.data.comment.id".into());
        let run = run(&target, Options::default()).await;
        assert_eq!(
            (findings(&run), run.open_questions()),
            (expected.iter().map(ToString::to_string).collect(), vec![]),
            "{oddities:?}"
        );
    }
}

#[tokio::test]
async fn a_login_that_answers_200_and_no_token_is_inconclusive() {
    let run = attack(&["no-token"]).await;
    assert_eq!((findings(&run), run.verdict()), (vec![], Verdict::Inconclusive));
    let reason = "no token for `alice`: the login was answered 200, and the body says that it failed";
    assert!(run.open_questions().iter().any(|(why, _)| why.contains(reason)), "{:?}", run.open_questions());
}

#[tokio::test]
async fn a_token_may_come_and_go_as_a_cookie() {
    let club = Club::start(&["any-ones-note", "cookie"]).await;
    let mut target = target(&club);
    let login = target.access.login.as_mut().unwrap();
    (login.token, login.carrier) = (TokenPlace::Cookie("sid".into()), Carrier::Cookie("sid".into()));
    assert_eq!(findings(&run(&target, Options::default()).await), ["object-access GET /v2/notes/{title} API1:2023"]);
}

#[tokio::test]
async fn five_runs_find_the_same() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..5 {
        let club = Club::start(&["register-admin", "debug", "any-ones-password", "ghosts-500"]).await;
        let target = target(&club);
        let options = Options { seed, started_at: "2026-11-22T00:00:00Z".into(), ..Options::default() };
        let run = security_tests::run(&plan(&target, &options).unwrap(), &target, &mut |_| {}).await;
        seen.insert(findings(&run));
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
    assert_eq!(seen.first().unwrap().len(), 6, "{seen:#?}");
}

#[tokio::test]
async fn a_layer_that_cannot_ask_says_why() {
    let club = Club::start(&[]).await;
    let mut target = target(&club);
    let login = target.access.login.as_mut().unwrap();
    (login.password, login.rename, login.delete, login.logout) = (None, None, None, None);
    let run = run(&target, Options::default()).await;
    let session = run.layers.iter().find(|layer| layer.layer == Layer::Session).unwrap();
    let why = "`login` names no `password`, `rename`, `delete` or `logout`";
    assert_eq!((session.skipped.as_deref(), session.cases), (Some(why), 0));
}

#[tokio::test]
async fn an_operation_without_a_rule_is_denied_to_everybody() {
    let club = Club::start(&["undecided"]).await;
    let mut target = target(&club);
    target.access.rules.remove("undecided");
    let found = findings(&run(&target, Options::default()).await);
    assert!(found.contains(&"missing-authentication GET /undecided API2:2023".to_owned()), "{found:?}");
}

#[tokio::test]
async fn the_accounts_that_were_made_are_deleted_at_the_end() {
    let club = Club::start(&[]).await;
    let target = target(&club);
    let run = run(&target, Options::default()).await;
    assert!(run.plan.accounts.values().filter(|account| account.made).count() > 5);
    let names: Vec<String> = club.state.data.lock().unwrap().users.values().map(|user| user.name.clone()).collect();
    assert_eq!(names, ["root", "victor"]);
}

#[tokio::test]
async fn a_run_that_was_broken_off_can_be_cleaned_up() {
    let club = Club::start(&[]).await;
    let target = target(&club);
    let plan = plan(&target, &Options { seed: 7, ..Options::default() }).unwrap();
    let mut ignore = |_| {};
    let people = || club.state.data.lock().unwrap().users.len();
    let several = async {
        while people() < 5 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = security_tests::run(&plan, &target, &mut ignore) => unreachable!("nobody registered"),
        () = several => {}
    }
    security_tests::clean_up(&plan, &target).await.unwrap();
    assert_eq!(people(), 2);
}

#[tokio::test]
async fn reports_and_plans_hold_no_secret() {
    let run = attack(&["debug", "any-ones-password"]).await;
    let text =
        report::terminal(&run, 100, report::Colour::None) + &report::json(&run).to_string() + &run.plan.to_string();
    let recorded = format!("{:?}", run.exchanges);
    for secret in ["root-pass", "Aa1-", "eyJ", KEY] {
        assert!(!text.contains(secret) && !recorded.contains(secret), "{secret} in\n{text}");
    }
    assert!(text.contains("Authorization: Token $TOKEN_ALICE") && text.contains("$PASSWORD_"), "{text}");
}

#[tokio::test]
async fn logins_are_few() {
    let club = Club::start(&[]).await;
    let run = run(&target(&club), Options::default()).await;
    let logins = club.state.data.lock().unwrap().logins;
    let summary = run.summary();
    assert!(logins < 60, "{logins} logins in {summary:?}");
}
