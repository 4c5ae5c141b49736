//! Many failed cases to few findings: one defect, once. The personas and operations that reached it are evidence. Must
//! not know how cases are judged.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use crate::access::Waiver;
use crate::checks;
use crate::flow;
use crate::plan::{StepId, TestPlan};
use crate::run::JudgedCase;
use crate::tokens;
use crate::tokens::forge::Make;
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

/// A defect.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Stable: check and operation.
    pub id: String,
    /// The check that found it.
    pub check: &'static str,
    /// What it means.
    pub tier: Tier,
    /// OWASP API Security Top 10.
    pub owasp: &'static str,
    /// Common Weakness Enumeration.
    pub cwe: &'static str,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// `GET /orders/{id}`.
    pub operation: String,
    /// Who got there.
    pub personas: Vec<String>,
    /// One sentence.
    pub title: String,
    /// What was seen.
    pub evidence: String,
    /// The steps that show it, for the case that shows it best.
    pub steps: Vec<StepId>,
    /// The cases that are this defect.
    pub cases: Vec<String>,
    /// Cases of other checks that fail for the same cause.
    pub explained: Vec<String>,
    /// Why the team lives with it.
    pub waived: Option<String>,
    /// Names of the pinned cases in it: what was mended once is open again.
    pub regressions: Vec<String>,
}

impl Finding {
    /// Whether it is above the tier that fails. What was pinned was meant to hold, whatever its tier.
    #[must_use]
    pub fn is_advice(&self, tier: Tier) -> bool {
        self.tier > tier && self.regressions.is_empty()
    }
}

/// The failed cases of one check on one operation.
struct Suspicion<'a> {
    check: &'static str,
    operation: String,
    cases: Vec<&'a JudgedCase>,
    /// Other checks and operations that fail for the same cause.
    also: BTreeSet<String>,
    /// Who else got there, in cases of those checks.
    others: BTreeSet<String>,
    /// Those cases.
    explained: Vec<String>,
}

/// What a check explains when it fails: on the same operation these fail too, for the same cause.
const EXPLAINS: &[(&str, &[&str])] = &[
    // Whoever needs no token needs no good one either.
    (
        "missing-authentication",
        &[
            "unsigned-token",
            "ignored-signature",
            "key-confusion",
            "embedded-key",
            "remote-key",
            "key-lookup",
            "weak-key",
            "expired-token",
            "premature-token",
            "confused-subject",
            "forged-claims",
            "trusted-identity-header",
            "unguarded-path",
            "split-authorization",
            "missing-expiry",
            "wrong-issuer",
            "wrong-audience",
            "token-kind",
            "critical-header",
            "duplicate-claim",
            "algorithm-family",
            "sender-constraint",
            "token-placement",
            "token-spelling",
            "lenient-claims",
            "object-access",
            "duplicate-key",
            "tenant-isolation",
            "collection-scope",
            "function-access",
            "revoked-token",
            "deactivated-user",
            "removed-role",
            "moved-tenant",
            "stale-ownership",
            "stale-policy",
            "stale-circumstances",
            "claimed-property",
            "fail-open",
            "retired-key",
            "undeclared-security",
            "weakened-security",
        ],
    ),
    // What asks for nothing any more also declares nothing.
    ("weakened-security", &["undeclared-security"]),
    // A signature that nobody looks at may as well be of another kind.
    (
        "ignored-signature",
        &[
            "unsigned-token",
            "key-confusion",
            "embedded-key",
            "remote-key",
            "key-lookup",
            "weak-key",
            "split-authorization",
            "algorithm-family",
            "token-spelling",
            "critical-header",
            "duplicate-claim",
            "retired-key",
        ],
    ),
    // Who does not notice the end of a token does not notice the end of its key.
    ("revoked-token", &["retired-key"]),
    // Whoever takes an empty secret also takes what an empty file holds.
    ("key-confusion", &["key-lookup"]),
    // What fails over a token that it cannot read also fails over a long one.
    ("server-error", &["token-size", "fragile-verifier"]),
    // Who takes a token with a guessed key takes every claim in it.
    ("weak-key", &["confused-subject"]),
    // Whom the end of a token does not concern, neither does its absence or its form.
    ("expired-token", &["missing-expiry", "lenient-claims"]),
    ("missing-expiry", &["lenient-claims"]),
    // Whom the function does not ask for a role it does not ask for a tenant, an object or a claim.
    (
        "function-access",
        &[
            "object-access",
            "duplicate-key",
            "tenant-isolation",
            "forged-claims",
            "removed-role",
            "stale-circumstances",
            "claimed-property",
            "undecided-operation",
        ],
    ),
    // Who reaches the neighbour's object also reaches a stranger's, whatever the token claims.
    (
        "object-access",
        &["duplicate-key", "tenant-isolation", "forged-claims", "removed-role", "moved-tenant", "stale-ownership"],
    ),
    ("tenant-isolation", &["forged-claims", "moved-tenant"]),
    // Where roles of the token count, they count until it expires.
    ("forged-claims", &["removed-role"]),
    // Who does not look at a secret does not look where it is either.
    ("client-authentication", &["client-auth-method", "open-introspection"]),
    ("redirect-uri", &["redirect-uri-match"]),
    // Without a look at the verifier, PKCE is not there.
    ("pkce-verifier", &["pkce-downgrade", "pkce-missing", "pkce-plain"]),
    // What is taken again is not noticed as a theft.
    ("code-reuse", &["code-reuse-revocation"]),
    ("refresh-rotation", &["refresh-reuse-revocation"]),
];

/// Findings, worst first, then in the order of the document.
#[must_use]
pub fn findings(plan: &TestPlan, cases: &[JudgedCase], waivers: Vec<&Waiver>) -> Vec<Finding> {
    let mut suspicions = suspicions(plan, cases);
    swallow(&mut suspicions);
    merge_operations(plan, &mut suspicions);
    let mut findings: Vec<Finding> =
        suspicions.iter().filter_map(|suspicion| finding(plan, suspicion, &waivers)).collect();
    // Stable: the order of the document stays within a severity.
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// Failed cases by operation, in the order of the document, and check.
fn suspicions<'a>(plan: &TestPlan, cases: &'a [JudgedCase]) -> Vec<Suspicion<'a>> {
    let mut grouped: BTreeMap<(usize, &'static str, &str), Vec<&JudgedCase>> = BTreeMap::new();
    for case in cases {
        let check = match case.outcome {
            Outcome::Fail(..) | Outcome::Unproven(_) => case.check,
            Outcome::ServerError(_) if only_the_provider_could(case) => "fragile-verifier",
            Outcome::ServerError(_) => "server-error",
            Outcome::Pass(_) | Outcome::Inconclusive(_) | Outcome::NotApplicable(_) | Outcome::NotRun(_) => continue,
        };
        grouped.entry((position(plan, &case.operation), check, &case.operation)).or_default().push(case);
    }
    let suspicion = |((_, check, operation), cases): ((usize, &'static str, &str), Vec<&'a JudgedCase>)| Suspicion {
        check,
        operation: operation.to_owned(),
        cases,
        also: BTreeSet::new(),
        others: BTreeSet::new(),
        explained: Vec::new(),
    };
    grouped.into_iter().map(suspicion).collect()
}

/// Where an operation is in the document; one that is in none comes last.
fn position(plan: &TestPlan, operation: &str) -> usize {
    plan.operations.iter().position(|known| known.id == operation).unwrap_or(usize::MAX)
}

/// A broad cause swallows what it explains on the same operation; of a provider, at any of its endpoints.
fn swallow(suspicions: &mut Vec<Suspicion<'_>>) {
    for &(cause, effects) in EXPLAINS {
        let causes: Vec<String> = suspicions
            .iter()
            .filter(|suspicion| suspicion.check == cause && confidence(suspicion) != Confidence::Unproven)
            .map(|suspicion| suspicion.operation.clone())
            .collect();
        for operation in causes {
            let here = |other: &str| other == operation || layer(cause) == Some(Layer::Flow);
            let explained = |other: &Suspicion<'_>| here(&other.operation) && effects.contains(&other.check);
            let effects: Vec<Suspicion<'_>> = suspicions.extract_if(.., |other| explained(other)).collect();
            let found = suspicions.iter_mut().find(|other| other.check == cause && other.operation == operation);
            let Some(found) = found else { continue };
            let access = layer(cause) == Some(Layer::Access);
            for effect in effects {
                found.also.insert(effect.check.to_owned());
                found.explained.extend(effect.cases.iter().map(|case| case.id.clone()).chain(effect.explained));
                // Whoever reached an object is evidence; whose token was forged for that is not.
                let reached = effect.cases.iter().filter(|case| access && case.layer == Layer::Access);
                found.others.extend(reached.map(|case| who(case)));
            }
        }
    }
}

fn layer(check: &str) -> Option<Layer> {
    checks::by_id(check).map(|check| check.layer)
}

/// One verifier, one session store: what fails on several operations is one defect, named by the operation that shows
/// it most often, else by the first. Writes to the same path are one too.
fn merge_operations(plan: &TestPlan, suspicions: &mut Vec<Suspicion<'_>>) {
    let mut merged: Vec<Suspicion<'_>> = Vec::new();
    for suspicion in suspicions.drain(..) {
        match merged.iter_mut().find(|known| same_defect(plan, known, &suspicion)) {
            None => merged.push(suspicion),
            Some(known) => {
                let mut other = suspicion;
                let sure =
                    |suspicion: &Suspicion<'_>| (confidence(suspicion) != Confidence::Unproven, suspicion.cases.len());
                if sure(&other) > sure(known) {
                    std::mem::swap(known, &mut other);
                }
                known.also.insert(label(plan, &other.operation));
                known.also.append(&mut other.also);
                known.cases.append(&mut other.cases);
                known.explained.append(&mut other.explained);
            }
        }
    }
    *suspicions = merged;
}

/// Whether the token of a case can only be made by whoever has the API's signing key: no attacker gets there.
fn only_the_provider_could(case: &JudgedCase) -> bool {
    let name = case.id.rsplit(':').next().unwrap_or_default();
    let forgery = tokens::catalogue::by_name(name).filter(|forgery| forgery.check == case.check);
    forgery.is_some_and(|forgery| matches!(forgery.make, Make::Minted(_) | Make::DoubledSubject(_)))
}

fn same_defect(plan: &TestPlan, one: &Suspicion<'_>, other: &Suspicion<'_>) -> bool {
    let replaces = |suspicion: &Suspicion<'_>| {
        let operation = plan.operation(&suspicion.operation)?;
        matches!(operation.method.as_str(), "PUT" | "PATCH").then_some(operation.path.clone())
    };
    let same_write = replaces(one).is_some() && replaces(one) == replaces(other);
    one.check == other.check && (is_of_verifier(one.check) || same_write || same_failure(one, other))
}

/// Whether a check looks at what all operations have in common. Each operation asks for a token by itself.
fn is_of_verifier(check: &str) -> bool {
    check != "missing-authentication" && matches!(layer(check), Some(Layer::Token | Layer::Session))
}

/// Whether the server fails for the same cause: the same question about tokens or accounts was asked.
fn same_failure(one: &Suspicion<'_>, other: &Suspicion<'_>) -> bool {
    let causes = |suspicion: &Suspicion<'_>| -> BTreeSet<&'static str> {
        let asked = suspicion.cases.iter().filter(|case| matches!(case.layer, Layer::Session | Layer::Token));
        asked.map(|case| case.check).filter(|check| is_of_verifier(check)).collect()
    };
    one.check == "server-error" && !causes(one).is_disjoint(&causes(other))
}

fn confidence(suspicion: &Suspicion<'_>) -> Confidence {
    suspicion.cases.iter().map(|case| case_confidence(case)).min().unwrap_or(Confidence::Unproven)
}

fn case_confidence(case: &JudgedCase) -> Confidence {
    match &case.outcome {
        Outcome::Fail(confidence, _) => *confidence,
        Outcome::ServerError(_) => Confidence::Confirmed,
        _ => Confidence::Unproven,
    }
}

fn finding(plan: &TestPlan, suspicion: &Suspicion<'_>, waivers: &[&Waiver]) -> Option<Finding> {
    let check = checks::by_id(suspicion.check)?;
    let best = suspicion
        .cases
        .iter()
        .filter(|case| case.operation == suspicion.operation)
        .min_by_key(|case| case_confidence(case))?;
    let mut personas: BTreeSet<String> = suspicion.cases.iter().map(|case| who(case)).collect();
    personas.extend(suspicion.others.iter().cloned());
    personas.remove("");
    let id = format!("{}:{}", suspicion.check, suspicion.operation);
    let operation = label(plan, &suspicion.operation);
    let waived = waivers.iter().find(|waiver| waiver.finding == id).map(|waiver| waiver.reason.clone());
    Some(Finding {
        check: check.id,
        tier: check.tier,
        owasp: check.owasp,
        cwe: check.cwe,
        severity: check.severity,
        confidence: confidence(suspicion),
        title: format!("{operation} {}", check.title),
        personas: personas.into_iter().collect(),
        evidence: evidence(suspicion, best),
        steps: best.steps.clone(),
        cases: suspicion.cases.iter().map(|case| case.id.clone()).collect(),
        explained: suspicion.explained.clone(),
        waived,
        regressions: Vec::new(),
        operation,
        id,
    })
}

/// Who got there: a persona, or a client of the provider; nobody in checks of files.
fn who(case: &JudgedCase) -> String {
    match (&case.persona, case.layer) {
        (_, Layer::Flow) => case.client.clone().unwrap_or_default(),
        (Some(persona), _) => persona.clone(),
        (None, Layer::Static | Layer::Policy) => String::new(),
        (None, _) => "anonymous".to_owned(),
    }
}

fn evidence(suspicion: &Suspicion<'_>, best: &JudgedCase) -> String {
    let what = match &best.outcome {
        Outcome::Fail(_, what) | Outcome::Unproven(what) => what.clone(),
        Outcome::ServerError(status) => format!("answered {status}"),
        _ => String::new(),
    };
    let mut text = format!("{}: {what}", best.id);
    if suspicion.cases.len() > 1 {
        text.push_str(&format!("; {} cases show it", suspicion.cases.len()));
    }
    if !suspicion.also.is_empty() {
        let also = suspicion.also.iter().cloned().collect::<Vec<_>>().join(", ");
        text.push_str(&format!("; it explains {also}"));
    }
    text
}

fn label(plan: &TestPlan, operation: &str) -> String {
    let title = |endpoint: flow::Endpoint| endpoint.title().to_owned();
    let endpoint = || flow::Endpoint::parse(operation).map_or_else(|| operation.to_owned(), title);
    plan.operation(operation).map_or_else(endpoint, crate::api::Operation::label)
}
