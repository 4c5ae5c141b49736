//! A stack in a directory of its own, and the two programs that compose it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::Outcome;

/// Ticks of the kernel's clock in a second, as `/proc` counts (the same on all of Linux).
const TICKS: u64 = 100;

/// What a run cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// From its start to its end.
    pub(crate) wall: Duration,
    /// What the program itself used of the processor.
    pub(crate) cpu: Duration,
    /// Most memory that it held, where somebody looked.
    pub(crate) peak_kib: u64,
}

/// Whether memory is looked at, which costs time on the side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Away,
    AtMemory,
}

/// A project, removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Stack {
    directory: tempfile::TempDir,
    program: PathBuf,
    compose: Option<PathBuf>,
    engine: &'static str,
}

impl Stack {
    /// Writes the manifest, which both programs read.
    pub(crate) fn new(manifest: &str, engine: &'static str) -> Outcome<Self> {
        let directory = tempfile::Builder::new().prefix("composer-").tempdir()?;
        std::fs::write(directory.path().join("devenv.yaml"), manifest)?;
        let program = std::env::var_os("DEVENV").map_or_else(|| env!("CARGO_BIN_EXE_devenv").into(), PathBuf::from);
        Ok(Self { directory, program, compose: compose(), engine })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Runs `devenv` on this stack.
    pub(crate) fn devenv(&self, words: &[&str]) -> Outcome<Cost> {
        self.devenv_looking(words, Look::Away)
    }

    pub(crate) fn devenv_looking(&self, words: &[&str], look: Look) -> Outcome<Cost> {
        run(self.command(words), look)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).env("XDG_STATE_HOME", self.path().join("state"));
        if !words.contains(&"--version") {
            command.args(["--engine", self.engine, "--dir"]).arg(self.path());
        }
        command
    }

    /// Container ids by service.
    pub(crate) fn containers(&self) -> Outcome<BTreeMap<String, String>> {
        let output = self.command(&["ps", "--format", "json"]).output()?;
        let rows: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout)?;
        let text = |row: &serde_json::Value, key: &str| row[key].as_str().map(str::to_owned);
        Ok(rows.iter().filter_map(|row| Some((text(row, "service")?, text(row, "id")?))).collect())
    }

    /// Runs Docker Compose on the same file; nothing when it is not here.
    pub(crate) fn compose(&self, words: &[&str]) -> Option<Outcome<Cost>> {
        let mut command = Command::new(self.compose.as_ref()?);
        command.arg("-f").arg(self.path().join("devenv.yaml")).args(words);
        Some(run(command, Look::Away))
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        drop(self.devenv(&["down", "-v"]));
    }
}

/// `COMPOSE=/path`, or the first `docker-compose` of the search path.
pub(crate) fn compose() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("COMPOSE") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join("docker-compose")).find(|program| program.is_file())
}

fn run(mut command: Command, look: Look) -> Outcome<Cost> {
    let said = tempfile::NamedTempFile::new()?;
    command.stdin(Stdio::null()).stdout(said.reopen()?).stderr(said.reopen()?);
    let begun = Instant::now();
    let mut child = command.spawn()?;
    let mut peak_kib = 0;
    if look == Look::AtMemory {
        while child_state(&child, WaitIdOptions::NOHANG)?.is_none() {
            peak_kib = peak_kib.max(peak_of(&child).unwrap_or(0));
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    // Left a zombie for a moment: the kernel still knows what it used.
    child_state(&child, WaitIdOptions::empty())?;
    let wall = begun.elapsed();
    let cpu = cpu_of(&child).unwrap_or_default();
    let status = child.wait()?;
    if !status.success() {
        return Err(format!("{command:?}: {status}\n{}", std::fs::read_to_string(said.path())?).into());
    }
    Ok(Cost { wall, cpu, peak_kib })
}

fn child_state(child: &Child, options: WaitIdOptions) -> Outcome<Option<()>> {
    let pid = Pid::from_child(child);
    let state = waitid(WaitId::Pid(pid), options | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    Ok(state.map(drop))
}

/// Kibibytes, proc(5) `VmHWM`.
fn peak_of(child: &Child) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

/// proc(5): `utime` and `stime` are fields 14 and 15 of `stat`, the 12th and 13th after the name.
fn cpu_of(child: &Child) -> Option<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks(11)? + ticks(12)?) * 1000 / TICKS))
}
