//! Tests against a real engine when one answers; with `DEVENV_REQUIRE_DOCKER=1` one must. Nothing is pulled: containers run
//! from packaged executables of this machine, mostly a shell, and this test program itself where more is to be seen.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc::UnboundedReceiver;

use super::*;
use crate::event::Event;
use crate::manifest::Restart;
use crate::plan::{Artifact, ContainerSettings, Fingerprint, Hardening, PlannedNetwork, Role, ServiceNetwork, Stop};

mod building;
mod containers;
mod faults;
mod inside;
mod output;
mod packaging;
mod required;
mod resources;
mod specs;
mod tls;

/// Longer than anything here takes; what does not happen until then does not happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A project of one test.
struct Lab {
    docker: Docker,
    plan: Plan,
    reporter: Reporter,
    events: UnboundedReceiver<Event>,
}

/// The variables that say where the engine is.
fn environment() -> BTreeMap<String, String> {
    std::env::vars()
        .filter(|(name, _)| name.starts_with("DOCKER_") || name == "HOME" || name == "XDG_RUNTIME_DIR")
        .collect()
}

/// Runs a test in a project of its own when an engine answers, and removes everything of it afterwards.
async fn with_engine(name: &str, test: impl AsyncFnOnce(&mut Lab)) {
    let Some(docker) = required::if_it_answers(Docker::connect(&environment()).await) else { return };
    let (reporter, events) = Reporter::channel();
    let project = Project {
        name: name.to_owned(),
        instance: format!("{:08x}", std::process::id()),
        directory: PathBuf::from("/lab"),
        state: PathBuf::from("/lab/state"),
    };
    let mut lab = Lab { docker, plan: empty_plan(project), reporter, events };
    let outcome = tokio::time::timeout(PATIENCE * 2, AssertUnwindSafe(test(&mut lab)).catch_unwind()).await;
    lab.clean().await;
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(_) => panic!("the test took too long"),
    }
}

fn empty_plan(project: Project) -> Plan {
    Plan {
        project,
        engine: EngineName::Docker,
        services: BTreeMap::new(),
        networks: BTreeMap::new(),
        volumes: BTreeMap::new(),
    }
}

/// The plan of a whole Compose file in `/x`.
fn composed(text: &str) -> Plan {
    let project = Project { name: "x".into(), instance: "00000000".into(), directory: "/x".into(), state: "/s".into() };
    let file = crate::manifest::SourceFile { path: "compose.yaml".into(), text: text.into() };
    let (files, variables) = (BTreeMap::<PathBuf, String>::new(), BTreeMap::new());
    let sources = crate::manifest::Sources { file: &file, overrides: &[], files: &files, variables: &variables };
    let manifest = crate::manifest::load(&sources).unwrap_or_else(|problems| panic!("{problems}")).value;
    let context = crate::plan::Context {
        engine: EngineName::Docker,
        project,
        executable: Artifact::unknown(),
        artifacts: BTreeMap::new(),
        builds: BTreeMap::new(),
        mounts: BTreeMap::new(),
        shares_files: true,
        secrets: crate::plan::Secrets::default(),
        files: BTreeMap::new(),
        policies: Default::default(),
    };
    crate::plan::resolve(&manifest, &context).unwrap()
}

impl Lab {
    async fn act(&self, action: Action) -> Result<(), EngineError> {
        self.docker.perform(&self.plan, &action, &self.reporter).await
    }

    /// Makes and starts a service.
    async fn up(&self, name: &str) {
        for action in [Action::Provide(name.into()), Action::Create(name.into()), Action::Start(name.into())] {
            self.act(action.clone()).await.unwrap_or_else(|error| panic!("{}: {error}", action.verb()));
        }
    }

    fn add(&mut self, service: PlannedService) -> &mut PlannedService {
        let name = service.name.clone();
        self.plan.services.insert(name.clone(), service);
        self.plan.services.get_mut(&name).unwrap()
    }

    /// A service that runs `script` in a packaged shell.
    fn add_shell(&mut self, name: &str, script: &str) -> &mut PlannedService {
        let mut service = self.service(name, &std::fs::canonicalize("/bin/sh").unwrap());
        service.command = vec!["-c".to_owned(), script.to_owned()];
        self.add(service)
    }

    /// A hardened service of a packaged executable, without network.
    fn service(&self, name: &str, executable: &Path) -> PlannedService {
        let source = Source::Packaged { executable: artifact(executable) };
        planned_service(name, source, format!("{}-{name}", self.plan.project.id()))
    }

    /// A network of the plan, made.
    async fn network(&mut self, key: &str) -> ServiceNetwork {
        let name = format!("{}-{key}", self.plan.project.id());
        let network = PlannedNetwork { name, external: false, internal: false, ..Default::default() };
        self.plan.networks.insert(key.to_owned(), network);
        self.act(Action::CreateNetwork(key.to_owned())).await.unwrap();
        ServiceNetwork::Networks(vec![key.to_owned()])
    }

    async fn observe(&self) -> Observed {
        self.docker.observe(&self.plan.project).await.unwrap()
    }

    async fn state(&self, service: &str) -> Option<ServiceState> {
        self.docker.state(&self.plan.project, service).await.unwrap()
    }

    /// Waits until a service has ended, and gives its exit code.
    async fn ended(&self, service: &str) -> i64 {
        let id = self.docker.connection.containers(&self.plan.project, Some(service)).await.unwrap()[0].id.clone();
        let mut waiting = Box::pin(
            self.docker.connection.client.wait_container(&id, None::<bollard::query_parameters::WaitContainerOptions>),
        );
        match waiting.next().await {
            Some(Ok(answer)) => answer.status_code,
            Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => code,
            other => panic!("{other:?}"),
        }
    }

    /// All output of a service so far.
    async fn output(&self, service: &str) -> Vec<String> {
        let services = [service.to_owned()];
        let lines = self.docker.logs(&self.plan.project, &services, LogOptions::default()).await.unwrap();
        lines.map(|line| line.unwrap().text).collect().await
    }

    /// Runs a service to its end and gives its exit code and output.
    async fn run(&self, service: &str) -> (i64, Vec<String>) {
        self.up(service).await;
        (self.ended(service).await, self.output(service).await)
    }

    async fn clean(&self) {
        let observed = self.observe().await;
        for service in observed.services.keys() {
            self.act(Action::Remove(service.clone())).await.unwrap();
        }
        self.remove_older_images().await;
        for network in observed.networks {
            self.act(Action::RemoveNetwork(network)).await.unwrap();
        }
        for volume in observed.volumes {
            self.act(Action::RemoveVolume(volume)).await.unwrap();
        }
    }
}

/// A hardened service without network.
fn planned_service(name: &str, source: Source, container: String) -> PlannedService {
    PlannedService {
        name: name.to_owned(),
        role: Role::User,
        source,
        entrypoint: None,
        command: vec![],
        environment: BTreeMap::new(),
        files: vec![],
        ports: vec![],
        mounts: vec![],
        mounted: BTreeMap::new(),
        tmpfs: BTreeMap::new(),
        network: ServiceNetwork::Mode("none".to_owned()),
        depends_on: BTreeMap::new(),
        readiness: None,
        restart: Restart::No,
        stop: Stop { signal: "SIGTERM".to_owned(), grace: Duration::from_secs(3) },
        hardening: Hardening {
            user: Some("65532:65532".to_owned()),
            read_only: true,
            cap_drop: vec!["ALL".to_owned()],
            security_opt: vec!["no-new-privileges:true".to_owned()],
            pids_limit: Some(64),
            init: true,
            ..Hardening::default()
        },
        container: ContainerSettings { name: container, ..ContainerSettings::default() },
        fingerprint: Fingerprint(BTreeMap::from([("command".to_owned(), "1".to_owned())])),
    }
}

impl Lab {
    /// Each build of this test program makes an image; those of earlier builds are of no use to anybody.
    async fn remove_older_images(&self) {
        let own = package::tag(&artifact(&std::env::current_exe().unwrap()));
        let (repository, _) = own.split_once(':').unwrap();
        let filters = std::collections::HashMap::from([("reference".to_owned(), vec![repository.to_owned()])]);
        let options = bollard::query_parameters::ListImagesOptions { filters: Some(filters), ..Default::default() };
        let images = self.docker.connection.client.list_images(Some(options)).await.unwrap_or_default();
        for tag in images.into_iter().flat_map(|image| image.repo_tags).filter(|tag| *tag != own) {
            let options = None::<bollard::query_parameters::RemoveImageOptions>;
            drop(self.docker.connection.client.remove_image(&tag, options, None).await);
        }
    }
}

/// The file with its hash; hashed once, because this test program is large.
fn artifact(path: &Path) -> Artifact {
    static KNOWN: Mutex<BTreeMap<PathBuf, Artifact>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(path.to_owned()).or_insert_with(|| hashed(path)).clone()
}

fn hashed(path: &Path) -> Artifact {
    let bytes = std::fs::read(path).unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
    let digest = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Artifact { path: path.to_owned(), digest }
}
