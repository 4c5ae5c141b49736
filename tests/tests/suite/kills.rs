//! `devenv` killed at random moments, many times in a row, whatever it was doing: then one `up` makes the stack right, and
//! one `down` removes all of it. `DEVENV_KILLS=50` kills so often on each engine, `DEVENV_SEED` begins elsewhere.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::embedded::processes_of;
use crate::program::{Bench, docker_answers, ports};

/// Built-in services, a relay, a network and a volume on Docker; processes otherwise. `MARK` changes between runs, so that
/// services are replaced as well as made.
const MANIFEST: &str = "name: kills
identity: { personas: { alice: {} } }
idp: { port: 19720 }
iam: { port: 19730 }
services:
  slow:
    image: ${POSTGRES_IMAGE:-postgres:17}
    entrypoint: [/bin/sh, -c, 'sleep 0.1; touch /tmp/ready; sleep 600']
    environment: { ISSUER: \"${DEVENV_ISSUER}\", MARK: \"${MARK:-0}\" }
    tmpfs: [\"/tmp:mode=1777\"]
    volumes: [\"kept:/kept\"]
    stop_signal: SIGKILL
    ready: { exec: [test, -e, /tmp/ready] }
    engines: [docker]
  quick:
    run: [sh, -c, 'sleep 0.1; echo ready; exec sleep 600']
    environment: { MARK: \"${MARK:-0}\" }
    ready: { log: ready }
    engines: [embedded]
volumes: { kept: {} }
";

/// Kills in the suite, on each engine.
const FEW: usize = 5;

/// Xorshift (Marsaglia 2003): moments need not be secret, and the same seed gives the same run.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Starts a command and kills it at some moment; says what that was, unless the command had ended by then.
fn kill_somewhere(bench: &Bench, random: &mut Random, longest: Duration) -> Option<String> {
    let arguments: &[&str] = match random.below(8) {
        0 => &["down"],
        1 => &["down", "-v"],
        2 => &["restart"],
        _ => &["up", "-d"],
    };
    let mark = random.below(3).to_string();
    let moment = Duration::from_micros(random.below(u64::try_from(longest.as_micros()).unwrap()));
    let mut command = bench.command(arguments);
    let mut child = command.env("MARK", &mark).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(moment);
    child.kill().unwrap();
    let killed = child.wait().unwrap().code().is_none();
    killed.then(|| format!("{arguments:?} MARK={mark} killed after {moment:?}"))
}

/// Names of everything that Docker holds of this project: containers, then networks and volumes.
fn held(bench: &Bench) -> [Vec<String>; 3] {
    let label = format!("label=dev.devenv.directory={}", bench.project().display());
    let lists = [
        &["ps", "-a", "--format", "{{.Label \"dev.devenv.service\"}}"][..],
        &["network", "ls", "--format", "{{.Label \"dev.devenv.network\"}}"],
        &["volume", "ls", "--format", "{{.Label \"dev.devenv.volume\"}}"],
    ];
    lists.map(|list| {
        let output = Command::new("docker").args(list).args(["--filter", &label]).output().unwrap();
        let mut names: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
        names.sort();
        names
    })
}

fn survives(engine: &'static str, services: &[&str]) {
    let bench = Bench::of(engine, &[("devenv.yaml", MANIFEST)]);
    let seed = number("DEVENV_SEED").unwrap_or(20_260_101);
    let mut random = Random(seed.max(1));
    // Images and secrets are made the first time only.
    bench.run(&["up", "-d"]).expect(0);
    bench.run(&["down", "-v"]).expect(0);
    let begun = Instant::now();
    bench.run(&["up", "-d"]).expect(0);
    let longest = begun.elapsed();
    let kills = number("DEVENV_KILLS").map_or(FEW, |kills| usize::try_from(kills).unwrap());
    let killed = std::iter::repeat_with(|| kill_somewhere(&bench, &mut random, longest)).flatten();
    let told = format!("seed {seed}\n{}", killed.take(kills).collect::<Vec<_>>().join("\n"));
    if std::env::var_os("DEVENV_KILLS").is_some() {
        drop(writeln!(std::io::stderr(), "{engine}: {told}"));
    }

    let up = bench.run(&["up", "-d"]);
    assert_eq!(up.code, 0, "{told}\n{}", up.stderr);
    let rows = bench.run(&["ps", "--all", "--format", "json"]).expect(0).json();
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap().to_owned();
    let found: Vec<_> = rows.as_array().unwrap().iter().map(|row| (text(row, "service"), text(row, "state"))).collect();
    let expected: Vec<_> = services.iter().map(|name| ((*name).to_owned(), "running".to_owned())).collect();
    assert_eq!(found, expected, "{told}");
    assert_eq!(bench.run(&["plan", "--format", "json"]).expect(0).json(), serde_json::json!([]), "{told}");
    if engine == "docker" {
        let [containers, networks, volumes] = held(&bench);
        assert_eq!(containers, services, "{told}");
        assert_eq!((networks, volumes), (vec!["default".to_owned()], vec!["kept".to_owned()]), "{told}");
    } else {
        // For each service one supervisor and one process.
        // What the shell of `quick` runs first may still be there for a moment; orphans stay.
        let deadline = Instant::now() + Duration::from_secs(5);
        let mut processes = processes_of(&bench);
        while processes.len() != 2 * services.len() && Instant::now() < deadline {
            processes = processes_of(&bench);
        }
        assert_eq!(processes.len(), 2 * services.len(), "{told}\n{processes:#?}");
    }

    bench.run(&["down", "-v"]).expect(0);
    assert_eq!(processes_of(&bench), Vec::<String>::new(), "{told}");
    let state = bench.state().join("devenv");
    let files: Vec<_> = state.read_dir().into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    assert!(files.is_empty(), "{told}\n{files:?}");
    if engine == "docker" {
        assert_eq!(held(&bench).concat(), Vec::<String>::new(), "{told}");
    }
}

#[test]
fn after_kills_at_random_moments_one_up_makes_it_right_and_one_down_removes_it() {
    let _ports = ports();
    survives("embedded", &["iam", "idp", "quick"]);
}

#[test]
fn after_kills_at_random_moments_one_up_makes_it_right_and_one_down_removes_it_on_docker() {
    if !docker_answers() {
        return;
    }
    let _ports = ports();
    survives("docker", &["iam", "idp", "slow", "slow-relay"]);
}
