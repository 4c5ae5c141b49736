//! What to do about a finding, by the kind of its check: for people who see it in a code review and not here.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::checks::Check;
use crate::verdict::Layer;

/// How the defect is mended: by check, else by OWASP category.
pub(super) fn mend(check: &Check) -> &'static str {
    let by_check = match check.id {
        "undecided-operation" => {
            "Write a rule for the operation into authz.yaml: who may call it? `allow: []` when nobody may."
        }
        "undeclared-security" => {
            "Declare `security` for the operation in the OpenAPI document, or allow `anyone` in its rule."
        }
        "weakened-security" => {
            "Ask for what was asked for before, or accept it in the review: a waiver with a day, or `anyone` in its rule."
        }
        "changed-security" => "Look at both: who can call it now that could not before?",
        "removed-guard" => {
            "Put the guard back, or see that another one, which has no name known here, is in its place."
        }
        "unknown-action" => "Add the operation as an action to the policy schema.",
        "expired-waiver" => "Mend the finding, or accept the risk again: a new date and the reason why.",
        "lost-regression" => {
            "Pin the case that asks the same question now, or take the pin away: `devenv test unpin NAME`."
        }
        "policy-disagrees" => "Decide which of the two is right, the rule or the policy, and change the other.",
        "expired-token" => "Refuse tokens whose `exp` is in the past (RFC 7519 §4.1.4).",
        "revoked-token" | "deactivated-user" | "removed-role" => {
            "Ask the provider or the directory on each request, or keep answers for seconds only (RFC 7662 §4)."
        }
        "server-error" => "Handle the input; an unexpected failure must deny, and must not say why (CWE-755).",
        "trusted-identity-header" => {
            "Take the identity from a verified token only; strip identity headers of clients at the edge."
        }
        _ => "",
    };
    if !by_check.is_empty() {
        return by_check;
    }
    if check.layer == Layer::Flow {
        return "Make the provider stricter, in the stack and wherever the application runs: `idp.mode: strict`, and what RFC 9700 asks of authorization servers.";
    }
    match check.owasp {
        "API1:2023" => {
            "Compare the owner and the tenant of the object with the caller before it is used, in one place that every operation passes."
        }
        "API2:2023" => {
            "Verify the token before anything else, with a fixed list of algorithms and the provider's keys only (RFC 8725)."
        }
        "API3:2023" => {
            "Answer with, and accept, only the fields that this role may see or set: a list of what is allowed, not of what is not."
        }
        "API5:2023" => {
            "Check the caller's role, as the directory has it now, in the operation itself; deny what is not allowed."
        }
        _ => "Deny by default, and write down who may.",
    }
}
