//! `ports:` and `expose:` in all their notations, ranges written out.

use std::net::IpAddr;

use super::decode::{Context, Fields, Part, Published};
use super::keys;
use super::model::{Port, Protocol};
use super::scalars;
use super::tree::{Node, Value};

/// Of a whole file: a hostile one would make billions out of ranges.
const MOST_PORTS: usize = 4_096;

const PROTOCOLS: &[(&str, Protocol)] = &[("tcp", Protocol::Tcp), ("udp", Protocol::Udp)];

pub(super) fn ports(context: &mut Context<'_>, node: &Node, service: &str, part: Part) -> Vec<Port> {
    let mut all = Vec::new();
    for item in context.items(node) {
        let ports = match &item.value {
            Value::Map(_) => long(context, item).unwrap_or_default(),
            Value::Null | Value::Scalar(_) | Value::List(_) => short(context, item).unwrap_or_default(),
        };
        if context.published.len() + ports.len() > MOST_PORTS {
            context.error(item.position, format!("more than {MOST_PORTS} ports"));
            break;
        }
        for port in ports {
            let published =
                Published { service: service.to_owned(), part, port: port.clone(), position: item.position };
            context.published.push(published);
            all.push(port);
        }
    }
    all
}

pub(super) fn expose(context: &mut Context<'_>, node: &Node) -> Vec<u16> {
    let mut ports: Vec<u16> = Vec::new();
    for item in context.items(node) {
        let Some(text) = context.text(item) else { continue };
        let digits = text.trim_end_matches("/tcp").trim_end_matches("/udp");
        match Range::parse(digits) {
            Some(range) if ports.len() + range.len() <= MOST_PORTS => ports.extend(range.first..=range.last),
            _ => context.error(item.position, format!("expected a port from 1 to 65535, found `{text}`")),
        }
    }
    ports
}

/// `[[IP:]HOST:]CONTAINER[/PROTOCOL]`, HOST and CONTAINER a port or a range.
fn short(context: &mut Context<'_>, node: &Node) -> Option<Vec<Port>> {
    let text = context.text(node)?;
    match parse_short(&text) {
        Ok(ports) => Some(ports),
        Err(problem) => {
            let help = "write `8080`, `8080:80`, `127.0.0.1:8080:80` or `8080-8081:80-81/udp`".to_owned();
            context.error_with_help(node.position, format!("`{text}` is not a port: {problem}"), help);
            None
        }
    }
}

fn parse_short(text: &str) -> Result<Vec<Port>, &'static str> {
    let (text, protocol) = match text.split_once('/') {
        Some((text, protocol)) => {
            let known = PROTOCOLS.iter().find(|(name, _)| *name == protocol);
            (text, known.ok_or("the protocol is neither `tcp` nor `udp`")?.1)
        }
        None => (text, Protocol::Tcp),
    };
    let (rest, target) = text.rsplit_once(':').unwrap_or(("", text));
    let (host_ip, published) = match rest.rsplit_once(':') {
        Some((ip, published)) => (Some(ip), published),
        None => (None, rest),
    };
    let host_ip = host_ip.map(|ip| parse_ip(ip).ok_or("the host address is no IP address")).transpose()?;
    let target = Range::parse(target).ok_or("the container port is not from 1 to 65535")?;
    let published = match published {
        "" | "0" => None,
        published => Some(Range::parse(published).ok_or("the host port is not from 1 to 65535")?),
    };
    expand(host_ip.as_deref(), published, target, protocol)
}

fn expand(
    host_ip: Option<&str>,
    published: Option<Range>,
    target: Range,
    protocol: Protocol,
) -> Result<Vec<Port>, &'static str> {
    if published.is_some_and(|published| published.len() != target.len()) {
        return Err("the two ranges differ in length");
    }
    if target.len() > MOST_PORTS {
        return Err("the range is too long");
    }
    let port = |target, published| Port { host_ip: host_ip.map(str::to_owned), published, target, protocol };
    let targets = target.first..=target.last;
    Ok(match published {
        Some(published) => targets.zip(published.first..=published.last).map(|(t, p)| port(t, Some(p))).collect(),
        None => targets.map(|target| port(target, None)).collect(),
    })
}

fn long(context: &mut Context<'_>, node: &Node) -> Option<Vec<Port>> {
    let mut fields = Fields::of(context, node, "a port")?.with_unsupported(keys::PORT);
    let target = fields.require(context, "target", node.position).and_then(|node| context.port(node));
    let published = fields.take("published");
    let protocol = fields.take("protocol").and_then(|node| context.choice(node, PROTOCOLS)).unwrap_or_default();
    let host_ip = fields.take("host_ip");
    // Outside of a swarm both mean the same.
    if let Some(node) = fields.take("mode") {
        context.choice(node, &[("ingress", ()), ("host", ())]);
    }
    fields.finish(context);
    let published = match published {
        Some(node) if context.literal(node, &["", "0"]) => None,
        Some(node) => Some(context.port(node)?),
        None => None,
    };
    let host_ip = match host_ip {
        Some(node) => {
            let text = context.word(node)?;
            let ip = parse_ip(&text);
            if ip.is_none() {
                context.error(node.position, format!("`{text}` is no IP address"));
            }
            Some(ip?)
        }
        None => None,
    };
    Some(vec![Port { host_ip, published, target: target?, protocol }])
}

/// Without the brackets that an IPv6 address has in the short form.
fn parse_ip(text: &str) -> Option<String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse::<IpAddr>().ok().map(|ip| ip.to_string())
}

#[derive(Clone, Copy)]
struct Range {
    first: u16,
    last: u16,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let range = Self { first: scalars::port(first)?, last: scalars::port(last)? };
        (range.first <= range.last).then_some(range)
    }

    fn len(self) -> usize {
        usize::from(self.last - self.first) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match parse_short(text) {
            Ok(ports) => ports
                .iter()
                .map(|p| {
                    let ip = p.host_ip.as_deref().unwrap_or("-");
                    let published = p.published.map_or("-".to_owned(), |port| port.to_string());
                    format!("{ip} {published} {} {:?}", p.target, p.protocol)
                })
                .collect::<Vec<_>>()
                .join(", "),
            Err(problem) => problem.to_owned(),
        }
    }

    #[test]
    fn every_short_form_is_understood() {
        assert_eq!(read("80"), "- - 80 Tcp");
        assert_eq!(read("22:22"), "- 22 22 Tcp");
        assert_eq!(read("127.0.0.1:8080:80/udp"), "127.0.0.1 8080 80 Udp");
        assert_eq!(read("127.0.0.1::80"), "127.0.0.1 - 80 Tcp");
        assert_eq!(read("[::1]:8080:80"), "::1 8080 80 Tcp");
        assert_eq!(read("8080-8081:80-81"), "- 8080 80 Tcp, - 8081 81 Tcp");
        assert_eq!(read("80-81"), "- - 80 Tcp, - - 81 Tcp");
    }

    #[test]
    fn a_wrong_port_says_which_half_is_wrong() {
        assert_eq!(read("8080:http"), "the container port is not from 1 to 65535");
        assert_eq!(read("70000:80"), "the host port is not from 1 to 65535");
        assert_eq!(read("localhost:80:80"), "the host address is no IP address");
        assert_eq!(read("80/sctp"), "the protocol is neither `tcp` nor `udp`");
        assert_eq!(read("80-90:80"), "the two ranges differ in length");
        assert_eq!(read("90-80"), "the container port is not from 1 to 65535");
        assert_eq!(read(""), "the container port is not from 1 to 65535");
    }
}
