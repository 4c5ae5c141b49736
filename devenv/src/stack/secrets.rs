//! Random values of one stack, each a file of mode 0400 in the state directory. Made once, read ever after.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;

use crate::plan::{Project, SecretKey, Secrets};

/// A secret could not be made or read.
#[derive(Debug, Error)]
pub enum SecretsError {
    /// A file operation failed.
    #[error("cannot {action} {}: {cause}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The variable that a secret comes from is not set.
    #[error("the environment variable `{0}`, which a secret comes from, is not set")]
    NoVariable(String),
    /// No randomness or no key.
    #[error("cannot make a random value")]
    Random,
}

/// Makes the secrets that are not there yet and reads all of them.
///
/// # Errors
/// The state directory cannot be used, or a variable is not set.
pub fn ensure(
    project: &Project,
    keys: &BTreeSet<SecretKey>,
    environment: &BTreeMap<String, String>,
) -> Result<Secrets, SecretsError> {
    let directory = directory(project);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(|cause| SecretsError::File {
        action: "create",
        path: directory.clone(),
        cause,
    })?;
    let mut secrets = Secrets::default();
    for key in keys {
        let value = match key {
            SecretKey::Environment(name) => {
                environment.get(name).cloned().ok_or_else(|| SecretsError::NoVariable(name.clone()))?
            }
            other => read_or_make(&directory.join(other.file_name()), other)?,
        };
        secrets.0.insert(key.clone(), value);
    }
    Ok(secrets)
}

/// Reads one secret of a stack; `None` when it was never made.
///
/// # Errors
/// It is there and cannot be read.
pub fn read(project: &Project, key: &SecretKey) -> Result<Option<String>, SecretsError> {
    let path = directory(project).join(key.file_name());
    match fs::read_to_string(&path) {
        Ok(value) => Ok(Some(value)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(SecretsError::File { action: "read", path, cause }),
    }
}

fn directory(project: &Project) -> PathBuf {
    project.state.join("secrets")
}

fn read_or_make(path: &Path, key: &SecretKey) -> Result<String, SecretsError> {
    match fs::read_to_string(path) {
        Ok(value) if !value.is_empty() => Ok(value),
        Ok(_) => make(path, key),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => make(path, key),
        Err(cause) => Err(SecretsError::File { action: "read", path: path.into(), cause }),
    }
}

/// Written beside and renamed: a killed process leaves no half secret.
fn make(path: &Path, key: &SecretKey) -> Result<String, SecretsError> {
    let value = match key {
        SecretKey::SigningKey => {
            mock_idp::generate_signing_key().map_err(|_| SecretsError::Random)?.expose().to_owned()
        }
        SecretKey::IdpControl
        | SecretKey::IamControl
        | SecretKey::IamDirectory
        | SecretKey::Salt
        | SecretKey::Client(_)
        | SecretKey::Generated(_)
        | SecretKey::Environment(_) => random()?,
    };
    let beside = path.with_extension("new");
    let failed = |action| move |cause| SecretsError::File { action, path: path.into(), cause };
    drop(fs::remove_file(&beside));
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o400).open(&beside).map_err(failed("create"))?;
    file.write_all(value.as_bytes()).map_err(failed("write"))?;
    fs::rename(&beside, path).map_err(failed("write"))?;
    Ok(value)
}

/// 256 random bits, safe in URLs, headers and YAML.
fn random() -> Result<String, SecretsError> {
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| SecretsError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_is_made_once_and_only_its_owner_can_read_it() {
        let state = tempfile::tempdir().unwrap();
        let project = Project {
            name: "p".into(),
            instance: "0".into(),
            directory: "/".into(),
            state: state.path().to_path_buf(),
        };
        let keys = BTreeSet::from([SecretKey::IdpControl]);
        let first = ensure(&project, &keys, &BTreeMap::new()).unwrap();
        let second = ensure(&project, &keys, &BTreeMap::new()).unwrap();
        assert_eq!(first.get(&SecretKey::IdpControl), second.get(&SecretKey::IdpControl));
        assert_eq!(first.get(&SecretKey::IdpControl).len(), 43);
        let mode = fs::metadata(state.path().join("secrets/idp-control")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o400);
        assert_eq!(format!("{first:?}"), "{IdpControl}");
    }

    #[test]
    fn a_secret_from_an_unset_variable_is_an_error_that_names_it() {
        let state = tempfile::tempdir().unwrap();
        let project =
            Project { name: "p".into(), instance: "0".into(), directory: "/".into(), state: state.path().into() };
        let keys = BTreeSet::from([SecretKey::Environment("API_KEY".into())]);
        let error = ensure(&project, &keys, &BTreeMap::new()).unwrap_err();
        assert!(error.to_string().contains("`API_KEY`"));
    }
}
