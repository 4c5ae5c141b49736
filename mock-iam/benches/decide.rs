//! Decisions a second in-process, with 100 policies and 10,000 users: `cargo bench -p mock-iam`.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a measurement prints its table and may fail loudly")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use mock_iam::config::{Persona, Policies, SourceFile};
use mock_iam::directory::Directory;
use mock_iam::policy::{Decision, Detail, Engine, Entity, Question};
use serde_json::json;

const POLICIES: usize = 100;
const USERS: usize = 10_000;
const QUESTIONS: usize = 50_000;

const SCHEMA: &str = "
entity Role, Tenant;
entity User in [Role, Tenant] { tenant?: Tenant, roles: Set<String>, active: Bool, level?: Long };
entity Order in [Tenant] { owner: User, tenant: Tenant, total: Long };
action readOrder, updateOrder, deleteOrder appliesTo { principal: User, resource: Order };
";

fn main() {
    let engine = Engine::new(&policies()).expect("the policies are right");
    let directory = directory();
    println!("{:<34} {:>12} {:>9} {:>9} {:>9}", "case", "decisions/s", "p50 µs", "p99 µs", "max µs");
    measure("owner reads (permitted)", &engine, &directory, |user| question(user, user, "readOrder"));
    measure("other reads (denied)", &engine, &directory, |user| question(user, user + 1, "readOrder"));
    // As the server does, because the log names near misses.
    let explained = |engine: &Engine, question: &Question, directory: &Directory| {
        engine.explain(question, directory, Detail::Brief).expect("the question is well formed").decision
    };
    measure_by("owner reads, explained", (&engine, &directory), |user| question(user, user, "readOrder"), explained);
    measure_by(
        "other reads, explained",
        (&engine, &directory),
        |user| question(user, user + 1, "readOrder"),
        explained,
    );
    measure("unknown subject (denied)", &engine, &directory, |user| question(user + USERS, user, "readOrder"));
}

fn measure(name: &str, engine: &Engine, directory: &Directory, ask: impl Fn(usize) -> Question) {
    measure_by(name, (engine, directory), ask, |engine, question, directory| {
        engine.decide(question, directory).expect("the question is well formed")
    });
}

fn measure_by(
    name: &str,
    (engine, directory): (&Engine, &Directory),
    ask: impl Fn(usize) -> Question,
    decide: impl Fn(&Engine, &Question, &Directory) -> Decision,
) {
    let mut times: Vec<Duration> = Vec::with_capacity(QUESTIONS);
    for index in 0..QUESTIONS {
        let question = ask(index.wrapping_mul(7919) % USERS);
        let start = Instant::now();
        let decision = decide(engine, &question, directory);
        times.push(start.elapsed());
        std::hint::black_box(decision);
    }
    times.sort();
    let total: Duration = times.iter().sum();
    let micros = |share: usize| times.get((times.len() - 1) * share / 100).map_or(0.0, |time| time.as_secs_f64() * 1e6);
    let per_second = QUESTIONS as f64 / total.as_secs_f64();
    println!("{name:<34} {per_second:>12.0} {:>9.1} {:>9.1} {:>9.1}", micros(50), micros(99), micros(100));
}

fn policies() -> Policies {
    let mut text = String::from("permit (principal, action, resource) when { resource.owner == principal };\n");
    for number in 1..POLICIES {
        let action = ["readOrder", "updateOrder", "deleteOrder"].get(number % 3).copied().unwrap_or_default();
        writeln!(
            text,
            "permit (principal in Role::\"role{number}\", action == Action::\"{action}\", resource) \
             when {{ principal has tenant && resource in principal.tenant && resource.total < {number} }};"
        )
        .expect("a string takes all");
    }
    let file = |name: &str, text: String| SourceFile { name: name.to_owned(), text };
    Policies { schema: Some(file("bench.cedarschema", SCHEMA.to_owned())), files: vec![file("bench.cedar", text)] }
}

fn directory() -> Directory {
    let persona = |number: usize| Persona {
        tenant: Some(format!("tenant{}", number % 50)),
        roles: vec![format!("role{}", number % 200), "customer".to_owned()],
        attributes: BTreeMap::from([("level".to_owned(), json!(number % 10))]),
    };
    let personas = (0..USERS).map(|number| (format!("user{number}"), persona(number))).collect();
    Directory::seed(&personas, jiff::Timestamp::UNIX_EPOCH)
}

fn question(user: usize, owner: usize, action: &str) -> Question {
    let order = Entity::new("Order", "17")
        .with("owner", json!({ "type": "User", "id": format!("user{}", owner % USERS) }))
        .with("tenant", json!({ "type": "Tenant", "id": format!("tenant{}", owner % 50) }))
        .with("total", 500);
    Question::new(&format!("user{user}"), action, order)
}
