//! Makes containers, and completes them: networks and files. Must not start anything.
//!
//! A container that was made and not completed (this program was killed in between) is completed when it is started.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bollard::models::{EndpointSettings, NetworkConnectRequest};
use bollard::query_parameters::{
    CreateContainerOptions, DownloadFromContainerOptions, InspectContainerOptions, UploadToContainerOptions,
};
use futures_util::TryStreamExt;

use super::connection::{BULKY, Connection};
use super::endpoint::Endpoint;
use super::files::{self, Owner};
use super::spec::{self, Circumstances, Spec};
use super::{image, labels, mounts, remove};
use crate::engine::EngineError;
use crate::event::{Event, Reporter};
use crate::plan::{DeliveredFile, Fingerprint, Plan, PlannedMountSource, PlannedService, ServiceNetwork};

/// How long a name may be taken without a container: the engine is still at what a killed `devenv` asked for.
const MAKING: Duration = Duration::from_secs(10);
/// How often it is tried again.
const LOOK: Duration = Duration::from_millis(50);

/// Makes the container of a service and completes it. One of ours with another fingerprint is replaced.
pub(super) async fn create(
    connection: &Connection,
    plan: &Plan,
    service: &PlannedService,
    reporter: &Reporter,
) -> Result<(), EngineError> {
    let namespace_of = namespace_of(connection, plan, service).await?;
    let image = image::reference(service)?;
    let given = Circumstances { image: &image, namespace_of: namespace_of.as_deref(), api: connection.api };
    let spec = spec::spec(plan, service, &given);
    for message in &spec.warnings {
        reporter.report(Event::Warning { message: message.clone() });
    }
    make_directories(connection, service);
    let action = format!("create container `{}`", service.container.name);
    let begun = Instant::now();
    while let Err(failure) = request(connection, &action, service, &spec).await {
        if !failure.is_conflict() || begun.elapsed() >= MAKING {
            return Err(failure.into());
        }
        match present(connection, plan, service).await? {
            Some(found) if found == service.fingerprint => break,
            Some(_) => remove::by_name(connection, &service.container.name).await?,
            None => tokio::time::sleep(LOOK).await,
        }
    }
    complete(connection, service, &spec.connect_later).await
}

/// Makes missing directories of bind mounts, so that they belong to whoever asked and not to root, as whom an engine
/// makes them. What cannot be made here is left to the engine, which may see another file system.
fn make_directories(connection: &Connection, service: &PlannedService) {
    if !matches!(connection.endpoint, Endpoint::Unix(_)) {
        return;
    }
    for path in mounts::wanted_directories(service).filter(|path| !path.exists()) {
        if let Err(error) = std::fs::create_dir_all(path) {
            tracing::debug!(%error, path = %path.display(), "the engine shall make it");
        }
    }
}

/// Completes a container that may have been left incomplete.
pub(super) async fn complete_again(
    connection: &Connection,
    plan: &Plan,
    service: &PlannedService,
) -> Result<(), EngineError> {
    let given = Circumstances { image: "", namespace_of: None, api: connection.api };
    complete(connection, service, &spec::spec(plan, service, &given).connect_later).await
}

/// Connects what could not be connected when it was made, and brings the files. Doing it again changes nothing.
async fn complete(
    connection: &Connection,
    service: &PlannedService,
    networks: &[(String, EndpointSettings)],
) -> Result<(), EngineError> {
    for (network, endpoint) in networks {
        connect(connection, service, network, endpoint).await?;
    }
    deliver(connection, service).await
}

async fn request(
    connection: &Connection,
    action: &str,
    service: &PlannedService,
    spec: &Spec,
) -> Result<(), super::connection::Failure> {
    let options = CreateContainerOptions {
        name: Some(service.container.name.clone()),
        platform: service.container.platform.clone().unwrap_or_default(),
    };
    // What the image has where a new volume is mounted is copied now, which may take a while.
    let created = connection.client.create_container(Some(options), spec.body.clone());
    let answer = connection.bounded(action, BULKY, created).await?;
    for warning in answer.warnings {
        tracing::warn!(container = service.container.name, warning, "the engine warns");
    }
    Ok(())
}

/// The container whose network namespace a service shares.
async fn namespace_of(
    connection: &Connection,
    plan: &Plan,
    service: &PlannedService,
) -> Result<Option<String>, EngineError> {
    let ServiceNetwork::SharedWith(other) = &service.network else { return Ok(None) };
    let containers = connection.containers(&plan.project, Some(other)).await?;
    let running = containers.iter().find(|container| container.state == "running");
    match running.or(containers.first()) {
        Some(container) => Ok(Some(container.id.clone())),
        None => Err(EngineError::Refused {
            action: format!("create container `{}`", service.container.name),
            cause: format!("service `{other}`, whose network it shares, has no container"),
        }),
    }
}

/// The fingerprint of the container that has the name already.
///
/// # Errors
/// When that container is somebody else's: it is not ours to replace.
async fn present(
    connection: &Connection,
    plan: &Plan,
    service: &PlannedService,
) -> Result<Option<Fingerprint>, EngineError> {
    let name = &service.container.name;
    let inspected = connection.client.inspect_container(name, None::<InspectContainerOptions>);
    let container = match connection.ask(&format!("inspect container `{name}`"), inspected).await {
        Ok(container) => container,
        Err(failure) => return failure.unless_gone().map(|()| None),
    };
    let found = container.config.and_then(|config| config.labels).unwrap_or_default();
    if found.get(labels::PROJECT) != Some(&plan.project.id()) || found.get(labels::SERVICE) != Some(&service.name) {
        return Err(EngineError::Refused {
            action: format!("create container `{name}`"),
            cause: format!("a container of this name exists and does not belong to `{}`", plan.project.id()),
        });
    }
    Ok(Some(labels::fingerprint(found.get(labels::FINGERPRINT))))
}

async fn connect(
    connection: &Connection,
    service: &PlannedService,
    network: &str,
    endpoint: &EndpointSettings,
) -> Result<(), EngineError> {
    let name = &service.container.name;
    let request = NetworkConnectRequest { container: name.clone(), endpoint_config: Some(endpoint.clone()) };
    let connected = connection.client.connect_network(network, request);
    match connection.ask(&format!("connect `{name}` to network `{network}`"), connected).await {
        // Docker says 403 for what is connected already.
        Err(failure) if !failure.is_conflict() && !failure.text().contains("already exists in network") => {
            Err(failure.into())
        }
        _ => Ok(()),
    }
}

pub(super) async fn deliver(connection: &Connection, service: &PlannedService) -> Result<(), EngineError> {
    if service.files.is_empty() {
        return Ok(());
    }
    refuse_bind_mounts(service)?;
    let owner = owner(connection, service).await?;
    for (destination, files) in files::by_destination(service) {
        let missing = missing(connection, service, &destination, &files).await?;
        let archive = files::archive(&destination, &files, &missing, owner).map_err(|error| EngineError::Machine {
            action: format!("pack the files of service `{}`", service.name),
            cause: error.to_string(),
        })?;
        let options = UploadToContainerOptions { path: destination.clone(), ..Default::default() };
        let name = &service.container.name;
        let uploaded = connection.client.upload_to_container(name, Some(options), bollard::body_full(archive.into()));
        connection.bounded(&format!("put files into `{name}` at {destination}"), BULKY, uploaded).await?;
    }
    Ok(())
}

/// A file within a bind mount would be written into the user's own directory, where it does not belong.
fn refuse_bind_mounts(service: &PlannedService) -> Result<(), EngineError> {
    let binds = service.mounts.iter().filter(|mount| matches!(mount.source, PlannedMountSource::Bind(_)));
    for mount in binds {
        let below = format!("{}/", mount.target.trim_end_matches('/'));
        if let Some(file) = service.files.iter().find(|file| file.path.starts_with(&below)) {
            return Err(EngineError::Unsupported {
                service: service.name.clone(),
                reason: format!("`{}` lies within the bind mount `{}`: choose another path", file.path, mount.target),
            });
        }
    }
    Ok(())
}

/// The directories that the archive must bring because they are not there. Those that are there are left as they are: an
/// entry for `/tmp` would take its sticky bit away.
async fn missing(
    connection: &Connection,
    service: &PlannedService,
    destination: &str,
    files: &[&DeliveredFile],
) -> Result<BTreeSet<String>, EngineError> {
    let wanted = files::directories_below(destination, files);
    // A volume made for the files holds what the image has there, mostly nothing: entries for its subdirectories do no harm.
    if destination != "/" {
        return Ok(wanted);
    }
    let mut missing = BTreeSet::<String>::new();
    for directory in wanted {
        let below_missing = missing.iter().any(|parent| directory.starts_with(&format!("{parent}/")));
        if below_missing || !exists(connection, service, &directory).await? {
            missing.insert(directory);
        }
    }
    Ok(missing)
}

async fn exists(connection: &Connection, service: &PlannedService, directory: &str) -> Result<bool, EngineError> {
    let name = &service.container.name;
    let options = bollard::query_parameters::ContainerArchiveInfoOptions { path: format!("/{directory}") };
    let found = connection.client.get_container_archive_info(name, Some(options));
    match connection.ask(&format!("look for /{directory} in `{name}`"), found).await {
        Ok(_) => Ok(true),
        Err(failure) => failure.unless_gone().map(|()| false),
    }
}

/// Who must be able to read the files: the user that the container runs as.
async fn owner(connection: &Connection, service: &PlannedService) -> Result<Owner, EngineError> {
    let user = match &service.hardening.user {
        Some(user) => user.clone(),
        None => image_user(connection, &service.container.name).await?,
    };
    if user.is_empty() {
        return Ok(files::ROOT);
    }
    if let Some(owner) = files::numeric(&user) {
        return Ok(owner);
    }
    let passwd = passwd(connection, &service.container.name).await?;
    files::in_passwd(&passwd, &user).ok_or_else(|| EngineError::Unsupported {
        service: service.name.clone(),
        reason: format!("its user `{user}` is not in the image's /etc/passwd: give a number (`user: \"1000:1000\"`)"),
    })
}

/// The user that the image names; the engine has merged it into the container.
async fn image_user(connection: &Connection, name: &str) -> Result<String, EngineError> {
    let inspected = connection.client.inspect_container(name, None::<InspectContainerOptions>);
    let container = connection.ask(&format!("inspect container `{name}`"), inspected).await?;
    Ok(container.config.and_then(|config| config.user).unwrap_or_default())
}

async fn passwd(connection: &Connection, name: &str) -> Result<String, EngineError> {
    let options = DownloadFromContainerOptions { path: "/etc/passwd".to_owned() };
    let pieces = connection.client.download_from_container(name, Some(options)).try_collect::<Vec<_>>();
    let bytes = connection.ask(&format!("read /etc/passwd of `{name}`"), pieces).await?.concat();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let mut text = String::new();
    if let Some(Ok(mut file)) = archive.entries().ok().and_then(|mut entries| entries.next()) {
        std::io::Read::read_to_string(&mut file, &mut text).unwrap_or_default();
    }
    Ok(text)
}
