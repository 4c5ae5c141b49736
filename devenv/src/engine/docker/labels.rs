//! The labels by which everything of ours is found again. Must not know how labels are stored.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::HashMap;

use crate::plan::{Fingerprint, PlannedService, Project, Role};

/// Whose it is: the project's id.
pub(super) const PROJECT: &str = "dev.devenv.project";
/// Name of the service.
pub(super) const SERVICE: &str = "dev.devenv.service";
/// `built-in`, `user` or `relay`.
pub(super) const ROLE: &str = "dev.devenv.role";
/// The fingerprint as JSON.
pub(super) const FINGERPRINT: &str = "dev.devenv.fingerprint";
/// The manifest's name of a network.
pub(super) const NETWORK: &str = "dev.devenv.network";
/// The manifest's name of a volume.
pub(super) const VOLUME: &str = "dev.devenv.volume";
/// Directory of the manifest, so that leftovers of deleted work trees can be told.
pub(super) const DIRECTORY: &str = "dev.devenv.directory";
/// The project that an image was built for. Not [`PROJECT`]: containers get the labels of their image.
pub(super) const BUILT_FOR: &str = "dev.devenv.built-for";
/// SHA-256 of a packaged executable.
pub(super) const DIGEST: &str = "dev.devenv.digest";
/// How a packaged image was made.
pub(super) const RECIPE: &str = "dev.devenv.recipe";

/// Labels that everything of a project carries.
pub(super) fn of_project(project: &Project) -> HashMap<String, String> {
    HashMap::from([(PROJECT.to_owned(), project.id()), (DIRECTORY.to_owned(), project.directory.display().to_string())])
}

/// Labels of a container: the user's, and ours over them.
pub(super) fn of_service(project: &Project, service: &PlannedService) -> HashMap<String, String> {
    let mut labels: HashMap<String, String> =
        service.container.labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    labels.extend(of_project(project));
    labels.insert(SERVICE.to_owned(), service.name.clone());
    labels.insert(ROLE.to_owned(), role(&service.role).to_owned());
    labels.insert(FINGERPRINT.to_owned(), serde_json::to_string(&service.fingerprint).unwrap_or_default());
    labels
}

/// A label filter as the engine wants it: `name=value` for each pair.
pub(super) fn filter(pairs: &[(&str, &str)]) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), pairs.iter().map(|(name, value)| format!("{name}={value}")).collect())])
}

/// The fingerprint that a container was made with; an unreadable one equals no other, so that it is made anew.
pub(super) fn fingerprint(label: Option<&String>) -> Fingerprint {
    label.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn role(role: &Role) -> &'static str {
    match role {
        Role::BuiltIn => "built-in",
        Role::User => "user",
        Role::Relay { .. } => "relay",
    }
}
