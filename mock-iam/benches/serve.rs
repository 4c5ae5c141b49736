//! The server as a caller sees it, with 100 policies and 10,000 users: decisions a second over HTTP, start, reset,
//! search, memory. `cargo bench -p mock-iam --bench serve`.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a measurement prints its table and may fail loudly")]

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mock_iam::Config;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const POLICIES: usize = 100;
const USERS: usize = 10_000;
const QUESTIONS: usize = 20_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a run time");
    runtime.block_on(measure());
}

async fn measure() {
    serve(200, "start with 200 users").await;
    let address = serve(USERS, "start with 10,000 users").await;
    println!("{:<34} {:>10.1} MB", "memory, resident", resident());
    for connections in [1, 4, 16] {
        load(address, connections).await;
    }
    let mut client = Client::new(address).await;
    for (name, head, body) in [
        ("reset, 10,000 users", "POST /control/v1/reset", String::new()),
        ("search subject, 10,000 users", "POST /access/v1/search/subject", who()),
        ("SCIM filter over 10,000 users", "GET /scim/v2/Users?filter=userName%20eq%20%22user77%22", String::new()),
        (
            "SCIM sort of 10,000 users",
            "GET /scim/v2/Users?sortBy=userName&sortOrder=descending&count=10",
            String::new(),
        ),
    ] {
        let mut times: Vec<Duration> = Vec::new();
        for _ in 0..5 {
            let start = Instant::now();
            client.send(&request(head, &body)).await;
            times.push(start.elapsed());
        }
        times.sort();
        println!("{name:<34} {:>10.1} ms (median of 5)", times.get(2).map_or(0.0, |time| time.as_secs_f64() * 1e3));
    }
    println!("{:<34} {:>10.1} MB", "memory at the end, resident", resident());
}

/// A server that ends with the process; the time from configuration to the first answer is printed.
async fn serve(users: usize, name: &str) -> SocketAddr {
    let config = config(users);
    let start = Instant::now();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(mock_iam::run(listener, config, std::future::pending()));
    Client::new(address).await.send(&request("GET /health", "")).await;
    println!("{name:<34} {:>10.1} ms", start.elapsed().as_secs_f64() * 1e3);
    address
}

async fn load(address: SocketAddr, connections: usize) {
    let start = Instant::now();
    let tasks = (0..connections).map(|number| {
        tokio::spawn(async move {
            let mut client = Client::new(address).await;
            let mut times = Vec::with_capacity(QUESTIONS / connections);
            for index in 0..QUESTIONS / connections {
                let user = (index * connections + number) * 7919 % USERS;
                let start = Instant::now();
                client.send(&request("POST /access/v1/evaluation", &question(user))).await;
                times.push(start.elapsed());
            }
            times
        })
    });
    let mut times = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        times.extend(task.await.expect("a client"));
    }
    let per_second = times.len() as f64 / start.elapsed().as_secs_f64();
    times.sort();
    let micros = |share: usize| times.get((times.len() - 1) * share / 100).map_or(0.0, |time| time.as_secs_f64() * 1e6);
    let name = format!("evaluation, {connections} connections");
    println!("{name:<34} {per_second:>10.0} /s, p50 {:.0} µs, p99 {:.0} µs", micros(50), micros(99));
}

struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket option");
        Self { stream, buffer: vec![0; 1 << 20] }
    }

    /// Sends a request and reads its answer, which must be a good one.
    async fn send(&mut self, request: &str) {
        self.stream.write_all(request.as_bytes()).await.expect("a request");
        let mut read = 0;
        loop {
            let room = self.buffer.get_mut(read..).expect("room");
            read += self.stream.read(room).await.expect("an answer");
            let text = std::str::from_utf8(self.buffer.get(..read).expect("read")).unwrap_or_default();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            assert!(head.starts_with("HTTP/1.1 20"), "{text}");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            if body.len() >= length.parse().expect("a length") {
                return;
            }
        }
    }
}

fn request(head: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{head} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer t\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

fn question(user: usize) -> String {
    let order = json!({ "owner": { "type": "User", "id": format!("user{user}") },
                        "tenant": { "type": "Tenant", "id": format!("tenant{}", user % 50) }, "total": 500 });
    json!({ "subject": { "type": "User", "id": format!("user{user}") }, "action": { "name": "readOrder" },
            "resource": { "type": "Order", "id": "17", "properties": order } })
    .to_string()
}

fn who() -> String {
    let mut question: Value = serde_json::from_str(&question(7)).expect("JSON");
    let subject = question.get_mut("subject").expect("a subject");
    *subject = json!({ "type": "User" });
    question.to_string()
}

fn config(users: usize) -> Config {
    let mut policies = String::from("permit (principal, action, resource) when { resource.owner == principal };\n");
    for number in 1..POLICIES {
        writeln!(
            policies,
            "permit (principal in Role::\"role{number}\", action, resource) \
             when {{ principal has tenant && resource in principal.tenant && resource.total < {number} }};"
        )
        .expect("a string takes all");
    }
    let schema = "entity Role, Tenant;
        entity User in [Role, Tenant] { tenant?: Tenant, roles: Set<String>, active: Bool, level?: Long };
        entity Order in [Tenant] { owner: User, tenant: Tenant, total: Long };
        action readOrder, updateOrder appliesTo { principal: User, resource: Order };";
    let persona = |number: usize| {
        let value = json!({ "tenant": format!("tenant{}", number % 50), "attributes": { "level": number % 10 },
                            "roles": [format!("role{}", number % 200), "customer"] });
        (format!("user{number}"), value)
    };
    let may = json!(["decide", "read_directory", "write_directory", "control"]);
    let log = std::env::temp_dir().join(format!("mock-iam-bench-{}.jsonl", std::process::id()));
    let config = json!({
        "base_url": "http://localhost",
        "personas": (0..users).map(persona).collect::<serde_json::Map<_, _>>(),
        "policies": { "schema": { "name": "s", "text": schema }, "files": [{ "name": "p", "text": policies }] },
        "callers": { "bench": { "token": "t", "may": may } },
        "decision_log": log,
    });
    serde_json::from_value(config).expect("a configuration")
}

/// Resident memory of this process, clients included, in MB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1024.0
}
