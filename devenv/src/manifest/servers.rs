//! `idp:` and `iam:`, the built-in servers as the team configured them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Map;

use super::decode::{Context, Fields};
use super::model::{Iam, Idp};
use super::protocols;
use super::tree::Node;

const IDP_PORT: u16 = 9400;
const IAM_PORT: u16 = 9410;
const TOKEN_LIFETIME: Duration = Duration::from_secs(300);

/// `idp:` alone, with nothing under it, is a provider with all defaults.
pub(super) fn idp(context: &mut Context<'_>, node: &Node) -> Option<Idp> {
    let mut idp = Idp { port: IDP_PORT, opaque: false, lifetime: TOKEN_LIFETIME, audience: None, settings: Map::new() };
    if node.is_null() {
        return Some(idp);
    }
    let mut fields = Fields::of(context, node, "`idp`")?;
    if let Some(port) = fields.take("port").and_then(|node| context.port(node)) {
        idp.port = port;
    }
    if let Some(node) = fields.take("access_token") {
        access_token(context, node, &mut idp);
    }
    idp.settings = protocols::read(context, &mut fields, protocols::IDP);
    fields.finish(context);
    Some(idp)
}

fn access_token(context: &mut Context<'_>, node: &Node, idp: &mut Idp) {
    let Some(mut fields) = Fields::of(context, node, "`access_token`") else { return };
    let formats = [("jwt", false), ("opaque", true)];
    if let Some(opaque) = fields.take("format").and_then(|node| context.choice(node, &formats)) {
        idp.opaque = opaque;
    }
    if let Some(node) = fields.take("lifetime") {
        match context.duration(node) {
            Some(lifetime) if lifetime < Duration::from_secs(1) => {
                context.error(node.position, "a token must live for at least a second");
            }
            Some(lifetime) => idp.lifetime = lifetime,
            None => {}
        }
    }
    idp.audience = fields.take("audience").and_then(|node| context.word(node));
    fields.finish(context);
}

/// `iam:` alone is a directory without policies.
pub(super) fn iam(context: &mut Context<'_>, node: &Node) -> Option<Iam> {
    if node.is_null() {
        return Some(Iam { port: IAM_PORT, policies: None, watch: true, github: None, aws_roles: BTreeMap::new() });
    }
    let mut fields = Fields::of(context, node, "`iam`")?;
    let iam = Iam {
        port: fields.take("port").and_then(|node| context.port(node)).unwrap_or(IAM_PORT),
        policies: fields.take("policies").and_then(|node| context.path(node)),
        watch: fields.take("watch").and_then(|node| context.boolean(node)).unwrap_or(true),
        github: fields.take("github").and_then(|node| context.word(node)),
        aws_roles: fields
            .take("aws_roles")
            .map(|node| context.all_named(node, |context, entry| context.path(&entry.value)))
            .unwrap_or_default(),
    };
    fields.finish(context);
    Some(iam)
}
