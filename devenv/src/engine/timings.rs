//! How long each service took to become ready, and which chain of steps the whole had to wait for. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::engine::{Action, Step};

/// When a step ran, since the walk began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// It began.
    pub begin: Duration,
    /// It ended.
    pub end: Duration,
}

/// Milliseconds of one service, by what was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServiceTiming {
    /// Pulling, building, packaging.
    pub provide_ms: u64,
    /// Removing the one before, and making the new one.
    pub create_ms: u64,
    /// Starting.
    pub start_ms: u64,
    /// From its start until it was ready, or had completed.
    pub ready_ms: u64,
    /// From the beginning of the whole until it was ready.
    pub after_ms: u64,
}

/// Where the time of a walk went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Timings {
    /// By service.
    pub services: BTreeMap<String, ServiceTiming>,
    /// The steps that the whole waited for, first to last, each with its own milliseconds.
    pub critical_path: Vec<(String, u64)>,
    /// From the first step to the last.
    pub total_ms: u64,
}

/// Sums up a walk; steps without a span were not taken.
#[must_use]
pub fn timings(steps: &[Step], spans: &BTreeMap<usize, Span>) -> Timings {
    let mut timings = Timings::default();
    for (index, span) in spans {
        let Some(step) = steps.get(*index) else { continue };
        let took = milliseconds(span.end.saturating_sub(span.begin));
        timings.total_ms = timings.total_ms.max(milliseconds(span.end));
        if of_service(&step.action) {
            let service = timings.services.entry(step.action.subject().to_owned()).or_default();
            *phase(service, &step.action) += took;
            service.after_ms = service.after_ms.max(milliseconds(span.end));
        }
    }
    timings.critical_path = critical_path(steps, spans);
    timings
}

fn of_service(action: &Action) -> bool {
    !matches!(
        action,
        Action::CreateNetwork(_) | Action::CreateVolume(_) | Action::RemoveNetwork(_) | Action::RemoveVolume(_)
    )
}

fn phase<'a>(service: &'a mut ServiceTiming, action: &Action) -> &'a mut u64 {
    match action {
        Action::Provide(_) => &mut service.provide_ms,
        Action::Start(_) | Action::Resume(_) => &mut service.start_ms,
        Action::AwaitReady(_) | Action::AwaitExit(_) => &mut service.ready_ms,
        _ => &mut service.create_ms,
    }
}

/// From the step that ended last, back through whichever predecessor ended last.
fn critical_path(steps: &[Step], spans: &BTreeMap<usize, Span>) -> Vec<(String, u64)> {
    let last_of = |candidates: &mut dyn Iterator<Item = usize>| {
        candidates.filter_map(|index| Some((spans.get(&index)?.end, index))).max().map(|(_, index)| index)
    };
    let mut path = Vec::new();
    let mut at = last_of(&mut spans.keys().copied());
    while let Some(index) = at {
        let (Some(step), Some(span)) = (steps.get(index), spans.get(&index)) else { break };
        let text = format!("{} {}", step.action.verb(), step.action.subject());
        path.push((text, milliseconds(span.end.saturating_sub(span.begin))));
        at = last_of(&mut step.after.iter().copied());
    }
    path.reverse();
    path
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Cause;

    #[test]
    fn the_critical_path_goes_through_whoever_was_waited_for_last() {
        let step = |action, after: &[usize]| Step { action, cause: Cause::Missing, after: after.to_vec() };
        let steps = [
            step(Action::Start("db".into()), &[]),
            step(Action::AwaitReady("db".into()), &[0]),
            step(Action::Create("api".into()), &[]),
            step(Action::Start("api".into()), &[1, 2]),
        ];
        let span = |begin, end| Span { begin: Duration::from_millis(begin), end: Duration::from_millis(end) };
        let spans = [(0, span(0, 10)), (1, span(10, 90)), (2, span(0, 30)), (3, span(90, 100))].into();
        let timings = timings(&steps, &spans);
        let names: Vec<&str> = timings.critical_path.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["start db", "await ready db", "start api"]);
        assert_eq!(
            timings.services["db"],
            ServiceTiming { start_ms: 10, ready_ms: 80, after_ms: 90, ..Default::default() }
        );
        assert_eq!((timings.services["api"].after_ms, timings.total_ms), (100, 100));
    }
}
