//! The authorization request as text in, outcome out.

use super::*;
use crate::config::{Grant, Mode};
use crate::findings::Findings;

const GOOD: &str = "client_id=web&redirect_uri=http://localhost:8080/callback&response_type=code&scope=openid\
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

fn config() -> Config {
    let client = Client {
        redirect_uris: vec!["http://localhost:8080/callback".to_owned()],
        grants: vec![Grant::AuthorizationCode],
        scopes: vec!["orders:read".to_owned()],
        ..Client::default()
    };
    let clients = [("web".to_owned(), client)].into();
    Config { clients, acr_values: vec!["pwd".to_owned(), "mfa".to_owned()], ..Config::default() }
}

fn parsed(query: &str) -> Result<AuthorizationRequest, Refusal> {
    let config = config();
    let clients = Clients::new(&config.clients);
    let findings = Findings::new();
    let leniency = Leniency { mode: Mode::Strict, findings: &findings, now: 1_000 };
    let front = Front { config: &config, clients: &clients, leniency };
    parse(front, &Parameters::parse(query.as_bytes()), Arrival::default())
}

fn outcome(query: &str) -> String {
    match parsed(query) {
        Ok(_) => "ok".to_owned(),
        Err(Refusal::Page(refused)) => format!("page {}", refused.code.as_str()),
        Err(Refusal::Redirect { refused, .. }) => format!("redirect {}", refused.code.as_str()),
    }
}

#[test]
fn each_wrong_request_is_answered_with_its_own_code_in_its_own_place() {
    let cases = [
        ("", "", "ok"),
        ("client_id=web", "client_id=other", "page invalid_request"),
        ("client_id=web", "client_id=web&client_id=web", "page invalid_request"),
        (":8080/callback", ":8080/callback/", "page invalid_request"),
        (":8080/callback", ":8080/Callback", "page invalid_request"),
        (":8080/callback", ":8080/callback%3Fa=b", "page invalid_request"),
        (":8080/callback", ":8081/callback", "page invalid_request"),
        ("localhost:8080", "localhost:8080@attacker.example", "page invalid_request"),
        ("redirect_uri=", "other=", "page invalid_request"),
        ("response_type=code", "", "redirect invalid_request"),
        ("response_type=code", "response_type=token", "redirect unsupported_response_type"),
        ("response_type=code", "response_type=code%20id_token", "redirect unsupported_response_type"),
        ("response_type=code", "response_type=code&state=a&state=b", "redirect invalid_request"),
        ("response_type=code", "response_type=code&resource=urn:x", "redirect invalid_target"),
        ("response_type=code", "response_type=code&dpop_jkt=short", "redirect invalid_request"),
        ("response_type=code", "response_type=code&acr_values=retina", "redirect unmet_authentication_requirements"),
        ("response_type=code", "response_type=code&authorization_details=[]", "redirect invalid_authorization_details"),
        ("response_type=code", "response_type=code&response_mode=fragment", "redirect invalid_request"),
        ("response_type=code", "response_type=code&prompt=none%20login", "redirect invalid_request"),
        ("response_type=code", "response_type=code&max_age=-1", "redirect invalid_request"),
        ("scope=openid", "scope=admin", "redirect invalid_scope"),
        ("=S256", "=plain", "redirect invalid_request"),
        ("&code_challenge_method=S256", "", "redirect invalid_request"),
        ("code_challenge=", "other=", "redirect invalid_request"),
    ];
    for (from, to, expected) in cases {
        assert_eq!(outcome(&GOOD.replace(from, to)), expected, "`{from}` → `{to}`");
    }
}

fn decide(extra: &str, session: Option<(&str, i64)>) -> Next {
    let text = format!("{GOOD}{extra}");
    let request = parsed(&text).unwrap();
    let session = session.map(|(user, auth_time)| Session {
        user: user.into(),
        auth_time,
        sid: "sid".into(),
        serial: 1,
        acr: Some("pwd".into()),
        second_factor: false,
    });
    next(&request, session, 1_000)
}

#[test]
fn a_session_goes_on_unless_the_client_wants_another_person_a_fresh_login_or_the_page() {
    assert!(matches!(decide("", Some(("alice", 900))), Next::Continue(_)));
    assert!(matches!(
        decide("&login_hint=alice&max_age=200&prompt=none&acr_values=mfa%20pwd", Some(("alice", 900))),
        Next::Continue(_)
    ));
    for extra in
        ["&login_hint=bob", "&max_age=50", "&max_age=0", "&prompt=login", "&prompt=select_account", "&acr_values=mfa"]
    {
        assert_eq!(decide(extra, Some(("alice", 900))), Next::ShowLogin, "{extra}");
    }
    assert_eq!(decide("", None), Next::ShowLogin);
}

#[test]
fn prompt_none_shows_no_page_and_logs_in_only_the_hinted_person() {
    assert_eq!(decide("&prompt=none&login_hint=bob", Some(("alice", 900))), Next::LogIn("bob".to_owned()));
    assert!(matches!(decide("&prompt=none", None), Next::Refuse(refused) if refused.code == Code::LoginRequired));
    assert!(matches!(decide("&prompt=none&max_age=1", Some(("alice", 900))), Next::Refuse(_)));
}

#[test]
fn an_answer_keeps_the_query_of_the_redirect_uri_and_encodes_what_it_adds() {
    assert_eq!(answer_url("app://cb", &[("state", "a&b=c d")]), "app://cb?state=a%26b%3Dc+d");
    assert_eq!(answer_url("http://h/cb?x=1", &[("code", "1")]), "http://h/cb?x=1&code=1");
}
