//! Planned mounts to what the engine is asked for. Pure.
//!
//! A bind mount whose directory shall be made, or that is relabelled for SELinux, is only known to the older of the
//! engine's two notations (`Binds`); everything else goes into the newer one.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;
use std::path::Path;

use bollard::models::{Mount, MountBindOptions, MountBindOptionsPropagationEnum, MountType, MountVolumeOptions};

use crate::plan::{Plan, PlannedMount, PlannedMountSource, PlannedService};

/// The mounts of a service, and a volume for each directory of delivered files that needs one.
pub(super) fn mounts(plan: &Plan, service: &PlannedService, volumes: &BTreeSet<String>) -> Vec<Mount> {
    let planned = service.mounts.iter().filter(|mount| old_notation(mount).is_none()).map(|mount| one(plan, mount));
    let for_files = volumes.iter().map(|directory| Mount {
        target: Some(directory.clone()),
        typ: Some(MountType::VOLUME),
        ..Default::default()
    });
    planned.chain(for_files).collect()
}

/// The mounts that need the older notation: `SOURCE:TARGET[:OPTIONS]`.
pub(super) fn binds(service: &PlannedService) -> Vec<String> {
    service.mounts.iter().filter_map(old_notation).collect()
}

fn one(plan: &Plan, mount: &PlannedMount) -> Mount {
    let (typ, source) = match &mount.source {
        PlannedMountSource::Volume(key) => {
            (MountType::VOLUME, Some(plan.volumes.get(key).map_or(key, |volume| &volume.name).clone()))
        }
        PlannedMountSource::Bind(path) => (MountType::BIND, Some(path.display().to_string())),
        PlannedMountSource::Anonymous => (MountType::VOLUME, None),
    };
    let bind = MountBindOptions {
        propagation: mount.options.propagation.as_deref().and_then(propagation),
        ..MountBindOptions::default()
    };
    let volume = mount.options.no_copy.then(|| MountVolumeOptions { no_copy: Some(true), ..Default::default() });
    Mount {
        target: Some(mount.target.clone()),
        source,
        typ: Some(typ),
        read_only: Some(mount.read_only),
        bind_options: (typ == MountType::BIND).then_some(bind),
        volume_options: volume.filter(|_| typ == MountType::VOLUME),
        ..Default::default()
    }
}

/// `None` for what the newer notation can say, and for paths that the older one would take apart.
fn old_notation(mount: &PlannedMount) -> Option<String> {
    let PlannedMountSource::Bind(path) = &mount.source else { return None };
    let (path, target) = (path.to_str()?, &mount.target);
    let wanted = mount.options.create_host_path || mount.options.selinux.is_some();
    if !wanted || path.contains(':') || target.contains(':') {
        return None;
    }
    let read_only = mount.read_only.then_some("ro");
    let options = [read_only, mount.options.propagation.as_deref(), mount.options.selinux.as_deref()];
    let options: Vec<&str> = options.into_iter().flatten().collect();
    let colon = if options.is_empty() { "" } else { ":" };
    Some(format!("{path}:{target}{colon}{}", options.join(",")))
}

fn propagation(text: &str) -> Option<MountBindOptionsPropagationEnum> {
    use MountBindOptionsPropagationEnum::{PRIVATE, RPRIVATE, RSHARED, RSLAVE, SHARED, SLAVE};
    [PRIVATE, RPRIVATE, SHARED, RSHARED, SLAVE, RSLAVE].into_iter().find(|known| known.to_string() == text)
}

/// The directories of this machine that the file wants made when they are missing.
pub(super) fn wanted_directories(service: &PlannedService) -> impl Iterator<Item = &Path> {
    service.mounts.iter().filter_map(|mount| match &mount.source {
        PlannedMountSource::Bind(path) if mount.options.create_host_path => Some(path.as_path()),
        PlannedMountSource::Bind(_) | PlannedMountSource::Volume(_) | PlannedMountSource::Anonymous => None,
    })
}
