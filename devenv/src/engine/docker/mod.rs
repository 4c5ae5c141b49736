//! Containers through the Docker Engine API (also Podman's). Must not know plans as a whole, nor what people see.
//!
//! Each file does one thing: `connection` and `raw` speak to the engine, `list` and `observe` look, `spec` and `files`
//! decide (purely) what is asked for, the others act.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::{Action, Engine, EngineError, Exec, Interaction, LogLine, LogOptions, Observed, ServiceState};
use crate::event::Reporter;
use crate::manifest::EngineName;
use crate::plan::{Artifact, Plan, PlannedService, Project, Source};
use crate::stack::LockedImage;
use connection::Connection;

mod address;
mod build;
mod connection;
mod create;
mod endpoint;
mod exec;
mod files;
mod image;
mod interact;
mod labels;
mod lines;
mod linked;
mod list;
mod logs;
mod mounts;
mod observe;
mod options;
mod package;
mod raw;
mod remove;
mod resources;
mod spec;
mod start;
mod tls;
mod volumes;

#[cfg(test)]
mod tests;

/// The name of the image that a program is packaged into.
#[must_use]
pub fn packaged_image(executable: &Artifact) -> String {
    package::tag(executable)
}

/// The image of a program as an archive for `docker load`.
///
/// # Errors
/// [`EngineError::Unsupported`] when it cannot be packaged.
pub async fn packaged_archive(service: &str, executable: &Artifact) -> Result<Vec<u8>, EngineError> {
    package::archive(service, executable).await.map(|pieces| pieces.concat())
}

/// A Docker engine that answers.
#[derive(Debug)]
pub struct Docker {
    connection: Connection,
    /// Containers that this process made and completed: they need not be completed again when they are started.
    completed: Mutex<HashSet<String>>,
    /// Held while an image is made: services of one executable ask for it at once, and it is to be made once.
    packaging: tokio::sync::Mutex<()>,
}

impl Docker {
    /// Finds the engine that the environment names (`DOCKER_HOST`, a Docker context, the usual socket, Podman's socket)
    /// and agrees on a version with it.
    ///
    /// # Errors
    /// [`EngineError::Unreachable`] with the endpoint that was tried, after two seconds at most.
    pub async fn connect(environment: &BTreeMap<String, String>) -> Result<Self, EngineError> {
        Ok(Self {
            connection: Connection::open(environment).await?,
            completed: Mutex::default(),
            packaging: tokio::sync::Mutex::default(),
        })
    }

    /// Where the engine listens: `unix:///var/run/docker.sock`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.connection.endpoint.to_string()
    }

    /// The version of the API that the engine speaks: `1.41`.
    #[must_use]
    pub fn api_version(&self) -> String {
        format!("{}.{}", self.connection.api.0, self.connection.api.1)
    }

    /// Whether the engine sees the files of this machine, as far as its address tells.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self.connection.endpoint, endpoint::Endpoint::Unix(_))
    }

    /// What is in an image; `None` when it is not here.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn image_content(&self, reference: &str) -> Result<Option<LockedImage>, EngineError> {
        image::content(&self.connection, reference).await
    }

    /// Every project of which something is here, with its directory.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn projects(&self) -> Result<BTreeMap<String, PathBuf>, EngineError> {
        observe::projects(&self.connection).await
    }

    /// Makes sure that every image of a plan is here, pulling those that are not.
    ///
    /// # Errors
    /// [`EngineError::ImageUnavailable`] for the first image that is neither here nor can be pulled.
    pub async fn can_provide(&self, plan: &Plan, reporter: &Reporter) -> Result<(), EngineError> {
        image::provide_all(&self.connection, plan, reporter).await
    }

    /// Makes sure that the images of packaged programs are here.
    ///
    /// # Errors
    /// A program cannot be packaged, or the engine does not take the image.
    pub async fn load_packaged(&self, plan: &Plan) -> Result<(), EngineError> {
        for service in plan.services.values() {
            if let Source::Packaged { executable } = &service.source {
                package::provide(&self.connection, &service.name, executable).await?;
            }
        }
        Ok(())
    }

    /// Writes the content of a named volume into a file, as a tar archive, and says its size; `None` when it is larger
    /// than `most`.
    ///
    /// # Errors
    /// The engine does not answer, or the file cannot be written.
    pub async fn save_volume(
        &self,
        plan: &Plan,
        key: &str,
        to: &std::path::Path,
        most: u64,
    ) -> Result<Option<u64>, EngineError> {
        volumes::save(&self.connection, plan, (key, to), most).await
    }

    /// Puts such an archive into a named volume that is new.
    ///
    /// # Errors
    /// The engine does not answer, or the file cannot be read.
    pub async fn load_volume(&self, plan: &Plan, key: &str, from: &std::path::Path) -> Result<(), EngineError> {
        volumes::load(&self.connection, plan, key, from).await
    }

    async fn act(&self, plan: &Plan, action: &Action, reporter: &Reporter) -> Result<(), EngineError> {
        let connection = &self.connection;
        match action {
            Action::CreateNetwork(name) => resources::create_network(connection, plan, name).await,
            Action::CreateVolume(name) => resources::create_volume(connection, plan, name).await,
            Action::Provide(name) => {
                let service = planned(plan, name)?;
                let _one_at_a_time = match service.source {
                    Source::Packaged { .. } => Some(self.packaging.lock().await),
                    Source::Image { .. } | Source::Built(_) | Source::Executable { .. } | Source::Process => None,
                };
                image::provide(connection, &plan.project, service, reporter).await
            }
            Action::Create(name) => {
                let service = planned(plan, name)?;
                create::create(connection, plan, service, reporter).await?;
                self.completed().insert(service.container.name.clone());
                Ok(())
            }
            Action::Start(name) => {
                let service = planned(plan, name)?;
                if !self.completed().contains(&service.container.name) {
                    create::complete_again(connection, plan, service).await?;
                }
                start::start(connection, service).await
            }
            Action::Stop(name) => remove::stop(connection, plan, name, reporter).await,
            Action::Pause(name) => remove::freeze(connection, plan, name).await,
            Action::Resume(name) => remove::thaw(connection, plan, name).await,
            Action::Kill(name) => remove::kill(connection, plan, name).await,
            Action::Remove(name) => {
                if let Some(service) = plan.services.get(name) {
                    self.completed().remove(&service.container.name);
                }
                // A store that is replaced while it runs must get to write down what it holds.
                remove::stop(connection, plan, name, reporter).await?;
                remove::remove(connection, plan, name).await
            }
            Action::RemoveNetwork(name) => resources::remove_network(connection, &plan.project, name).await,
            Action::RemoveVolume(name) => resources::remove_volume(connection, &plan.project, name).await,
            // Waiting is done by whoever walks the steps.
            Action::AwaitReady(_) | Action::AwaitExit(_) => Ok(()),
        }
    }

    fn completed(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.completed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn planned<'a>(plan: &'a Plan, name: &str) -> Result<&'a PlannedService, EngineError> {
    plan.services.get(name).ok_or_else(|| EngineError::Unsupported {
        service: name.to_owned(),
        reason: "it is not in the plan".to_owned(),
    })
}

impl Engine for Docker {
    fn name(&self) -> EngineName {
        EngineName::Docker
    }

    fn observe<'a>(&'a self, project: &'a Project) -> BoxFuture<'a, Result<Observed, EngineError>> {
        observe::observe(&self.connection, project).boxed()
    }

    fn perform<'a>(
        &'a self,
        plan: &'a Plan,
        action: &'a Action,
        reporter: &'a Reporter,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        self.act(plan, action, reporter).boxed()
    }

    fn state<'a>(
        &'a self,
        project: &'a Project,
        service: &'a str,
    ) -> BoxFuture<'a, Result<Option<ServiceState>, EngineError>> {
        async move {
            let containers = self.connection.containers(project, Some(service)).await?;
            let running = containers.iter().find(|container| container.state == "running");
            Ok(running.or(containers.first()).map(list::Listed::service_state))
        }
        .boxed()
    }

    fn address<'a>(
        &'a self,
        project: &'a Project,
        service: &'a PlannedService,
        port: u16,
    ) -> BoxFuture<'a, Result<Option<SocketAddr>, EngineError>> {
        async move {
            let containers = self.connection.containers(project, None).await?;
            Ok(address::of_service(&containers, &service.name, port))
        }
        .boxed()
    }

    fn exec<'a>(
        &'a self,
        _project: &'a Project,
        service: &'a PlannedService,
        command: Exec<'a>,
    ) -> BoxFuture<'a, Result<i64, EngineError>> {
        exec::exec(&self.connection, service, command).boxed()
    }

    fn put<'a>(&'a self, _project: &'a Project, service: &'a PlannedService) -> BoxFuture<'a, Result<(), EngineError>> {
        create::deliver(&self.connection, service).boxed()
    }

    fn interact<'a>(
        &'a self,
        _project: &'a Project,
        service: &'a PlannedService,
        command: &'a Interaction,
    ) -> BoxFuture<'a, Result<i64, EngineError>> {
        interact::interact(&self.connection, service, command).boxed()
    }

    fn logs<'a>(
        &'a self,
        project: &'a Project,
        services: &'a [String],
        options: LogOptions,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<LogLine, EngineError>>, EngineError>> {
        async move { Ok(logs::logs(&self.connection, project, services, options)) }.boxed()
    }
}
