//! Who is measured: how each is started, asked, and weighed. Must not know what is made of the figures.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::load::{self, Request};

/// A provider that can be started.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) algorithm: &'static str,
    port: u16,
    command: Vec<String>,
    /// What is added to a grant so that the token is a JWT; an opaque one is introspected by those that only do that.
    for_jwt: &'static str,
}

/// One that runs; it ends with this value.
pub(crate) struct Running {
    child: Child,
    port: u16,
    for_jwt: &'static str,
    metadata: Value,
    /// From the start of the process to the first answer to discovery.
    pub(crate) started: Duration,
    /// The processor time of it, in seconds.
    pub(crate) started_after: f64,
}

/// The provider in each algorithm and, where `run` installed them, the others.
pub(crate) fn all(peers: Option<&Path>, first_port: u16) -> Vec<Subject> {
    let mut subjects = Vec::new();
    let mut add = |name, algorithm, for_jwt, command: &dyn Fn(u16) -> Vec<String>| {
        let port = first_port + u16::try_from(subjects.len()).unwrap();
        subjects.push(Subject { name, algorithm, port, command: command(port), for_jwt });
    };
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        add("mock-idp", algorithm, "", &|port| ours(algorithm, port));
    }
    let Some(peers) = peers else { return subjects };
    let node = |script: &str, algorithm: &str, port: u16| {
        vec!["node".to_owned(), peers.join(script).display().to_string(), algorithm.to_owned(), port.to_string()]
    };
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let for_jwt = "&resource=urn:example:api";
        add("oidc-provider", algorithm, for_jwt, &|port| node("oidc-provider.mjs", algorithm, port));
    }
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        add("oauth2-mock-server", algorithm, "", &|port| node("oauth2-mock-server.mjs", algorithm, port));
    }
    let nanoidp = peers.join("python/bin/nanoidp").display().to_string();
    let config = peers.join("nanoidp").display().to_string();
    add("nanoidp", "RS256", "", &|port| {
        [nanoidp.as_str(), "--config", &config, "--port", &port.to_string()].map(str::to_owned).into()
    });
    subjects
}

fn ours(algorithm: &str, port: u16) -> Vec<String> {
    let file = std::env::temp_dir().join(format!("mock-idp-bench-{port}.yaml"));
    let config = format!(
        "issuer: http://localhost:{port}\nkeys: {{ algorithm: {algorithm} }}\nclients: {{ backend: {{ secret: \
         backend-secret, grants: [client_credentials], scopes: [read] }} }}\n"
    );
    std::fs::write(&file, config).unwrap();
    let listen = format!("127.0.0.1:{port}");
    let (program, file) = (env!("CARGO_BIN_EXE_mock-idp"), file.display().to_string());
    [program, "--config", &file, "--listen", &listen, "--log-format", "json"].map(str::to_owned).into()
}

impl Subject {
    /// Starts it and waits for its first answer.
    pub(crate) fn start(&self) -> Running {
        assert!(discovery(self.port).is_none(), "something else answers at port {}", self.port);
        let (program, arguments) = self.command.split_first().unwrap();
        let begin = Instant::now();
        let mut command = Command::new(program);
        // Some write keys where they are started.
        command.current_dir(std::env::temp_dir());
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("{program} does not start: {error}"));
        let metadata = loop {
            if let Some(metadata) = discovery(self.port) {
                break metadata;
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "{} does not answer", self.name);
            std::thread::sleep(Duration::from_micros(200));
        };
        let (started, started_after) = (begin.elapsed(), work(child.id()));
        Running { child, port: self.port, for_jwt: self.for_jwt, metadata, started, started_after }
    }
}

fn discovery(port: u16) -> Option<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let request = "GET /.well-known/openid-configuration HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

/// Seconds of processor time that a process has spent in all its threads, as the scheduler of Linux counts them.
fn work(process: u32) -> f64 {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let of = |task: std::io::Result<std::fs::DirEntry>| -> f64 {
        // A thread can end between the listing and the reading.
        let Ok(text) = std::fs::read_to_string(task.unwrap().path().join("schedstat")) else { return 0.0 };
        text.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
    };
    tasks.map(of).sum()
}

impl Running {
    /// Seconds of processor time that it has spent.
    pub(crate) fn work(&self) -> f64 {
        work(self.child.id())
    }

    /// Resident memory of the process in MB, as Linux tells it.
    pub(crate) fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
    }

    /// The request for a JWT by client credentials.
    pub(crate) fn grant(&self) -> Request {
        self.post("token_endpoint", &format!("grant_type=client_credentials{}", self.for_jwt))
    }

    /// The question about a token that is alive.
    pub(crate) fn introspection(&self) -> Request {
        let ask = |request: &Request| -> Value {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            serde_json::from_str(&runtime.block_on(load::once(request))).unwrap()
        };
        let answer = ask(&self.post("token_endpoint", "grant_type=client_credentials"));
        let token = answer["access_token"].as_str().unwrap();
        let request = self.post("introspection_endpoint", &format!("token={token}"));
        assert_eq!(ask(&request)["active"], true);
        request
    }

    fn post(&self, endpoint: &str, body: &str) -> Request {
        let url = self.metadata[endpoint].as_str().unwrap();
        let path = &url[url.find("//").unwrap() + 2..];
        let path = &path[path.find('/').unwrap()..];
        // `backend:backend-secret`
        let bytes = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost:{}\r\nauthorization: Basic YmFja2VuZDpiYWNrZW5kLXNlY3JldA==\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        );
        Request { port: self.port, bytes: bytes.into_bytes() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
