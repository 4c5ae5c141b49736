//! Walks steps, as many at once as their order allows. Decides nothing: what is done and in which order is in the steps.
//!
//! Must not know engines' insides nor how progress is shown. Dropping the future stops between and within steps; what was
//! done stays, and the next run goes on from what it observes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt, TryStreamExt as _};

use crate::engine::timings::Span;
use crate::engine::{Action, Engine, EngineError, LogOptions, Step, readiness};
use crate::event::{Event, Reporter};
use crate::plan::Plan;

/// How the walk ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Steps that were taken.
    pub done: usize,
    /// Steps that failed, in the order in which they did.
    pub failures: Vec<Failure>,
    /// Steps that were not taken because of a failure.
    pub skipped: usize,
    /// When each step ran, by its index.
    pub spans: BTreeMap<usize, Span>,
}

/// A failed step.
#[derive(Debug)]
pub struct Failure {
    /// What it acted on.
    pub subject: String,
    /// Why it failed.
    pub error: EngineError,
    /// The last lines of the culprit's output, oldest first.
    pub log: Vec<String>,
}

/// How many output lines explain a failure.
const LOG_LINES: usize = 20;
/// How long they may take to be read.
const EXPLAIN: Duration = Duration::from_secs(5);

/// Takes all steps that can be taken; a failure stops only what waits for it.
pub async fn execute(engine: &dyn Engine, plan: &Plan, steps: &[Step], reporter: &Reporter) -> Outcome {
    reporter.report(Event::Planned { steps: steps.len() });
    let mut outcome = Outcome::default();
    let begun = Instant::now();
    let mut succeeded = BTreeSet::new();
    let mut waiting: BTreeSet<usize> = (0..steps.len()).collect();
    let mut running = FuturesUnordered::new();
    let mut told = BTreeMap::new();
    loop {
        let ready: Vec<usize> = waiting
            .iter()
            .copied()
            .filter(|index| {
                steps.get(*index).is_some_and(|step| step.after.iter().all(|before| succeeded.contains(before)))
            })
            .collect();
        for index in ready {
            waiting.remove(&index);
            if let Some(step) = steps.get(index) {
                running.push(async move {
                    let begin = begun.elapsed();
                    let result = take(engine, plan, step, reporter).await;
                    (index, Span { begin, end: begun.elapsed() }, result)
                });
            }
        }
        tell_who_waits(steps, &waiting, &succeeded, &mut told, reporter);
        match running.next().await {
            None => break,
            Some((index, span, Ok(()))) => {
                outcome.spans.insert(index, span);
                succeeded.insert(index);
                outcome.done += 1;
            }
            Some((index, _, Err(error))) => {
                let subject = steps.get(index).map(|step| step.action.subject().to_owned()).unwrap_or_default();
                let log = explain(engine, plan, &error).await;
                outcome.failures.push(Failure { subject, error, log });
            }
        }
    }
    for step in waiting.iter().filter_map(|index| steps.get(*index)) {
        outcome.skipped += 1;
        let (subject, action) = (step.action.subject().into(), step.action.verb().into());
        reporter.report(Event::StepSkipped { subject, action });
    }
    outcome
}

/// Says for whom a service waits that could start otherwise, whenever that changes.
fn tell_who_waits<'a>(
    steps: &'a [Step],
    waiting: &BTreeSet<usize>,
    succeeded: &BTreeSet<usize>,
    told: &mut BTreeMap<usize, BTreeSet<&'a str>>,
    reporter: &Reporter,
) {
    for index in waiting {
        let Some(Step { action: Action::Start(name), after, .. }) = steps.get(*index) else { continue };
        let missing = after.iter().filter(|before| !succeeded.contains(before));
        let missing: BTreeSet<&str> =
            missing.filter_map(|before| steps.get(*before)).map(|step| step.action.subject()).collect();
        // What is still done for itself is told by its own steps.
        if missing.is_empty() || missing.contains(name.as_str()) || told.get(index) == Some(&missing) {
            continue;
        }
        let names: Vec<&str> = missing.iter().copied().collect();
        let message = format!("waiting for {}", names.join(", "));
        reporter.report(Event::StepProgress { subject: name.clone(), message });
        told.insert(*index, missing);
    }
}

async fn take(engine: &dyn Engine, plan: &Plan, step: &Step, reporter: &Reporter) -> Result<(), EngineError> {
    let (subject, action) = (step.action.subject().to_owned(), step.action.verb().to_owned());
    let cause = step.cause.to_string();
    reporter.report(Event::StepStarted { subject: subject.clone(), action: action.clone(), cause });
    let begin = Instant::now();
    let result = match &step.action {
        Action::AwaitReady(name) => match plan.services.get(name) {
            Some(service) => readiness::await_ready(engine, plan, service, reporter).await,
            None => Ok(()),
        },
        Action::AwaitExit(name) => match plan.services.get(name) {
            Some(service) => readiness::await_exit(engine, plan, service, reporter).await,
            None => Ok(()),
        },
        other => engine.perform(plan, other, reporter).await,
    };
    match &result {
        Ok(()) => {
            let duration_ms = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
            reporter.report(Event::StepFinished { subject, action, duration_ms });
        }
        Err(error) => reporter.report(Event::StepFailed { subject, action, error: error.to_string() }),
    }
    result
}

/// The end of the culprit's output; an engine that hangs must not hold up the error that it explains.
async fn explain(engine: &dyn Engine, plan: &Plan, error: &EngineError) -> Vec<String> {
    if let EngineError::Build { output, .. } = error {
        return output.clone();
    }
    let Some(culprit) = error.culprit() else { return vec![] };
    let options = LogOptions { follow: false, tail: Some(LOG_LINES) };
    let read = async {
        let lines = engine.logs(&plan.project, &[culprit.to_owned()], options).await?;
        lines.map_ok(|line| line.text).try_collect::<Vec<String>>().await
    };
    let unreadable = |why: String| vec![format!("(its output cannot be read: {why})")];
    match tokio::time::timeout(EXPLAIN, read).await {
        Ok(Ok(lines)) => lines,
        Ok(Err(error)) => unreadable(error.to_string()),
        Err(_) => unreadable(format!("no answer within {} s", EXPLAIN.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::engine::fake::Fake;
    use crate::engine::fake::sketch::{observed, plan};
    use crate::engine::reconcile::{Goal, reconcile};

    async fn up(fake: &Fake, text: &str) -> Outcome {
        let plan = plan(text);
        let steps = reconcile(&plan, &observed(&plan, ""), &Goal::Up { only: BTreeSet::new() });
        let (reporter, _events) = Reporter::channel();
        execute(fake, &plan, &steps, &reporter).await
    }

    #[tokio::test]
    async fn every_step_is_taken_after_those_it_waits_for() {
        let fake = Fake::default();
        let outcome = up(&fake, "db: ready\napi: after db healthy").await;
        assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
        let started: Vec<Action> =
            fake.done().into_iter().filter(|action| matches!(action, Action::Start(_))).collect();
        assert_eq!(started, [Action::Start("db".into()), Action::Start("api".into())]);
    }

    #[tokio::test]
    async fn a_failure_stops_what_waits_for_it_and_nothing_else() {
        let fake = Fake::failing(&["db"]);
        let outcome = up(&fake, "db: ready\napi: after db healthy\nweb:").await;
        assert_eq!(outcome.failures.len(), 1);
        assert_eq!(outcome.failures[0].subject, "db");
        let started: Vec<Action> =
            fake.done().into_iter().filter(|action| matches!(action, Action::Start(_))).collect();
        assert!(started.contains(&Action::Start("web".into())), "{started:?}");
        assert!(!started.contains(&Action::Start("api".into())), "{started:?}");
        assert_eq!(outcome.skipped, 3, "await ready of db, start and await ready of api");
    }

    #[tokio::test]
    async fn it_is_told_for_whom_a_service_waits() {
        let plan = plan("db: ready\napi: after db healthy");
        let steps = reconcile(&plan, &observed(&plan, ""), &Goal::Up { only: BTreeSet::new() });
        let (reporter, mut events) = Reporter::channel();
        execute(&Fake::default(), &plan, &steps, &reporter).await;
        drop(reporter);
        let mut told = Vec::new();
        while let Some(event) = events.recv().await {
            if let Event::StepProgress { subject, message } = event {
                told.extend((subject == "api").then_some(message));
            }
        }
        assert_eq!(told, ["waiting for db"]);
    }

    #[tokio::test]
    async fn a_service_that_ends_instead_of_becoming_ready_is_named_with_its_last_lines() {
        let fake = Fake::ending("db", 7);
        let outcome = up(&fake, "db: ready").await;
        assert_eq!(outcome.failures[0].error.to_string(), "service `db` ended with exit code 7 before it was ready");
        assert_eq!(outcome.failures[0].log, ["db says hello"]);
    }
}
