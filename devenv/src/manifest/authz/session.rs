//! What access rules say of sessions: who tells the API that one is over, what becomes of objects meanwhile, and what an
//! operation asks of authentication and circumstances.

use security_tests::access::{Archive, Circumstances, Lifecycle, Receiver, Sessions, StepUp};
use serde_json::Value as Json;

use crate::manifest::decode::{Context, Fields};
use crate::manifest::tree::{Node, Value};

/// `session: { events: …, backchannel_logout: … }`.
pub(super) fn sessions(context: &mut Context<'_>, node: &Node) -> Option<Sessions> {
    let mut fields = Fields::of(context, node, "`session`")?;
    let events = fields.take("events").and_then(|node| receiver(context, node));
    let backchannel_logout = fields.take("backchannel_logout").and_then(|node| receiver(context, node));
    fields.finish(context);
    Some(Sessions { events, backchannel_logout })
}

/// An operation, or one with the `audience` that statements must be for.
fn receiver(context: &mut Context<'_>, node: &Node) -> Option<Receiver> {
    if !matches!(node.value, Value::Map(_)) {
        return context.word(node).map(|operation| Receiver { operation, audience: None });
    }
    let mut fields = Fields::of(context, node, "a receiver")?;
    let operation = fields.require(context, "operation", node.position).and_then(|node| context.word(node));
    let audience = fields.take("audience").and_then(|node| context.word(node));
    fields.finish(context);
    Some(Receiver { operation: operation?, audience })
}

/// `transfer` and `archive` of a resource.
pub(super) fn lifecycle(context: &mut Context<'_>, fields: &mut Fields<'_>) -> Lifecycle {
    let transfer = fields.take("transfer").and_then(|node| context.word(node));
    let archive = fields.take("archive").and_then(|node| archive(context, node));
    Lifecycle { transfer, archive }
}

fn archive(context: &mut Context<'_>, node: &Node) -> Option<Archive> {
    let mut fields = Fields::of(context, node, "`archive`")?;
    let operation = fields.require(context, "operation", node.position).and_then(|node| context.word(node));
    let ends = fields.require(context, "ends", node.position);
    let ends = ends.map(|node| context.one_or_list(node, Context::word));
    fields.finish(context);
    Some(Archive { operation: operation?, ends: ends? })
}

/// `{ acr: …, max_age: SECONDS }`, one of them at least (RFC 9470 §3).
pub(super) fn step_up(context: &mut Context<'_>, node: &Node) -> Option<StepUp> {
    let mut fields = Fields::of(context, node, "`step_up`")?;
    let acr = fields.take("acr").and_then(|node| context.word(node));
    let max_age = fields.take("max_age").and_then(|node| context.number(node));
    fields.finish(context);
    if acr.is_none() && max_age.is_none() {
        context.error(node.position, "`step_up` asks for an `acr`, a `max_age` in seconds, or both");
        return None;
    }
    Some(StepUp { acr, max_age })
}

/// Context values by name.
pub(super) fn circumstances(context: &mut Context<'_>, node: &Node) -> Circumstances {
    match node.to_json() {
        Json::Object(values) if !values.is_empty() => values,
        _ => {
            context.error(node.position, "expected circumstances such as `{ network: public }`");
            Circumstances::new()
        }
    }
}
