//! Where the engine listens: `DOCKER_HOST`, a Docker context, the usual socket, Podman's socket.
//!
//! Must not talk to an engine; the environment is an argument, context files are read.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::tls::Certificates;
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
    /// `host:port` with TLS, and the certificates for it.
    Tls(String, Certificates),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Tls(address, _) => write!(f, "tcp://{address} (TLS)"),
        }
    }
}

/// The endpoint that the environment asks for.
///
/// # Errors
/// When it names a transport that is not supported, or a context that cannot be read.
pub(super) fn resolve(environment: &BTreeMap<String, String>) -> Result<Endpoint, EngineError> {
    let variable = |name: &str| environment.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let config = variable("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(home).join(".docker")));
    let tls = variable("DOCKER_TLS_VERIFY").and_then(|_| {
        let directory = variable("DOCKER_CERT_PATH").map(PathBuf::from).or_else(|| config.clone())?;
        Some(Certificates { directory })
    });
    if let Some(host) = variable("DOCKER_HOST") {
        return parse(host, tls);
    }
    if let Some(config) = config
        && let Some(name) = variable("DOCKER_CONTEXT").map(str::to_owned).or_else(|| current_context(&config))
        && name != "default"
    {
        let (host, certificates) = context(&config, &name)?;
        return parse(&host, certificates.or(tls));
    }
    let podman = variable("XDG_RUNTIME_DIR").map(|directory| Path::new(directory).join("podman/podman.sock"));
    match podman {
        Some(podman) if !Path::new(DOCKER_SOCKET).exists() && podman.exists() => Ok(Endpoint::Unix(podman)),
        _ => Ok(Endpoint::Unix(PathBuf::from(DOCKER_SOCKET))),
    }
}

fn parse(host: &str, tls: Option<Certificates>) -> Result<Endpoint, EngineError> {
    let unreachable = |cause: &str| EngineError::Unreachable { endpoint: host.to_owned(), cause: cause.to_owned() };
    match host.split_once("://") {
        Some(("unix", path)) => Ok(Endpoint::Unix(PathBuf::from(path))),
        Some(("tcp" | "http" | "https", address)) => match (tls, host.starts_with("https")) {
            (Some(certificates), _) => Ok(Endpoint::Tls(with_port(address, TLS_PORT), certificates)),
            (None, false) => Ok(Endpoint::Tcp(with_port(address, PORT))),
            (None, true) => Err(unreachable("`https` needs DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH")),
        },
        Some(("ssh", _)) => Err(unreachable(
            "`ssh` is not supported yet; forward the socket instead: `ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock HOST`, and DOCKER_HOST=unix:///tmp/engine.sock",
        )),
        Some((scheme, _)) => Err(unreachable(&format!("`{scheme}` is not supported, use `unix` or `tcp`"))),
        None => Err(unreachable("it must begin with `unix://` or `tcp://`")),
    }
}

/// The engine's ports without and with TLS, as registered with IANA.
const PORT: u16 = 2375;
const TLS_PORT: u16 = 2376;

fn with_port(address: &str, port: u16) -> String {
    let address = address.trim_end_matches('/');
    let ported = address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if ported { address.to_owned() } else { format!("{address}:{port}") }
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
    #[serde(default, rename = "SkipTLSVerify")]
    skip_tls_verify: bool,
}

/// The endpoint of a context, and its certificates. A context lies in a directory named by the hash of its name; looking
/// into each spares the hash.
fn context(config: &Path, name: &str) -> Result<(String, Option<Certificates>), EngineError> {
    let unreachable = |cause: String| EngineError::Unreachable { endpoint: format!("Docker context `{name}`"), cause };
    let entries = std::fs::read_dir(config.join("contexts/meta")).into_iter().flatten().flatten();
    let read = |entry: std::fs::DirEntry| {
        let text = std::fs::read_to_string(entry.path().join("meta.json")).ok()?;
        Some((entry.file_name(), serde_json::from_str::<Context>(&text).ok()?))
    };
    let found = entries.filter_map(read).find(|(_, context)| context.name == name);
    let endpoint = found.and_then(|(id, mut context)| Some((id, context.endpoints.remove("docker")?)));
    let Some((id, endpoint)) = endpoint else {
        return Err(unreachable(format!("there is no such context in {}", config.display())));
    };
    let directory = config.join("contexts/tls").join(id).join("docker");
    let certificates = directory.is_dir().then_some(Certificates { directory });
    if certificates.is_some() && endpoint.skip_tls_verify {
        return Err(unreachable("it skips the check of the engine's certificate, which is not supported".to_owned()));
    }
    Ok((endpoint.host, certificates))
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
        let text = resolved(&[("DOCKER_HOST", "https://there")]);
        assert!(text.contains("DOCKER_TLS_VERIFY"), "{text}");
    }

    #[test]
    fn tls_takes_the_certificates_of_the_variable_or_of_the_users_directory() {
        let of = |pairs: &[(&str, &str)]| resolve(&environment(pairs)).unwrap();
        let tls = [("DOCKER_HOST", "tcp://there"), ("DOCKER_TLS_VERIFY", "1")];
        let expected =
            |directory: &str| Endpoint::Tls("there:2376".into(), Certificates { directory: directory.into() });
        assert_eq!(of(&[&tls[..], &[("HOME", "/h")]].concat()), expected("/h/.docker"));
        assert_eq!(of(&[&tls[..], &[("HOME", "/h"), ("DOCKER_CERT_PATH", "/c")]].concat()), expected("/c"));
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

    #[test]
    fn a_context_may_have_certificates_of_its_own() {
        let home = tempfile::tempdir().unwrap();
        let contexts = home.path().join(".docker/contexts");
        std::fs::create_dir_all(contexts.join("meta/0f")).unwrap();
        std::fs::create_dir_all(contexts.join("tls/0f/docker")).unwrap();
        let write = |skip: bool| {
            let text = format!(
                r#"{{"Name": "lab", "Endpoints": {{"docker": {{"Host": "tcp://lab:2376", "SkipTLSVerify": {skip}}}}}}}"#
            );
            std::fs::write(contexts.join("meta/0f/meta.json"), text).unwrap();
        };
        let lab = environment(&[("HOME", &home.path().display().to_string()), ("DOCKER_CONTEXT", "lab")]);
        write(false);
        let directory = contexts.join("tls/0f/docker");
        assert_eq!(resolve(&lab).unwrap(), Endpoint::Tls("lab:2376".into(), Certificates { directory }));
        write(true);
        assert!(resolve(&lab).unwrap_err().to_string().contains("skips the check"));
    }
}
