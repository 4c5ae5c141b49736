//! A project in a temporary directory and short words for what tests do with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use devenv::engine::embedded::Embedded;
use devenv::engine::{Action, Engine, EngineError, LogLine, LogOptions, ServiceState};
use devenv::event::{Event, Reporter};
use devenv::manifest::{EngineName, Restart};
use devenv::plan::{
    ContainerSettings, Fingerprint, Hardening, Plan, PlannedService, Project, Role, ServiceNetwork, Source, Stop,
};
use futures_util::StreamExt as _;
use tokio::sync::mpsc::UnboundedReceiver;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Ends what it started also when the test fails.
pub(crate) struct Bench {
    pub(crate) engine: Embedded,
    pub(crate) plan: Plan,
    pub(crate) reporter: Reporter,
    pub(crate) events: UnboundedReceiver<Event>,
    directory: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        // Marks tell stacks apart on the whole machine, so no two tests may share one.
        let instance = format!("{:x}-{:x}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let project = Project {
            name: "bench".into(),
            instance,
            directory: directory.path().to_path_buf(),
            state: directory.path().join("state"),
        };
        let plan = Plan {
            project,
            engine: EngineName::Embedded,
            services: BTreeMap::new(),
            networks: BTreeMap::new(),
            volumes: BTreeMap::new(),
        };
        let (reporter, events) = Reporter::channel();
        let engine = Embedded::new(PathBuf::from(env!("CARGO_BIN_EXE_devenv")));
        Self { engine, plan, reporter, events, directory }
    }

    /// A bench with one service `job` that runs a shell script.
    pub(crate) fn with_script(script: &str) -> Self {
        Self::with(shell("job", script))
    }

    pub(crate) fn with(service: PlannedService) -> Self {
        let mut bench = Self::new();
        bench.plan.services.insert(service.name.clone(), service);
        bench
    }

    pub(crate) fn job(&mut self) -> &mut PlannedService {
        self.plan.services.get_mut("job").expect("the service `job`")
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn record(&self) -> PathBuf {
        self.plan.project.state.join("services/job")
    }

    pub(crate) async fn perform(&self, action: Action) -> Result<(), EngineError> {
        self.engine.perform(&self.plan, &action, &self.reporter).await
    }

    pub(crate) async fn up(&self) {
        self.perform(Action::Create("job".into())).await.expect("created");
        self.perform(Action::Start("job".into())).await.expect("started");
    }

    pub(crate) async fn stop(&self) {
        self.perform(Action::Stop("job".into())).await.expect("stopped");
    }

    pub(crate) async fn remove(&self) {
        self.perform(Action::Remove("job".into())).await.expect("removed");
    }

    pub(crate) async fn state(&self) -> Option<ServiceState> {
        self.engine.state(&self.plan.project, "job").await.expect("a state")
    }

    /// The same by a look at everything.
    pub(crate) async fn observed(&self) -> Option<ServiceState> {
        let observed = self.engine.observe(&self.plan.project).await.expect("observed");
        observed.services.get("job").map(|service| service.state.clone())
    }

    /// Follows the output until a line comes.
    pub(crate) async fn until_line(&self, text: &str) -> Vec<LogLine> {
        let options = LogOptions { follow: true, tail: None };
        let mut lines = self.engine.logs(&self.plan.project, &["job".into()], options).await.expect("a stream");
        let mut seen = Vec::new();
        let reading = async {
            while let Some(line) = lines.next().await {
                seen.push(line.expect("a line"));
                if seen.last().is_some_and(|line| line.text == text) {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), reading).await.unwrap_or_else(|_| panic!("no line `{text}`"));
        seen
    }

    pub(crate) async fn lines(&self, tail: Option<usize>) -> Vec<String> {
        let options = LogOptions { follow: false, tail };
        let lines = self.engine.logs(&self.plan.project, &["job".into()], options).await.expect("a stream");
        lines.map(|line| line.expect("a line").text).collect().await
    }

    pub(crate) async fn until_state(&self, wanted: ServiceState) {
        eventually(&format!("state {wanted:?}"), async || self.state().await == Some(wanted.clone())).await;
    }

    /// A field of `status.json`.
    pub(crate) fn status(&self, pointer: &str) -> i64 {
        let text = std::fs::read(self.record().join("status.json")).expect("a status");
        let status: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        status.pointer(pointer).and_then(serde_json::Value::as_i64).unwrap_or_else(|| panic!("no {pointer}: {status}"))
    }

    pub(crate) fn warnings(&mut self) -> Vec<String> {
        let mut warnings = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            if let Event::Warning { message } = event {
                warnings.push(message);
            }
        }
        warnings
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let (engine, plan, reporter) = (self.engine.clone(), self.plan.clone(), self.reporter.clone());
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            for name in plan.services.keys() {
                drop(runtime.block_on(engine.perform(&plan, &Action::Remove(name.clone()), &reporter)));
            }
        };
        drop(std::thread::spawn(work).join());
    }
}

/// Waits for a condition that others bring about; the only way to be told would be the very thing under test.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

pub(crate) fn shell(name: &str, script: &str) -> PlannedService {
    PlannedService {
        name: name.into(),
        role: Role::User,
        source: Source::Process,
        entrypoint: None,
        command: vec!["/bin/sh".into(), "-c".into(), script.into()],
        environment: BTreeMap::new(),
        files: Vec::new(),
        ports: Vec::new(),
        mounts: Vec::new(),
        mounted: BTreeMap::new(),
        tmpfs: BTreeMap::new(),
        network: ServiceNetwork::Host,
        depends_on: BTreeMap::new(),
        readiness: None,
        restart: Restart::No,
        stop: Stop { signal: "SIGTERM".into(), grace: Duration::from_millis(300) },
        hardening: Hardening::default(),
        container: ContainerSettings::default(),
        fingerprint: Fingerprint(BTreeMap::from([("command".into(), "1".into())])),
    }
}

/// Whether a process runs, as the kernel says.
pub(crate) fn runs(pid: i64) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(')').is_some_and(|(_, fields)| !fields.trim_start().starts_with('Z')))
}

/// SIGKILL, as `kill -9` sends it; to a process that is gone it does nothing.
pub(crate) fn kill(pid: i64) {
    let mut kill = std::process::Command::new("/bin/sh");
    kill.args(["-c", &format!("kill -9 {pid} 2>/dev/null || true")]).status().expect("a shell");
}

/// Processes with the mark of a stack, and whether they supervise: what an administrator would find by `grep`.
pub(crate) fn marked_by(project: &str) -> Vec<(i64, bool)> {
    let wanted = format!("DEVENV_PROJECT={project}");
    let pids = std::fs::read_dir("/proc").expect("/proc").flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i64>().ok());
    let marks = pids.filter_map(|pid| {
        let environment = String::from_utf8(std::fs::read(format!("/proc/{pid}/environ")).ok()?).ok()?;
        let mut entries = environment.split('\0');
        entries.clone().any(|entry| entry == wanted).then(|| (pid, entries.any(|entry| entry == "DEVENV_SUPERVISOR=1")))
    });
    marks.collect()
}

/// A process id that the service wrote into a file of the project.
pub(crate) fn pid_in(bench: &Bench, file: &str) -> Option<i64> {
    std::fs::read_to_string(bench.path().join(file)).ok()?.trim().parse().ok()
}
