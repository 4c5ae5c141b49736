//! From a planned service to its record. Must not know supervisors.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use super::environment::Inherit;
use super::machine;
use super::process::signal_number;
use super::record::{Record, Spec};
use crate::engine::EngineError;
use crate::plan::{Artifact, PlannedService, Project, Source};

/// Makes sure that the executable is there.
pub(crate) fn provide(service: &PlannedService) -> Result<(), EngineError> {
    match &service.source {
        Source::Executable { executable } => executable_there(service, executable),
        Source::Process => Ok(()),
        Source::Image { .. } | Source::Built(_) | Source::Packaged { .. } => Err(needs_containers(service)),
    }
}

/// How much of the caller's environment a service gets.
pub(crate) fn inherit(service: &PlannedService) -> Inherit {
    match service.source {
        Source::Process => Inherit::All,
        Source::Executable { .. } | Source::Image { .. } | Source::Built(_) | Source::Packaged { .. } => Inherit::Usual,
    }
}

/// Where a service runs: its `working_dir`, seen from the project.
pub(crate) fn working_directory(project: &Project, service: &PlannedService) -> PathBuf {
    project.directory.join(service.container.working_dir.as_deref().unwrap_or(""))
}

/// What the supervisor will read.
pub(crate) fn spec(project: &Project, service: &PlannedService) -> Result<Spec, EngineError> {
    let record = record(project, &service.name)?;
    let files: Vec<PathBuf> = service.files.iter().map(|file| PathBuf::from(&file.path)).collect();
    if let Some(outside) = files.iter().find(|file| !lies_within(file, &project.state)) {
        return Err(refused(
            service,
            format!("its file {} is outside of {}", outside.display(), project.state.display()),
        ));
    }
    let Some(stop_signal) = signal_number(&service.stop.signal) else {
        return Err(refused(service, format!("`{}` is no signal; write for example `SIGTERM`", service.stop.signal)));
    };
    tracing::debug!(service = service.name, directory = %record.directory().display(), "specification made");
    Ok(Spec {
        project: project.id(),
        service: service.name.clone(),
        words: words(service)?,
        environment: service.environment.clone(),
        directory: working_directory(project, service),
        restart: service.restart.into(),
        stop_signal,
        grace: service.stop.grace,
        ports: service.ports.clone(),
        files,
        fingerprint: service.fingerprint.clone(),
    })
}

/// Writes the record.
pub(crate) fn create(project: &Project, service: &PlannedService, spec: &Spec) -> Result<(), EngineError> {
    let record = record(project, &service.name)?;
    record.create(spec, &service.files).map_err(|cause| machine("write", record.directory(), cause))
}

/// The record of a service whose name is fit to be a directory's.
pub(crate) fn record(project: &Project, service: &str) -> Result<Record, EngineError> {
    let mut parts = Path::new(service).components();
    if let (Some(Component::Normal(_)), None, false) = (parts.next(), parts.next(), service.contains('/')) {
        return Ok(Record::of(&project.state, service));
    }
    Err(EngineError::Unsupported {
        service: service.to_owned(),
        reason: "its name cannot be the name of a directory; rename it".into(),
    })
}

fn words(service: &PlannedService) -> Result<Vec<String>, EngineError> {
    let mut words = match (&service.source, &service.entrypoint) {
        (Source::Image { .. } | Source::Built(_) | Source::Packaged { .. }, _) => {
            return Err(needs_containers(service));
        }
        (_, Some(entrypoint)) => entrypoint.clone(),
        (Source::Executable { executable }, None) => vec![path_text(service, &executable.path)?],
        (Source::Process, None) => Vec::new(),
    };
    words.extend(service.command.iter().cloned());
    if words.is_empty() {
        return Err(refused(service, "its command is empty; write what to run after `run:`"));
    }
    Ok(words)
}

fn path_text(service: &PlannedService, path: &Path) -> Result<String, EngineError> {
    let text = path.to_str().ok_or_else(|| refused(service, format!("{} is not UTF-8", path.display())))?;
    Ok(text.to_owned())
}

fn executable_there(service: &PlannedService, executable: &Artifact) -> Result<(), EngineError> {
    let path = executable.path.display();
    match std::fs::metadata(&executable.path) {
        Ok(meta) if meta.is_file() && meta.permissions().mode() & 0o111 != 0 => Ok(()),
        Ok(_) => Err(refused(service, format!("{path} is not an executable file; check `binary:`"))),
        Err(cause) => Err(refused(
            service,
            format!("{path} is not there ({cause}); build it, or give `binary:` a `build:` command that does"),
        )),
    }
}

fn needs_containers(service: &PlannedService) -> EngineError {
    let image = match &service.source {
        Source::Image { reference, .. } => format!("it runs image `{reference}`, which needs containers"),
        Source::Built(_) => "its image is built from a Dockerfile, which needs containers".into(),
        Source::Packaged { .. } | Source::Executable { .. } | Source::Process => "it needs containers".into(),
    };
    refused(
        service,
        format!(
            "{image}; use `--engine docker`, limit it with `engines: [docker]`, or give it an `embedded:` section with `binary:` or `run:`"
        ),
    )
}

fn refused(service: &PlannedService, reason: impl Into<String>) -> EngineError {
    EngineError::Unsupported { service: service.name.clone(), reason: reason.into() }
}

/// Without following links; `..` could lead out again.
fn lies_within(path: &Path, directory: &Path) -> bool {
    path.starts_with(directory) && !path.components().any(|part| part == Component::ParentDir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_climbs_out_of_the_state_directory_is_not_within_it() {
        let state = Path::new("/state/orders");
        assert!(lies_within(Path::new("/state/orders/services/api/files/token"), state));
        assert!(!lies_within(Path::new("/state/orders/../other"), state));
        assert!(!lies_within(Path::new("/state/orders-2/token"), state));
    }

    #[test]
    fn a_name_that_is_no_plain_directory_name_is_refused() {
        let project = Project { name: "p".into(), instance: "0".into(), directory: "/p".into(), state: "/s".into() };
        for name in ["", ".", "..", "a/b", "a/", "/a"] {
            assert!(record(&project, name).is_err(), "{name:?}");
        }
        assert!(record(&project, "api-1.x_y").is_ok());
    }
}
