//! `devenv ci init`: a pipeline that runs the same `devenv test`. Needs no engine.

use std::path::{Path, PathBuf};

use crate::cli::{CiInit, CiSystem};
use crate::commands::Failure;
use crate::exit::Exit;
use crate::export::ci::{Pipeline, System, pipeline};
use crate::{stack, ui};

pub(super) fn run(args: &CiInit) -> Result<Exit, Failure> {
    let located = stack::locate(&args.dir, &[])?;
    let project = located.directory.canonicalize()?;
    let root = project.ancestors().find(|ancestor| ancestor.join(".git").exists()).unwrap_or(&project);
    let directory = project.strip_prefix(root).unwrap_or(Path::new("")).to_string_lossy().into_owned();
    let system = match args.system {
        CiSystem::GitHub => System::GitHub,
        CiSystem::GitLab => System::GitLab,
    };
    let text = pipeline(&Pipeline {
        system,
        shards: usize::from(args.shards),
        directory: &directory,
        repository: args.repository.as_deref(),
    });
    let path = match &args.output {
        Some(path) if path.as_os_str() == "-" => {
            ui::print(text.trim_end());
            return Ok(Exit::Success);
        }
        Some(path) => path.clone(),
        None => root.join(system.file()),
    };
    write(&path, &text, args)?;
    ui::print(&told(&path, args));
    Ok(Exit::Success)
}

fn write(path: &Path, text: &str, args: &CiInit) -> Result<(), Failure> {
    if path.exists() && !args.force {
        let help = match args.system {
            CiSystem::GitHub => "name another file with `-o FILE`, or write over it with `--force`",
            CiSystem::GitLab => {
                "write `-o .gitlab/authorization.yml` and `include: { local: .gitlab/authorization.yml }` it"
            }
        };
        return Err(Failure::with_help(Exit::Usage, format!("{} is there", path.display()), help));
    }
    let wrong = |error: std::io::Error| Failure::new(Exit::World, format!("cannot write {}: {error}", path.display()));
    let parent: PathBuf = path.parent().unwrap_or(Path::new("")).to_owned();
    if !parent.as_os_str().is_empty() {
        std::fs::create_dir_all(&parent).map_err(wrong)?;
    }
    std::fs::write(path, text).map_err(wrong)
}

fn told(path: &Path, args: &CiInit) -> String {
    let shown = path.display();
    match &args.repository {
        Some(url) => format!("{shown}: machines without devenv install it from {url}"),
        None => format!(
            "{shown}: commit it, and set the variable DEVENV_REPOSITORY of the repository to where devenv comes from"
        ),
    }
}
