//! Mechanical fixes in the text itself, so that comments and layout stay. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::Finding;

/// The text of one file with the edits of its findings made, and how many were. An edit whose text is not where it should
/// be, e.g. because it comes from a variable, is left to people.
#[must_use]
pub fn fixed(text: &str, findings: &[&Finding]) -> (String, usize) {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let mut made = 0;
    let mut ordered: Vec<&&Finding> = findings.iter().collect();
    // From the end, so that places before stay where they are.
    ordered.sort_by_key(|finding| std::cmp::Reverse((finding.line, finding.column)));
    for finding in ordered {
        let Some(edit) = &finding.edit else { continue };
        let Some(line) = finding.line.checked_sub(1).and_then(|index| lines.get_mut(index)) else { continue };
        let start = line.char_indices().nth(finding.column.saturating_sub(1)).map_or(line.len(), |(start, _)| start);
        let rest = line.get(start..).unwrap_or_default();
        // Right there, but for a quote.
        if let Some(at) = rest.find(&edit.from).filter(|at| *at <= 1) {
            let at = start + at;
            line.replace_range(at..at + edit.from.len(), &edit.to);
            made += 1;
        }
    }
    (lines.concat(), made)
}

#[cfg(test)]
mod tests {
    use super::super::tests::findings;
    use super::*;

    #[test]
    fn ports_go_to_loopback_and_comments_stay() {
        let text = "services:\n  a:\n    image: x:1   # the image\n    ports:\n      - \"0.0.0.0:80:80\"   # web\n      - 0.0.0.0:81:81\n      - \"82:82\"\n";
        let all = findings(text);
        let (fixed, made) = fixed(text, &all.iter().collect::<Vec<_>>());
        assert_eq!(made, 2, "{all:?}");
        assert_eq!(fixed, text.replace("0.0.0.0", "127.0.0.1"));
        assert!(findings(&fixed).iter().all(|finding| finding.edit.is_none()));
    }
}
