//! The document: services, networks, volumes, and what `devenv test --stack-from` reads of it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::files::Files;
use super::gate::{gates, sidecars};
use super::service::ServiceWriter;
use super::stack::{self, Control};
use super::{Destination, Export, ExportError};
use crate::manifest::{Object, elements};
use crate::plan::{Plan, PlannedNetwork, PlannedVolume, Source};

/// The same stack as a Compose file.
///
/// # Errors
/// Every service that Compose cannot run, at once.
pub fn compose(plan: &Plan, control: &Control<Vec<u8>>, to: &Destination<'_>) -> Result<Export, Vec<ExportError>> {
    let processes = plan.services.values().filter(|service| service.on_host());
    let refused: Vec<ExportError> = processes.map(|service| ExportError::Process(service.name.clone())).collect();
    if !refused.is_empty() {
        return Err(refused);
    }
    let gates = gates(plan);
    let mut files = Files::new(to.files);
    let mut services = Map::new();
    let mut notes = Vec::new();
    for service in plan.services.values() {
        let mut writer = ServiceWriter { plan, service, gates: &gates, to, files: &mut files, notes: &mut notes };
        services.insert(service.name.clone(), writer.write());
    }
    services.extend(sidecars(plan, &gates, to));
    let control = files.control(control);
    let mut out = Object::default();
    out.set("name", json!(plan.project.name));
    out.set("services", Value::Object(services));
    out.set("networks", named(plan, &plan.networks, network));
    out.set("volumes", named(plan, &plan.volumes, volume));
    let (secrets, configs, files) = files.finish();
    out.set("secrets", secrets);
    out.set("configs", configs);
    let mut document = out.value();
    escape(&mut document);
    if let Some(members) = document.as_object_mut() {
        members.insert(stack::KEY.to_owned(), stack::extension(plan, to, &control));
    }
    Ok(Export { document, files, packaged: packaged(plan, to), notes })
}

/// Everything is resolved: a `$` that is left means itself.
fn escape(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('$') => *text = text.replace('$', "$$"),
        Value::Array(items) => items.iter_mut().for_each(escape),
        Value::Object(entries) => entries.values_mut().for_each(escape),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn packaged(plan: &Plan, to: &Destination<'_>) -> BTreeMap<String, crate::plan::Artifact> {
    let images = plan.services.values().filter_map(|service| match &service.source {
        Source::Packaged { executable } => Some(((to.packaged)(executable), executable.clone())),
        Source::Image { .. } | Source::Built(_) | Source::Executable { .. } | Source::Process => None,
    });
    images.collect()
}

/// A section of named things. A name that is ours only tells work trees apart, and Compose has a way of its own to do that.
fn named<T>(plan: &Plan, all: &BTreeMap<String, T>, write: impl Fn(&T) -> (String, Object)) -> Value {
    let written = all.iter().map(|(key, thing)| {
        let (name, mut out) = write(thing);
        if name != format!("{}_{key}", plan.project.id()) {
            out.set("name", json!(name));
        }
        (key.clone(), if out.0.is_empty() { json!({}) } else { out.value() })
    });
    Value::Object(written.collect())
}

fn network(network: &PlannedNetwork) -> (String, Object) {
    let mut out = Object::default();
    out.truth("external", Some(network.external));
    out.truth("internal", Some(network.internal));
    out.truth("attachable", Some(network.attachable));
    out.truth("enable_ipv6", Some(network.ipv6));
    out.text("driver", network.driver.as_ref());
    out.set("driver_opts", json!(network.driver_opts));
    out.set("labels", json!(network.labels));
    out.set("ipam", elements::ipam(&network.ipam));
    (network.name.clone(), out)
}

fn volume(volume: &PlannedVolume) -> (String, Object) {
    let mut out = Object::default();
    out.truth("external", Some(volume.external));
    out.text("driver", volume.driver.as_ref());
    out.set("driver_opts", json!(volume.driver_opts));
    out.set("labels", json!(volume.labels));
    (volume.name.clone(), out)
}
