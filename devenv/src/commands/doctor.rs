//! `devenv doctor`: what this machine offers and lacks, and how to mend each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::{Doctor, Format};
use crate::commands::Failure;
use crate::commands::session::{Session, environment};
use crate::engine::docker::Docker;
use crate::engine::holder;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::ui::{self, Table};

/// One look at the machine.
struct Check {
    name: &'static str,
    /// `ok`, `note` (nothing is broken) or `problem`.
    state: &'static str,
    found: String,
    mend: String,
}

impl Check {
    fn new(name: &'static str, state: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { name, state, found: found.into(), mend: mend.into() }
    }
}

pub(super) async fn run(args: Doctor) -> Result<Exit, Failure> {
    let environment = environment();
    let mut checks = vec![version(), docker(&environment).await, other_devenv(&environment), state_home(&environment)];
    let (reporter, _events) = Reporter::channel();
    match Session::open(&args.stack, &reporter) {
        Ok(session) => {
            checks.push(Check::new("manifest", "ok", format!("project `{}`", session.project.id()), ""));
            checks.extend(ports(&session, &reporter).await);
        }
        Err(failure) => checks.push(Check::new("manifest", "problem", failure.render(false), "see the message")),
    }
    show(&checks, args.format);
    let broken = checks.iter().any(|check| check.state == "problem");
    Ok(if broken { Exit::World } else { Exit::Success })
}

fn version() -> Check {
    let executable = std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_default();
    Check::new("devenv", "ok", format!("{} at {executable}", env!("CARGO_PKG_VERSION")), "")
}

/// No engine is no problem: stacks without images run embedded.
async fn docker(environment: &BTreeMap<String, String>) -> Check {
    match Docker::connect(environment).await {
        Ok(docker) => Check::new("docker", "ok", format!("API {} at {}", docker.api_version(), docker.endpoint()), ""),
        Err(error) => {
            let help = error.help().unwrap_or_default();
            Check::new("docker", "note", format!("{error}; stacks run embedded"), help)
        }
    }
}

fn other_devenv(environment: &BTreeMap<String, String>) -> Check {
    let this = std::env::current_exe().and_then(std::fs::canonicalize).unwrap_or_default();
    let path = environment.get("PATH").map(String::as_str).unwrap_or_default();
    let first = std::env::split_paths(path).map(|directory| directory.join("devenv")).find(|file| file.is_file());
    match first.and_then(|file| file.canonicalize().ok()) {
        Some(other) if other != this => {
            let mend = format!("put {} before it in PATH", this.parent().unwrap_or(Path::new("")).display());
            Check::new("PATH", "note", format!("`devenv` is another program: {}", other.display()), mend)
        }
        Some(_) => Check::new("PATH", "ok", "`devenv` is this program", ""),
        None => Check::new("PATH", "note", "`devenv` is not in PATH", "cargo install --path devenv"),
    }
}

fn state_home(environment: &BTreeMap<String, String>) -> Check {
    let project = crate::stack::project(None, Path::new("/"), environment);
    let parent: PathBuf = project.state.parent().map(Path::to_path_buf).unwrap_or_default();
    let probe = parent.join(".doctor");
    let result = std::fs::create_dir_all(&parent)
        .and_then(|()| std::fs::write(&probe, b""))
        .and_then(|()| std::fs::remove_file(&probe));
    match result {
        Ok(()) => Check::new("state", "ok", format!("{} can be written", parent.display()), ""),
        Err(error) => Check::new(
            "state",
            "problem",
            format!("{}: {error}", parent.display()),
            "set XDG_STATE_HOME to a directory of yours",
        ),
    }
}

/// Each port of the manifest is free, or held by this very stack.
async fn ports(session: &Session, reporter: &Reporter) -> Vec<Check> {
    let prepared = match session.existing(reporter).await {
        Ok(prepared) => prepared,
        Err(failure) => return vec![Check::new("ports", "problem", failure.render(false), "")],
    };
    let observed = prepared.engine.observe(&session.project).await.unwrap_or_default();
    let mut checks = Vec::new();
    for service in prepared.plan.services.values() {
        for port in service.ports.iter().filter(|port| !port.udp && port.host != 0) {
            let bound = std::net::TcpListener::bind((port.host_ip.as_str(), port.host));
            checks.push(match bound {
                Ok(_) => Check::new("port", "ok", format!("{} for `{}` is free", port.host, service.name), ""),
                Err(_) if observed.services.contains_key(&service.name) => {
                    Check::new("port", "ok", format!("{} is held by `{}` of this stack", port.host, service.name), "")
                }
                Err(_) => {
                    let found =
                        format!("{} for `{}` is taken by {}", port.host, service.name, holder::holder(port.host));
                    Check::new("port", "problem", found, "stop it, or change the port in devenv.yaml")
                }
            });
        }
    }
    checks
}

fn show(checks: &[Check], format: Format) {
    match format {
        Format::Text => {
            let mut table = Table::new(&["", "check", "found", "mend"]);
            for check in checks {
                table.row([check.state, check.name, &check.found, &check.mend]);
            }
            ui::print(&table.render());
        }
        Format::Json => {
            let rows = checks.iter().map(|check| {
                serde_json::json!({ "check": check.name, "state": check.state, "found": check.found, "mend": check.mend })
            });
            ui::print(&rows.collect::<serde_json::Value>().to_string());
        }
    }
}
