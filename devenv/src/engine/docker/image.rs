//! Images: whether they are there, and pulling. Must not know what runs from them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptions;
use futures_util::{StreamExt, future};

use super::connection::{Connection, Failure};
use super::{build, package};
use crate::engine::EngineError;
use crate::event::{Event, Reporter};
use crate::manifest::PullPolicy;
use crate::plan::{Plan, PlannedService, Project, Source};
use crate::stack::LockedImage;

/// How long a pull may go on without a word.
const SILENCE: Duration = Duration::from_secs(60);

/// The image that a service's container is made from.
///
/// # Errors
/// When it does not run in a container.
pub(super) fn reference(service: &PlannedService) -> Result<String, EngineError> {
    match &service.source {
        Source::Image { reference, .. } => Ok(reference.clone()),
        Source::Built(image) => Ok(image.reference.clone()),
        Source::Packaged { executable } => Ok(package::tag(executable)),
        Source::Executable { .. } | Source::Process => Err(EngineError::Unsupported {
            service: service.name.clone(),
            reason: "it runs as a process of this machine, not in a container".to_owned(),
        }),
    }
}

/// Makes sure that a service's image is there.
pub(super) async fn provide(
    connection: &Connection,
    project: &Project,
    service: &PlannedService,
    reporter: &Reporter,
) -> Result<(), EngineError> {
    match &service.source {
        Source::Image { reference, pull } => {
            let image = Wanted { service, reference, reporter };
            match (pull, is_here(connection, reference).await?) {
                (PullPolicy::Always, _) | (PullPolicy::Missing | PullPolicy::Build, false) => {
                    image.pull(connection).await
                }
                (PullPolicy::Missing | PullPolicy::Never | PullPolicy::Build, true) => Ok(()),
                (PullPolicy::Never, false) => Err(EngineError::ImageUnavailable {
                    image: reference.clone(),
                    cause: "its pull policy is `never`".to_owned(),
                }),
            }
        }
        Source::Built(_) => build::provide(connection, project, service, reporter).await,
        Source::Packaged { executable } => package::provide(connection, &service.name, executable).await,
        Source::Executable { .. } | Source::Process => Ok(()),
    }
}

/// Makes sure that every image of a plan is there; each is asked for once.
pub(super) async fn provide_all(connection: &Connection, plan: &Plan, reporter: &Reporter) -> Result<(), EngineError> {
    let mut seen = BTreeSet::new();
    let images = plan.services.values().filter(|service| match &service.source {
        Source::Image { reference, .. } => seen.insert(reference.clone()),
        Source::Built(_) | Source::Packaged { .. } | Source::Executable { .. } | Source::Process => false,
    });
    future::try_join_all(images.map(|service| provide(connection, &plan.project, service, reporter))).await.map(|_| ())
}

/// Whether an image is there.
pub(super) async fn is_here(connection: &Connection, reference: &str) -> Result<bool, EngineError> {
    match connection.ask(&format!("look for image `{reference}`"), connection.client.inspect_image(reference)).await {
        Ok(_) => Ok(true),
        Err(failure) => failure.unless_gone().map(|()| false),
    }
}

/// The content of an image that is here: its digest in the registry that its reference names, and its id.
pub(super) async fn content(connection: &Connection, reference: &str) -> Result<Option<LockedImage>, EngineError> {
    let inspected = connection.client.inspect_image(reference);
    let found = match connection.ask(&format!("look for image `{reference}`"), inspected).await {
        Ok(found) => found,
        Err(failure) => return failure.unless_gone().map(|()| None),
    };
    let digests = found.repo_digests.unwrap_or_default();
    let digest = digests.first().and_then(|name| name.split_once('@')).map(|(_, digest)| digest.to_owned());
    Ok(Some(LockedImage { digest, id: found.id.unwrap_or_default() }))
}

struct Wanted<'a> {
    service: &'a PlannedService,
    reference: &'a str,
    reporter: &'a Reporter,
}

impl Wanted<'_> {
    async fn pull(&self, connection: &Connection) -> Result<(), EngineError> {
        let options = CreateImageOptions {
            from_image: Some(tagged(self.reference)),
            platform: self.service.container.platform.clone().unwrap_or_default(),
            ..Default::default()
        };
        let mut messages = connection.client.create_image(Some(options), None, None).boxed();
        let mut progress = Progress::default();
        self.say("pulling".to_owned());
        loop {
            let next = async { messages.next().await.transpose() };
            match connection.bounded("pull", SILENCE, next).await {
                Ok(Some(message)) => progress.update(&message).into_iter().for_each(|text| self.say(text)),
                Ok(None) => return Ok(()),
                Err(failure) => return Err(self.unavailable(failure)),
            }
        }
    }

    fn unavailable(&self, failure: Failure) -> EngineError {
        let cause = failure.text();
        match EngineError::from(failure) {
            unreachable @ EngineError::Unreachable { .. } => unreachable,
            _ => EngineError::ImageUnavailable { image: self.reference.to_owned(), cause },
        }
    }

    fn say(&self, message: String) {
        self.reporter.report(Event::StepProgress { subject: self.service.name.clone(), message });
    }
}

/// A reference with a tag: without one the engine pulls every tag there is.
fn tagged(reference: &str) -> String {
    let name = reference.rsplit_once('/').map_or(reference, |(_, name)| name);
    if name.contains(':') || name.contains('@') { reference.to_owned() } else { format!("{reference}:latest") }
}

/// How far a pull is, over all layers.
#[derive(Debug, Default)]
struct Progress {
    layers: BTreeMap<String, (i64, i64)>,
    said: Option<i64>,
}

impl Progress {
    /// Takes a message; gives a text when there is something new to say.
    fn update(&mut self, message: &CreateImageInfo) -> Option<String> {
        let (layer, status) = (message.id.clone()?, message.status.as_deref()?);
        let known = self.layers.entry(layer).or_default();
        match status {
            "Downloading" => {
                let detail = message.progress_detail.as_ref()?;
                *known = (detail.current?, detail.total?);
            }
            "Download complete" | "Extracting" | "Pull complete" => known.0 = known.1,
            _ => return None,
        }
        let (done, total) = self.layers.values().fold((0, 0), |sum, layer| (sum.0 + layer.0, sum.1 + layer.1));
        let percent = done.saturating_mul(100).checked_div(total)?;
        (self.said.replace(percent) != Some(percent)).then(|| format!("pulling {percent} %"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_without_a_tag_means_latest() {
        assert_eq!(tagged("postgres"), "postgres:latest");
        assert_eq!(tagged("registry:5000/postgres"), "registry:5000/postgres:latest");
        assert_eq!(tagged("registry:5000/postgres:17"), "registry:5000/postgres:17");
        assert_eq!(tagged("postgres@sha256:00"), "postgres@sha256:00");
    }

    #[test]
    fn progress_is_told_over_all_layers_and_only_when_it_changes() {
        let message = |text: &str| serde_json::from_str::<CreateImageInfo>(text).unwrap();
        let mut progress = Progress::default();
        let mut said = |text: &str| progress.update(&message(text));
        assert_eq!(said(r#"{"status": "Pulling from library/postgres", "id": "17"}"#), None);
        let one = r#"{"status": "Downloading", "id": "a", "progressDetail": {"current": 50, "total": 100}}"#;
        assert_eq!(said(one).as_deref(), Some("pulling 50 %"));
        assert_eq!(said(one), None);
        let two = r#"{"status": "Downloading", "id": "b", "progressDetail": {"current": 0, "total": 100}}"#;
        assert_eq!(said(two).as_deref(), Some("pulling 25 %"));
        assert_eq!(said(r#"{"status": "Pull complete", "id": "a"}"#).as_deref(), Some("pulling 50 %"));
    }
}
