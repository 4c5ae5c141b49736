//! Checks names, then lets cells and checks add what they need. Must not know single checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Draft, Options, PlanError, PlannedLayer, ScopeOfRun, TestPlan, cells};
use crate::access::OracleKind;
use crate::api::Operation;
use crate::checks::{self, Work};
use crate::oracle::{Asked, expected};
use crate::target::Target;
use crate::verdict::Layer;

/// Plans a run: every request, before one is sent.
///
/// # Errors
/// When a rule or an option names an operation, a resource or a persona that is not there, or the policies fail.
pub fn plan(target: &Target, options: &Options) -> Result<TestPlan, PlanError> {
    let operations = operations(target);
    if target.access.oracle == OracleKind::Policy && target.decider.is_none() {
        return Err(PlanError::NoPolicies);
    }
    check_names(target, options, &operations)?;
    let plan = TestPlan {
        target: target.name.clone(),
        base_url: target.base_url.trim_end_matches('/').to_owned(),
        seed: options.seed,
        started_at: options.started_at.clone(),
        tier: options.tier,
        scope: ScopeOfRun { operations: options.operations.clone(), personas: options.personas.clone() },
        layers: layers(target, options),
        layers_named: !options.layers.is_empty(),
        operations,
        ..TestPlan::default()
    };
    let mut draft = Draft::new(target, options, plan);
    draft.forbid();
    cells::plan_cells(&mut draft);
    for check in checks::ALL {
        if let Work::Online(cases, _) = check.work
            && draft.runs(check.layer)
        {
            cases(&mut draft);
        }
    }
    Ok(draft.plan)
}

/// The document's operations, then the rest.
fn operations(target: &Target) -> Vec<Operation> {
    let mut operations = target.api.operations.clone();
    for route in &target.access.routes {
        let operation = Operation::undocumented(&route.method, &route.path);
        if !operations.iter().any(|known| known.label() == operation.label()) {
            operations.push(operation);
        }
    }
    operations
}

fn layers(target: &Target, options: &Options) -> Vec<PlannedLayer> {
    let wanted = |layer: &Layer| options.layers.is_empty() || options.layers.contains(layer);
    let skipped = |layer: Layer| match layer {
        Layer::Static => None,
        Layer::Policy => target.decider.is_none().then(|| "there are no policies".to_owned()),
        Layer::Token | Layer::Access | Layer::Session => {
            target.provider.is_none().then(|| "there is no provider that mints tokens".to_owned())
        }
    };
    Layer::ALL.into_iter().filter(wanted).map(|layer| PlannedLayer { layer, skipped: skipped(layer) }).collect()
}

fn check_names(target: &Target, options: &Options, operations: &[Operation]) -> Result<(), PlanError> {
    let known: Vec<&str> = operations.iter().map(|operation| operation.id.as_str()).collect();
    let check = |name: &String, by: String| {
        if known.contains(&name.as_str()) {
            return Ok(());
        }
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
        check(&resource.create.operation, format!("the resource `{name}`"))?;
        check(&resource.read, format!("the resource `{name}`"))?;
    }
    let stranger = options.personas.iter().find(|name| !target.personas.contains_key(*name));
    stranger.map_or(Ok(()), |name| {
        let known = target.personas.keys().cloned().collect::<Vec<_>>().join(", ");
        Err(PlanError::UnknownPersona { name: name.clone(), known })
    })
}

/// Asks the policies once per operation and persona, so that the plan can rely on an answer.
fn check_policies(target: &Target, operation: &str) -> Result<(), PlanError> {
    let on_object = target.access.rules.get(operation).is_some_and(|rule| rule.on.is_some());
    for persona in target.personas.keys() {
        let owner = on_object.then_some(persona.as_str());
        expected(target, Asked { operation, persona: Some(persona), owner })
            .map_err(|reason| PlanError::Policies { operation: operation.to_owned(), reason })?;
    }
    Ok(())
}
