//! What is left when a walk is dropped in the middle, as Ctrl-C and a lost terminal do, is gone on from by the next one.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use devenv::engine::Observed;
use devenv::engine::reconcile::Goal;

use crate::bench::{Bench, DOWN, up};

const STACK: &str = "db: runs\nmigrate: ends 0 after db healthy\napi: runs after migrate completed";

/// Drops a future as soon as it still waits after so many polls. Says whether it came to its end before that.
async fn cut(future: impl Future, mut polls: usize) -> bool {
    let mut future = pin!(future);
    poll_fn(|context| {
        polls = polls.saturating_sub(1);
        match future.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if polls == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Goes for a goal, cut off later and later until it is not cut off any more; between two times the stack is brought back
/// to where it began, which goes on from what the cut left.
async fn cut_everywhere(bench: &mut Bench, goal: &Goal, back: impl AsyncFn(&mut Bench)) {
    let mut polls = 1;
    let mut cuts = 0;
    while !cut(bench.attempt(goal), polls).await {
        back(bench).await;
        cuts += 1;
        polls = bench.world.next_cut(polls);
    }
    assert!(cuts > 4, "cut off at {cuts} points only");
}

async fn is_up(bench: &Bench) {
    assert_eq!(bench.running().await, ["api", "db"]);
    assert_eq!(bench.steps(&up()).await, []);
    // Who was started by the walk that was cut off is not waited for again: nothing is to be done.
    bench.until_output("api", "api says hello").await;
}

pub(crate) async fn an_up_cut_off_anywhere_is_finished_by_the_next(bench: &mut Bench) {
    bench.sketch(STACK);
    cut_everywhere(bench, &up(), async |bench| {
        bench.up().await;
        is_up(bench).await;
        bench.reach(&DOWN).await;
        assert_eq!(bench.observe().await, Observed::default());
    })
    .await;
    is_up(bench).await;
}

pub(crate) async fn a_replacement_cut_off_anywhere_is_finished_by_the_next(bench: &mut Bench) {
    bench.sketch(STACK);
    bench.up().await;
    let db = bench.service("db").await;
    bench.sketch(&STACK.replace("api: runs", "api: runs version 2"));
    cut_everywhere(bench, &up(), async |bench| {
        bench.up().await;
        is_up(bench).await;
        bench.sketch(STACK);
        bench.up().await;
        is_up(bench).await;
        bench.sketch(&STACK.replace("api: runs", "api: runs version 2"));
    })
    .await;
    is_up(bench).await;
    assert_eq!(bench.service("db").await, db);
}

pub(crate) async fn a_down_cut_off_anywhere_is_finished_by_the_next(bench: &mut Bench) {
    bench.sketch(STACK);
    bench.up().await;
    cut_everywhere(bench, &DOWN, async |bench| {
        bench.reach(&DOWN).await;
        assert_eq!(bench.observe().await, Observed::default());
        bench.up().await;
        is_up(bench).await;
    })
    .await;
    assert_eq!(bench.observe().await, Observed::default());
}
