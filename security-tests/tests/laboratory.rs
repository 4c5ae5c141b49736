//! The catalogue of forged tokens against verifiers with one flaw each: every flaw is found by at least one token, and
//! every token finds at least one flaw. A strict verifier accepts none.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail this way, its helpers too")]

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as B64};
use security_tests::tokens::{CATALOGUE, Forgery, Materials, Signer, forge};
use serde_json::{Value, json};

/// What time it is in the laboratory.
const NOW: i64 = 1_800_000_000;

struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn point(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    fn token(&self, subject: &str, lifetime: i64) -> String {
        let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": "k1"});
        let claims = json!({"sub": subject, "exp": NOW + lifetime});
        let message = format!("{}.{}", B64.encode(header.to_string()), B64.encode(claims.to_string()));
        format!("{message}.{}", B64.encode(self.sign(message.as_bytes())))
    }
}

impl Signer for Key {
    fn jwk(&self) -> Value {
        json!({"kty": "EC", "crv": "P-256", "x": B64.encode(&self.point()[1..33]), "y": B64.encode(&self.point()[33..])})
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }
}

struct Laboratory {
    provider: Key,
    attacker: Key,
    published: String,
    other: String,
}

/// A token taken apart; unsigned forms may have two segments.
struct Parsed {
    header: Value,
    claims: Value,
    message: String,
    segments: usize,
    signature: Vec<u8>,
}

fn parse(token: &str) -> Parsed {
    let segments: Vec<&str> = token.split('.').collect();
    let part = |at: usize| serde_json::from_slice(&B64.decode(segments[at]).unwrap()).unwrap();
    Parsed {
        header: part(0),
        claims: part(1),
        message: format!("{}.{}", segments[0], segments[1]),
        segments: segments.len(),
        signature: B64.decode(segments.get(2).unwrap_or(&"")).unwrap(),
    }
}

impl Laboratory {
    fn new() -> Self {
        let provider = Key::new();
        let mut jwk = provider.jwk();
        jwk["kid"] = json!("k1");
        let other = provider.token("bob", 300);
        Self { published: jwk.to_string(), attacker: Key::new(), other, provider }
    }

    fn forged(&self, forgery: &Forgery) -> String {
        if let Some(mint) = forgery.mint() {
            let key = if mint.other_key { &self.attacker } else { &self.provider };
            return key.token("alice", mint.lifetime_seconds.unwrap_or(300));
        }
        let token = self.provider.token("alice", 300);
        let published = [self.published.clone()];
        forge(
            forgery,
            &Materials { token: &token, other: &self.other, published: &published, attacker: &self.attacker },
        )
        .unwrap()
    }

    fn pem(&self) -> String {
        let head = STANDARD.decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=").unwrap();
        let text = STANDARD.encode([&head, self.provider.point()].concat());
        format!("-----BEGIN PUBLIC KEY-----\n{}\n{}\n-----END PUBLIC KEY-----\n", &text[..64], &text[64..])
    }

    fn valid(&self, token: &Parsed) -> bool {
        verify(self.provider.point(), &token.message, &token.signature)
    }

    /// The strict verifier, with at most one flaw.
    fn accepts(&self, flaw: &str, text: &str) -> bool {
        let token = parse(text);
        let algorithm = token.header["alg"].as_str();
        let lower = algorithm.unwrap_or("").to_lowercase();
        let signed = match algorithm {
            _ if flaw == "signature ignored" => true,
            Some("none") => flaw == "none" && token.segments == 3 && token.signature.is_empty(),
            Some("None") if flaw == "None" => true,
            Some("NONE") if flaw == "NONE" => true,
            Some("nOnE") if flaw == "nOnE" => true,
            _ if lower == "none" => flaw == "none in any casing, signature or not",
            Some("") => flaw == "empty alg",
            None if token.header.get("alg").is_some() => flaw == "null alg",
            None => flaw == "missing alg",
            Some("HS256") => self.hmac_flaw(flaw, &token, hmac::HMAC_SHA256),
            Some("HS512") => flaw == "HS512 with PEM" && check(hmac::HMAC_SHA512, self.pem().as_bytes(), &token),
            Some("ES256") => self.valid(&token) || self.signature_flaw(flaw, &token),
            Some(_) => false,
        };
        let two = token.segments == 2 && flaw == "two segments";
        let in_time = flaw == "exp ignored" || token.claims["exp"].as_i64().unwrap() > NOW;
        (signed || two) && in_time
    }

    fn hmac_flaw(&self, flaw: &str, token: &Parsed, algorithm: hmac::Algorithm) -> bool {
        let pem = self.pem();
        let secret: Vec<u8> = match flaw {
            "HS256 with PEM" => pem.into_bytes(),
            "HS256 with trimmed PEM" => pem.trim_end().as_bytes().to_vec(),
            "HS256 with DER" => {
                STANDARD.decode(pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap()
            }
            "HS256 with JWK" => self.published.clone().into_bytes(),
            "HS256 with nothing" => Vec::new(),
            _ => return false,
        };
        check(algorithm, &secret, token)
    }

    fn signature_flaw(&self, flaw: &str, token: &Parsed) -> bool {
        let brought = token.header.get("jwk").map(|jwk| {
            let half = |name: &str| B64.decode(jwk[name].as_str().unwrap()).unwrap();
            [vec![4], half("x"), half("y")].concat()
        });
        let embedded = brought.is_some_and(|point| verify(&point, &token.message, &token.signature));
        match flaw {
            "empty signature" => token.signature.is_empty(),
            "r = s = 0" => !token.signature.is_empty() && token.signature.iter().all(|byte| *byte == 0),
            "half a signature" => token.signature.len() == 32,
            "any 64 bytes" => token.signature.len() == 64,
            "any signature of the provider" => token.signature == parse(&self.other).signature,
            "any key of this kid" => {
                verify(self.attacker.point(), &token.message, &token.signature) && token.header.get("jwk").is_none()
            }
            "embedded key" => embedded,
            "embedded key beside a known kid" => embedded && token.header["kid"] == "k1",
            _ => false,
        }
    }
}

fn verify(point: &[u8], message: &str, signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message.as_bytes(), signature).is_ok()
}

fn check(algorithm: hmac::Algorithm, secret: &[u8], token: &Parsed) -> bool {
    hmac::verify(&hmac::Key::new(algorithm, secret), token.message.as_bytes(), &token.signature).is_ok()
}

/// Each flaw, with the check that must find it.
const FLAWS: [(&str, &str); 25] = [
    ("none", "unsigned-token"),
    ("None", "unsigned-token"),
    ("NONE", "unsigned-token"),
    ("nOnE", "unsigned-token"),
    ("none in any casing, signature or not", "unsigned-token"),
    ("two segments", "unsigned-token"),
    ("empty alg", "unsigned-token"),
    ("null alg", "unsigned-token"),
    ("missing alg", "unsigned-token"),
    ("signature ignored", "ignored-signature"),
    ("empty signature", "ignored-signature"),
    ("r = s = 0", "ignored-signature"),
    ("half a signature", "ignored-signature"),
    ("any 64 bytes", "ignored-signature"),
    ("any signature of the provider", "ignored-signature"),
    ("any key of this kid", "ignored-signature"),
    ("HS256 with PEM", "key-confusion"),
    ("HS256 with trimmed PEM", "key-confusion"),
    ("HS256 with DER", "key-confusion"),
    ("HS256 with JWK", "key-confusion"),
    ("HS256 with nothing", "key-confusion"),
    ("HS512 with PEM", "key-confusion"),
    ("embedded key", "embedded-key"),
    ("embedded key beside a known kid", "embedded-key"),
    ("exp ignored", "expired-token"),
];

#[test]
fn the_strict_verifier_accepts_a_good_token_and_no_forged_one() {
    let laboratory = Laboratory::new();
    assert!(laboratory.accepts("", &laboratory.provider.token("alice", 300)));
    for forgery in CATALOGUE {
        assert!(!laboratory.accepts("", &laboratory.forged(forgery)), "{}", forgery.name);
    }
}

#[test]
fn every_flaw_is_found_by_the_check_that_names_it() {
    let laboratory = Laboratory::new();
    for (flaw, check) in FLAWS {
        let finds =
            |forgery: &&Forgery| forgery.check == check && laboratory.accepts(flaw, &laboratory.forged(forgery));
        assert!(CATALOGUE.iter().any(|forgery| finds(&forgery)), "{flaw} is not found by {check}");
    }
}

#[test]
fn every_forgery_finds_a_flaw() {
    let laboratory = Laboratory::new();
    for forgery in CATALOGUE {
        let token = laboratory.forged(forgery);
        assert!(FLAWS.iter().any(|(flaw, _)| laboratory.accepts(flaw, &token)), "{} finds nothing", forgery.name);
    }
}

#[test]
fn a_token_that_is_no_jwt_cannot_be_forged_and_that_is_said() {
    let attacker = Key::new();
    let materials = Materials { token: "opaque", other: "opaque", published: &[], attacker: &attacker };
    assert_eq!(forge(&CATALOGUE[0], &materials), Err("the token is not a JWT".to_owned()));
}

proptest::proptest! {
    #[test]
    fn whatever_a_token_is_forging_it_ends_in_a_token_or_a_reason(token in r"[\x20-\x7e]{0,40}|[A-Za-z0-9_-]{0,12}\.[A-Za-z0-9_-]{0,12}\.[A-Za-z0-9_-]{0,12}") {
        let attacker = Key::new();
        for forgery in CATALOGUE {
            let materials = Materials { token: &token, other: &token, published: &[], attacker: &attacker };
            let _ = forge(forgery, &materials);
        }
    }

    #[test]
    fn whatever_a_document_is_reading_it_ends(text in r"(openapi: 3\.[01]\.0\npaths:\n)?[ -~\n]{0,200}") {
        let _ = security_tests::Api::parse(&text);
    }
}
