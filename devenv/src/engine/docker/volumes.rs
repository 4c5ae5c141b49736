//! The content of named volumes, out of the engine and into it again. Must not know when or why.
//!
//! A container that never runs mounts the volume, and the engine's archive endpoint does the rest: so it works with a
//! remote engine, and with images that have neither shell nor tar.

use std::path::Path;

use bollard::models::{ContainerCreateBody, HostConfig, Mount, MountType};
use bollard::query_parameters::{
    CreateContainerOptions, DownloadFromContainerOptions, RemoveContainerOptions, UploadToContainerOptions,
};
use futures_util::StreamExt as _;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::connection::{BULKY, Connection};
use super::{labels, package};
use crate::engine::EngineError;
use crate::plan::{Plan, PlannedMountSource, Source};

/// Where the volume is in the helper: no image has anything there that would be copied into an empty volume.
const TARGET: &str = "/.devenv-volume";
/// How much is read of a file at once.
const PIECE: usize = 1 << 18;

/// Writes the content of a volume into a file, as a tar archive; `None` when it is larger than `most`.
pub(super) async fn save(
    connection: &Connection,
    plan: &Plan,
    (key, to): (&str, &Path),
    most: u64,
) -> Result<Option<u64>, EngineError> {
    let helper = make_helper(connection, plan, key).await?;
    let result = download(connection, &helper, to, most).await;
    remove(connection, &helper).await?;
    result
}

/// Puts such an archive into a volume that is new and empty.
pub(super) async fn load(connection: &Connection, plan: &Plan, key: &str, from: &Path) -> Result<(), EngineError> {
    let helper = make_helper(connection, plan, key).await?;
    let result = upload(connection, &helper, from).await;
    remove(connection, &helper).await?;
    result
}

async fn make_helper(connection: &Connection, plan: &Plan, key: &str) -> Result<String, EngineError> {
    let action = format!("look into volume `{key}`");
    let refused = |cause: &str| EngineError::Refused { action: action.clone(), cause: cause.to_owned() };
    let volume = plan.volumes.get(key).ok_or_else(|| refused("the stack has no such volume"))?;
    let image = image_of_user(plan, key).ok_or_else(|| refused("no service with an image uses it"))?;
    let name = format!("{}-volume-{key}", plan.project.id());
    // A run that was killed may have left one behind.
    remove(connection, &name).await?;
    let mut found = labels::of_project(&plan.project);
    found.insert(labels::SERVICE.to_owned(), format!("volume-{key}"));
    let mount = Mount {
        typ: Some(MountType::VOLUME),
        source: Some(volume.name.clone()),
        target: Some(TARGET.to_owned()),
        ..Mount::default()
    };
    let body = ContainerCreateBody {
        image: Some(image),
        // Never run; an image without a command needs one all the same.
        entrypoint: Some(vec!["/none".to_owned()]),
        labels: Some(found),
        host_config: Some(HostConfig { mounts: Some(vec![mount]), ..HostConfig::default() }),
        ..ContainerCreateBody::default()
    };
    let options = CreateContainerOptions { name: Some(name.clone()), ..CreateContainerOptions::default() };
    connection.ask(&action, connection.client.create_container(Some(options), body)).await?;
    Ok(name)
}

/// The image of a service that mounts the volume: it is here.
fn image_of_user(plan: &Plan, key: &str) -> Option<String> {
    let mounts = |source: &PlannedMountSource| matches!(source, PlannedMountSource::Volume(name) if name == key);
    let users = plan.services.values().filter(|service| service.mounts.iter().any(|mount| mounts(&mount.source)));
    let mut images = users.filter_map(|service| match &service.source {
        Source::Image { reference, .. } => Some(reference.clone()),
        Source::Built(image) => Some(image.reference.clone()),
        Source::Packaged { executable } => Some(package::tag(executable)),
        Source::Executable { .. } | Source::Process => None,
    });
    images.next()
}

async fn remove(connection: &Connection, name: &str) -> Result<(), EngineError> {
    let options = RemoveContainerOptions { force: true, v: true, link: false };
    let removed = connection.client.remove_container(name, Some(options));
    match connection.ask(&format!("remove container `{name}`"), removed).await {
        Ok(()) => Ok(()),
        Err(failure) => failure.unless_gone(),
    }
}

async fn download(connection: &Connection, helper: &str, to: &Path, most: u64) -> Result<Option<u64>, EngineError> {
    let action = format!("read {TARGET} of `{helper}`");
    let mut file = File::create(to).await.map_err(|error| machine("create", to, &error))?;
    let options = DownloadFromContainerOptions { path: TARGET.to_owned() };
    let mut pieces = connection.client.download_from_container(helper, Some(options));
    let mut written = 0;
    loop {
        // Each piece has its own time: a gigabyte may take long, silence may not.
        let next = async { pieces.next().await.transpose() };
        let piece = connection.bounded(&action, BULKY, next).await?;
        let Some(piece) = piece else { break };
        written += piece.len() as u64;
        if written > most {
            return Ok(None);
        }
        file.write_all(&piece).await.map_err(|error| machine("write", to, &error))?;
    }
    file.flush().await.map_err(|error| machine("write", to, &error))?;
    Ok(Some(written))
}

async fn upload(connection: &Connection, helper: &str, from: &Path) -> Result<(), EngineError> {
    let file = File::open(from).await.map_err(|error| machine("read", from, &error))?;
    // The archive begins with the directory itself, so that the owner and mode of the volume come back, too.
    // What cannot be read ends the archive too early, which the engine refuses.
    let pieces = futures_util::stream::unfold(file, |mut file| async {
        let mut piece = vec![0; PIECE];
        let length = file.read(&mut piece).await.ok().filter(|length| *length > 0)?;
        piece.truncate(length);
        Some((piece.into(), file))
    });
    let options = UploadToContainerOptions { path: "/".to_owned(), ..UploadToContainerOptions::default() };
    let uploaded = connection.client.upload_to_container(helper, Some(options), bollard::body_stream(Box::pin(pieces)));
    connection.bounded(&format!("write {TARGET} of `{helper}`"), BULKY, uploaded).await?;
    Ok(())
}

fn machine(verb: &str, path: &Path, error: &std::io::Error) -> EngineError {
    EngineError::Machine { action: format!("{verb} {}", path.display()), cause: error.to_string() }
}
