//! One stack of one work tree on this machine: where its files are, its secrets, its lock, and what plans need to know of
//! the world. Must not know what commands do with it.

mod artifact;
mod context;
mod image_lock;
mod lock;
mod project;
mod record;
mod secrets;

pub use artifact::{ArtifactError, build, digest_of};
pub use context::{ContextError, Depth, Gathering, gather, policies};
pub use image_lock::{ImageLock, ImageLockError, LockedImage};
pub(crate) use lock::forget;
pub use lock::{Lock, LockError};
pub use project::{LocateError, Located, ProjectFiles, locate, project, state_home};
pub use record::Record;
pub use secrets::{SecretsError, ensure, read};
