//! Pieces of output to lines. Pure: pieces end anywhere, also in the middle of a character.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// The longest line that is kept together; stops a program that never ends its line from filling the memory.
const LONGEST: usize = 1024 * 1024;

/// Collects the pieces of one stream.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    /// Takes the next piece and gives the lines that it ends. Text that is not UTF-8 is shown as far as it can be.
    pub(super) fn push(&mut self, piece: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(part);
            if part.ends_with(b"\n") || self.begun.len() >= LONGEST {
                lines.extend(self.finish());
            }
        }
        lines
    }

    /// The line that was begun and never ended.
    pub(super) fn finish(&mut self) -> Option<String> {
        if self.begun.is_empty() {
            return None;
        }
        let line = std::mem::take(&mut self.begun);
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        // A terminal ends lines with both.
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Some(String::from_utf8_lossy(line).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_from_pieces() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"one\ntw"), ["one"]);
        assert_eq!(lines.push(b"o\r\n\nthr\xc3"), ["two", ""]);
        assert_eq!(lines.push(b"\xa9e\n"), ["thr\u{e9}e"]);
        assert_eq!(lines.push(b"\xff last"), Vec::<String>::new());
        assert_eq!(lines.finish().as_deref(), Some("\u{fffd} last"));
        assert_eq!(lines.finish(), None);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let mut lines = Lines::default();
        let cut = lines.push(&vec![b'x'; LONGEST + 1]);
        assert_eq!(cut.len(), 1);
    }
}
