//! `identity:` who takes part. Must not know the provider or the directory.

use super::decode::{Context, Fields};
use super::model::{Client, Identity, Persona};
use super::protocols;
use super::scalars::is_identity_name;
use super::tree::{Entry, Node};

const GRANTS: &[(&str, &str)] = &[
    ("authorization_code", "authorization_code"),
    ("client_credentials", "client_credentials"),
    ("refresh_token", "refresh_token"),
    ("device_code", "device_code"),
    ("token_exchange", "token_exchange"),
    ("jwt_bearer", "jwt_bearer"),
];

pub(super) fn read(context: &mut Context<'_>, node: &Node) -> Option<Identity> {
    let mut fields = Fields::of(context, node, "`identity`")?;
    let identity = Identity {
        tenants: fields.take("tenants").map(|node| context.list(node, name)).unwrap_or_default(),
        personas: fields.take("personas").map(|node| context.all_named(node, persona)).unwrap_or_default(),
        clients: fields.take("clients").map(|node| context.all_named(node, client)).unwrap_or_default(),
    };
    fields.finish(context);
    Some(identity)
}

fn persona(context: &mut Context<'_>, entry: &Entry) -> Option<Persona> {
    check_name(context, entry);
    if entry.value.is_null() {
        return Some(Persona::default());
    }
    let mut fields = Fields::of(context, &entry.value, "a persona")?;
    let persona = Persona {
        tenant: fields.take("tenant").and_then(|node| name(context, node)),
        roles: fields.take("roles").map(|node| context.one_or_list(node, name)).unwrap_or_default(),
        attributes: fields
            .take("attributes")
            .map(|node| context.all_named(node, |_, entry| Some(entry.value.to_json())))
            .unwrap_or_default(),
    };
    fields.finish(context);
    Some(persona)
}

fn client(context: &mut Context<'_>, entry: &Entry) -> Option<Client> {
    check_name(context, entry);
    let mut fields = Fields::of(context, &entry.value, "a client")?;
    let kinds = [("confidential", true), ("public", false)];
    let confidential = fields.require(context, "type", entry.position).and_then(|node| context.choice(node, &kinds));
    let redirect_uris: Vec<String> =
        fields.take("redirect_uris").map(|node| context.list(node, redirect_uri)).unwrap_or_default();
    let grants =
        fields.take("grants").map(|node| context.one_or_list(node, |context, node| context.choice(node, GRANTS)));
    let scopes = fields.take("scopes").map(|node| context.one_or_list(node, scope)).unwrap_or_default();
    let settings = protocols::read(context, &mut fields, protocols::CLIENT);
    fields.finish(context);
    let confidential = confidential?;
    let grants = grants.unwrap_or_else(|| default_grants(confidential, !redirect_uris.is_empty()));
    let grants: Vec<String> = grants.into_iter().map(str::to_owned).collect();
    let client = Client { confidential, redirect_uris, grants, scopes, settings };
    check_client(context, entry, &client);
    Some(client)
}

fn default_grants(confidential: bool, has_redirect_uris: bool) -> Vec<&'static str> {
    match (has_redirect_uris, confidential) {
        (true, _) => vec!["authorization_code", "refresh_token"],
        (false, true) => vec!["client_credentials"],
        (false, false) => vec![],
    }
}

fn check_client(context: &mut Context<'_>, entry: &Entry, client: &Client) {
    let name = &entry.key;
    let position = entry.value.locate(&["grants"]);
    let has = |grant: &str| client.grants.iter().any(|other| other == grant);
    // What is written but wrong has a problem of its own.
    let is_written = |key: &str| entry.value.get(key).is_some();
    let logs_in = has("authorization_code") || (!client.confidential && !is_written("grants"));
    if !client.confidential && has("client_credentials") {
        // RFC 6749 §4.4: "MUST only be used by confidential clients".
        let message = format!("the public client `{name}` cannot use `client_credentials`: it has no secret");
        context.error_with_help(position, message, "make it `type: confidential`, or remove the grant".to_owned());
    }
    if logs_in && client.redirect_uris.is_empty() && !is_written("redirect_uris") {
        let kind = if client.confidential { "confidential" } else { "public" };
        let message = format!("the {kind} client `{name}` has no `redirect_uris`, so nobody can log in with it");
        context.error(entry.position, message);
    }
    if has("refresh_token") && !has("authorization_code") && !has("device_code") {
        let message =
            format!("the client `{name}` gets no refresh token without `authorization_code` or `device_code`");
        context.report.warning(position, message);
    }
}

fn redirect_uri(context: &mut Context<'_>, node: &Node) -> Option<String> {
    let text = context.word(node)?;
    let problem = match url::Url::parse(&text) {
        // RFC 6749 §3.1.2: an absolute URI without a fragment.
        Ok(url) if url.fragment().is_some() => "a redirect URI has no fragment (`#…`)",
        Ok(url) if matches!(url.scheme(), "javascript" | "data" | "vbscript") => "a redirect URI must not be a script",
        Ok(_) => return Some(text),
        Err(_) => "a redirect URI is absolute, such as `http://localhost:8080/callback`",
    };
    context.error(node.position, format!("{problem}, found `{text}`"));
    None
}

/// RFC 6749 §3.3: printable ASCII without space, quote and backslash.
fn scope(context: &mut Context<'_>, node: &Node) -> Option<String> {
    let text = context.word(node)?;
    if !text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\') {
        context.error(node.position, format!("`{text}` is not one scope: no spaces, quotes or backslashes"));
        return None;
    }
    Some(text)
}

fn name(context: &mut Context<'_>, node: &Node) -> Option<String> {
    let text = context.text(node)?;
    if !is_identity_name(&text) {
        invalid(context, node.position, &text);
        return None;
    }
    Some(text)
}

fn check_name(context: &mut Context<'_>, entry: &Entry) {
    if !is_identity_name(&entry.key) {
        invalid(context, entry.position, &entry.key);
    }
}

fn invalid(context: &mut Context<'_>, position: super::tree::Position, name: &str) {
    let help = "letters, digits and `. _ - @ + :`, beginning with a letter or digit".to_owned();
    context.error_with_help(position, format!("`{name}` is not a valid name"), help);
}
