//! Files that a service is made from: build contexts, mounted configuration, watched source. What is in them, in a fixed
//! order, and their digest.
//!
//! Must not know engines, nor what a changed digest leads to.

mod content;
mod context;
mod digests;
mod ignore;
mod pack;
mod walk;
mod watch;

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use content::{MOST_BYTES, MOST_FILES, content};
pub use context::{BuildContext, Dockerfile, context};
pub use digests::Digests;
pub use ignore::Ignore;
pub use pack::pack;
pub use walk::{Entry, Kind, walk};
pub use watch::{Changes, MOST_WATCHED, Watched, Watcher};

/// Files that a service is made from cannot be had.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The build context is not there.
    #[error("no directory {} to build from", .0.display())]
    NoContext(PathBuf),
    /// The build context is somewhere else.
    #[error("`{0}` is not on this machine; clone it, and name the directory as `build.context`")]
    Remote(String),
    /// There is no Dockerfile.
    #[error("no Dockerfile at {}", .0.display())]
    NoDockerfile(PathBuf),
    /// A file cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> SourceError + use<> {
    let path = path.to_path_buf();
    move |cause| SourceError::Unreadable { path, cause }
}
