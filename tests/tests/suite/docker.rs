//! The starter project on Docker: containers, PostgreSQL, and one issuer URL everywhere.

use std::process::Command;

use crate::program::{Bench, docker_answers, ports};

fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Everything that the engine holds of this project.
fn left_overs(bench: &Bench) -> String {
    let label = format!("label=dev.devenv.directory={}", bench.project().display());
    let filter = ["--filter", label.as_str()];
    let containers = docker(&[&["ps", "-aq"][..], &filter].concat());
    let networks = docker(&[&["network", "ls", "-q"][..], &filter].concat());
    let volumes = docker(&[&["volume", "ls", "-q"][..], &filter].concat());
    format!("{containers}{networks}{volumes}")
}

#[test]
fn the_starter_project_passes_on_docker_with_postgresql_and_leaves_nothing() {
    if !docker_answers() {
        return;
    }
    let _ports = ports();
    let bench = Bench::orders("docker");
    let images = docker(&["images", "-q", "postgres"]);
    let ran = bench.run(&["test", "--format", "json"]).expect(0);
    let run = ran.json();
    assert_eq!(run["verdict"], "pass", "{}", run["findings"]);
    assert_eq!(docker(&["images", "-q", "postgres"]), images, "an image was pulled");
    assert_eq!(left_overs(&bench), "");
}

#[test]
fn the_api_in_its_container_sees_the_issuer_url_of_the_host_and_its_orders_are_in_postgresql() {
    if !docker_answers() {
        return;
    }
    let _ports = ports();
    let bench = Bench::orders("docker");
    bench.run(&["up", "-d"]).expect(0);
    let services = bench.run(&["ps", "--format", "json"]).expect(0).json();
    let id_of = |name: &str| {
        let service = services.as_array().unwrap().iter().find(|service| service["service"] == name).unwrap();
        service["id"].as_str().unwrap().to_owned()
    };
    let environment = docker(&["inspect", "--format", "{{json .Config.Env}}", &id_of("api")]);
    assert!(environment.contains("OIDC_ISSUER=http://localhost:9400"), "{environment}");
    let token = bench.run(&["token", "alice", "--format", "json"]).expect(0).json();
    assert_eq!(token["claims"]["iss"], "http://localhost:9400");

    let body = r#"{"item": "kept in postgres", "quantity": 1}"#;
    bench.run(&["request", "alice", "POST", "/orders", "--json", body]).expect(0);
    let query = "PATH=$PATH:$(echo /usr/lib/postgresql/*/bin) PGPASSWORD=$(cat /run/secrets/db-password) \
                 psql -h localhost -U orders -d orders -Atc 'select count(*) from orders'";
    assert_eq!(docker(&["exec", &id_of("db"), "sh", "-c", query]), "1");

    for name in ["api", "idp", "iam"] {
        let inspect = |format: &str| docker(&["inspect", "--format", format, &id_of(name)]);
        assert_eq!(
            inspect("{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}"),
            "65532:65532 true [ALL]"
        );
        assert!(!inspect("{{json .HostConfig.PortBindings}}").contains("0.0.0.0"), "{name} is on all interfaces");
    }
    let again = bench.run(&["up", "-d"]).expect(0);
    assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
    bench.run(&["down"]).expect(0);
    assert_eq!(left_overs(&bench), "");
}

#[test]
fn a_stack_of_images_alone_can_be_looked_at_before_it_was_ever_up() {
    if !docker_answers() {
        return;
    }
    let bench = Bench::of("auto", &[("devenv.yaml", "services: { db: { image: postgres } }\n")]);
    assert_eq!(bench.run(&["ps", "--format", "json"]).expect(0).json(), serde_json::json!([]));
    bench.run(&["down"]).expect(0);
    let without = Bench::of("auto", &[("devenv.yaml", "services: { db: { image: postgres } }\n")])
        .with("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    let ran = without.run(&["ps"]).expect(3);
    assert!(ran.stderr.contains("no Docker engine answers"), "{}", ran.stderr);
}

#[test]
fn without_an_engine_auto_falls_back_and_docker_says_what_to_do() {
    let _ports = ports();
    let bench = Bench::orders("docker").with("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    let refused = bench.run(&["up", "-d"]).expect(3);
    assert!(
        refused.stderr.contains("no Docker engine answers at") && refused.stderr.contains("help:"),
        "{}",
        refused.stderr
    );
    let bench = Bench::orders("auto").with("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    let ran = bench.run(&["up", "-d"]).expect(0);
    assert!(ran.stderr.contains("engine: embedded (no Docker engine answers"), "{}", ran.stderr);
}

#[test]
fn auto_falls_back_when_an_image_is_neither_there_nor_can_be_pulled() {
    if !docker_answers() {
        return;
    }
    let _ports = ports();
    let bench = Bench::orders("auto").with("POSTGRES_IMAGE", "localhost:1/no/such-image:1");
    let ran = bench.run(&["up", "-d"]).expect(0);
    assert!(ran.stderr.contains("engine: embedded (image `localhost:1/no/such-image:1` is not here"), "{}", ran.stderr);
    bench.run(&["down"]).expect(0);
    let bench = Bench::orders("docker").with("POSTGRES_IMAGE", "localhost:1/no/such-image:1");
    let refused = bench.run(&["up", "-d"]).expect(3);
    assert!(refused.stderr.contains("cannot be pulled"), "{}", refused.stderr);
    bench.run(&["down"]).expect(0);
    assert_eq!(left_overs(&bench), "");
}
