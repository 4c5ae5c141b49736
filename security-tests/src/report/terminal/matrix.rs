//! The access matrix on a terminal: operations down, personas across, a sign for each relation. A large API is grouped
//! by path, and shows what is of interest. Must not know findings.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::{Colour, Rows, View, paint};
use crate::oracle::Decision;
use crate::run::{Cell, Run};
use crate::verdict::Observed;

/// From so many operations on, rows are grouped by path.
const GROUPED: usize = 13;
/// From so many operations on, only rows of interest are shown unless all are asked for.
const LARGE: usize = 41;

/// Rows of one group: a heading, when there is one, and operations with the label of each.
struct Group<'a> {
    heading: Option<String>,
    rows: Vec<(&'a str, String)>,
}

/// Operations down, personas across; in a cell one sign per relation. Personas that do not fit beside each other go
/// into a table of their own below.
pub(super) fn matrix(run: &Run, view: View) -> String {
    let mut cells: BTreeMap<(&str, &str), Vec<&Cell>> = BTreeMap::new();
    for cell in &run.matrix {
        cells.entry((&cell.operation, &cell.persona)).or_default().push(cell);
    }
    let operations = distinct(run.matrix.iter().map(|cell| cell.operation.as_str()));
    let personas = distinct(run.matrix.iter().map(|cell| cell.persona.as_str()));
    let shown = shown(run, &operations, view.rows);
    let hidden = operations.len() - shown.len();
    let groups = groups(&shown, operations.len() >= GROUPED, (view.width / 2).max(24));
    let labels = groups.iter().flat_map(|group| &group.rows).map(|(_, label)| label.chars().count());
    let first = labels.max().unwrap_or(0);
    let mut text = String::new();
    for personas in beside(&personas, view.width.saturating_sub(first)) {
        table(&mut text, &groups, &Columns { first, personas: &personas, cells: &cells, colour: view.colour });
        text.push('\n');
    }
    if hidden > 0 {
        let them = if hidden == 1 { "operation is" } else { "operations are" };
        text.push_str(&format!("{hidden} more {them} as expected (`--matrix all` shows all)\n"));
    }
    text.push_str("✓ allowed  · denied  ✗ not as expected  ! server error  ? unproven  – not run\n");
    text.push_str("three signs: own object, same tenant, other tenant");
    text
}

/// What a table is made of beside its rows.
struct Columns<'a> {
    first: usize,
    personas: &'a [&'a str],
    cells: &'a BTreeMap<(&'a str, &'a str), Vec<&'a Cell>>,
    colour: Colour,
}

fn table(text: &mut String, groups: &[Group<'_>], columns: &Columns<'_>) {
    let Columns { first, personas, cells, colour } = *columns;
    if groups.is_empty() {
        return;
    }
    let head: String = personas.iter().map(|name| format!("  {name:<width$}", width = column(name))).collect();
    text.push_str(format!("{:first$}{head}", "").trim_end());
    text.push('\n');
    for group in groups {
        if let Some(heading) = &group.heading {
            text.push_str(&paint(heading, "1", colour));
            text.push('\n');
        }
        for (operation, label) in &group.rows {
            let signs = personas.iter().map(|persona| {
                let cells = cells.get(&(*operation, *persona)).map_or(&[][..], Vec::as_slice);
                signs(cells, column(persona), colour)
            });
            text.push_str(format!("{label:<first$}{}", signs.collect::<String>()).trim_end());
            text.push('\n');
        }
    }
}

/// The operations to show.
fn shown<'a>(run: &Run, operations: &[&'a str], rows: Rows) -> Vec<&'a str> {
    let all = match rows {
        Rows::All => true,
        Rows::Auto => operations.len() < LARGE,
        Rows::Interesting | Rows::None => false,
    };
    let of_interest = |cell: &Cell| match (cell.observed, cell.expected) {
        (Observed::Allow, Decision::Allow) | (Observed::Deny, Decision::Deny) | (Observed::NotRun, _) => false,
        (Observed::Allow | Observed::Deny | Observed::Error | Observed::Unproven, _) => true,
    };
    let mut interesting = std::collections::BTreeSet::new();
    interesting.extend(run.matrix.iter().filter(|cell| of_interest(cell)).map(|cell| cell.operation.as_str()));
    operations.iter().filter(|operation| all || interesting.contains(*operation)).copied().collect()
}

/// Rows under the first part of their paths, `api` and versions not counted.
fn groups<'a>(operations: &[&'a str], grouped: bool, widest: usize) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for operation in operations {
        let (method, path) = operation.split_once(' ').unwrap_or(("", operation));
        let heading = grouped.then(|| prefix(path));
        let label = match &heading {
            Some(heading) => {
                let rest = path.strip_prefix(heading.as_str()).unwrap_or(path);
                cut(format!("  {method:<6} {rest}").trim_end(), widest)
            }
            None => cut(operation, widest),
        };
        match groups.iter_mut().find(|group| group.heading == heading) {
            Some(group) => group.rows.push((operation, label)),
            None => groups.push(Group { heading, rows: vec![(operation, label)] }),
        }
    }
    groups
}

/// `/api/v1/orders` of `/api/v1/orders/{id}`.
pub(crate) fn prefix(path: &str) -> String {
    let is_version = |part: &str| {
        part.strip_prefix('v').is_some_and(|number| !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()))
    };
    let mut prefix = String::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        prefix.push('/');
        prefix.push_str(part);
        if part != "api" && !is_version(part) {
            break;
        }
    }
    if prefix.is_empty() { "/".to_owned() } else { prefix }
}

/// At most so many characters: what is cut is cut from the middle, where paths say least.
fn cut(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let head = most / 2;
    let tail = most.saturating_sub(head + 1);
    let (start, end): (String, String) = (text.chars().take(head).collect(), text.chars().skip(count - tail).collect());
    format!("{start}…{end}")
}

/// Columns of a persona: its name, or three signs with blanks between.
fn column(persona: &str) -> usize {
    persona.chars().count().max(5)
}

/// As many personas in a row as fit; at least one.
fn beside<'a>(personas: &[&'a str], width: usize) -> Vec<Vec<&'a str>> {
    let mut rows: Vec<Vec<&str>> = Vec::new();
    let mut left = 0;
    for persona in personas {
        let needed = column(persona) + 2;
        match rows.last_mut() {
            Some(row) if needed <= left => row.push(persona),
            Some(_) | None => {
                rows.push(vec![persona]);
                left = width;
            }
        }
        left = left.saturating_sub(needed);
    }
    rows
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = std::collections::BTreeSet::new();
    names.filter(|name| seen.insert(*name)).collect()
}

/// The signs of a cell, padded by what is seen: escapes take no column.
fn signs(cells: &[&Cell], column: usize, colour: Colour) -> String {
    let signs: Vec<String> = cells.iter().map(|cell| sign(cell, colour)).collect();
    let seen = (2 * signs.len()).saturating_sub(1);
    format!("  {}{:pad$}", signs.join(" "), "", pad = column.saturating_sub(seen))
}

fn sign(cell: &Cell, colour: Colour) -> String {
    match (cell.observed, cell.expected) {
        (Observed::Allow, Decision::Allow) => paint("✓", "32", colour),
        (Observed::Deny, Decision::Deny) => paint("·", "2", colour),
        (Observed::Allow, Decision::Deny) | (Observed::Deny, Decision::Allow) => paint("✗", "1;31", colour),
        (Observed::Error, _) => paint("!", "31", colour),
        (Observed::Unproven, _) => paint("?", "33", colour),
        (Observed::NotRun, _) => paint("–", "2", colour),
    }
}
