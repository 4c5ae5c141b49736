//! A port of the host belongs to one.

use std::collections::BTreeMap;

use super::{ENGINES, Place, exists_on};
use crate::manifest::decode::{Context, Part, Published};
use crate::manifest::model::{EngineName, Manifest, Protocol};

const LOOPBACK: &str = "127.0.0.1";

/// Who asked for a port first.
struct Holder {
    name: String,
    host_ip: String,
    profiles: Vec<String>,
}

pub(super) fn check(context: &mut Context<'_>, place: &Place<'_>) {
    let manifest = place.manifest;
    if let (Some(idp), Some(iam)) = (&manifest.idp, &manifest.iam)
        && idp.port == iam.port
    {
        let message = format!("`idp` and `iam` both ask for port {} of the host", iam.port);
        let is_default = place.root.get("iam").is_none_or(|node| node.get("port").is_none());
        let section = if is_default { "idp" } else { "iam" };
        context.error(place.root.locate(&[section, "port"]), message);
    }
    let published = std::mem::take(&mut context.published);
    for engine in ENGINES {
        check_engine(context, manifest, &published, engine);
    }
}

fn check_engine(context: &mut Context<'_>, manifest: &Manifest, published: &[Published], engine: EngineName) {
    let mut holders: BTreeMap<(u16, Protocol), Vec<Holder>> = BTreeMap::new();
    let idp = manifest.idp.as_ref().map(|idp| ("idp", idp.port));
    let iam = manifest.iam.as_ref().map(|iam| ("iam", iam.port));
    for (name, port) in idp.into_iter().chain(iam) {
        let holder = Holder { name: name.to_owned(), host_ip: LOOPBACK.to_owned(), profiles: Vec::new() };
        holders.entry((port, Protocol::Tcp)).or_default().push(holder);
    }
    for entry in in_effect(manifest, published, engine) {
        let Some(port) = entry.port.published else { continue };
        let profiles = manifest.services.get(&entry.service).map(|service| service.profiles.clone());
        let holder = Holder {
            name: entry.service.clone(),
            host_ip: entry.port.host_ip.clone().unwrap_or_else(|| LOOPBACK.to_owned()),
            profiles: profiles.unwrap_or_default(),
        };
        let others = holders.entry((port, entry.port.protocol)).or_default();
        match others.iter().find(|other| overlap(other, &holder)) {
            Some(other) => {
                let message = format!("port {port} of the host is taken by `{}` already", other.name);
                context.error(entry.position, message);
            }
            None => others.push(holder),
        }
    }
}

/// The ports of an engine's overrides replace those of the service.
fn in_effect<'p>(
    manifest: &'p Manifest,
    published: &'p [Published],
    engine: EngineName,
) -> impl Iterator<Item = &'p Published> {
    let part = match engine {
        EngineName::Docker => Part::Docker,
        EngineName::Embedded => Part::Embedded,
    };
    let replaced: std::collections::BTreeSet<&str> =
        published.iter().filter(|entry| entry.part == part).map(|entry| entry.service.as_str()).collect();
    published.iter().filter(move |entry| {
        let exists = manifest.services.get(&entry.service).is_some_and(|service| exists_on(service, engine));
        let wanted = if replaced.contains(entry.service.as_str()) { part } else { Part::Base };
        exists && entry.part == wanted
    })
}

fn overlap(a: &Holder, b: &Holder) -> bool {
    let everywhere = |ip: &str| matches!(ip, "0.0.0.0" | "::");
    let same_address = a.host_ip == b.host_ip || everywhere(&a.host_ip) || everywhere(&b.host_ip);
    let never_together = !a.profiles.is_empty()
        && !b.profiles.is_empty()
        && !a.profiles.iter().any(|profile| b.profiles.contains(profile));
    same_address && !never_together
}
