//! Bytes that nobody sends on purpose: the parsers of tokens, JWTs, forms and redirect URIs, and every endpoint as a whole, get
//! mutated requests, by a generator that a seed determines. No panic, never an answer of 500 or more, and nothing accepted
//! that is not what was given out.
//!
//! A few thousand rounds by default. `MOCK_IDP_FUZZ_SECONDS=300 cargo test -p mock-idp --test fuzz -- --nocapture` goes on for
//! minutes; `MOCK_IDP_FUZZ_SEED` repeats a run. Counts are printed at the end.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "this whole program is a test: whatever is not as expected must stop it"
)]

mod parsers;
mod provider;
mod random;
mod requests;
mod signer;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use provider::Target;
use random::Random;

const ROUNDS: u64 = 4_000;
const PARTS: [&str; 5] = ["requests", "token", "JWT", "form", "redirect"];

/// What is fuzzed. Whole requests may change the memory and the clock of their provider, so they have one of their own.
struct Targets {
    requests: Target,
    parsers: [Target; 2],
}

/// What came of the tries.
#[derive(Debug, Default)]
struct Counts {
    tried: BTreeMap<&'static str, u64>,
    accepted: BTreeMap<&'static str, u64>,
    statuses: BTreeMap<u16, u64>,
}

/// One try at one part.
async fn round(targets: &Targets, random: &mut Random, counts: &mut Counts) {
    let part = PARTS[random.below(PARTS.len())];
    let target = &targets.parsers[random.below(2)];
    let accepted = match part {
        "token" => parsers::token(target, random).await,
        "JWT" => parsers::jwt(target, random).await,
        "form" => parsers::form(target, random).await,
        "redirect" => parsers::redirect(target, random).await,
        _ => {
            let Some(request) = requests::request(random) else { return };
            let status = targets.requests.send(request).await.status;
            *counts.statuses.entry(status).or_default() += 1;
            status < 400
        }
    };
    *counts.tried.entry(part).or_default() += 1;
    *counts.accepted.entry(part).or_default() += u64::from(accepted);
}

#[tokio::test]
async fn mutated_requests_get_an_answer_below_500_stop_nothing_and_bring_nothing() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("MOCK_IDP_FUZZ_SEED").unwrap_or(1);
    let limit = number("MOCK_IDP_FUZZ_SECONDS").map(Duration::from_secs);
    let (mut random, begin) = (Random(seed), Instant::now());
    let parsers = [Target::new("jwt").await, Target::new("opaque").await];
    let targets = Targets { requests: Target::new("jwt").await, parsers };
    let (mut counts, mut done) = (Counts::default(), 0);
    while limit.map_or(done < ROUNDS, |limit| done < ROUNDS || done % 64 != 0 || begin.elapsed() < limit) {
        round(&targets, &mut random, &mut counts).await;
        done += 1;
    }
    println!("seed {seed}: {done} rounds in {:.1} s: {counts:?}", begin.elapsed().as_secs_f64());
    assert!(counts.tried.values().all(|tried| *tried > 500) && counts.statuses.len() >= 5, "too little: {counts:?}");
    assert!(counts.accepted.values().all(|accepted| *accepted > 5), "all refused is nothing reached: {counts:?}");
    for target in targets.parsers.iter().chain([&targets.requests]) {
        assert_eq!(target.get("/health").await.status, 200);
    }
}
