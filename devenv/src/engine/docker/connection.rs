//! One way to one engine: the client, the version that it speaks, and time limits. Must not know what is asked.

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::errors::Error;

use super::endpoint::{self, Endpoint};
use super::raw;
use crate::engine::EngineError;

/// How long a first answer may take; an engine that is there answers a ping in a millisecond.
const PING: Duration = Duration::from_secs(2);
/// How long an ordinary request may take before the engine counts as hung.
pub(super) const ORDINARY: Duration = Duration::from_secs(30);
/// How long a request that moves much data may take.
pub(super) const BULKY: Duration = Duration::from_secs(180);

/// How often an engine that takes long is asked whether it is still there, and how long it may be silent then.
const MEANWHILE: Duration = Duration::from_secs(5);
const SILENT: Duration = Duration::from_secs(10);

/// A version of the Engine API: 1.41 is `(1, 41)`.
pub(super) type ApiVersion = (u32, u32);

/// The oldest version that is spoken here.
const OLDEST: ApiVersion = (1, 41);

/// A client whose engine answered.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    /// The client.
    pub(super) client: bollard::Docker,
    /// Where the engine listens.
    pub(super) endpoint: Endpoint,
    /// What it speaks: newer fields are sent only when it knows them.
    pub(super) api: ApiVersion,
    /// It is Podman, which reads some requests differently.
    pub(super) podman: bool,
}

impl Connection {
    /// Finds the engine that the environment names, and asks it for its version.
    pub(super) async fn open(environment: &BTreeMap<String, String>) -> Result<Self, EngineError> {
        let endpoint = endpoint::resolve(environment)?;
        let unreachable = |cause: String| EngineError::Unreachable { endpoint: endpoint.to_string(), cause };
        let pong = raw::get(&endpoint, "/_ping", PING).await.map_err(|error| unreachable(error.to_string()))?;
        if pong.status != 200 {
            return Err(unreachable(format!("status {}", pong.status)));
        }
        let api = pong
            .header("api-version")
            .and_then(version)
            .ok_or_else(|| unreachable("the answer names no API version".to_owned()))?;
        if api < OLDEST {
            return Err(unreachable(format!("it speaks API {}.{}, 1.41 is needed (Docker 20.10)", api.0, api.1)));
        }
        let client = client(&endpoint).map_err(|error| unreachable(error.to_string()))?;
        Ok(Self { client, endpoint, api, podman: pong.header("libpod-api-version").is_some() })
    }

    /// Waits for an answer, at most `limit`: the client's own limit ends with the header of the answer.
    pub(super) async fn bounded<T>(
        &self,
        action: &str,
        limit: Duration,
        request: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Failure> {
        let error = tokio::select! {
            answer = tokio::time::timeout(limit, request) => match answer {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                Err(_) => Error::RequestTimeoutError,
            },
            error = self.silence(), if limit >= BULKY => Error::IOError { err: error },
        };
        Err(Failure { action: action.to_owned(), limit, endpoint: self.endpoint.to_string(), error })
    }

    /// Ends when the engine is silent: what takes long is told from what hangs by asking something else meanwhile.
    async fn silence(&self) -> std::io::Error {
        loop {
            tokio::time::sleep(MEANWHILE).await;
            if let Err(error) = raw::get(&self.endpoint, "/_ping", SILENT).await {
                return error;
            }
        }
    }

    /// [`Self::bounded`] for requests that only move words.
    pub(super) async fn ask<T>(
        &self,
        action: &str,
        request: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Failure> {
        self.bounded(action, ORDINARY, request).await
    }
}

/// The library's own limit covers everything until the header of the answer; ours are shorter, save for long stops.
fn client(endpoint: &Endpoint) -> Result<bollard::Docker, Error> {
    const SECONDS: u64 = 3600;
    match endpoint {
        Endpoint::Unix(path) => {
            bollard::Docker::connect_with_unix(&path.display().to_string(), SECONDS, bollard::API_DEFAULT_VERSION)
        }
        Endpoint::Tls(address, certificates) => bollard::Docker::connect_with_ssl(
            &format!("tcp://{address}"),
            &certificates.key(),
            &certificates.certificate(),
            &certificates.authority(),
            SECONDS,
            bollard::API_DEFAULT_VERSION,
        ),
        Endpoint::Tcp(address) => {
            bollard::Docker::connect_with_http(&format!("tcp://{address}"), SECONDS, bollard::API_DEFAULT_VERSION)
        }
    }
}

fn version(text: &str) -> Option<ApiVersion> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// A request that failed, with what it was for.
#[derive(Debug)]
pub(super) struct Failure {
    action: String,
    limit: Duration,
    endpoint: String,
    error: Error,
}

impl Failure {
    /// The thing acted on is not there (any more).
    pub(super) fn is_gone(&self) -> bool {
        match self.status() {
            Some(404) => true,
            // Podman answers 500 where Docker answers 404 or 409; the text tells.
            Some(500) => {
                let text = self.text().to_lowercase();
                ["no such ", "no container with name", "not found", "does not exist"]
                    .iter()
                    .any(|part| text.contains(part))
            }
            _ => false,
        }
    }

    /// The thing is there already, or in that state already, or is being removed by somebody else.
    pub(super) fn is_conflict(&self) -> bool {
        match self.status() {
            Some(304 | 409) => true,
            // The same of Podman.
            Some(500) => {
                let text = self.text().to_lowercase();
                ["already in use", "already exists", "already in progress", "already connected", "is already running"]
                    .iter()
                    .any(|part| text.contains(part))
                    && !text.contains("address already in use")
            }
            _ => false,
        }
    }

    /// The connection failed, not the request: asking again may help.
    pub(super) fn is_broken(&self) -> bool {
        matches!(self.error, Error::HyperLegacyError { .. } | Error::HyperResponseError { .. } | Error::IOError { .. })
    }

    /// The answer makes no sense.
    fn is_unreadable(&self) -> bool {
        matches!(self.error, Error::JsonDataError { .. } | Error::JsonSerdeError { .. } | Error::StrParseError { .. })
    }

    /// Success when the thing is not there.
    pub(super) fn unless_gone(self) -> Result<(), EngineError> {
        if self.is_gone() { Ok(()) } else { Err(self.into()) }
    }

    fn lost(self) -> EngineError {
        EngineError::Lost { cause: self.text(), endpoint: self.endpoint }
    }

    /// What the engine said.
    pub(super) fn text(&self) -> String {
        match &self.error {
            Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
            Error::DockerStreamError { error } => error.trim().to_owned(),
            Error::RequestTimeoutError => format!("no answer within {} s", self.limit.as_secs()),
            // The layers of the client say nothing to people; what the system said does.
            Error::HyperLegacyError { err } => innermost(err),
            other => chain(other),
        }
    }

    fn status(&self) -> Option<u16> {
        match &self.error {
            Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
            _ => None,
        }
    }
}

impl From<Failure> for EngineError {
    fn from(failure: Failure) -> Self {
        match &failure.error {
            Error::HyperLegacyError { err } if err.is_connect() => {
                Self::Unreachable { endpoint: failure.endpoint, cause: innermost(err) }
            }
            // A command in a container may take too long as well; its time is its own.
            Error::RequestTimeoutError if failure.limit == ORDINARY => failure.lost(),
            _ if failure.is_broken() => failure.lost(),
            _ if failure.status().is_some_and(|status| status >= 500) || failure.is_unreadable() => {
                Self::Failed { cause: failure.text(), action: failure.action }
            }
            _ => Self::Refused { cause: failure.text(), action: failure.action },
        }
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// An error with its causes; the library's outermost text often says nothing.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(status_code: u16, message: &str) -> Failure {
        Failure {
            action: "create container `x`".into(),
            limit: ORDINARY,
            endpoint: "unix:///x".into(),
            error: Error::DockerResponseServerError { status_code, message: message.into() },
        }
    }

    #[test]
    fn podmans_500_counts_as_dockers_409_and_404() {
        assert!(failure(409, "anything").is_conflict());
        assert!(failure(500, "creating container: the container name \"x\" is already in use by 1f").is_conflict());
        assert!(!failure(500, "listen tcp4 127.0.0.1:80: bind: address already in use").is_conflict());
        assert!(failure(500, "no container with name or ID \"x\" found").is_gone());
        assert!(!failure(500, "disk full").is_gone());
    }

    #[test]
    fn an_engine_that_stops_answering_is_told_from_one_that_refuses() {
        let hung = Failure { error: Error::RequestTimeoutError, ..failure(0, "") };
        assert_eq!(
            EngineError::from(hung).to_string(),
            "the Docker engine at unix:///x stopped answering: no answer within 30 s"
        );
        let slow = Failure { error: Error::RequestTimeoutError, limit: Duration::from_secs(3), ..failure(0, "") };
        assert!(EngineError::from(slow).to_string().starts_with("the engine refused to create container"));
    }

    #[test]
    fn a_versions_parts_are_compared_as_numbers() {
        assert!(version("1.100").unwrap() > version("1.44").unwrap());
        assert_eq!(version("nonsense"), None);
    }

    #[test]
    fn an_error_says_what_was_asked_and_what_the_engine_said() {
        assert_eq!(
            EngineError::from(failure(500, "disk full\n")).to_string(),
            "the engine failed to create container `x`: disk full"
        );
    }
}
