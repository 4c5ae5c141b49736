//! What a provider says of itself (RFC 8414, OpenID Connect Discovery): clients believe it. What it does not announce it
//! need not have.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::Value;
use url::Url;

use crate::checks::{Check, Evidence, Work};
use crate::flow::script::clients;
use crate::flow::{Endpoint, judge};
use crate::oracle::{Decision, Relation};
use crate::plan::{Action, Case, Detail, Draft, StepId, Trial};
use crate::verdict::{Layer, Outcome, Severity, Tier};

/// OpenID Connect Discovery §4.3, RFC 8414 §3.3: the issuer is the one that was asked for; another one would be
/// impersonated.
pub(crate) static ISSUER: Check = Check {
    id: "metadata-issuer",
    title: "name another issuer than the one that was asked",
    layer: Layer::Flow,
    tier: Tier::Profile,
    owasp: "API8:2023",
    cwe: "CWE-346",
    severity: Severity::Medium,
    work: Work::Online(issuer, judge_issuer),
};

/// Endpoints elsewhere are allowed, and large providers have them; on a stack of one machine they are a mistake.
pub(crate) static ORIGIN: Check = Check {
    id: "metadata-origin",
    title: "name an endpoint on another origin, or one that is less protected",
    layer: Layer::Flow,
    tier: Tier::Hardening,
    owasp: "API8:2023",
    cwe: "CWE-319",
    severity: Severity::Low,
    work: Work::Online(origin, judge_origin),
};

/// RFC 8414 §2: `none` must not be among the algorithms of client assertions; OpenID Connect Discovery §3 allows it for ID
/// tokens that come from the token endpoint, and nobody needs it.
pub(crate) static ALGORITHM_NONE: Check = Check {
    id: "metadata-unsigned",
    title: "announce unsigned tokens",
    layer: Layer::Flow,
    tier: Tier::Profile,
    owasp: "API8:2023",
    cwe: "CWE-347",
    severity: Severity::Low,
    work: Work::Online(unsigned, judge_unsigned),
};

/// The metadata as they were read.
pub(crate) fn published<'a>(evidence: &Evidence<'a>) -> Option<&'a Value> {
    let is_it = |action: &Action| matches!(action, Action::Flow(call) if call.endpoint == Endpoint::Metadata);
    let step = evidence.plan.steps.iter().position(|step| is_it(&step.action))?;
    evidence.answer(step).ok()?.json.as_ref()
}

/// Whether a text is the issuer: the one that was asked, or as the metadata name it. That the two differ is a finding of
/// its own.
pub(crate) fn is_issuer(evidence: &Evidence<'_>, text: &str) -> bool {
    let asked = evidence.target.provider.as_ref().map(|provider| provider.issuer.as_str());
    let named = published(evidence).and_then(|metadata| metadata.get("issuer")).and_then(Value::as_str);
    [asked, named].contains(&Some(text))
}

/// Whether a list of the metadata has a value.
pub(crate) fn lists(evidence: &Evidence<'_>, member: &str, value: &str) -> bool {
    let list = published(evidence).and_then(|metadata| metadata.get(member)).and_then(Value::as_array);
    list.is_some_and(|list| list.iter().any(|one| one.as_str() == Some(value)))
}

fn issuer(draft: &mut Draft<'_>) {
    plan(draft, &ISSUER);
}

fn origin(draft: &mut Draft<'_>) {
    plan(draft, &ORIGIN);
}

fn unsigned(draft: &mut Draft<'_>) {
    plan(draft, &ALGORITHM_NONE);
}

fn plan(draft: &mut Draft<'_>, check: &'static Check) {
    if clients(draft).is_empty() {
        return;
    }
    let Some(attack) = discovery(draft) else { return };
    draft.case(Case {
        id: format!("{}:{}", check.id, Endpoint::Metadata.as_str()),
        check: check.id,
        operation: Endpoint::Metadata.as_str().to_owned(),
        persona: None,
        relation: Relation::None,
        expected: Decision::Deny,
        trial: Trial { attack, ..Trial::default() },
        detail: Detail::Flow(Box::default()),
    });
}

fn discovery(draft: &Draft<'_>) -> Option<StepId> {
    let is_it = |action: &Action| matches!(action, Action::Flow(call) if call.endpoint == Endpoint::Metadata);
    draft.plan.steps.iter().position(|step| is_it(&step.action))
}

fn judge_issuer(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let asked = evidence.target.provider.as_ref().map_or("", |provider| provider.issuer.as_str());
    with(case, evidence, |metadata| {
        let named = metadata.get("issuer").and_then(Value::as_str).unwrap_or_default();
        judge::holds(named == asked, "the issuer is the one that was asked", || {
            format!("`{asked}` was asked, and the metadata say `{named}`")
        })
    })
}

fn judge_origin(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    with(case, evidence, |metadata| {
        let own = metadata.get("issuer").and_then(Value::as_str).and_then(|issuer| Url::parse(issuer).ok());
        let Some(own) = own else { return Outcome::Inconclusive("the issuer is no URL".to_owned()) };
        let elsewhere = Endpoint::ALL.into_iter().filter_map(Endpoint::member).find(|member| {
            let url = metadata.get(member).and_then(Value::as_str).map(Url::parse);
            url.is_some_and(|url| url.is_ok_and(|url| url.origin() != own.origin()))
        });
        judge::holds(elsewhere.is_none(), "every endpoint is the issuer's", || {
            format!("`{}` is on another origin than the issuer", elsewhere.unwrap_or_default())
        })
    })
}

fn judge_unsigned(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    with(case, evidence, |metadata| {
        let members = [
            "id_token_signing_alg_values_supported",
            "token_endpoint_auth_signing_alg_values_supported",
            "dpop_signing_alg_values_supported",
        ];
        let found = members.into_iter().find(|member| {
            let list = metadata.get(*member).and_then(Value::as_array);
            list.is_some_and(|list| list.iter().any(|one| one.as_str() == Some("none")))
        });
        judge::holds(found.is_none(), "`none` is in no list", || format!("`{}` has `none`", found.unwrap_or_default()))
    })
}

fn with(case: &Case, evidence: &Evidence<'_>, judge: impl FnOnce(&Value) -> Outcome) -> Outcome {
    match judge::answered(case, evidence) {
        Err(outcome) => outcome,
        Ok(answer) => match &answer.json {
            Some(metadata) => judge(metadata),
            None => Outcome::Inconclusive("the metadata are no JSON".to_owned()),
        },
    }
}
