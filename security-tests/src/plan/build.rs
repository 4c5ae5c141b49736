//! Checks names, then lets cells and checks add what they need. Must not know single checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use super::outline::Outline;
use super::{Draft, Options, PlanError, PlannedLayer, ScopeOfRun, TestPlan, cells, ends, select};
use crate::access::OracleKind;
use crate::api::{Operation, Operations};
use crate::checks::{self, Work};
use crate::flow;
use crate::oracle::{Asked, expected};
use crate::regressions;
use crate::target::Target;
use crate::verdict::Layer;

/// Plans a run: every request, before one is sent.
///
/// # Errors
/// When a rule or an option names an operation, a resource or a persona that is not there, or the policies fail.
pub fn plan(target: &Target, options: &Options) -> Result<TestPlan, PlanError> {
    assemble(target, options, &outline(target, options)?, None)
}

/// What all parts of a plan share, after a look at every name.
pub(super) fn outline(target: &Target, options: &Options) -> Result<Arc<Outline>, PlanError> {
    let operations = operations(target);
    if target.access.oracle == OracleKind::Policy && target.decider.is_none() {
        return Err(PlanError::NoPolicies);
    }
    check_names(target, options, &operations)?;
    Ok(Arc::new(Outline::new(target, operations)))
}

/// Plans the whole run, or the part of one operation.
pub(super) fn assemble(
    target: &Target,
    options: &Options,
    outline: &Arc<Outline>,
    part: Option<String>,
) -> Result<TestPlan, PlanError> {
    let plan = TestPlan {
        target: target.name.clone(),
        base_url: target.base_url.trim_end_matches('/').to_owned(),
        seed: options.seed,
        started_at: options.started_at.clone(),
        scope: ScopeOfRun {
            operations: part.clone().map_or_else(|| options.operations.clone(), |part| vec![part]),
            personas: options.personas.clone(),
            only: options.only.clone(),
            shard: options.shard,
        },
        tier: options.tier,
        budget: options.budget,
        timeout: options.timeout,
        layers: layers(target, options),
        layers_named: !options.layers.is_empty(),
        operations: outline.operations.clone(),
        regressions: target.access.regressions.clone(),
        ..TestPlan::default()
    };
    let mut draft = Draft::new(target, options, plan, (outline, part));
    let asks_api = [Layer::Token, Layer::Access, Layer::Session].into_iter().any(|layer| draft.runs(layer));
    if asks_api {
        ends::begin(&mut draft);
        draft.open_accounts();
    }
    cells::plan_cells(&mut draft);
    for check in checks::ALL {
        if let Work::Online(cases, _) = check.work
            && draft.runs(check.layer)
        {
            cases(&mut draft);
        }
    }
    if asks_api {
        ends::end(&mut draft);
    }
    let mut plan = draft.plan;
    plan.lost = regressions::lost(target, &plan);
    select::select(&mut plan)?;
    Ok(plan)
}

/// The operations that a run would test, by name.
pub(super) fn selected(outline: &Outline, options: &Options) -> Vec<String> {
    let wanted = |id: &&String| options.operations.is_empty() || options.operations.contains(id);
    outline.operations.iter().map(|operation| &operation.id).filter(wanted).cloned().collect()
}

/// The document's operations, then the rest.
fn operations(target: &Target) -> Operations {
    let mut operations = target.api.operations.clone();
    for route in &target.access.routes {
        let operation = Operation::undocumented(&route.method, &route.path);
        if !operations.iter().any(|known| known.label() == operation.label()) {
            operations.push(operation);
        }
    }
    operations.into()
}

fn layers(target: &Target, options: &Options) -> Vec<PlannedLayer> {
    let wanted = |layer: &Layer| options.layers.is_empty() || options.layers.contains(layer);
    let skipped = |layer: Layer| match layer {
        Layer::Static => None,
        Layer::Policy => target.decider.is_none().then(|| "there are no policies".to_owned()),
        Layer::Token | Layer::Access | Layer::Session if !target.has_tokens() => {
            Some("there is no provider that mints tokens, and `login` does not say how to get one".to_owned())
        }
        Layer::Session if target.provider.is_none() => without_sessions(target),
        Layer::Token | Layer::Access | Layer::Session => None,
        Layer::Flow => flow::nothing_to_do(target, options),
    };
    Layer::ALL.into_iter().filter(wanted).map(|layer| PlannedLayer { layer, skipped: skipped(layer) }).collect()
}

/// Why nothing can be asked about sessions of an API with a login of its own.
fn without_sessions(target: &Target) -> Option<String> {
    let login = target.access.login.as_ref()?;
    if login.register.is_none() || login.me.is_none() {
        return Some("it needs accounts made for it: `login.register` and `login.me`".to_owned());
    }
    let changes = [&login.password, &login.rename, &login.delete, &login.logout];
    let none = changes.iter().all(|change| change.is_none());
    none.then(|| "`login` names no `password`, `rename`, `delete` or `logout`".to_owned())
}

fn check_names(target: &Target, options: &Options, operations: &Operations) -> Result<(), PlanError> {
    let check = |name: &String, by: String| {
        if operations.get(name).is_some() {
            return Ok(());
        }
        let known: Vec<&str> = operations.iter().map(|operation| operation.id.as_str()).collect();
        Err(PlanError::UnknownOperation { name: name.clone(), by, known: known.join(", ") })
    };
    options.operations.iter().try_for_each(|name| check(name, "the options".to_owned()))?;
    for (name, rule) in &target.access.rules {
        check(name, "a rule".to_owned())?;
        if let Some(on) = rule.on.as_ref().filter(|on| !target.access.resources.contains_key(*on)) {
            return Err(PlanError::UnknownResource { rule: name.clone(), name: on.clone() });
        }
        check_policies(target, name)?;
    }
    for (name, resource) in &target.access.resources {
        let by = || format!("the resource `{name}`");
        resource.create.iter().try_for_each(|create| check(&create.operation, by()))?;
        check(&resource.read, by())?;
        check_within(target, name)?;
    }
    check_login(target, &check)?;
    let stranger = options.personas.iter().find(|name| !target.personas.contains_key(*name));
    stranger.map_or(Ok(()), |name| Err(unknown_persona(target, name)))
}

/// What a resource is inside of is a resource, and not inside of it.
fn check_within(target: &Target, name: &str) -> Result<(), PlanError> {
    let resources = &target.access.resources;
    let mut inner = name;
    for _ in 0..=resources.len() {
        let Some(within) = resources.get(inner).and_then(|resource| resource.within.as_deref()) else { return Ok(()) };
        if !resources.contains_key(within) {
            return Err(PlanError::UnknownResource { rule: inner.to_owned(), name: within.to_owned() });
        }
        inner = within;
    }
    Err(PlanError::Circle { name: name.to_owned() })
}

fn check_login(target: &Target, check: &impl Fn(&String, String) -> Result<(), PlanError>) -> Result<(), PlanError> {
    let reset = target.access.reset.iter().map(|call| ("reset".to_owned(), call));
    let login = target.access.login.iter().flat_map(|login| login.calls());
    for (name, call) in login.map(|(name, call)| (format!("`login.{name}`"), call)).chain(reset) {
        check(&call.operation, name)?;
        if let Some(by) = call.by.as_ref().filter(|by| !target.personas.contains_key(*by)) {
            return Err(unknown_persona(target, by));
        }
    }
    let me = target.access.login.as_ref().and_then(|login| login.me.as_ref());
    me.map_or(Ok(()), |me| check(me, "`login.me`".to_owned()))?;
    let needs_account = |(name, persona): (&String, &crate::target::Persona)| {
        persona.account.is_none().then(|| PlanError::NoAccount { name: name.clone() })
    };
    let registers = target.access.login.as_ref().is_none_or(|login| login.register.is_some());
    if registers { Ok(()) } else { target.personas.iter().find_map(needs_account).map_or(Ok(()), Err) }
}

fn unknown_persona(target: &Target, name: &str) -> PlanError {
    let known = target.personas.keys().cloned().collect::<Vec<_>>().join(", ");
    PlanError::UnknownPersona { name: name.to_owned(), known }
}

/// Asks the policies once per operation and persona, so that the plan can rely on an answer. Written rules always give one.
fn check_policies(target: &Target, operation: &str) -> Result<(), PlanError> {
    if target.access.oracle != OracleKind::Policy {
        return Ok(());
    }
    let on_object = target.access.rules.get(operation).is_some_and(|rule| rule.on.is_some());
    for persona in target.personas.keys() {
        let owner = on_object.then_some(persona.as_str());
        expected(target, Asked { operation, persona: Some(persona), owner })
            .map_err(|reason| PlanError::Policies { operation: operation.to_owned(), reason })?;
    }
    Ok(())
}
