//! Text in, text out: a manifest and a machine of the test's own making, and what is planned.

use std::collections::BTreeMap;

use super::*;
use crate::manifest::{self, EngineName, Manifest, NoFiles, SourceFile, Sources};

const ORDERS: &str = r#"
name: orders
identity:
  tenants: [acme]
  personas: { alice: { tenant: acme, roles: [customer] } }
  clients: { api: { type: confidential, grants: [client_credentials] } }
idp: { port: 9400 }
iam: { port: 9410 }
secrets: { api-client: { client: api }, ask: { iam: decide }, unused: { generate: true } }
services:
  api:
    binary: { path: target/api }
    ports: ["8080:8080"]
    environment: { ISSUER: "${DEVENV_ISSUER}", SECRET: "${DEVENV_SECRET_API_CLIENT}", DATA: "${DEVENV_DATA}", SELF: "${DEVENV_URL_API}" }
    secrets: [api-client, ask]
    docker:
      environment: { DATABASE: "db:5432" }
      depends_on: [db]
  db:
    engines: [docker]
    image: postgres:17
"#;

fn load(text: &str) -> Manifest {
    let source = SourceFile { path: "devenv.yaml".into(), text: text.into() };
    let sources = Sources { file: &source, overrides: &[], files: &NoFiles, variables: &BTreeMap::new() };
    manifest::load(&sources).unwrap_or_else(|problems| panic!("{problems}")).value
}

fn context(engine: EngineName) -> Context {
    let artifact = |path: &str| Artifact { path: path.into(), digest: format!("digest of {path}") };
    let keys = [
        SecretKey::SigningKey,
        SecretKey::IdpControl,
        SecretKey::IamControl,
        SecretKey::IamDirectory,
        SecretKey::Salt,
        SecretKey::Client("api".into()),
        SecretKey::Generated("ask".into()),
        SecretKey::Generated("unused".into()),
    ];
    Context {
        engine,
        project: Project {
            name: "orders".into(),
            instance: "1234".into(),
            directory: "/work".into(),
            state: "/state".into(),
        },
        executable: artifact("/bin/devenv"),
        builds: BTreeMap::new(),
        mounts: BTreeMap::new(),
        artifacts: BTreeMap::from([("api".to_owned(), artifact("/work/target/api"))]),
        secrets: Secrets(keys.into_iter().map(|key| (key.clone(), format!("value of {}", key.file_name()))).collect()),
        files: BTreeMap::new(),
        shares_files: true,
        policies: mock_iam::config::Policies::default(),
    }
}

fn plan(text: &str, engine: EngineName) -> Plan {
    resolve(&load(text), &context(engine)).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn errors(text: &str, engine: EngineName) -> Vec<String> {
    let errors = resolve(&load(text), &context(engine)).expect_err("it should not resolve");
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn everything_that_has_to_be_gathered_is_named() {
    let required = requirements(&load(ORDERS), EngineName::Docker);
    let names: Vec<String> = required.secrets.iter().map(SecretKey::file_name).collect();
    assert_eq!(
        names,
        [
            "signing-key",
            "idp-control",
            "iam-control",
            "iam-directory",
            "salt",
            "client.api",
            "secret.ask",
            "secret.unused"
        ]
    );
    assert_eq!(required.binaries.keys().collect::<Vec<_>>(), ["api"]);
}

#[test]
fn the_same_file_is_a_stack_of_containers_and_a_stack_of_processes() {
    let names = |engine| plan(ORDERS, engine).services.into_keys().collect::<Vec<_>>();
    assert_eq!(names(EngineName::Docker), ["api", "api-relay", "db", "iam", "idp"]);
    assert_eq!(names(EngineName::Embedded), ["api", "iam", "idp"]);
}

#[test]
fn the_issuer_is_one_url_on_both_engines_and_secrets_are_paths() {
    for (engine, secret, data) in [
        (EngineName::Docker, "/run/secrets/api-client", "/data"),
        (EngineName::Embedded, "/state/services/api/files/secrets/api-client", "/state/data/api"),
    ] {
        let plan = plan(ORDERS, engine);
        let environment = &plan.services["api"].environment;
        assert_eq!(environment["ISSUER"], "http://localhost:9400");
        assert_eq!(environment["SECRET"], secret);
        assert_eq!(environment["DATA"], data);
        let values = format!("{environment:?}");
        assert!(!values.contains("value of"), "a secret is in the environment: {values}");
    }
}

#[test]
fn an_override_of_one_engine_is_laid_over_and_the_other_does_not_see_it() {
    let docker = plan(ORDERS, EngineName::Docker);
    assert_eq!(docker.services["api"].environment["DATABASE"], "db:5432");
    assert!(docker.services["api"].depends_on.contains_key("db"));
    let embedded = plan(ORDERS, EngineName::Embedded);
    assert!(!embedded.services["api"].environment.contains_key("DATABASE"));
    assert!(!embedded.services["api"].depends_on.contains_key("db"));
}

#[test]
fn the_relay_owns_network_and_ports_of_the_container_that_speaks_to_the_issuer() {
    let plan = plan(ORDERS, EngineName::Docker);
    let (api, relay) = (&plan.services["api"], &plan.services["api-relay"]);
    assert_eq!(api.network, ServiceNetwork::SharedWith("api-relay".into()));
    assert_eq!(relay.network, ServiceNetwork::Networks(vec!["default".into()]));
    assert_eq!(relay.command, ["serve", "relay", "9400=idp:9400", "9410=iam:9410"]);
    assert_eq!(relay.ports, api.ports);
    assert_eq!(relay.container.hostname.as_deref(), Some("api"));
    assert_eq!(plan.services["db"].network, ServiceNetwork::Networks(vec!["default".into()]), "a database needs none");
}

#[test]
fn a_service_waits_for_the_built_in_ones_only_when_it_speaks_to_them() {
    let plan = plan(ORDERS, EngineName::Docker);
    assert!(plan.services["api"].depends_on.contains_key(IDP) && plan.services["api"].depends_on.contains_key(IAM));
    assert!(plan.services["db"].depends_on.is_empty());
}

#[test]
fn ports_are_on_loopback_and_our_containers_have_least_privilege() {
    let plan = plan(ORDERS, EngineName::Docker);
    for service in plan.services.values() {
        assert!(service.ports.iter().all(|port| port.host_ip == "127.0.0.1"), "{}", service.name);
    }
    for name in ["api", "api-relay", IDP, IAM] {
        let hardening = &plan.services[name].hardening;
        assert_eq!(hardening.user.as_deref(), Some("65532:65532"), "{name}");
        assert!(hardening.read_only && hardening.init && hardening.pids_limit.is_some(), "{name}");
        assert_eq!(hardening.cap_drop, ["ALL"], "{name}");
        assert_eq!(hardening.security_opt, ["no-new-privileges:true"], "{name}");
    }
}

#[test]
fn secrets_reach_the_built_in_services_in_a_file_that_only_they_can_read() {
    let plan = plan(ORDERS, EngineName::Docker);
    let idp = &plan.services[IDP];
    assert_eq!(idp.files.len(), 1);
    assert_eq!((idp.files[0].path.as_str(), idp.files[0].mode), ("/run/devenv/config.json", 0o400));
    let config: mock_idp::Config = serde_json::from_slice(&idp.files[0].content).unwrap();
    assert_eq!(config.issuer, "http://localhost:9400");
    assert!(config.clients["api"].secret.as_ref().unwrap().matches("value of client.api"));
    assert!(!format!("{idp:?}").contains("value of"), "Debug shows a secret");
    let iam: mock_iam::Config = serde_json::from_slice(&plan.services[IAM].files[0].content).unwrap();
    let may = &iam.callers["secret:ask"].may;
    assert_eq!(may, &[mock_iam::config::Permission::Decide], "the API may decide and nothing else");
}

#[test]
fn settings_of_the_provider_and_of_clients_reach_its_configuration() {
    let text = r#"
identity:
  clients:
    api: { type: confidential, grants: [token_exchange], token_exchange: { audiences: stock-api, actors: [api] } }
    cli: { type: public, grants: [device_code] }
    robot:
      type: confidential
      auth_method: private_key_jwt
      jwks: { keys: [{ kty: OKP, crv: Ed25519, x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] }
    shop:
      type: public
      id_token_signed_response_alg: EdDSA
      redirect_uris: ["http://localhost:3000/callback"]
      post_logout_redirect_uris: "http://localhost:3000/"
      backchannel_logout_uri: "http://localhost:3000/back"
      frontchannel_logout_uri: "http://localhost:3000/front"
      consent: true
idp:
  mode: permissive
  keys: { algorithm: PS256, also: ES256 }
  login: { second_factor: true }
  claims: { clearance: [access_token] }
  dpop: { nonce: true, lifetime: 2m }
  resources: { "https://orders.example": { scopes: ["orders:read"] } }
  registration: { open: true, lifetime: 1h }
  acr_values: [pwd, mfa]
"#;
    let plan = plan(text, EngineName::Embedded);
    let config: mock_idp::Config = serde_json::from_slice(&plan.services[IDP].files[0].content).unwrap();
    let exchange = config.clients["api"].token_exchange.as_ref().unwrap();
    assert_eq!((&exchange.audiences, &exchange.actors), (&vec!["stock-api".to_owned()], &vec!["api".to_owned()]));
    assert_eq!(config.clients["cli"].grants, [mock_idp::config::Grant::DeviceCode]);
    let robot = &config.clients["robot"];
    assert!(robot.secret.is_none() && robot.jwks.is_some());
    assert!(config.dpop.nonce && config.dpop.lifetime_seconds == 120);
    assert_eq!(config.resources["https://orders.example"].scopes, ["orders:read"]);
    assert_eq!(config.registration.unwrap().lifetime_seconds, 3_600);
    assert_eq!(config.acr_values, ["pwd", "mfa"]);
    let shop = &config.clients["shop"];
    assert_eq!(shop.id_token_signed_response_alg, Some(mock_idp::Algorithm::EdDsa));
    assert_eq!(shop.post_logout_redirect_uris, ["http://localhost:3000/"]);
    assert_eq!(shop.backchannel_logout_uri.as_deref(), Some("http://localhost:3000/back"));
    assert_eq!(shop.frontchannel_logout_uri.as_deref(), Some("http://localhost:3000/front"));
    assert!(shop.consent && config.login.second_factor);
    assert_eq!(config.mode, mock_idp::config::Mode::Permissive);
    let keys = (config.keys.algorithm, config.keys.also.as_slice());
    assert_eq!(keys, (mock_idp::Algorithm::PS256, &[mock_idp::Algorithm::ES256][..]));
    assert_eq!(config.claims["clearance"], [mock_idp::config::ClaimTarget::AccessToken]);
}

#[test]
fn what_the_provider_would_refuse_at_its_start_is_said_when_the_plan_is_made() {
    let client = |settings: &str| {
        let text = format!("identity: {{ clients: {{ api: {{ type: confidential, {settings} }} }} }}\nidp:\n");
        errors(&text, EngineName::Embedded).join("\n")
    };
    assert!(client("auth_method: private_key_jwt").contains("needs `jwks`"));
    assert!(client("auth_method: kerberos").contains("the client `api` cannot be read"));
    assert!(client("jwks: { keys: [{ kty: oct, k: AAAA }] }").contains("private part"));
}

#[test]
fn a_plan_that_starts_nothing_needs_no_secrets() {
    let without = Context { secrets: Secrets(BTreeMap::new()), ..context(EngineName::Embedded) };
    let text = "identity: { clients: { api: { type: confidential, auth_method: client_secret_jwt } } }\nidp:\n";
    assert!(resolve(&load(text), &without).is_ok());
}

#[test]
fn one_changed_variable_changes_one_field_of_one_fingerprint() {
    let before = plan(ORDERS, EngineName::Docker);
    let after = plan(&ORDERS.replace("db:5432", "db:5433"), EngineName::Docker);
    for (name, service) in &before.services {
        let changed = service.fingerprint.differences(&after.services[name].fingerprint);
        let expected: &[&str] = if name == "api" { &["environment.DATABASE"] } else { &[] };
        assert_eq!(changed, expected, "{name}");
    }
}

#[test]
fn a_rebuilt_program_is_a_changed_program() {
    let mut rebuilt = context(EngineName::Docker);
    rebuilt.artifacts.insert("api".into(), Artifact { path: "/work/target/api".into(), digest: "another".into() });
    let before = plan(ORDERS, EngineName::Docker);
    let after = resolve(&load(ORDERS), &rebuilt).unwrap();
    assert_eq!(before.services["api"].fingerprint.differences(&after.services["api"].fingerprint), ["program"]);
}

#[test]
fn an_image_has_no_place_among_processes() {
    let text = "services: { db: { image: postgres }, web: { run: sleep 1 } }";
    assert_eq!(errors(text, EngineName::Embedded), ["service `db`: `image:` cannot run on the embedded engine"]);
}

#[test]
fn an_unclosed_quote_in_a_command_is_named() {
    let mut manifest = load("services: { web: { run: sleep 1 } }");
    let web = manifest.services.get_mut("web").unwrap();
    web.run = Some(manifest::Command::Line("echo 'a".into()));
    let errors = resolve(&manifest, &context(EngineName::Embedded)).expect_err("it should not resolve");
    assert_eq!(errors[0].to_string(), "service `web`: a quote is not closed in `echo 'a`");
}

#[test]
fn networks_and_volumes_carry_the_name_of_the_work_tree_unless_they_are_external() {
    let text = "name: orders\nservices: { db: { image: postgres, networks: [back, shared], volumes: [\"data:/data\"] } }\n\
                networks: { back: { internal: true }, shared: { external: true } }\nvolumes: { data: }\n";
    let plan = plan(text, EngineName::Docker);
    assert_eq!(plan.networks["back"].name, "orders-1234_back");
    assert!(plan.networks["back"].internal);
    assert_eq!(plan.networks["shared"].name, "shared");
    assert_eq!(plan.volumes["data"].name, "orders-1234_data");
}

/// The configuration of the IAM and its mounts.
fn iam(text: &str, engine: EngineName, files: &[(&str, &str)]) -> (serde_json::Value, Vec<PlannedMount>) {
    let mut context = context(engine);
    context.files = files.iter().map(|(path, text)| (path.into(), text.as_bytes().to_vec())).collect();
    let mut plan = resolve(&load(text), &context).unwrap_or_else(|errors| panic!("{errors:?}"));
    let service = plan.services.remove("iam").unwrap();
    (serde_json::from_slice(&service.files[0].content).unwrap(), service.mounts)
}

#[test]
fn policies_are_watched_where_they_are_and_on_docker_through_a_mount_that_cannot_be_written() {
    let text = "iam: { policies: policies/ }\nservices: {}\n";
    let (config, mounts) = iam(text, EngineName::Embedded, &[]);
    assert_eq!(config["policy_directory"], serde_json::json!({ "path": "/work/policies/", "name": "policies/" }));
    assert_eq!(mounts, []);
    let (config, mounts) = iam(text, EngineName::Docker, &[]);
    assert_eq!(config["policy_directory"]["path"], "/policies");
    let source = PlannedMountSource::Bind("/work/policies/".into());
    assert_eq!(
        mounts,
        [PlannedMount { source, target: "/policies".into(), read_only: true, options: Default::default() }]
    );
    let mut remote = context(EngineName::Docker);
    remote.shares_files = false;
    assert_eq!(resolve(&load(text), &remote).unwrap().services["iam"].mounts, []);
    let (config, mounts) = iam("iam: { policies: policies/, watch: false }\nservices: {}\n", EngineName::Docker, &[]);
    assert_eq!((&config["policy_directory"], mounts.len()), (&serde_json::Value::Null, 0));
}

#[test]
fn aws_roles_trust_the_provider_of_the_stack_wherever_its_keys_are_reached() {
    let text =
        "idp: { port: 9401, access_token: { audience: api } }\niam: { aws_roles: { deploy: a.json } }\nservices: {}\n";
    assert!(requirements(&load(text), EngineName::Docker).files.contains(std::path::Path::new("a.json")));
    for (engine, keys) in
        [(EngineName::Docker, "http://idp:9401/jwks"), (EngineName::Embedded, "http://localhost:9401/jwks")]
    {
        let (config, _) = iam(text, engine, &[("a.json", "{}")]);
        let provider = &config["sts"]["providers"][0];
        assert_eq!((&provider["issuer"], &provider["jwks_url"]), (&"http://localhost:9401".into(), &keys.into()));
        assert_eq!(provider["client_ids"], serde_json::json!(["api", "sts.amazonaws.com"]));
        assert_eq!(config["sts"]["roles"]["deploy"]["trust_policy"], "{}");
    }
}
