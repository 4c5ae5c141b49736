//! A service as one engine sees it: its own keys with the engine's overrides laid over them.
//!
//! Mappings merge by key, everything else is replaced as a whole; naming another kind of program replaces the kind.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use crate::manifest::{EngineName, Manifest, Service};

/// The services that exist on an engine, overrides applied, by name.
pub(super) fn effective_services(manifest: &Manifest, engine: EngineName) -> BTreeMap<String, Service> {
    manifest
        .services
        .iter()
        .filter(|(_, service)| service.engines.as_ref().is_none_or(|engines| engines.contains(&engine)))
        .filter(|(_, service)| is_on(service, &manifest.active_profiles))
        .map(|(name, service)| (name.clone(), effective(service, engine)))
        .collect()
}

fn is_on(service: &Service, active: &BTreeSet<String>) -> bool {
    service.profiles.is_empty()
        || active.contains("*")
        || service.profiles.iter().any(|profile| active.contains(profile))
}

fn effective(service: &Service, engine: EngineName) -> Service {
    let mut base = service.clone();
    let over = match engine {
        EngineName::Docker => base.docker.take(),
        EngineName::Embedded => base.embedded.take(),
    };
    if let Some(over) = over {
        lay_over(&mut base, *over);
    }
    base
}

fn lay_over(base: &mut Service, over: Service) {
    if over.image.is_some() || over.build.is_some() || over.binary.is_some() || over.run.is_some() {
        base.image = over.image;
        base.build = over.build;
        base.binary = over.binary;
        base.run = over.run;
    }
    base.environment.extend(over.environment);
    base.labels.extend(over.labels);
    base.depends_on.extend(over.depends_on);
    base.optional.extend(over.optional);
    base.attachments.extend(over.attachments);
    base.options.lay_over(over.options);
    macro_rules! replace_if_some { ($($field:ident),* $(,)?) => { $( if over.$field.is_some() { base.$field = over.$field; } )* } }
    macro_rules! replace_if_filled { ($($field:ident),* $(,)?) => { $( if !over.$field.is_empty() { base.$field = over.$field; } )* } }
    replace_if_some!(
        command,
        entrypoint,
        network_mode,
        ready,
        healthcheck,
        restart,
        user,
        working_dir,
        hostname,
        container_name,
        read_only,
        privileged,
        init,
        tty,
        stdin_open,
        pids_limit,
        mem_limit,
        shm_size,
        stop_signal,
        stop_grace_period,
        pull_policy,
        platform,
    );
    replace_if_filled!(
        ports,
        expose,
        volumes,
        tmpfs,
        secrets,
        configs,
        networks,
        links,
        external_links,
        watch,
        cap_add,
        cap_drop,
        security_opt,
        extra_hosts,
    );
}
