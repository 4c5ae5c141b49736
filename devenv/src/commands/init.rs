//! `devenv init`: writes a starter project, or a devenv.yaml over the Compose file that is there. Never overwrites.

use std::path::Path;

use crate::cli::NewProject;
use crate::commands::Failure;
use crate::exit::Exit;
use crate::ui;

/// The starter project, file by file.
const ORDERS: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/orders.rs"));
/// Makes the copy build below another workspace, too.
const ALONE: &str = "\n# A workspace of its own: it builds wherever it lies.\n[workspace]\n";
const COMPOSE: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
const OPENAPI: [&str; 6] =
    ["openapi.yaml", "openapi.yml", "openapi.json", "api/openapi.yaml", "docs/openapi.yaml", "swagger.yaml"];

pub(super) fn run(args: &NewProject) -> Result<Exit, Failure> {
    let there = |names: &[&'static str]| names.iter().copied().find(|name| args.dir.join(name).is_file());
    let files = match (args.template.as_deref(), there(&COMPOSE)) {
        (Some("orders"), _) | (None, None) => starter(),
        (None, Some(compose)) => vec![("devenv.yaml".to_owned(), adopted(compose, there(&OPENAPI)).into_bytes())],
        (Some(other), _) => {
            return Err(Failure::with_help(Exit::Usage, format!("no template `{other}`"), "there is: orders"));
        }
    };
    write(&args.dir, &files)?;
    let next = match files.as_slice() {
        [(only, _)] => format!("wrote {only}: the stack of the Compose file; next: `devenv plan`, then `devenv up`"),
        many => format!("wrote {} files; next: `devenv up`, then `devenv test`", many.len()),
    };
    ui::print(&next);
    Ok(Exit::Success)
}

fn starter() -> Vec<(String, Vec<u8>)> {
    let file = |(name, content): &(&str, &[u8])| {
        let mut content = content.to_vec();
        if *name == "Cargo.toml" {
            content.extend_from_slice(ALONE.as_bytes());
        }
        ((*name).to_owned(), content)
    };
    ORDERS.iter().map(file).collect()
}

fn adopted(compose: &str, openapi: Option<&str>) -> String {
    let tests = match openapi {
        Some(openapi) => format!(
            "# {openapi} can be tested against rules of who may do what: write them into authz.yaml (`api: {{ openapi: {openapi} }}`),\n\
             # add `identity:`, `idp: {{}}` and `iam: {{}}`, and switch this on:\n# tests: authz.yaml\n"
        ),
        None => String::new(),
    };
    format!(
        "# The stack of {compose}, as it is. Whatever is written here is laid over it; see `devenv config`.\n\
         include:\n  - {compose}\n\n{tests}"
    )
}

/// All or nothing, as far as files that are there already go.
fn write(directory: &Path, files: &[(String, Vec<u8>)]) -> Result<(), Failure> {
    let present: Vec<&str> =
        files.iter().map(|(name, _)| name.as_str()).filter(|name| directory.join(name).exists()).collect();
    if let Some(first) = present.first() {
        let more = if present.len() > 1 { format!(" and {} more", present.len() - 1) } else { String::new() };
        let help = "nothing was written; use an empty directory (`--dir DIR`), or move them away";
        return Err(Failure::with_help(Exit::Usage, format!("{first}{more} would be overwritten"), help));
    }
    for (name, content) in files {
        let path = directory.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, content)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_starter_project_is_complete_and_nothing_is_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let args = NewProject { template: None, dir: directory.path().into() };
        run(&args).unwrap();
        let manifest = std::fs::read_to_string(directory.path().join("Cargo.toml")).unwrap();
        assert!(manifest.ends_with("[workspace]\n"), "{manifest}");
        assert!(directory.path().join("policies/orders.cedar").is_file());
        assert!(!directory.path().join("target").exists());
        let text = run(&args).unwrap_err().render(false);
        assert!(text.contains("would be overwritten"), "{text}");
    }

    #[test]
    fn a_compose_file_is_adopted_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("compose.yaml"), "services: { a: { image: x } }\n").unwrap();
        std::fs::write(directory.path().join("openapi.yaml"), "").unwrap();
        run(&NewProject { template: None, dir: directory.path().into() }).unwrap();
        let text = std::fs::read_to_string(directory.path().join("devenv.yaml")).unwrap();
        assert!(text.contains("include:\n  - compose.yaml\n") && text.contains("openapi: openapi.yaml"), "{text}");
        assert!(!directory.path().join("Cargo.toml").exists());
    }
}
