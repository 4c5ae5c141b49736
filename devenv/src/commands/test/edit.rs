//! An item into a list of the access rules, or out of it, as an edit of the text: every other character stays. Must not
//! know what an item means: whoever calls reads the result and compares.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// The text with one more item at the end of the list of a top-level key.
pub(super) fn append(text: &str, key: &str, item: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let Some(at) = position(&lines, key) else {
        if lines.last().is_some_and(|line| !line.is_empty()) {
            lines.push(String::new());
        }
        lines.extend([format!("{key}:"), format!("  - {item}")]);
        return lines.join("\n") + "\n";
    };
    let last = last_line(&lines, at);
    let value = value(&lines, at, key);
    let (bare, comment) = split_comment(&value);
    if bare.starts_with('[') && bare != "[]" {
        into_flow(&mut lines, (at, last), item);
    } else {
        if !bare.is_empty()
            && let Some(line) = lines.get_mut(at)
        {
            *line = comment.map_or_else(|| format!("{key}:"), |comment| format!("{key}:   #{comment}"));
        }
        let first = lines.iter().take(last + 1).skip(at + 1).find(|line| line.trim_start().starts_with('-'));
        let indent = first.map_or(2, |line| line.len() - line.trim_start().len());
        lines.insert(last + 1, format!("{:indent$}- {item}", ""));
    }
    lines.join("\n") + "\n"
}

/// The text without one item, counted from 0, and without the key when it was the last one. A list in brackets is left as
/// it is.
pub(super) fn remove(text: &str, key: &str, index: usize) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let Some(at) = position(&lines, key) else { return text.to_owned() };
    let last = last_line(&lines, at);
    let indent = |line: &String| line.len() - line.trim_start().len();
    let dashes: Vec<usize> = (at + 1..=last)
        .filter(|line| lines.get(*line).is_some_and(|line| line.trim_start().starts_with('-')))
        .collect();
    let column = dashes.first().and_then(|line| lines.get(*line)).map_or(0, indent);
    let items: Vec<usize> =
        dashes.into_iter().filter(|line| lines.get(*line).is_some_and(|line| indent(line) == column)).collect();
    let Some(start) = items.get(index).copied() else { return text.to_owned() };
    if items.len() == 1 {
        lines.drain(at..=last);
        // The empty line that set the section off goes with it.
        if at > 0 && at >= lines.len() && lines.last().is_some_and(|line| line.trim().is_empty()) {
            lines.pop();
        }
        return lines.join("\n") + "\n";
    }
    // A comment above an item belongs to it, and one above the next item to that.
    let belongs = |line: &String| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let next = items.get(index + 1).copied().unwrap_or(last + 1);
    let inside = (start..next).rev().find(|line| lines.get(*line).is_some_and(belongs)).unwrap_or(start);
    let above = (at + 1..start)
        .rev()
        .take_while(|line| lines.get(*line).is_some_and(|line| line.trim_start().starts_with('#')));
    let from = above.last().unwrap_or(start);
    lines.drain(from..=inside);
    lines.join("\n") + "\n"
}

/// Text as a double-quoted scalar: JSON strings are such (YAML 1.2 §1.3).
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn position(lines: &[String], key: &str) -> Option<usize> {
    lines.iter().position(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')))
}

/// What is written beside a key.
fn value(lines: &[String], at: usize, key: &str) -> String {
    let rest = lines.get(at).and_then(|line| line.strip_prefix(key)?.strip_prefix(':'));
    rest.unwrap_or_default().trim().to_owned()
}

fn split_comment(value: &str) -> (&str, Option<&str>) {
    value.split_once('#').map_or((value, None), |(bare, rest)| (bare.trim(), Some(rest)))
}

/// The last line of what belongs to the key: indented, or an item at its own column.
fn last_line(lines: &[String], key: usize) -> usize {
    let belongs = |line: &String| line.starts_with([' ', '\t', '-', ']']);
    let of_key = lines.iter().enumerate().skip(key + 1);
    let inside = of_key.take_while(|(_, line)| line.trim().is_empty() || line.starts_with('#') || belongs(line));
    inside.filter(|(_, line)| belongs(line) && !line.trim().is_empty()).last().map_or(key, |(index, _)| index)
}

/// Before the bracket that closes the list.
fn into_flow(lines: &mut [String], (key, last): (usize, usize), item: &str) {
    for line in lines.iter_mut().take(last + 1).skip(key).rev() {
        if let Some(bracket) = line.rfind(']') {
            let (before, after) = line.split_at(bracket);
            let before = before.trim_end().trim_end_matches(',');
            let separator = if before.trim().is_empty() { "  , " } else { ", " };
            *line = format!("{before}{separator}{item}{after}");
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(text: &str) -> String {
        append(text, "waivers", ITEM)
    }

    const ITEM: &str = r#"{ finding: "a:b", reason: "it's \"old\"", expires: 2027-01-31 }"#;

    #[test]
    fn a_file_without_waivers_gets_them_at_its_end() {
        assert_eq!(added("api: x   # why\n"), format!("api: x   # why\n\nwaivers:\n  - {ITEM}\n"));
    }

    #[test]
    fn a_list_grows_at_its_end_in_its_own_column_and_comments_stay() {
        let before = "waivers:   # few\n    # first\n    - { finding: c:d, reason: x, expires: 2027-01-01 }   # soon\n\n# rules\nrules: {}\n";
        let after = before.replace("# soon\n", &format!("# soon\n    - {ITEM}\n"));
        assert_eq!(added(before), after);
        let block = "waivers:\n- finding: c:d\n  reason: x\n  expires: 2027-01-01\nrules: {}\n";
        assert_eq!(added(block), block.replace("rules", &format!("- {ITEM}\nrules")));
    }

    #[test]
    fn an_empty_list_becomes_one_with_an_item() {
        for empty in ["waivers: []\n", "waivers:\n"] {
            assert_eq!(added(empty), format!("waivers:\n  - {ITEM}\n"));
        }
        assert_eq!(
            added("waivers: []  # none yet\nrules: {}\n"),
            format!("waivers:   # none yet\n  - {ITEM}\nrules: {{}}\n")
        );
    }

    #[test]
    fn a_list_in_brackets_keeps_them() {
        let one = "{ finding: c:d, reason: x, expires: 2027-01-01 }";
        assert_eq!(added(&format!("waivers: [{one}]\n")), format!("waivers: [{one}, {ITEM}]\n"));
    }

    const PINS: &str = "# top\nregressions:   # holes\n  # the first\n  - { name: a }\n  - name: b\n    case: x   # why\n\n  # the third\n  - { name: c }\n\nrules: {}\n";

    #[test]
    fn an_item_goes_with_its_lines_and_the_comment_above_it_and_nothing_else() {
        assert_eq!(remove(PINS, "regressions", 0), PINS.replace("  # the first\n  - { name: a }\n", ""));
        assert_eq!(remove(PINS, "regressions", 1), PINS.replace("  - name: b\n    case: x   # why\n", ""));
        assert_eq!(remove(PINS, "regressions", 2), PINS.replace("  # the third\n  - { name: c }\n", ""));
        assert_eq!(remove(PINS, "regressions", 3), PINS);
    }

    #[test]
    fn what_was_appended_to_nothing_leaves_nothing_behind() {
        let before = "api: x   # why\n";
        assert_eq!(remove(&append(before, "regressions", "{ name: a }"), "regressions", 0), before);
        assert_eq!(remove("regressions: [{ name: a }]\n", "regressions", 0), "regressions: [{ name: a }]\n");
    }
}
