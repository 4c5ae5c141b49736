//! JSON bodies with places that are filled in when a request is planned or sent.

use serde_json::Value as Json;

use crate::manifest::decode::Context;
use crate::manifest::tree::{Node, Value};

/// What may be filled in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filled(&'static [&'static str]);

/// What can be said about the account that a request is about.
macro_rules! account_and {
    ($($more:literal),*) => { Filled(&["persona.username", "persona.email", "persona.password", "persona.number", $($more),*]) };
}

impl Filled {
    pub(super) const NOTHING: Self = Self(&[]);
    /// In rules and creations.
    pub(super) const MARKED: Self = account_and!("canary", "new.password", "new.username", "new.owner");
    /// In registration and login.
    pub(super) const ACCOUNT: Self = account_and!();
    pub(super) const PASSWORD: Self = account_and!("new.password");
    pub(super) const NAME: Self = account_and!("new.username");
}

pub(super) fn read(context: &mut Context<'_>, node: &Node, filled: Filled) -> Json {
    check(context, node, filled);
    node.to_json()
}

/// Nothing else is filled in.
pub(super) fn check(context: &mut Context<'_>, node: &Node, filled: Filled) {
    match &node.value {
        Value::Scalar(scalar) => {
            let names = scalar.text.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
            for (name, _) in names.filter(|(name, _)| !filled.0.contains(name)) {
                let help = match filled.0 {
                    [] => "nothing is filled in here".to_owned(),
                    known => {
                        let known = known.iter().map(|name| format!("`${{{name}}}`")).collect::<Vec<_>>().join(", ");
                        format!("known here: {known}")
                    }
                };
                context.error_with_help(node.position, format!("`${{{name}}}` is not known here"), help);
            }
        }
        Value::List(items) => items.iter().for_each(|item| check(context, item, filled)),
        Value::Map(entries) => entries.iter().for_each(|entry| check(context, &entry.value, filled)),
        Value::Null => {}
    }
}
