//! The files of the documentation and of the starter project load.

use super::*;
use crate::manifest::{Binary, Command, Condition, ConfigSource, EngineName, ReadinessTest, SecretSource};

pub(super) const COMPOSER: &str = r#"
name: orders
identity:                         # one cast for the IdP, the IAM and the tests
  tenants: [acme, globex]
  personas:
    alice:   { tenant: acme,   roles: [customer] }
    bob:     { tenant: acme,   roles: [customer] }
    carol:   { tenant: acme,   roles: [support], attributes: { clearance: 2 } }
    mallory: { tenant: globex, roles: [customer] }
    root:    { tenant: acme,   roles: [admin] }
  clients:
    web:   { type: public, redirect_uris: ["http://localhost:8080/callback"] }
    batch: { type: confidential, grants: [client_credentials], scopes: ["orders:read"] }
idp:  { port: 9400, access_token: { format: jwt, lifetime: 5m, audience: orders-api } }
iam:  { port: 9410, policies: policies/ }
services:
  api:
    binary: { path: target/release/orders-api, build: cargo build --release --bin orders-api }
    ports: ["8080:8080"]
    environment: { OIDC_ISSUER: "${DEVENV_ISSUER}", AUTHZEN_URL: "${DEVENV_AUTHZEN_URL}", DATABASE_URL: "sqlite:orders.db" }
    ready: { http: /health }
    docker:
      environment: { DATABASE_URL: "postgres://…" }
      depends_on: { db: { condition: service_healthy } }
  web:
    run: npm run dev
  db:
    image: postgres:17
tests: authz.yaml
"#;

pub(super) const ORDERS: &str = r#"
name: orders
identity:
  tenants: [acme, globex]
  personas: { alice: { tenant: acme, roles: [customer] }, carol: { tenant: acme, roles: [support] } }
  clients:
    web: { type: public, redirect_uris: ["http://localhost:8080/callback"] }
    orders-api: { type: confidential, grants: [client_credentials] }
idp: { port: 9400, access_token: { format: jwt, lifetime: 5m, audience: orders-api } }
iam: { port: 9410, policies: policies/ }
secrets:
  orders-api-client: { client: orders-api }
  authzen-token: { iam: decide }
  db-password: { generate: true }
configs:
  start-postgres: { file: db/start.sh }
services:
  api:
    binary: { cargo: orders-api }
    ports: ["8080:8080"]
    environment:
      LISTEN: "127.0.0.1:${DEVENV_PORT_API}"
      OIDC_ISSUER: ${DEVENV_ISSUER}
      OIDC_CLIENT_ID: orders-api
      OIDC_CLIENT_SECRET_FILE: ${DEVENV_SECRET_ORDERS_API_CLIENT}
      AUTHZEN_TOKEN_FILE: ${DEVENV_SECRET_AUTHZEN_TOKEN}
      DATABASE_URL: sqlite://${DEVENV_DATA}/orders.db?mode=rwc
      ORDERS_FLAWS: ${ORDERS_FLAWS:-}
    secrets: [orders-api-client, authzen-token]
    ready: { http: /health }
    docker:
      environment: { LISTEN: "0.0.0.0:8080", DATABASE_PASSWORD_FILE: "${DEVENV_SECRET_DB_PASSWORD}" }
      secrets: [orders-api-client, authzen-token, db-password]
      depends_on: { db: { condition: service_healthy } }
  db:
    engines: [docker]
    image: ${POSTGRES_IMAGE:-postgres:17}
    entrypoint: ["/bin/sh", "/run/configs/start-postgres"]
    user: postgres
    configs: [start-postgres]
    secrets: [{ source: db-password, mode: 0440 }]
    tmpfs: ["/var/lib/postgresql/data:uid=999,mode=0700"]
    healthcheck: { test: ["CMD-SHELL", "pg_isready -U $${USER}"], interval: 1s, timeout: 2s, retries: 30 }
tests: authz.yaml
"#;

#[test]
fn the_file_of_the_documentation_loads() {
    let result = load(&source(COMPOSER), &variables(&[])).unwrap();
    assert_eq!(
        listed(&result.warnings),
        "24:21+2 warning: `db` is only ever healthy if its image has a health check of its own \
         (add `ready:` or `healthcheck:` to `db`)\n"
    );
    let manifest = result.value;
    assert_eq!(manifest.name.as_deref(), Some("orders"));
    assert_eq!(manifest.identity.personas["carol"].attributes["clearance"], 2);
    assert_eq!(manifest.identity.clients["web"].grants, ["authorization_code", "refresh_token"]);
    assert_eq!(manifest.idp.unwrap().lifetime.as_secs(), 300);
    let api = &manifest.services["api"];
    assert_eq!(api.environment["OIDC_ISSUER"], "${DEVENV_ISSUER}");
    assert_eq!(
        api.binary,
        Some(Binary::Path {
            path: "target/release/orders-api".into(),
            build: Some(Command::Line("cargo build --release --bin orders-api".to_owned())),
        })
    );
    assert_eq!(api.docker.as_ref().unwrap().depends_on["db"], Condition::Healthy);
    assert_eq!(manifest.services["web"].run, Some(Command::Line("npm run dev".to_owned())));
}

#[test]
fn the_starter_project_loads() {
    let manifest = loaded(ORDERS);
    assert_eq!(manifest.secrets["orders-api-client"], SecretSource::Client("orders-api".to_owned()));
    assert_eq!(manifest.secrets["authzen-token"], SecretSource::Iam(vec!["decide".to_owned()]));
    assert_eq!(manifest.secrets["db-password"], SecretSource::Generate);
    assert_eq!(manifest.configs["start-postgres"], ConfigSource::File("db/start.sh".into()));
    let api = &manifest.services["api"];
    assert_eq!(api.binary, Some(Binary::Cargo { bin: "orders-api".to_owned(), profile: "release".to_owned() }));
    assert_eq!(api.environment["ORDERS_FLAWS"], "");
    assert_eq!(api.environment["DATABASE_URL"], "sqlite://${DEVENV_DATA}/orders.db?mode=rwc");
    let db = &manifest.services["db"];
    assert_eq!(db.engines, Some(vec![EngineName::Docker]));
    assert_eq!(db.image.as_deref(), Some("postgres:17"));
    assert_eq!(db.secrets[0].mode, Some(0o440));
    assert_eq!(db.tmpfs, [("/var/lib/postgresql/data".to_owned(), "uid=999,mode=0700".to_owned())]);
    let ready = db.ready.as_ref().unwrap();
    assert_eq!(ready.test, ReadinessTest::Shell { script: "pg_isready -U ${USER}".to_owned() });
    assert_eq!((ready.timeout.as_secs(), ready.within.as_secs()), (2, 30));
}

#[test]
fn variables_of_the_caller_choose_the_image() {
    let manifest = load(&source(ORDERS), &variables(&[("POSTGRES_IMAGE", "postgres:16")])).unwrap().value;
    assert_eq!(manifest.services["db"].image.as_deref(), Some("postgres:16"));
}

#[test]
fn the_files_of_the_starter_project_load_as_they_are() {
    loaded(include_str!("../../../../templates/orders/devenv.yaml"));
    let text = include_str!("../../../../templates/orders/authz.yaml");
    let file = crate::manifest::authz::parse(&source(text)).unwrap();
    assert_eq!(file.openapi, crate::manifest::authz::Document::File("openapi.yaml".into()));
}
