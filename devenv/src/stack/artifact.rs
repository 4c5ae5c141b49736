//! The team's own programs: builds them, finds the result, and knows it by its content.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use thiserror::Error;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command as Process;

use crate::event::{Event, Reporter};
use crate::manifest::{Binary, Command};
use crate::plan::{Artifact, Project};
use crate::sources::Digests;

/// A program could not be built or read.
#[derive(Debug, Error)]
pub enum ArtifactError {
    /// The build command failed.
    #[error("service `{service}`: `{command}` failed{}", code.map(|code| format!(" with exit code {code}")).unwrap_or_default())]
    Build {
        /// The service.
        service: String,
        /// The command.
        command: String,
        /// Its exit code.
        code: Option<i32>,
        /// The end of its output.
        output: String,
    },
    /// The program is not where it should be.
    #[error("service `{service}`: no program at {}", path.display())]
    Missing {
        /// The service.
        service: String,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A file could not be read.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// Builds the program of one service and says where it is.
///
/// # Errors
/// The build fails or leaves no program.
pub async fn build(
    project: &Project,
    service: &str,
    binary: &Binary,
    reporter: &Reporter,
) -> Result<Artifact, ArtifactError> {
    let path = match binary {
        Binary::Cargo { bin, profile } => cargo(project, service, (bin, profile), reporter).await?,
        Binary::Path { path, build } => {
            if let Some(build) = build {
                let words = match build {
                    Command::Words(words) => words.clone(),
                    Command::Line(line) => vec!["/bin/sh".into(), "-c".into(), line.clone()],
                };
                run(project, service, &words, reporter).await?;
            }
            project.directory.join(path)
        }
    };
    if !path.is_file() {
        return Err(ArtifactError::Missing { service: service.into(), path });
    }
    let digest = digest_of(&path, Some(project))?;
    Ok(Artifact { path, digest })
}

/// The program of a service as it is on disk now, without building it.
pub(super) async fn find(project: &Project, binary: &Binary) -> Option<Artifact> {
    let path = match binary {
        Binary::Path { path, .. } => project.directory.join(path),
        Binary::Cargo { bin, profile } => {
            let arguments = ["metadata", "--no-deps", "--format-version", "1", "--offline"];
            let output = Process::new("cargo").args(arguments).current_dir(&project.directory).output().await.ok()?;
            let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
            // The profile `dev` is the one whose directory has another name.
            let directory = if profile == "dev" { "debug" } else { profile };
            Path::new(metadata.get("target_directory")?.as_str()?).join(directory).join(bin)
        }
    };
    let digest = digest_of(&path, None).ok()?;
    Some(Artifact { path, digest })
}

/// Builds with cargo, which itself says where the executable is: right in a workspace, too.
async fn cargo(
    project: &Project,
    service: &str,
    (bin, profile): (&str, &str),
    reporter: &Reporter,
) -> Result<PathBuf, ArtifactError> {
    // With the features of the whole workspace, as a `cargo build` at its root has them: what that made is used again.
    let flags =
        ["build", "--workspace", "--profile", profile, "--bin", bin, "--message-format=json-render-diagnostics"];
    let words: Vec<String> = std::iter::once("cargo").chain(flags).map(str::to_owned).collect();
    let output = run(project, service, &words, reporter).await?;
    let executable = output.lines().rev().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_it = message.pointer("/target/name")? == bin && message.pointer("/target/kind/0")? == "bin";
        message.get("executable")?.as_str().filter(|_| is_it).map(PathBuf::from)
    });
    executable.ok_or_else(|| ArtifactError::Missing { service: service.into(), path: bin.into() })
}

/// Runs a build command; what it says on standard error is progress, and its end explains a failure.
async fn run(project: &Project, service: &str, words: &[String], reporter: &Reporter) -> Result<String, ArtifactError> {
    let line = words.join(" ");
    let failed =
        |code, output: String| ArtifactError::Build { service: service.into(), command: line.clone(), code, output };
    let (program, arguments) = words.split_first().ok_or_else(|| failed(None, "the command is empty".into()))?;
    let mut command = Process::new(program);
    // Inside a hook of git, a build script that asks git must be told about its own repository.
    crate::git::LOCAL_VARIABLES.iter().for_each(|name| {
        command.env_remove(name);
    });
    let mut child = command
        .args(arguments)
        .current_dir(&project.directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|cause| failed(None, cause.to_string()))?;
    let _group = child.id().map(Group);
    let mut said = Vec::new();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let progress = async {
        let mut lines = BufReader::new(stderr?).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            reporter.report(Event::StepProgress { subject: service.into(), message: line.trim().to_owned() });
            said.push(line);
        }
        Some(())
    };
    let result = async {
        let mut text = String::new();
        stdout?.read_to_string(&mut text).await.ok()?;
        Some(text)
    };
    let (_, text) = tokio::join!(progress, result);
    let status = child.wait().await.map_err(|cause| failed(None, cause.to_string()))?;
    if status.success() {
        return Ok(text.unwrap_or_default());
    }
    let tail = said.len().saturating_sub(30);
    Err(failed(status.code(), said.get(tail..).unwrap_or_default().join("\n")))
}

/// A build with all that it started. Ended when the build is broken off: what the command started must not go on alone.
struct Group(u32);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = rustix::process::Pid::from_raw(self.0.cast_signed()) {
            // After the end of the build there is nobody left.
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::TERM);
        }
    }
}

/// SHA-256 of a file; remembered by size, time and inode, because hashing 40 MB on each `up` would be felt.
///
/// # Errors
/// The file cannot be read.
pub fn digest_of(path: &Path, project: Option<&Project>) -> Result<String, ArtifactError> {
    let mut digests = Digests::open(project);
    let digest = digests.of(path).map_err(|cause| ArtifactError::Read { path: path.into(), cause })?;
    digests.save();
    Ok(digest)
}
