//! `devenv why PERSONA ACTION [RESOURCE]`: the policies that decide, or the conditions that are false, in words.
//!
//! A running IAM is asked, so that changes of its directory count; without one the files answer, in this process.

use std::collections::BTreeMap;

use mock_iam::policy::{Entity, Question, analysis};
use serde_json::{Map, Value, json};

use crate::cli::{Format, Why};
use crate::commands::Failure;
use crate::commands::control::Control;
use crate::commands::policy::World;
use crate::commands::token::known_persona;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::ui;

pub(super) async fn run(args: Why) -> Result<Exit, Failure> {
    let (reporter, _events) = Reporter::channel();
    let world = World::load(&args.stack, &reporter)?;
    known_persona(&world.session, &args.persona)?;
    known_action(&world, &args.action)?;
    let resource = resource(&world, &args)?;
    let mut answers = Vec::new();
    for (label, entity) in candidates(&world, &args, resource, !args.offline).await? {
        let mut question = Question::new(&args.persona, &args.action, entity);
        question.context = pairs("--context", &args.context)?;
        answers.push((label, ask(&world, question, args.offline).await?));
    }
    match args.format {
        Format::Text => ui::print(&text(&answers)),
        Format::Json => {
            let values = answers.into_iter().map(|(label, answer)| {
                let mut value = answer.value;
                if let Some(object) = value.as_object_mut() {
                    object.insert("resource".into(), json!(label));
                    object.insert("live".into(), answer.live.into());
                }
                value
            });
            ui::print(&values.collect::<Value>().to_string());
        }
    }
    Ok(Exit::Success)
}

/// An explanation, and who gave it.
struct Answer {
    value: Value,
    live: bool,
}

/// Asks the running IAM, or else the files.
async fn ask(world: &World, question: Question, offline: bool) -> Result<Answer, Failure> {
    if !offline && let Some(value) = Control::new(&world.session)?.explain(&question).await? {
        return Ok(Answer { value, live: true });
    }
    let mut question = question;
    world.engine.lift(&mut question);
    let explained = world.engine.explain(&question, &world.directory);
    let explanation = explained.map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    let mut value = serde_json::to_value(&explanation).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.insert("text".into(), explanation.to_string().into());
        object.insert("question".into(), json!(question));
    }
    Ok(Answer { value, live: false })
}

fn known_action(world: &World, action: &str) -> Result<(), Failure> {
    let actions = world.engine.actions();
    if actions.is_empty() || actions.iter().any(|known| known == action) {
        return Ok(());
    }
    let help = format!("there are {}", actions.join(", "));
    Err(Failure::with_help(Exit::Usage, format!("the schema has no action `{action}`"), help))
}

/// The resource as it was named: an example of the tests, `order:1`, `Order::"1"`, or the application.
fn resource(world: &World, args: &Why) -> Result<Entity, Failure> {
    let Some(text) = &args.resource else { return Ok(Entity::new("Application", &world.session.project.name)) };
    let mut entity = match world.examples.resources.get(text) {
        Some(example) => example.clone(),
        None => named(world, text)?,
    };
    entity.properties.extend(pairs("--set", &args.set)?);
    Ok(entity)
}

fn named(world: &World, text: &str) -> Result<Entity, Failure> {
    let (kind, id) = match (text.split_once("::\""), text.split_once(':')) {
        (Some((kind, id)), _) => (kind, id.trim_end_matches('"')),
        (None, Some((kind, id))) => (kind, id),
        (None, None) => {
            let help = "write `order:1`, `Order::\"1\"`, or the name of a resource in policies/tests.yaml";
            return Err(Failure::with_help(Exit::Usage, format!("`{text}` is not a resource"), help));
        }
    };
    let types = world.engine.entity_types();
    let known = world.engine.entity_type(kind);
    let known = known.or_else(|| types.is_empty().then(|| kind.to_owned()));
    known.map(|kind| Entity::new(&kind, id)).ok_or_else(|| {
        let help = format!("there are {}", types.join(", "));
        Failure::with_help(Exit::Usage, format!("the schema has no entity type `{kind}`"), help)
    })
}

/// What to ask about. A resource of which nothing is known is asked about once for each way that it can stand to the
/// persona: the answer mostly depends on whose it is.
async fn candidates(
    world: &World,
    args: &Why,
    resource: Entity,
    live: bool,
) -> Result<Vec<(Option<String>, Entity)>, Failure> {
    if !resource.properties.is_empty() || resource.kind == "Application" {
        return Ok(vec![(None, resource)]);
    }
    // The running IAM may remember how the API described it.
    if live && Control::new(&world.session)?.knows(&args.persona, &args.action, &resource).await? {
        return Ok(vec![(None, resource)]);
    }
    let cases = analysis::World::seeded(&world.engine, &world.directory, &world.examples).cases;
    let wanted = cases.into_iter().filter(|case| {
        let question = &case.question;
        question.subject.id == args.persona && question.action.name == args.action && case.context.is_empty()
    });
    let mut found: BTreeMap<(bool, bool), (Option<String>, Entity)> = BTreeMap::new();
    for case in wanted.filter(|case| case.question.resource.kind == resource.kind) {
        let mut entity = case.question.resource;
        entity.id.clone_from(&resource.id);
        let own = entity.properties.values().any(|value| refers_to(value, &args.persona));
        found.entry((case.crosses_tenants, !own)).or_insert((Some(case.resource), entity));
    }
    if found.is_empty() { Ok(vec![(None, resource)]) } else { Ok(found.into_values().collect()) }
}

/// Whether an attribute is the persona.
fn refers_to(value: &Value, persona: &str) -> bool {
    value.get("type").and_then(Value::as_str) == Some("User")
        && value.get("id").and_then(Value::as_str) == Some(persona)
}

/// `NAME=VALUE` pairs; a value is JSON, or else a plain word.
fn pairs(flag: &str, pairs: &[String]) -> Result<Map<String, Value>, Failure> {
    let pair = |pair: &String| {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::new(Exit::Usage, format!("`{flag} {pair}` is not of the form NAME=VALUE")))?;
        Ok((name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()))))
    };
    pairs.iter().map(pair).collect()
}

/// The same answer for several resources is told once.
fn text(answers: &[(Option<String>, Answer)]) -> String {
    let mut told: Vec<(String, Vec<&str>)> = Vec::new();
    for (label, answer) in answers {
        let text = answer.value.get("text").and_then(Value::as_str).unwrap_or_default();
        let label = label.as_deref().unwrap_or_default();
        match told.iter_mut().find(|(known, _)| known == text) {
            Some((_, labels)) => labels.push(label),
            None => told.push((text.to_owned(), vec![label])),
        }
    }
    let block = |(text, labels): &(String, Vec<&str>)| {
        let labels: Vec<&str> = labels.iter().copied().filter(|label| !label.is_empty()).collect();
        if labels.is_empty() { text.clone() } else { format!("if it is like the {}: {text}", labels.join(", ")) }
    };
    let mut text = told.iter().map(block).collect::<Vec<_>>().join("\n\n");
    if answers.iter().any(|(_, answer)| !answer.live) {
        text.push_str("\n\n(by the files; the running directory was not asked)");
    }
    if answers.iter().any(|(_, answer)| answer.value.get("remembered") == Some(&Value::Bool(true))) {
        text.push_str("\n\n(the resource is as the API last described it)");
    }
    text
}
