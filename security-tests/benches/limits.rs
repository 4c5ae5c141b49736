//! The limits that the design sets: requests a second, a million planned cases, files only on a large document.
//! `cargo bench -p security-tests`; each part is bounded and prints one line.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark may fail and prints")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use security_tests::access::{AccessRules, Creation, Entity, Grant, Hidden, Identifier, Resource, Rule};
use security_tests::oracle::{Decider, Decision, Question};
use security_tests::target::Persona;
use security_tests::verdict::Layer;
use security_tests::{Api, Options, Secret, Target, plan, run};

/// How often the client and `wrk` take turns.
const ROUNDS: usize = 3;
/// Personas of the large plan: a million cases with the document's operations.
const PERSONAS: usize = 800;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // First, so that the peak is its own.
    million();
    files_only(&runtime);
    runtime.block_on(client());
}

/// A document of so many operations: collections with items, as most are.
fn document(operations: usize) -> String {
    let mut text = String::from("openapi: 3.1.0\nsecurity: [{ bearer: [] }]\npaths:\n");
    for n in 0..operations.div_ceil(5) {
        let schema = "content: { application/json: { schema: { type: object, properties: { id: { type: string }, name: { type: string } } } } }";
        writeln!(text, "  /things{n}:\n    get: {{ operationId: list{n} }}\n    post: {{ operationId: create{n}, requestBody: {{ {schema} }} }}").unwrap();
        writeln!(text, "  /things{n}/{{id}}:\n    get: {{ operationId: read{n} }}\n    patch: {{ operationId: update{n}, requestBody: {{ {schema} }} }}\n    delete: {{ operationId: delete{n} }}").unwrap();
    }
    text
}

/// The engine that is there when a run begins: it answers what it was made with.
struct ByOwner {
    actions: BTreeSet<String>,
}

impl ByOwner {
    fn new() -> Self {
        let names = ["list", "create", "read", "update", "delete"];
        Self { actions: (0..100).flat_map(|n| names.map(|name| format!("{name}{n}"))).collect() }
    }
}

impl Decider for ByOwner {
    fn decide(&self, question: &Question) -> Result<Decision, String> {
        let owner = question.properties.get("owner").and_then(|owner| owner.get("id")?.as_str());
        let own = owner.is_none_or(|owner| owner == question.persona);
        Ok(if own { Decision::Allow } else { Decision::Deny })
    }

    fn actions(&self) -> Vec<String> {
        self.actions.iter().cloned().collect()
    }

    fn knows(&self, action: &str) -> bool {
        self.actions.contains(action)
    }
}

fn target(text: &str, personas: usize) -> Target {
    let api = Api::parse(text).unwrap();
    let mut access = AccessRules::default();
    for operation in &api.operations {
        let on = operation.path.ends_with("{id}").then(|| format!("r{}", number(&operation.id)));
        let allow = vec![if on.is_some() { Grant::Owner } else { Grant::Authenticated }];
        let destructive = operation.method == "DELETE";
        access.rules.insert(operation.id.clone(), Rule { on, allow, destructive, ..Rule::default() });
        if let Some(n) = operation.id.strip_prefix("create") {
            let resource = Resource {
                create: Some(Creation {
                    operation: operation.id.clone(),
                    json: serde_json::json!({"name": "${canary}"}),
                }),
                id: Identifier::Answered("$.id".into()),
                within: None,
                read: format!("read{n}"),
                server_owned: vec!["id".into()],
                hidden: Hidden::default(),
                entity: Entity { kind: "Thing".into(), owner: "owner".into(), tenant: "tenant".into() },
                lifecycle: Default::default(),
            };
            access.resources.insert(format!("r{n}"), resource);
        }
    }
    let persona = |n: usize| {
        let persona = Persona { tenant: Some(format!("t{}", n % 3)), roles: vec!["user".into()], account: None };
        (format!("p{n:03}"), persona)
    };
    Target {
        name: "bench".into(),
        base_url: "http://127.0.0.1:9".into(),
        api,
        access,
        personas: (0..personas).map(persona).collect(),
        provider: Some(security_tests::target::Provider {
            issuer: "http://127.0.0.1:9".into(),
            control_token: Secret::new("x"),
            audience: None,
            clients: BTreeMap::new(),
        }),
        directory: None,
        lock: None,
        base: None,
        words: Default::default(),
        controls: Default::default(),
        decider: None,
    }
}

fn number(id: &str) -> String {
    id.chars().filter(char::is_ascii_digit).collect()
}

/// `static` and `policy` on 500 operations, from the text of the document to the verdict.
fn files_only(runtime: &tokio::runtime::Runtime) {
    let text = document(500);
    let mut best = Duration::MAX;
    let mut cases = 0;
    for _ in 0..5 {
        let started = Instant::now();
        let mut target = target(&text, 5);
        target.decider = Some(std::sync::Arc::new(ByOwner::new()));
        let options = Options { layers: vec![Layer::Static, Layer::Policy], ..Options::default() };
        let plan = plan(&target, &options).unwrap();
        cases = runtime.block_on(run(&plan, &target, &mut |_| {})).summary().cases;
        best = best.min(started.elapsed());
    }
    println!("static + policy, 500 operations: {cases} cases in {best:.1?} (best of 5; bar 100 ms)");
}

/// The client against a server that answers from memory, in turns with `wrk` where that is installed.
async fn client() {
    let app = axum::Router::new().fallback(|| async { "{}" });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let mut text = String::from("openapi: 3.1.0\npaths:\n");
    (0..20_000).for_each(|n| writeln!(text, "  /x{n}: {{ get: {{ operationId: x{n} }} }}").unwrap());
    let api = Api::parse(&text).unwrap();
    let rule = |id: &str| (id.to_owned(), Rule { allow: vec![Grant::Anyone], ..Rule::default() });
    let rules = api.operation_ids().into_iter().map(rule).collect();
    let access = AccessRules { rules, ..AccessRules::default() };
    let target = Target { base_url: url, api, access, personas: BTreeMap::new(), ..target(&document(5), 0) };
    let plan = plan(&target, &Options { layers: vec![Layer::Access], ..Options::default() }).unwrap();
    let wrk = url_of(&target);
    for round in 1..=ROUNDS {
        let started = Instant::now();
        let mut at_end = Duration::ZERO;
        let mut progress = |_| at_end = started.elapsed();
        let requests = run(&plan, &target, &mut progress).await.summary().requests;
        let rate = u128::try_from(requests).unwrap() * 1000 / at_end.as_millis().max(1);
        let beside = wrk_rate(&wrk).await.unwrap_or_else(|| "not installed".to_owned());
        println!(
            "client, trivial server in the same process, round {round}: {requests} requests in {at_end:.1?}, {rate} a second (bar 50 000); wrk: {beside}"
        );
    }
    server.abort();
}

fn url_of(target: &Target) -> String {
    format!("{}/x0", target.base_url)
}

/// What `wrk` reaches with one thread and as many connections as a run has at most.
async fn wrk_rate(url: &str) -> Option<String> {
    let output = tokio::process::Command::new("wrk").args(["-t1", "-c16", "-d1s", url]).output().await.ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:").map(|rate| rate.trim().to_owned()))
}

/// A million cases, planned in parts, each of which is dropped before the next one.
fn million() {
    let text = document(500);
    let target = target(&text, PERSONAS);
    let before = resident_mib();
    let started = Instant::now();
    let (mut cases, mut parts) = (0, 0);
    for plan in security_tests::plan::batches(&target, &Options::default()).unwrap() {
        cases += plan.unwrap().cases.len();
        parts += 1;
        if cases >= 1_000_000 || started.elapsed() > Duration::from_secs(60) {
            break;
        }
    }
    let took = started.elapsed();
    println!("{cases} cases planned in {took:.1?} in {parts} parts (bar 1 000 000 in 60 s)");
    println!("memory: {before} MiB before, peak {} MiB (bar 200)", peak_mib());
}

fn status(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024
}

fn resident_mib() -> u64 {
    status("VmRSS:")
}

fn peak_mib() -> u64 {
    status("VmHWM:")
}
