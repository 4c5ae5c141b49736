//! A file of pairs that a manifest names, with its problems told at that place.

use std::collections::BTreeMap;
use std::path::Path;

use super::dot_env;
use crate::manifest::decode::Context;
use crate::manifest::tree::Position;

/// The pairs of an env file; `None` after a problem. `raw` takes values letter by letter.
pub(in crate::manifest) fn env_file(
    context: &mut Context<'_>,
    path: &Path,
    place: Position,
    (required, raw, known): (bool, bool, &BTreeMap<String, String>),
) -> Option<BTreeMap<String, String>> {
    let text = match context.files.read(path) {
        Ok(Some(text)) => text,
        Ok(None) if !required => return Some(BTreeMap::new()),
        Ok(None) => {
            let help = "write `{ path: FILE, required: false }` when it need not be there".to_owned();
            context.error_with_help(place, format!("there is no file {}", path.display()), help);
            return None;
        }
        Err(cause) => {
            context.error(place, format!("cannot read {}: {cause}", path.display()));
            return None;
        }
    };
    if raw {
        return Some(letter_by_letter(&text));
    }
    match dot_env(&text, known) {
        Ok(values) => Some(values),
        Err(error) => {
            context.error(place, format!("{}:{}: {}", path.display(), error.line, error.message));
            None
        }
    }
}

fn letter_by_letter(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
