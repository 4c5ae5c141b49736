//! The schema says what the readers say, and the committed copies are the ones that the program prints.

use serde_json::{Value as Json, json};

use super::*;

mod validator;

use validator::problems;

const MANIFEST: &str = include_str!("../../../../docs/devenv.schema.json");
const RULES: &str = include_str!("../../../../docs/authz.schema.json");
const ORDERS: &str = include_str!("../../../../templates/orders/devenv.yaml");
const ORDERS_RULES: &str = include_str!("../../../../templates/orders/authz.yaml");

fn yaml(text: &str) -> Json {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn the_committed_copies_are_current() {
    let mend = "write it anew: devenv schema > docs/devenv.schema.json; devenv schema authz > docs/authz.schema.json";
    assert!(MANIFEST == format!("{:#}\n", devenv_yaml()), "{mend}");
    assert!(RULES == format!("{:#}\n", authz_yaml()), "{mend}");
}

#[test]
fn every_reference_leads_somewhere() {
    fn references(value: &Json, found: &mut Vec<String>) {
        match value {
            Json::Object(object) => {
                found.extend(object.get("$ref").and_then(Json::as_str).map(str::to_owned));
                object.values().for_each(|value| references(value, found));
            }
            Json::Array(items) => items.iter().for_each(|item| references(item, found)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
    }
    for schema in [devenv_yaml(), authz_yaml()] {
        let mut found = Vec::new();
        references(&schema, &mut found);
        assert!(found.len() > 20);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(schema.pointer(pointer).is_some(), "{reference}");
        }
    }
}

#[test]
fn whole_files_are_valid() {
    let schema = devenv_yaml();
    assert_eq!(problems(&schema, &yaml(ORDERS)), Vec::<String>::new());
    assert_eq!(problems(&authz_yaml(), &yaml(ORDERS_RULES)), Vec::<String>::new());
    let compose = "
include: [other.yaml, { path: [a.yaml, b.yaml], env_file: x.env }]
x-anything: { of: [anybody] }
services:
  a:
    extends: { file: base.yaml, service: b }
    build: { context: ., args: [A=1], target: x }
    ports: [80, '8080:80', { target: 80, published: '${PORT}', host_ip: 127.0.0.1 }]
    environment: { A: , B: 1, C: true, D: text }
    volumes: ['data:/data', { type: bind, source: ., target: /src, bind: { create_host_path: true } }]
    depends_on: { b: { condition: service_healthy, required: false } }
    deploy: { replicas: 1, mode: replicated, resources: { limits: { cpus: '0.5', memory: 64m } } }
    healthcheck: { test: [CMD, x], interval: 5s, retries: 3 }
    mem_limit: ${LIMIT:-1g}
    memswap_limit: -1
    read_only: ${RO:-true}
    restart: 'no'
    networks: { default: , back: { aliases: [x] } }
    tmpfs: /run
    init: yes
  b: { image: x, depends_on: [a], networks: [back], ulimits: { nofile: { soft: 1, hard: 2 }, nproc: 3 } }
networks: { back: , front: { external: { name: x } } }
volumes: { data: }
secrets: { key: { file: k }, made: { generate: true } }
";
    assert_eq!(problems(&schema, &yaml(compose)), Vec::<String>::new());
}

#[test]
fn each_mistake_is_one_to_the_schema_too() {
    let schema = devenv_yaml();
    for (mistake, place) in [
        ("servces: {}", "/servces"),
        ("services: []", "/services"),
        ("services: { a: { imag: x } }", "/services/a/imag"),
        ("services: { a: { image: [x] } }", "/services/a/image"),
        ("services: { a: { ports: { a: b } } }", "/services/a/ports"),
        ("services: { a: { ports: [{ published: 1 }] } }", "/services/a/ports"),
        ("services: { a: { depends_on: { b: { condition: service_happy } } } }", "/services/a/depends_on"),
        ("services: { a: { privileged: { x: y } } }", "/services/a/privileged"),
        ("services: { a: { pull_policy: sometimes } }", "/services/a/pull_policy"),
        ("services: { a: { models: [x] } }", "/services/a/models"),
        ("services: { a: { docker: { docker: {} } } }", "/services/a/docker/docker"),
        ("idp: { port: [1] }", "/idp"),
        ("idp: { access_token: { format: paper } }", "/idp"),
        ("identity: { clients: { web: { redirect_uris: [] } } }", "/identity/clients/web"),
        ("secrets: { a: { iam: everything } }", "/secrets/a/iam"),
        ("tests: []", "/tests"),
    ] {
        let found = problems(&schema, &yaml(mistake));
        assert!(found.iter().any(|problem| problem.starts_with(place)), "{mistake}: {found:?}");
    }
}

/// Where the schema says nothing, an editor cannot help: only there where readers take what there is.
#[test]
fn the_schema_is_silent_only_where_anything_may_stand() {
    fn silent(value: &Json, path: &str, found: &mut Vec<String>) {
        if let Some(properties) = value.get("properties").and_then(Json::as_object) {
            for (key, schema) in properties {
                if schema.as_object().is_some_and(|schema| schema.keys().all(|key| key == "description")) {
                    found.push(format!("{path}{key}"));
                }
            }
        }
        match value {
            Json::Object(object) => {
                for (key, value) in object {
                    silent(
                        value,
                        &if path.is_empty() && key != "properties" { format!("{key} ") } else { path.to_owned() },
                        found,
                    );
                }
            }
            Json::Array(items) => items.iter().for_each(|item| silent(item, path, found)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
    }
    let keys = |schema: &Json| {
        let mut found = Vec::new();
        silent(schema, "", &mut found);
        let mut keys: Vec<String> =
            found.iter().map(|path| path.rsplit(' ').next().unwrap_or_default().to_owned()).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    };
    assert_eq!(
        keys(&devenv_yaml()),
        [
            "claims",
            "consistency",
            "cpus",
            "delay",
            "endpoint_mode",
            "job",
            "jwks",
            "labels",
            "mode",
            "placement",
            "rollback_config",
            "update_config",
            "version",
            "window"
        ]
    );
    assert_eq!(keys(&authz_yaml()), ["form", "json", "refused_when"]);
}

#[test]
fn descriptions_are_those_of_the_types() {
    let schema = devenv_yaml();
    let of = |pointer: &str| schema.pointer(pointer).and_then(|value| value.get("description")).cloned();
    assert_eq!(of("/properties/idp"), Some(json!("the mocked provider; absent: none runs")));
    assert!(schema.to_string().contains("the team's own compiled program"));
}
