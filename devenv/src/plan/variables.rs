//! `${DEVENV_…}`: what a service may ask about its stack, answered as that service sees the world.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

/// Values by name, for one service.
pub(super) type Variables = BTreeMap<String, String>;

/// The part of a variable's name that stands for a service or secret: `orders-api` → `ORDERS_API`.
pub(super) fn upper(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// Replaces each `${DEVENV_NAME}`; the names that nobody knows are returned.
pub(super) fn expand(text: &str, variables: &Variables) -> (String, Vec<String>) {
    let (mut out, mut unknown, mut rest) = (String::with_capacity(text.len()), Vec::new(), text);
    while let Some((before, from)) = rest.split_once("${DEVENV_") {
        out.push_str(before);
        let Some((name, after)) = from.split_once('}') else {
            out.push_str("${DEVENV_");
            rest = from;
            continue;
        };
        let name = format!("DEVENV_{name}");
        match variables.get(&name) {
            Some(value) => out.push_str(value),
            None => unknown.push(name),
        }
        rest = after;
    }
    out.push_str(rest);
    (out, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_variable_is_replaced_and_an_unknown_one_is_named() {
        let variables = Variables::from([("DEVENV_ISSUER".into(), "http://localhost:9400".into())]);
        let (text, unknown) = expand("a ${DEVENV_ISSUER}/x ${DEVENV_NOPE} ${OTHER}", &variables);
        assert_eq!(text, "a http://localhost:9400/x  ${OTHER}");
        assert_eq!(unknown, ["DEVENV_NOPE"]);
    }

    #[test]
    fn an_unfinished_variable_stays_as_it_is() {
        assert_eq!(expand("${DEVENV_ISSUER", &Variables::new()), ("${DEVENV_ISSUER".into(), vec![]));
    }
}
