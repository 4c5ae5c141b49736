//! A difference in, what it asks for out.

use super::*;

const API: &str = "openapi: 3.1.0\npaths:\n  /orders:\n    get: { operationId: listOrders }\n    post: { operationId: createOrder }\n  \
                   /orders/{id}:\n    get: { operationId: readOrder }\n  /orders/{id}/refund:\n    post: { operationId: refundOrder }\n";

/// What a difference asks for, in one line.
fn asked(diff: &str) -> String {
    asked_with(diff, API)
}

fn asked_with(diff: &str, after: &str) -> String {
    let landmarks = Landmarks {
        decisive: ["devenv.yaml", "authz.yaml", "authz.lock"].map(str::to_owned).into(),
        policies: Some("policies/".into()),
        openapi: Some("openapi.yaml".into()),
    };
    let change =
        Change { files: parse_diff(diff), openapi_before: Some(API.into()), openapi_after: Some(after.into()) };
    match select(&change, &landmarks, &Api::parse(after).unwrap()) {
        Selection::Nothing(_) => "nothing".into(),
        Selection::Everything(reasons) => {
            format!("everything: {}", reasons.iter().map(|reason| &*reason.why).collect::<Vec<_>>().join("; "))
        }
        Selection::Operations(names, _) => names.into_iter().collect::<Vec<_>>().join(" "),
    }
}

fn touched(path: &str) -> String {
    format!("diff --git a/{path} b/{path}\nindex 1..2 100644\n--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n")
}

#[test]
fn documentation_asks_for_nothing() {
    assert_eq!(asked(&touched("docs/how to.md")), "nothing");
    assert_eq!(asked(&(touched("README.md") + &touched("LICENSE") + &touched("logo.svg"))), "nothing");
    assert_eq!(asked(""), "nothing");
}

#[test]
fn rules_lock_stack_and_policies_ask_for_everything() {
    for path in ["authz.yaml", "authz.lock", "devenv.yaml", "policies/orders.cedar", "src/auth/check.rs", "lib/jwt.py"]
    {
        assert!(asked(&(touched("README.md") + &touched(path))).starts_with("everything"), "{path}");
    }
    assert_ne!(asked(&touched("src/authors.rs")), "nothing", "a word within a word is no word");
}

#[test]
fn the_function_around_a_change_is_the_operation() {
    let diff = "diff --git a/src/endpoints.rs b/src/endpoints.rs\n--- a/src/endpoints.rs\n+++ b/src/endpoints.rs\n\
                @@ -40,2 +40 @@ pub(crate) async fn read_order(\n-    owner_only(&caller)?;\n-    \n+\n\
                @@ -90 +89 @@ async fn refundOrder(\n-x\n+y\n";
    assert_eq!(asked(diff), "readOrder refundOrder");
}

#[test]
fn a_changed_route_is_its_operations_whatever_the_framework_writes() {
    for route in ["\"/orders/{id}\"", "'/orders/:id'", "\"/orders/<int:id>\""] {
        let diff = format!("diff --git a/src/app.py b/src/app.py\n@@ -1 +1 @@\n-route({route})\n+route({route}, x)\n");
        assert_eq!(asked(&diff), "readOrder", "{route}");
    }
    let both = "diff --git a/r.rs b/r.rs\n@@ -1 +1 @@\n+.route(\"/orders\", orders())\n";
    assert_eq!(asked(both), "createOrder listOrders");
}

#[test]
fn what_is_not_understood_asks_for_everything() {
    let diff = "diff --git a/src/store.rs b/src/store.rs\n@@ -7 +7 @@ fn connect() {\n-a\n+b\n";
    assert_eq!(asked(diff), "everything: `fn connect() {` names no operation: it may concern all");
    let partly = "diff --git a/x.rs b/x.rs\n@@ -1 +1 @@ fn read_order() {\n-a\n+b\n@@ -9 +9 @@\n-c\n+d\n";
    assert_eq!(asked(partly), "everything: `line 9` names no operation: it may concern all");
    assert!(asked("diff --git a/x.bin b/x.bin\nBinary files a/x.bin and b/x.bin differ\n").starts_with("everything"));
}

#[test]
fn a_changed_document_asks_for_the_operations_that_it_describes_otherwise() {
    let diff = touched("openapi.yaml");
    let added = format!("{API}  /export:\n    get: {{ operationId: exportOrders }}\n");
    assert_eq!(asked_with(&diff, &added), "exportOrders");
    let answers = "readOrder, responses: { '410': { description: gone } } }";
    assert_eq!(asked_with(&diff, &API.replace("readOrder }", answers)), "readOrder");
    assert_eq!(asked_with(&diff, &format!("# words\n{API}")), "nothing");
    let renamed = "everything: readOrder left the OpenAPI document, and may still answer";
    assert_eq!(asked_with(&diff, &API.replace("readOrder }", "getOrder }")), renamed);
    let moved = "everything: the OpenAPI document changed `servers`";
    assert_eq!(asked_with(&diff, &format!("{API}servers: [{{ url: /v2 }}]\n")), moved);
    assert_eq!(asked_with(&diff, &API.replace("readOrder }", "readOrder, security: [{ a: [] }] }")), "readOrder");
}

#[test]
fn paths_with_blanks_are_one_path() {
    assert_eq!(parse_diff(&touched("a b/c d.rs"))[0].path, "a b/c d.rs");
    assert_eq!(parse_diff(&touched("b/b/b"))[0].path, "b/b/b");
}
