//! What every command about a stack begins with: the manifest, the project, the engine, the plan.

use std::collections::BTreeMap;

use crate::cli::{EngineArg, StackArgs};
use crate::commands::Failure;
use crate::engine::docker::Docker;
use crate::engine::embedded::Embedded;
use crate::engine::mixed::Mixed;
use crate::engine::{Engine, EngineError};
use crate::event::{Event, Reporter};
use crate::exit::Exit;
use crate::manifest::{self, Composed, EngineName, Manifest, Sources};
use crate::plan::{Plan, Project, is_told_its_port, move_ports, named_ports, resolve};
use crate::stack::{self, Depth, Gathering, Lock, ProjectFiles, Record};

/// A loaded manifest with its project.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) manifest: Manifest,
    pub(super) project: Project,
    pub(super) environment: BTreeMap<String, String>,
    /// The files that the manifest was read from.
    pub(super) files: Vec<std::path::PathBuf>,
    engine: EngineArg,
}

/// The files of a stack, read and checked.
pub(super) struct Opened {
    pub(super) composed: Composed,
    pub(super) project: Project,
    /// What variables mean in the files: `.env`, and the caller's environment over it.
    pub(super) variables: BTreeMap<String, String>,
}

/// Finds, reads and checks the manifest with all that belongs to it; its warnings are reported.
pub(super) fn open(args: &StackArgs, reporter: &Reporter) -> Result<Opened, Failure> {
    open_files(args, None, reporter)
}

fn open_files(args: &StackArgs, variable: Option<(&str, &str)>, reporter: &Reporter) -> Result<Opened, Failure> {
    let located = stack::locate(&args.dir, &args.file)?;
    let environment = environment();
    let mut variables = dot_env(&located.directory, &environment)?;
    variables.extend(environment.clone());
    variables.extend(variable.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let files = ProjectFiles { directory: located.directory.clone() };
    let (file, overrides) = (&located.file, &located.overrides);
    let loaded = manifest::read(&Sources { file, overrides, files: &files, variables: &variables })?;
    for warning in loaded.warnings.iter() {
        let place = format!("{}:{}:{}", warning.file.display(), warning.line, warning.column);
        reporter.report(Event::Warning { message: format!("{place}: {}", warning.message) });
    }
    let mut composed = loaded.value;
    composed.manifest.active_profiles = args.profiles.iter().cloned().collect();
    let project = stack::project(composed.manifest.name.as_deref(), &located.directory, &environment);
    Ok(Opened { composed, project, variables })
}

/// An engine with the plan that was resolved for it.
pub(super) struct Prepared {
    pub(super) engine: Box<dyn Engine>,
    pub(super) plan: Plan,
}

/// Why an engine was taken, in one sentence.
struct Choice {
    prepared: Prepared,
    reason: String,
}

impl Session {
    /// Finds, reads and checks the manifest; its warnings are reported.
    pub(super) fn open(args: &StackArgs, reporter: &Reporter) -> Result<Self, Failure> {
        Self::open_with(args, None, reporter)
    }

    /// The same with one variable set, over the environment.
    pub(super) fn open_with(
        args: &StackArgs,
        variable: Option<(&str, &str)>,
        reporter: &Reporter,
    ) -> Result<Self, Failure> {
        let Opened { composed, project, variables } = open_files(args, variable, reporter)?;
        let files = composed.files().to_vec();
        let mut manifest = composed.manifest;
        move_ports(&mut manifest, stack::distance(&project), &project.instance);
        Ok(Self { manifest, project, environment: variables, files, engine: args.engine })
    }

    /// Takes the lock of the stack to bring it up, and settles its ports: another work tree may have those of the file.
    pub(super) fn lock_for_up(&mut self, command: &str, reporter: &Reporter) -> Result<Lock, Failure> {
        let lock = Lock::take(&self.project, command)?;
        let ports = stack::settle(&self.project, &named_ports(&self.manifest))?;
        if self.manifest.ports_moved_by == 0 {
            move_ports(&mut self.manifest, ports.distance, &self.project.instance);
        }
        if let Some(other) = ports.beside {
            let message = format!(
                "the stack of {} is up with the ports of this file: here each port is {} higher, from now on (`devenv down -v` forgets that)",
                other.display(),
                ports.distance
            );
            reporter.report(Event::Note { message });
        }
        if ports.distance != 0 {
            self.warn_of_fixed_ports(reporter);
        }
        Ok(lock)
    }

    /// A process whose port is written out goes on with that one, whatever the ports of the work tree are.
    fn warn_of_fixed_ports(&self, reporter: &Reporter) {
        for (name, service) in &self.manifest.services {
            let parts = std::iter::once(service).chain(service.embedded.as_deref());
            let told = parts.clone().any(|part| is_told_its_port(part, name));
            let is_process = parts.clone().any(|part| part.run.is_some() || part.binary.is_some());
            if is_process && !told && parts.clone().any(|part| !part.ports.is_empty()) {
                let variable = format!("${{DEVENV_PORT_{}}}", name.to_uppercase().replace(['-', '.'], "_"));
                let message = format!(
                    "`{name}` has its port written out, and here it should have another one: give it `{variable}` in its environment or its command"
                );
                reporter.report(Event::Warning { message });
            }
        }
    }

    /// The engine and plan for bringing the stack up.
    pub(super) async fn prepare(&self, depth: Depth, reporter: &Reporter) -> Result<Prepared, Failure> {
        let choice = match self.engine {
            EngineArg::Docker => self.docker(depth, reporter, "asked for").await?,
            EngineArg::Embedded => self.embedded(depth, reporter, "asked for").await?,
            EngineArg::Auto => self.choose(depth, reporter).await?,
        };
        self.refuse_two_engines(choice.prepared.engine.name()).await?;
        reporter
            .report(Event::EngineChosen { engine: choice.prepared.engine.name().to_string(), reason: choice.reason });
        Ok(choice.prepared)
    }

    /// A stack that is up on one engine is not brought up on the other one beside it: ports and state would collide.
    async fn refuse_two_engines(&self, chosen: EngineName) -> Result<(), Failure> {
        let recorded = Record::read(&self.project).and_then(|record| record.engine());
        let Some(other) = recorded.filter(|other| *other != chosen) else { return Ok(()) };
        let observed = match other {
            EngineName::Embedded => processes()?.observe(&self.project).await,
            EngineName::Docker => match Docker::connect(&self.environment).await {
                Ok(docker) => docker.observe(&self.project).await,
                Err(_) => return Ok(()),
            },
        };
        if observed.is_ok_and(|observed| observed.services.is_empty()) {
            return Ok(());
        }
        let text = format!("the stack is up on the {other} engine");
        Err(Failure::with_help(Exit::World, text, format!("`devenv down` first, or use `--engine {other}`")))
    }

    /// The engine on which the stack runs now (or would run), with enough of a plan to find things.
    pub(super) async fn existing(&self, reporter: &Reporter) -> Result<Prepared, Failure> {
        let recorded = Record::read(&self.project).and_then(|record| record.engine());
        let choice = match (self.engine, recorded) {
            (EngineArg::Docker, _) | (EngineArg::Auto, Some(EngineName::Docker)) => {
                self.docker(Depth::Outline, reporter, "recorded").await?
            }
            (EngineArg::Embedded, _) | (EngineArg::Auto, Some(EngineName::Embedded)) => {
                self.embedded(Depth::Outline, reporter, "recorded").await?
            }
            (EngineArg::Auto, None) => self.unrecorded(reporter).await?,
        };
        Ok(choice.prepared)
    }

    /// Without a record: whatever is found on Docker, otherwise embedded, as far as the plan can run so.
    async fn unrecorded(&self, reporter: &Reporter) -> Result<Choice, Failure> {
        let docker = self.docker(Depth::Outline, reporter, "answers").await;
        if let Ok(choice) = &docker
            && !choice.prepared.engine.observe(&self.project).await?.services.is_empty()
        {
            return docker;
        }
        let embedded = self.embedded(Depth::Outline, reporter, "nothing else").await;
        if embedded.is_ok() { embedded } else { docker }
    }

    /// Docker when it answers and has every image; otherwise embedded, when the plan can run so.
    async fn choose(&self, depth: Depth, reporter: &Reporter) -> Result<Choice, Failure> {
        if Record::read(&self.project).and_then(|record| record.engine()) == Some(EngineName::Embedded)
            && let Ok(choice) = self.embedded(depth, reporter, "the stack is up on it").await
            && !choice.prepared.engine.observe(&self.project).await?.services.is_empty()
        {
            return Ok(choice);
        }
        let docker = match Docker::connect(&self.environment).await {
            Ok(docker) => docker,
            Err(error) => return self.fall_back(depth, reporter, error).await,
        };
        let plan = self.resolve(EngineName::Docker, depth, reporter).await?;
        if let Err(error) = docker.can_provide(&plan, reporter).await {
            return self.fall_back(depth, reporter, error).await;
        }
        let prepared = Prepared { engine: mixed(docker)?, plan };
        Ok(Choice { prepared, reason: "Docker answers and has every image".into() })
    }

    /// Embedded instead of Docker; when the plan cannot run so, Docker's error is the one to mend.
    async fn fall_back(&self, depth: Depth, reporter: &Reporter, error: EngineError) -> Result<Choice, Failure> {
        let reason = error.to_string();
        match self.embedded(depth, reporter, &reason).await {
            Err(Failure::Other { exit: Exit::Usage, .. }) => Err(error.into()),
            other => other,
        }
    }

    async fn docker(&self, depth: Depth, reporter: &Reporter, reason: &str) -> Result<Choice, Failure> {
        let docker = Docker::connect(&self.environment).await?;
        let plan = self.resolve(EngineName::Docker, depth, reporter).await?;
        Ok(Choice { prepared: Prepared { engine: mixed(docker)?, plan }, reason: reason.into() })
    }

    /// The Docker engine with the plan for it, whatever the stack runs on.
    pub(super) async fn docker_plan(&self, depth: Depth, reporter: &Reporter) -> Result<(Docker, Plan), Failure> {
        let docker = Docker::connect(&self.environment).await?;
        Ok((docker, self.resolve(EngineName::Docker, depth, reporter).await?))
    }

    /// The plan for Docker, whether an engine answers or not.
    pub(super) async fn plan_for_docker(&self, depth: Depth, reporter: &Reporter) -> Result<Plan, Failure> {
        self.resolve(EngineName::Docker, depth, reporter).await
    }

    async fn embedded(&self, depth: Depth, reporter: &Reporter, reason: &str) -> Result<Choice, Failure> {
        let plan = self.resolve(EngineName::Embedded, depth, reporter).await?;
        let engine = Box::new(processes()?);
        Ok(Choice { prepared: Prepared { engine, plan }, reason: reason.into() })
    }

    async fn resolve(&self, engine: EngineName, depth: Depth, reporter: &Reporter) -> Result<Plan, Failure> {
        let gathering = Gathering { depth, environment: &self.environment, reporter };
        let context = stack::gather(&self.manifest, &self.project, engine, gathering).await?;
        match resolve(&self.manifest, &context) {
            Ok(plan) => Ok(plan),
            Err(errors) => Err(errors.into()),
        }
    }
}

pub(super) fn mixed(docker: Docker) -> Result<Box<dyn Engine>, Failure> {
    Ok(Box::new(Mixed { containers: docker, processes: processes()? }))
}

pub(super) fn processes() -> Result<Embedded, Failure> {
    Ok(Embedded::new(std::env::current_exe()?))
}

/// The caller's environment as text; what is not UTF-8 cannot be written in a manifest either.
pub(super) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The pairs of `.env` beside the manifest.
pub(super) fn dot_env(
    directory: &std::path::Path,
    environment: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Failure> {
    let path = directory.join(".env");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(Failure::new(Exit::Usage, format!("cannot read {}: {error}", path.display()))),
    };
    manifest::dot_env(&text, environment)
        .map_err(|error| Failure::new(Exit::Usage, format!("{}:{}: {}", path.display(), error.line, error.message)))
}
