//! The sections of `authz.yaml` about an API with a login of its own: `login`, `reset` and `personas`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use security_tests::login::{Call, Carrier, Hmac, Login, TokenPlace};
use security_tests::secret::Secret;
use security_tests::target::{Account, Persona};

use super::body::{self, Filled};
use super::rules::pointer;
use crate::manifest::decode::{Context, Fields};
use crate::manifest::tree::{Entry, Node, Position, Value};

const ALGORITHMS: &[(&str, Hmac)] = &[("HS256", Hmac::Hs256), ("HS384", Hmac::Hs384), ("HS512", Hmac::Hs512)];

/// A secret that is not in the file, and where the file says that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In a variable of the environment.
    Environment(String),
    /// In a file, relative to this one.
    File(PathBuf),
}

/// A secret that is still to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Where it is.
    pub source: SecretSource,
    /// Who it is for.
    pub purpose: SecretUse,
    pub(super) position: Position,
}

/// What a secret is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretUse {
    /// `login.key`.
    SigningKey(Hmac),
    /// The password of a persona.
    Password(String),
}

/// What the sections say, and which secrets are still to be read.
#[derive(Default)]
pub(super) struct Entrance {
    pub(super) login: Option<Login>,
    pub(super) reset: Option<Call>,
    pub(super) personas: BTreeMap<String, Persona>,
    pub(super) wanted: Vec<Wanted>,
}

pub(super) fn read(context: &mut Context<'_>, root: &mut Fields<'_>) -> Entrance {
    let mut wanted = Vec::new();
    let login = root.take("login").and_then(|node| login(context, node, &mut wanted));
    let reset = root.take("reset").and_then(|node| call(context, node, "`reset`", Filled::NOTHING));
    let mut personas = BTreeMap::new();
    if let Some(node) = root.take("personas") {
        for entry in context.entries(node) {
            let read = persona(context, entry, &mut wanted);
            personas.extend(read.map(|persona| (entry.key.clone(), persona)));
        }
    }
    Entrance { login, reset, personas, wanted }
}

fn login(context: &mut Context<'_>, node: &Node, wanted: &mut Vec<Wanted>) -> Option<Login> {
    let mut fields = Fields::of(context, node, "`login`")?;
    let request = fields.require(context, "request", node.position);
    let request = request.and_then(|node| call(context, node, "`login.request`", Filled::ACCOUNT));
    let token = fields.require(context, "token", node.position).and_then(|node| token(context, node));
    let carrier = carrier(context, &mut fields, token.as_ref());
    let mut optional = |context: &mut Context<'_>, key: &'static str, what: &str, filled: Filled| {
        fields.take(key).and_then(|node| call(context, node, what, filled))
    };
    let register = optional(context, "register", "`login.register`", Filled::ACCOUNT);
    let password = optional(context, "password", "`login.password`", Filled::PASSWORD);
    let rename = optional(context, "rename", "`login.rename`", Filled::NAME);
    let delete = optional(context, "delete", "`login.delete`", Filled::ACCOUNT);
    let logout = optional(context, "logout", "`login.logout`", Filled::ACCOUNT);
    let me = fields.take("me").and_then(|node| context.word(node));
    if let Some(node) = fields.take("key") {
        wanted.extend(key(context, node));
    }
    fields.finish(context);
    Some(Login { register, request: request?, token: token?, carrier, me, password, rename, delete, logout, key: None })
}

/// `$.a.b`, or `{ cookie: NAME }`, or `{ header: NAME }`.
fn token(context: &mut Context<'_>, node: &Node) -> Option<TokenPlace> {
    if let Value::Map(_) = node.value {
        let mut fields = Fields::of(context, node, "`login.token`")?;
        let cookie = fields.take("cookie").and_then(|node| context.word(node)).map(TokenPlace::Cookie);
        let header = fields.take("header").and_then(|node| context.word(node)).map(TokenPlace::Header);
        fields.finish(context);
        if cookie.is_some() == header.is_some() {
            context.error(node.position, "`login.token` is in one place: `$.a.b`, a `cookie` or a `header`");
        }
        return cookie.or(header);
    }
    pointer(context, node).map(TokenPlace::Body)
}

/// `scheme`, `header` or `cookie`; without one a cookie goes back as that cookie, anything else as a bearer token.
fn carrier(context: &mut Context<'_>, fields: &mut Fields<'_>, token: Option<&TokenPlace>) -> Carrier {
    let mut carriers = Vec::new();
    for key in ["scheme", "header", "cookie"] {
        let value = fields.take(key).and_then(|node| context.word(node));
        carriers.extend(value.map(|value| match key {
            "scheme" => Carrier::Scheme(value),
            "header" => Carrier::Header(value),
            _ => Carrier::Cookie(value),
        }));
    }
    if carriers.len() > 1 {
        let position = fields.position("header");
        context.error(position, "a token is sent in one way: `scheme`, `header` or `cookie`");
    }
    carriers.into_iter().next().unwrap_or_else(|| match token {
        Some(TokenPlace::Cookie(name)) => Carrier::Cookie(name.clone()),
        _ => Carrier::default(),
    })
}

fn call(context: &mut Context<'_>, node: &Node, what: &str, filled: Filled) -> Option<Call> {
    let mut fields = Fields::of(context, node, what)?;
    let operation = fields.require(context, "operation", node.position).and_then(|node| context.word(node));
    let json = fields.take("json").map(|node| body::read(context, node, filled));
    let form = fields.take("form").map(|node| (node.position, body::read(context, node, filled)));
    if let (Some(_), Some((position, _))) = (&json, &form) {
        context.error(*position, "a body is either `json` or a `form`");
    }
    let by = fields.take("as").and_then(|node| context.word(node));
    fields.finish(context);
    let is_form = form.is_some();
    Some(Call { operation: operation?, json: json.or(form.map(|(_, body)| body)), form: is_form, by })
}

fn key(context: &mut Context<'_>, node: &Node) -> Option<Wanted> {
    let mut fields = Fields::of(context, node, "`login.key`")?;
    let algorithm = fields.require(context, "alg", node.position).and_then(|node| context.choice(node, ALGORITHMS));
    let source = source(context, &mut fields, node.position);
    fields.finish(context);
    Some(Wanted { source: source?, purpose: SecretUse::SigningKey(algorithm?), position: node.position })
}

/// `env: NAME` or `file: PATH`.
fn source(context: &mut Context<'_>, fields: &mut Fields<'_>, at: Position) -> Option<SecretSource> {
    let variable = fields.take("env").and_then(|node| context.word(node)).map(SecretSource::Environment);
    let file = fields.take("file").and_then(|node| context.path(node)).map(SecretSource::File);
    if variable.is_some() == file.is_some() {
        context.error(at, "say where the secret is: `env: NAME` or `file: PATH`");
    }
    variable.or(file)
}

fn persona(context: &mut Context<'_>, entry: &Entry, wanted: &mut Vec<Wanted>) -> Option<Persona> {
    if entry.value.is_null() {
        return Some(Persona::default());
    }
    let mut fields = Fields::of(context, &entry.value, "a persona")?;
    let tenant = fields.take("tenant").and_then(|node| context.word(node));
    let roles = fields.take("roles").map(|node| context.one_or_list(node, Context::word)).unwrap_or_default();
    let username = fields.take("username").and_then(|node| context.word(node));
    let email = fields.take("email").and_then(|node| context.word(node));
    let password = fields.take("password").and_then(|node| password(context, node, &entry.key, wanted));
    let given = email.is_some() || password.is_some() || wanted.iter().any(|one| one.is_password_of(&entry.key));
    if username.is_none() && given {
        context.error(entry.position, format!("`{}` has an account, so it needs a `username`", entry.key));
    }
    fields.finish(context);
    let account = username.map(|username| Account { username, email, password });
    Some(Persona { tenant, roles, account })
}

/// The password itself, or `{ env: NAME }`, or `{ file: PATH }`.
fn password(context: &mut Context<'_>, node: &Node, persona: &str, wanted: &mut Vec<Wanted>) -> Option<Secret> {
    if let Value::Map(_) = node.value {
        let mut fields = Fields::of(context, node, "`password`")?;
        let source = source(context, &mut fields, node.position);
        fields.finish(context);
        let purpose = SecretUse::Password(persona.to_owned());
        wanted.extend(source.map(|source| Wanted { source, purpose, position: node.position }));
        return None;
    }
    context.word(node).map(Secret::new)
}

impl Wanted {
    fn is_password_of(&self, persona: &str) -> bool {
        matches!(&self.purpose, SecretUse::Password(name) if name == persona)
    }
}
