//! Where a port of a container can be reached from this process. Must not know what listens there.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use super::list::Listed;
use crate::engine::ServiceState;

/// Where a port of a service can be reached; `containers` are all of its project.
pub(super) fn of_service(containers: &[Listed], service: &str, port: u16) -> Option<SocketAddr> {
    let own = containers.iter().filter(|container| container.service() == Some(service));
    own.filter(|container| container.service_state() == ServiceState::Running)
        .find_map(|container| address(network_owner(containers, container), port))
}

/// The container whose network namespace a container lives in: mostly itself.
pub(super) fn network_owner<'a>(containers: &'a [Listed], container: &'a Listed) -> &'a Listed {
    let owner = container.lives_in().and_then(|id| containers.iter().find(|other| other.id == id));
    owner.unwrap_or(container)
}

/// The container's own address when this process can reach it, else the published port.
///
/// Its own address comes first because the engine's proxy accepts connections to a published port long before anything
/// listens behind it: a test whether the port accepts would always pass.
fn address(container: &Listed, port: u16) -> Option<SocketAddr> {
    if container.on_engine_network() {
        return Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    direct(container, port).or_else(|| published(container, port)).or_else(|| any(container, port))
}

/// The container's address in a network whose gateway is this machine: only there do packets get through. A gateway is
/// this machine when one can bind its address.
fn direct(container: &Listed, port: u16) -> Option<SocketAddr> {
    let reachable = container
        .networks()
        .find(|network| network.gateway.parse::<IpAddr>().is_ok_and(|gateway| UdpSocket::bind((gateway, 0)).is_ok()))?;
    Some(SocketAddr::new(reachable.ip_address.parse().ok()?, port))
}

fn published(container: &Listed, port: u16) -> Option<SocketAddr> {
    let published = container.published().into_iter().find(|published| published.target == port && !published.udp)?;
    let ip = match published.host_ip.parse::<IpAddr>() {
        Ok(ip) if !ip.is_unspecified() => ip,
        _ => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    Some(SocketAddr::new(ip, published.host))
}

fn any(container: &Listed, port: u16) -> Option<SocketAddr> {
    container.networks().find_map(|network| Some(SocketAddr::new(network.ip_address.parse().ok()?, port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, service: &str) -> Option<String> {
        let containers: Vec<Listed> = serde_json::from_str(text).unwrap();
        of_service(&containers, service, 80).map(|address| address.to_string())
    }

    /// 192.0.2.0/24 is nobody's (RFC 5737), loopback is this machine's.
    fn container(gateway: &str, ports: &str) -> String {
        format!(
            r#"[{{"Id": "1", "State": "running", "Labels": {{"dev.devenv.service": "api"}}, "Ports": [{ports}],
                "NetworkSettings": {{"Networks": {{"n": {{"IPAddress": "192.0.2.7", "Gateway": "{gateway}"}}}}}}}}]"#
        )
    }

    const PORT: &str = r#"{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}"#;

    #[test]
    fn the_containers_address_is_taken_where_its_gateway_is_this_machine_else_the_published_port() {
        assert_eq!(found(&container("127.0.0.1", PORT), "api").as_deref(), Some("192.0.2.7:80"));
        assert_eq!(found(&container("192.0.2.1", PORT), "api").as_deref(), Some("127.0.0.1:8080"));
        assert_eq!(found(&container("192.0.2.1", ""), "api").as_deref(), Some("192.0.2.7:80"));
    }

    #[test]
    fn a_service_without_network_of_its_own_is_found_at_the_networks_owner() {
        let text = r#"[{"Id": "1", "State": "running", "Labels": {"dev.devenv.service": "api"},
                        "HostConfig": {"NetworkMode": "container:2"}},
                       {"Id": "2", "State": "running", "Labels": {"dev.devenv.service": "api-relay"},
                        "Ports": [{"IP": "127.0.0.1", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}]}]"#;
        assert_eq!(found(text, "api").as_deref(), Some("127.0.0.1:8080"));
    }

    #[test]
    fn what_does_not_run_has_no_address() {
        let text = r#"[{"Id": "1", "State": "exited", "Labels": {"dev.devenv.service": "api"}, "HostConfig": {"NetworkMode": "host"}}]"#;
        assert_eq!(found(text, "api"), None);
        assert_eq!(found(&text.replace("exited", "running"), "api").as_deref(), Some("127.0.0.1:80"));
    }
}
