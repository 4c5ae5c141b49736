//! Where reports go and what the terminal shows. Must not know how tests run.

use std::path::{Path, PathBuf};

use security_tests::report::Colour;
use security_tests::{Run, TestPlan};

use crate::cli::Format;
use crate::commands::Failure;
use crate::exit::Exit;
use crate::ui;

/// `FORMAT=FILE` pairs; checked before anything is started.
pub(super) fn reports(written: &[String]) -> Result<Vec<PathBuf>, Failure> {
    let parse = |text: &String| match text.split_once('=') {
        Some(("json", file)) if !file.is_empty() => {
            let path = PathBuf::from(file);
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            if parent.is_dir() {
                return Ok(path);
            }
            Err(Failure::new(Exit::Usage, format!("`--report {text}`: {} is not a directory", parent.display())))
        }
        Some(_) | None => Err(Failure::with_help(
            Exit::Usage,
            format!("`--report {text}` is not of the form FORMAT=FILE"),
            "formats: json",
        )),
    };
    written.iter().map(parse).collect()
}

pub(super) fn write(reports: &[PathBuf], run: &Run) -> Result<(), Failure> {
    for path in reports {
        let text = serde_json::to_string_pretty(&security_tests::report::json(run)).unwrap_or_default();
        std::fs::write(path, text + "\n")
            .map_err(|error| Failure::new(Exit::World, format!("cannot write {}: {error}", path.display())))?;
    }
    Ok(())
}

/// Every step in the order in which it runs.
pub(super) fn planned(plan: &TestPlan, format: Format) -> String {
    if format == Format::Text {
        return plan.to_string();
    }
    let mut groups: Vec<_> = plan.groups.iter().collect();
    groups.sort_by_key(|group| group.phase);
    let steps = groups.into_iter().flat_map(|group| {
        let steps = group.steps.iter().filter_map(|id| plan.steps.get(*id));
        steps.map(|step| {
            let word = |value: &dyn std::fmt::Debug| format!("{value:?}").to_lowercase();
            serde_json::json!({ "phase": word(&group.phase), "role": word(&step.role), "action": step.action.to_string() })
        })
    });
    steps.collect::<serde_json::Value>().to_string()
}

pub(super) fn terminal(run: &Run) -> String {
    let width = console_width();
    let colour = if ui::colour_stdout() { Colour::Ansi } else { Colour::None };
    let mut text = security_tests::report::terminal(run, width, colour);
    if let Some(persona) = run.findings.iter().flat_map(|finding| &finding.personas).find(|name| *name != "anonymous") {
        let variable = persona.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        text.push_str(&format!(
            "to repeat a request: `devenv up -d`, then `TOKEN_{variable}=$(devenv token {persona})`"
        ));
    }
    text.trim_end().to_owned()
}

/// Columns of the terminal; 100 when there is none.
fn console_width() -> usize {
    rustix::termios::tcgetwinsize(rustix::stdio::stdout())
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns > 40)
        .unwrap_or(100)
}
