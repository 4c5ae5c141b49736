//! Containers as the engine lists them, read leniently. Must not know plans.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;

use super::connection::{Connection, ORDINARY};
use super::{labels, raw};
use crate::engine::{EngineError, ServiceState};
use crate::plan::{Project, PublishedPort};

/// One container of a list. States are text: engines differ in which there are, and one unknown state must not make the
/// whole list unreadable.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Listed {
    /// Container id.
    pub(super) id: String,
    /// Names, each with a leading `/`.
    #[serde(deserialize_with = "nullable")]
    pub(super) names: Vec<String>,
    /// `running`, `exited`, ….
    pub(super) state: String,
    /// `Exited (137) 2 minutes ago`.
    status: String,
    /// All labels.
    #[serde(deserialize_with = "nullable")]
    pub(super) labels: HashMap<String, String>,
    #[serde(deserialize_with = "nullable")]
    ports: Vec<ListedPort>,
    host_config: ListedHostConfig,
    network_settings: ListedNetworkSettings,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ListedPort {
    #[serde(rename = "IP")]
    ip: String,
    private_port: u16,
    public_port: u16,
    r#type: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ListedHostConfig {
    network_mode: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ListedNetworkSettings {
    #[serde(deserialize_with = "nullable")]
    networks: BTreeMap<String, ListedNetwork>,
}

/// How a container is connected to one network.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListedNetwork {
    /// The container's address, empty when there is none.
    #[serde(rename = "IPAddress")]
    pub(super) ip_address: String,
    /// The engine's own address in that network.
    pub(super) gateway: String,
}

/// Go writes `null` for an empty list.
fn nullable<'de, D: serde::Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Listed {
    /// The service that it belongs to.
    pub(super) fn service(&self) -> Option<&str> {
        self.labels.get(labels::SERVICE).map(String::as_str)
    }

    /// The container whose network namespace it lives in.
    pub(super) fn lives_in(&self) -> Option<&str> {
        self.host_config.network_mode.strip_prefix("container:")
    }

    /// What an inspection says of its network, where the list does not: Podman's has nothing of it.
    pub(super) fn learn_network_mode(&mut self, mode: Option<String>) {
        if self.host_config.network_mode.is_empty() {
            self.host_config.network_mode = mode.unwrap_or_default();
        }
    }

    /// Its networks.
    pub(super) fn networks(&self) -> impl Iterator<Item = &ListedNetwork> {
        self.network_settings.networks.values()
    }

    /// The names of its networks; `None` for a container in another's network namespace, which has none of its own.
    pub(super) fn network_names(&self) -> Option<BTreeSet<String>> {
        (self.lives_in().is_none()).then(|| self.network_settings.networks.keys().cloned().collect())
    }

    /// Whether it shares the engine's own network.
    pub(super) fn on_engine_network(&self) -> bool {
        self.host_config.network_mode == "host"
    }

    /// Its state in our words.
    pub(super) fn service_state(&self) -> ServiceState {
        match self.state.as_str() {
            "running" | "stopping" => ServiceState::Running,
            "paused" => ServiceState::Paused,
            "restarting" => ServiceState::Restarting,
            "created" | "configured" | "initialized" => ServiceState::Created,
            "exited" | "stopped" => ServiceState::Exited { code: exit_code(&self.status) },
            // `dead`, `removing` and what future engines think of: nothing more can be done with it.
            _ => ServiceState::Orphaned,
        }
    }

    /// Ports of this machine that lead to it. The same port on IPv4 and IPv6 is told once.
    pub(super) fn published(&self) -> Vec<PublishedPort> {
        let mut ports: Vec<PublishedPort> = self
            .ports
            .iter()
            .filter(|port| port.public_port != 0)
            .map(|port| PublishedPort {
                host_ip: if port.ip == "::" { "0.0.0.0".to_owned() } else { port.ip.clone() },
                host: port.public_port,
                target: port.private_port,
                udp: port.r#type == "udp",
            })
            .collect();
        ports.sort_by(|a, b| (a.target, a.host, &a.host_ip, a.udp).cmp(&(b.target, b.host, &b.host_ip, b.udp)));
        ports.dedup();
        ports
    }
}

/// The code in `Exited (137) 2 minutes ago`: the list has it nowhere else, and asking for each container costs a request.
fn exit_code(status: &str) -> i64 {
    let code =
        status.split_once('(').and_then(|(_, rest)| rest.split_once(')')).and_then(|(code, _)| code.parse().ok());
    code.unwrap_or(0)
}

impl Connection {
    /// All containers of a project, of one service if named.
    pub(super) async fn containers(
        &self,
        project: &Project,
        service: Option<&str>,
    ) -> Result<Vec<Listed>, EngineError> {
        let id = project.id();
        let mut pairs = vec![(labels::PROJECT, id.as_str())];
        pairs.extend(service.map(|name| (labels::SERVICE, name)));
        let filter = serde_json::to_string(&labels::filter(&pairs)).unwrap_or_default();
        self.list(&format!("/containers/json?all=1&filters={}", raw::encode(&filter))).await
    }

    /// All containers of any project of ours.
    pub(super) async fn all_containers(&self) -> Result<Vec<Listed>, EngineError> {
        let filter = serde_json::json!({ "label": [labels::PROJECT] }).to_string();
        self.list(&format!("/containers/json?all=1&filters={}", raw::encode(&filter))).await
    }

    /// All running containers, whosever.
    pub(super) async fn running_containers(&self) -> Result<Vec<Listed>, EngineError> {
        self.list("/containers/json").await
    }

    async fn list(&self, path: &str) -> Result<Vec<Listed>, EngineError> {
        let failed = |cause: String| EngineError::Failed { action: "list containers".to_owned(), cause };
        let endpoint = self.endpoint.to_string();
        let answer = raw::get(&self.endpoint, path, ORDINARY).await.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => {
                EngineError::Unreachable { endpoint, cause: error.to_string() }
            }
            _ => EngineError::Lost { endpoint, cause: error.to_string() },
        })?;
        if answer.status != 200 {
            let text = String::from_utf8_lossy(&answer.body);
            return Err(failed(format!("status {}: {}", answer.status, text.trim())));
        }
        serde_json::from_slice(&answer.body).map_err(|error| failed(format!("its answer cannot be read: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str) -> Listed {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_exit_code_is_read_from_the_status_text() {
        let state = |state: &str, status: &str| {
            listed(&format!(r#"{{"Id": "1", "State": "{state}", "Status": "{status}"}}"#)).service_state()
        };
        assert_eq!(state("exited", "Exited (137) 2 minutes ago"), ServiceState::Exited { code: 137 });
        assert_eq!(state("exited", "Exited (0) Less than a second ago"), ServiceState::Exited { code: 0 });
        assert_eq!(state("running", "Up 2 seconds"), ServiceState::Running);
    }

    #[test]
    fn states_that_are_not_dockers_do_not_break_the_list() {
        let text = r#"[{"Id": "1", "State": "initialized", "Labels": null, "Ports": null},
                       {"Id": "2", "State": "stopped", "Status": "Exited (1) ago", "NetworkSettings": {"Networks": null}},
                       {"Id": "3", "State": "something new"}]"#;
        let states: Vec<ServiceState> =
            serde_json::from_str::<Vec<Listed>>(text).unwrap().iter().map(Listed::service_state).collect();
        assert_eq!(states, [ServiceState::Created, ServiceState::Exited { code: 1 }, ServiceState::Orphaned]);
    }

    #[test]
    fn a_port_published_on_ipv4_and_ipv6_is_told_once() {
        let container = listed(
            r#"{"Id": "1", "Ports": [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
                {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}, {"PrivatePort": 81, "Type": "tcp"}]}"#,
        );
        assert_eq!(
            container.published(),
            [PublishedPort { host_ip: "0.0.0.0".into(), host: 8080, target: 80, udp: false }]
        );
    }
}
