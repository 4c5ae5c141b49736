//! A waiver into the text of the access rules; every other character stays. Must not know what a waiver means: whoever
//! calls reads the result and compares.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use security_tests::access::Waiver;

/// The text with one more waiver.
pub(super) fn add(text: &str, waiver: &Waiver) -> String {
    let item = item(&waiver.finding, &waiver.reason, &waiver.expires);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let Some(key) = lines.iter().position(|line| line.starts_with("waivers:")) else {
        if lines.last().is_some_and(|line| !line.is_empty()) {
            lines.push(String::new());
        }
        lines.extend(["waivers:".to_owned(), format!("  - {item}")]);
        return lines.join("\n") + "\n";
    };
    let last = last_line(&lines, key);
    let value = lines.get(key).map(|line| line.trim_start_matches("waivers:").trim().to_owned()).unwrap_or_default();
    let (bare, comment) =
        value.split_once('#').map_or((value.as_str(), None), |(bare, rest)| (bare.trim(), Some(rest)));
    if bare.starts_with('[') && bare != "[]" {
        into_flow(&mut lines, (key, last), &item);
    } else {
        if !bare.is_empty()
            && let Some(line) = lines.get_mut(key)
        {
            *line = comment.map_or_else(|| "waivers:".to_owned(), |comment| format!("waivers:   #{comment}"));
        }
        let first = lines.iter().take(last + 1).skip(key + 1).find(|line| line.trim_start().starts_with('-'));
        let indent = first.map_or(2, |line| line.len() - line.trim_start().len());
        lines.insert(last + 1, format!("{:indent$}- {item}", ""));
    }
    lines.join("\n") + "\n"
}

/// One waiver as a line.
pub(super) fn item(finding: &str, reason: &str, expires: &str) -> String {
    // JSON strings are double-quoted scalars of YAML 1.2 (§1.3).
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    format!("{{ finding: {}, reason: {}, expires: {expires} }}", quoted(finding), quoted(reason))
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
        add(text, &Waiver { finding: "a:b".into(), reason: "it's \"old\"".into(), expires: "2027-01-31".into() })
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
}
