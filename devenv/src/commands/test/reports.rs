//! Where reports go and what the terminal shows. Must not know how tests run.

use std::path::{Path, PathBuf};

use security_tests::report::{self, Colour, Rows, Source, Sources, View};
use security_tests::{Run, TestPlan};

use crate::cli::Format;
use crate::commands::Failure;
use crate::exit::Exit;
use crate::plan::Project;
use crate::ui;

/// A report to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    kind: Kind,
    path: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    CodeQuality,
    Html,
    Json,
    Junit,
    Markdown,
    Sarif,
}

const KINDS: [(&str, Kind); 6] = [
    ("codequality", Kind::CodeQuality),
    ("html", Kind::Html),
    ("json", Kind::Json),
    ("junit", Kind::Junit),
    ("markdown", Kind::Markdown),
    ("sarif", Kind::Sarif),
];

/// `FORMAT=FILE` pairs; checked before anything is started.
pub(super) fn reports(written: &[String]) -> Result<Vec<Wanted>, Failure> {
    written.iter().map(|text| wanted(text)).collect()
}

fn wanted(text: &str) -> Result<Wanted, Failure> {
    let known = |word: &str| KINDS.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind);
    let parsed = text.split_once('=').and_then(|(word, file)| Some((known(word)?, file)));
    let Some((kind, file)) = parsed.filter(|(_, file)| !file.is_empty()) else {
        let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
        return Err(Failure::with_help(
            Exit::Usage,
            format!("`--report {text}` is not of the form FORMAT=FILE"),
            format!("formats: {}", names.join(", ")),
        ));
    };
    let path = PathBuf::from(file);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if parent.is_dir() && !path.is_dir() {
        return Ok(Wanted { kind, path });
    }
    let problem = if path.is_dir() {
        format!("`--report {text}`: {} is a directory", path.display())
    } else {
        format!("`--report {text}`: {} is not a directory", parent.display())
    };
    Err(Failure::new(Exit::Usage, problem))
}

/// Writes the reports asked for.
///
/// `again`: what a replay needs beside an id.
pub(super) fn write(reports: &[Wanted], run: &Run, (sources, again): (&Sources, &str)) -> Result<(), Failure> {
    for Wanted { kind, path } in reports {
        let text = match kind {
            Kind::CodeQuality => pretty(&report::codequality(run, sources)),
            Kind::Html => report::html_of(run, again),
            Kind::Json => pretty(&report::json(run)),
            Kind::Junit => report::junit(run),
            Kind::Markdown => report::markdown(&report::json(run)),
            Kind::Sarif => pretty(&report::sarif(run, sources)),
        };
        save(path, &text)?;
    }
    Ok(())
}

/// Whether all reports asked for can be made of merged ones.
pub(super) fn merged_only(reports: &[Wanted]) -> Result<(), Failure> {
    if reports.iter().all(|wanted| matches!(wanted.kind, Kind::Json | Kind::Markdown)) {
        return Ok(());
    }
    let help = "the other formats take one file of each shard: let each shard write its own";
    Err(Failure::with_help(Exit::Usage, "merged reports are json or markdown", help))
}

/// Writes what was merged.
pub(super) fn write_merged(reports: &[Wanted], whole: &serde_json::Value) -> Result<(), Failure> {
    for Wanted { kind, path } in reports {
        let text = if *kind == Kind::Markdown { report::markdown(whole) } else { pretty(whole) };
        save(path, &text)?;
    }
    Ok(())
}

fn save(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure::new(Exit::World, format!("cannot write {}: {error}", path.display())))
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// The last run's report, for `replay`: beside the state of the stack, so that it outlives the stack.
pub(super) fn last_run(project: &Project) -> PathBuf {
    let name = project.state.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    project.state.with_file_name(format!("{name}.last-run.json"))
}

/// Where runs against an API are kept that was not started here: by its address and its rules.
pub(super) fn project_of(url: &str, rules: &Path) -> Project {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let rules = rules.canonicalize().unwrap_or_else(|_| rules.to_owned());
    crate::stack::project(Some("target"), &rules.join(url.trim_end_matches('/')), &environment)
}

/// Keeps a run for `replay`. Nothing depends on it: what cannot be kept is not.
pub(in crate::commands) fn remember(project: &Project, run: &Run) {
    let path = last_run(project);
    let beside = path.with_extension("json.new");
    let place = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = place
        .and_then(|()| std::fs::write(&beside, pretty(&report::json(run))))
        .and_then(|()| std::fs::rename(&beside, &path));
    if let Err(error) = written {
        tracing::debug!(%error, "the run is not kept");
    }
}

/// A file that findings are told at, with its place in the repository: that is how code hosts find it.
pub(super) fn source(directory: &Path, relative: &Path) -> Option<Source> {
    let path = directory.join(relative);
    let text = std::fs::read_to_string(&path).ok()?;
    let path = path.canonicalize().ok()?;
    let root = path.ancestors().skip(1).find(|ancestor| ancestor.join(".git").exists()).unwrap_or(directory);
    let inside = path.strip_prefix(root).unwrap_or(&path);
    let parts: Vec<String> = inside.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    Some(Source { uri: parts.join("/"), text })
}

/// Every step in the order in which it runs.
pub(super) fn planned(plan: &TestPlan, format: Format) -> String {
    if format == Format::Text {
        return plan.to_string();
    }
    let word = |value: &dyn std::fmt::Debug| format!("{value:?}").to_lowercase();
    let steps = plan.ordered().map(|(phase, _, step)| {
        serde_json::json!({ "phase": word(&phase), "role": word(&step.role), "action": step.action.to_string() })
    });
    steps.collect::<serde_json::Value>().to_string()
}

/// `again`: what a replay needs beside an id, when `replay` can look at it again.
pub(in crate::commands) fn terminal(run: &Run, rows: Rows, again: Option<&str>) -> String {
    let colour = if ui::colour_stdout() { Colour::Ansi } else { Colour::None };
    let mut text = report::terminal_of(run, View { width: console_width(), colour, rows });
    if let Some((finding, again)) = run.findings.first().zip(again) {
        text.push_str(&format!("to look at one again: `devenv test replay {}{again}`", finding.id));
    }
    text.trim_end().to_owned()
}

/// Columns of the terminal; 100 when there is none.
pub(super) fn console_width() -> usize {
    rustix::termios::tcgetwinsize(rustix::stdio::stdout())
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns > 20)
        .unwrap_or(100)
}
