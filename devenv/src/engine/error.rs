//! What can go wrong while observing or acting, with the advice that goes with it.

use std::time::Duration;

use thiserror::Error;

/// An engine could not do what it was asked.
#[derive(Debug, Error)]
pub enum EngineError {
    /// No engine answers at this endpoint.
    #[error("no Docker engine answers at {endpoint}: {cause}")]
    Unreachable {
        /// Socket or URL.
        endpoint: String,
        /// What the system said.
        cause: String,
    },
    /// The engine was there and does not answer any more.
    #[error("the Docker engine at {endpoint} stopped answering: {cause}")]
    Lost {
        /// Socket or URL.
        endpoint: String,
        /// What the system said.
        cause: String,
    },
    /// The engine answered with an error.
    #[error("the engine refused to {action}: {cause}")]
    Refused {
        /// What was asked, e.g. `create container orders-api`.
        action: String,
        /// What it said.
        cause: String,
    },
    /// The engine could not do it, which is no fault of the request.
    #[error("the engine failed to {action}: {cause}")]
    Failed {
        /// What was asked.
        action: String,
        /// What it said, or what is wrong with its answer.
        cause: String,
    },
    /// An image is not there and cannot be pulled.
    #[error("image `{image}` is not here and cannot be pulled: {cause}")]
    ImageUnavailable {
        /// Reference.
        image: String,
        /// What the engine said.
        cause: String,
    },
    /// An image cannot be built.
    #[error("the image of service `{service}` cannot be built: {}{cause}", at(step))]
    Build {
        /// The service.
        service: String,
        /// The instruction that failed, e.g. `Step 2/3 : RUN make`; empty: none was reached.
        step: String,
        /// What the builder said.
        cause: String,
        /// Output of that instruction.
        output: Vec<String>,
        /// It asks for what only BuildKit knows.
        buildkit: bool,
    },
    /// A port of this machine is taken.
    #[error("port {port} for service `{service}` is taken by {holder}")]
    PortTaken {
        /// Whose port it would be.
        service: String,
        /// The port.
        port: u16,
        /// Process or container, as far as it can be seen.
        holder: String,
    },
    /// A service ended while something waited for it.
    #[error("service `{service}` ended with exit code {code} before it was ready")]
    Ended {
        /// The service.
        service: String,
        /// Its exit code.
        code: i64,
    },
    /// A service ran and its readiness test did not pass in time.
    #[error("service `{service}` was not ready within {} s: {last}", within.as_secs_f32())]
    NotReady {
        /// The service.
        service: String,
        /// How long it had.
        within: Duration,
        /// Why the last attempt failed.
        last: String,
    },
    /// The engine cannot run this kind of service.
    #[error("service `{service}`: {reason}")]
    Unsupported {
        /// The service.
        service: String,
        /// Why, and what to do.
        reason: String,
    },
    /// A file or process operation of this machine failed.
    #[error("cannot {action}: {cause}")]
    Machine {
        /// What was tried, with path.
        action: String,
        /// What the system said.
        cause: String,
    },
}

impl EngineError {
    /// What the user can do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unreachable { .. } => Some(
                "start Docker (`systemctl start docker`, Docker Desktop, or `dockerd`), set DOCKER_HOST, or use `--engine embedded`"
                    .into(),
            ),
            Self::Lost { .. } => Some("see whether Docker still runs, then do the same again: it goes on from what is there".into()),
            Self::Failed { .. } => Some("the engine's own log may say more (`journalctl -u docker`); `devenv up` goes on from what is there".into()),
            Self::Ended { service, .. } | Self::NotReady { service, .. } => {
                Some(format!("`devenv logs {service}` shows all that it said; whatever else was started goes on running"))
            }
            Self::ImageUnavailable { image, .. } => {
                Some(format!("check the network and the name, load it (`docker load`), or tag one that is here as `{image}`"))
            }
            Self::Build { buildkit: true, service, .. } => Some(format!(
                "the engine's classic builder is used, which does not know this; build it with BuildKit (`docker buildx build -t {service} …`) and name the result with `image: {service}` and `pull_policy: never`"
            )),
            Self::PortTaken { .. } => Some("stop what holds it, or change the port in devenv.yaml".into()),
            Self::Refused { .. }
            | Self::Build { .. }
            | Self::Unsupported { .. }
            | Self::Machine { .. } => None,
        }
    }

    /// The service whose output explains the failure.
    #[must_use]
    pub fn culprit(&self) -> Option<&str> {
        match self {
            Self::Ended { service, .. } | Self::NotReady { service, .. } => Some(service),
            Self::Unreachable { .. }
            | Self::Lost { .. }
            | Self::Refused { .. }
            | Self::Failed { .. }
            | Self::ImageUnavailable { .. }
            | Self::Build { .. }
            | Self::PortTaken { .. }
            | Self::Unsupported { .. }
            | Self::Machine { .. } => None,
        }
    }
}

fn at(step: &str) -> String {
    if step.is_empty() { String::new() } else { format!("{step}: ") }
}
