//! A manifest in, a Compose file out.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::manifest::{self, EngineName, Manifest, NoFiles, SourceFile, Sources};
use crate::plan::{Artifact, Context, Project, SecretKey, Secrets, requirements, resolve};

const SHOP: &str = r#"
name: shop
identity:
  tenants: [acme]
  personas: { alice: { tenant: acme, roles: [customer] } }
idp: { port: 9400 }
secrets: { key: { generate: true } }
configs: { start: { content: "a $$ and ${DEVENV_ISSUER}" } }
volumes: { data: {}, old: { name: kept } }
services:
  api:
    binary: { path: target/api }
    ports: ["8080:8080"]
    environment: { ISSUER: "${DEVENV_ISSUER}", PRICE: "5$$" }
    secrets: [key]
    ready: { http: /health }
    depends_on: { db: { condition: service_healthy }, cache: { condition: service_healthy }, queue: { condition: service_healthy } }
  db:
    image: postgres:17
    volumes: ["data:/var/lib", "./db:/init:ro"]
    configs: [{ source: start, target: /start.sh, mode: 0555 }]
    healthcheck: { test: [CMD, pg_isready], retries: 5 }
    restart: on-failure:2
  cache:
    image: redis:8
    ready: { tcp: 6379 }
  queue:
    image: nats:2
    ready: { log: "Server is ready" }
"#;

fn load(text: &str) -> Manifest {
    let source = SourceFile { path: "devenv.yaml".into(), text: text.into() };
    let sources = Sources { file: &source, overrides: &[], files: &NoFiles, variables: &BTreeMap::new() };
    manifest::load(&sources).unwrap_or_else(|problems| panic!("{problems}")).value
}

fn context(manifest: &Manifest) -> Context {
    let artifact = |path: &str| Artifact { path: path.into(), digest: format!("digest of {path}") };
    let required = requirements(manifest, EngineName::Docker);
    let value = |key: &SecretKey| (key.clone(), format!("value of {}", key.file_name()));
    Context {
        engine: EngineName::Docker,
        project: Project {
            name: "shop".into(),
            instance: "1234".into(),
            directory: "/work".into(),
            state: "/state".into(),
        },
        executable: artifact("/bin/devenv"),
        builds: BTreeMap::new(),
        mounts: BTreeMap::new(),
        artifacts: required
            .binaries
            .keys()
            .map(|name| (name.clone(), artifact(&format!("/work/target/{name}"))))
            .collect(),
        secrets: Secrets(required.secrets.iter().map(value).collect()),
        files: BTreeMap::new(),
        shares_files: true,
        policies: mock_iam::config::Policies::default(),
    }
}

fn exported(text: &str, directory: &str) -> Result<Export, Vec<ExportError>> {
    let manifest = load(text);
    let plan = resolve(&manifest, &context(&manifest)).unwrap_or_else(|errors| panic!("{errors:?}"));
    let name = |artifact: &Artifact| format!("devenv{}", artifact.path.display());
    let to = Destination {
        directory: Path::new(directory),
        files: "x.files",
        packaged: &name,
        digests: BTreeMap::from([("postgres:17".to_owned(), "sha256:abc".to_owned())]),
        url: Some("http://localhost:8080".into()),
    };
    let control = Control { idp: Some(b"token".to_vec()), iam: None };
    compose(&plan, &control, &to)
}

fn shop() -> Export {
    exported(SHOP, "/work").unwrap()
}

fn service(export: &Export, name: &str) -> Value {
    export.document["services"][name].clone()
}

#[test]
fn a_service_that_speaks_to_the_provider_shares_the_network_of_its_relay_which_asks_for_it() {
    let export = shop();
    let (api, relay) = (service(&export, "api"), service(&export, "api-relay"));
    assert_eq!((&api["network_mode"], api.get("ports")), (&json!("service:api-relay"), None));
    assert_eq!(relay["networks"]["default"]["aliases"], json!(["api"]));
    assert_eq!(relay["ports"][0]["host_ip"], "127.0.0.1");
    assert_eq!(
        relay["healthcheck"]["test"],
        json!(["CMD", "/devenv", "serve", "probe", "http://127.0.0.1:8080/health"])
    );
    assert_eq!(
        (&api["user"], &api["read_only"], &api["pull_policy"]),
        (&json!("65532:65532"), &json!(true), &json!("never"))
    );
}

#[test]
fn dependants_wait_for_whoever_can_ask() {
    let export = shop();
    let api = service(&export, "api");
    let condition = |name: &str| api["depends_on"][name]["condition"].as_str().unwrap_or_default().to_owned();
    assert_eq!((condition("db"), condition("idp")), ("service_healthy".into(), "service_healthy".into()));
    assert_eq!((condition("cache"), condition("cache-ready")), ("service_started".into(), "service_healthy".into()));
    assert_eq!(condition("queue"), "service_started");
    let asks = service(&export, "cache-ready");
    assert_eq!(asks["healthcheck"]["test"], json!(["CMD", "/devenv", "serve", "probe", "tcp://cache:6379"]));
    assert!(export.notes.iter().any(|note| note.contains("`api` waits until `queue` runs")), "{:?}", export.notes);
}

#[test]
fn no_secret_is_in_the_document_and_files_are_read_by_whoever_runs_in_the_container() {
    let export = shop();
    let text = export.document.to_string();
    assert!(!text.contains("value of") && !text.contains("token\""), "{text}");
    let file = |name: &str| export.files.iter().find(|file| file.path.ends_with(name)).unwrap();
    assert_eq!((file("api/key").content.as_slice(), file("api/key").mode), (b"value of secret.key".as_slice(), 0o444));
    assert_eq!((file("db/start.sh").mode, file("control/idp").mode), (0o555, 0o400));
    assert_eq!(file("db/start.sh").content, b"a $ and http://localhost:9400");
    assert!(!format!("{export:?}").contains("value of"));
    assert!(String::from_utf8(file(".gitignore").content.clone()).unwrap().contains("\n*\n"));
    assert_eq!(service(&export, "db")["configs"], json!([{ "source": "db.start.sh", "target": "/start.sh" }]));
}

#[test]
fn what_is_written_means_itself_and_what_is_locked_is_pinned() {
    let export = shop();
    assert_eq!(service(&export, "api")["environment"]["PRICE"], "5$$");
    assert_eq!(service(&export, "db")["image"], "postgres:17@sha256:abc");
    assert!(export.notes.iter().any(|note| note.contains("`redis:8` is not pinned")), "{:?}", export.notes);
    assert_eq!(
        (&service(&export, "db")["restart"], service(&export, "cache").get("restart")),
        (&json!("on-failure:2"), None)
    );
    // Names of ours tell work trees apart; Compose has its own way.
    assert_eq!(export.document["volumes"], json!({ "data": {}, "old": { "name": "kept" } }));
}

#[test]
fn paths_are_relative_to_the_compose_file_as_far_as_it_is_in_the_project() {
    let source = |directory: &str| {
        let export = exported(SHOP, directory).unwrap();
        let mounts = service(&export, "db")["volumes"].clone();
        mounts.as_array().unwrap().iter().find(|mount| mount["type"] == "bind").unwrap()["source"].clone()
    };
    assert_eq!([source("/work"), source("/work/deploy/dev"), source("/else")], ["./db", "../../db", "/work/db"]);
}

#[test]
fn what_is_built_is_built_by_compose_from_the_same_context() {
    let text = "name: shop\nservices: { web: { build: { context: ./web, args: { A: \"1\" } } } }\n";
    let web = service(&exported(text, "/work").unwrap(), "web");
    assert_eq!((&web["build"]["context"], &web["build"]["args"]["A"]), (&json!("./web"), &json!("1")));
    assert!(web["image"].as_str().unwrap().starts_with("devenv/shop-1234-web:"), "{web}");
}

#[test]
fn a_process_of_this_machine_is_refused_by_name() {
    let errors = exported("name: shop\nservices: { web: { run: sleep 1 } }\n", "/work").unwrap_err();
    assert_eq!(errors, [ExportError::Process("web".into())]);
}

#[test]
fn the_tests_find_the_stack_again_and_other_files_are_refused() {
    let text = serde_yaml::to_string(&shop().document).unwrap();
    let stack = ExportedStack::read(&text).unwrap();
    assert_eq!(stack.url, "http://localhost:8080");
    assert_eq!(stack.control, Control { idp: Some("./x.files/control/idp".into()), iam: None });
    assert_eq!(ExportedStack::read("services: {}\n"), Err(StackError::Foreign));
    assert_eq!(ExportedStack::read("x-devenv: { version: 2 }\n"), Err(StackError::Version));
}
