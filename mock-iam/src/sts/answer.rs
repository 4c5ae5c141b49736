//! XML documents of the AWS query protocol. Must not know why.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use jiff::Timestamp;

use super::request::AssumeRole;
use super::token::Claims;
use super::{ACCOUNT, StsError};

/// The namespace of the API version.
const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// What chance contributes to credentials.
pub(crate) struct Random {
    /// Upper case letters and digits.
    pub(crate) key_id: String,
    pub(crate) secret: String,
    pub(crate) session: String,
    pub(crate) request_id: String,
}

/// The answer with credentials.
pub(crate) fn credentials(request: &AssumeRole, claims: &Claims, (random, expires): (&Random, Timestamp)) -> String {
    let (role, session) = (escape(&request.role), escape(&request.session_name));
    let field = |name: &str, value: &str| format!("<{name}>{}</{name}>", escape(value));
    let credentials = [
        field("AccessKeyId", &format!("ASIA{}", random.key_id)),
        field("SecretAccessKey", &random.secret),
        field("SessionToken", &random.session),
        field("Expiration", &expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
    ]
    .concat();
    format!(
        "<AssumeRoleWithWebIdentityResponse xmlns=\"{NAMESPACE}\"><AssumeRoleWithWebIdentityResult>\
         <Credentials>{credentials}</Credentials>{}\
         <AssumedRoleUser><Arn>arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}</Arn>\
         <AssumedRoleId>AROA{}:{session}</AssumedRoleId></AssumedRoleUser>{}{}\
         </AssumeRoleWithWebIdentityResult>{}</AssumeRoleWithWebIdentityResponse>",
        field("SubjectFromWebIdentityToken", &claims.subject),
        role_id(&request.role),
        field("Provider", &claims.issuer),
        field("Audience", &claims.audience),
        metadata(&random.request_id),
    )
}

/// The error document.
pub(crate) fn error(error: &StsError, request_id: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error>\
         <RequestId>{request_id}</RequestId></ErrorResponse>",
        error.code(),
        escape(&error.to_string())
    )
}

fn metadata(request_id: &str) -> String {
    format!("<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>")
}

/// An id that is always the same for a role.
fn role_id(role: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, role.as_bytes());
    digest.as_ref().iter().take(17).map(|byte| char::from(b'A' + byte % 26)).collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
