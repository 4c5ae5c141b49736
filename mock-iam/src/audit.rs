//! Verification of a decision log: is each line as it was written, and does each follow the one before?
//!
//! Whoever can write the file can write a new chain: keep the last hash elsewhere to notice that, and a cut-off end.
//! Pure: must not know where the log comes from.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::log::chain::{self, GENESIS, Link};

pub use crate::log::chain::BrokenLine;

/// A log under verification; lines are given one after the other.
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    lines: u64,
    first: Option<Link>,
    last: Option<Link>,
}

/// What a sound log says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many lines there are.
    pub lines: u64,
    /// Sequence numbers of the first and the last line; none of an empty log.
    pub sequences: Option<(u64, u64)>,
    /// Whether the first line is the first of all; otherwise the log goes on where an older one ends.
    pub from_the_beginning: bool,
    /// Hash of the last line, 64 hexadecimal digits: all lines hang on it.
    pub head: String,
}

/// Where the chain breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct Break {
    /// Number of the line, 1-based.
    pub line: u64,
    /// What is wrong with it.
    pub problem: BrokenLine,
}

impl Verifier {
    /// Takes the next line, without its line feed.
    ///
    /// # Errors
    /// When the chain breaks there.
    pub fn line(&mut self, line: &[u8]) -> Result<(), Break> {
        self.lines += 1;
        let broken = |problem| Break { line: self.lines, problem };
        let link = chain::open(line).map_err(broken)?;
        if let Some(last) = &self.last
            && (link.previous != last.hash || link.sequence != last.sequence + 1)
        {
            return Err(broken(BrokenLine::NotNext));
        }
        self.first.get_or_insert_with(|| link.clone());
        self.last = Some(link);
        Ok(())
    }

    /// What the lines so far say.
    #[must_use]
    pub fn finish(self) -> Verified {
        let sequences =
            self.first.as_ref().zip(self.last.as_ref()).map(|(first, last)| (first.sequence, last.sequence));
        Verified {
            lines: self.lines,
            sequences,
            from_the_beginning: self.first.is_none_or(|first| first.previous == GENESIS),
            head: self.last.map_or_else(|| GENESIS.to_owned(), |last| last.hash),
        }
    }
}

/// Verifies a whole log.
///
/// # Errors
/// The first line where the chain breaks.
pub fn verify(text: &[u8]) -> Result<Verified, Break> {
    let mut verifier = Verifier::default();
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    if !text.is_empty() {
        text.split(|byte| *byte == b'\n').try_for_each(|line| verifier.line(line))?;
    }
    Ok(verifier.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three lines and their newline.
    fn log() -> Vec<u8> {
        let mut previous = GENESIS.to_owned();
        let mut log = String::new();
        for sequence in 1..=3 {
            let (line, hash) = chain::close(&format!("{{\"sequence\":{sequence},\"decision\":true}}"), &previous);
            log += &(line + "\n");
            previous = hash;
        }
        log.into_bytes()
    }

    #[test]
    fn a_log_as_written_verifies_and_names_its_head() {
        let verified = verify(&log()).unwrap();
        assert_eq!((verified.lines, verified.sequences, verified.from_the_beginning), (3, Some((1, 3)), true));
        assert!(String::from_utf8(log()).unwrap().ends_with(&format!("\"hash\":\"{}\"}}\n", verified.head)));
        let nothing = verify(b"").unwrap();
        assert_eq!((nothing.lines, nothing.sequences, nothing.head.as_str()), (0, None, GENESIS));
    }

    #[test]
    fn every_edited_byte_is_found_in_its_line() {
        let sound = log();
        for index in 0..sound.len() - 1 {
            let mut edited = sound.clone();
            edited[index] ^= 1;
            let line = sound[..index].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
            let found = verify(&edited).unwrap_err();
            assert!(found.line == line || sound[index] == b'\n', "byte {index}: {found}");
        }
    }

    #[test]
    fn removed_doubled_and_exchanged_lines_are_found_and_a_later_part_verifies_by_itself() {
        let text = String::from_utf8(log()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let of = |order: &[usize]| order.iter().map(|index| lines[*index].to_owned() + "\n").collect::<String>();
        for (order, line) in [(vec![0, 2], 2), (vec![0, 0, 1, 2], 2), (vec![1, 0, 2], 2)] {
            let found = verify(of(&order).as_bytes()).unwrap_err();
            assert_eq!((found.line, found.problem), (line, BrokenLine::NotNext), "{order:?}");
        }
        let later = verify(of(&[1, 2]).as_bytes()).unwrap();
        assert_eq!((later.sequences, later.from_the_beginning), (Some((2, 3)), false));
    }
}
