//! `devenv test --target`: an API that was not started by us, without `devenv.yaml`, stack or Docker.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::program::Bench;

const RULES: &str = r#"
api: { openapi: /openapi.json }
personas: { alice: { username: alice, password: { env: ALICE } }, bob: { username: bob, password: bobs-password } }
login:
  request: { operation: POST /login, json: { name: "${persona.username}", password: "${persona.password}" } }
  token: $.token
  me: GET /me
rules:
  POST /login: { allow: [anyone] }
  GET /me: { allow: [authenticated] }
  GET /admin: { allow: [] }
"#;
const DOCUMENT: &str = r#"{"openapi": "3.0.0", "info": {"title": "tiny"}, "security": [{"t": []}], "paths": {
  "/login": {"post": {"security": []}}, "/me": {"get": {}}, "/admin": {"get": {}}}}"#;

/// An API in a thread of this test; it remembers what it was asked.
struct Tiny {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Tiny {
    fn start(answer: fn(&str, &str, &str) -> (u16, String)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let remembered = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                drop(serve(stream, &remembered, answer));
            }
        });
        Self { url, asked }
    }
}

fn serve(
    mut stream: TcpStream,
    asked: &Mutex<Vec<String>>,
    answer: fn(&str, &str, &str) -> (u16, String),
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut length, mut token) = (String::new(), 0, String::new());
    reader.read_line(&mut line)?;
    let wanted = line.rsplit_once(' ').unwrap_or_default().0.to_owned();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let lower = header.trim().to_ascii_lowercase();
        match lower.split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(("authorization", _)) => header.trim().rsplit(' ').next().unwrap().clone_into(&mut token),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    asked.lock().unwrap().push(wanted.clone());
    let (status, text) = match wanted.as_str() {
        "GET /openapi.json" => (200, DOCUMENT.to_owned()),
        _ => answer(&wanted, &token, &String::from_utf8_lossy(&body)),
    };
    write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}", text.len())
}

fn sound(wanted: &str, token: &str, body: &str) -> (u16, String) {
    let user = ["alice", "bob"].into_iter().find(|name| token == format!("token-of-{name}"));
    let knows = body.contains("bobs-password") || body.contains("alices-password");
    let named = ["alice", "bob"].into_iter().find(|name| body.contains(&format!("\"{name}\"")));
    match (wanted, user, named) {
        ("POST /login", _, Some(name)) if knows => (200, format!("{{\"token\": \"token-of-{name}\"}}")),
        ("GET /me", Some(name), _) => (200, format!("{{\"name\": \"{name}\"}}")),
        ("POST /login" | "GET /me" | "GET /admin", ..) => (401, "{\"error\": \"no\"}".to_owned()),
        _ => (404, "{\"error\": \"nothing here\"}".to_owned()),
    }
}

fn open(wanted: &str, token: &str, body: &str) -> (u16, String) {
    if wanted == "GET /admin" { (200, "{\"users\": [\"alice\"]}".to_owned()) } else { sound(wanted, token, body) }
}

fn maintenance(_: &str, _: &str, _: &str) -> (u16, String) {
    (200, "{\"status\": \"fail\", \"message\": \"maintenance\"}".to_owned())
}

fn bench() -> Bench {
    Bench::of("auto", &[("authz.yaml", RULES)]).with("ALICE", "alices-password")
}

#[test]
fn an_api_that_runs_already_is_tested_without_a_stack() {
    let api = Tiny::start(sound);
    let ran = bench().run(&["test", "--target", &api.url]).expect(0);
    assert!(ran.stdout.contains("GET /me") && ran.stdout.contains("pass"), "{}", ran.stdout);
    let api = Tiny::start(open);
    let report = bench().run(&["test", "--target", &api.url, "--format", "json"]).expect(1);
    let json = report.stdout.lines().last().unwrap_or_default();
    assert!(json.contains("missing-authentication:GET /admin"), "{}", report.stdout);
    assert!(!report.stdout.contains("password") || !report.stdout.contains("alices-password"), "{}", report.stdout);
}

#[test]
fn a_login_that_fails_is_inconclusive_and_never_a_pass() {
    let api = Tiny::start(maintenance);
    let ran = bench().run(&["test", "--target", &api.url]).expect(4);
    assert!(ran.stdout.contains("no token for `alice`: the login was answered 200"), "{}", ran.stdout);
}

#[test]
fn a_plan_sends_nothing_but_what_it_needs_to_read() {
    let api = Tiny::start(sound);
    let ran = bench().run(&["test", "--target", &api.url, "--plan"]).expect(0);
    assert!(
        ran.stdout.contains(r#"POST /login as anonymous {"name":"bob","password":"${secret:bob}"}"#),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("bobs-password"), "{}", ran.stdout);
    assert_eq!(*api.asked.lock().unwrap(), ["GET /openapi.json"]);
}

#[test]
fn what_is_missing_is_told() {
    let api = Tiny::start(sound);
    let ran = Bench::of("auto", &[("authz.yaml", RULES)]).run(&["test", "--target", &api.url]).expect(2);
    assert!(
        ran.stderr.contains("the variable `ALICE` is not set") && ran.stderr.contains("authz.yaml:3:49"),
        "{}",
        ran.stderr
    );
    let ran = bench().run(&["test", "--target", "127.0.0.1:80"]).expect(2);
    assert!(ran.stderr.contains("--target 127.0.0.1:80"), "{}", ran.stderr);
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = bench().run(&["test", "--target", &format!("http://{gone}")]).expect(4);
    assert!(ran.stderr.contains("nothing was tested") && ran.stderr.contains("/openapi.json"), "{}", ran.stderr);
}
