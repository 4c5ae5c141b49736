//! Reads a log that somebody else writes: the end of it, or all that comes.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{Output, older, parse_line};

/// How much is read at once.
const PIECE: usize = 64 * 1024;

/// A line of output.
pub(crate) type Line = (Output, String);

/// The last lines, oldest first; without a number all that are kept.
pub(crate) fn tail(log: &Path, most: Option<usize>) -> io::Result<Vec<Line>> {
    let mut follower = Follower::new(log.to_path_buf());
    let mut lines = follower.catch_up()?;
    if let Some(most) = most {
        lines.drain(..lines.len().saturating_sub(most));
    }
    Ok(lines.into())
}

/// A place in a log that moves towards its end, through rotation and replacement.
#[derive(Debug)]
pub(crate) struct Follower {
    log: PathBuf,
    open: Option<(File, u64)>,
    rest: Vec<u8>,
    begun: bool,
}

impl Follower {
    /// At the beginning of a log that may not be there yet.
    pub(crate) fn new(log: PathBuf) -> Self {
        Self { log, open: None, rest: Vec::new(), begun: false }
    }

    /// All whole lines up to the present end.
    pub(crate) fn catch_up(&mut self) -> io::Result<VecDeque<Line>> {
        let mut lines = VecDeque::new();
        if !self.begun {
            self.open = open(&older(&self.log))?;
            self.begun = true;
            self.drain(&mut lines)?;
        }
        loop {
            let present = open(&self.log)?;
            let moved = present.as_ref().map(|(_, node)| *node) != self.open.as_ref().map(|(_, node)| *node);
            // What was written between the last look and the rotation is read before the old file is left.
            self.drain(&mut lines)?;
            if !moved || present.is_none() {
                return Ok(lines);
            }
            self.open = present;
            self.rest.clear();
        }
    }

    fn drain(&mut self, lines: &mut VecDeque<Line>) -> io::Result<()> {
        let Some((file, _)) = &mut self.open else { return Ok(()) };
        let mut piece = vec![0; PIECE];
        loop {
            let length = file.read(&mut piece)?;
            if length == 0 {
                return Ok(());
            }
            self.rest.extend_from_slice(piece.get(..length).unwrap_or_default());
            let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            let text: Vec<u8> = self.rest.drain(..whole).collect();
            let text = String::from_utf8_lossy(&text);
            lines.extend(text.lines().filter_map(parse_line).map(|(output, line)| (output, line.to_owned())));
        }
    }
}

fn open(path: &Path) -> io::Result<Option<(File, u64)>> {
    match File::open(path) {
        Ok(file) => {
            let node = file.metadata()?.ino();
            Ok(Some((file, node)))
        }
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}
