//! A day with the hooks, in a fresh repository: what passes, what is stopped and what that says, and that nothing of the
//! user's files is touched. The times that the hook prints are shown with `--nocapture`.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::program::Ran;
use crate::repository::{Files, Repository, free_port};

const OPEN_POLICY: (&str, &str) =
    ("  resource is Order\n)\nwhen { resource.owner == principal };", "  resource is Order\n);");
/// Support may delete, too: by the policies and by the rules.
const WIDER_POLICY: (&str, &str) = (
    "action in [Action::\"readOrder\", Action::\"readMargin\", Action::\"refundOrder\"],",
    "action in [Action::\"readOrder\", Action::\"readMargin\", Action::\"refundOrder\", Action::\"deleteOrder\"],",
);
const WIDER_RULES: (&str, &str) = (
    "deleteOrder:  { on: order, allow: [\"admin of tenant\"]",
    "deleteOrder:  { on: order, allow: [\"support of tenant\", \"admin of tenant\"]",
);

/// What the hook said, with the times.
#[track_caller]
fn said(ran: &Ran, code: i32) -> String {
    println!("{}", ran.stderr);
    assert_eq!(ran.code, code, "{ran:?}");
    ran.stderr.clone()
}

#[track_caller]
fn holds(text: &str, wanted: &[&str]) {
    wanted.iter().for_each(|wanted| assert!(text.contains(wanted), "no `{wanted}` in:\n{text}"));
}

#[test]
fn with_files_alone_a_commit_that_opens_something_is_stopped_until_it_is_meant_so() {
    let repository = Repository::orders();
    repository.devenv(&["test", "--layer", "static,policy", "--accept"]).expect(0);
    repository.devenv(&["hook", "install"]).expect(0);
    let text = said(&repository.commit("the starter"), 0);
    holds(&text, &["everything", "requests: pass", "not run: no stack is up", "the commit goes on"]);

    repository.write("README.md", "Only words.\n");
    let text = said(&repository.commit("words"), 0);
    holds(&text, &["select   nothing", "README.md: nothing in it runs"]);
    assert!(!text.contains("files "), "{text}");

    let document = repository.read("openapi.yaml");
    let added = document.replacen(
        "paths:\n",
        "paths:\n  /everything:\n    get: { operationId: listEverything, responses: {} }\n",
        1,
    );
    repository.write("openapi.yaml", &added);
    let text = said(&repository.commit("an endpoint"), 1);
    holds(&text, &["select   listEverything", "GET /everything has no rule", "undecided-operation:listEverything"]);
    repository.write("openapi.yaml", &document);

    repository.edit("policies/orders.cedar", WIDER_POLICY.0, WIDER_POLICY.1);
    repository.edit("authz.yaml", WIDER_RULES.0, WIDER_RULES.1);
    let text = said(&repository.commit("support deletes"), 1);
    let line = "DELETE /orders/{id} by carol on own";
    holds(&text, &["widened-access:deleteOrder", "by carol", &format!("-{line}: deny"), &format!("+{line}: allow")]);
    repository.devenv(&["test", "--layer", "static,policy", "--accept"]).expect(0);
    let unstaged = repository.try_git(&["commit", "-qm", "accepted, but the lock is not staged"]);
    assert_eq!(unstaged.code, 1, "{unstaged:?}");
    let text = said(&repository.commit("support deletes, accepted"), 0);
    holds(&text, &["requests: pass"]);
    let shown = repository.git(&["show", "--format=", "HEAD", "--", "authz.lock"]);
    holds(&shown, &[&format!("-{line}: deny"), &format!("+{line}: allow")]);
}

#[test]
fn with_the_stack_up_a_deleted_check_is_told_with_operation_persona_and_request() {
    let repository = Repository::orders();
    repository.devenv(&["up", "-d"]).expect(0);
    repository.devenv(&["hook", "install"]).expect(0);
    let text = said(&repository.try_git(&["-c", "core.hooksPath=/dev/null", "add", "-A"]), 0);
    assert_eq!(text, "");
    let first = repository.devenv(&["hook", "run", "pre-commit", "--budget", "1m"]);
    holds(&said(&first, 0), &["stack    token, access, session", "requests: pass", "pass in"]);
    let again = repository.devenv(&["hook", "run", "pre-commit"]);
    holds(&said(&again, 0), &["verified this very tree passed everything before"]);
    said(&repository.commit("the starter"), 0);

    repository.edit("policies/orders.cedar", OPEN_POLICY.0, OPEN_POLICY.1);
    repository.git(&["add", "-A"]);
    let json = repository.devenv(&["hook", "run", "pre-commit", "--budget", "1m", "--format", "json"]).expect(1).json();
    assert_eq!((&json["verdict"], &json["stopped"]), (&"fail".into(), &true.into()));
    let findings: Vec<&Value> =
        json["reports"].as_array().unwrap().iter().flat_map(|report| report["findings"].as_array().unwrap()).collect();
    let read = findings.iter().find(|finding| finding["id"] == "object-access:readOrder").expect("a finding");
    assert!(read["steps"].to_string().contains("curl -sS -H"), "{read}");
    repository.git(&["config", "devenv.hookBudget", "1m"]);
    let text = said(&repository.commit("open"), 1);
    holds(&text, &["by alice, bob", "attack   curl -sS -H \"Authorization: Bearer $TOKEN_", "the commit is stopped"]);

    repository.git(&["config", "devenv.hookMode", "warn"]);
    let text = said(&repository.commit("open"), 0);
    holds(&text, &["mode warn: the commit goes on all the same"]);
}

const NOTES_DOCUMENT: &str = "\
openapi: 3.1.0
info: { title: Notes, version: '1' }
security: [{ bearer: [] }]
components:
  securitySchemes: { bearer: { type: http, scheme: bearer } }
paths:
  /me: { get: { operationId: readMe, responses: { '200': { description: who } } } }
  /notes:
    post:
      operationId: createNote
      requestBody: { content: { application/json: { schema: { type: object, properties: { text: { type: string } } } } } }
      responses: { '201': { description: made } }
  /notes/{id}:
    get:
      operationId: readNote
      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
      responses: { '200': { description: one } }
";
const NOTES_RULES: &str = "\
api: { openapi: openapi.yaml }
resources: { note: { create: { operation: createNote, json: { text: \"${canary}\" } }, id: $.id, read: readNote } }
rules:
  readMe: { allow: [authenticated] }
  createNote: { allow: [authenticated] }
  readNote: { on: note, allow: [owner] }
";
const NOTES_SOURCE: &str = include_str!("notes_api.rs.txt");
const OWNERSHIP: &str = "    if note.owner != caller {\n        return (DENIED, \"{}\".into());\n    }\n";

/// A repository with an API whose source holds the ownership check, and a stack that is up.
fn notes() -> Repository {
    let (idp, api) = (free_port(), free_port());
    let manifest = format!(
        "name: notes\nidentity:\n  tenants: [acme]\n  personas:\n    alice: {{ tenant: acme, roles: [] }}\n    bob: {{ tenant: acme, roles: [] }}\n  \
         clients: {{ notes-api: {{ type: confidential, grants: [client_credentials], auth_method: client_secret_post }} }}\n\
         idp: {{ port: {idp}, access_token: {{ format: opaque, lifetime: 5m, audience: notes-api }} }}\n\
         secrets: {{ notes-api-client: {{ client: notes-api }} }}\n\
         services:\n  api:\n    binary: {{ cargo: notes-api }}\n    ports: [\"{api}:{api}\"]\n    environment:\n      LISTEN: 127.0.0.1:{api}\n      \
         OIDC_ISSUER: ${{DEVENV_ISSUER}}\n      SECRET_FILE: ${{DEVENV_SECRET_NOTES_API_CLIENT}}\n    secrets: [notes-api-client]\n    ready: {{ http: /health }}\n\
         tests: authz.yaml\n"
    );
    let cargo = "[package]\nname = \"notes-api\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n";
    let repository = Repository::of(&[
        ("devenv.yaml", &manifest),
        ("openapi.yaml", NOTES_DOCUMENT),
        ("authz.yaml", NOTES_RULES),
        ("Cargo.toml", cargo),
        ("src/main.rs", NOTES_SOURCE),
        (".gitignore", "/target\n"),
    ]);
    repository.devenv(&["up", "-d"]).expect(0);
    repository.devenv(&["hook", "install"]).expect(0);
    // However busy the machine is.
    repository.git(&["config", "devenv.hookBudget", "1m"]);
    repository
}

#[test]
fn an_ownership_check_that_is_deleted_from_the_source_stops_the_commit() {
    let repository = notes();
    let text = said(&repository.commit("notes"), 0);
    holds(&text, &["build ", "stack    token, access"]);

    repository.edit("src/main.rs", OWNERSHIP, "");
    let text = said(&repository.commit("simpler"), 1);
    holds(
        &text,
        &[
            "select   readNote",
            "src/main.rs: changed where it speaks of readNote",
            "high: GET /notes/{id} gives access to an object of somebody else [object-access:readNote]",
            "by alice, bob",
            "attack   curl -sS -H \"Authorization: Bearer $TOKEN_",
        ],
    );
    let replayed = repository.devenv(&["test", "replay", "object-access:readNote"]).expect(1);
    assert!(replayed.stdout.ends_with("still there\n"), "{}", replayed.stdout);

    repository.write("src/main.rs", &format!("{NOTES_SOURCE}\nfn broken( {{}}\n"));
    let text = said(&repository.commit("does not compile"), 0);
    holds(&text, &["not run:", "`cargo build", "the commit goes on"]);
}

#[test]
fn a_partly_staged_file_and_an_untracked_one_stay_as_they_are_and_the_staged_part_is_what_is_tested() {
    let repository = notes();
    said(&repository.commit("notes"), 0);
    // Staged: an endpoint without a rule. Beside it: another one, and a file that git does not know.
    let staged = NOTES_DOCUMENT.replace("  /notes:\n", "  /staged: { get: { operationId: staged } }\n  /notes:\n");
    repository.write("openapi.yaml", &staged);
    repository.git(&["add", "openapi.yaml"]);
    repository.write(
        "openapi.yaml",
        &staged.replace("/staged: { get: { operationId: staged", "/later: { get: { operationId: later"),
    );
    repository.write("new.rs", "fn untracked() {}\n");
    repository.write("scratch.txt", "mine");
    let before = repository.snapshot();
    let text = said(&repository.devenv(&["hook", "run", "pre-commit"]), 1);
    assert_eq!(repository.snapshot(), before, "index and work tree, byte for byte");
    holds(&text, &["undecided-operation:staged", "openapi.yaml and 1 more is here otherwise than it is staged"]);
    assert!(!text.contains("later") && !text.contains("scratch.txt"), "{text}");
    // Git itself writes the index when it is asked to commit.
    said(&repository.try_git(&["commit", "-qm", "an endpoint"]), 1);
    assert_eq!(work_tree(repository.snapshot()), work_tree(before));
    assert!(repository.git(&["status", "--porcelain"]).contains("MM openapi.yaml"));

    // The other way round: what lies here is broken, what is staged is sound, and the commit is what was staged.
    repository.write("openapi.yaml", &NOTES_DOCUMENT.replace("title: Notes", "title: My notes"));
    repository.git(&["add", "openapi.yaml"]);
    repository.write("openapi.yaml", "not: a document\n");
    let before = repository.snapshot();
    said(&repository.try_git(&["commit", "-qm", "a title"]), 0);
    assert_eq!(work_tree(repository.snapshot()), work_tree(before));
    assert!(repository.git(&["show", "HEAD:openapi.yaml"]).contains("My notes"));
}

/// Without the index, which a commit writes.
fn work_tree(mut files: Files) -> Files {
    files.retain(|path, _| !path.ends_with(".git/index"));
    files
}

#[test]
fn git_commit_with_paths_or_all_tests_what_that_commit_will_hold() {
    let repository = notes();
    said(&repository.commit("notes"), 0);
    repository.write("README.md", "words\n");
    repository.git(&["add", "README.md"]);
    repository.write(
        "openapi.yaml",
        &NOTES_DOCUMENT.replace("  /notes:\n", "  /open: { get: { operationId: open } }\n  /notes:\n"),
    );
    // The index holds the words only; what `-a` and a path add is tested all the same.
    for arguments in [&["commit", "-qam", "all"][..], &["commit", "-qm", "path", "openapi.yaml"]] {
        holds(&said(&repository.try_git(arguments), 1), &["undecided-operation:open"]);
    }
    holds(&said(&repository.try_git(&["commit", "-qm", "words"]), 0), &["select   nothing"]);
}

#[test]
fn before_a_push_everything_is_tested_on_the_commit_that_is_pushed() {
    let repository = notes();
    let remote = repository.project().with_file_name("remote.git");
    repository.git(&["init", "-q", "--bare", remote.to_str().unwrap()]);
    repository.git(&["remote", "add", "origin", remote.to_str().unwrap()]);
    let text = said(&repository.commit("notes"), 0);
    repository.git(&["notes", "--ref=devenv", "prune"]);
    let notes = repository.git(&["notes", "--ref=devenv", "show", "HEAD^{tree}"]);
    assert!(notes.contains("\"verdict\":\"pass\""), "{notes}\n{text}");

    // What was not verified as a whole is tested here, because the work tree is that commit.
    repository.git(&["update-ref", "-d", "refs/notes/devenv"]);
    let pushed = repository.try_git(&["push", "-q", "origin", "main"]);
    holds(&said(&pushed, 0), &["everything, in the work tree", "the push goes on"]);
    let again = repository.try_git(&["push", "-q", "origin", "main:again"]);
    holds(&said(&again, 0), &["this very tree passed everything before"]);

    // A commit that is not checked out, while the stack of the work tree has the ports.
    repository.edit("src/main.rs", OWNERSHIP, "");
    repository.git(&["commit", "-qam", "open", "--no-verify"]);
    repository.write("src/main.rs", NOTES_SOURCE);
    let blocked = repository.try_git(&["push", "-q", "origin", "main"]);
    holds(&said(&blocked, 1), &["its stack is up and has the ports", "the push is stopped"]);
    // Without it, in a copy: the work tree is sound, what is pushed is not.
    repository.devenv(&["down"]).expect(0);
    let before = repository.snapshot();
    let stopped = repository.try_git(&["push", "-q", "origin", "main"]);
    println!("{}", stopped.stdout);
    said(&stopped, 1);
    holds(&stopped.stdout, &["object-access:readNote"]);
    assert_eq!(repository.snapshot(), before);
    let deleted = repository.try_git(&["push", "-q", "origin", ":again"]);
    holds(&said(&deleted, 0), &["nothing: no commit is pushed"]);
}

#[test]
fn what_changed_is_selected_and_explained_and_a_revision_s_lock_is_compared_with() {
    let repository = Repository::orders();
    repository.devenv(&["test", "--layer", "static,policy", "--accept"]).expect(0);
    said(&repository.commit("the starter"), 0);
    let files = ["test", "--layer", "static,policy"];
    let changed = |more: &[&str]| repository.devenv(&[&files[..], &["--changed"], more].concat());
    let nothing = changed(&["--format", "json"]).expect(0).json();
    assert_eq!((&nothing["selected"], nothing["reasons"].as_array().map(Vec::len)), (&"nothing".into(), Some(0)));
    repository.write("docs/more.md", "words");
    assert!(changed(&[]).expect(0).stdout.contains("docs/more.md: nothing in it runs"));
    repository.edit("src/endpoints.rs", "let order = order.refunded();", "let order  = order.refunded();");
    let ran = changed(&["--format", "json"]).expect(0);
    let report: Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(report["selection"]["operations"], serde_json::json!(["refundOrder"]), "{}", report["selection"]);
    repository.edit("policies/orders.cedar", WIDER_POLICY.0, WIDER_POLICY.1);
    repository.edit("authz.yaml", WIDER_RULES.0, WIDER_RULES.1);
    let ran = changed(&[]).expect(1);
    assert!(ran.stderr.contains("selected: everything"), "{}", ran.stderr);

    repository.devenv(&[&files[..], &["--accept"]].concat()).expect(0);
    repository.devenv(&files).expect(0);
    let against = repository.devenv(&[&files[..], &["--base", "HEAD"]].concat()).expect(1);
    assert!(against.stdout.contains("widened-access:deleteOrder"), "{}", against.stdout);
    let unknown = repository.devenv(&[&files[..], &["--base", "nonsense"]].concat()).expect(2);
    assert!(unknown.stderr.contains("`nonsense` is not a revision"), "{}", unknown.stderr);
}

#[test]
fn watching_answers_each_change_until_it_is_interrupted() {
    let repository = Repository::orders();
    repository.git(&["add", "-A"]);
    repository.git(&["commit", "-qm", "the starter"]);
    let mut watch = repository.command(&["test", "--watch", "--layer", "static,policy", "--format", "json"]);
    let mut watch = watch.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!((&next()["selected"], &next()["verdict"]), (&"everything".into(), &"pass".into()));

    let begun = Instant::now();
    repository.edit("policies/orders.cedar", OPEN_POLICY.0, OPEN_POLICY.1);
    assert_eq!((&next()["selected"], &next()["verdict"]), (&"everything".into(), &"fail".into()));
    println!("{} ms from the edit to the answer", begun.elapsed().as_millis());
    repository.write("policies/orders.cedar", "permit (principal, action, resource) when { nonsense };");
    assert_eq!(next()["selected"], "everything");
    assert_eq!(next()["error"]["exit"], 2, "a mistake is told, and the watch goes on");
    repository.git(&["checkout", "-q", "policies"]);
    assert_eq!((&next()["selected"], &next()["verdict"]), (&"everything".into(), &"pass".into()));
    repository.write("README.md", "words");
    assert_eq!(next()["selected"], "nothing");

    assert!(Command::new("kill").args(["-INT", &watch.id().to_string()]).status().unwrap().success());
    assert_eq!(watch.wait().unwrap().code(), Some(130));
}
