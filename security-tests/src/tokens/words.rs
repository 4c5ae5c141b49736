//! Guessing the shared secret of a token offline: no request is sent, and a service that rate-limits logins never
//! notices. Words that keys are made of in tutorials and in haste, and the words of the project itself, as themselves and
//! in the usual codings. Pure; must not know where the words of the project come from.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::forge::{Parts, hmac_signature};

/// A key that signs the token. Its `Debug` shows no more of it than a report may.
#[derive(Clone, PartialEq, Eq)]
pub struct Guess {
    key: Vec<u8>,
    word: String,
    list: List,
    coding: Coding,
}

/// Where a word is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum List {
    /// The list of common words.
    Common,
    /// Names of the project: API, title, host, repository.
    Project,
    /// Values in files of the project.
    Files,
}

/// How a word becomes a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coding {
    /// Its bytes.
    Plain,
    /// What its base64 stands for.
    FromBase64,
    /// What its hexadecimal digits stand for.
    FromHex,
    /// Its base64.
    ToBase64,
    /// Its hexadecimal digits.
    ToHex,
}

/// The words of the project.
#[derive(Clone, Default)]
pub struct Project {
    /// Names: API, title, host, repository, service, personas.
    pub names: Vec<String>,
    /// Texts in the form of `.env` files: their values are words.
    pub texts: Vec<String>,
}

impl Guess {
    /// The key. Whoever shows it gives it away.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }
}

impl std::fmt::Debug for Guess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Guess({self})")
    }
}

/// What a report may say of it: enough for the team to find the key, too little for others.
impl std::fmt::Display for Guess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = match self.list {
            List::Common => "a common word",
            List::Project => "a name of the project",
            List::Files => "a value in a file of the project",
        };
        let coding = match self.coding {
            Coding::Plain => "",
            Coding::FromBase64 => ", decoded from base64",
            Coding::FromHex => ", decoded from hexadecimal",
            Coding::ToBase64 => ", encoded as base64",
            Coding::ToHex => ", encoded as hexadecimal",
        };
        match self.word.chars().next() {
            None => f.write_str("the key is empty"),
            Some(first) => {
                let length = self.word.chars().count();
                write!(f, "the key is {list} of {length} characters that begins with `{first}`{coding}")
            }
        }
    }
}

/// How many words there are to try.
#[must_use]
pub fn count(project: &Project) -> usize {
    words(project).len()
}

/// The shared secret of a token signed with HMAC, if a word is it.
#[must_use]
pub fn guess(token: &str, project: &Project) -> Option<Guess> {
    let parts = Parts::of(token)?;
    let algorithm = parts.algorithm();
    let signature = URL_SAFE_NO_PAD.decode(parts.signature).ok()?;
    let message = format!("{}.{}", parts.head, parts.payload);
    let signs = |key: &[u8]| hmac_signature(algorithm, key, &message).is_some_and(|tag| tag == signature);
    for (list, word) in words(project) {
        let found = codings(&word).into_iter().find(|(_, key)| signs(key));
        if let Some((coding, key)) = found {
            return Some(Guess { key, word, list, coding });
        }
    }
    None
}

/// All words, each once, the project's own first: they are the better bet.
fn words(project: &Project) -> Vec<(List, String)> {
    let names = project.names.iter().flat_map(|name| variants(name)).map(|word| (List::Project, word));
    let values = project.texts.iter().flat_map(|text| values(text)).map(|word| (List::Files, word));
    let common = common::WORDS.iter().map(|word| (List::Common, (*word).to_owned()));
    let mut seen = BTreeSet::new();
    names.chain(values).chain(common).filter(|(_, word)| seen.insert(word.clone())).collect()
}

/// A name, and what teams make of it when they need a key.
fn variants(name: &str) -> Vec<String> {
    let parts = name.split(|character: char| !character.is_alphanumeric()).filter(|part| part.len() > 1);
    let mut bases: Vec<String> = parts.map(str::to_owned).collect();
    bases.push(name.to_owned());
    let mut words = Vec::new();
    for base in bases.iter().filter(|base| !base.is_empty()) {
        let lower = base.to_lowercase();
        words.extend([base.clone(), lower.clone(), base.to_uppercase()]);
        for end in ["secret", "key", "jwt", "123", "api", "dev", "2024", "2025", "2026"] {
            words.extend([format!("{lower}{end}"), format!("{lower}-{end}"), format!("{lower}_{end}")]);
        }
        words.extend(["-secret-key", "_secret_key", "-jwt-secret", "_jwt_secret"].map(|end| format!("{lower}{end}")));
    }
    words
}

/// The values of `NAME=value` and `name: value` lines, with and without quotes.
fn values(text: &str) -> Vec<String> {
    let assigned = |line: &str| {
        let line = line.trim();
        let (_, value) = line.strip_prefix('#').unwrap_or(line).split_once(['=', ':'])?;
        let value = value.trim();
        let bare = value.trim_matches(['"', '\'', ',']);
        (!bare.is_empty() && bare.len() <= 512).then(|| [value.to_owned(), bare.to_owned()])
    };
    text.lines().filter_map(assigned).flatten().collect()
}

fn codings(word: &str) -> Vec<(Coding, Vec<u8>)> {
    let hex: String = word.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut keys = vec![
        (Coding::Plain, word.as_bytes().to_vec()),
        (Coding::ToBase64, STANDARD.encode(word).into_bytes()),
        (Coding::ToHex, hex.into_bytes()),
    ];
    let unpadded = word.trim_end_matches('=');
    let decoded = STANDARD_NO_PAD.decode(unpadded).or_else(|_| URL_SAFE_NO_PAD.decode(unpadded));
    keys.extend(decoded.ok().filter(|key| !key.is_empty()).map(|key| (Coding::FromBase64, key)));
    keys.extend(from_hex(word).map(|key| (Coding::FromHex, key)));
    keys
}

fn from_hex(word: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = word.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    (rest.is_empty() && !pairs.is_empty()).then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::Mint;
    use crate::tokens::forge::mint_with;

    /// A token signed with a key.
    fn token(algorithm: &str, key: &[u8]) -> String {
        let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{algorithm}"}}"#));
        let payload = URL_SAFE_NO_PAD.encode(r#"{"sub":"alice"}"#);
        mint_with(key, &format!("{header}.{payload}.AA"), &Mint::default(), 0).unwrap()
    }

    fn found(algorithm: &str, key: &[u8]) -> Option<String> {
        let project =
            Project { names: vec!["Tea-Shop API".into()], texts: vec!["JWT_KEY='tr0ub4dor'\n# OLD=zebra-9".into()] };
        guess(&token(algorithm, key), &project).map(|guess| guess.to_string())
    }

    #[test]
    fn common_words_are_found_under_every_hmac_and_coding() {
        let secret = "the key is a common word of 6 characters that begins with `s`";
        for algorithm in ["HS256", "HS384", "HS512"] {
            assert_eq!(found(algorithm, b"secret").as_deref(), Some(secret));
        }
        assert_eq!(found("HS256", b"c2VjcmV0"), Some(format!("{secret}, encoded as base64")));
        assert_eq!(found("HS256", b"736563726574"), Some(format!("{secret}, encoded as hexadecimal")));
        assert!(found("HS256", &STANDARD_NO_PAD.decode("changeme").unwrap()).unwrap().ends_with("decoded from base64"));
        assert!(found("HS256", &[0xde, 0xad, 0xbe, 0xef]).unwrap().ends_with("decoded from hexadecimal"));
        assert_eq!(found("HS256", b"").as_deref(), Some("the key is empty"));
    }

    #[test]
    fn words_of_the_project_are_found_and_never_shown() {
        assert_eq!(
            found("HS256", b"tea-secret").as_deref(),
            Some("the key is a name of the project of 10 characters that begins with `t`")
        );
        let value = "the key is a value in a file of the project of 9 characters that begins with `t`";
        assert_eq!(found("HS512", b"tr0ub4dor").as_deref(), Some(value));
        assert!(found("HS256", b"zebra-9").is_some());
        let guess = guess(&token("HS256", b"secret"), &Project::default()).unwrap();
        assert!(!format!("{guess:?}").contains("secret"));
    }

    #[test]
    fn a_good_key_and_a_key_pair_are_not_guessed() {
        assert_eq!(found("HS256", &[7; 32]), None);
        let project = Project::default();
        assert_eq!(guess("opaque", &project), None);
        assert_eq!(guess("eyJhbGciOiJFUzI1NiJ9.e30.AAAA", &project), None);
        assert!((150..=300).contains(&count(&project)), "{}", count(&project));
    }
}
