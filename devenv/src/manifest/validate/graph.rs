//! `depends_on`: services that are not there, conditions that never hold, cycles.

use std::collections::{BTreeMap, BTreeSet};

use super::{ENGINES, Place, engine_key, exists_on, overrides};
use crate::manifest::decode::Context;
use crate::manifest::model::{Condition, EngineName, Service};
use crate::manifest::tree::Position;

/// More cycles than this tell nothing new.
const MOST_CYCLES: usize = 10;

pub(super) fn check(context: &mut Context<'_>, place: &Place<'_>) {
    for (name, service) in &place.manifest.services {
        check_names(context, place, &["services", name], service);
        for engine in ENGINES {
            if let Some(part) = overrides(service, engine) {
                check_names(context, place, &["services", name, engine_key(engine)], part);
            }
            if exists_on(service, engine) {
                check_conditions(context, place, name, engine);
            }
        }
    }
    for engine in ENGINES {
        check_cycles(context, place, engine);
    }
}

fn check_names(context: &mut Context<'_>, place: &Place<'_>, path: &[&str], part: &Service) {
    let services = &place.manifest.services;
    for dependency in part.depends_on.keys() {
        if is_built_in(place, dependency) || is_written(place, dependency) || part.optional.contains(dependency) {
            continue;
        }
        let position = place.root.locate(&[path, &["depends_on", dependency]].concat());
        let help = context.report.did_you_mean(dependency, services.keys().map(String::as_str));
        context.error_with_help(position, format!("there is no service `{dependency}`"), help);
    }
}

/// The provider and the IAM are services too, and always have a readiness test.
fn is_built_in(place: &Place<'_>, name: &str) -> bool {
    match name {
        "idp" => place.manifest.idp.is_some(),
        "iam" => place.manifest.iam.is_some(),
        _ => false,
    }
}

fn is_written(place: &Place<'_>, name: &str) -> bool {
    place.root.get("services").is_some_and(|services| services.get(name).is_some())
}

fn check_conditions(context: &mut Context<'_>, place: &Place<'_>, name: &str, engine: EngineName) {
    let Some(service) = place.manifest.services.get(name) else { return };
    for (dependency, condition) in depends_on(service, engine) {
        let Some(other) = place.manifest.services.get(dependency) else { continue };
        let position = position_of(place, name, dependency, engine);
        if !exists_on(other, engine) {
            let message = format!("`{dependency}` does not exist on the engine `{}`", engine_key(engine));
            let help = "depend on it in the overrides of the engine that has it".to_owned();
            context.report.warning_with_help(position, message, help);
            continue;
        }
        let part = overrides(other, engine);
        let is_ready = other.ready.is_some() || part.is_some_and(|part| part.ready.is_some());
        if condition != Condition::Healthy || is_ready || healthcheck_is_written(place, dependency) {
            continue;
        }
        let has_image = |part: &Service| part.image.is_some() || part.build.is_some();
        let help = format!("add `ready:` or `healthcheck:` to `{dependency}`");
        if has_image(other) || part.is_some_and(has_image) {
            let message = format!("`{dependency}` is only ever healthy if its image has a health check of its own");
            context.report.warning_with_help(position, message, help);
        } else {
            let message = format!("`{dependency}` can never be healthy: it has no readiness test");
            context.error_with_help(position, message, help);
        }
    }
}

/// One that is there but wrong has a problem of its own.
fn healthcheck_is_written(place: &Place<'_>, name: &str) -> bool {
    let service = place.root.get("services").and_then(|services| services.get(name));
    service.is_some_and(|service| {
        let disabled = service.get("healthcheck").is_some_and(|node| node.get("disable").is_some());
        service.get("ready").is_some() || (service.get("healthcheck").is_some() && !disabled)
    })
}

/// With the overrides of the engine.
fn depends_on(service: &Service, engine: EngineName) -> BTreeMap<&str, Condition> {
    let part = overrides(service, engine);
    let all = service.depends_on.iter().chain(part.into_iter().flat_map(|part| &part.depends_on));
    all.map(|(name, condition)| (name.as_str(), *condition)).collect()
}

fn position_of(place: &Place<'_>, name: &str, dependency: &str, engine: EngineName) -> Position {
    let overridden = place.manifest.services.get(name).and_then(|service| overrides(service, engine));
    if overridden.is_some_and(|part| part.depends_on.contains_key(dependency)) {
        return place.root.locate(&["services", name, engine_key(engine), "depends_on", dependency]);
    }
    place.root.locate(&["services", name, "depends_on", dependency])
}

fn check_cycles(context: &mut Context<'_>, place: &Place<'_>, engine: EngineName) {
    let mut graph: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, service) in place.manifest.services.iter().filter(|(_, service)| exists_on(service, engine)) {
        graph.insert(name, depends_on(service, engine).into_keys().collect());
    }
    for _ in 0..MOST_CYCLES {
        remove_acyclic(&mut graph);
        let Some(cycle) = walk(&graph) else { return };
        if let [first, second, ..] = [cycle.as_slice(), &cycle].concat().as_slice() {
            let shown: Vec<String> = cycle.iter().chain([first]).map(|name| format!("`{name}`")).collect();
            let message = format!("services wait for each other: {}", shown.join(" → "));
            context.error(position_of(place, first, second, engine), message);
        }
        for name in cycle {
            graph.remove(name);
        }
    }
}

/// Leaves only services that wait, directly or not, for a cycle. Without recursion: a chain can be long.
fn remove_acyclic(graph: &mut BTreeMap<&str, BTreeSet<&str>>) {
    let mut waiting: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, dependencies) in graph.iter() {
        let present: Vec<&str> = dependencies.iter().copied().filter(|other| graph.contains_key(other)).collect();
        open.insert(name, present.len());
        for dependency in present {
            waiting.entry(dependency).or_default().push(name);
        }
    }
    let mut done: Vec<&str> = open.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    while let Some(name) = done.pop() {
        graph.remove(name);
        for waiter in waiting.remove(name).unwrap_or_default() {
            if let Some(count) = open.get_mut(waiter) {
                *count -= 1;
                if *count == 0 {
                    done.push(waiter);
                }
            }
        }
    }
}

/// A cycle, from its first name in alphabetical order. Every service of the graph has a dependency in it.
fn walk<'m>(graph: &BTreeMap<&'m str, BTreeSet<&'m str>>) -> Option<Vec<&'m str>> {
    let mut path: Vec<&str> = Vec::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut name = *graph.keys().next()?;
    loop {
        if let Some(start) = seen.get(name) {
            let mut cycle = path.split_off(*start);
            let first = cycle.iter().enumerate().min_by_key(|(_, name)| **name).map_or(0, |(index, _)| index);
            cycle.rotate_left(first);
            return Some(cycle);
        }
        seen.insert(name, path.len());
        path.push(name);
        name = graph.get(name)?.iter().find(|other| graph.contains_key(*other))?;
    }
}
