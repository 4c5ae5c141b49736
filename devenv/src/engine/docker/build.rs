//! Images from Dockerfiles, by the engine's own builder. Must not know which service changed, nor why.
//!
//! The classic builder: every engine has it, and it needs neither a session nor a client of its own. What only BuildKit
//! knows is refused with its name.

use std::io::{self, Write};
use std::time::Duration;

use bollard::models::BuildInfo;
use bollard::query_parameters::{BuildImageOptions, ListImagesOptions, RemoveImageOptions, TagImageOptions};
use futures_util::{StreamExt, TryStreamExt};
use tokio::sync::mpsc;

use super::connection::{BULKY, Connection};
use super::{image, labels};
use crate::engine::EngineError;
use crate::event::{Event, Reporter};
use crate::manifest::Build;
use crate::plan::{BuiltImage, PlannedService, Project};
use crate::sources;

/// How long one instruction may go on without a word: compilers are silent for long.
const SILENCE: Duration = Duration::from_secs(3600);
/// How many lines of output explain a failure.
const LINES: usize = 20;
/// Pieces of the archive that wait for the engine.
const AHEAD: usize = 4;
/// Size of a piece.
const PIECE: usize = 64 * 1024;

/// Makes the image of a service unless it is there.
pub(super) async fn provide(
    connection: &Connection,
    project: &Project,
    service: &PlannedService,
    reporter: &Reporter,
) -> Result<(), EngineError> {
    let Some(image) = built(service) else { return Ok(()) };
    if !image.always && image::is_here(connection, &image.reference).await? {
        return Ok(());
    }
    Making { service, image, project, reporter, step: String::new(), said: Vec::new() }.make(connection).await?;
    for name in &image.names {
        let (repo, tag) = split(name);
        let options = TagImageOptions { repo: Some(repo.to_owned()), tag: Some(tag.to_owned()) };
        connection
            .ask(&format!("name image `{name}`"), connection.client.tag_image(&image.reference, Some(options)))
            .await?;
    }
    forget_older(connection, image).await;
    Ok(())
}

fn built(service: &PlannedService) -> Option<&BuiltImage> {
    match &service.source {
        crate::plan::Source::Built(image) => Some(image),
        _ => None,
    }
}

struct Making<'a> {
    service: &'a PlannedService,
    image: &'a BuiltImage,
    project: &'a Project,
    reporter: &'a Reporter,
    /// The instruction that runs.
    step: String,
    /// Output of that instruction.
    said: Vec<String>,
}

impl Making<'_> {
    async fn make(mut self, connection: &Connection) -> Result<(), EngineError> {
        let build = &self.image.build;
        let context = sources::context(build).map_err(|error| self.failed(error.to_string()))?;
        let options = self.options(build, &context.dockerfile.name)?;
        let (sender, receiver) = mpsc::channel::<io::Result<Vec<u8>>>(AHEAD);
        let packing = tokio::task::spawn_blocking(move || {
            let mut pieces = Pieces { sender, piece: Vec::with_capacity(PIECE) };
            if let Err(error) = sources::pack(&context, &mut pieces) {
                // When the engine hung up there is nobody to tell.
                drop(pieces.sender.blocking_send(Err(error)));
            }
        });
        let stream = futures_util::stream::unfold(receiver, async |mut receiver| {
            receiver.recv().await.map(|piece| (piece, receiver))
        });
        let body = bollard::body_try_stream(stream.map_ok(Into::into));
        let mut messages = connection.client.build_image(options, None, Some(body)).boxed();
        self.say("building the image".to_owned());
        loop {
            let next = async { messages.next().await.transpose() };
            match connection.bounded("build", SILENCE, next).await {
                Ok(Some(message)) => self.hear(&message)?,
                Ok(None) => break,
                Err(failure) => {
                    let cause = failure.text();
                    return Err(match EngineError::from(failure) {
                        EngineError::Refused { .. } | EngineError::Failed { .. } => self.failed(cause),
                        other => other,
                    });
                }
            }
        }
        drop(packing.await);
        // An engine that ends its answer early says nothing of it.
        if image::is_here(connection, &self.image.reference).await? {
            Ok(())
        } else {
            Err(self.failed("the builder ended without an image".to_owned()))
        }
    }

    fn options(&self, build: &Build, dockerfile: &str) -> Result<BuildImageOptions, EngineError> {
        if build.extra_hosts.len() > 1 {
            // The client library can name one only.
            return Err(self.failed("`build.extra_hosts` with more than one host cannot be passed on yet".to_owned()));
        }
        let mut labels = build.labels.clone();
        labels.insert(labels::BUILT_FOR.to_owned(), self.project.id());
        labels.insert(labels::DIRECTORY.to_owned(), self.project.directory.display().to_string());
        Ok(BuildImageOptions {
            dockerfile: dockerfile.to_owned(),
            t: Some(self.image.reference.clone()),
            extrahosts: build.extra_hosts.first().cloned(),
            nocache: build.no_cache,
            cachefrom: Some(build.cache_from.clone()).filter(|names| !names.is_empty()),
            pull: build.pull.then(|| "true".to_owned()),
            rm: true,
            forcerm: true,
            buildargs: Some(build.args.clone().into_iter().collect()),
            shmsize: build.shm_size.and_then(|bytes| i32::try_from(bytes).ok()),
            labels: Some(labels.into_iter().collect()),
            networkmode: build.network.clone(),
            platform: self.service.container.platform.clone().unwrap_or_default(),
            target: build.target.clone().unwrap_or_default(),
            ..Default::default()
        })
    }

    fn hear(&mut self, message: &BuildInfo) -> Result<(), EngineError> {
        if let Some(text) = &message.stream {
            for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
                // Podman shouts.
                if line.starts_with("Step ") || line.starts_with("STEP ") {
                    self.step = line.to_owned();
                    self.said.clear();
                } else if !line.starts_with(" ---> ") && !line.starts_with("Removing intermediate") {
                    self.said.push(line.to_owned());
                } else {
                    continue;
                }
                self.say(line.to_owned());
            }
        }
        match &message.error_detail {
            Some(detail) => Err(self.failed(detail.message.clone().unwrap_or_default())),
            None => Ok(()),
        }
    }

    fn failed(&self, cause: String) -> EngineError {
        EngineError::Build {
            service: self.service.name.clone(),
            step: self.step.clone(),
            buildkit: needs_buildkit(&cause),
            cause,
            output: self.said.get(self.said.len().saturating_sub(LINES)..).unwrap_or_default().to_vec(),
        }
    }

    fn say(&self, message: String) {
        self.reporter.report(Event::StepProgress { subject: self.service.name.clone(), message });
    }
}

/// Whether the classic builder refused what only BuildKit knows: options of `RUN`, `COPY` and `ADD`, here-documents.
fn needs_buildkit(cause: &str) -> bool {
    let cause = cause.to_lowercase();
    let flags =
        ["--mount", "--link", "--parents", "--exclude", "--network", "--security", "--checksum", "--keep-git-dir"];
    cause.contains("buildkit")
        || cause.contains("unknown flag") && flags.iter().any(|flag| cause.contains(flag.trim_start_matches('-')))
        || cause.contains("unknown instruction: eof")
}

/// Repository and tag of a reference.
fn split(reference: &str) -> (&str, &str) {
    match reference.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (reference, "latest"),
    }
}

/// Each change makes an image; those before are of use to nobody once no container runs from them.
async fn forget_older(connection: &Connection, image: &BuiltImage) {
    let (repository, _) = split(&image.reference);
    let filters = [("reference".to_owned(), vec![repository.to_owned()])].into();
    let options = ListImagesOptions { filters: Some(filters), ..Default::default() };
    let listed = connection.bounded("list images", BULKY, connection.client.list_images(Some(options))).await;
    for tag in listed.into_iter().flatten().flat_map(|listed| listed.repo_tags) {
        if tag != image.reference && split(&tag).0 == repository {
            // The one that a container still runs from is refused, and is left for the next time.
            drop(connection.client.remove_image(&tag, None::<RemoveImageOptions>, None).await);
        }
    }
}

/// Takes bytes and hands them on in pieces; waits while the engine is slower.
struct Pieces {
    sender: mpsc::Sender<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        self.sender.blocking_send(Ok(piece)).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_split_at_its_tag_and_not_at_a_port() {
        assert_eq!(split("devenv/x-api:01"), ("devenv/x-api", "01"));
        assert_eq!(split("localhost:5000/api"), ("localhost:5000/api", "latest"));
    }

    #[test]
    fn what_only_buildkit_knows_is_told_from_other_mistakes() {
        assert!(needs_buildkit("the --mount option requires BuildKit. Refer to https://…"));
        assert!(needs_buildkit("Dockerfile parse error line 2: Unknown flag: link"));
        assert!(!needs_buildkit("The command '/bin/sh -c false' returned a non-zero code: 1"));
    }
}
