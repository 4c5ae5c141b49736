//! Wrong files: every mistake at once, each at its place.

use super::*;

#[test]
fn ten_different_mistakes_are_ten_problems() {
    let text = "\
nmae: orders
identity:
  tenants: [acme]
  personas:
    alice: { tenant: acmee, roles: [customer] }
services:
  api:
    imgae: x
    ports: [\"80800:80\"]
    depends_on: [dbb]
    restart: sometimes
    read_only: maybe
  db:
    image: postgres
    secrets: [password]
    healthcheck: { test: x, interval: soon }
    ready: { tcp: 5432 }
    volumes: [data/x:/y]
";
    assert_eq!(
        said(text),
        "\
1:1+4 error: unknown key `nmae` (did you mean `name`?)
5:22+5 error: `alice` belongs to the unknown tenant `acmee` (did you mean `acme`?)
7:3+3 error: the service `api` has nothing to run (write one of `image`, `build`, `binary` or `run`)
8:5+5 error: unknown key `imgae` (did you mean `image`?)
9:13+10 error: `80800:80` is not a port: the host port is not from 1 to 65535 (write `8080`, `8080:80`, `127.0.0.1:8080:80` or `8080-8081:80-81/udp`)
10:18+3 error: there is no service `dbb` (did you mean `db`?)
11:14+9 error: expected `no`, `always`, `on-failure` or `unless-stopped` or `on-failure:3`, found `sometimes`
12:16+5 error: expected `true` or `false`, found `maybe`
15:15+8 error: there is no secret `password` (add it to the top-level `secrets:`)
16:5+11 error: `ready` and `healthcheck` exclude each other
16:39+4 error: expected a duration such as `1m30s`, found `soon`
18:15+9 error: `data/x` is not a valid name of a volume (for a directory, write `./data/x`)
"
    );
}

#[test]
fn a_broken_document_says_where_it_breaks() {
    let report = said("services:\n  a: [1, 2\n");
    assert!(report.starts_with("2:6+1 error: the file is not valid YAML: "), "{report}");
    assert_eq!(said(""), "1:1+1 error: the file is empty\n");
    assert_eq!(said("# only a comment\n"), "1:1+1 error: the file is empty\n");
    assert_eq!(said("- a\n"), "1:1+1 error: the file must be a mapping, not a list\n");
    assert_eq!(said("a: 1\n---\nb: 1\n"), "2:1+3 error: the file holds more than one YAML document\n");
    assert_eq!(said("? [a]\n: b\nname: x\n"), "1:3+1 error: a key must be text, not a list\n");
}

#[test]
fn a_cycle_is_printed() {
    let text = "services:\n  c: { image: x, depends_on: [a] }\n  a: { image: x, depends_on: [b] }\n  b:\n    image: x\n    depends_on: { c: { condition: service_started } }\n  d: { image: x, depends_on: [d, a] }\n";
    assert_eq!(
        said(text),
        "3:31+1 error: services wait for each other: `a` → `b` → `c` → `a`\n\
         7:31+1 error: services wait for each other: `d` → `d`\n"
    );
}

#[test]
fn a_cycle_through_the_overrides_of_an_engine_is_found() {
    let text = "services:\n  a: { image: x, depends_on: [b] }\n  b: { image: x, docker: { depends_on: [a] } }\n";
    assert_eq!(said(text), "2:31+1 error: services wait for each other: `a` → `b` → `a`\n");
    let apart =
        "services:\n  a: { run: x, embedded: { depends_on: [b] } }\n  b: { run: x, docker: { depends_on: [a] } }\n";
    assert_eq!(said(apart), "");
}

#[test]
fn what_can_never_be_healthy_is_an_error_unless_an_image_may_know() {
    let text = "services:\n  a: { run: x, depends_on: { b: { condition: service_healthy }, c: { condition: service_healthy } } }\n  b: { run: y }\n  c: { image: z }\n";
    assert_eq!(
        said(text),
        "2:30+1 error: `b` can never be healthy: it has no readiness test (add `ready:` or `healthcheck:` to `b`)\n\
         2:65+1 warning: `c` is only ever healthy if its image has a health check of its own (add `ready:` or `healthcheck:` to `c`)\n"
    );
}

#[test]
fn a_service_runs_exactly_one_thing() {
    assert_eq!(
        said(
            "services:\n  a: { image: x, run: y }\n  b: { user: z }\n  c: { docker: { image: x }, embedded: { run: y } }\n"
        ),
        "2:23+1 error: the service `a` has both `image` and `run` (keep one, or move one to `docker:` or `embedded:`)\n\
         3:3+1 error: the service `b` has nothing to run (write one of `image`, `build`, `binary` or `run`)\n"
    );
}

#[test]
fn names_that_are_taken_or_wrong_are_refused() {
    assert_eq!(
        said("name: Orders\nidp:\nservices:\n  idp: { image: x }\n  iam: { image: x }\n  \"a b\": { image: x }\n"),
        "1:7+6 error: `Orders` is not a valid project name (lower-case letters, digits, `-` and `_`, beginning with a letter or digit)\n\
         4:3+3 error: `idp` is the name of the built-in service of the section `idp:`\n\
         6:3+5 error: `a b` is not a valid name of a service (letters, digits, `.`, `_` and `-`, beginning with a letter or digit, at most 63)\n"
    );
}

#[test]
fn a_port_of_the_host_is_given_once() {
    let text = "idp:\nservices:\n  a: { image: x, ports: [\"8080:80\", \"9400:1\"] }\n  b: { image: x, ports: [\"0.0.0.0:8080:80\", \"8080:80/udp\"] }\n  c: { image: x, ports: [\"127.0.0.2:9400:80\"] }\n";
    assert_eq!(
        said(text),
        "3:37+8 error: port 9400 of the host is taken by `idp` already\n\
         4:26+17 error: port 8080 of the host is taken by `a` already\n"
    );
    assert_eq!(
        said("idp: { port: 9410 }\niam:\n"),
        "1:14+4 error: `idp` and `iam` both ask for port 9410 of the host\n"
    );
    let apart = "services:\n  a: { run: x, engines: [docker], ports: [\"1:1\"] }\n  b: { run: x, engines: [embedded], ports: [\"1:1\"] }\n  c: { run: x, profiles: [p], ports: [\"2:2\"] }\n  d: { run: x, profiles: [q], ports: [\"2:2\"] }\n";
    assert_eq!(said(apart), "");
}

#[test]
fn clients_make_sense() {
    let text = "\
identity:
  clients:
    a: { type: public, grants: [client_credentials] }
    b: { type: confidential, grants: [authorization_code] }
    c: { type: public }
    d: { type: secret }
    e: { type: public, redirect_uris: [\"/callback\", \"http://localhost/#x\"] }
    f: { type: confidential, grants: [password] }
    g: { type: confidential, scopes: [\"a b\"] }
";
    assert_eq!(
        said(text),
        "\
3:24+6 error: the public client `a` cannot use `client_credentials`: it has no secret (make it `type: confidential`, or remove the grant)
4:5+1 error: the confidential client `b` has no `redirect_uris`, so nobody can log in with it
5:5+1 error: the public client `c` has no `redirect_uris`, so nobody can log in with it
6:16+6 error: expected `confidential` or `public`, found `secret`
7:40+11 error: a redirect URI is absolute, such as `http://localhost:8080/callback`, found `/callback`
7:53+21 error: a redirect URI has no fragment (`#…`), found `http://localhost/#x`
8:39+8 error: expected `authorization_code`, `client_credentials`, `refresh_token`, `device_code`, `token_exchange` or `jwt_bearer`, found `password`
9:39+5 error: `a b` is not one scope: no spaces, quotes or backslashes
"
    );
}

#[test]
fn settings_of_the_provider_have_shapes() {
    let text = "\
identity:
  clients:
    a: { type: confidential, dpop_bound_access_tokens: maybe, token_exchange: { audience: x } }
idp:
  dpop: { nonce: true, lifetime: 10ms }
  resources: { \"https://a.example\": [] }
  registration: 5
";
    assert_eq!(
        said(text),
        "\
3:56+5 error: expected `true` or `false`, found `maybe`
3:81+8 error: unknown key `audience` (did you mean `audiences`?)
5:34+4 error: `lifetime` must be at least a second
6:37+1 error: `https://a.example` must be a mapping, not a list
7:17+1 error: `registration` must be a mapping, not text
"
    );
}

#[test]
fn secrets_and_configs_have_one_source() {
    let text = "\
identity: { clients: { web: { type: public, redirect_uris: [\"http://localhost/\"] } } }
secrets:
  a: { file: x, generate: true }
  b: {}
  c: { client: wbe }
  d: { client: web }
  e: { iam: decide }
  f: { external: true }
configs:
  g: { content: }
";
    assert_eq!(
        said(text),
        "\
3:3+1 error: `a` has more than one source (write one of `file`, `environment`, `generate`, `client` or `iam`)
4:3+1 error: `b` says nothing about where it comes from (write one of `file`, `environment`, `generate`, `client` or `iam`)
5:16+3 error: there is no client `wbe` (did you mean `web`?)
6:16+3 error: the public client `web` has no secret
7:13+6 error: a token for the IAM needs the section `iam:`
8:3+1 error: `f` says nothing about where it comes from (write one of `file`, `environment`, `generate`, `client` or `iam`)
8:8+8 error: `external` is a Compose key that devenv does not support yet
10:3+1 error: `g` says nothing about where it comes from (write one of `file`, `content` or `environment`)
"
    );
}

#[test]
fn names_that_nothing_has_are_found_in_overrides_as_well() {
    let text = "services:\n  a:\n    image: x\n    volumes: [dat:/d]\n    networks: [nn]\n    docker: { configs: [{ source: c }], network_mode: service:b }\n    embedded: { depends_on: [zz] }\nvolumes: { data: }\nnetworks: { n: }\n";
    assert_eq!(
        said(text),
        "4:15+6 error: there is no volume `dat` (did you mean `data`?)\n\
         5:16+2 error: there is no network `nn` (add it to the top-level `networks:`)\n\
         6:25+1 error: there is no config `c` (add it to the top-level `configs:`)\n\
         6:55+9 error: there is no service `b`\n\
         7:30+2 error: there is no service `zz`\n"
    );
}
