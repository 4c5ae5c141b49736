//! Decisions in-process, without a server: `cargo bench -p mock-iam --bench decide`.
//!
//! The variants take turns in short rounds, so that whatever else the machine does meets all of them alike.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a measurement prints its table and may fail loudly")]

mod common;

use std::time::{Duration, Instant};

use common::{Table, USERS, micros};
use mock_iam::directory::Directory;
use mock_iam::policy::{Engine, Question};

const ROUNDS: usize = 40;
const QUESTIONS: usize = 250;

/// Asks once.
type Ask = fn(&Engine, &Question, &Directory) -> bool;

fn main() {
    let policies = serde_json::from_value(common::policies(false)).expect("policies");
    let engine = Engine::new(&policies).expect("the policies are right");
    let directory = directory();
    let plain: Ask = |engine, question, directory| engine.decide(question, directory).expect("well formed").allowed;
    let noted: Ask =
        |engine, question, directory| engine.note(question, directory).expect("well formed").decision.allowed;
    let explained: Ask =
        |engine, question, directory| engine.explain(question, directory).expect("well formed").decision.allowed;
    // Whether the owner asks, and how.
    let variants: [(&str, bool, Ask); 6] = [
        ("permitted: decision only", true, plain),
        ("permitted: with a note for the log", true, noted),
        ("permitted: explained in full", true, explained),
        ("denied: decision only", false, plain),
        ("denied: with a note for the log", false, noted),
        ("denied: explained in full", false, explained),
    ];
    let mut times: Vec<Vec<Duration>> = vec![Vec::with_capacity(ROUNDS * QUESTIONS); variants.len()];
    for round in 0..ROUNDS {
        for ((_, owner, ask), times) in variants.iter().zip(&mut times) {
            // An explanation in full takes long, and has no bar.
            let questions = if *ask as usize == explained as usize { QUESTIONS / 10 } else { QUESTIONS };
            for index in 0..questions {
                let user = (round * QUESTIONS + index) * 7919 % USERS;
                let question = question(user, if *owner { user } else { (user + 1) % USERS });
                let start = Instant::now();
                let allowed = ask(&engine, &question, &directory);
                times.push(start.elapsed());
                assert_eq!(allowed, *owner, "user {user}");
            }
        }
    }
    report(variants.map(|(name, ..)| name), times);
}

fn report(names: [&str; 6], mut times: Vec<Vec<Duration>>) {
    let mut table = Table::new("in-process, one thread, 100 policies, 10,000 users");
    let plain: Vec<f64> = times.iter_mut().map(|times| micros(times, 50)).collect();
    for (place, (name, times)) in names.into_iter().zip(&mut times).enumerate() {
        let total: Duration = times.iter().sum();
        let bar = if place % 3 == 2 { None } else { Some(10_000.0..=f64::INFINITY) };
        table.row(name, (times.len() as f64 / total.as_secs_f64(), "/s"), bar);
        let ratio = plain.get(place).zip(plain.get(place / 3 * 3)).map_or(1.0, |(this, plain)| this / plain);
        let (median, tail) = (micros(times, 50), micros(times, 99));
        println!("    p50 {median:.1} µs, p99 {tail:.1} µs; {ratio:.2} times a decision only");
    }
    table.end();
}

fn directory() -> Directory {
    let personas = common::personas(USERS).into_iter();
    let personas = personas.map(|(name, persona)| (name, serde_json::from_value(persona).expect("a persona")));
    Directory::seed(&personas.collect(), jiff::Timestamp::UNIX_EPOCH)
}

fn question(user: usize, owner: usize) -> Question {
    serde_json::from_value(common::question(user, owner)).expect("a question")
}
