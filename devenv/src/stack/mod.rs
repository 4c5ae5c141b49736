//! One stack of one work tree on this machine: where its files are, its secrets, its lock, and what plans need to know of
//! the world. Must not know what commands do with it.

mod artifact;
mod context;
mod image_lock;
mod lock;
mod ports;
mod project;
mod record;
mod secrets;
mod snapshot;

pub use artifact::{ArtifactError, build, digest_of};
pub use context::{ContextError, Depth, Gathering, gather, policies};
pub use image_lock::{ImageLock, ImageLockError, LockedImage};
pub use lock::{Lock, LockError};
pub use ports::{Ports, PortsError, claims, distance, settle};
pub use project::{LocateError, Located, ProjectFiles, locate, project, state_home};
pub use record::Record;
pub use secrets::{SecretsError, ensure, read};
pub use snapshot::{Contents, MOST_BYTES, Snapshot, SnapshotError, Snapshots};

/// Forgets everything about a stack that is gone but its state directory; while its lock is held.
pub(crate) fn forget(project: &crate::plan::Project, ports: Keep) {
    match ports {
        Keep::Nothing => {
            ports::forget(project);
            Snapshots::of(project).clear();
        }
        Keep::Ports => ports::give_back(project),
    }
    lock::forget(project);
}

/// What is still known of a work tree whose stack is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Which ports of its own it has, so that the next `up` has the same; and its snapshots.
    Ports,
    /// Nothing at all.
    Nothing,
}
