//! The path that all paths of a document begin with (OpenAPI 3.1 §4.8.5, "Server Object"). Must not know who asks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::node::Node;

/// The path of the first server, e.g. `/api/v1`; empty for none. The host is whoever is asked.
pub(super) fn base_path(document: &Node) -> String {
    let Some(server) = document.get("servers").and_then(|servers| servers.items().first()) else {
        return String::new();
    };
    let mut url = server.get("url").and_then(Node::text).unwrap_or_default().to_owned();
    for (name, variable) in server.get("variables").map(Node::entries).unwrap_or_default() {
        let default = variable.get("default").and_then(Node::text).unwrap_or_default();
        url = url.replace(&format!("{{{name}}}"), default);
    }
    let after_scheme = url.split_once("://").map(|(_, rest)| rest).or_else(|| url.strip_prefix("//"));
    let path = match after_scheme {
        Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
        None => url.as_str(),
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.is_empty() { String::new() } else { format!("/{}", parts.join("/")) }
}

/// The address of an API: the target with the base path, once. A target that has a path itself says all.
pub(super) fn address(target: &str, base_path: &str) -> String {
    let target = target.trim_end_matches('/');
    let after_scheme = target.split_once("://").map_or(target, |(_, rest)| rest);
    if after_scheme.contains('/') { target.to_owned() } else { format!("{target}{base_path}") }
}

#[cfg(test)]
mod tests {
    use super::super::Api;

    fn address(server: &str, target: &str) -> String {
        let text = format!(r#"{{"openapi": "3.1.0", "servers": [{server}], "paths": {{"/a": {{"get": {{}}}}}}}}"#);
        Api::parse(&text).unwrap().address(target)
    }

    #[test]
    fn the_base_path_of_the_document_is_appended_once_and_the_target_is_the_host() {
        let at = |server: &str| address(server, "http://127.0.0.1:80/");
        assert_eq!(at(r#"{"url": "/api/v1"}"#), "http://127.0.0.1:80/api/v1");
        assert_eq!(at(r#"{"url": "api/v1/"}"#), "http://127.0.0.1:80/api/v1");
        assert_eq!(at(r#"{"url": "https://shop.test/api/v1/"}"#), "http://127.0.0.1:80/api/v1");
        assert_eq!(at(r#"{"url": "//shop.test/api/v1?x#y"}"#), "http://127.0.0.1:80/api/v1");
        assert_eq!(
            at(
                r#"{"url": "https://{host}/{base}", "variables": {"host": {"default": "h"}, "base": {"default": "v2"}}}"#
            ),
            "http://127.0.0.1:80/v2"
        );
    }

    #[test]
    fn without_a_base_path_the_target_stays() {
        for server in [r#"{"url": "/"}"#, r#"{"url": "http://localhost:5000"}"#, r#"{"url": "."}"#, "{}", ""] {
            assert_eq!(address(server, "http://h:1"), "http://h:1", "{server}");
        }
    }

    #[test]
    fn a_target_with_a_path_is_taken_as_it_is() {
        assert_eq!(address(r#"{"url": "/api/v1"}"#, "http://h:1/api/v1/"), "http://h:1/api/v1");
        assert_eq!(address(r#"{"url": "/api/v1"}"#, "http://h:1/gateway"), "http://h:1/gateway");
    }
}
