//! `devenv config`: the files as they are understood, or where a variable comes from. Needs no engine.

use crate::cli::{Config, Format};
use crate::commands::Failure;
use crate::commands::session::{self, Opened};
use crate::exit::Exit;
use crate::manifest::Naming;
use crate::ui::{self, Ui};

pub(super) async fn run(args: &Config) -> Result<Exit, Failure> {
    // Warnings go to the error stream, so that the output stays a document.
    let ui = Ui::start(Format::Text);
    let text = show(args, &ui);
    ui.finish().await;
    let text = text?;
    if !args.quiet {
        ui::print(text.trim_end());
    }
    Ok(Exit::Success)
}

fn show(args: &Config, ui: &Ui) -> Result<String, Failure> {
    let opened = session::open(&args.stack, ui.reporter())?;
    if let Some(name) = &args.explain {
        return explain(args, &opened, name);
    }
    let naming = Naming { project: &opened.project.name, directory: &opened.project.directory };
    let document = opened.composed.canonical(naming);
    if args.services {
        let services = document.get("services").and_then(serde_json::Value::as_object);
        let names: Vec<&String> = services.into_iter().flat_map(serde_json::Map::keys).collect();
        return Ok(match args.format {
            Format::Json => serde_json::json!(names).to_string(),
            Format::Text => names.iter().map(|name| format!("{name}\n")).collect(),
        });
    }
    match args.format {
        Format::Json => Ok(serde_json::to_string_pretty(&document).unwrap_or_default()),
        Format::Text => serde_yaml::to_string(&document)
            .map_err(|error| Failure::new(Exit::World, format!("cannot write YAML: {error}"))),
    }
}

/// Where a variable has its value from: the caller, `.env`, or nowhere.
fn explain(args: &Config, opened: &Opened, name: &str) -> Result<String, Failure> {
    let environment = session::environment();
    let file = session::dot_env(&opened.project.directory, &environment)?;
    let (source, value) = match (environment.get(name), file.get(name)) {
        _ if name.starts_with("DEVENV_") => ("devenv", None),
        (Some(value), _) => ("environment", Some(value)),
        (None, Some(value)) => (".env", Some(value)),
        (None, None) => ("nowhere", None),
    };
    let hidden = environment.contains_key(name) && file.contains_key(name);
    if args.format == Format::Json {
        let document =
            serde_json::json!({ "variable": name, "source": source, "value": value, "hides_dot_env": hidden });
        return Ok(document.to_string());
    }
    Ok(match (source, value) {
        ("devenv", _) => format!("{name} is given by devenv when the stack is resolved; see docs/manifest.md"),
        ("environment", Some(value)) if hidden => {
            format!("{name}={value}\nfrom the environment; the line in .env does not count")
        }
        (source, Some(value)) => format!("{name}={value}\nfrom {source}"),
        (_, None) => format!("{name} is not set: neither in the environment nor in .env"),
    })
}
