//! The starter project through Podman's socket, which speaks Docker's API in its own way.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{Bench, ports, root};

const PATIENCE: Duration = Duration::from_secs(20);

/// `podman system service`, ended when it is dropped.
struct Podman {
    service: Child,
    _place: tempfile::TempDir,
    socket: PathBuf,
}

impl Podman {
    /// Nothing, said loudly, where it cannot run what is needed here.
    fn start() -> Option<Self> {
        match Self::try_start() {
            Ok(podman) => Some(podman),
            Err(reason) => {
                assert!(std::env::var_os("DEVENV_REQUIRE_PODMAN").is_none(), "{reason}");
                // Straight to standard error: what `eprintln!` says in a test that passes is swallowed.
                drop(writeln!(std::io::stderr(), "SKIPPED: nothing was tested on Podman here: {reason}"));
                None
            }
        }
    }

    fn try_start() -> Result<Self, String> {
        said("podman", &["version"])?;
        let image = image();
        if said("podman", &["image", "exists", &image]).is_err() {
            let copy = "docker save \"$0\" | podman load && podman tag \"localhost/$0\" \"docker.io/library/$0\"";
            said("sh", &["-c", copy, &image])?;
        }
        // Sandboxes often lack what it takes: an init program, a network, limits.
        said("podman", &["run", "--rm", "--init", "--pull", "never", "--entrypoint", "/bin/true", &image])?;
        let place = tempfile::tempdir().unwrap();
        let socket = place.path().join("podman.sock");
        let address = format!("unix://{}", socket.display());
        let mut command = Command::new("podman");
        command.args(["system", "service", "--time=0", &address]).stdout(Stdio::null()).stderr(Stdio::null());
        let podman = Self { service: command.spawn().map_err(|error| error.to_string())?, _place: place, socket };
        let deadline = Instant::now() + PATIENCE;
        while std::os::unix::net::UnixStream::connect(&podman.socket).is_err() {
            if Instant::now() > deadline {
                return Err("its socket does not come up".into());
            }
            std::thread::yield_now();
        }
        Ok(podman)
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        drop(self.service.kill());
        drop(self.service.wait());
    }
}

fn image() -> String {
    std::env::var("POSTGRES_IMAGE").unwrap_or_else(|_| "postgres:17".into())
}

fn said(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(format!("{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

fn states(rows: &Value) -> Vec<String> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    rows.as_array().unwrap().iter().map(|row| format!("{} {}", text(row, "service"), text(row, "state"))).collect()
}

#[test]
fn the_starter_project_comes_up_passes_and_goes_through_podmans_socket() {
    let Some(podman) = Podman::start() else { return };
    let _ports = ports();
    let bench = Bench::orders("docker").with("DOCKER_HOST", &format!("unix://{}", podman.socket.display()));
    bench.run(&["up", "-d"]).expect(0);
    let running = ["api running", "db running", "iam running", "idp running"];
    assert_eq!(states(&bench.run(&["ps", "--format", "json"]).expect(0).json()), running);
    assert!(bench.run(&["up", "-d"]).expect(0).stderr.contains("nothing to do"));
    assert!(bench.run(&["logs"]).expect(0).stdout.contains("database system is ready"));
    let run = bench.run(&["test", "--format", "json"]).expect(0).json();
    assert_eq!(run["verdict"], "pass", "{}", run["findings"]);
    bench.run(&["restart"]).expect(0);
    assert_eq!(states(&bench.run(&["ps", "--format", "json"]).expect(0).json()), running);
    assert_eq!(bench.run(&["plan", "--format", "json"]).expect(0).json(), serde_json::json!([]));
    bench.run(&["down", "-v"]).expect(0);
    let label = format!("label=dev.devenv.directory={}", root().join("templates/orders").display());
    for list in [&["ps", "-aq"][..], &["network", "ls", "-q"], &["volume", "ls", "-q"]] {
        assert_eq!(said("podman", &[list, &["--filter", &label]].concat()).unwrap(), "");
    }
}
