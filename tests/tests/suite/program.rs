//! The program under test: where it is, and a builder that runs it in a place of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A copy of a project with a state directory of its own. Whatever it left running is taken down at the end.
pub(crate) struct Bench {
    place: TempDir,
    project: PathBuf,
    pub(crate) engine: &'static str,
    environment: Vec<(String, String)>,
}

/// What a run printed.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }

    /// The run itself, when it ended as expected.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

impl Bench {
    /// The starter project itself, built in place, so that its compiled program is shared by all tests.
    pub(crate) fn orders(engine: &'static str) -> Self {
        let project = root().join("templates/orders");
        Self { place: tempfile::tempdir().unwrap(), project, engine, environment: vec![] }
    }

    /// A project of these files.
    pub(crate) fn of(engine: &'static str, files: &[(&str, &str)]) -> Self {
        let place = tempfile::tempdir().unwrap();
        let project = place.path().join("project");
        for (name, text) in files {
            let path = project.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self { place, project, engine, environment: vec![] }
    }

    /// Sets a variable; an empty one is taken away.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    pub(crate) fn project(&self) -> &Path {
        &self.project
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.place.path().join("state")
    }

    /// The command, ready to be spawned: only what it needs of the environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments);
        if takes_stack_arguments(arguments) {
            command.arg("--dir").arg(&self.project).args(["--engine", self.engine]);
        } else if is_about_git(arguments) {
            command.arg("--dir").arg(&self.project);
        }
        command.env_clear().env("XDG_STATE_HOME", self.state()).env("NO_COLOR", "1");
        for name in ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "DOCKER_HOST", "CARGO_TARGET_DIR", "POSTGRES_IMAGE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        for (name, value) in &self.environment {
            if value.is_empty() {
                command.env_remove(name)
            } else {
                command.env(name, value)
            };
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments).output().unwrap())
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        drop(self.command(&["down", "-v"]).output());
    }
}

pub(crate) fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn takes_stack_arguments(arguments: &[&str]) -> bool {
    !is_about_git(arguments)
        && !matches!(
            arguments.first(),
            None | Some(&"completions" | &"gc" | &"schema" | &"init" | &"--help" | &"--version" | &"help")
        )
        && !arguments.contains(&"--help")
}

/// Hooks are put into a repository; what they do is done on a stack.
fn is_about_git(arguments: &[&str]) -> bool {
    matches!(arguments, ["hook", "install" | "uninstall" | "status", ..])
}

/// The program that this very `cargo test` built, beside this test.
pub(crate) fn program() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let program = here.parent().and_then(Path::parent).unwrap().join("devenv");
    assert!(program.is_file(), "{} is not built: run `cargo test --workspace`", program.display());
    program
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Whether a Docker engine answers. Without one, tests that need it say so loudly; in CI they fail.
pub(crate) fn docker_answers() -> bool {
    let answers = Command::new("docker").arg("version").output().is_ok_and(|output| output.status.success());
    if !answers {
        assert!(
            std::env::var_os("DEVENV_REQUIRE_DOCKER").is_none(),
            "no Docker engine answers, and this run requires one"
        );
        // Straight to standard error: what `eprintln!` says in a test that passes is swallowed.
        drop(writeln!(std::io::stderr(), "SKIPPED: no Docker engine answers, so nothing was tested on Docker here"));
    }
    answers
}

/// One test at a time uses the fixed ports of the starter project.
pub(crate) fn ports() -> std::sync::MutexGuard<'static, ()> {
    static PORTS: std::sync::Mutex<()> = std::sync::Mutex::new(());
    PORTS.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
