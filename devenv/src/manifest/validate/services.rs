//! Each service alone: what it runs, and the names that it uses.

use super::{ENGINES, Place, engine_key, exists_on, overrides};
use crate::manifest::decode::Context;
use crate::manifest::model::{EngineName, MountSource, ReadinessTest, Service};
use crate::manifest::scalars::is_name;

pub(super) fn check(context: &mut Context<'_>, place: &Place<'_>, name: &str, service: &Service) {
    check_name(context, place, name);
    check_sources(context, place, name, service);
    check_names(context, place, &["services", name], service);
    for engine in ENGINES {
        let Some(part) = overrides(service, engine) else { continue };
        let path = ["services", name, engine_key(engine)];
        check_names(context, place, &path, part);
        if !exists_on(service, engine) {
            let message = format!("`{}` has no effect: `{name}` does not exist on that engine", engine_key(engine));
            context.report.warning(place.root.locate(&path), message);
        }
    }
    for engine in ENGINES.into_iter().filter(|engine| exists_on(service, *engine)) {
        check_readiness_port(context, place, (name, service), engine);
    }
}

fn check_name(context: &mut Context<'_>, place: &Place<'_>, name: &str) {
    let position = place.root.locate(&["services", name]);
    if !is_name(name) {
        let help = "letters, digits, `.`, `_` and `-`, beginning with a letter or digit, at most 63".to_owned();
        context.error_with_help(position, format!("`{name}` is not a valid name of a service"), help);
    }
    let reserved = match name {
        "idp" => place.manifest.idp.is_some(),
        "iam" => place.manifest.iam.is_some(),
        _ => false,
    };
    if reserved {
        context.error(position, format!("`{name}` is the name of the built-in service of the section `{name}:`"));
    }
}

fn check_sources(context: &mut Context<'_>, place: &Place<'_>, name: &str, service: &Service) {
    check_at_most_one(context, place, &["services", name], service);
    for engine in ENGINES {
        if let Some(part) = overrides(service, engine) {
            check_at_most_one(context, place, &["services", name, engine_key(engine)], part);
        }
    }
    let has_one = |part: &Service| !sources(part).is_empty();
    let runs = has_one(service) || ENGINES.iter().any(|engine| overrides(service, *engine).is_some_and(has_one));
    // A source that was written but is wrong has a problem of its own.
    let written = ["image", "build", "binary", "run"].iter().any(|key| {
        let here = place.root.get("services").and_then(|services| services.get(name));
        here.is_some_and(|here| here.get(key).is_some())
    });
    if !runs && !written {
        context.error_with_help(
            place.root.locate(&["services", name]),
            format!("the service `{name}` has nothing to run"),
            "write one of `image`, `build`, `binary` or `run`".to_owned(),
        );
    }
}

fn check_at_most_one(context: &mut Context<'_>, place: &Place<'_>, path: &[&str], part: &Service) {
    // In Compose, `image` names what `build` makes.
    if sources(part) == ["image", "build"] {
        return;
    }
    if let [first, second, ..] = sources(part).as_slice() {
        let position = place.root.locate(&[path, &[second]].concat());
        let service = path.get(1).copied().unwrap_or_default();
        let message = format!("the service `{service}` has both `{first}` and `{second}`");
        let help = "keep one, or move one to `docker:` or `embedded:`".to_owned();
        context.error_with_help(position, message, help);
    }
}

fn sources(part: &Service) -> Vec<&'static str> {
    let all = [
        ("image", part.image.is_some()),
        ("build", part.build.is_some()),
        ("binary", part.binary.is_some()),
        ("run", part.run.is_some()),
    ];
    all.iter().filter(|(_, present)| *present).map(|(key, _)| *key).collect()
}

fn check_names(context: &mut Context<'_>, place: &Place<'_>, path: &[&str], part: &Service) {
    let manifest = place.manifest;
    let volumes = part.volumes.iter().filter_map(|mount| match &mount.source {
        MountSource::Volume(name) => Some(name),
        MountSource::Bind(_) | MountSource::Anonymous => None,
    });
    let networks = part.networks.iter().filter(|name| *name != "default");
    let uses = part
        .secrets
        .iter()
        .map(|reference| ("secret", "secrets", &reference.source))
        .chain(part.configs.iter().map(|reference| ("config", "configs", &reference.source)))
        .chain(networks.map(|name| ("network", "networks", name)))
        .chain(volumes.map(|name| ("volume", "volumes", name)));
    for (kind, section, used) in uses {
        // Looked up as written: an entry that is there but wrong has a problem of its own.
        let known = place.root.get(section).map(|node| node.entries()).unwrap_or_default();
        if known.iter().any(|entry| entry.key == *used) {
            continue;
        }
        let position = place.root.locate(&[path, &[section, used]].concat());
        let help = context
            .report
            .did_you_mean(used, known.iter().map(|entry| entry.key.as_str()))
            .unwrap_or_else(|| format!("add it to the top-level `{section}:`"));
        context.error_with_help(position, format!("there is no {kind} `{used}`"), help);
    }
    if let Some(other) = part.network_mode.as_deref().and_then(|mode| mode.strip_prefix("service:"))
        && !manifest.services.contains_key(other)
    {
        let help = context.report.did_you_mean(other, manifest.services.keys().map(String::as_str));
        let position = place.root.locate(&[path, &["network_mode"]].concat());
        context.error_with_help(position, format!("there is no service `{other}`"), help);
    }
}

/// `ready: { http: /health }` asks the first port of the service: there must be one.
fn check_readiness_port(
    context: &mut Context<'_>,
    place: &Place<'_>,
    (name, service): (&str, &Service),
    engine: EngineName,
) {
    let part = overrides(service, engine);
    let ready = part.and_then(|part| part.ready.as_ref()).or(service.ready.as_ref());
    let Some(ReadinessTest::Http { port: None, .. }) = ready.map(|ready| &ready.test) else { return };
    let has_port = |part: &Service| !part.ports.is_empty() || !part.expose.is_empty();
    let written = place.root.get("services").and_then(|services| services.get(name));
    let written = written.is_some_and(|node| node.get("ports").is_some() || node.get("expose").is_some());
    if !(has_port(service) || part.is_some_and(has_port) || written) {
        context.error_with_help(
            place.root.locate(&["services", name, "ready"]),
            format!("`{name}` has no port that `http` could ask"),
            "add `ports` or `expose`, or write `http: { path: /health, port: 8080 }`".to_owned(),
        );
    }
}
