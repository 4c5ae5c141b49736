//! Tests of planning: a target in, steps and cases out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::access::{AccessRules, Creation, Entity, Grant, Hidden, Resource, Rule, Scope};
use crate::api::Api;
use crate::secret::Secret;
use crate::target::{Directory, Persona, Provider, Target};

const NOTES: &str = r#"
openapi: 3.0.0
paths:
  /notes:
    post: { operationId: createNote }
  /notes/{id}:
    get: { operationId: readNote }
    delete: { operationId: deleteNote }
"#;

pub(crate) fn target() -> Target {
    let rule = |allow: Vec<Grant>| Rule { allow, ..Rule::default() };
    let on = |allow: Vec<Grant>| Rule { on: Some("note".into()), allow, ..Rule::default() };
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
    let rules = [
        ("createNote", rule(vec![Grant::Authenticated])),
        ("readNote", on(vec![Grant::Owner])),
        ("deleteNote", Rule { destructive: true, ..on(vec![Grant::Owner]) }),
    ];
    Target {
        name: "notes".into(),
        base_url: "http://api.test".into(),
        api: Api::parse(NOTES).unwrap(),
        access: AccessRules {
            resources: BTreeMap::from([("note".to_owned(), note)]),
            rules: rules.into_iter().map(|(name, rule)| (name.to_owned(), rule)).collect(),
            ..AccessRules::default()
        },
        personas: ["alice", "bob"].map(|name| (name.to_owned(), Persona::default())).into(),
        provider: Some(Provider {
            issuer: "http://idp.test".into(),
            control_token: Secret::new("x"),
            audience: None,
            clients: BTreeMap::new(),
        }),
        directory: None,
        decider: None,
        lock: None,
        base: None,
        words: Default::default(),
        controls: Default::default(),
    }
}

#[test]
fn a_slow_part_strikes_a_stand_in_beside_the_rest_or_everybody_where_there_is_no_directory() {
    let plan = |directory: bool| {
        let mut target = target();
        target.api = Api::parse(&format!("{NOTES}  /me:\n    get: {{ operationId: readMe }}\n")).unwrap();
        target.access.rules.insert("readMe".into(), Rule { allow: vec![Grant::Authenticated], ..Rule::default() });
        target.controls.iam = Some("http://iam.test".into());
        target.controls.provider = true;
        let address = || Directory { scim_url: "http://iam.test/scim/v2".into(), token: Secret::new("x") };
        target.directory = directory.then(address);
        let options = Options { layers: vec![Layer::Session], seed: 1, ..Options::default() };
        let plan = super::plan(&target, &options).unwrap();
        let slow = |action: &Action| matches!(action, Action::World(World::Break(_, Failure::Slow, _)));
        let steps = plan.ordered().filter(|(_, _, step)| slow(&step.action));
        steps.map(|(phase, _, step)| format!("{phase:?}: {}", step.action)).collect::<Vec<_>>()
    };
    assert_eq!(plan(false), ["Session: the iam fails: slow", "Session: the provider fails: slow"]);
    let alone = [
        "Beside: the iam fails for alice-iam-slow-00000001: slow",
        "Beside: the provider fails for alice-provider-slow-00000001: slow",
    ];
    assert_eq!(plan(true), alone);
}

#[test]
fn every_request_is_known_before_one_is_sent() {
    let options = Options {
        layers: vec![Layer::Access],
        operations: vec!["readNote".into(), "deleteNote".into()],
        personas: vec!["bob".into()],
        seed: 1,
        ..Options::default()
    };
    let expected = r#"
setup
  setup    POST /notes as bob {"text":"canary0000000100000"}
setup
  setup    POST /notes as alice {"text":"canary0000000100001"}
read
  control  GET /notes/${object:0} as bob
read
  control  GET /notes/${object:1} as alice
  attack   GET /notes/${object:1} as bob
  attack   GET /notes/${object:1} as anonymous
destroy
  setup    POST /notes as bob {"text":"canary0000000100002"}
  probe    GET /notes/${object:2} as bob
  control  DELETE /notes/${object:2} as bob
  probe    GET /notes/${object:2} as bob
destroy
  setup    POST /notes as alice {"text":"canary0000000100003"}
  probe    GET /notes/${object:3} as alice
  control  DELETE /notes/${object:3} as alice
  probe    GET /notes/${object:3} as alice
  setup    POST /notes as alice {"text":"canary0000000100004"}
  probe    GET /notes/${object:4} as alice
  attack   DELETE /notes/${object:4} as bob
  probe    GET /notes/${object:4} as alice
  setup    POST /notes as alice {"text":"canary0000000100005"}
  probe    GET /notes/${object:5} as alice
  attack   DELETE /notes/${object:5} as anonymous
  probe    GET /notes/${object:5} as alice
"#;
    assert_eq!(plan(&target(), &options).unwrap().to_string(), expected.trim_start());
}

#[test]
fn a_plan_is_the_same_each_time_and_names_its_cases_stably() {
    let (one, two) = (plan(&target(), &Options::default()).unwrap(), plan(&target(), &Options::default()).unwrap());
    assert_eq!(one.to_string(), two.to_string());
    let ids: Vec<&str> = one.cases.iter().map(|case| case.id.as_str()).collect();
    assert!(ids.contains(&"object-access:readNote:bob:same-tenant"));
    let distinct: BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len());
}

/// More of everything that is chosen once for a whole run: lists, a function for everybody, two ways to replace.
fn larger_target() -> Target {
    let document = r#"
openapi: 3.0.0
paths:
  /me:
    get: { operationId: me }
  /news:
    get: { operationId: news }
  /notes:
    get: { operationId: listNotes }
    post: { operationId: createNote }
  /notes/{id}:
    get: { operationId: readNote }
    put: { operationId: replaceNote, requestBody: { content: { application/json: { schema: { type: object, properties: { id: { type: string }, text: { type: string } } } } } } }
    patch: { operationId: updateNote, requestBody: { content: { application/json: { schema: { type: object, properties: { id: { type: string }, text: { type: string } } } } } } }
    delete: { operationId: deleteNote }
  /v2/report:
    get: { operationId: report }
  /undecided:
    get: { operationId: undecided }
"#;
    let mut target = target();
    target.api = Api::parse(document).unwrap();
    let personas = [("alice", "red", "user"), ("bob", "red", "user"), ("carol", "blue", "admin")];
    let persona = |(name, tenant, role): (&str, &str, &str)| {
        let persona = Persona { tenant: Some(tenant.into()), roles: vec![role.into()], account: None };
        (name.to_owned(), persona)
    };
    target.personas = personas.map(persona).into();
    target.directory = Some(crate::target::Directory { scim_url: "http://iam.test".into(), token: Secret::new("x") });
    let rule = |allow: Vec<Grant>| Rule { allow, ..Rule::default() };
    let own = |json| Rule { on: Some("note".into()), json, ..rule(vec![Grant::Owner, Grant::Role("admin".into())]) };
    let marked = Some(json!({"text": "${canary}"}));
    let more = [
        ("me", rule(vec![Grant::Authenticated])),
        ("news", rule(vec![Grant::Anyone])),
        ("listNotes", Rule { only: Some(Scope::Own), ..rule(vec![Grant::Authenticated]) }),
        ("readNote", own(None)),
        ("replaceNote", Rule { allow: vec![Grant::Owner], ..own(marked.clone()) }),
        ("updateNote", Rule { allow: vec![Grant::Owner], ..own(marked) }),
        ("report", rule(vec![Grant::Role("admin".into())])),
    ];
    target.access.rules.extend(more.map(|(name, rule)| (name.to_owned(), rule)));
    target
}

#[test]
fn the_parts_of_a_plan_have_its_cases_and_no_others() {
    type Said = (&'static str, String, Option<String>, Relation, Decision, std::mem::Discriminant<Detail>);
    let said = |case: &Case| -> (String, Said) {
        let kind = std::mem::discriminant(&case.detail);
        let (operation, persona) = (case.operation.clone(), case.persona.clone());
        (case.id.clone(), (case.check, operation, persona, case.relation, case.expected, kind))
    };
    let all = Options::default();
    let some = Options { operations: vec!["me".into(), "updateNote".into(), "report".into()], ..Options::default() };
    for (target, options) in [(target(), &all), (larger_target(), &all), (larger_target(), &some)] {
        let whole = plan(&target, options).unwrap();
        let parts: Vec<TestPlan> = batches(&target, options).unwrap().map(Result::unwrap).collect();
        let mut together: Vec<_> = parts.iter().flat_map(|part| &part.cases).map(said).collect();
        let mut at_once: Vec<_> = whole.cases.iter().map(said).collect();
        together.sort_by(|one, other| one.0.cmp(&other.0));
        at_once.sort_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(together, at_once);
        let cells = |plan: &TestPlan| plan.cells.len();
        assert_eq!(parts.iter().map(cells).sum::<usize>(), cells(&whole));
    }
    // What is chosen once for the whole run was among them.
    let checks: BTreeSet<&str> = plan(&larger_target(), &all).unwrap().cases.iter().map(|case| case.check).collect();
    for check in
        ["unsigned-token", "duplicate-key", "removed-role", "deactivated-user", "unguarded-path", "old-version"]
    {
        assert!(checks.contains(check), "{check}");
    }
}

#[test]
fn each_denial_has_a_control() {
    let plan = plan(&target(), &Options::default()).unwrap();
    let denials = plan.cases.iter().filter(|case| case.expected == Decision::Deny);
    assert!(denials.clone().count() > 5);
    assert!(
        denials.into_iter().all(|case| case
            .trial
            .control
            .as_ref()
            .is_some_and(|control| control.step < case.trial.attack))
    );
}

#[test]
fn unknown_names_are_refused_with_what_there_is() {
    let message = |change: fn(&mut Target, &mut Options)| {
        let (mut target, mut options) = (target(), Options::default());
        change(&mut target, &mut options);
        plan(&target, &options).unwrap_err().to_string()
    };
    let known = "it has createNote, readNote, deleteNote";
    assert_eq!(
        message(|_, options| options.operations = vec!["reedNote".into()]),
        format!("the API has no operation `reedNote` (named by the options); {known}")
    );
    assert_eq!(
        message(|target, _| drop(target.access.rules.insert("nope".into(), Rule::default()))),
        format!("the API has no operation `nope` (named by a rule); {known}")
    );
    assert_eq!(
        message(|_, options| options.personas = vec!["eve".into()]),
        "there is no persona `eve`; there are alice, bob"
    );
    assert_eq!(
        message(|target, _| target.access.oracle = crate::access::OracleKind::Policy),
        "expectations should come from the policies, but there are none"
    );
    assert_eq!(
        message(|target, _| target.access.rules.get_mut("readNote").unwrap().on = Some("memo".into())),
        "the rule `readNote` is on `memo`, which is not among the resources"
    );
}

#[test]
fn a_curl_line_names_the_token_and_never_holds_it() {
    let request = Request {
        operation: "updateNote".into(),
        method: "PATCH".into(),
        path: "/notes/1".into(),
        headers: vec![("X-User".into(), "alice".into())],
        form: false,
        body: Some(json!({"text": "it's"})),
        twice: None,
        credential: Credential::Forged("alice".into(), "alg-none"),
        creates: None,
        carrier: Arc::default(),
        signs_in: None,
        statement: None,
        until: None,
    };
    let step = Step { role: Role::Attack, action: Action::Request(Box::new(request)) };
    let expected = r#"curl -sS -X PATCH -H "Authorization: Bearer $TOKEN_ALICE_ALG_NONE" -H 'X-User: alice' -H 'Content-Type: application/json' -d '{"text":"it'\''s"}' 'http://api.test/notes/1'"#;
    assert_eq!(curl(&step, "http://api.test/notes/1"), expected);
}

/// Policies that can be edited.
struct Editable;

impl crate::oracle::Decider for Editable {
    fn decide(&self, _question: &crate::oracle::Question) -> Result<Decision, String> {
        Ok(Decision::Allow)
    }

    fn actions(&self) -> Vec<String> {
        vec!["me".to_owned()]
    }

    fn forbidding(&self, _persona: &str, _action: &str) -> Option<serde_json::Value> {
        Some(json!({}))
    }
}

/// The checks with cases in the session layer.
fn session_checks(target: &Target) -> BTreeSet<&'static str> {
    let options = Options { layers: vec![Layer::Session], ..Options::default() };
    plan(target, &options).unwrap().cases.iter().map(|case| case.check).collect()
}

#[test]
fn what_nobody_declared_is_not_tried() {
    let mut target = larger_target();
    let always = BTreeSet::from(["revoked-token", "deactivated-user", "removed-role", "claimed-property"]);
    assert_eq!(session_checks(&target), always);
    // The control interfaces of provider and IAM.
    target.controls = crate::target::Controls {
        provider: true,
        signed_tokens: true,
        iam: Some("http://iam.test".into()),
        ..Default::default()
    };
    target.decider = Some(Arc::new(Editable));
    let ordered = ["fail-open", "retired-key", "stale-policy"];
    let with = |more: &[&'static str]| always.iter().chain(&ordered).chain(more).copied().collect::<BTreeSet<_>>();
    assert_eq!(session_checks(&target), with(&[]));
    // References are signed by no key that could be retired.
    target.controls.signed_tokens = false;
    assert!(!session_checks(&target).contains("retired-key"));
    target.controls.signed_tokens = true;
    // What the API declares.
    let receiver =
        |operation: &str| crate::access::Receiver { operation: operation.into(), audience: Some("x".into()) };
    target.access.session.events = Some(receiver("news"));
    target.access.session.backchannel_logout = Some(receiver("news"));
    let statements = ["session-event", "forged-event", "backchannel-logout", "forged-logout"];
    assert_eq!(session_checks(&target), with(&statements));
    target.access.rules.get_mut("report").unwrap().refused_when = [("hour".to_owned(), json!(3))].into_iter().collect();
    let step_up = crate::access::StepUp { acr: Some("mfa".into()), max_age: None };
    target.access.rules.get_mut("replaceNote").unwrap().step_up = Some(step_up);
    let all: Vec<&'static str> =
        statements.into_iter().chain(["stale-circumstances", "step-up", "step-up-challenge"]).collect();
    assert_eq!(session_checks(&target), with(&all));
}

#[test]
fn a_change_has_its_control_before_it_and_its_way_back_behind_it() {
    let mut target = larger_target();
    (target.controls.provider, target.controls.signed_tokens) = (true, true);
    let options = Options { layers: vec![Layer::Session], only: vec!["retired-key:me".into()], ..Options::default() };
    let text = plan(&target, &options).unwrap().to_string();
    let session = text.split_once("session\n").unwrap().1.split("\nend").next().unwrap();
    assert_eq!(
        session.trim_end(),
        "  change   the provider signs with a new key
  setup    mint a token of alice
  control  GET /me as alice
  change   the provider signs with a new key
  probe    GET /me as alice
  change   the provider retires the key before
  attack   GET /me as alice, until it is refused, for 1s at most
  restore  the provider signs as before
  setup    mint a token of alice
  probe    GET /me as alice, until it is allowed, for 1s at most"
    );
}
