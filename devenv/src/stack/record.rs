//! What is remembered between commands: versioned, replaced atomically, and never needed: a lost record loses nothing.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::manifest::EngineName;
use crate::plan::Project;

/// Version of the record's form.
const VERSION: u32 = 1;

/// The record of a stack that is up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    /// `docker` or `embedded`.
    engine: String,
    /// Directory of the manifest, so that the state of a lost work tree can be told.
    #[serde(default)]
    pub directory: PathBuf,
    /// Ids of containers and processes that were seen ready, by service.
    #[serde(default)]
    pub ready: BTreeMap<String, String>,
}

impl Record {
    /// A record of a stack on an engine.
    #[must_use]
    pub fn new(engine: EngineName, directory: &Path) -> Self {
        let directory = directory.to_path_buf();
        Self { version: VERSION, engine: engine.to_string(), directory, ready: BTreeMap::new() }
    }

    /// The engine that the stack was brought up on.
    #[must_use]
    pub fn engine(&self) -> Option<EngineName> {
        [EngineName::Docker, EngineName::Embedded].into_iter().find(|engine| engine.to_string() == self.engine)
    }

    /// Reads the record; anything unreadable, or of another version, counts as none.
    #[must_use]
    pub fn read(project: &Project) -> Option<Self> {
        let text = fs::read_to_string(project.state.join("state.json")).ok()?;
        serde_json::from_str::<Self>(&text).ok().filter(|record| record.version == VERSION)
    }

    /// Writes the record.
    ///
    /// # Errors
    /// The state directory cannot be written, e.g. because the disk is full.
    pub fn write(&self, project: &Project) -> io::Result<()> {
        fs::create_dir_all(&project.state)?;
        let beside = project.state.join("state.json.new");
        fs::write(&beside, serde_json::to_vec(self)?)?;
        fs::rename(beside, project.state.join("state.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_and_nonsense_counts_as_none() {
        let state = tempfile::tempdir().unwrap();
        let project =
            Project { name: "p".into(), instance: "0".into(), directory: "/".into(), state: state.path().into() };
        assert_eq!(Record::read(&project), None);
        Record::new(EngineName::Docker, Path::new("/")).write(&project).unwrap();
        assert_eq!(Record::read(&project).and_then(|record| record.engine()), Some(EngineName::Docker));
        fs::write(state.path().join("state.json"), "{\"version\": 99}").unwrap();
        assert_eq!(Record::read(&project), None);
    }
}
