//! The login page, the session, and forged logins.

use axum::body::Body;
use axum::http::Request;

use crate::support::Answer;
use crate::world::{World, authorization_path, encode};

/// A page that was shown, as the browser keeps it.
struct Page {
    login: String,
    cookie: String,
    answer: Answer,
}

async fn open(world: &World, changes: &[(&str, &str)]) -> Page {
    let answer = world.authorize(&[&[("prompt", "")], changes].concat()).await;
    let text = answer.text();
    let login = text.split("name=\"login\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    Page { login: login.unwrap_or_default().to_owned(), cookie: answer.cookie("mock-idp-browser"), answer }
}

async fn submit(world: &World, page: &Page, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
    let form = encode(&[&[("login", page.login.as_str())], form].concat());
    let mut request = Request::post("/login").header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.send(request.body(Body::from(form)).unwrap()).await
}

#[tokio::test]
async fn the_page_shows_everybody_with_tenant_and_roles() {
    let page = open(&World::new(), &[]).await;
    assert_eq!(page.answer.status, 200);
    let text = page.answer.text();
    for word in ["alice", "bob", "carol", "acme", "support"] {
        assert!(text.contains(word), "{word}");
    }
}

#[tokio::test]
async fn the_page_runs_nothing_loads_nothing_and_cannot_be_framed() {
    let page = open(&World::new(), &[]).await;
    let policy = page.answer.header("content-security-policy");
    for part in
        ["default-src 'none'", "style-src 'sha256-", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"]
    {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let text = page.answer.text();
    assert!(!text.contains("<script") && !text.contains("src=") && !text.contains("href="));
}

#[tokio::test]
async fn the_cookies_are_hidden_from_scripts_and_foreign_forms() {
    let world = World::new();
    let page = open(&world, &[]).await;
    let done = submit(&world, &page, &[("username", "bob")], &[("cookie", &page.cookie)]).await;
    for answer in [&page.answer, &done] {
        let line = answer.header("set-cookie");
        assert!(line.contains("HttpOnly") && line.contains("SameSite=Lax"), "{line}");
    }
}

#[tokio::test]
async fn choosing_a_person_brings_a_code_and_a_session_that_goes_on_without_a_page() {
    let world = World::new();
    let page = open(&world, &[("login_hint", "")]).await;
    let done = submit(&world, &page, &[("username", "bob")], &[("cookie", &page.cookie)]).await;
    assert_eq!(done.status, 303);
    assert!(done.sent("code").is_some());
    let session = done.cookie("mock-idp-session");
    let again = Request::get(authorization_path(&[("login_hint", "")])).header("cookie", session);
    assert!(world.send(again.body(Body::empty()).unwrap()).await.sent("code").is_some());
}

#[tokio::test]
async fn a_form_posted_by_a_foreign_page_is_refused() {
    let world = World::new();
    let page = open(&world, &[]).await;
    for origin in ["http://attacker.example", "null", "http://localhost:9401"] {
        let headers = [("cookie", page.cookie.as_str()), ("origin", origin)];
        let answer = submit(&world, &page, &[("username", "bob")], &headers).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (403, ""), "{origin}");
    }
    let headers = [("cookie", page.cookie.as_str()), ("origin", "http://localhost:9400")];
    assert_eq!(submit(&world, &page, &[("username", "bob")], &headers).await.status, 303);
}

#[tokio::test]
async fn a_form_from_another_browser_is_refused() {
    let world = World::new();
    let (page, other) = (open(&world, &[]).await, open(&world, &[]).await);
    for headers in [&[][..], &[("cookie", other.cookie.as_str())]] {
        assert_eq!(submit(&world, &page, &[("username", "bob")], headers).await.status, 403);
    }
}

#[tokio::test]
async fn a_login_page_is_answered_once_and_not_for_ever() {
    let world = World::new();
    let page = open(&world, &[]).await;
    let cookie = [("cookie", page.cookie.as_str())];
    assert_eq!(submit(&world, &page, &[("username", "bob")], &cookie).await.status, 303);
    assert_eq!(submit(&world, &page, &[("username", "bob")], &cookie).await.status, 400);
    let late = open(&world, &[]).await;
    world.clock.advance(601);
    assert_eq!(submit(&world, &late, &[("username", "bob")], &[("cookie", &late.cookie)]).await.status, 400);
}

#[tokio::test]
async fn a_guessed_login_handle_is_refused() {
    let world = World::new();
    let mut page = open(&world, &[]).await;
    page.login = "A".repeat(43);
    assert_eq!(submit(&world, &page, &[("username", "bob")], &[("cookie", &page.cookie)]).await.status, 400);
}

#[tokio::test]
async fn an_unknown_or_inactive_person_sees_the_page_again_with_the_reason() {
    let world = World::new();
    world.directory.deactivate("bob");
    let page = open(&world, &[]).await;
    for (name, reason) in [("bob", "not active"), ("<b>nobody", "nobody called"), ("", "nobody called")] {
        let answer = submit(&world, &page, &[("username", name)], &[("cookie", &page.cookie)]).await;
        assert_eq!(answer.status, 403, "{name}");
        assert!(answer.text().contains(reason) && !answer.text().contains("<b>"), "{name}");
    }
}

#[tokio::test]
async fn a_directory_that_is_down_is_said_on_the_page_and_nobody_gets_in() {
    let world = World::new();
    let page = open(&world, &[]).await;
    world.directory.break_down();
    let answer = submit(&world, &page, &[("username", "alice")], &[("cookie", &page.cookie)]).await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("directory does not answer"));
}

#[tokio::test]
async fn cancelling_tells_the_client() {
    let world = World::new();
    let page = open(&world, &[]).await;
    let answer = submit(&world, &page, &[("decision", "cancel")], &[("cookie", &page.cookie)]).await;
    assert_eq!(answer.sent("error").as_deref(), Some("access_denied"));
    assert_eq!(answer.sent("state").as_deref(), Some("the-state"));
}
