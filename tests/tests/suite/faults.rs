//! An engine in trouble while `devenv` works with it: between the two is a relay that drops, garbles, refuses, delays or
//! swallows what passes from some request on. Each time the command ends with an error that says what to do, and the next
//! one goes on from what is there.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::program::{Bench, Ran, docker_answers, ran};

const MANIFEST: &str = "name: faults
services:
  one:
    image: ${POSTGRES_IMAGE:-postgres:17}
    entrypoint: [/bin/sh, -c, 'touch /tmp/ready; sleep 600']
    tmpfs: [\"/tmp:mode=1777\"]
    stop_signal: SIGKILL
    ready: { exec: [test, -e, /tmp/ready] }
  two:
    image: ${POSTGRES_IMAGE:-postgres:17}
    entrypoint: [/bin/sh, -c, 'sleep 600']
    stop_signal: SIGKILL
    depends_on: { one: { condition: service_healthy } }
";

/// What becomes of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The connection ends.
    Drop,
    /// An answer that is no JSON.
    Garble,
    /// Status 500.
    Refuse,
    /// Every answer takes half a second.
    Delay,
    /// No answer, ever.
    Swallow,
}

/// A socket in front of the engine's.
struct Relay {
    _place: tempfile::TempDir,
    socket: PathBuf,
    requests: Arc<AtomicUsize>,
}

impl Relay {
    /// Goes bad from the request of this number on.
    fn start(fault: Fault, from: usize) -> Self {
        let place = tempfile::tempdir().unwrap();
        let socket = place.path().join("engine.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let count = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let count = count.clone();
                std::thread::spawn(move || relay(stream, fault, from, &count));
            }
        });
        Self { _place: place, socket, requests }
    }
}

/// Carries one connection; a piece that begins like a request counts as one.
fn relay(mut client: UnixStream, fault: Fault, from: usize, count: &AtomicUsize) {
    let Ok(mut engine) = UnixStream::connect(engine_socket()) else { return };
    let (mut answers, mut back) = (engine.try_clone().unwrap(), client.try_clone().unwrap());
    std::thread::spawn(move || {
        drop(std::io::copy(&mut answers, &mut back));
        drop(back.shutdown(std::net::Shutdown::Write));
    });
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = client.read(&mut piece) {
        let is_request =
            [&b"GET "[..], b"POST ", b"PUT ", b"HEAD ", b"DELETE "].iter().any(|verb| piece.starts_with(verb));
        if is_request && count.fetch_add(1, Ordering::SeqCst) >= from {
            match fault {
                Fault::Drop => break,
                Fault::Garble => {
                    let text = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n{\"oh:";
                    drop(client.write_all(text.as_bytes()));
                    break;
                }
                Fault::Refuse => {
                    let text = r#"{"message": "the engine is in trouble"}"#;
                    let head = "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json";
                    let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{text}", text.len());
                    drop(client.write_all(answer.as_bytes()));
                    break;
                }
                Fault::Delay => std::thread::sleep(Duration::from_millis(500)),
                // Until the other side gives up.
                Fault::Swallow => continue,
            }
        }
        if engine.write_all(piece.get(..length).unwrap_or_default()).is_err() {
            break;
        }
    }
    drop(client.shutdown(std::net::Shutdown::Both));
    drop(engine.shutdown(std::net::Shutdown::Both));
}

fn engine_socket() -> PathBuf {
    let named = std::env::var("DOCKER_HOST").ok();
    named.as_deref().and_then(|host| host.strip_prefix("unix://")).unwrap_or("/var/run/docker.sock").into()
}

fn through(bench: &Bench, relay: &Relay, arguments: &[&str]) -> (Ran, Duration) {
    let begun = Instant::now();
    let host = format!("unix://{}", relay.socket.display());
    let ended = ran(bench.command(arguments).env("DOCKER_HOST", host).output().unwrap());
    (ended, begun.elapsed())
}

/// Requests of an `up` that nothing is wrong with.
fn requests_of_an_up(bench: &Bench) -> usize {
    let relay = Relay::start(Fault::Drop, usize::MAX);
    through(bench, &relay, &["up", "-d"]).0.expect(0);
    bench.run(&["down"]).expect(0);
    relay.requests.load(Ordering::SeqCst)
}

/// An `up` that goes bad at several moments; each time the next one heals it.
fn survives(fault: Fault, most: Duration, says: &[&str]) {
    let bench = Bench::of("docker", &[("devenv.yaml", MANIFEST)]);
    let requests = requests_of_an_up(&bench);
    for part in [0, 2, 5, 8] {
        let from = requests * part / 10;
        let relay = Relay::start(fault, from);
        let (up, took) = through(&bench, &relay, &["up", "-d"]);
        let told = format!("{fault:?} from request {from} of {requests}, {took:?}: exit {}\n{}", up.code, up.stderr);
        if std::env::var_os("DEVENV_FAULTS").is_some() {
            drop(writeln!(std::io::stderr(), "{told}"));
        }
        assert!(took < most, "{told}");
        if fault == Fault::Delay {
            assert_eq!(up.code, 0, "{told}");
        } else {
            assert_eq!(up.code, 3, "{told}");
            assert!(says.iter().any(|text| up.stderr.contains(text)), "{told}");
            assert!(up.stderr.contains("help:"), "{told}");
        }
        bench.run(&["up", "-d"]).expect(0);
        assert_eq!(bench.run(&["plan", "--format", "json"]).expect(0).json(), serde_json::json!([]), "{told}");
        // `down` on an engine in trouble fails in order as well, and loses nothing.
        let relay = Relay::start(fault, 3);
        let (down, took) = through(&bench, &relay, &["down"]);
        assert!(took < most, "{fault:?}: {took:?}\n{}", down.stderr);
        assert_eq!(down.code, if fault == Fault::Delay { 0 } else { 3 }, "{fault:?}: {}", down.stderr);
        bench.run(&["down", "-v"]).expect(0);
        assert_eq!(bench.run(&["ps", "--all", "--format", "json"]).expect(0).json(), serde_json::json!([]));
    }
}

#[test]
fn an_engine_that_drops_connections_is_named_and_the_next_up_goes_on() {
    if docker_answers() {
        survives(Fault::Drop, Duration::from_secs(30), &["stopped answering", "no Docker engine answers"]);
    }
}

#[test]
fn an_engine_that_answers_nonsense_is_named_and_the_next_up_goes_on() {
    if docker_answers() {
        survives(Fault::Garble, Duration::from_secs(30), &["the engine failed to", "no Docker engine answers"]);
    }
}

#[test]
fn an_engine_that_answers_with_500_is_quoted_and_the_next_up_goes_on() {
    if docker_answers() {
        survives(Fault::Refuse, Duration::from_secs(60), &["the engine is in trouble", "status 500"]);
    }
}

#[test]
fn a_slow_engine_is_waited_for() {
    if docker_answers() {
        survives(Fault::Delay, Duration::from_secs(60), &[]);
    }
}

#[test]
fn an_engine_that_hangs_is_given_up_in_time() {
    // Half a minute for each moment: by hand.
    if std::env::var_os("DEVENV_FAULTS").is_some() && docker_answers() {
        survives(Fault::Swallow, Duration::from_secs(90), &["no answer within", "no Docker engine answers"]);
    }
}

/// Runs a command that cannot write a single byte to a file, as on a full disk.
fn on_a_full_disk(bench: &Bench, arguments: &[&str]) -> Ran {
    let command = bench.command(arguments);
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    shell.env_clear();
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    ran(shell.output().unwrap())
}

#[test]
fn a_full_disk_is_named_with_the_file_and_nothing_that_runs_is_lost() {
    let manifest = "name: full\nservices:\n  one: { run: sleep 600, environment: { MARK: \"${MARK:-0}\" } }\n";
    let bench = Bench::of("embedded", &[("devenv.yaml", manifest)]);
    let state = bench.state().display().to_string();
    let names_the_file = |ran: &Ran| {
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        assert!(ran.stderr.contains(&state) && ran.stderr.contains("File too large"), "{}", ran.stderr);
        assert!(ran.stderr.contains("help:"), "{}", ran.stderr);
    };
    let running = |bench: &Bench| bench.run(&["ps", "--format", "json"]).expect(0).json();
    names_the_file(&on_a_full_disk(&bench, &["up", "-d"]));
    bench.run(&["up", "-d"]).expect(0);
    let before = running(&bench);
    names_the_file(&on_a_full_disk(&bench, &["restart"]));
    let bench = bench.with("MARK", "1");
    names_the_file(&on_a_full_disk(&bench, &["up", "-d"]));
    assert_eq!(running(&bench), before);
    bench.run(&["up", "-d"]).expect(0);
    assert_ne!(running(&bench), before);
    bench.run(&["down", "-v"]).expect(0);
}
