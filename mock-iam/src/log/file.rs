//! The decision log on disk: appended, rotated when it grows, continued after a restart. Must not know decisions.

use std::fs::File;
use std::io::{Error, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::chain::{self, Link};
use crate::config::Rotation;

/// How much of the end of a file is looked at for its last line.
const TAIL: u64 = 1 << 20;

/// The file that is written, and what becomes of it.
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    size: u64,
    rotation: Rotation,
}

impl LogFile {
    /// Opens the file, with its last line when it has one.
    pub(super) fn open(path: &Path, rotation: Rotation) -> Result<(Self, Option<Link>), Error> {
        let mut file = File::options().read(true).append(true).create(true).open(path)?;
        let size = file.metadata()?.len();
        let mut log = Self { path: path.to_owned(), size, rotation, file: file.try_clone()? };
        file.seek(SeekFrom::Start(size.saturating_sub(TAIL)))?;
        let mut tail = Vec::new();
        file.take(TAIL).read_to_end(&mut tail)?;
        if tail.last().is_some_and(|last| *last != b'\n') {
            // A crash in the middle of a line: the rest of it is lost, the next line must not be.
            log.write("\n")?;
        }
        let last = tail.strip_suffix(b"\n").unwrap_or(&tail).rsplit(|byte| *byte == b'\n').next();
        let last = match last.filter(|line| !line.is_empty()).map(chain::open) {
            Some(Ok(link)) => Some(link),
            Some(Err(problem)) => {
                tracing::warn!(path = %path.display(), "the last line of the decision log is broken ({problem}): a new chain begins");
                None
            }
            None => log.before(),
        };
        Ok((log, last))
    }

    /// Writes a line with its line feed at once: a reader never sees half of one.
    pub(super) fn write(&mut self, line: &str) -> Result<(), Error> {
        let length = line.len() as u64;
        if self.size > 0 && self.size + length > self.rotation.bytes {
            self.rotate()?;
        }
        self.file.write_all(line.as_bytes())?;
        self.size += length;
        Ok(())
    }

    /// `log` becomes `log.1`, `log.1` becomes `log.2`, and the oldest goes.
    fn rotate(&mut self) -> Result<(), Error> {
        for number in (1..self.rotation.files).rev() {
            let older = self.numbered(number);
            if older.exists() {
                std::fs::rename(older, self.numbered(number + 1))?;
            }
        }
        match self.rotation.files {
            0 => std::fs::remove_file(&self.path)?,
            _ => std::fs::rename(&self.path, self.numbered(1))?,
        }
        self.file = File::options().append(true).create(true).open(&self.path)?;
        self.size = 0;
        Ok(())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }

    /// The last line of the file before, for a process that ended right after a rotation.
    fn before(&self) -> Option<Link> {
        let text = std::fs::read(self.numbered(1)).ok()?;
        let text = text.strip_suffix(b"\n").unwrap_or(&text);
        chain::open(text.rsplit(|byte| *byte == b'\n').next()?).ok()
    }
}
