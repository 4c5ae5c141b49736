//! A strict verifier of access tokens (RFC 9068 §4, RFC 8725) that makes at most one mistake, by name. It says why it
//! refuses. Must not know HTTP.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD, URL_SAFE_NO_PAD as B64};
use security_tests::tokens::Refusal;
use serde_json::{Value, json};

use super::keys::{Key, armoured, es256, ssh, tag};
use super::members::{Doubles, Members, members};

/// The API's name, and what it calls itself in `aud`.
pub(crate) const AUDIENCE: &str = "tea-shop";
/// Who exists, the first first.
pub(crate) const USERS: [&str; 4] = ["alice", "bob", "mallory", "root"];

pub(crate) struct Verifier<'a> {
    pub(crate) flaw: &'a str,
    pub(crate) key: &'a Key,
    pub(crate) unpublished: &'a Key,
    pub(crate) issuer: &'a str,
    /// Every token that was issued.
    pub(crate) issued: &'a [String],
    /// What is at the URL in the header, when the flaw is to fetch it.
    pub(crate) fetched: Option<&'a str>,
    /// Thumbprint of the key that the caller proved to have.
    pub(crate) proven: Option<&'a str>,
    pub(crate) now: i64,
}

/// A token taken apart.
struct Token {
    header: Members,
    claims: Members,
    message: String,
    signature: Vec<u8>,
    /// Its text, for flaws that look at it.
    unsigned: bool,
}

impl Verifier<'_> {
    fn is(&self, flaw: &str) -> bool {
        self.flaw == flaw
    }

    /// The subject and the claims of a good token.
    pub(crate) fn verify(&self, text: &str) -> Result<(String, Members), Refusal> {
        if text.len() > 16 * 1024 {
            return Err(Refusal::Size);
        }
        let token = self.parse(text)?;
        if !token.unsigned {
            self.authentic(&token)?;
        }
        self.timely(&token)?;
        let subject = self.subject(&token.claims)?;
        self.bound(&token.claims)?;
        self.strongly_authenticated(&token.claims)?;
        Ok((subject, token.claims))
    }

    /// RFC 9470 §5, for an operation that wants `acr` 1 and a login of today.
    fn strongly_authenticated(&self, claims: &Members) -> Result<(), Refusal> {
        let strong = claims.get("acr").is_none_or(|acr| acr == "1") || self.is("acr ignored");
        let recent = |time: &Value| time.as_i64().is_some_and(|time| time > self.now - 24 * 3600);
        let recently = claims.get("auth_time").is_none_or(recent) || self.is("auth_time ignored");
        if strong && recently { Ok(()) } else { Err(Refusal::Authentication) }
    }

    fn parse(&self, text: &str) -> Result<Token, Refusal> {
        if text.starts_with('{') {
            return self.polyglot(text).ok_or(Refusal::Form);
        }
        let parts: Vec<&str> = text.split('.').collect();
        match parts.as_slice() {
            [head, payload, signature] => self.token(head, payload, signature),
            [head, payload, signature, _] if self.is("more segments") => self.token(head, payload, signature),
            [head, payload] => {
                let token = self.token(head, payload, "")?;
                let none = token.header.get("alg") == Some(&json!("none"));
                let flawed = if none { "two segments of alg none" } else { "third segment may be missing" };
                if self.is(flawed) { Ok(Token { unsigned: true, ..token }) } else { Err(Refusal::Form) }
            }
            [head, key, nonce, sealed, tag] if self.is("jwe around unsigned") && key.is_empty() => {
                self.unsealed([head, nonce, sealed, tag]).ok_or(Refusal::Form)
            }
            _ => Err(Refusal::Form),
        }
    }

    fn token(&self, head: &str, payload: &str, signature: &str) -> Result<Token, Refusal> {
        let of_header = match self.flaw {
            "last alg none wins" => Doubles::Last,
            "first alg none wins" => Doubles::First,
            _ => Doubles::Refused,
        };
        let of_claims = match self.flaw {
            "last sub wins" => Doubles::Last,
            "first sub wins" => Doubles::First,
            _ => Doubles::Refused,
        };
        let header = members(&B64.decode(head).map_err(|_| Refusal::Form)?, of_header)?;
        let claims = members(&B64.decode(payload).map_err(|_| Refusal::Form)?, of_claims)?;
        let signature = self.decoded(signature).ok_or(Refusal::Form)?;
        Ok(Token { header, claims, message: format!("{head}.{payload}"), signature, unsigned: false })
    }

    fn decoded(&self, text: &str) -> Option<Vec<u8>> {
        let lenient = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
        let lenient = GeneralPurpose::new(
            &alphabet::URL_SAFE,
            lenient.with_encode_padding(false).with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone),
        );
        let known = |character: &char| character.is_ascii_alphanumeric() || ['-', '_'].contains(character);
        match self.flaw {
            "base64 padding" => B64.decode(text.trim_end_matches('=')).ok(),
            "base64 stray bits" => lenient.decode(text).ok(),
            "base64 of the standard alphabet" => B64.decode(text.replace('+', "-").replace('/', "_")).ok(),
            "base64 with other characters" => B64.decode(text.chars().filter(known).collect::<String>()).ok(),
            _ => B64.decode(text).ok(),
        }
    }

    /// Reads the JSON serialisation, verifies it, and believes what stands between the dots.
    fn polyglot(&self, text: &str) -> Option<Token> {
        let json: Value = serde_json::from_str(text).ok()?;
        let part = |name: &str| json.get(name).and_then(Value::as_str);
        let token = self.token(part("protected")?, part("payload")?, part("signature")?).ok()?;
        self.authentic(&token).ok()?;
        let between = members(&B64.decode(text.split('.').nth(1)?).ok()?, Doubles::Refused).ok()?;
        self.is("json polyglot").then_some(Token { claims: between, unsigned: true, ..token })
    }

    fn unsealed(&self, [head, nonce, sealed, tag]: [&&str; 4]) -> Option<Token> {
        let header = members(&B64.decode(head).ok()?, Doubles::Refused).ok()?;
        let half = |name: &str| B64.decode(header.get("epk")?.get(name)?.as_str()?).ok();
        let key = self.key.agreed_key(&half("x")?, &half("y")?);
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).ok()?);
        let mut text = [B64.decode(sealed).ok()?, B64.decode(tag).ok()?].concat();
        let nonce = Nonce::try_assume_unique_for_key(&B64.decode(nonce).ok()?).ok()?;
        let text = key.open_in_place(nonce, Aad::from(head.as_bytes()), &mut text).ok()?;
        let parts: Vec<&str> = std::str::from_utf8(text).ok()?.split('.').collect();
        let token = self.token(parts.first()?, parts.get(1)?, "").ok()?;
        Some(Token { unsigned: true, ..token })
    }

    fn authentic(&self, token: &Token) -> Result<(), Refusal> {
        let algorithm = token.header.get("alg").and_then(Value::as_str);
        if self.is("signature ignored") || self.unsigned_is_fine(token) || self.hmac_is_fine(token) {
            return Ok(());
        }
        if algorithm != Some(self.key.algorithm()) && !self.is("any alg of the key") {
            return Err(Refusal::Algorithm);
        }
        match token.header.get("crit") {
            None => {}
            Some(_) if self.is("crit ignored") => {}
            Some(names) if self.is("crit may be empty") && names == &json!([]) => {}
            Some(names) if self.is("b64 ignored") && names == &json!(["b64"]) => {}
            Some(_) => return Err(Refusal::Critical),
        }
        if self.own_key_is_fine(token) {
            return Ok(());
        }
        match token.header.get("kid") {
            Some(Value::String(name)) if name == "k1" => {}
            Some(Value::String(name)) if name.is_empty() && self.is("empty kid unverified") => return Ok(()),
            Some(Value::String(name)) if !name.is_empty() && self.is("unknown kid unverified") => return Ok(()),
            Some(Value::Array(_)) if self.is("kid list unverified") => return Ok(()),
            _ => return Err(Refusal::Key),
        }
        let good = self.key.verifies(&token.message, &token.signature) || self.signature_is_fine(token);
        if good { Ok(()) } else { Err(Refusal::Signature) }
    }

    fn unsigned_is_fine(&self, token: &Token) -> bool {
        let unsigned = token.signature.is_empty();
        let algorithm = token.header.get("alg");
        let text = algorithm.and_then(Value::as_str);
        match self.flaw {
            "alg none" | "last alg none wins" | "first alg none wins" => unsigned && text == Some("none"),
            "alg None" => unsigned && text == Some("None"),
            "alg NONE" => unsigned && text == Some("NONE"),
            "alg nOnE" => unsigned && text == Some("nOnE"),
            "alg none with any signature" => !unsigned && text.is_some_and(|text| text.eq_ignore_ascii_case("none")),
            "alg none after trimming" => unsigned && text.is_some_and(|text| text != "none" && text.trim() == "none"),
            "alg list with none" => algorithm == Some(&json!(["none"])),
            "alg empty" => text == Some(""),
            "alg null" => algorithm == Some(&Value::Null),
            "alg missing" => unsigned && algorithm.is_none(),
            "alg missing with any signature" => !unsigned && algorithm.is_none(),
            _ => false,
        }
    }

    fn hmac_is_fine(&self, token: &Token) -> bool {
        let algorithm = token.header.get("alg").and_then(Value::as_str).unwrap_or_default();
        let kid = token.header.get("kid").and_then(Value::as_str).unwrap_or_default();
        let wanted = match self.flaw {
            "hs384 with pem" => "HS384",
            "hs512 with pem" => "HS512",
            _ => "HS256",
        };
        let Some(secret) = self.secret(kid) else { return false };
        algorithm == wanted && tag(algorithm, &secret, &token.message).as_ref() == Some(&token.signature)
    }

    /// What this flaw takes for a shared secret.
    fn secret(&self, kid: &str) -> Option<Vec<u8>> {
        let pem = || self.key.pem();
        let file = |path: std::path::PathBuf| std::fs::read(path).ok();
        Some(match self.flaw {
            "hs256 with pem" | "hs384 with pem" | "hs512 with pem" => pem().into_bytes(),
            "hs256 with trimmed pem" => pem().trim_end().as_bytes().to_vec(),
            "hs256 with crlf pem" => pem().lines().map(|line| format!("{line}\r\n")).collect::<String>().into_bytes(),
            "hs256 with pem on one line" => {
                let body = STANDARD.encode(self.key.der());
                format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n").into_bytes()
            }
            "hs256 with the body of the pem" => STANDARD.encode(self.key.der()).into_bytes(),
            "hs256 with pkcs1 pem" => armoured("RSA PUBLIC KEY", self.key.public()).into_bytes(),
            "hs256 with ssh key" => ssh(self.key.public()).into_bytes(),
            "hs256 with der" => self.key.der(),
            "hs256 with point" => self.key.public().to_vec(),
            "hs256 with jwk" => self.key.jwk().to_string().into_bytes(),
            "hs256 with required members" => {
                let jwk = self.key.jwk();
                format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]).into_bytes()
            }
            "hs256 with kid" => b"k1".to_vec(),
            "hs256 with nothing" => Vec::new(),
            "kid is a relative file" if kid.starts_with("..") => file(std::path::Path::new("/usr/share").join(kid))?,
            "kid is any file" if kid.starts_with('/') => file(kid.into())?,
            "kid is a file with content" => {
                file(std::path::Path::new("/usr/share").join(kid)).filter(|key| !key.is_empty())?
            }
            // SELECT key FROM keys WHERE kid = '…'
            "kid in sql" => kid.split_once("UNION SELECT '")?.1.split('\'').next()?.as_bytes().to_vec(),
            _ => return None,
        })
    }

    /// A key that the token brings or points to.
    fn own_key_is_fine(&self, token: &Token) -> bool {
        let known = token.header.get("kid") == Some(&json!("k1"));
        let header = |name: &str| token.header.get(name).cloned();
        let point = match self.flaw {
            "embedded jwk" if !known => header("jwk").and_then(|jwk| point(&jwk)),
            "embedded jwk beside known kid" if known => header("jwk").and_then(|jwk| point(&jwk)),
            "embedded certificate" if !known => header("x5c").and_then(|chain| certified(chain.get(0)?.as_str()?)),
            "embedded certificate beside known kid" if known => {
                header("x5c").and_then(|chain| certified(chain.get(0)?.as_str()?))
            }
            "x5u fetched" => self
                .fetched
                .and_then(|pem| certified(&pem.lines().filter(|line| !line.starts_with('-')).collect::<String>())),
            "jku of data" => header("jku").and_then(|url| {
                let text = STANDARD.decode(url.as_str()?.strip_prefix("data:application/json;base64,")?).ok()?;
                named(std::str::from_utf8(&text).ok()?, &token.header)
            }),
            "jku fetched" | "jku fetched when it contains the issuer" => {
                self.fetched.and_then(|text| named(text, &token.header))
            }
            _ => None,
        };
        point.is_some_and(|point| es256(&point, &token.message, &token.signature))
    }

    fn signature_is_fine(&self, token: &Token) -> bool {
        let (message, signature) = (token.message.as_str(), token.signature.as_slice());
        match self.flaw {
            "signature may be empty" => signature.is_empty(),
            "signature of zeros" => signature.len() == 64 && signature.iter().all(|byte| *byte == 0),
            "half a signature" => signature.len() == 32,
            "signature of the right length" => signature.len() == 64,
            "last byte of the signature ignored" => (0..=u8::MAX).any(|byte| {
                let mut tried = signature.to_vec();
                tried.last_mut().is_some_and(|last| {
                    *last = byte;
                    true
                }) && self.key.verifies(message, &tried)
            }),
            "signature cut to its length" => signature.len() > 64 && self.key.verifies(message, &signature[..64]),
            "any signature ever issued" => {
                let text = B64.encode(signature);
                !signature.is_empty() && self.issued.iter().any(|token| token.ends_with(&text))
            }
            "zero signature as der" => signature == [0x30, 6, 2, 1, 0, 2, 1, 0],
            "signature of the group order" => {
                signature.len() == 64 && signature[..32] == signature[32..] && signature[..4] == [0xff; 4]
            }
            "any key of this kid" => self.unpublished.verifies(message, signature),
            _ => false,
        }
    }

    fn timely(&self, token: &Token) -> Result<(), Refusal> {
        self.kind(&token.header, &token.claims)?;
        let claims = &token.claims;
        let issuer = claims.get("iss");
        let issuer_is_fine = match issuer {
            _ if self.is("iss ignored") => true,
            None => self.is("iss may be missing"),
            Some(Value::Array(several)) => self.is("iss in a list") && several.contains(&json!(self.issuer)),
            Some(Value::String(text)) => {
                text == self.issuer || self.is("iss by its beginning") && text.starts_with(self.issuer)
            }
            Some(_) => false,
        };
        if !issuer_is_fine {
            return Err(Refusal::Issuer);
        }
        let audience_is_fine = match claims.get("aud") {
            _ if self.is("aud ignored") => true,
            None => self.is("aud may be missing"),
            Some(Value::Array(several)) => {
                several.contains(&json!(AUDIENCE)) || self.is("aud list may be empty") && several.is_empty()
            }
            Some(Value::String(text)) => {
                text == AUDIENCE
                    || self.is("aud by its beginning") && text.starts_with(AUDIENCE)
                    || self.is("aud inside our name") && AUDIENCE.contains(text)
            }
            Some(_) => false,
        };
        if !audience_is_fine {
            return Err(Refusal::Audience);
        }
        self.lasting(claims)?;
        let begins = |name: &str| match claims.get(name) {
            None => Some(0),
            Some(Value::String(_)) if name == "nbf" && self.is("nbf as text ignored") => Some(0),
            Some(time) => time.as_i64(),
        };
        let leeway = if self.is("nbf only wrong beyond a day") { 24 * 3600 } else { 0 };
        let begun = self.is("nbf ignored") || begins("nbf").is_some_and(|time| time <= self.now + leeway);
        let issued = self.is("iat in the future") || begins("iat").is_some_and(|time| time <= self.now);
        if begun && issued { Ok(()) } else { Err(Refusal::Premature) }
    }

    fn kind(&self, header: &Members, claims: &Members) -> Result<(), Refusal> {
        let fine = match header.get("typ").and_then(Value::as_str) {
            Some("at+jwt") => true,
            Some("JWT") => self.is("id token as access token") && claims.get("nonce").is_some(),
            Some("logout+jwt") => self.is("logout token as access token"),
            Some("refresh+jwt") => self.is("refresh token as access token"),
            None => self.is("typ may be missing"),
            Some(_) => false,
        };
        if fine { Ok(()) } else { Err(Refusal::Kind) }
    }

    fn lasting(&self, claims: &Members) -> Result<(), Refusal> {
        let never = i64::MAX;
        let end = match claims.get("exp") {
            _ if self.is("exp ignored") => Some(never),
            None => self.is("exp may be missing").then_some(never),
            Some(Value::String(text)) if self.is("exp as text") => text.parse().ok(),
            Some(Value::String(_)) => self.is("exp as text ignored").then_some(never),
            Some(Value::Array(_)) => self.is("exp as list ignored").then_some(never),
            Some(time) => match time.as_i64() {
                Some(0) if self.is("exp zero means never") => Some(never),
                Some(..0) if self.is("exp negative means never") => Some(never),
                // Nobody honest issues an access token for more than a year.
                Some(time) if time > self.now + 366 * 24 * 3600 && !self.is("exp without bound") => None,
                time => time,
            },
        };
        if end.is_some_and(|end| end > self.now) { Ok(()) } else { Err(Refusal::Expired) }
    }

    fn subject(&self, claims: &Members) -> Result<String, Refusal> {
        let first = USERS[0].to_owned();
        let exact = |name: &str| USERS.iter().find(|user| **user == name).map(ToString::to_string);
        let found = match claims.get("sub") {
            None => self.is("missing subject is the first user").then_some(first),
            Some(Value::String(name)) if name.is_empty() => self.is("empty subject is the first user").then_some(first),
            Some(Value::String(name)) => exact(name).or_else(|| match self.flaw {
                "unknown subject is the first user" => Some(first),
                "subject in any case" => exact(&name.to_lowercase()),
                "subject trimmed" => exact(name.trim()),
                "subject ends at nul" => exact(name.split('\0').next()?),
                _ => None,
            }),
            Some(Value::Array(several)) if self.is("first subject of a list") => {
                several.first().and_then(Value::as_str).and_then(exact)
            }
            Some(Value::Object(object)) if self.is("id of a subject object") => {
                object.get("id").and_then(Value::as_str).and_then(exact)
            }
            Some(_) => None,
        };
        found.ok_or(Refusal::Subject)
    }

    /// Sender constraint (RFC 7800 §3, RFC 8705 §3.1, RFC 9449 §6.1).
    fn bound(&self, claims: &Members) -> Result<(), Refusal> {
        let Some(confirmation) = claims.get("cnf") else { return Ok(()) };
        let fine = match confirmation.get("jkt").and_then(Value::as_str) {
            Some(thumbprint) => self.is("dpop binding ignored") || self.proven == Some(thumbprint),
            None => self.is("mtls binding ignored"),
        };
        if fine { Ok(()) } else { Err(Refusal::Binding) }
    }
}

/// The point of an EC key.
pub(crate) fn point(jwk: &Value) -> Option<Vec<u8>> {
    let half = |name: &str| B64.decode(jwk.get(name)?.as_str()?).ok();
    Some([vec![4], half("x")?, half("y")?].concat())
}

/// The point in a certificate: behind its `SubjectPublicKeyInfo` head.
fn certified(base64: &str) -> Option<Vec<u8>> {
    let der = STANDARD.decode(base64).ok()?;
    let head = STANDARD.decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=").ok()?;
    let at = der.windows(head.len()).position(|window| window == head)? + head.len();
    der.get(at..at + 65).map(<[u8]>::to_vec)
}

/// The key of the token's name in a key set.
fn named(text: &str, header: &Members) -> Option<Vec<u8>> {
    let set: Value = serde_json::from_str(text).ok()?;
    let keys = set.get("keys")?.as_array()?;
    point(keys.iter().find(|key| key.get("kid") == header.get("kid"))?)
}
