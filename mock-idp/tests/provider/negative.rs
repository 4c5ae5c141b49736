//! The negative cases: what other mocks let through. Strict refuses every one; permissive takes those that people get
//! wrong in their first hour and records a finding; some are refused always. One test per attack, named after it.

use serde_json::{Value, json};

use crate::attacks::attempt;
use crate::support::Answer;
use crate::world::{BACKEND, CONFIG, World};

/// What permissive mode does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Permissive {
    /// Lets it through and records this.
    Finds(&'static str),
    /// Refuses it as strict mode does.
    RefusesToo,
    /// Lets the beginning through, which is recorded, and refuses what was to come of it.
    RefusesAfter(&'static str),
}
use Permissive::{Finds, RefusesAfter, RefusesToo};

macro_rules! attacks {
    ($($test:ident: $case:literal $permissive:expr;)*) => {
        /// Each attack by its name.
        mod attack {
            use super::*;

            $(#[tokio::test]
            async fn $test() {
                judge($case, $permissive).await;
            })*
        }
    };
}

attacks! {
    unregistered_redirect_uri_on_this_machine: "unregistered redirect URI on this machine" Finds("unregistered_redirect_uri");
    unregistered_redirect_uri_elsewhere: "unregistered redirect URI elsewhere" RefusesToo;
    redirect_uri_with_the_registered_one_as_its_beginning: "redirect URI with the registered one as its beginning" Finds("unregistered_redirect_uri");
    redirect_uri_with_a_user_part: "redirect URI with a user part" RefusesToo;
    open_redirect_through_an_error: "open redirect through an error" RefusesToo;
    no_pkce: "no PKCE" Finds("pkce_missing");
    plain_pkce: "plain PKCE" Finds("pkce_plain");
    challenge_that_is_none: "challenge that is none" RefusesToo;
    unknown_client: "unknown client" RefusesToo;
    response_type_token: "response type token" RefusesToo;
    response_type_code_id_token: "response type code id_token" RefusesToo;
    no_response_type: "no response type" RefusesToo;
    scope_widening_at_authorization: "scope widening at authorization" Finds("unregistered_scope");
    duplicated_parameter_at_authorization: "duplicated parameter at authorization" RefusesToo;
    duplicated_parameter_at_the_token_endpoint: "duplicated parameter at the token endpoint" RefusesToo;
    wrong_secret: "wrong secret" Finds("wrong_secret");
    no_secret: "no secret" Finds("wrong_secret");
    unregistered_grant: "unregistered grant" Finds("unregistered_grant");
    wrong_verifier: "wrong verifier" RefusesToo;
    missing_verifier: "missing verifier" Finds("verifier_missing");
    verifier_equal_to_the_challenge: "verifier equal to the challenge" RefusesToo;
    verifier_without_a_challenge_downgrade: "verifier without a challenge (downgrade)" RefusesAfter("pkce_missing");
    reused_code: "reused code" RefusesToo;
    garbage_code: "garbage code" RefusesToo;
    code_of_another_client: "code of another client" RefusesToo;
    expired_code: "expired code" Finds("code_expired");
    long_expired_code: "long expired code" RefusesToo;
    another_redirect_uri_at_the_token_endpoint: "another redirect URI at the token endpoint" RefusesToo;
    no_redirect_uri_at_the_token_endpoint: "no redirect URI at the token endpoint" Finds("redirect_uri_not_repeated");
    garbage_refresh_token: "garbage refresh token" RefusesToo;
    reused_refresh_token: "reused refresh token" Finds("refresh_token_reused");
    refresh_token_of_another_client: "refresh token of another client" RefusesToo;
    scope_widening_at_refresh: "scope widening at refresh" RefusesToo;
    garbage_introspection: "garbage introspection" RefusesToo;
    introspection_without_authentication: "introspection without authentication" RefusesToo;
    token_request_by_get: "token request by GET" RefusesToo;
    token_request_with_a_json_body: "token request with a JSON body" RefusesToo;
    secret_in_the_query: "secret in the query" RefusesToo;
    redirect_uri_with_another_port: "redirect URI with another port" Finds("unregistered_redirect_uri");
    redirect_uri_with_a_slash_at_its_end: "redirect URI with a slash at its end" Finds("unregistered_redirect_uri");
    redirect_uri_with_dot_segments: "redirect URI with dot segments" Finds("unregistered_redirect_uri");
    redirect_uri_with_a_query_added: "redirect URI with a query added" Finds("unregistered_redirect_uri");
    redirect_uri_in_other_letters: "redirect URI in other letters" Finds("unregistered_redirect_uri");
    redirect_uri_with_a_fragment: "redirect URI with a fragment" RefusesToo;
    redirect_uri_of_another_client: "redirect URI of another client" Finds("unregistered_redirect_uri");
    redirect_uri_that_is_a_script: "redirect URI that is a script" RefusesToo;
    response_mode_fragment: "response mode fragment" RefusesToo;
    response_mode_form_post: "response mode form_post" RefusesToo;
    request_uri_elsewhere: "request URI elsewhere" RefusesToo;
    unsigned_request_object: "unsigned request object" RefusesToo;
    unknown_person_without_a_page: "unknown person without a page" RefusesToo;
    secret_of_another_client: "secret of another client" Finds("wrong_secret");
    empty_secret: "empty secret" Finds("wrong_secret");
    another_client_in_the_body_than_in_the_header: "another client in the body than in the header" RefusesToo;
    secret_in_the_header_and_in_the_body: "secret in the header and in the body" RefusesToo;
    client_credentials_of_a_public_client: "client credentials of a public client" RefusesToo;
    scope_openid_without_a_person: "scope openid without a person" Finds("unregistered_scope");
    code_redeemed_as_a_refresh_token: "code redeemed as a refresh token" RefusesToo;
    refresh_token_redeemed_as_a_code: "refresh token redeemed as a code" RefusesToo;
    access_token_redeemed_as_a_refresh_token: "access token redeemed as a refresh token" RefusesToo;
    code_of_a_person_whose_sessions_were_ended: "code of a person whose sessions were ended" RefusesToo;
    code_of_a_person_who_was_deactivated: "code of a person who was deactivated" RefusesToo;
    refresh_token_of_a_person_whose_sessions_were_ended: "refresh token of a person whose sessions were ended" RefusesToo;
    refresh_token_of_a_person_who_was_deactivated: "refresh token of a person who was deactivated" RefusesToo;
    revoked_refresh_token: "revoked refresh token" RefusesToo;
    expired_refresh_token: "expired refresh token" RefusesToo;
    introspection_of_an_expired_token: "introspection of an expired token" RefusesToo;
    introspection_of_a_revoked_token: "introspection of a revoked token" RefusesToo;
    introspection_of_an_altered_token: "introspection of an altered token" RefusesToo;
    introspection_of_a_token_without_its_signature: "introspection of a token without its signature" RefusesToo;
    introspection_of_an_id_token: "introspection of an ID token" RefusesToo;
    introspection_of_a_refresh_token: "introspection of a refresh token" RefusesToo;
    introspection_by_a_public_client: "introspection by a public client" RefusesToo;
    userinfo_with_garbage: "UserInfo with garbage" RefusesToo;
    userinfo_with_an_id_token: "UserInfo with an ID token" RefusesToo;
    userinfo_with_the_token_of_a_client: "UserInfo with the token of a client" RefusesToo;
    userinfo_with_the_token_in_the_query: "UserInfo with the token in the query" RefusesToo;
    userinfo_with_a_token_that_has_no_scope_openid: "UserInfo with a token that has no scope openid" RefusesToo;
}

/// Whether an answer brings the attacker what was asked for.
fn accepted(answer: &Answer) -> bool {
    let body = answer.json();
    answer.sent("code").is_some()
        || ["access_token", "id_token", "sub"].iter().any(|name| body[*name].is_string())
        || body["active"] == true
}

/// Nothing but the registered address may be sent anything.
fn stays_at_home(answer: &Answer, case: &str) {
    let location = answer.header("location");
    assert!(
        location.is_empty() || location.starts_with("http://localhost:8080/callback?"),
        "{case}: sent to {location}"
    );
}

async fn judge(case: &str, permissive: Permissive) {
    let world = World::new();
    let answer = attempt(&world, case).await;
    let says_no = !answer.status.is_success() || answer.json()["active"] == false;
    assert!(says_no && !accepted(&answer), "{case}: {} {}", answer.status, answer.text());
    stays_at_home(&answer, case);
    assert_eq!(findings(&world).await, Vec::<String>::new(), "{case}: strict mode finds nothing, it refuses");

    let world = World::from_text(&format!("{CONFIG}\nmode: permissive"));
    let answer = attempt(&world, case).await;
    match permissive {
        Finds(finding) => {
            assert!(accepted(&answer), "{case}: {} {}", answer.status, answer.text());
            assert_eq!(findings(&world).await, [finding], "{case}");
        }
        RefusesToo | RefusesAfter(_) => {
            assert!(!accepted(&answer), "{case}: {}", answer.text());
            stays_at_home(&answer, case);
            let before = if let RefusesAfter(finding) = permissive { vec![finding] } else { Vec::new() };
            assert_eq!(findings(&world).await, before, "{case}: nothing was let through, nothing is found");
        }
    }
}

async fn findings(world: &World) -> Vec<String> {
    let body = world.control("GET", "/control/v1/findings", Value::Null).await.json();
    let list = body["findings"].as_array().unwrap().iter().map(|one| one["finding"].as_str().unwrap().to_owned());
    list.collect()
}

#[tokio::test]
async fn a_finding_names_client_clause_and_count_and_can_be_cleared() {
    let world = World::from_text(&format!("{CONFIG}\nmode: permissive"));
    for _ in 0..3 {
        world.authorize(&[("code_challenge", ""), ("code_challenge_method", "")]).await;
    }
    let body = world.control("GET", "/control/v1/findings", Value::Null).await.json();
    let finding = &body["findings"][0];
    assert_eq!(
        (&body["mode"], &finding["client_id"], &finding["times"]),
        (&json!("permissive"), &json!("web"), &json!(3))
    );
    assert!(finding["reason"].as_str().unwrap().contains("RFC 7636"));
    world.control("DELETE", "/control/v1/findings", Value::Null).await;
    assert_eq!(findings(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn findings_fail_a_test_that_expects_others_or_none() {
    let world = World::from_text(&format!("{CONFIG}\nmode: permissive"));
    let held = async |findings: Value| {
        let answer = world.control("POST", "/control/v1/journal/assert", json!({"findings": findings})).await;
        (answer.status.as_u16(), answer.json()["problems"].to_string())
    };
    assert_eq!(held(json!([])).await.0, 200);
    world.authorize(&[("code_challenge", ""), ("code_challenge_method", "")]).await;
    let (status, problems) = held(json!([])).await;
    assert!(status == 409 && problems.contains("`web`, 1 times") && problems.contains("RFC 7636"), "{problems}");
    assert_eq!((held(json!(["pkce_missing"])).await.0, held(json!(["wrong_secret"])).await.0), (200, 409));
    assert_eq!((held(json!(["no_such_finding"])).await.0, held(Value::Null).await.0), (400, 400));
}

#[tokio::test]
async fn permissive_mode_lets_no_client_with_keys_in_without_them_and_no_exchange_beyond_its_rules() {
    let world = World::extended_with("mode: permissive\n");
    for id in ["signing", "hashing"] {
        let form = [("grant_type", "client_credentials"), ("client_id", id)];
        assert_eq!(world.post("/token", &form, None).await.error(), "401 invalid_client", "{id}");
    }
    let access = "urn:ietf:params:oauth:token-type:access_token";
    let subject = world.tokens().await.string("access_token");
    let gateway = Some(("gateway", "gateway-secret"));
    let actor = world.post("/token", &[("grant_type", "client_credentials")], gateway).await.string("access_token");
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", &subject),
        ("subject_token_type", access),
        ("actor_token", &actor),
        ("actor_token_type", access),
        ("scope", "admin"),
    ];
    assert_eq!(world.post("/token", &form, gateway).await.error(), "400 invalid_scope");
    assert_eq!(world.post("/token", &form, Some(BACKEND)).await.error(), "400 unauthorized_client");
    assert_eq!(findings(&world).await, ["unregistered_grant"], "only the grant that was let through, and led nowhere");
}
