//! Walks a plan, records what comes back and decides nothing: no answer changes what is sent next, except identifiers
//! and tokens that are filled in.

mod client;
mod connection;
mod flow;
mod notes;
mod pace;
mod patience;
mod pulse;
mod secrets;
mod sign_in;
mod statement;
mod transport;
mod world;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::exchange::{Answer, Exchange, NoAnswer};
use crate::plan::{Action, Group, Phase, Role, Step, StepId, TestPlan};
use crate::run::Run;
use crate::scim::{replace_active, replace_roles};
use crate::target::Target;
use crate::tokens::Mint;
use crate::verdict::Severity;
use notes::Notes;
use pace::Pace;
use transport::Transport;

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
}

/// The phases in their order, with whether groups may run side by side. `Phase::Beside` begins with `Phase::Read`, and
/// `Phase::End` waits for it.
const PHASES: [(Phase, bool); 10] = [
    (Phase::Begin, false),
    (Phase::Accounts, true),
    (Phase::Setup, true),
    (Phase::Read, true),
    (Phase::Write, true),
    (Phase::Destroy, true),
    (Phase::Flow, true),
    (Phase::Session, false),
    (Phase::Global, false),
    (Phase::End, false),
];

/// Runs a plan. Dropping the future is safe: no request is left half-written that could matter. A persona may then be
/// left changed; [`restore`] puts all of them back.
pub async fn run(plan: &TestPlan, target: &Target, progress: &mut (dyn FnMut(Progress) + Send)) -> Run {
    let started = Instant::now();
    let mut exchanges: Vec<Option<Exchange>> = vec![None; plan.steps.len()];
    match Transport::new(plan, target) {
        Err(reason) => exchanges.fill(Some(not_sent(reason))),
        Ok(transport) => walk(plan, &transport, &mut exchanges, progress).await,
    }
    Run::judge(target, plan.clone(), exchanges, started.elapsed().as_secs_f64() * 1000.0)
}

/// Puts every persona of the target back: active, with the roles of the start.
///
/// # Errors
/// Who could not be put back, and why.
pub async fn restore(target: &Target) -> Result<(), String> {
    let plan = TestPlan::default();
    let transport = Transport::new(&plan, target)?;
    // A directory that fails on purpose cannot put people back.
    let mut report = transport.undo().await;
    if target.directory.is_none() {
        return if report.is_empty() { Ok(()) } else { Err(report.join("; ")) };
    }
    let mut failed = BTreeMap::new();
    for (name, persona) in &target.personas {
        for change in [replace_active(true), replace_roles(&persona.roles)] {
            match transport.patch_user(name, &change).await {
                Ok(answer) if answer.is_2xx() => {}
                Ok(answer) => drop(failed.insert(name, format!("the directory answered {}", answer.status))),
                Err(reason) => drop(failed.insert(name, reason.reason().to_owned())),
            }
        }
    }
    report.extend(failed.into_iter().map(|(name, reason)| format!("`{name}`: {reason}")));
    if report.is_empty() { Ok(()) } else { Err(report.join("; ")) }
}

/// Ends a run that was broken off: the API is put back to its start, or the accounts that were made are deleted.
///
/// # Errors
/// What was left, and why.
pub async fn clean_up(plan: &TestPlan, target: &Target) -> Result<(), String> {
    let transport = Transport::new(plan, target)?;
    let mut failed = BTreeMap::new();
    for group in plan.groups.iter().filter(|group| group.phase == Phase::End) {
        for (id, exchange) in run_group(plan, &transport, group, None).await {
            match exchange.result {
                // What was never made, or is gone already, need not be deleted.
                Ok(answer) if answer.is_2xx() || matches!(answer.status, 404 | 410) => {}
                Ok(answer) => drop(failed.insert(id, format!("answered {}", answer.status))),
                Err(reason) => drop(failed.insert(id, reason.reason().to_owned())),
            }
        }
    }
    let action = |id: &StepId| plan.steps.get(*id).map_or_else(String::new, |step| step.action.to_string());
    let report: Vec<String> = failed.iter().map(|(id, reason)| format!("`{}`: {reason}", action(id))).collect();
    if report.is_empty() { Ok(()) } else { Err(report.join("; ")) }
}

/// The groups of a phase: with a budget, what would be worst is asked first.
fn groups_of(plan: &TestPlan, phase: Phase) -> Vec<&Group> {
    let mut groups: Vec<&Group> = plan.groups.iter().filter(|group| group.phase == phase).collect();
    if plan.budget.is_some() {
        let mut risk: BTreeMap<StepId, Severity> = BTreeMap::new();
        for case in &plan.cases {
            let Some(check) = crate::checks::by_id(case.check) else { continue };
            let worst = risk.entry(case.trial.attack).or_insert(check.severity);
            *worst = check.severity.min(*worst);
        }
        let of_group = |group: &Group| group.steps.iter().filter_map(|step| risk.get(step)).min().copied();
        groups.sort_by_key(|group| of_group(group).unwrap_or(Severity::Low));
    }
    groups
}

async fn walk(
    plan: &TestPlan,
    transport: &Transport<'_>,
    exchanges: &mut [Option<Exchange>],
    progress: &mut (dyn FnMut(Progress) + Send),
) {
    let total = plan.groups.iter().map(|group| group.steps.len()).sum();
    let mut done = 0;
    let deadline = plan.budget.map(|budget| tokio::time::Instant::now() + budget);
    let mut beside = FuturesUnordered::new();
    let mut most = Pace::MOST;
    for (phase, side_by_side) in PHASES {
        if phase == Phase::Read {
            let groups = groups_of(plan, Phase::Beside);
            beside.extend(groups.into_iter().map(|group| run_group(plan, transport, group, deadline)));
        }
        let mut pace = if side_by_side { Pace::adaptive(most) } else { Pace::single() };
        let mut waiting = groups_of(plan, phase).into_iter();
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < pace.limit() && (phase != Phase::End || beside.is_empty()) {
                let Some(group) = waiting.next() else { break };
                running.push(run_group(plan, transport, group, deadline));
            }
            let (finished, paced) = tokio::select! {
                Some(finished) = running.next() => (finished, true),
                Some(finished) = beside.next(), if phase == Phase::End || !running.is_empty() => (finished, false),
                else => break,
            };
            for (step, exchange) in finished {
                if paced {
                    pace.record(exchange.duration_ms, matches!(exchange.result, Err(NoAnswer::Transport(_))));
                }
                done += 1;
                if let Some(slot) = exchanges.get_mut(step) {
                    *slot = Some(exchange);
                }
            }
            progress(Progress { phase, done, total });
        }
        if side_by_side {
            most = pace.most();
        }
    }
}

/// The steps of a group, one after the other; all of them, so that a change is always taken back.
async fn run_group(
    plan: &TestPlan,
    transport: &Transport<'_>,
    group: &Group,
    deadline: Option<tokio::time::Instant>,
) -> Vec<(StepId, Exchange)> {
    let notes = Notes::default();
    let mut finished = Vec::with_capacity(group.steps.len());
    let mut changed = false;
    for id in &group.steps {
        let Some(step) = plan.steps.get(*id) else { continue };
        let end = deadline.filter(|_| !(step.role == Role::Restore && changed));
        changed |= step.role == Role::Change && end.is_none_or(|end| tokio::time::Instant::now() < end);
        finished.push(exchange(plan, (*id, step), (transport, &notes), end).await);
    }
    finished
}

/// One step and what came of it.
async fn exchange(
    plan: &TestPlan,
    (id, step): (StepId, &Step),
    (transport, notes): (&Transport<'_>, &Notes),
    end: Option<tokio::time::Instant>,
) -> (StepId, Exchange) {
    let started = Instant::now();
    let (url, result) = match end {
        Some(end) if end <= tokio::time::Instant::now() => (String::new(), Err(out_of_time(plan))),
        Some(end) => {
            let taken = tokio::time::timeout_at(end, take(&step.action, transport, notes)).await;
            taken.unwrap_or_else(|_late| (String::new(), Err(out_of_time(plan))))
        }
        None => take(&step.action, transport, notes).await,
    };
    let not_sent = |reason: &NoAnswer| !matches!(reason, NoAnswer::Transport(_));
    let sent = !result.as_ref().is_err_and(not_sent);
    let took = if sent { started.elapsed() } else { Duration::ZERO };
    (id, Exchange { url, result, duration_ms: took.as_secs_f64() * 1000.0 })
}

/// Does what one step says.
async fn take(action: &Action, transport: &Transport<'_>, notes: &Notes) -> (String, Result<Answer, NoAnswer>) {
    let keep = |minted: Result<String, NoAnswer>| {
        minted.map(|token| {
            notes.lock().fresh = Some(token);
            Answer { status: 201, ..Answer::default() }
        })
    };
    // Nearly all steps are requests: what the others need is boxed, so that their futures stay small.
    let result = match action {
        Action::Request(request) => return transport.send(request, notes).await,
        Action::FreshToken(persona) => keep(Box::pin(transport.mint(persona, &Mint::default())).await),
        Action::AgedToken(persona, seconds) => keep(Box::pin(transport.mint_aged(persona, *seconds)).await),
        Action::EndSessions(persona) => Box::pin(transport.end_sessions(persona)).await,
        Action::PatchUser(persona, change) => Box::pin(transport.patch_user(persona, change)).await,
        Action::World(world) => Box::pin(transport.world(world, notes)).await,
        Action::Flow(call) => return Box::pin(transport.ask_provider(call)).await,
    };
    (String::new(), result)
}

fn out_of_time(plan: &TestPlan) -> NoAnswer {
    let seconds = (plan.budget.unwrap_or_default().as_secs_f64() * 100.0).round() / 100.0;
    NoAnswer::OutOfTime(format!("not run: the budget of {seconds} s was used up"))
}

fn not_sent(reason: String) -> Exchange {
    Exchange { url: String::new(), result: Err(NoAnswer::NotSent(reason)), duration_ms: 0.0 }
}
