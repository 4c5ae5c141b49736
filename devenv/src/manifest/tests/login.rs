//! `authz.yaml` of an API with a login of its own.

use security_tests::access::{Grant, Hidden, Identifier};
use security_tests::login::{Carrier, TokenPlace};
use security_tests::secret::Secret;

use super::access::checked;
use super::*;
use crate::manifest::authz::{self, Document, SecretSource};

const EXAMPLE: &str = r#"
api: { openapi: /openapi.json }
personas:
  carol: {}
  root: { roles: [admin], username: root, password: { env: ROOT_PASSWORD } }
  victim: { username: victim }
login:
  register: { operation: POST /orders, json: { name: "${persona.username}", password: "${persona.password}" } }
  request: { operation: listOrders, json: { email: "${persona.email}", password: "${persona.password}" } }
  token: $.user.token
  scheme: Token
  me: GET /health
  password: { operation: getOrder, json: { password: "${new.password}" } }
  rename: { operation: getOrder, json: { name: "${new.username}" } }
  delete: { operation: deleteOrder, as: root }
  key: { alg: HS256, file: key.txt }
reset: { operation: health }
resources:
  account: { id: "${persona.username}", read: getOrder, hidden: [email] }
  order:
    in: account
    create: { operation: createOrder, json: { item: "${canary}" } }
    id: "${canary}"
    read: GET /orders
rules:
  GET /orders/{id}: { on: account, allow: [others], prepare: GET /orders }
"#;

#[test]
fn the_example_of_an_api_with_its_own_login_loads() {
    let (rules, warnings) = checked(EXAMPLE).unwrap();
    assert_eq!(warnings, "");
    let login = rules.login.unwrap();
    assert_eq!(
        (login.token, login.carrier),
        (TokenPlace::Body("$.user.token".into()), Carrier::Scheme("Token".into()))
    );
    assert_eq!(login.register.unwrap().operation, "createOrder", "a method with a path is the operation's name");
    assert_eq!(login.me.as_deref(), Some("health"));
    assert_eq!(login.delete.unwrap().by.as_deref(), Some("root"));
    assert_eq!(login.password.unwrap().json, Some(serde_json::json!({ "password": "${new.password}" })));
    assert_eq!(rules.reset.unwrap().operation, "health");
    let account = &rules.resources["account"];
    assert_eq!((&account.create, &account.id), (&None, &Identifier::Sent("${persona.username}".into())));
    assert_eq!(account.hidden, Hidden { from_others: vec!["email".into()], ..Hidden::default() });
    let order = &rules.resources["order"];
    assert_eq!((order.within.as_deref(), order.read.as_str()), (Some("account"), "listOrders"));
    let rule = &rules.rules["getOrder"];
    assert_eq!((rule.allow.as_slice(), rule.prepare.as_deref()), (&[Grant::Others][..], Some("listOrders")));
}

#[test]
fn a_body_is_json_or_a_form() {
    let json = r#"request: { operation: listOrders, json: {"#;
    assert!(EXAMPLE.contains(json));
    let text = EXAMPLE.replace(json, r#"request: { operation: listOrders, form: { phone: "${persona.number}","#);
    let request = checked(&text).unwrap().0.login.unwrap().request;
    assert!(request.form);
    assert_eq!(request.json.unwrap()["phone"], "${persona.number}");
    let both = EXAMPLE.replace(json, "request: { operation: listOrders, form: {}, json: {");
    assert_eq!(checked(&both).unwrap_err(), "9:43+1 error: a body is either `json` or a `form`\n");
}

#[test]
fn personas_have_an_account_or_get_one_and_secrets_may_be_elsewhere() {
    let file = authz::parse(&SourceFile { path: "authz.yaml".into(), text: EXAMPLE.to_owned() }).unwrap();
    assert_eq!(file.openapi, Document::OfApi("/openapi.json".into()));
    assert!(file.personas["carol"].account.is_none() && file.personas["carol"].can_act());
    let victim = file.personas["victim"].account.as_ref().unwrap();
    assert_eq!((victim.username.as_str(), &victim.password), ("victim", &None));
    let sources: Vec<&SecretSource> = file.wanted.iter().map(|wanted| &wanted.source).collect();
    let expected = [&SecretSource::File("key.txt".into()), &SecretSource::Environment("ROOT_PASSWORD".into())];
    assert_eq!(sources, expected);
    let text = "api: { openapi: o.yaml }\npersonas: { a: { username: u, password: p } }\n";
    let file = authz::parse(&SourceFile { path: "authz.yaml".into(), text: text.to_owned() }).unwrap();
    assert_eq!(file.personas["a"].account.as_ref().unwrap().password, Some(Secret::new("p")));
    assert!(!format!("{file:?}").contains("Secret(\""), "a password is not printed");
}

#[test]
fn mistakes_about_a_login_are_told_at_once() {
    let text = "\
api: { openapi: openapi.yaml, format: json }
personas:
  dave: {}
  root: { password: x }
login:
  request: { operation: signIn, json: { name: \"${canary}\" } }
  token: { cookie: a, header: b }
  scheme: Token
  header: X-Token
  delete: { operation: deleteOrder, as: rot }
  key: { alg: RS256, env: KEY }
  log_out: {}
reset: { operation: health, json: { a: \"${persona.username}\" } }
resources:
  comment: { id: $.id, read: getOrder, in: articel }
rules:
  health: { allow: [others] }
";
    assert_eq!(
        checked(text).unwrap_err(),
        "\
1:31+6 error: unknown key `format` (known here: `openapi`)
3:3+4 error: the persona `dave` has no account (give it a `username` and a `password`, or say in `login.register` how to make one)
4:3+4 error: `root` has an account, so it needs a `username`
6:25+6 error: the API has no operation `signIn` (operations are the `operationId`s of `openapi.yaml`, or `METHOD /path`)
6:47+11 error: `${canary}` is not known here (known here: `${persona.username}`, `${persona.email}`, `${persona.password}`, `${persona.number}`)
7:10+1 error: `login.token` is in one place: `$.a.b`, a `cookie` or a `header`
9:3+6 error: a token is sent in one way: `scheme`, `header` or `cookie`
10:41+3 error: there is no persona `rot` (did you mean `root`?)
11:15+5 error: expected `HS256`, `HS384` or `HS512`, found `RS256` (did you mean `HS256`?)
12:3+7 error: unknown key `log_out` (did you mean `logout`?)
13:40+21 error: `${persona.username}` is not known here (nothing is filled in here)
15:44+7 error: there is no resource `articel`
17:21+6 error: `others` needs an object: whose? (add `on:` with the name of a resource)
"
    );
}

#[test]
fn the_examples_of_real_applications_load_as_they_are_and_are_short() {
    for text in [
        include_str!("../../../../tests/targets/vampi/authz.yaml"),
        include_str!("../../../../tests/targets/realworld/authz.yaml"),
        include_str!("../../../../tests/targets/capital/authz.yaml"),
    ] {
        assert!(text.lines().count() <= 60);
        let file = authz::parse(&SourceFile { path: "authz.yaml".into(), text: text.to_owned() }).unwrap();
        // Whatever the operations are called: everything else must be right.
        let mentioned: Vec<&str> = text.split(|c: char| !(c.is_alphanumeric() || "._".contains(c))).collect();
        let named = |id: &&str| authz::Named { id: (*id).to_owned(), label: (*id).to_owned() };
        let operations: Vec<authz::Named> = mentioned.iter().map(named).chain(labels(text)).collect();
        let cast = file.personas.iter().map(|(name, persona)| (name.clone(), persona.roles.clone())).collect();
        let loaded = authz::check(&file, &operations, &cast).map_err(|problems| listed(&problems));
        assert_eq!(loaded.map(|loaded| listed(&loaded.warnings)), Ok(String::new()));
    }
}

/// Everything in a text that looks like `METHOD /path`.
fn labels(text: &str) -> impl Iterator<Item = authz::Named> {
    let line = |line: &str| {
        let methods = ["GET /", "POST /", "PUT /", "DELETE /"].into_iter();
        let found = methods.flat_map(|method| line.match_indices(method).map(|(at, _)| at).collect::<Vec<_>>());
        let label = |at: usize| {
            let rest = &line[at..];
            let end = rest.match_indices([',', '"', ']']).map(|(end, _)| end).min();
            let text = rest[..end.unwrap_or(rest.len())].trim_end_matches([' ', '}', ':']);
            let text = text.split(": {").next().unwrap();
            let open = text.matches('{').count() > text.matches('}').count();
            if open { format!("{text}}}") } else { text.to_owned() }
        };
        found.map(label).collect::<Vec<_>>()
    };
    let labels: Vec<String> = text.lines().flat_map(line).collect();
    labels.into_iter().map(|label| authz::Named { id: label.clone(), label })
}
