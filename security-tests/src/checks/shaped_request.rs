//! What the checks of oddly shaped requests have in common: each shape once, on the operation that gets the full set of
//! tokens, and those without a token on an object that carries a marker as well. Must not know single shapes' verdicts.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::forged_token;
use crate::access::Scope;
use crate::oracle::{Decision, Relation, is_for_anyone};
use crate::plan::{Action, Attempt, Case, Credential, Detail, Draft, Trial};
use crate::tokens::{Good, Oddity, Respelling, SHAPES, Shape};

/// Plans the shapes of one check.
pub(crate) fn plan(draft: &mut Draft<'_>, check: &'static str) {
    let representative = forged_token::representative(draft).map(|operation| (operation, None));
    let readable = readable(draft);
    for shape in SHAPES.iter().filter(|shape| shape.check == check) {
        let without_token = matches!(shape.oddity, Oddity::Path(_) | Oddity::Method(_) | Oddity::Override(..));
        let marked = readable.clone().filter(|_| without_token);
        for (operation, owner) in representative.iter().chain(marked.iter()) {
            plan_one(draft, shape, (operation, owner.as_deref()));
        }
    }
}

/// The first operation that reads an object, with its owner.
fn readable(draft: &Draft<'_>) -> Option<(String, Option<String>)> {
    let reads = |id: &str| {
        let (name, _) = draft.resource_of(id)?;
        Some((id.to_owned(), Some(draft.owners(name).first()?.clone())))
    };
    let guarded = |id: &&str| !is_for_anyone(draft.target, id);
    let safe =
        draft.operations_of_run().filter(|operation| operation.method == "GET").map(|operation| operation.id.as_str());
    safe.filter(guarded).find_map(reads).filter(|(id, _)| draft.is_asked_for(id))
}

fn plan_one(draft: &mut Draft<'_>, shape: &Shape, (operation, owner): (&str, Option<&str>)) {
    let Some(persona) = draft.somebody_allowed(operation, owner) else { return };
    let Some(attempt) = attempt(draft, shape, (operation, &persona)) else { return };
    let nobody = attempt.credential == Credential::Anonymous && !matches!(shape.oddity, Oddity::NamedUser(_));
    // Whose good token is beside the other one may see what is theirs.
    let good = match &attempt.credential {
        Credential::Pair(first, second) => [first, second].into_iter().find_map(|token| match &**token {
            Credential::Persona(name) => Some(name.clone()),
            _ => None,
        }),
        _ => None,
    };
    let Some(trial) = draft.attempt(operation, owner, attempt) else { return };
    reshape(draft, &trial, shape.oddity);
    let mut case = forged_token::impersonation(shape.check, operation, &persona, shape.name, trial);
    if nobody {
        let id = format!("{}:{operation}:anonymous:{}", shape.check, shape.name);
        case = Case { id, persona: None, relation: Relation::None, detail: Detail::None, ..case };
    }
    case.persona = good.or(case.persona);
    draft.case(case);
}

fn attempt(draft: &Draft<'_>, shape: &Shape, (operation, persona): (&str, &str)) -> Option<Attempt> {
    let without_token = |headers: Vec<(String, String)>| Attempt {
        credential: Credential::Anonymous,
        headers,
        expected: Decision::Deny,
    };
    Some(match shape.oddity {
        Oddity::NamedUser(header) => without_token(vec![(header.to_owned(), persona.to_owned())]),
        Oddity::Override(header, template) => {
            let operation = draft.plan.operation(operation)?;
            let value = template.replace("{method}", &operation.method).replace("{path}", &operation.path);
            // The header is all that leads there: what is asked for is in it, and not in the request line.
            without_token(vec![(header.to_owned(), value)])
        }
        Oddity::Path(_) | Oddity::Method(_) => without_token(Vec::new()),
        Oddity::TwoHeaders(good) => {
            let other = stranger(draft, operation, persona)?;
            let good_one = Box::new(Credential::Persona(other));
            let damaged = Box::new(Credential::Forged(persona.to_owned(), "signature-bit-flipped"));
            Attempt::refused(match good {
                Good::First => Credential::Pair(good_one, damaged),
                Good::Second => Credential::Pair(damaged, good_one),
            })
        }
        Oddity::Placed(place) => {
            Attempt::refused(Credential::Placed(Box::new(Credential::Persona(persona.to_owned())), place))
        }
        Oddity::Bound(_) | Oddity::TwoObjects(_) => return None,
    })
}

/// Somebody whose own answer shows nothing of the persona: of another tenant, else anybody whose list would not hold what
/// the whole tenant has.
fn stranger(draft: &Draft<'_>, operation: &str, persona: &str) -> Option<String> {
    let mut others = draft.target.personas.keys().filter(|other| *other != persona);
    let of_another_tenant =
        others.clone().find(|other| Relation::between(draft.target, persona, other) == Relation::OtherTenant);
    let shared = draft.rule(operation).is_some_and(|rule| rule.only == Some(Scope::Tenant));
    of_another_tenant.or_else(|| others.next().filter(|_| !shared)).cloned()
}

/// Changes method or path of a request that was planned.
fn reshape(draft: &mut Draft<'_>, trial: &Trial, oddity: Oddity) {
    let somewhere = anonymous_path(draft);
    let Some(step) = draft.plan.steps.get_mut(trial.attack) else { return };
    let Action::Request(request) = &mut step.action else { return };
    match oddity {
        Oddity::Path(respelling) => request.path = respelled(&request.path, respelling),
        Oddity::Method(method) => request.method = method.to_owned(),
        Oddity::Override("X-HTTP-Method-Override", _) => request.method = "POST".to_owned(),
        Oddity::Override(..) => {
            for (_, value) in &mut request.headers {
                value.clone_from(&request.path);
            }
            request.path = somewhere;
        }
        _ => {}
    }
}

/// A path that everybody may ask for, where a proxy lets the request pass.
fn anonymous_path(draft: &Draft<'_>) -> String {
    let open = draft.operations_of_run().find(|operation| {
        operation.method == "GET"
            && operation.path_parameters().is_empty()
            && is_for_anyone(draft.target, &operation.id)
    });
    open.map_or_else(|| "/".to_owned(), |operation| operation.path.clone())
}

/// The path in another spelling; placeholders and the query stay as they are.
pub(super) fn respelled(path: &str, respelling: Respelling) -> String {
    let (path, query) = path.split_once('?').map_or((path, String::new()), |(path, query)| (path, format!("?{query}")));
    let first = path.trim_start_matches('/');
    let spelled = match respelling {
        Respelling::TrailingSlash => format!("{path}/"),
        Respelling::DoubleSlash => format!("//{first}"),
        Respelling::UpperCase => upper_case(path),
        Respelling::DotSegment => format!("/x/..%2f{first}"),
        Respelling::PercentEncoded => match first.chars().next() {
            Some(letter) if letter.is_ascii_alphanumeric() => {
                format!("/%{:02x}{}", u32::from(letter), first.get(1..).unwrap_or_default())
            }
            _ => path.to_owned(),
        },
        Respelling::PathParameter => format!("{path};x=1"),
        Respelling::Suffix => format!("{path}.json"),
    };
    format!("{spelled}{query}")
}

/// Letters of the path in upper case; those of placeholders stay.
fn upper_case(path: &str) -> String {
    let pieces = path.split("${").enumerate().map(|(at, piece)| match (at, piece.split_once('}')) {
        (0, _) | (_, None) => piece.to_uppercase(),
        (_, Some((name, rest))) => format!("${{{name}}}{}", rest.to_uppercase()),
    });
    pieces.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_respelled_around_placeholders_and_queries() {
        let path = "/orders/${object:3}/x?a=b";
        let spelled = |respelling| respelled(path, respelling);
        assert_eq!(spelled(Respelling::TrailingSlash), "/orders/${object:3}/x/?a=b");
        assert_eq!(spelled(Respelling::DoubleSlash), "//orders/${object:3}/x?a=b");
        assert_eq!(spelled(Respelling::UpperCase), "/ORDERS/${object:3}/X?a=b");
        assert_eq!(spelled(Respelling::DotSegment), "/x/..%2forders/${object:3}/x?a=b");
        assert_eq!(spelled(Respelling::PercentEncoded), "/%6frders/${object:3}/x?a=b");
        assert_eq!(respelled("/me", Respelling::PathParameter), "/me;x=1");
        assert_eq!(respelled("/me", Respelling::Suffix), "/me.json");
    }
}
