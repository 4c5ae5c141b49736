//! What an operation asks of a caller, with an exact order: who is let in by one requirement, and by another? Must not
//! know documents.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One way in: each scheme with all of these scopes. Empty: nothing is asked.
pub type Alternative = BTreeMap<String, BTreeSet<String>>;

/// Alternatives, one of which a caller must satisfy (OpenAPI 3.1 §4.8.30, "Security Requirement Object").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirements(Vec<Alternative>);

/// How a requirement stands to an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Exactly the same callers are let in.
    Equal,
    /// All who were let in still are, and others.
    Weaker,
    /// Nobody is let in who was not, and some no longer are.
    Stronger,
    /// Some are let in who were not, and some no longer are.
    Incomparable,
}

impl Requirements {
    /// Alternatives as they are written; none of them means that nothing is asked, as `{}` does.
    #[must_use]
    pub fn new(mut alternatives: Vec<Alternative>) -> Self {
        if alternatives.is_empty() {
            alternatives.push(Alternative::new());
        }
        Self(alternatives)
    }

    /// The alternatives, at least one.
    #[must_use]
    pub fn alternatives(&self) -> &[Alternative] {
        &self.0
    }

    /// The same in which schemes have other names.
    #[must_use]
    pub fn renamed(&self, names: &BTreeMap<String, String>) -> Self {
        let name = |scheme: &String| names.get(scheme).unwrap_or(scheme).clone();
        let rename = |alternative: &Alternative| {
            alternative.iter().map(|(scheme, scopes)| (name(scheme), scopes.clone())).collect()
        };
        Self(self.0.iter().map(rename).collect())
    }

    /// How these stand to earlier ones.
    ///
    /// A requirement is a disjunction of conjunctions without negation. Then one implies another exactly when each of
    /// its alternatives asks for everything that some alternative of the other asks for: whoever shows no more than
    /// that alternative is let in by the other only so.
    #[must_use]
    pub fn change_from(&self, before: &Self) -> Change {
        match (before.implies(self), self.implies(before)) {
            (true, true) => Change::Equal,
            (true, false) => Change::Weaker,
            (false, true) => Change::Stronger,
            (false, false) => Change::Incomparable,
        }
    }

    /// Whether everybody who satisfies this one satisfies the other.
    fn implies(&self, other: &Self) -> bool {
        self.0.iter().all(|ours| other.0.iter().any(|theirs| asks_for_all_of(ours, theirs)))
    }
}

fn asks_for_all_of(more: &Alternative, less: &Alternative) -> bool {
    less.iter().all(|(scheme, scopes)| more.get(scheme).is_some_and(|asked| scopes.is_subset(asked)))
}

/// `bearer [read, write] and key, or nothing`.
impl fmt::Display for Requirements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = |(scheme, scopes): (&String, &BTreeSet<String>)| {
            let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
            if scopes.is_empty() { scheme.clone() } else { format!("{scheme} [{}]", scopes.join(", ")) }
        };
        let alternative = |alternative: &Alternative| {
            let schemes: Vec<String> = alternative.iter().map(scheme).collect();
            if schemes.is_empty() { "nothing".to_owned() } else { schemes.join(" and ") }
        };
        let all: Vec<String> = self.0.iter().map(alternative).collect();
        f.write_str(&all.join(", or "))
    }
}

/// What the names of earlier schemes are now. A scheme that only has another name is the same; one of the same name that
/// is of another kind is not.
#[must_use]
pub(super) fn names(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let only_in = |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>, kind: &str| {
        let names = one.iter().filter(|(name, known)| !other.contains_key(*name) && known.as_str() == kind);
        names.map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    let name = |(name, kind): (&String, &String)| match now.get(name) {
        Some(known) if known == kind => None,
        Some(_) => Some((name.clone(), format!("{name} ({kind})"))),
        None => match (only_in(before, now, kind).as_slice(), only_in(now, before, kind).as_slice()) {
            // Two of a kind may mean different people: then nobody knows which is which.
            ([_], [new]) => Some((name.clone(), new.clone())),
            _ => None,
        },
    };
    before.iter().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `a[r w]+b | -`
    fn requirements(text: &str) -> Requirements {
        let scheme = |text: &str| {
            let (name, scopes) = text.trim_end_matches(']').split_once('[').unwrap_or((text, ""));
            (name.to_owned(), scopes.split_whitespace().map(str::to_owned).collect())
        };
        let alternative = |text: &str| match text.trim() {
            "-" => Alternative::new(),
            text => text.split('+').map(scheme).collect(),
        };
        Requirements::new(if text.is_empty() { Vec::new() } else { text.split('|').map(alternative).collect() })
    }

    fn change(before: &str, now: &str) -> Change {
        requirements(now).change_from(&requirements(before))
    }

    #[test]
    fn an_alternative_more_or_a_demand_less_is_weaker_and_the_reverse_stronger() {
        for (strong, weak) in [
            ("a", "a|b"),       // an alternative was added
            ("a[r w]", "a[r]"), // a scope was dropped
            ("a[r]", "a"),      // the last scope was dropped
            ("a+b", "a"),       // a scheme was dropped
            ("a", "-"),         // an empty requirement
            ("a", ""),          // an empty list
            ("a", "a|-"),       // optional
            ("a+b", "a|b"),     // and became or
            ("a[r]|b", "a[r]|b|c[x]"),
        ] {
            assert_eq!(
                (change(strong, weak), change(weak, strong)),
                (Change::Weaker, Change::Stronger),
                "{strong} {weak}"
            );
        }
    }

    #[test]
    fn what_lets_in_the_same_callers_is_equal_however_it_is_written() {
        for (one, other) in [("a|b", "b|a"), ("", "-"), ("a|-", "-"), ("a|a+b", "a"), ("a[r w]|a[r]", "a[r]")] {
            assert_eq!(change(one, other), Change::Equal, "{one} {other}");
        }
    }

    #[test]
    fn another_scheme_or_scope_cannot_be_compared() {
        for (one, other) in [("a", "b"), ("a[r]", "a[w]"), ("a[r]", "b"), ("a+b|c", "a|c+b")] {
            assert_eq!(change(one, other), Change::Incomparable, "{one} {other}");
        }
    }

    #[test]
    fn a_renamed_scheme_is_the_same_and_one_of_another_kind_is_not() {
        let schemes = |list: &[(&str, &str)]| -> BTreeMap<String, String> {
            list.iter().map(|(name, kind)| (name.to_string(), kind.to_string())).collect()
        };
        let before = schemes(&[("jwt", "http bearer"), ("key", "apiKey header X-Key"), ("same", "oauth2")]);
        let now = schemes(&[("bearer", "http bearer"), ("key", "apiKey query key"), ("same", "oauth2")]);
        let names = names(&before, &now);
        assert_eq!(names, schemes(&[("jwt", "bearer"), ("key", "key (apiKey header X-Key)")]));
        let now = requirements("bearer").change_from(&requirements("jwt").renamed(&names));
        assert_eq!(now, Change::Equal);
        assert_eq!(requirements("key").change_from(&requirements("key").renamed(&names)), Change::Incomparable);
        let twins = schemes(&[("x", "http bearer"), ("y", "http bearer")]);
        assert_eq!(super::names(&schemes(&[("jwt", "http bearer")]), &twins), schemes(&[]));
    }

    #[test]
    fn requirements_read_as_a_sentence() {
        assert_eq!(requirements("a[r w]+b|-").to_string(), "a [r, w] and b, or nothing");
    }

    const SCHEMES: [&str; 3] = ["a", "b", "c"];
    const SCOPES: [&str; 2] = ["r", "w"];

    /// All credentials that anybody can have: each scheme not at all, or with some scopes.
    fn credentials() -> Vec<Alternative> {
        let scopes = |bits: usize| {
            let held = SCOPES.iter().enumerate().filter(move |(at, _)| bits & (1 << at) != 0);
            held.map(|(_, scope)| scope.to_string()).collect::<BTreeSet<String>>()
        };
        let mut all = vec![Alternative::new()];
        for scheme in SCHEMES {
            let with = |held: &Alternative| {
                let held = held.clone();
                (0..4).map(move |bits| {
                    let mut held = held.clone();
                    held.insert(scheme.to_owned(), scopes(bits));
                    held
                })
            };
            let more: Vec<Alternative> = all.iter().flat_map(with).collect();
            all.extend(more);
        }
        all
    }

    fn lets_in(requirements: &Requirements, held: &Alternative) -> bool {
        let satisfied = |alternative: &Alternative| {
            alternative.iter().all(|(scheme, scopes)| held.get(scheme).is_some_and(|held| scopes.is_subset(held)))
        };
        requirements.alternatives().iter().any(satisfied)
    }

    fn by_brute_force(before: &Requirements, now: &Requirements) -> Change {
        let all = credentials();
        let gained = all.iter().any(|held| lets_in(now, held) && !lets_in(before, held));
        let lost = all.iter().any(|held| lets_in(before, held) && !lets_in(now, held));
        match (gained, lost) {
            (false, false) => Change::Equal,
            (true, false) => Change::Weaker,
            (false, true) => Change::Stronger,
            (true, true) => Change::Incomparable,
        }
    }

    fn any_requirements() -> impl Strategy<Value = Requirements> {
        let scopes =
            proptest::collection::btree_set(proptest::sample::select(&SCOPES[..]).prop_map(str::to_owned), 0..=2);
        let scheme = proptest::sample::select(&SCHEMES[..]).prop_map(str::to_owned);
        let alternative = proptest::collection::btree_map(scheme, scopes, 0..=3);
        proptest::collection::vec(alternative, 0..=3).prop_map(Requirements::new)
    }

    /// Whether nobody is let in by the first whom the second refuses.
    fn at_most(one: &Requirements, other: &Requirements) -> bool {
        matches!(one.change_from(other), Change::Equal | Change::Stronger)
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_callers_let_in(one in any_requirements(), other in any_requirements()) {
            prop_assert_eq!(other.change_from(&one), by_brute_force(&one, &other));
        }

        #[test]
        fn the_order_is_reflexive_antisymmetric_and_transitive(
            a in any_requirements(), b in any_requirements(), c in any_requirements()
        ) {
            prop_assert_eq!(a.change_from(&a), Change::Equal);
            if at_most(&a, &b) && at_most(&b, &a) {
                prop_assert_eq!(by_brute_force(&a, &b), Change::Equal);
            }
            if at_most(&a, &b) && at_most(&b, &c) {
                prop_assert!(at_most(&a, &c));
            }
        }
    }
}
