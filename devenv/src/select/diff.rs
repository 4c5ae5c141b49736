//! The unified difference that git prints, to files and changed parts. Must not know what the files are.

/// A file that differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileDiff {
    /// Path after the change; before it when the file is gone.
    pub path: String,
    /// Its changed parts; none when it is not text.
    pub hunks: Vec<Hunk>,
}

/// A part of a file that differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hunk {
    /// First line after the change.
    pub line: usize,
    /// What git takes for the function around it.
    pub heading: String,
    /// Lines that went or came, without their sign.
    pub lines: Vec<String>,
}

/// Reads what `git diff --no-color --no-renames --no-ext-diff -U0` prints with `core.quotePath=false`.
#[must_use]
pub fn parse(text: &str) -> Vec<FileDiff> {
    let mut files: Vec<FileDiff> = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("diff --git ") {
            files.push(FileDiff { path: unquoted(rest), hunks: Vec::new() });
            continue;
        }
        let Some(file) = files.last_mut() else { continue };
        match (file.hunks.last_mut(), line.chars().next()) {
            (_, Some('@')) => file.hunks.extend(hunk(line)),
            (Some(hunk), Some('+' | '-')) => hunk.lines.extend(line.get(1..).map(str::to_owned)),
            // Before the first part: `--- a/…`, `+++ b/…`, modes, `Binary files … differ`.
            _ => {}
        }
    }
    files
}

/// `a/PATH b/PATH`: without renames both are the same path, whatever it holds.
fn unquoted(pair: &str) -> String {
    let half = pair.len() / 2;
    let second = pair.get(half + 1..).unwrap_or_default().trim_matches('"');
    second.strip_prefix("b/").unwrap_or(second).to_owned()
}

/// `@@ -1,2 +3,4 @@ heading`.
fn hunk(line: &str) -> Option<Hunk> {
    let (_, rest) = line.split_once("@@ ")?;
    let (numbers, heading) = rest.split_once("@@")?;
    let after = numbers.split_once('+').map(|(_, after)| after).unwrap_or_default();
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    Some(Hunk { line: digits.parse().unwrap_or_default(), heading: heading.trim().to_owned(), lines: Vec::new() })
}
