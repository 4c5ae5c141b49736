//! What a run says to the machine of a CI system: annotations at lines of files, a summary, and progress that can be folded.

use std::path::PathBuf;

use security_tests::report::{self, Sources};
use security_tests::{Run, Verdict};
use serde_json::Value;

use crate::ui;

/// Bytes of a job summary that GitHub shows; what is beyond makes it refuse the whole.
const MOST: usize = 1024 * 1024 - 4096;
/// Annotations of one kind that GitHub shows for a step.
const ANNOTATIONS: usize = 10;

/// Which CI system runs this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// GitHub Actions, with the file of the job's summary.
    GitHub { summary: Option<PathBuf> },
    /// GitLab CI.
    GitLab,
}

impl Host {
    /// By the variables that these systems set; others than these two have no language of their own.
    pub(super) fn detect(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let on = |name: &str| variable(name).is_some_and(|value| value == "true");
        if on("GITHUB_ACTIONS") {
            let summary = variable("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()).map(PathBuf::from);
            return Some(Self::GitHub { summary });
        }
        on("GITLAB_CI").then_some(Self::GitLab)
    }

    /// That of this process.
    pub(super) fn here() -> Option<Self> {
        Self::detect(|name| std::env::var(name).ok())
    }

    /// Begins what can be folded.
    pub(super) fn open(&self) {
        ui::complain(&match self {
            Self::GitHub { .. } => "::group::devenv: stack and requests".to_owned(),
            Self::GitLab => section("start", "[collapsed=true]", "devenv: stack and requests"),
        });
    }

    /// Ends it.
    pub(super) fn close(&self) {
        ui::complain(&match self {
            Self::GitHub { .. } => "::endgroup::".to_owned(),
            Self::GitLab => section("end", "", ""),
        });
    }

    /// Says what was found, where people look. On the error stream: the result on the other one stays what it is.
    pub(super) fn tell(&self, run: &Run, sources: &Sources) {
        if let Self::GitHub { .. } = self {
            annotations(run, sources).iter().for_each(|line| ui::complain(line));
            self.summarize(&report::json(run));
        }
    }

    /// Appends a report to the summary of the job. Nothing depends on it.
    pub(super) fn summarize(&self, report: &Value) {
        use std::io::Write as _;
        let Self::GitHub { summary: Some(path) } = self else { return };
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        let text = shortened(report::markdown(report), MOST);
        if let Err(error) = file.and_then(|mut file| file.write_all(text.as_bytes())) {
            ui::complain(&format!("::warning::cannot write the summary of the job: {}", data(&error.to_string())));
        }
    }
}

/// GitLab's markers of a section that can be folded.
fn section(which: &str, options: &str, title: &str) -> String {
    let now = jiff::Timestamp::now().as_second();
    format!("\u{1b}[0Ksection_{which}:{now}:devenv_test{options}\r\u{1b}[0K{title}")
}

/// Workflow commands of GitHub: an error for each finding that fails, a warning for each thing that is not proven.
fn annotations(run: &Run, sources: &Sources) -> Vec<String> {
    let failing = run.findings.iter().filter(|finding| report::fails(run, finding));
    let error = |finding: &security_tests::rollup::Finding| {
        let place = report::place(run, finding, sources);
        let place = place.map(|(file, line)| format!("file={},line={line},", property(&file))).unwrap_or_default();
        let mut text = format!("{}\n{}", finding.title, finding.evidence);
        if !finding.personas.is_empty() {
            text = format!("{text}\nby {}", finding.personas.join(", "));
        }
        for name in &finding.regressions {
            text = format!("{text}\npinned: {name}");
        }
        format!("::error {place}title={}::{}", property(&finding.id), data(&text))
    };
    let mut lines: Vec<String> = failing.take(ANNOTATIONS).map(error).collect();
    if run.verdict() == Verdict::Inconclusive {
        let open = run.open_questions().into_iter().take(ANNOTATIONS);
        lines.extend(open.map(|(reason, cases)| format!("::warning title=not proven::{cases} × {}", data(&reason))));
    }
    lines
}

/// The message of a workflow command: a line end would end it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of one: also the signs that separate properties.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// At most so many bytes, cut at the end of a line.
fn shortened(text: String, most: usize) -> String {
    if text.len() <= most {
        return text;
    }
    let mut out = String::new();
    for line in text.lines() {
        if out.len() + line.len() >= most {
            break;
        }
        out.push_str(line);
        out.push('\n');
    }
    out.push_str("\nThe rest did not fit.\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ci_system_is_known_by_its_variables() {
        let of = |pairs: &[(&str, &str)]| {
            let known: std::collections::BTreeMap<String, String> =
                pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Host::detect(move |name| known.get(name).cloned())
        };
        assert_eq!(of(&[("GITHUB_ACTIONS", "true")]), Some(Host::GitHub { summary: None }));
        let summary = Some(PathBuf::from("/x"));
        assert_eq!(of(&[("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", "/x")]), Some(Host::GitHub { summary }));
        assert_eq!(of(&[("GITLAB_CI", "true"), ("CI", "true")]), Some(Host::GitLab));
        assert_eq!((of(&[]), of(&[("CI", "true")]), of(&[("GITLAB_CI", "false")])), (None, None, None));
    }

    #[test]
    fn nothing_in_a_text_ends_a_workflow_command_or_begins_another() {
        assert_eq!(data("50 %\r\n::stop::x"), "50 %25%0D%0A::stop::x");
        assert_eq!(property("a:b,c%\n"), "a%3Ab%2Cc%25%0A");
    }

    #[test]
    fn a_summary_that_is_too_long_is_cut_at_a_line() {
        let text = "first\nsecond\nthird\n".to_owned();
        assert_eq!(shortened(text.clone(), 100), text);
        assert!(shortened(text.clone(), 13).starts_with("first\nsecond\n"), "{}", shortened(text, 13));
    }
}
