//! `devenv audit`: the files against secure defaults. Needs no engine; `--fix` makes the mechanical changes.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::audit::{self, Edit, Finding, Severity};
use crate::cli::{Audit, AuditFormat, FailOn, Format};
use crate::commands::Failure;
use crate::commands::session;
use crate::engine::docker::Docker;
use crate::exit::Exit;
use crate::stack::LockedImage;
use crate::ui::{self, Ui};

pub(super) async fn run(args: Audit) -> Result<Exit, Failure> {
    let ui = Ui::start(Format::Text);
    let result = findings(&args, &ui).await;
    ui.finish().await;
    let findings = result?;
    match args.format {
        AuditFormat::Text => ui::print(&text(&findings)),
        AuditFormat::Json => ui::print(&serde_json::json!(findings).to_string()),
        AuditFormat::Sarif => {
            let log = audit::sarif(&findings, env!("CARGO_PKG_VERSION"));
            ui::print(&serde_json::to_string_pretty(&log).unwrap_or_default());
        }
    }
    let least = match args.fail_on {
        FailOn::Low => Some(Severity::Low),
        FailOn::Medium => Some(Severity::Medium),
        FailOn::High => Some(Severity::High),
        FailOn::Never => None,
    };
    let bad = least.is_some_and(|least| findings.iter().any(|finding| finding.rule.severity >= least));
    Ok(if bad { Exit::Findings } else { Exit::Success })
}

/// The findings; with `--fix` those that are left.
async fn findings(args: &Audit, ui: &Ui) -> Result<Vec<Finding>, Failure> {
    let opened = session::open(&args.stack, ui.reporter())?;
    let mut found = audit::audit(&opened.composed);
    if !args.fix {
        return Ok(found);
    }
    pin_images(&opened, &mut found).await;
    let mut by_file: BTreeMap<PathBuf, Vec<&Finding>> = BTreeMap::new();
    for finding in found.iter().filter(|finding| finding.edit.is_some()) {
        by_file.entry(finding.file.clone()).or_default().push(finding);
    }
    for (file, findings) in by_file {
        // Places in included files are named relative to the project.
        let path = if file.exists() { file } else { opened.project.directory.join(file) };
        let fixed = audit::fixed(&std::fs::read_to_string(&path)?, &findings);
        if fixed.made == 0 {
            continue;
        }
        keep_secrets(&opened.project.directory, &fixed.secrets)?;
        std::fs::write(&path, fixed.text)?;
        ui::complain(&format!("{}: {} fixed", path.display(), fixed.made));
    }
    let mut left = audit::audit(&session::open(&args.stack, ui.reporter())?.composed);
    // What could not be fixed now is for people: saying again that `--fix` does it would be wrong.
    left.iter_mut().for_each(|finding| finding.edit = None);
    Ok(left)
}

/// An image without a version gets the content that is here, when an engine answers and knows its digest.
async fn pin_images(opened: &session::Opened, found: &mut [Finding]) {
    let Ok(docker) = Docker::connect(&opened.variables).await else { return };
    for finding in found.iter_mut().filter(|finding| finding.rule.id == audit::UNPINNED_IMAGE) {
        let service = opened.composed.manifest.services.get(&finding.service);
        let Some(image) = service.and_then(|service| service.image.clone()) else { continue };
        if let Ok(Some(LockedImage { digest: Some(digest), .. })) = docker.image_content(&image).await {
            finding.edit = Some(Edit::Replace { to: format!("{image}@{digest}"), from: image });
        }
    }
}

/// Writes what was in the manifest into files that only their owner can read, and that git does not see.
fn keep_secrets(directory: &Path, secrets: &BTreeMap<String, audit::Value>) -> Result<(), Failure> {
    if secrets.is_empty() {
        return Ok(());
    }
    let place = directory.join(audit::SECRETS);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&place)?;
    for (name, value) in secrets {
        let path = place.join(name);
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let mut file = file.map_err(|error| {
            let text = format!("cannot write {}: {error}; nothing was changed", path.display());
            Failure::with_help(Exit::Usage, text, "move that file away when it is not needed any more")
        })?;
        file.write_all(value.0.as_bytes())?;
    }
    let ignore = directory.join(".gitignore");
    let known = std::fs::read_to_string(&ignore).unwrap_or_default();
    let line = format!("{}/", audit::SECRETS);
    if !known.lines().any(|known| known.trim().trim_start_matches('/') == line) {
        let gap = if known.is_empty() || known.ends_with('\n') { "" } else { "\n" };
        std::fs::write(&ignore, format!("{known}{gap}/{line}\n"))?;
    }
    Ok(())
}

fn text(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "no findings".to_owned();
    }
    let mut out = String::new();
    for finding in findings {
        let severity = match finding.rule.severity {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        };
        let mechanical = if finding.edit.is_some() { " (`--fix` does)" } else { "" };
        out.push_str(&format!(
            "{severity:<6} {}:{}:{}: service `{}`: {} [{}]\n       fix: {}{mechanical}\n",
            finding.file.display(),
            finding.line,
            finding.column,
            finding.service,
            finding.message,
            finding.rule.id,
            finding.rule.fix
        ));
    }
    let count = |severity| findings.iter().filter(|finding| finding.rule.severity == severity).count();
    out.push_str(&format!(
        "{} high, {} medium, {} low",
        count(Severity::High),
        count(Severity::Medium),
        count(Severity::Low)
    ));
    out
}
