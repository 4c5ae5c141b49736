//! `ready:` and Compose's `healthcheck:`.

use std::time::Duration;

use super::decode::{Context, Fields, one_of};
use super::model::{Healthcheck, Readiness, ReadinessTest};
use super::tree::{Node, Value};

const READY_TIMEOUT: Duration = Duration::from_secs(2);
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Compose: the default of `interval`, `timeout` and, with `retries`, what makes a container unhealthy.
const HEALTHCHECK_DEFAULT: Duration = Duration::from_secs(30);
const HEALTHCHECK_RETRIES: u32 = 3;
const HEALTHCHECK_LEAST: Duration = Duration::from_secs(30);

pub(super) fn ready(context: &mut Context<'_>, node: &Node) -> Option<Readiness> {
    let mut fields = Fields::of(context, node, "`ready`")?;
    let mut tests = Vec::new();
    if let Some(node) = fields.take("http") {
        tests.push(http(context, node));
    }
    if let Some(node) = fields.take("tcp") {
        tests.push(context.port(node).map(|port| ReadinessTest::Tcp { port }));
    }
    if let Some(node) = fields.take("log") {
        tests.push(context.word(node).map(|text| ReadinessTest::Log { text }));
    }
    if let Some(node) = fields.take("exec") {
        let words = context.list(node, Context::text);
        tests.push((!words.is_empty()).then_some(ReadinessTest::Exec { words }));
    }
    let timeout = fields.take("timeout").and_then(|node| context.duration(node)).unwrap_or(READY_TIMEOUT);
    let within = fields.take("within").and_then(|node| context.duration(node)).unwrap_or(READY_WITHIN);
    fields.finish(context);
    if tests.len() != 1 {
        let message = format!("`ready` needs exactly one of {}", one_of(&["http", "tcp", "log", "exec"]));
        context.error(node.position, message);
    }
    let test = tests.into_iter().next().flatten()?;
    Some(Readiness { test, timeout, within })
}

/// `/health` or `{ path, port }`.
fn http(context: &mut Context<'_>, node: &Node) -> Option<ReadinessTest> {
    let (path, port) = if let Value::Map(_) = node.value {
        let mut fields = Fields::of(context, node, "`http`")?;
        let path = fields.require(context, "path", node.position);
        let port = fields.take("port").and_then(|node| context.port(node));
        fields.finish(context);
        (path?, port)
    } else {
        (node, None)
    };
    let text = context.text(path)?;
    if !text.starts_with('/') {
        context.error(path.position, format!("`{text}` is not a path such as `/health`"));
        return None;
    }
    Some(ReadinessTest::Http { path: text, port })
}

/// The readiness test that it means, and what was written.
pub(super) fn healthcheck(context: &mut Context<'_>, node: &Node) -> (Option<Readiness>, Option<Healthcheck>) {
    let mut written = Healthcheck::default();
    let readiness = read_healthcheck(context, node, &mut written);
    (readiness, Some(written).filter(|written| !written.test.is_empty()))
}

fn read_healthcheck(context: &mut Context<'_>, node: &Node, written: &mut Healthcheck) -> Option<Readiness> {
    let mut fields = Fields::of(context, node, "`healthcheck`")?;
    let disable = fields.take("disable").and_then(|node| context.boolean(node)).unwrap_or_default();
    let test = fields.take("test");
    let mut duration = |key, context: &mut Context<'_>| fields.take(key).and_then(|node| context.duration(node));
    written.interval = duration("interval", context);
    written.timeout = duration("timeout", context);
    written.start_period = duration("start_period", context);
    written.start_interval = duration("start_interval", context);
    written.retries = fields.take("retries").and_then(|node| context.number(node));
    // Our own probes begin at once and slow down; there is no interval for the start to set.
    let interval = written.interval.unwrap_or(HEALTHCHECK_DEFAULT);
    let timeout = written.timeout.unwrap_or(HEALTHCHECK_DEFAULT);
    let start_period = written.start_period.unwrap_or_default();
    let retries = written.retries.unwrap_or(HEALTHCHECK_RETRIES);
    fields.finish(context);
    if disable {
        written.test = vec!["NONE".to_owned()];
        return None;
    }
    let Some(test) = test else {
        context.error(node.position, "a `healthcheck` needs a `test`");
        return None;
    };
    let within = start_period.saturating_add(interval.saturating_mul(retries)).max(HEALTHCHECK_LEAST);
    let test = healthcheck_test(context, test);
    written.test = match &test {
        Some(ReadinessTest::Shell { script }) => vec!["CMD-SHELL".to_owned(), script.clone()],
        Some(ReadinessTest::Exec { words }) => ["CMD".to_owned()].into_iter().chain(words.iter().cloned()).collect(),
        Some(_) | None => vec!["NONE".to_owned()],
    };
    Some(Readiness { test: test?, timeout, within })
}

/// A script, `["CMD-SHELL", script]` or `["CMD", word, …]`; `["NONE"]` switches the test off.
fn healthcheck_test(context: &mut Context<'_>, node: &Node) -> Option<ReadinessTest> {
    if let Value::Scalar(_) = node.value {
        return context.word(node).map(|script| ReadinessTest::Shell { script });
    }
    let words = context.list(node, Context::text);
    let (kind, rest) = words.split_first().map_or(("", &[][..]), |(kind, rest)| (kind.as_str(), rest));
    match (kind, rest) {
        ("NONE", []) => None,
        ("CMD", [_, ..]) => Some(ReadinessTest::Exec { words: rest.to_vec() }),
        ("CMD-SHELL", [script]) => Some(ReadinessTest::Shell { script: script.clone() }),
        _ => {
            let help = "write `[\"CMD\", \"program\", \"argument\"]` or a line of shell".to_owned();
            context.error_with_help(node.position, "a test begins with `CMD`, `CMD-SHELL` or `NONE`", help);
            None
        }
    }
}
