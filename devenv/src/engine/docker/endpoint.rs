//! Where the engine listens: `DOCKER_HOST`, a Docker context, the usual socket, Podman's socket.
//!
//! Must not talk to an engine; the environment is an argument, context files are read.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::engine::EngineError;

/// Docker's socket where nothing else is said.
const DOCKER_SOCKET: &str = "/var/run/docker.sock";

/// Where an engine listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// A Unix socket.
    Unix(PathBuf),
    /// `host:port`, without TLS.
    Tcp(String),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

/// The endpoint that the environment asks for.
///
/// # Errors
/// When it names a transport that is not supported, or a context that cannot be read.
pub(super) fn resolve(environment: &BTreeMap<String, String>) -> Result<Endpoint, EngineError> {
    let variable = |name: &str| environment.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let tls = variable("DOCKER_TLS_VERIFY").is_some();
    if let Some(host) = variable("DOCKER_HOST") {
        return parse(host, tls);
    }
    let config = variable("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(home).join(".docker")));
    if let Some(config) = config
        && let Some(name) = variable("DOCKER_CONTEXT").map(str::to_owned).or_else(|| current_context(&config))
        && name != "default"
    {
        return parse(&context_host(&config, &name)?, tls);
    }
    let podman = variable("XDG_RUNTIME_DIR").map(|directory| Path::new(directory).join("podman/podman.sock"));
    match podman {
        Some(podman) if !Path::new(DOCKER_SOCKET).exists() && podman.exists() => Ok(Endpoint::Unix(podman)),
        _ => Ok(Endpoint::Unix(PathBuf::from(DOCKER_SOCKET))),
    }
}

fn parse(host: &str, tls: bool) -> Result<Endpoint, EngineError> {
    let unreachable = |cause: &str| EngineError::Unreachable { endpoint: host.to_owned(), cause: cause.to_owned() };
    match host.split_once("://") {
        Some(("unix", path)) => Ok(Endpoint::Unix(PathBuf::from(path))),
        Some(("tcp" | "http", _)) if tls => Err(unreachable("TLS to the engine is not supported")),
        Some(("tcp" | "http", address)) => Ok(Endpoint::Tcp(with_port(address.trim_end_matches('/')))),
        Some((scheme, _)) => Err(unreachable(&format!("`{scheme}` is not supported, use `unix` or `tcp`"))),
        None => Err(unreachable("it must begin with `unix://` or `tcp://`")),
    }
}

/// The engine's port without TLS is 2375, as registered with IANA.
fn with_port(address: &str) -> String {
    let ported = address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if ported { address.to_owned() } else { format!("{address}:2375") }
}

/// The part of `config.json` that names a context.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientConfig {
    current_context: Option<String>,
}

fn current_context(config: &Path) -> Option<String> {
    let text = std::fs::read_to_string(config.join("config.json")).ok()?;
    serde_json::from_str::<ClientConfig>(&text).ok()?.current_context.filter(|name| !name.is_empty())
}

/// The part of a context's `meta.json` that names its endpoint.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Context {
    name: String,
    endpoints: BTreeMap<String, ContextEndpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContextEndpoint {
    host: String,
}

/// A context lies in a directory named by the hash of its name; looking into each spares the hash.
fn context_host(config: &Path, name: &str) -> Result<String, EngineError> {
    let entries = std::fs::read_dir(config.join("contexts/meta")).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("meta.json")).ok())
        .filter_map(|text| serde_json::from_str::<Context>(&text).ok())
        .find(|context| context.name == name)
        .and_then(|mut context| context.endpoints.remove("docker"))
        .map(|endpoint| endpoint.host)
        .ok_or_else(|| EngineError::Unreachable {
            endpoint: format!("Docker context `{name}`"),
            cause: format!("there is no such context in {}", config.display()),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn resolved(pairs: &[(&str, &str)]) -> String {
        match resolve(&environment(pairs)) {
            Ok(endpoint) => endpoint.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn docker_host_wins_and_the_port_of_tcp_may_be_left_out() {
        assert_eq!(resolved(&[("DOCKER_HOST", "unix:///a/b.sock"), ("HOME", "/nowhere")]), "unix:///a/b.sock");
        assert_eq!(resolved(&[("DOCKER_HOST", "tcp://127.0.0.1:2376")]), "tcp://127.0.0.1:2376");
        assert_eq!(resolved(&[("DOCKER_HOST", "http://engine/")]), "tcp://engine:2375");
    }

    #[test]
    fn a_transport_that_is_not_supported_is_named() {
        let text = resolved(&[("DOCKER_HOST", "ssh://me@there")]);
        assert!(text.contains("ssh://me@there") && text.contains("`ssh` is not supported"), "{text}");
        let text = resolved(&[("DOCKER_HOST", "tcp://there:2376"), ("DOCKER_TLS_VERIFY", "1")]);
        assert!(text.contains("TLS"), "{text}");
    }

    #[test]
    fn the_context_of_the_client_configuration_is_used() {
        let home = tempfile::tempdir().unwrap();
        let meta = home.path().join(".docker/contexts/meta/0f");
        std::fs::create_dir_all(&meta).unwrap();
        std::fs::write(home.path().join(".docker/config.json"), r#"{"currentContext": "lab"}"#).unwrap();
        std::fs::write(
            meta.join("meta.json"),
            r#"{"Name": "lab", "Metadata": {}, "Endpoints": {"docker": {"Host": "unix:///lab.sock", "SkipTLSVerify": false}}}"#,
        )
        .unwrap();
        let home = home.path().display().to_string();
        assert_eq!(resolved(&[("HOME", &home)]), "unix:///lab.sock");
        assert_eq!(resolved(&[("HOME", &home), ("DOCKER_CONTEXT", "default")]), "unix:///var/run/docker.sock");
        assert!(resolved(&[("HOME", &home), ("DOCKER_CONTEXT", "gone")]).contains("`gone`"));
    }
}
