//! `devenv persona`: the people of the running directory, and changes to them that the next request must feel.

use serde_json::Value;

use crate::cli::{Format, Persona};
use crate::commands::Failure;
use crate::commands::control::{Control, attributes, persona_row};
use crate::commands::session::Session;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::ui::{self, Table};

pub(super) async fn run(args: Persona) -> Result<Exit, Failure> {
    let (reporter, _events) = Reporter::channel();
    let session = Session::open(&args.stack, &reporter)?;
    let control = Control::new(&session)?;
    if args.reset {
        control.reset_directory().await?;
    }
    let change = attributes(args.roles.as_deref(), args.tenant.as_deref(), args.active);
    let changes = change.as_object().is_some_and(|change| !change.is_empty());
    let users = match &args.name {
        None if changes => {
            return Err(Failure::new(Exit::Usage, "whom? name the persona: `devenv persona NAME --roles …`"));
        }
        None => control.users().await?,
        Some(name) if changes => {
            control.change_user(name, change).await?;
            vec![control.user(name).await?]
        }
        Some(name) => vec![control.user(name).await?],
    };
    show(&users, args.format);
    Ok(Exit::Success)
}

fn show(users: &[Value], format: Format) {
    let mut table = Table::new(&["persona", "tenant", "roles", "active"]);
    let mut rows = Vec::new();
    for (name, tenant, roles, active) in users.iter().map(persona_row) {
        table.row([name.clone(), tenant.clone(), roles.join(", "), active.to_string()]);
        rows.push(serde_json::json!({ "persona": name, "tenant": tenant, "roles": roles, "active": active }));
    }
    match format {
        Format::Text => ui::print(&table.render()),
        Format::Json => ui::print(&Value::Array(rows).to_string()),
    }
}
