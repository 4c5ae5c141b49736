//! The provider as a program, over sockets, beside others and beside what `openssl speed` signs, in one interleaved run:
//! `benches/peers/run`, or `cargo bench -p mock-idp --bench peers` for the provider and `openssl` alone.
//!
//! Cold start to the first discovery answer, memory when idle, client credentials and introspection per second with
//! their p99, and the memory after a million grants. Rounds alternate, so that all meet the same noise; the load comes
//! from this one thread, on the same machine. `openssl speed` counts the processor time of one core; so do the columns
//! "per core", which a busy machine changes little: answers by seconds of processor time that the server spent.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measuring program: what is not as expected must stop it"
)]

mod load;
mod subject;

use std::path::PathBuf;
use std::time::Duration;

use load::{Load, Until};
use subject::{Running, Subject};

const ROUNDS: usize = 3;
const STARTS: usize = 10;
const PHASE: Duration = Duration::from_secs(2);
const CONNECTIONS: usize = 16;
/// What is allowed (docs/mock-idp.md): for the last column and the exit.
const MEGABYTES_AFTER_A_MILLION: f64 = 64.0;

/// Everything that was measured of one subject, a value per round or start.
#[derive(Default)]
struct Measured {
    starts: Vec<f64>,
    start_work: Vec<f64>,
    idle: Vec<f64>,
    grants: Vec<Under>,
    introspections: Vec<Under>,
}

/// One phase of load.
struct Under {
    load: Load,
    /// Answers by seconds of processor time that the server spent.
    per_core: f64,
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let peers: Option<PathBuf> = arguments.next().map(PathBuf::from);
    let first_port = arguments.next().map_or(9_886, |port| port.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let subjects = subject::all(peers.as_deref(), first_port);
    let mut measured: Vec<Measured> = subjects.iter().map(|_| Measured::default()).collect();
    for _ in 0..STARTS {
        for (subject, measured) in subjects.iter().zip(&mut measured) {
            let running = subject.start();
            measured.starts.push(running.started.as_secs_f64() * 1_000.0);
            measured.start_work.push(running.started_after * 1_000.0);
            measured.idle.push(running.resident());
        }
    }
    let running: Vec<Running> = subjects.iter().map(Subject::start).collect();
    let mut limits = Vec::new();
    for _ in 0..ROUNDS {
        limits.push(openssl());
        for (running, measured) in running.iter().zip(&mut measured) {
            let under = |request| {
                let before = running.work();
                let load = runtime.block_on(load::run(&request, CONNECTIONS, Until::Over(PHASE)));
                Under { per_core: load.count / (running.work() - before), load }
            };
            measured.grants.push(under(running.grant()));
            measured.introspections.push(under(running.introspection()));
        }
    }
    drop(running);
    report(&subjects, &measured, &limits);
    let after = million(&subjects, &runtime);
    assert!(after <= MEGABYTES_AFTER_A_MILLION, "{after:.1} MB are more than {MEGABYTES_AFTER_A_MILLION} MB");
}

/// Signatures per second on one core, by algorithm, as `openssl speed` counts them.
fn openssl() -> [(&'static str, f64); 3] {
    let arguments = ["speed", "-seconds", "1", "rsa2048", "ecdsap256", "ed25519"];
    let output = std::process::Command::new("openssl").args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    [("RS256", "rsa "), ("ES256", "nistp256"), ("EdDSA", "Ed25519")].map(|(algorithm, name)| {
        let line = text.lines().find(|line| line.contains(name) && line.contains("bits")).unwrap();
        let numbers: Vec<f64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        // … sign/s verify/s
        (algorithm, numbers[numbers.len() - 2])
    })
}

/// A million grants at one provider, counted and not timed: what it keeps.
fn million(subjects: &[Subject], runtime: &tokio::runtime::Runtime) -> f64 {
    let subject = subjects.iter().find(|subject| subject.algorithm == "EdDSA").unwrap();
    let running = subject.start();
    let before = running.resident();
    let load = runtime.block_on(load::run(&running.grant(), CONNECTIONS, Until::Count(1_000_000)));
    let after = running.resident();
    println!(
        "\n1,000,000 client-credentials grants ({}, {:.0}/s): {before:.1} MB before, {after:.1} MB after",
        subject.algorithm, load.per_second
    );
    after
}

fn report(subjects: &[Subject], measured: &[Measured], limits: &[[(&str, f64); 3]]) {
    println!(
        "\nMedians of {ROUNDS} rounds and {STARTS} starts; {CONNECTIONS} connections; rates in 1/s, times in ms, memory in MB\n"
    );
    println!(
        "| | start (least) | of it work | idle | grants | p99 | per core | of openssl | introspections | p99 | per core |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for (subject, measured) in subjects.iter().zip(measured) {
        let rates = |loads: &[Under]| median(loads.iter().map(|under| under.load.per_second));
        let tails = |loads: &[Under]| median(loads.iter().map(|under| under.load.p99.as_secs_f64() * 1_000.0));
        let per_core = |loads: &[Under]| median(loads.iter().map(|under| under.per_core));
        let ratio = median(limits.iter().zip(&measured.grants).map(|(limits, grants)| {
            let (_, limit) = limits.iter().find(|(algorithm, _)| *algorithm == subject.algorithm).unwrap();
            grants.per_core / limit
        }));
        let least = measured.starts.iter().copied().fold(f64::INFINITY, f64::min);
        println!(
            "| {} {} | {:.1} ({least:.1}) | {:.1} | {:.1} | {:.0} | {:.1} | {:.0} | {ratio:.2} | {:.0} | {:.1} | {:.0} |",
            subject.name,
            subject.algorithm,
            median(measured.starts.iter().copied()),
            median(measured.start_work.iter().copied()),
            median(measured.idle.iter().copied()),
            rates(&measured.grants),
            tails(&measured.grants),
            per_core(&measured.grants),
            rates(&measured.introspections),
            tails(&measured.introspections),
            per_core(&measured.introspections),
        );
    }
    let of = |index: usize| median(limits.iter().map(|limits| limits[index].1));
    println!("\nopenssl speed, one core: RS256 {:.0}/s, ES256 {:.0}/s, EdDSA {:.0}/s", of(0), of(1), of(2));
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
