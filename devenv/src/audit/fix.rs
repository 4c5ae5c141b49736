//! Mechanical fixes in the text itself, so that comments and layout stay. Pure.
//!
//! Each fix keeps the stack running: what only its team can decide (capabilities, users, mounts) is left to people.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde::Serialize;

use super::Finding;

/// A place in the file of a finding: line and column, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct At {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

/// What `--fix` does about a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    /// Puts other text in place of what is there, at the finding's place.
    Replace {
        /// What is there.
        from: String,
        /// What shall be there.
        to: String,
    },
    /// Adds keys to the service.
    Insert {
        /// Where its first key is.
        before: At,
        /// `key: value` each.
        keys: Vec<String>,
    },
    /// Moves a value of the environment into a file that only its owner can read.
    Secret {
        /// The variable; the program reads `VARIABLE_FILE` as well.
        variable: String,
        /// Name of the secret.
        name: String,
        /// Where the first key of the service is.
        service: At,
        /// Where the first key of the top-level `secrets` is, when there are some.
        section: Option<At>,
    },
}

/// A text with its fixes made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fixed {
    /// The new text.
    pub text: String,
    /// How many findings were fixed.
    pub made: usize,
    /// Values that are in files now, by the name of the secret.
    pub secrets: BTreeMap<String, Value>,
}

/// A secret value. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Value(pub String);

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Directory of the files with secrets, beside the manifest.
pub const SECRETS: &str = "secrets";

/// The text of one file with the edits of its findings made. An edit whose text is not where it should be, e.g. because it
/// comes from a variable, is left to people.
#[must_use]
pub fn fixed(text: &str, findings: &[&Finding]) -> Fixed {
    let mut fixing = Fixing { lines: text.split_inclusive('\n').map(str::to_owned).collect(), ..Fixing::default() };
    let mut ordered: Vec<&&Finding> = findings.iter().collect();
    // From the end, so that places before stay where they are.
    ordered.sort_by_key(|finding| std::cmp::Reverse((finding.line, finding.column)));
    for finding in ordered {
        let at = At { line: finding.line, column: finding.column };
        match &finding.edit {
            Some(Edit::Replace { from, to }) => fixing.made += usize::from(replace(&mut fixing.lines, at, from, to)),
            Some(Edit::Secret { variable, name, service, section }) => {
                if let Some(value) = take_value(&mut fixing.lines, at, (variable, name)) {
                    fixing.made += 1;
                    fixing.secrets.insert(name.clone(), Value(value));
                    fixing.of_services.entry(*service).or_default().push(name.clone());
                    fixing.section = *section;
                }
            }
            Some(Edit::Insert { before, keys }) => {
                fixing.made += 1;
                fixing.inserts.entry(*before).or_default().extend(keys.iter().cloned());
            }
            None => {}
        }
    }
    fixing.finish()
}

#[derive(Default)]
struct Fixing {
    lines: Vec<String>,
    made: usize,
    secrets: BTreeMap<String, Value>,
    of_services: BTreeMap<At, Vec<String>>,
    section: Option<At>,
    /// Keys by the place before which they go.
    inserts: BTreeMap<At, Vec<String>>,
}

impl Fixing {
    fn finish(mut self) -> Fixed {
        for (service, mut names) in std::mem::take(&mut self.of_services) {
            names.sort_unstable();
            self.inserts.entry(service).or_default().push(format!("secrets: [{}]", names.join(", ")));
        }
        let entries: Vec<String> =
            self.secrets.keys().map(|name| format!("{name}: {{ file: ./{SECRETS}/{name} }}")).collect();
        let appended = match self.section {
            Some(section) => {
                self.inserts.entry(section).or_default().extend(entries);
                String::new()
            }
            None if entries.is_empty() => String::new(),
            None => {
                let lines: String = entries.iter().map(|entry| format!("  {entry}\n")).collect();
                format!("\nsecrets:\n{lines}")
            }
        };
        for (at, mut keys) in std::mem::take(&mut self.inserts).into_iter().rev() {
            keys.dedup();
            insert(&mut self.lines, at, &keys);
        }
        let mut text = self.lines.concat();
        if !appended.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&appended);
        Fixed { text, made: self.made, secrets: self.secrets }
    }
}

/// The line of a place, and the byte at which its column begins.
fn located(lines: &mut [String], at: At) -> Option<(&mut String, usize)> {
    let line = lines.get_mut(at.line.checked_sub(1)?)?;
    let start = line.char_indices().nth(at.column.checked_sub(1)?).map_or(line.len(), |(start, _)| start);
    Some((line, start))
}

fn replace(lines: &mut [String], at: At, from: &str, to: &str) -> bool {
    let Some((line, start)) = located(lines, at) else { return false };
    let rest = line.get(start..).unwrap_or_default();
    // Right there, but for a quote.
    let Some(offset) = rest.find(from).filter(|offset| *offset <= 1) else { return false };
    line.replace_range(start + offset..start + offset + from.len(), to);
    true
}

/// Before a key of a block its keys get lines of their own; in braces they go in between.
fn insert(lines: &mut Vec<String>, at: At, keys: &[String]) {
    let Some((line, start)) = located(lines, at) else { return };
    let before = line.get(..start).unwrap_or_default().to_owned();
    if before.trim().is_empty() {
        let new: Vec<String> = keys.iter().map(|key| format!("{before}{key}\n")).collect();
        let index = at.line.saturating_sub(1);
        lines.splice(index..index, new);
    } else {
        line.insert_str(start, &keys.iter().map(|key| format!("{key}, ")).collect::<String>());
    }
}

/// Takes a value that is written as it is on one line, and leaves the path of its file there.
fn take_value(lines: &mut [String], at: At, (variable, name): (&str, &str)) -> Option<String> {
    let (line, start) = located(lines, at)?;
    let path = format!("/run/secrets/{name}");
    let rest = line.get(start..)?.to_owned();
    let (written, value) = scalar(&rest)?;
    if let Some(value) = value.strip_prefix(&format!("{variable}=")) {
        // An item `NAME=value` of a list.
        let value = plain(value)?;
        line.replace_range(start..start + written, &format!("{variable}_FILE={path}"));
        return Some(value);
    }
    // The value of a key on the same line.
    let value = plain(&value)?;
    let key = line.get(..start)?.rfind(&format!("{variable}:"))?;
    line.replace_range(start..start + written, &path);
    line.insert_str(key + variable.len(), "_FILE");
    Some(value)
}

/// A scalar at the beginning of a text: how many bytes it takes, and what it says.
fn scalar(text: &str) -> Option<(usize, String)> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''));
    if let Some(quote) = quote {
        let end = text.get(1..)?.find(quote)? + 2;
        let inner = text.get(1..end - 1)?;
        // Escapes are for people to move.
        return (!inner.contains('\\')).then(|| (end, inner.to_owned()));
    }
    let ends = |(at, c): (usize, char)| matches!(c, ',' | '}' | ']' | '\n').then_some(at);
    let comment = text.find(" #").unwrap_or(text.len());
    let end = text.char_indices().find_map(ends).unwrap_or(text.len()).min(comment);
    let written = text.get(..end)?.trim_end();
    (!written.is_empty()).then(|| (written.len(), written.to_owned()))
}

/// Nothing of a variable, no block, no alias.
fn plain(value: &str) -> Option<String> {
    let moved = !value.is_empty() && !value.contains('$') && !value.starts_with(['|', '>', '*', '&', '!']);
    moved.then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::tests::findings;
    use super::*;

    fn fix(text: &str) -> Fixed {
        let all = findings(text);
        fixed(text, &all.iter().collect::<Vec<_>>())
    }

    fn of_rule(text: &str, rule: &str) -> Fixed {
        let all = findings(text);
        fixed(text, &all.iter().filter(|finding| finding.rule.id == rule).collect::<Vec<_>>())
    }

    #[test]
    fn ports_go_to_loopback_in_both_forms_and_comments_stay() {
        let text = "services:\n  a:\n    image: x:1   # the image\n    ports:\n      - \"0.0.0.0:80:80\"   # web\n      - 0.0.0.0:81:81\n      - \"82:82\"\n      - target: 83\n        published: 83\n        host_ip: 0.0.0.0   # all\n      - { target: 84, host_ip: \"::\" }\n      - \"[::]:85:85\"\n";
        let expected = text.replace("0.0.0.0", "127.0.0.1").replace("\"::\"", "\"::1\"").replace("[::]", "[::1]");
        let fixed = of_rule(text, "ports-on-all-interfaces");
        assert_eq!((fixed.made, fixed.text.as_str()), (5, expected.as_str()));
        assert!(findings(&fixed.text).iter().all(|finding| finding.rule.id != "ports-on-all-interfaces"));
    }

    #[test]
    fn limits_and_options_are_added_to_blocks_and_to_braces() {
        let text = "services:\n  # the web\n  a:\n    # its image\n    image: x:1\n  b: { image: y:1, pids_limit: 9 }   # flow\n";
        let fixed = fix(text);
        assert_eq!(
            fixed.text,
            "services:\n  # the web\n  a:\n    # its image\n    security_opt: [\"no-new-privileges:true\"]\n    mem_limit: 2g\n    pids_limit: 1024\n    image: x:1\n  b: { security_opt: [\"no-new-privileges:true\"], mem_limit: 2g, image: y:1, pids_limit: 9 }   # flow\n"
        );
        assert!(findings(&fixed.text).iter().all(|finding| finding.edit.is_none()));
    }

    #[test]
    fn a_secret_goes_into_a_file_where_the_image_reads_one() {
        let text = "services:\n  db:\n    image: postgres:17\n    environment:\n      - POSTGRES_USER=a\n      - POSTGRES_PASSWORD=hunter2   # dev only\n  my:\n    image: mariadb:11\n    environment:\n      MARIADB_ROOT_PASSWORD: 's3cr3t'\n      MARIADB_PASSWORD: ${FROM_OUTSIDE:-x}\n  app:\n    image: ours:1\n    environment: { DB_PASSWORD: hunter2 }\n";
        let fixed = of_rule(text, "inline-secret");
        assert_eq!(fixed.made, 2);
        assert_eq!(fixed.secrets["db-postgres-password"].0, "hunter2");
        assert_eq!(fixed.secrets["my-mariadb-root-password"].0, "s3cr3t");
        assert_eq!(format!("{:?}", fixed.secrets["db-postgres-password"]), "[redacted]");
        for expected in [
            "      - POSTGRES_PASSWORD_FILE=/run/secrets/db-postgres-password   # dev only\n",
            "      MARIADB_ROOT_PASSWORD_FILE: /run/secrets/my-mariadb-root-password\n",
            "      MARIADB_PASSWORD: ${FROM_OUTSIDE:-x}\n",
            "    environment: { DB_PASSWORD: hunter2 }\n",
            "  db:\n    secrets: [db-postgres-password]\n    image",
            "\nsecrets:\n  db-postgres-password: { file: ./secrets/db-postgres-password }\n",
        ] {
            assert!(fixed.text.contains(expected), "no {expected:?} in\n{}", fixed.text);
        }
    }

    #[test]
    fn secrets_that_are_there_get_company() {
        let text = "secrets:\n  other:\n    file: x   # mine\nservices:\n  db: { image: \"postgres:17\", environment: { POSTGRES_PASSWORD: abc, X: 1 } }\n";
        let fixed = of_rule(text, "inline-secret");
        assert_eq!(
            fixed.text,
            "secrets:\n  db-postgres-password: { file: ./secrets/db-postgres-password }\n  other:\n    file: x   # mine\nservices:\n  db: { secrets: [db-postgres-password], image: \"postgres:17\", environment: { POSTGRES_PASSWORD_FILE: /run/secrets/db-postgres-password, X: 1 } }\n"
        );
    }

    #[test]
    fn what_is_merged_from_elsewhere_is_changed_where_it_is_the_services_own() {
        let text = "x-base: &base\n  image: y:1\nservices:\n  a:\n    <<: *base\n    image: x:1\n  b:\n    <<: *base\n";
        let fixed = of_rule(text, "new-privileges");
        assert_eq!(
            fixed.text,
            "x-base: &base\n  image: y:1\nservices:\n  a:\n    <<: *base\n    security_opt: [\"no-new-privileges:true\"]\n    image: x:1\n  b:\n    <<: *base\n"
        );
    }
}
