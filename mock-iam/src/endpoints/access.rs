//! Decisions over HTTP (AuthZEN 1.0 §6, §7). Must not know how a decision is made.

use std::time::Instant;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::authentication::{Caller, Door};
use super::{explain, request_id};
use crate::access::{self, Batch, RequestError};
use crate::config::Permission;
use crate::directory::Directory;
use crate::log::{EntityName, Entry};
use crate::policy::{Decision, Engine, Explanation, NearMisses, Note, Question, QuestionError};
use crate::state::State;

/// `X-Explain: true` asks for reasons beside a decision.
const EXPLAIN: HeaderName = HeaderName::from_static("x-explain");

/// The door of decisions.
pub(crate) struct Decide;

impl Door for Decide {
    const NEEDS: Permission = Permission::Decide;
}

/// `POST /access/v1/evaluation`: a denial is 200 with `decision: false`; 400 is for what is no question.
pub(crate) async fn evaluation(
    caller: Caller<Decide>,
    Shared(state): Shared<State>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asker = Asker { caller: &caller.name, headers: &headers, state: &state };
    let question = json_object(&headers, &body).and_then(|body| access::question(&body));
    match question.and_then(|question| Ok(asker.decide(&question)?)) {
        Ok(decided) => Json(answer(decided)).into_response(),
        Err(error) => bad_request(&error),
    }
}

/// `POST /access/v1/evaluations`: a list of questions with defaults; without a list, a single question.
pub(crate) async fn evaluations(
    caller: Caller<Decide>,
    Shared(state): Shared<State>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asker = Asker { caller: &caller.name, headers: &headers, state: &state };
    let batch = json_object(&headers, &body).and_then(|body| access::batch(&body));
    match batch {
        Ok(Batch::Single(question)) => match asker.decide(&question) {
            Ok(decided) => Json(answer(decided)).into_response(),
            Err(error) => bad_request(&error.into()),
        },
        Ok(Batch::Many { items, semantic }) => {
            let answers =
                access::answers(items, semantic, |question| asker.decide(question).map(|(allowed, _)| allowed));
            Json(json!({ "evaluations": answers })).into_response()
        }
        Err(error) => bad_request(&error),
    }
}

/// Whoever asks, and what is needed to answer.
struct Asker<'a> {
    caller: &'a str,
    headers: &'a HeaderMap,
    state: &'a State,
}

impl Asker<'_> {
    /// Decides and logs the decision; with its reasons, when they are asked for.
    fn decide(&self, question: &Question) -> Result<(bool, Option<Value>), QuestionError> {
        let mut question = question.clone();
        self.state.adapt(&mut question);
        let question = &question;
        let (directory, engine) = (self.state.directory(), self.state.policies().engine());
        let start = Instant::now();
        let (note, explanation) = self.judge(question, (&directory, &engine))?;
        let latency = start.elapsed();
        self.state.seen().remember(&question.resource);
        let reasons = explanation.map(|explanation| explain::to_json(&explanation));
        let Note { decision: Decision { allowed, determining, errors, mismatches }, near_misses } = note;
        for mismatch in &mismatches {
            let property = &mismatch.property;
            tracing::warn!(caller = self.caller, subject = question.subject.id, property, "claim_mismatch");
        }
        let user = directory.user(&question.subject.id).filter(|_| question.subject.kind == "User");
        let name = |kind: &str, id: &str| EntityName { kind: kind.to_owned(), id: id.to_owned() };
        self.state.log().append(Entry {
            time: Timestamp::now(),
            sequence: 0,
            request_id: request_id::of(self.headers),
            caller: self.caller.to_owned(),
            tenant: user.and_then(|user| user.profile.tenant.clone()),
            subject: name(&question.subject.kind, &question.subject.id),
            action: question.action.name.clone(),
            resource: name(&question.resource.kind, &question.resource.id),
            decision: allowed,
            determining,
            errors,
            near_misses: near_misses.nearest,
            further_near_misses: near_misses.further,
            mismatches,
            directory_version: directory.version(),
            policy_hash: engine.hash().to_owned(),
            latency,
        });
        Ok((allowed, reasons))
    }

    /// Reasons in full are worked out for those who ask only: they take many times as long as the decision.
    fn judge(
        &self,
        question: &Question,
        (directory, engine): (&Directory, &Engine),
    ) -> Result<(Note, Option<Explanation>), QuestionError> {
        if !self.wants_reasons() {
            return Ok((engine.note(question, directory)?, None));
        }
        let explanation = engine.explain(question, directory)?;
        let note = Note { decision: explanation.decision.clone(), near_misses: NearMisses::from(&explanation) };
        Ok((note, Some(explanation)))
    }

    /// Strict clients compare answers exactly: reasons are for those who ask.
    fn wants_reasons(&self) -> bool {
        self.headers.get(EXPLAIN).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
    }
}

/// AuthZEN 1.0 §5.5: reasons go into the `context` of the answer.
fn answer((allowed, reasons): (bool, Option<Value>)) -> Value {
    match reasons {
        None => json!({ "decision": allowed }),
        Some(reasons) => json!({ "decision": allowed, "context": { "explanation": reasons } }),
    }
}

/// The body as a JSON object of the right content type.
pub(super) fn json_object(headers: &HeaderMap, body: &[u8]) -> Result<Value, RequestError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(RequestError::ContentType);
    }
    access::body(body)
}

/// AuthZEN 1.0 §10.1.2: a malformed request is 400, with a message for its author.
pub(super) fn bad_request(error: &RequestError) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": error.to_string() }))).into_response()
}
