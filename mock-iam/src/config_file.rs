//! A configuration in a file: YAML or JSON, with policy files beside it. Must not know how the server is started.

use std::path::{Path, PathBuf};

use crate::config::{Config, SourceFile};

/// Why a configuration cannot be read. No message shows the text, which carries bearer tokens.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file is not there or not to be read.
    #[error("cannot read `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is there, and no configuration.
    #[error("`{}` is not a configuration", path.display())]
    Configuration {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: Box<serde_saphyr::Error>,
    },
}

/// Reads a configuration; a policy file without a text is read from beside it.
///
/// # Errors
/// [`ReadError`].
pub fn read(path: &Path) -> Result<Config, ReadError> {
    let options = serde_saphyr::options! { with_snippet: false };
    let parsed = serde_saphyr::from_str_with_options::<Config>(&text(path)?, options);
    let mut config =
        parsed.map_err(|source| ReadError::Configuration { path: path.to_owned(), source: Box::new(source) })?;
    let beside = path.parent().unwrap_or(Path::new("."));
    for file in config.policies.schema.iter_mut().chain(&mut config.policies.files) {
        if file.text.is_empty() {
            let SourceFile { name, text: content } = file;
            *content = text(&beside.join(name))?;
        }
    }
    Ok(config)
}

fn text(path: &Path) -> Result<String, ReadError> {
    std::fs::read_to_string(path).map_err(|source| ReadError::File { path: path.to_owned(), source })
}
