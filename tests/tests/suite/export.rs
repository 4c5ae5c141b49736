//! `devenv export compose`: the same stack under plain Docker Compose, attacked by the same tests.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::program::{Bench, docker_answers, ports};

/// The command line of Compose v2, as plugin or as a program of its own; `None` when there is none.
fn compose() -> Option<Vec<String>> {
    let named = std::env::var("DOCKER_COMPOSE").ok();
    let known = named.iter().map(String::as_str).chain(["docker compose", "docker-compose"]);
    known.map(|words| words.split(' ').map(str::to_owned).collect::<Vec<_>>()).find(|words| {
        let output = Command::new(&words[0]).args(&words[1..]).args(["version", "--short"]).output();
        output.is_ok_and(|output| {
            let version = String::from_utf8_lossy(&output.stdout).trim().trim_start_matches('v').to_owned();
            output.status.success() && version.split('.').next().and_then(|major| major.parse().ok()) >= Some(2)
        })
    })
}

/// Compose on an exported file, which is taken down at the end.
struct Composed<'a> {
    words: Vec<String>,
    file: &'a Path,
}

impl Composed<'_> {
    #[track_caller]
    fn run(&self, arguments: &[&str]) {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.words[0]);
        let project = format!("devenv-export-{}", std::process::id());
        command.args(&self.words[1..]).args(["-p", &project]).arg("-f").arg(self.file).args(arguments);
        command
    }
}

impl Drop for Composed<'_> {
    fn drop(&mut self) {
        drop(self.command(&["down", "-v"]).output());
    }
}

#[test]
fn an_exported_stack_is_served_by_plain_compose_and_passes_the_same_tests() {
    if !docker_answers() {
        return;
    }
    let _ports = ports();
    let bench = Bench::orders("docker");
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("compose.yaml");
    let shown = file.display().to_string();
    let said = bench.run(&["export", "compose", "-o", &shown]).expect(0).stdout;
    assert!(said.contains("images in the engine: devenv/devenv:") && said.contains("never commit it"), "{said}");
    let down = bench.run(&["test", "--stack-from", &shown]).expect(3).stderr;
    assert!(down.contains("the stack does not run") && down.contains("up -d --wait"), "{down}");

    let attacked = || {
        let run = bench.run(&["test", "--stack-from", &shown, "--format", "json"]).expect(0).json();
        assert_eq!(run["verdict"], "pass", "{}", run["findings"]);
        assert!(run["summary"]["requests"].as_u64().unwrap() > 500, "{}", run["summary"]);
    };
    match compose() {
        Some(words) => {
            let compose = Composed { words, file: &file };
            compose.run(&["config", "--quiet"]);
            compose.run(&["up", "-d", "--wait"]);
            attacked();
        }
        None => {
            // Straight to standard error: what `eprintln!` says in a test that passes is swallowed.
            let note =
                "NOT WITH COMPOSE: there is no Compose v2 here; the exported file is served by devenv itself instead";
            drop(writeln!(std::io::stderr(), "{note}"));
            let text = std::fs::read_to_string(&file).unwrap();
            let again = Bench::of("docker", &[]);
            std::fs::create_dir_all(again.project()).unwrap();
            let inside = again.project().join("compose.yaml");
            std::fs::write(
                &inside,
                text.replace("./compose.files/", &format!("{}/compose.files/", place.path().display())),
            )
            .unwrap();
            again.run(&["up", "-d"]).expect(0);
            attacked();
        }
    }
}

const MANIFEST: &str = "name: shop\nidentity: { tenants: [a], personas: { alice: { tenant: a, roles: [user] } } }\nidp: { port: 9401 }\n\
    services: { web: { image: nginx } }\n";

#[test]
fn without_an_engine_the_export_says_how_its_images_get_there_and_nothing_of_others_is_written_over() {
    let bench = Bench::of("docker", &[("devenv.yaml", MANIFEST), ("compose.devenv.yaml", "services: {}\n")])
        .with("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    let refused = bench.run(&["export", "compose"]).expect(2).stderr;
    assert!(refused.contains("is there and is no export"), "{refused}");
    let said = bench.run(&["export", "compose", "--force", "--images"]).expect(0).stdout;
    assert!(said.contains("docker load -i") && said.contains("`nginx` is not pinned"), "{said}");
    let files = bench.project().join("compose.devenv.files");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&files), mode(&files.join("idp")), mode(&files.join("control/idp"))), (0o700, 0o700, 0o400));
    let archive = std::fs::read_dir(files.join("images")).unwrap().next().unwrap().unwrap();
    assert!(archive.metadata().unwrap().len() > 1_000_000, "{archive:?}");
    // An export may be made anew; a directory of somebody else is never removed.
    bench.run(&["export", "compose"]).expect(0);
    assert!(!files.join("images").exists());
    std::fs::remove_file(files.join(".gitignore")).unwrap();
    bench.run(&["export", "compose", "--force"]).expect(2);
    assert!(files.join("control/idp").is_file());
}

#[test]
fn a_process_of_this_machine_is_refused_and_a_foreign_file_is_no_stack() {
    let bench =
        Bench::of("docker", &[("devenv.yaml", "services: { web: { run: sleep 1 } }\n"), ("x.yaml", "services: {}\n")]);
    let refused = bench.run(&["export", "compose"]).expect(2).stderr;
    assert!(refused.contains("service `web` is a process") && refused.contains("help:"), "{refused}");
    let orders = Bench::orders("docker");
    let file = bench.project().join("x.yaml").display().to_string();
    let refused = orders.run(&["test", "--stack-from", &file]).expect(2).stderr;
    assert!(refused.contains("it has no `x-devenv`"), "{refused}");
}
