//! The composer's figures: `devenv`, the raw API calls and Docker Compose v2 take turns, and the ratios are printed.
//! `cargo bench -p devenv --bench composer`; `DEVENV=/path` and `COMPOSE=/path` name other programs, `ROUNDS=n` how often.
#![cfg(unix)]
#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::indexing_slicing, reason = "JSON values answer null where nothing is")]

mod figures;
mod floor;
mod stack;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use figures::{Bar, COMPOSE, DEVENV, FLOOR, Figures, Row, START};
use floor::{Engine, Floor};
use stack::{Look, Stack};

pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const FLAT: &str = "cold `up` of 10 flat services";
const LAYERS: &str = "`up` of 10 services in 3 health-gated layers";
const AGAIN: &str = "`up` with nothing changed, 10 services";
const DOWN: &str = "`down` of 10 services";
const EMBEDDED: &str = "embedded stack (IdP, IAM, API) ready";
const REBUILD: &str = "`up` after a change of a `binary:` of 16 MB on Docker";
const CPU: &str = "processor time of the client in a cold `up`";
const MEMORY: &str = "memory of the client in a cold `up`";

/// The table of the design.
const ROWS: [Row; 8] = [
    Row { what: FLAT, unit: "ms", bars: &[Bar::Times(1.15, FLOOR)] },
    Row { what: LAYERS, unit: "ms", bars: &[Bar::Times(1.25, FLOOR), Bar::Times(0.5, COMPOSE)] },
    Row { what: AGAIN, unit: "ms", bars: &[Bar::Beyond(15.0, START), Bar::Times(0.3, COMPOSE)] },
    Row { what: DOWN, unit: "ms", bars: &[Bar::Times(1.15, FLOOR)] },
    Row { what: EMBEDDED, unit: "ms", bars: &[Bar::Most(150.0)] },
    Row { what: REBUILD, unit: "ms", bars: &[Bar::Most(700.0)] },
    Row { what: CPU, unit: "ms", bars: &[Bar::Most(100.0)] },
    Row { what: MEMORY, unit: "MB", bars: &[Bar::Most(40.0)] },
];

/// The image of the stacks, made on the spot.
const IMAGE: &str = "devenv-bench-service:1";

fn main() -> Outcome<()> {
    // `cargo test --benches` only wants to see it start.
    if std::env::args().any(|word| word == "--test") {
        return Ok(());
    }
    let rounds = std::env::var("ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let place = tempfile::tempdir()?;
    let service = compile(place.path())?;
    let engine = Engine::find();
    engine.import(IMAGE, &archive(&service)?)?;
    match stack::compose() {
        Some(path) => println!("Docker Compose: {}", path.display()),
        None => println!("Docker Compose is not here (`COMPOSE=/path` names it): its column stays empty"),
    }
    let mut figures = Figures::default();
    let measured = flat(&engine, rounds, &mut figures)
        .and_then(|()| layers(&engine, rounds, &mut figures))
        .and_then(|()| embedded(&service, rounds, &mut figures))
        .and_then(|()| rebuild(&service, rounds, &mut figures));
    engine.remove_image(IMAGE)?;
    measured?;
    println!("\nmedian (least–most) of {rounds} rounds\n\n{}", figures.table(&ROWS));
    println!("bars missed: {}", figures.missed(&ROWS));
    Ok(())
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn timed(act: impl FnOnce() -> Outcome<()>) -> Outcome<f64> {
    let begun = std::time::Instant::now();
    act()?;
    Ok(milliseconds(begun.elapsed()))
}

/// Ten services that need nobody: up, up again, down.
fn flat(engine: &Engine, rounds: usize, figures: &mut Figures) -> Outcome<()> {
    let names: Vec<String> = (0..10).map(|n| format!("s{n}")).collect();
    let mut manifest = format!("name: bench-flat-{}\nservices:\n", std::process::id());
    for name in &names {
        writeln!(manifest, "  {name}: {{ image: \"{IMAGE}\", command: [/service, \"0\"], stop_signal: SIGKILL }}")?;
    }
    let stack = Stack::new(&manifest, "docker")?;
    stack.devenv(&["up", "-d"])?;
    let floor = Floor::like(engine, &[names], &stack.containers()?)?;
    stack.devenv(&["down"])?;
    for round in 0..rounds {
        progress("flat", round);
        figures.add(FLAT, FLOOR, timed(|| floor.up())?);
        figures.add(DOWN, FLOOR, timed(|| floor.down())?);
        figures.add(FLAT, DEVENV, milliseconds(stack.devenv(&["up", "-d"])?.wall));
        figures.add(AGAIN, DEVENV, milliseconds(stack.devenv(&["up", "-d"])?.wall));
        figures.add(AGAIN, START, milliseconds(stack.devenv(&["--version"])?.wall));
        figures.add(DOWN, DEVENV, milliseconds(stack.devenv(&["down"])?.wall));
        for (what, words) in [(FLAT, &["up", "-d"][..]), (AGAIN, &["up", "-d"]), (DOWN, &["down", "-t", "3"])] {
            if let Some(cost) = stack.compose(words) {
                figures.add(what, COMPOSE, milliseconds(cost?.wall));
            }
        }
        let cost = stack.devenv_looking(&["up", "-d"], Look::AtMemory)?;
        figures.add(CPU, DEVENV, milliseconds(cost.cpu));
        figures.add(MEMORY, DEVENV, f64::from(u32::try_from(cost.peak_kib)?) / 1024.0);
        stack.devenv(&["down"])?;
    }
    Ok(())
}

/// Four, three and three services; each waits until all of the layer before are healthy, 200 ms after their start.
fn layers(engine: &Engine, rounds: usize, figures: &mut Figures) -> Outcome<()> {
    let layers: Vec<Vec<String>> =
        [("a", 4), ("b", 3), ("c", 3)].map(|(layer, count)| (0..count).map(|n| format!("{layer}{n}")).collect()).into();
    let mut manifest = format!("name: bench-layers-{}\nservices:\n", std::process::id());
    for (index, layer) in layers.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| layers.get(before)).map(Vec::as_slice).unwrap_or_default();
        let needs: Vec<String> =
            before.iter().map(|name| format!("{name}: {{ condition: service_healthy }}")).collect();
        for name in layer {
            writeln!(
                manifest,
                "  {name}:\n    image: \"{IMAGE}\"\n    command: [/service, \"200\"]\n    stop_signal: SIGKILL\n    \
                 healthcheck: {{ test: [CMD, /service, check], interval: 1s, timeout: 5s, retries: 30 }}\n    \
                 depends_on: {{ {} }}",
                needs.join(", ")
            )?;
        }
    }
    let stack = Stack::new(&manifest, "docker")?;
    stack.devenv(&["up", "-d"])?;
    let floor = Floor::like(engine, &layers, &stack.containers()?)?;
    stack.devenv(&["down"])?;
    for round in 0..rounds {
        progress("layers", round);
        figures.add(LAYERS, FLOOR, timed(|| floor.up())?);
        floor.down()?;
        figures.add(LAYERS, DEVENV, milliseconds(stack.devenv(&["up", "-d"])?.wall));
        stack.devenv(&["down"])?;
        if let Some(cost) = stack.compose(&["up", "-d", "--wait"]) {
            figures.add(LAYERS, COMPOSE, milliseconds(cost?.wall));
            stack.compose(&["down", "-t", "3"]).transpose()?;
        }
    }
    Ok(())
}

/// The built-in services and a compiled one, as processes of this machine.
fn embedded(service: &Path, rounds: usize, figures: &mut Figures) -> Outcome<()> {
    let [idp, iam, api] = [free_port()?, free_port()?, free_port()?];
    let manifest = format!(
        "name: bench-embedded-{}\nidentity: {{ personas: {{ alice: {{}} }} }}\nidp: {{ port: {idp} }}\niam: {{ port: {iam} }}\n\
         services:\n  api:\n    binary: {{ path: \"{}\" }}\n    command: [listen, \"127.0.0.1:{api}\"]\n    \
         ports: [\"{api}:{api}\"]\n    ready: {{ http: / }}\n",
        std::process::id(),
        service.display()
    );
    let stack = Stack::new(&manifest, "embedded")?;
    // Secrets and keys are made once for a project.
    for round in 0..=rounds {
        progress("embedded", round);
        let wall = milliseconds(stack.devenv(&["up", "-d"])?.wall);
        if round > 0 {
            figures.add(EMBEDDED, DEVENV, wall);
        }
        stack.devenv(&["down"])?;
    }
    Ok(())
}

/// A program of usual size on Docker that is compiled anew: the compiler is `cp`, whose time counts.
fn rebuild(service: &Path, rounds: usize, figures: &mut Figures) -> Outcome<()> {
    let port = free_port()?;
    let manifest = format!(
        "name: bench-rebuild-{}\nservices:\n  api:\n    binary: {{ path: api, build: \"cp compiled api\" }}\n    \
         command: [listen, \"0.0.0.0:80\"]\n    user: root\n    stop_signal: SIGKILL\n    ports: [\"{port}:80\"]\n    ready: {{ http: / }}\n",
        std::process::id()
    );
    let stack = Stack::new(&manifest, "docker")?;
    let program = std::fs::read(service)?;
    for round in 0..=rounds {
        progress("rebuild", round);
        // What is appended to an executable is not looked at when it runs.
        let padding = u8::try_from(round)?;
        let compiled = stack.path().join("compiled");
        std::fs::write(&compiled, [program.as_slice(), &vec![padding; 16 << 20]].concat())?;
        std::fs::set_permissions(&compiled, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let wall = milliseconds(stack.devenv(&["up", "-d"])?.wall);
        if round > 0 {
            figures.add(REBUILD, DEVENV, wall);
        }
    }
    Ok(())
}

fn free_port() -> Outcome<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Says on one line how far it is.
fn progress(what: &str, round: usize) {
    let mut terminal = std::io::stderr();
    drop(write!(terminal, "\r\x1b[K{what}: round {}", round + 1).and_then(|()| terminal.flush()));
}

/// The service, linked statically: its image needs nothing else.
fn compile(place: &Path) -> Outcome<std::path::PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/composer/service.rs");
    let program = place.join("service");
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(compiler);
    command.args(["--edition", "2024", "-O", "-C", "target-feature=+crt-static", "-C", "strip=symbols", "-o"]);
    let status = command.arg(&program).arg(source).status()?;
    if !status.success() {
        return Err(format!("{command:?}: {status}").into());
    }
    Ok(program)
}

fn archive(program: &Path) -> Outcome<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_path_with_name(program, "service")?;
    Ok(archive.into_inner()?)
}
