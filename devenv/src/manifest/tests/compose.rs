//! Several files: overrides, `extends`, `include`, env files; and where their problems are told.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Manifest, SourceFile, Sources, listed, service, source, variables};
use crate::manifest::{Condition, MountSource, Restart};

/// The manifest of several files; the first is the manifest itself, `+name` ones are laid over it.
fn files(all: &[(&str, &str)]) -> Result<Manifest, String> {
    files_with(all, &[])
}

fn files_with(all: &[(&str, &str)], known: &[(&str, &str)]) -> Result<Manifest, String> {
    let (_, text) = all[0];
    let over = |(name, text): &(&str, &str)| {
        let path = name.strip_prefix('+')?.into();
        Some(SourceFile { path, text: (*text).to_owned() })
    };
    let overrides: Vec<SourceFile> = all.iter().filter_map(over).collect();
    let files: BTreeMap<PathBuf, String> =
        all.iter().map(|(name, text)| (PathBuf::from(name), (*text).to_owned())).collect();
    let (file, variables) = (source(text), variables(known));
    let sources = Sources { file: &file, overrides: &overrides, files: &files, variables: &variables };
    let said = |problems: &crate::manifest::Problems| {
        let line = |problem: &crate::manifest::Problem| format!("{}:{}", problem.file.display(), problem.line);
        let places: Vec<String> = problems.iter().map(line).collect();
        places.iter().zip(listed(problems).lines()).map(|(place, text)| format!("{place} {text}\n")).collect::<String>()
    };
    crate::manifest::load(&sources).map(|loaded| loaded.value).map_err(|problems| said(&problems))
}

#[test]
fn an_override_merges_mappings_joins_lists_and_replaces_words() {
    let base = "services:\n  a:\n    image: one\n    command: [x]\n    environment: [A=1, B=1]\n    ports: [\"80:80\"]\n    \
                volumes: [./a:/data]\n    depends_on: [b]\n    dns: 1.1.1.1\n  b: { image: b }\n";
    let over = "services:\n  a:\n    image: two\n    command: [y, z]\n    environment: { B: '2' }\n    ports: [\"81:81\"]\n    \
                volumes: [./b:/data, ./c:/more]\n    depends_on: { b: { condition: service_healthy } }\n    dns: [9.9.9.9]\n  \
                b: { healthcheck: { test: \"true\" } }\n";
    let manifest = files(&[("devenv.yaml", base), ("+over.yaml", over)]).unwrap();
    let a = &manifest.services["a"];
    assert_eq!(a.image.as_deref(), Some("two"));
    assert_eq!(format!("{:?}", a.command), "Some(Words([\"y\", \"z\"]))");
    assert_eq!(a.environment, variables(&[("A", "1"), ("B", "2")]));
    assert_eq!(a.ports.iter().map(|port| port.target).collect::<Vec<_>>(), [80, 81]);
    let mounts: Vec<_> = a.volumes.iter().map(|mount| (&mount.source, mount.target.as_str())).collect();
    assert_eq!(mounts, [(&MountSource::Bind("./b".into()), "/data"), (&MountSource::Bind("./c".into()), "/more")]);
    assert_eq!(a.depends_on["b"], Condition::Healthy);
    assert_eq!(a.options.dns, ["1.1.1.1", "9.9.9.9"]);
}

#[test]
fn reset_takes_away_and_override_replaces() {
    let base = "services:\n  a:\n    image: x\n    ports: [\"80:80\"]\n    environment: { A: '1', B: '1' }\n    restart: always\n";
    let over = "services:\n  a:\n    ports: !override [\"81:81\"]\n    environment: { A: !reset null }\n    restart: !reset null\n";
    let manifest = files(&[("devenv.yaml", base), ("+over.yaml", over)]).unwrap();
    let a = &manifest.services["a"];
    assert_eq!(a.ports.iter().map(|port| port.target).collect::<Vec<_>>(), [81]);
    assert_eq!(a.environment, variables(&[("B", "1")]));
    assert_eq!(a.restart, None);
}

#[test]
fn a_value_of_another_kind_is_a_problem_of_the_file_above() {
    let said = files(&[
        ("devenv.yaml", "services: { a: { image: x, labels: { a: b } } }"),
        ("+over.yaml", "services:\n  a:\n    image: [y]\n"),
    ]);
    let expected = "over.yaml:3 3:12+1 error: `image` is a list here and text in the file below\n\
                    over.yaml:3 3:12+1 error: expected text, found a list\n";
    assert_eq!(said.unwrap_err(), expected);
}

#[test]
fn a_service_extends_one_of_its_file_and_one_of_another_file_with_its_paths() {
    let main = "services:\n  web:\n    extends: { file: common/base.yaml, service: worker }\n    environment: { LEVEL: high }\n  \
                job: { extends: web, command: run }\n";
    let base = "services:\n  worker:\n    extends: { service: root }\n    build: .\n    volumes: [./data:/data, named:/n]\n    \
                environment: { LEVEL: low, KEEP: yes }\n  root: { restart: always, env_file: base.env }\nvolumes: { named: }\n";
    let all = [
        ("devenv.yaml", &*format!("{main}volumes: {{ named: }}\n")),
        ("common/base.yaml", base),
        ("common/base.env", "FROM=file\n"),
    ];
    let manifest = files(&all).unwrap();
    let (web, job) = (&manifest.services["web"], &manifest.services["job"]);
    assert_eq!(web.environment, variables(&[("LEVEL", "high"), ("KEEP", "yes"), ("FROM", "file")]));
    assert_eq!(web.build.as_ref().unwrap().context, PathBuf::from("common"));
    assert_eq!(web.volumes[0].source, MountSource::Bind("./common/data".into()));
    assert_eq!(web.volumes[1].source, MountSource::Volume("named".into()));
    assert_eq!((web.restart, job.restart), (Some(Restart::Always), Some(Restart::Always)));
    assert!(job.command.is_some() && job.environment == web.environment);
}

#[test]
fn what_cannot_be_extended_is_told_and_the_rest_is_checked() {
    let said = files(&[(
        "devenv.yaml",
        "services:\n  a: { extends: b, image: x }\n  b: { extends: a, image: x }\n  c: { extends: wob, image: x }\n  \
         web: { image: x, extends: { service: y, file: none.yaml }, imgae: y }\n",
    )]);
    let said = said.unwrap_err();
    assert!(said.contains(":2 2:17+1 error: `b` extends itself") || said.contains("`a` extends itself"), "{said}");
    assert!(said.contains("there is no service `wob` in this file to extend (did you mean `web`?)"), "{said}");
    assert!(said.contains("there is no file none.yaml"), "{said}");
    assert!(said.contains("unknown key `imgae` (did you mean `image`?)"), "{said}");
}

#[test]
fn an_included_model_has_its_own_directory_and_variables() {
    let main = "include:\n  - db/compose.yaml\n  - { path: [mail/compose.yaml, mail/more.yaml], env_file: mail/own.env }\n\
                services: { api: { image: api, depends_on: [db, mail] } }\n";
    let all = [
        ("devenv.yaml", main),
        (
            "db/compose.yaml",
            "services: { db: { image: \"db:${TAG}\", volumes: [\"./init:/init\"] } }\nconfigs: { c: { file: ./c.txt } }\n",
        ),
        ("db/.env", "TAG=17\nOTHER=1\n"),
        ("mail/compose.yaml", "include: [deep/x.yaml]\nservices: { mail: { image: \"mail:$TAG\" } }\n"),
        ("mail/more.yaml", "services: { mail: { command: \"go $HOST\" } }\n"),
        ("mail/own.env", "TAG=${HOST}-2\nHOST=ignored\n"),
        ("mail/deep/x.yaml", "services: { deep: { build: { dockerfile: D } } }\n"),
    ];
    let manifest = files_with(&all, &[("HOST", "here")]).unwrap();
    let image = |name: &str| manifest.services[name].image.clone().unwrap();
    assert_eq!((image("db"), image("mail")), ("db:17".to_owned(), "mail:here-2".to_owned()));
    assert_eq!(manifest.services["db"].volumes[0].source, MountSource::Bind("./db/init".into()));
    assert_eq!(manifest.services["deep"].build.as_ref().unwrap().context, PathBuf::from("mail/deep"));
    assert_eq!(format!("{:?}", manifest.configs["c"]), "File(\"db/c.txt\")");
    assert!(format!("{:?}", manifest.services["mail"].command).contains("go here"));
}

#[test]
fn an_include_that_collides_loops_or_is_not_there_is_told_at_its_place() {
    let said = files(&[
        ("devenv.yaml", "include:\n  - a.yaml\n  - none.yaml\n  - loop.yaml\nservices:\n  db: { image: mine }\n"),
        ("a.yaml", "services:\n  db: { image: theirs }\nidp: { port: 1 }\n"),
        ("loop.yaml", "include: [loop.yaml]\nservices: { x: { image: x, prots: [] } }\n"),
    ]);
    let said = said.unwrap_err();
    for expected in [
        "a.yaml:3 3:1+3 error: `idp` belongs into the file that includes this one",
        "devenv.yaml:3 3:5+9 error: there is no file none.yaml",
        "devenv.yaml:6 6:3+2 error: `db` of `services` is in an included file too",
        "loop.yaml:1 1:11+9 error: loop.yaml includes itself",
        "loop.yaml:2 2:28+5 error: unknown key `prots` (did you mean `ports`?)",
    ] {
        assert!(said.contains(expected), "{expected}\n--\n{said}");
    }
}

#[test]
fn env_files_come_before_environment_and_later_ones_win() {
    let main = "services:\n  a:\n    image: x\n    env_file: [one.env, { path: two.env, required: false }, { path: raw.env, format: raw }, { path: no.env, required: false }]\n    environment: { C: own }\n";
    let all =
        [("devenv.yaml", main), ("one.env", "A=1\nB=1\nC=1\n"), ("two.env", "B=${A}2\n"), ("raw.env", "R='$A'\n")];
    let manifest = files(&all).unwrap();
    assert_eq!(manifest.services["a"].environment, variables(&[("A", "1"), ("B", "12"), ("C", "own"), ("R", "'$A'")]));
    let missing = files(&[("devenv.yaml", "services:\n  a:\n    image: x\n    env_file: gone.env\n")]).unwrap_err();
    assert!(missing.contains("devenv.yaml:4 4:15+8 error: there is no file gone.env"), "{missing}");
    let wrong =
        files(&[("devenv.yaml", "services: { a: { image: x, env_file: w.env } }"), ("w.env", "A=1\nno pair\n")]);
    assert!(wrong.unwrap_err().contains("w.env:2: this is not `NAME=value`"));
}

#[test]
fn keys_for_the_container_engine_are_read_in_both_forms() {
    let short = service(
        "cpus: 0.5\ndevices: [\"/dev/a:/dev/b:r\"]\ndns: 1.1.1.1\ngpus: all\nlogging: { driver: local, options: { max-size: 1m } }\n\
         memswap_limit: -1\nsysctls: [net.core.somaxconn=1024]\nulimits: { nofile: 20000, nproc: { soft: 1, hard: 2 } }\n\
         deploy: { resources: { limits: { memory: 64m, pids: 5 } } }\nshm_size: 1g\nruntime: runsc\ncpu_quota: 50ms\n",
    );
    let options = &short.options;
    assert_eq!(options.nano_cpus, Some(500_000_000));
    assert_eq!(
        format!("{:?}", options.devices),
        "[Device { source: \"/dev/a\", target: \"/dev/b\", permissions: \"r\" }]"
    );
    assert_eq!((options.memswap_limit, options.cpu_quota), (Some(-1), Some(50_000)));
    assert_eq!(options.sysctls, variables(&[("net.core.somaxconn", "1024")]));
    assert_eq!((options.ulimits["nofile"].hard, options.ulimits["nproc"].hard), (20_000, 2));
    assert_eq!((short.mem_limit, short.pids_limit), (Some(64 << 20), Some(5)));
    assert_eq!(options.device_requests[0].count, Some(-1));
    let long = service(
        "deploy: { resources: { reservations: { devices: [{ driver: nvidia, count: 1, capabilities: [gpu] }] } } }\n",
    );
    assert_eq!(long.options.device_requests[0].driver.as_deref(), Some("nvidia"));
}

#[test]
fn a_service_is_known_in_its_networks_as_the_file_says() {
    let manifest = files(&[(
        "devenv.yaml",
        "services:\n  a:\n    image: x\n    networks:\n      low:\n      high: { priority: 9, aliases: [front], ipv4_address: 10.0.0.2 }\n    \
         links: [\"b:database\", b]\n  b: { image: y, depends_on: { gone: { condition: service_started, required: false } } }\n\
         networks:\n  low:\n  high: { ipam: { config: [{ subnet: 10.0.0.0/24 }] }, driver_opts: { a: 1 }, labels: [x=y] }\n",
    )])
    .unwrap();
    let a = &manifest.services["a"];
    assert_eq!(a.networks, ["high", "low"]);
    assert_eq!(
        (a.attachments["high"].aliases[0].as_str(), a.attachments["high"].ipv4.as_deref()),
        ("front", Some("10.0.0.2"))
    );
    assert_eq!(a.links, [("b".to_owned(), "database".to_owned()), ("b".to_owned(), "b".to_owned())]);
    assert_eq!(a.depends_on.keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!(manifest.networks["high"].ipam.pools[0].subnet.as_deref(), Some("10.0.0.0/24"));
}

#[test]
fn what_is_shown_can_be_read_again_and_means_the_same() {
    let text = "name: shop\nidp: {}\nservices:\n  a:\n    image: x\n    command: echo $$HOME\n    environment: { ISSUER: \"${DEVENV_ISSUER}\" }\n    \
                ports: [\"127.0.0.1:80:81/udp\"]\n    volumes: [\"./d:/d/:ro\", data:/v]\n    secrets: [key]\n    \
                healthcheck: { test: [CMD, x], interval: 90s, retries: 2 }\n    depends_on: [b]\n    extra_hosts: [\"h:1.2.3.4\"]\n    \
                ulimits: { nofile: 9 }\n    stop_grace_period: 1500ms\n  b: { run: sleep 1, ready: { tcp: 5 } }\n  c: { image: y, profiles: [p] }\n\
                secrets: { key: { generate: true } }\nvolumes: { data: { labels: [a=b] } }\n";
    let read = |text: &str| {
        let (file, variables) = (source(text), BTreeMap::new());
        let files: BTreeMap<PathBuf, String> = BTreeMap::new();
        let sources = Sources { file: &file, overrides: &[], files: &files, variables: &variables };
        crate::manifest::read(&sources).unwrap_or_else(|problems| panic!("{problems}\n{text}")).value
    };
    let naming = crate::manifest::Naming { project: "shop", directory: "/w".as_ref() };
    let first = read(text).canonical(naming);
    assert_eq!(first["services"]["a"]["command"], serde_json::json!(["echo", "$$HOME"]));
    assert_eq!(first["services"]["a"]["volumes"][0]["source"], "/w/d");
    assert_eq!(first["services"]["a"]["healthcheck"]["interval"], "1m30s");
    assert_eq!(first["services"]["a"]["stop_grace_period"], "1.5s");
    assert_eq!(first["services"].get("c"), None, "its profile is off");
    let again = read(&serde_json::to_string(&first).unwrap()).canonical(naming);
    assert_eq!(first, again);
}
