//! Parameters of a query or a form body. Must not know which parameters there are.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::error::{Code, Refused};

/// Parsed parameters. One that came twice has no value at all (RFC 6749 §3.1): two readers that pick different ones of
/// them are an attack (parameter pollution).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameters {
    values: BTreeMap<String, String>,
    repeated: BTreeSet<String>,
    lists: BTreeMap<String, Vec<String>>,
}

/// Parameters that may come several times: each value adds one (RFC 8707 §2, RFC 8693 §2.1).
const LISTS: [&str; 2] = ["audience", "resource"];

impl Parameters {
    /// Reads `application/x-www-form-urlencoded` text; whatever it is, it is some set of parameters.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let mut parameters = Self::default();
        for (name, value) in url::form_urlencoded::parse(text) {
            if LISTS.contains(&name.as_ref()) {
                if !value.is_empty() {
                    parameters.lists.entry(name.into_owned()).or_default().push(value.into_owned());
                }
                continue;
            }
            if parameters.repeated.contains(name.as_ref()) {
                continue;
            }
            if parameters.values.remove(name.as_ref()).is_some() {
                parameters.repeated.insert(name.into_owned());
            } else {
                parameters.values.insert(name.into_owned(), value.into_owned());
            }
        }
        parameters
    }

    /// The value, if there is exactly one and it is not empty (RFC 6749 §3.1: empty is omitted).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All values of a parameter that may come several times.
    pub(crate) fn all(&self, name: &str) -> &[String] {
        self.lists.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The claims of a request object as parameters (RFC 9101 §4): numbers and objects as their JSON text.
    pub(crate) fn from_claims(claims: &Map<String, Value>) -> Self {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut parameters = Self::default();
        for (name, value) in claims {
            match value {
                Value::Array(values) if LISTS.contains(&name.as_str()) => {
                    parameters.lists.insert(name.clone(), values.iter().map(text).collect());
                }
                value if LISTS.contains(&name.as_str()) => {
                    parameters.lists.insert(name.clone(), vec![text(value)]);
                }
                value => {
                    parameters.values.insert(name.clone(), text(value));
                }
            }
        }
        parameters
    }

    /// With a parameter set, whatever it was.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.values.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Without these parameters.
    pub(crate) fn without(mut self, names: &[&str]) -> Self {
        for name in names {
            self.values.remove(*name);
        }
        self
    }

    /// The name of a parameter that is here and not there, or there with another value.
    pub(crate) fn differing<'a>(&'a self, other: &Self) -> Option<&'a str> {
        let single =
            self.values.iter().find(|(name, value)| !value.is_empty() && other.values.get(*name) != Some(*value));
        let list = || self.lists.iter().find(|(name, values)| other.lists.get(*name) != Some(*values));
        single.map(|(name, _)| name.as_str()).or_else(|| list().map(|(name, _)| name.as_str()))
    }

    /// How much memory the parameters take, nearly.
    pub(crate) fn size(&self) -> usize {
        let single: usize = self.values.iter().map(|(name, value)| name.len() + value.len() + 64).sum();
        let lists: usize = self.lists.values().flatten().map(|value| value.len() + 32).sum();
        single + lists
    }

    /// The value, or a refusal that names what is missing.
    pub(crate) fn required(&self, name: &str, clause: &'static str) -> Result<&str, Refused> {
        self.get(name)
            .ok_or_else(|| Refused::new(Code::InvalidRequest, clause, format!("the parameter `{name}` is missing")))
    }

    /// Refuses a request in which any parameter came twice.
    pub(crate) fn unrepeated(&self) -> Result<(), Refused> {
        match self.repeated.first() {
            None => Ok(()),
            Some(name) => Err(Refused::new(
                Code::InvalidRequest,
                "RFC 6749 section 3.1",
                format!("the parameter `{name}` came more than once"),
            )),
        }
    }

    /// The names of the parameters that are not shown, for the journal: that a verifier came is no secret.
    pub(crate) fn withheld(&self) -> Vec<String> {
        let hidden = self.values.keys().filter(|name| !PUBLIC.contains(&name.as_str()));
        hidden.take(32).map(|name| name.chars().take(64).collect()).collect()
    }

    /// The parameters that are no secret, for the journal.
    pub(crate) fn public(&self) -> BTreeMap<String, String> {
        let cut = |text: &str| text.chars().take(200).collect::<String>();
        let single = PUBLIC.iter().filter_map(|name| self.get(name).map(|value| ((*name).to_owned(), cut(value))));
        single.chain(self.lists.iter().map(|(name, values)| (name.clone(), cut(&values.join(" "))))).collect()
    }
}

/// What may be shown. A list of what is allowed, so that a new secret parameter is hidden by default.
const PUBLIC: [&str; 18] = [
    "acr_values",
    "actor_token_type",
    "client_assertion_type",
    "client_id",
    "code_challenge_method",
    "grant_type",
    "login_hint",
    "max_age",
    "post_logout_redirect_uri",
    "prompt",
    "redirect_uri",
    "requested_token_type",
    "response_mode",
    "response_type",
    "scope",
    "subject_token_type",
    "token_type_hint",
    "username",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_parameter_that_came_twice_has_no_value_and_is_refused() {
        let parameters = Parameters::parse(b"a=1&b=2&a=3&a=4");
        assert_eq!((parameters.get("a"), parameters.get("b")), (None, Some("2")));
        assert!(parameters.unrepeated().unwrap_err().description().contains("`a` came more than once"));
    }

    #[test]
    fn an_empty_parameter_is_an_omitted_one() {
        assert_eq!(Parameters::parse(b"state=&nonce").get("state"), None);
    }

    #[test]
    fn what_the_journal_sees_holds_no_secret() {
        let text = b"grant_type=x&code=1&code_verifier=2&client_secret=3&refresh_token=4&token=5&state=6&nonce=7";
        let parameters = Parameters::parse(text);
        assert_eq!(parameters.public().into_keys().collect::<Vec<_>>(), ["grant_type"]);
        assert_eq!(parameters.withheld().len(), 7, "their names, without their values");
    }

    proptest! {
        #[test]
        fn any_bytes_are_some_parameters(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let parameters = Parameters::parse(&bytes);
            let _ = parameters.unrepeated();
            let _ = parameters.public();
        }
    }
}
