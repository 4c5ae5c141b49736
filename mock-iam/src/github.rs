//! GitHub Actions' OpenID provider: a token for a workflow run, as the real one would say it. Pure.
//!
//! Must not know HTTP or keys.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::config::Github;

/// How long a token lives, in seconds.
const LIFETIME: i64 = 300;

/// The claims of a token, in the names of GitHub's documentation of OpenID Connect; what is configured wins.
pub(crate) fn claims(
    github: &Github,
    (issuer, audience): (&str, Option<&str>),
    (jti, now): (&str, Timestamp),
) -> Map<String, Value> {
    let Github { repository, git_ref, environment, claims: configured } = github;
    let owner = repository.split('/').next().unwrap_or_default();
    let workflow = format!("{repository}/.github/workflows/ci.yml@{git_ref}");
    let subject = match environment {
        Some(environment) => format!("repo:{repository}:environment:{environment}"),
        None => format!("repo:{repository}:ref:{git_ref}"),
    };
    let iat = now.as_second();
    let default_audience = format!("https://github.com/{owner}");
    let kind = if git_ref.starts_with("refs/tags/") { "tag" } else { "branch" };
    let all = json!({
        "iss": issuer, "aud": audience.unwrap_or(&default_audience), "sub": subject, "jti": jti,
        "iat": iat, "nbf": iat, "exp": iat + LIFETIME,
        "repository": repository, "repository_owner": owner, "repository_visibility": "private",
        "repository_id": "1", "repository_owner_id": "1", "actor": owner, "actor_id": "1",
        "ref": git_ref, "ref_type": kind, "ref_protected": "true", "head_ref": "", "base_ref": "",
        "sha": "0000000000000000000000000000000000000000", "event_name": "push", "workflow": "ci",
        "workflow_ref": workflow, "job_workflow_ref": workflow, "runner_environment": "self-hosted",
        "run_id": "1", "run_number": "1", "run_attempt": "1",
    });
    let mut all = all.as_object().cloned().unwrap_or_default();
    all.extend(environment.iter().map(|environment| ("environment".to_owned(), json!(environment))));
    all.extend(configured.clone());
    all
}
