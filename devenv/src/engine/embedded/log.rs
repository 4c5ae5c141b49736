//! Output of a service as lines in a file that cannot grow without end.
//!
//! Must not know what a service is. A line of the file is `TIME out|err TEXT`, the time in RFC 3339 (UTC).

mod reader;

pub(crate) use reader::{Follower, Line, tail};

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// The present file and the one before it hold at most so much each.
const MOST_BYTES: u64 = 8 * 1024 * 1024;
/// A line without an end is cut there, so that a service cannot make its supervisor grow.
const LONGEST_LINE: usize = 32 * 1024;

/// Which of the two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Where the older lines are, once the file was full.
pub(crate) fn older(log: &Path) -> PathBuf {
    log.with_extension("1")
}

/// Appends to a log.
#[derive(Debug)]
pub(crate) struct Writer {
    path: PathBuf,
    file: File,
    size: u64,
    most: u64,
}

impl Writer {
    /// Goes on with a log.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Self::with_limit(path, MOST_BYTES)
    }

    fn with_limit(path: &Path, most: u64) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_path_buf(), file, size, most })
    }

    /// Writes text made by [`Lines`]; when the file is full it becomes the older one.
    pub(crate) fn append(&mut self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let size = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if self.size > 0 && self.size.saturating_add(size) > self.most {
            std::fs::rename(&self.path, older(&self.path))?;
            *self = Self::with_limit(&self.path.clone(), self.most)?;
        }
        self.file.write_all(text.as_bytes())?;
        self.size = self.size.saturating_add(size);
        Ok(())
    }
}

/// Bytes of one output, in any pieces, to lines of the file.
#[derive(Debug)]
pub(crate) struct Lines {
    output: Output,
    rest: Vec<u8>,
}

impl Lines {
    /// Nothing was read yet.
    pub(crate) fn new(output: Output) -> Self {
        Self { output, rest: Vec::new() }
    }

    /// The lines that these bytes complete.
    pub(crate) fn push(&mut self, bytes: &[u8], now: Timestamp) -> String {
        self.rest.extend_from_slice(bytes);
        let mut text = String::new();
        let mut begin = 0;
        while let Some((line, next)) = self.rest.get(begin..).and_then(next_line) {
            write_line(&mut text, self.output, line, now);
            begin += next;
        }
        self.rest.drain(..begin);
        text
    }

    /// A last line that had no end.
    pub(crate) fn finish(&mut self, now: Timestamp) -> String {
        let rest = std::mem::take(&mut self.rest);
        let mut text = String::new();
        if !rest.is_empty() {
            write_line(&mut text, self.output, &rest, now);
        }
        text
    }
}

/// The first whole line, and how many bytes it took with its end.
fn next_line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let window = bytes.get(..bytes.len().min(LONGEST_LINE))?;
    match window.iter().position(|byte| *byte == b'\n') {
        Some(end) => Some((bytes.get(..end)?, end + 1)),
        None if bytes.len() >= LONGEST_LINE => Some((window, LONGEST_LINE)),
        None => None,
    }
}

fn write_line(text: &mut String, output: Output, line: &[u8], now: Timestamp) {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let word = match output {
        Output::Out => "out",
        Output::Err => "err",
    };
    text.push_str(&format!("{now:.3} {word} {}\n", String::from_utf8_lossy(line)));
}

/// A line of the file without its end to output and text.
pub(crate) fn parse_line(line: &str) -> Option<(Output, &str)> {
    let mut parts = line.splitn(3, ' ');
    parts.next()?;
    let output = match parts.next()? {
        "out" => Output::Out,
        "err" => Output::Err,
        _ => return None,
    };
    Some((output, parts.next()?))
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
