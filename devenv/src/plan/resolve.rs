//! Manifest and context to plan. The order of what happens is the order of this file.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::manifest::{Condition, EngineName, Manifest};
use crate::plan::context::Context;
use crate::plan::fingerprint::fingerprint;
use crate::plan::overrides::effective_services;
use crate::plan::service::UserService;
use crate::plan::{Plan, PlannedNetwork, PlannedService, PlannedVolume, ServiceNetwork, builtin, relay};

/// The network that services are in when they name none.
pub(super) const DEFAULT_NETWORK: &str = "default";

/// Something that the manifest asks for and this engine cannot give.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ResolveError {
    /// A kind of service that the engine does not run.
    #[error("service `{service}`: `{key}:` cannot run on the {engine} engine")]
    WrongEngine {
        /// The service.
        service: String,
        /// `image` or `build`.
        key: &'static str,
        /// The engine.
        engine: &'static str,
    },
    /// A key that no engine supports yet.
    #[error("service `{service}`: {what}")]
    Unsupported {
        /// The service.
        service: String,
        /// What, as a sentence.
        what: String,
    },
    /// A `${DEVENV_…}` variable that does not exist for this service.
    #[error("service `{service}`: `${{{variable}}}` has no value here")]
    UnknownVariable {
        /// The service.
        service: String,
        /// The variable.
        variable: String,
    },
    /// A command that cannot be split into words.
    #[error("service `{service}`: a quote is not closed in `{line}`")]
    Quotes {
        /// The service.
        service: String,
        /// The command.
        line: String,
    },
}

impl ResolveError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::WrongEngine { service, .. } => Some(format!(
                "use `--engine docker`; or give `{service}` an `embedded:` override with `run:` or `binary:`; or limit it with `engines: [docker]`"
            )),
            Self::UnknownVariable { .. } => {
                Some("secrets have a path only in services that list them under `secrets:`".into())
            }
            Self::Unsupported { .. } | Self::Quotes { .. } => None,
        }
    }
}

/// Resolves a manifest for one engine.
///
/// # Errors
/// Everything that does not fit, at once.
pub fn resolve(manifest: &Manifest, context: &Context) -> Result<Plan, Vec<ResolveError>> {
    let mut errors = Vec::new();
    let written = effective_services(manifest, context.engine);
    let mut services: BTreeMap<String, PlannedService> = BTreeMap::new();
    for (name, service) in &written {
        let user = UserService { name, service, manifest, context, all: &written };
        let planned = user.plan(&mut errors);
        services.insert(name.clone(), planned);
    }
    let networks = networks(manifest, context, &services);
    // What the provider would refuse at its start is said before anything is started.
    let refused = builtin::idp_problem(manifest, context);
    errors.extend(refused.map(|what| ResolveError::Unsupported { service: builtin::IDP.into(), what }));
    add_builtin(manifest, context, &mut services, &networks);
    relay::add(manifest, context, &mut services);
    for service in services.values_mut() {
        service.fingerprint = fingerprint(service, context.secrets.get(&super::SecretKey::Salt));
    }
    let volumes = volumes(manifest, context);
    if errors.is_empty() {
        Ok(Plan { project: context.project.clone(), engine: context.engine, services, networks, volumes })
    } else {
        Err(errors)
    }
}

/// Adds the provider and the IAM, reachable from every network, and lets user services wait for them.
fn add_builtin(
    manifest: &Manifest,
    context: &Context,
    services: &mut BTreeMap<String, PlannedService>,
    networks: &BTreeMap<String, PlannedNetwork>,
) {
    let network = match context.engine {
        EngineName::Docker => ServiceNetwork::Networks(networks.keys().cloned().collect()),
        EngineName::Embedded => ServiceNetwork::Host,
    };
    let built_in: Vec<PlannedService> = [builtin::idp(manifest, context), builtin::iam(manifest, context)]
        .into_iter()
        .flatten()
        .map(|service| PlannedService { network: network.clone(), ..service })
        .collect();
    let awaited: Vec<String> = built_in.iter().map(|service| service.name.clone()).collect();
    for service in services.values_mut().filter(|service| relay::speaks_to_built_in(manifest, service)) {
        for name in &awaited {
            service.depends_on.entry(name.clone()).or_insert(Condition::Healthy);
        }
    }
    services.extend(built_in.into_iter().map(|service| (service.name.clone(), service)));
}

/// The networks in use, under names of this project.
fn networks(
    manifest: &Manifest,
    context: &Context,
    services: &BTreeMap<String, PlannedService>,
) -> BTreeMap<String, PlannedNetwork> {
    if context.engine == EngineName::Embedded {
        return BTreeMap::new();
    }
    let used = services.values().flat_map(|service| match &service.network {
        ServiceNetwork::Networks(names) => names.clone(),
        ServiceNetwork::SharedWith(_) | ServiceNetwork::Mode(_) | ServiceNetwork::Host => vec![],
    });
    let mut keys: BTreeSet<String> = used.collect();
    if keys.is_empty() && (manifest.idp.is_some() || manifest.iam.is_some()) {
        keys.insert(DEFAULT_NETWORK.into());
    }
    let planned = |key: String| {
        let written = manifest.networks.get(&key).cloned().unwrap_or_default();
        let ours = format!("{}_{key}", context.project.id());
        let name = written.name.unwrap_or(if written.external { key.clone() } else { ours });
        let network = PlannedNetwork {
            name,
            external: written.external,
            internal: written.internal,
            driver: written.driver,
            driver_opts: written.driver_opts,
            attachable: written.attachable,
            ipv6: written.ipv6,
            ipam: written.ipam,
            labels: written.labels,
        };
        (key, network)
    };
    keys.into_iter().map(planned).collect()
}

fn volumes(manifest: &Manifest, context: &Context) -> BTreeMap<String, PlannedVolume> {
    if context.engine == EngineName::Embedded {
        return BTreeMap::new();
    }
    let planned = |(key, written): (&String, &crate::manifest::Volume)| {
        let ours = format!("{}_{key}", context.project.id());
        let name = written.name.clone().unwrap_or(if written.external { key.clone() } else { ours });
        let volume = PlannedVolume {
            name,
            external: written.external,
            driver: written.driver.clone(),
            driver_opts: written.driver_opts.clone(),
            labels: written.labels.clone(),
        };
        (key.clone(), volume)
    };
    manifest.volumes.iter().map(planned).collect()
}
