//! What a hook tells: how long each part took, what was not tested and why, and what it all amounts to.

use std::time::{Duration, Instant};

use security_tests::report::{self, Rows};
use security_tests::{Run, Verdict};
use serde_json::{Value, json};

use crate::cli::{Format, HookName, HookRun, Mode};
use crate::commands::{selection, test};
use crate::exit::Exit;
use crate::select::Selection;
use crate::ui;

/// Columns of the names of the parts, and of what is said about them.
const NAME: usize = 8;
const WHAT: usize = 84;

/// What a hook tells in the end.
pub(super) struct Report {
    hook: HookName,
    mode: Mode,
    format: Format,
    begun: Instant,
    verdict: Verdict,
    parts: Vec<Value>,
    selection: Option<Value>,
    /// Why something that should be known is not.
    open: Vec<String>,
    runs: Vec<Value>,
    error: Option<String>,
}

impl Report {
    pub(super) fn new(args: &HookRun, mode: Mode) -> Self {
        Self {
            hook: args.hook,
            mode,
            format: args.format,
            begun: Instant::now(),
            verdict: Verdict::Pass,
            parts: Vec::new(),
            selection: None,
            open: Vec::new(),
            runs: Vec::new(),
            error: None,
        }
    }

    /// One part and how long it took.
    pub(super) fn part(&mut self, name: &str, what: &str, took: Duration) {
        if self.format == Format::Text {
            ui::complain(&format!("  {name:<NAME$} {what:<WHAT$} {}", shown(took)));
        }
        self.parts.push(json!({ "part": name, "what": what, "ms": millis(took) }));
    }

    /// What the change asks for.
    pub(super) fn selected(&mut self, asked: &Selection, took: Duration) {
        self.part("select", &selection::title(asked), took);
        if self.format == Format::Text {
            selection::reasons(asked).iter().for_each(|line| ui::complain(&format!("  {:<NAME$}   {line}", "")));
        }
        self.selection = Some(selection::to_json(asked));
    }

    /// A run; the whole report when it is not a pass.
    pub(super) fn run(&mut self, name: &str, run: &Run, took: Duration) {
        let (summary, verdict) = (run.summary(), run.verdict());
        let cut = if summary.not_run > 0 { format!(", not run: {}", summary.not_run) } else { String::new() };
        let layers: Vec<&str> =
            run.layers.iter().filter(|layer| layer.skipped.is_none()).map(|layer| layer.layer.as_str()).collect();
        let what = format!(
            "{}: {} of {} cases passed{cut}, {} requests: {}",
            layers.join(", "),
            summary.passed,
            summary.cases,
            summary.requests,
            word(verdict)
        );
        self.part(name, &what, took);
        if self.format == Format::Text && verdict == Verdict::Fail {
            ui::complain("");
            ui::complain(&test::terminal(run, Rows::Interesting, Some("")));
            ui::complain("");
        }
        if verdict == Verdict::Inconclusive {
            let reasons = run.open_questions().into_iter().map(|(reason, cases)| format!("{cases} × {reason}"));
            self.open.extend(reasons.take(4));
        }
        self.runs.push(report::json(run));
        self.worsen(verdict);
    }

    /// The report of a run in another process.
    pub(super) fn ran_elsewhere(&mut self, verdict: Verdict, report: Option<Value>) {
        self.runs.extend(report);
        self.worsen(verdict);
    }

    /// Something is not known. It does not make the verdict worse by itself.
    pub(super) fn not_run(&mut self, name: &str, reason: &str, took: Duration) {
        let mut lines = reason.lines();
        self.part(name, &format!("not run: {}", lines.next().unwrap_or_default()), took);
        if self.format == Format::Text {
            lines.for_each(|line| ui::complain(&format!("  {:<NAME$}   {line}", "")));
        }
        self.open.push(reason.to_owned());
    }

    /// Mistakes in what is tested.
    pub(super) fn broken(&mut self, text: String) {
        if self.format == Format::Text {
            ui::complain(&text);
        }
        self.error = Some(text);
    }

    pub(super) fn worsen(&mut self, verdict: Verdict) {
        self.verdict = match (self.verdict, verdict) {
            (Verdict::Fail, _) | (_, Verdict::Fail) => Verdict::Fail,
            (Verdict::Inconclusive, _) | (_, Verdict::Inconclusive) => Verdict::Inconclusive,
            (Verdict::Pass, Verdict::Pass) => Verdict::Pass,
        };
    }

    /// Since the hook began.
    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    pub(super) fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Says what it amounts to, and ends as git shall see it.
    pub(super) fn conclude(self) -> Exit {
        let exit = self.exit();
        let stopped = exit != Exit::Success;
        match self.format {
            Format::Json => ui::print(&self.to_json(stopped).to_string()),
            Format::Text => self.say(stopped),
        }
        exit
    }

    fn exit(&self) -> Exit {
        let exit = match (self.verdict, self.hook) {
            _ if self.error.is_some() => Exit::Usage,
            (Verdict::Fail, _) => Exit::Findings,
            // Before a commit, what is not proven is told: it may be the machine. Before a push, it is not enough.
            (Verdict::Inconclusive, HookName::PrePush) => Exit::Inconclusive,
            (Verdict::Inconclusive, HookName::PreCommit) | (Verdict::Pass, _) => Exit::Success,
        };
        if self.mode == Mode::Warn { Exit::Success } else { exit }
    }

    fn say(&self, stopped: bool) {
        let what = match self.hook {
            HookName::PreCommit => "commit",
            HookName::PrePush => "push",
        };
        let bad = self.error.is_some() || self.verdict == Verdict::Fail;
        let ending = match (stopped, bad, self.verdict) {
            (true, ..) => format!("the {what} is stopped (`git {what} --no-verify` passes it once)"),
            (false, true, _) => format!("mode warn: the {what} goes on all the same"),
            (false, false, Verdict::Inconclusive) => format!("NOT PROVEN: the {what} goes on, but nobody knows"),
            (false, false, _) => format!("the {what} goes on"),
        };
        if self.verdict == Verdict::Inconclusive && !bad {
            self.open.iter().for_each(|reason| ui::complain(&format!("  not proven: {reason}")));
        }
        let verdict = if self.error.is_some() { "cannot be tested" } else { word(self.verdict) };
        ui::complain(&format!("devenv {}: {verdict} in {}; {ending}", self.hook.as_str(), shown(self.begun.elapsed())));
    }

    fn to_json(&self, stopped: bool) -> Value {
        json!({
            "hook": self.hook.as_str(),
            "mode": self.mode.as_str(),
            "verdict": word(self.verdict),
            "stopped": stopped,
            "ms": millis(self.begun.elapsed()),
            "parts": self.parts,
            "selection": self.selection,
            "not_proven": self.open,
            "error": self.error,
            "reports": self.runs,
        })
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Inconclusive => "inconclusive",
    }
}

fn shown(took: Duration) -> String {
    if took < Duration::from_secs(1) {
        format!("{} ms", took.as_millis())
    } else {
        format!("{:.1} s", took.as_secs_f64())
    }
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
