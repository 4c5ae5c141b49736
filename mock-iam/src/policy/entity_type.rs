//! Names of entity types: what callers say as identifiers of the policy language, and back.
//!
//! AuthZEN allows any string as a type, Cedar identifiers only. What is one already stays as it is.

use std::borrow::Cow;

use cedar_policy::EntityTypeName;

/// Begins the code of a character; a name that has it already is written with codes, so that each name has one form.
const CODE: &str = "_x";

/// The identifier for a type, e.g. `api_x2d_route` for `api-route`.
pub(crate) fn encode(kind: &str) -> Cow<'_, str> {
    if !kind.contains(CODE) && kind.parse::<EntityTypeName>().is_ok() {
        return Cow::Borrowed(kind);
    }
    let plain =
        spelled(kind, |index, character| character.is_ascii_alphabetic() || (index > 0 && character.is_ascii_digit()));
    match plain.parse::<EntityTypeName>() {
        Ok(_) => Cow::Owned(plain),
        // A word that the language keeps for itself, such as `if`, or nothing at all.
        Err(_) if kind.is_empty() => Cow::Owned(format!("{CODE}_")),
        Err(_) => Cow::Owned(spelled(kind, |_, _| false)),
    }
}

/// The type that an identifier stands for.
pub(crate) fn decode(identifier: &str) -> Cow<'_, str> {
    if !identifier.contains(CODE) {
        return Cow::Borrowed(identifier);
    }
    let mut kind = String::new();
    let mut rest = identifier;
    while let Some((before, code)) = rest.split_once(CODE) {
        kind.push_str(before);
        let (code, after) = code.split_once('_').unwrap_or((code, ""));
        kind.extend(u32::from_str_radix(code, 16).ok().and_then(char::from_u32));
        rest = after;
    }
    kind.push_str(rest);
    Cow::Owned(kind)
}

fn spelled(kind: &str, plain: impl Fn(usize, char) -> bool) -> String {
    let mut identifier = String::new();
    for (index, character) in kind.chars().enumerate() {
        match plain(index, character) {
            true => identifier.push(character),
            false => identifier.push_str(&format!("{CODE}{:x}_", u32::from(character))),
        }
    }
    identifier
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn identifiers_stay_as_they_are_and_others_are_spelled() {
        for (kind, identifier) in [
            ("User", "User"),
            ("Shop::Order", "Shop::Order"),
            ("api-route", "api_x2d_route"),
            ("7", "_x37_"),
            ("if", "_x69__x66_"),
            ("", "_x_"),
            ("a_x2d_b", "a_x5f_x2d_x5f_b"),
        ] {
            assert_eq!((encode(kind).as_ref(), decode(&encode(kind)).as_ref()), (identifier, kind));
        }
    }

    proptest! {
        #[test]
        fn every_type_has_one_identifier_and_comes_back(kind in "[a-z_x:0-9é -]{0,12}|\\PC{0,12}") {
            let identifier = encode(&kind);
            prop_assert!(identifier.parse::<EntityTypeName>().is_ok(), "{}", identifier);
            prop_assert_eq!(decode(&identifier), kind.as_str());
        }
    }
}
