//! The program as a caller sees it: decisions over HTTP, start, reload, reset, search, memory.
//! `cargo bench -p mock-iam --bench serve`.
//!
//! The servers are processes of their own, so that memory is theirs alone; the load is bounded: 3 × 20,000 questions.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a measurement prints its table and may fail loudly")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Table, USERS, micros};
use serde_json::{Value, json};

const QUESTIONS: usize = 20_000;
const EVALUATION: &str = "POST /access/v1/evaluation";

fn main() {
    let mut table = Table::new("over HTTP, 100 policies, 10,000 users where not said otherwise");
    small(&mut table);
    let server = Server::start(USERS, true).0;
    for connections in [1, 4, 16] {
        load(&mut table, &server, connections);
    }
    logging(&mut table, &server);
    controls(&mut table, &server);
    table.row("memory, resident, at the end", (server.resident(), "MB"), None);
    table.end();
}

/// The size that people have: 200 identities.
fn small(table: &mut Table) {
    let mut starts: Vec<Duration> = Vec::new();
    let mut memory = 0.0_f64;
    for _ in 0..5 {
        let (server, took) = Server::start(200, true);
        starts.push(took);
        memory = memory.max(server.resident());
    }
    let start = micros(&mut starts, 50) / 1e3;
    table.row("process start to first decision, 200 users", (start, "ms"), Some(0.0..=300.0));
    table.row("memory, resident, 200 users", (memory, "MB"), Some(0.0..=40.0));
}

fn load(table: &mut Table, server: &Server, connections: usize) {
    let address = &server.address;
    let start = Instant::now();
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..connections)
            .map(|number| {
                scope.spawn(move || {
                    let mut client = Client::new(address);
                    let users = (0..QUESTIONS / connections).map(|index| (index * connections + number) * 7919 % USERS);
                    // Half of them are denied.
                    users.map(|user| client.ask(user, user + user % 2)).collect::<Vec<_>>()
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().expect("a client")).collect()
    });
    let per_second = times.len() as f64 / start.elapsed().as_secs_f64();
    let name = format!("decisions, {connections} connections");
    table.row(&name, (per_second, "/s"), None);
    // More connections than cores measure the machine's queue.
    let bar = if connections <= 4 { Some(0.0..=2.0) } else { None };
    table.row(&format!("  p99, {connections} connections"), (micros(&mut times, 99) / 1e3, "ms"), bar);
}

/// What the file of the log costs: the same questions to a server that keeps its log in memory only, in turns.
fn logging(table: &mut Table, with_file: &Server) {
    let without_file = Server::start(USERS, false).0;
    let mut clients = [(with_file, Vec::new()), (&without_file, Vec::new())]
        .map(|(server, times)| (Client::new(&server.address), times));
    for round in 0..40 {
        for (client, times) in &mut clients {
            times.extend((0..100).map(|index| client.ask((round * 100 + index) * 7919 % USERS, 1)));
        }
    }
    let [with, without] = clients.map(|(_, mut times)| micros(&mut times, 50));
    table.row("denied, median, log in a file", (with, "µs"), None);
    table.row("denied, median, log in memory only", (without, "µs"), None);
}

fn controls(table: &mut Table, server: &Server) {
    let mut client = Client::new(&server.address);
    let mut policies = common::policies(true);
    let mut reloads = Vec::new();
    let mut firsts = Vec::new();
    for number in 0..5 {
        let text = policies.pointer_mut("/files/0/text").expect("a text");
        *text = json!(format!("{}// {number}\n", text.as_str().unwrap_or_default()));
        reloads.push(client.send("PUT /control/v1/policies", &policies.to_string()));
        firsts.push(client.ask(3, 4));
    }
    table.row("reload of 100 policies", (micros(&mut reloads, 50) / 1e3, "ms"), Some(0.0..=50.0));
    table.row("  first denial after it", (micros(&mut firsts, 50) / 1e3, "ms"), None);
    let mut who = common::question(7, 7);
    if let Some(question) = who.as_object_mut() {
        question.insert("subject".to_owned(), json!({ "type": "User" }));
    }
    for (name, head, body, bar) in [
        ("reset", "POST /control/v1/reset", String::new(), Some(0.0..=50.0)),
        ("search of subjects", "POST /access/v1/search/subject", who.to_string(), None),
        ("SCIM filter", "GET /scim/v2/Users?filter=userName%20eq%20%22user77%22", String::new(), None),
        ("SCIM sort", "GET /scim/v2/Users?sortBy=userName&sortOrder=descending&count=10", String::new(), None),
    ] {
        let mut times: Vec<Duration> = (0..5).map(|_| client.send(head, &body)).collect();
        table.row(name, (micros(&mut times, 50) / 1e3, "ms"), bar);
    }
}

/// A running program; it ends with this.
struct Server {
    child: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts one; how long from before the process was made to after its first decision.
    fn start(users: usize, log_file: bool) -> (Self, Duration) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("iam.json");
        std::fs::write(&path, config(users, log_file.then_some(folder.path())).to_string()).expect("a file");
        let mut program = Command::new(env!("CARGO_BIN_EXE_mock-iam"));
        program.args(["--listen", "127.0.0.1:0", "--log", "json", "--config"]).arg(&path);
        // The log in the log stream is another matter than the file.
        program.env("RUST_LOG", "info,mock_iam::decision=off").stderr(Stdio::piped());
        let start = Instant::now();
        let mut child = program.spawn().expect("the program");
        let mut log = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let address = log.find_map(|line| {
            let line: Value = serde_json::from_str(&line.ok()?).ok()?;
            line.get("address")?.as_str().map(str::to_owned)
        });
        std::thread::spawn(move || log.for_each(drop));
        let server = Self { child, address: address.expect("an address"), _folder: folder };
        Client::new(&server.address).ask(1, 1);
        (server, start.elapsed())
    }

    /// Resident memory, in MB.
    fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        kilobytes.unwrap_or_default() / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn config(users: usize, log_in: Option<&Path>) -> Value {
    let may = json!(["decide", "read_directory", "write_directory", "control"]);
    json!({
        "base_url": "http://localhost",
        "personas": common::personas(users),
        "policies": common::policies(true),
        "callers": { "bench": { "token": "t", "may": may } },
        "decision_log": log_in.map(|folder| folder.join("decisions.jsonl")),
    })
}

/// One connection, kept open.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    fn new(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("a socket option");
        Self { stream, buffer: vec![0; 1 << 20] }
    }

    /// Asks whether a user may read an order of this owner.
    fn ask(&mut self, user: usize, owner: usize) -> Duration {
        self.send(EVALUATION, &common::question(user, owner % USERS).to_string())
    }

    /// Sends a request and reads its answer, which must be a good one.
    fn send(&mut self, head: &str, body: &str) -> Duration {
        let length = body.len();
        let request = format!(
            "{head} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer t\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        let start = Instant::now();
        self.stream.write_all(request.as_bytes()).expect("a request");
        let mut read = 0;
        loop {
            let room = self.buffer.get_mut(read..).expect("room");
            read += self.stream.read(room).expect("an answer");
            let text = std::str::from_utf8(self.buffer.get(..read).expect("read")).unwrap_or_default();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            assert!(head.starts_with("HTTP/1.1 20"), "{text}");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            if body.len() >= length.parse().expect("a length") {
                return start.elapsed();
            }
        }
    }
}
