//! `devenv ps`: what runs.

use serde_json::json;

use crate::cli::{Format, Ps};
use crate::commands::session::Session;
use crate::commands::{Failure, running};
use crate::event::Reporter;
use crate::exit::Exit;
use crate::plan::Role;
use crate::ui::{self, Table};

pub(super) async fn run(args: Ps) -> Result<Exit, Failure> {
    let (reporter, _events) = Reporter::channel();
    let session = Session::open(&args.stack, &reporter)?;
    let prepared = session.existing(&reporter).await?;
    let observed = prepared.engine.observe(&session.project).await?;
    let role = |name: &str| match prepared.plan.services.get(name).map(|service| &service.role) {
        Some(Role::BuiltIn) => "built-in",
        Some(Role::User) => "service",
        Some(Role::Relay { .. }) => "relay",
        None => "orphan",
    };
    let mut table = Table::new(&["service", "state", "role", "where", "ports"]);
    let mut rows = Vec::new();
    for (name, service) in &observed.services {
        let ports = match prepared.plan.services.get(name) {
            Some(planned) if service.ports.is_empty() => &planned.ports,
            Some(_) | None => &service.ports,
        };
        let (state, place) =
            (running::state_text(&service.state), if service.on_host { "process" } else { "container" });
        // Relays are how the issuer's URL works inside containers: nothing that people look for.
        if role(name) != "relay" || args.all {
            table.row([
                name.clone(),
                state,
                role(name).into(),
                format!("{place} {}", short(&service.id)),
                running::ports_text(ports),
            ]);
        }
        let code = match service.state {
            crate::engine::ServiceState::Exited { code } => Some(code),
            _ => None,
        };
        rows.push(json!({
            "service": name,
            "state": word(&service.state),
            "exit_code": code,
            "role": role(name),
            "engine": prepared.engine.name().to_string(),
            "place": place,
            "id": service.id,
            "ports": ports,
            "url": prepared.plan.services.get(name).and_then(running::url_of),
            "started_at": service.started_at,
        }));
    }
    match args.format {
        Format::Json => ui::print(&serde_json::Value::Array(rows).to_string()),
        Format::Text if rows.is_empty() => ui::print("nothing runs; start it with `devenv up -d`"),
        Format::Text => ui::print(&table.render()),
    }
    Ok(Exit::Success)
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

fn word(state: &crate::engine::ServiceState) -> &'static str {
    use crate::engine::ServiceState::{Created, Exited, Orphaned, Paused, Restarting, Running};
    match state {
        Created => "created",
        Running => "running",
        Paused => "paused",
        Restarting => "restarting",
        Exited { .. } => "exited",
        Orphaned => "orphaned",
    }
}
