//! Requests that should be refused for their shape and not for their token: tokens in odd places, two at once, none but a
//! header that names the user, and paths that a guard may not recognise. Must not know how they are sent.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::tokens::forge::{Doubled, Proof};
use crate::verdict::Tier;

/// One shape of request.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Stable name, part of case ids.
    pub name: &'static str,
    /// What its success means.
    pub tier: Tier,
    /// The check that it belongs to.
    pub check: &'static str,
    /// RFC section or weakness.
    pub source: &'static str,
    /// What is odd about it.
    pub oddity: Oddity,
}

/// What is odd about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// No token, but a header that names the user.
    NamedUser(&'static str),
    /// No token, and another spelling of the path.
    Path(Respelling),
    /// No token, and another method.
    Method(&'static str),
    /// No token, and this header: another method or path inside (`{method}`, `{path}`).
    Override(&'static str, &'static str),
    /// Two tokens: a good one of somebody else and a damaged one of the persona.
    TwoHeaders(Good),
    /// The good token somewhere else.
    Placed(Place),
    /// A good token, and a body that names two objects.
    TwoObjects(Doubled),
    /// A token bound to a key, with this proof.
    Bound(Proof),
}

/// Which of two `Authorization` headers is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Good {
    /// The first.
    First,
    /// The second.
    Second,
}

/// Another spelling of a path that some routers take for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Respelling {
    /// `/me/`
    TrailingSlash,
    /// `//me`
    DoubleSlash,
    /// `/ME`
    UpperCase,
    /// `/x/../me`, its last slash percent-encoded so that no client tidies it up.
    DotSegment,
    /// `/%6de`
    PercentEncoded,
    /// `/me;x=1`
    PathParameter,
    /// `/me.json`
    Suffix,
}

/// Where a token goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the query, under this name (RFC 6750 §2.3).
    Query(&'static str),
    /// In a cookie of this name.
    Cookie(&'static str),
    /// In a header of this name, bare.
    Header(&'static str),
    /// In `Authorization`, after this scheme; bare when it is empty.
    Scheme(&'static str),
    /// In `Authorization: DPoP`, with a proof (RFC 9449 §7.1).
    Proven(Proof),
}

const fn shape(tier: Tier, check: &'static str, (name, source): (&'static str, &'static str), oddity: Oddity) -> Shape {
    Shape { name, tier, check, source, oddity }
}

const fn named_user(header: &'static str) -> Shape {
    let source = (header, "CWE-290, RFC 9110 §4.3.4");
    shape(Tier::Exploit, "trusted-identity-header", source, Oddity::NamedUser(header))
}

const fn unguarded(name: &'static str, oddity: Oddity) -> Shape {
    shape(Tier::Exploit, "unguarded-path", (name, "CWE-288, RFC 3986 §6.2.2"), oddity)
}

const fn two_objects(name: &'static str, doubled: Doubled) -> Shape {
    shape(Tier::Exploit, "duplicate-key", (name, "RFC 8259 §4, CWE-436"), Oddity::TwoObjects(doubled))
}

const fn placed(name: &'static str, place: Place) -> Shape {
    shape(Tier::Hardening, "token-placement", (name, "RFC 6750 §5.3, RFC 9700 §4.3.2"), Oddity::Placed(place))
}

const fn bound(name: &'static str, proof: Proof) -> Shape {
    shape(Tier::Profile, "sender-constraint", (name, "RFC 9449 §4.3"), Oddity::Bound(proof))
}

/// All shapes, in the order of their checks.
pub static SHAPES: &[Shape] = &[
    named_user("X-Forwarded-User"),
    named_user("X-User"),
    named_user("X-User-Id"),
    named_user("X-Username"),
    named_user("X-Remote-User"),
    named_user("Remote-User"),
    named_user("X-Authenticated-User"),
    named_user("X-Authenticated-Userid"),
    named_user("X-Auth-Request-User"),
    named_user("X-Auth-User"),
    named_user("X-WebAuth-User"),
    named_user("X-Forwarded-Preferred-Username"),
    named_user("X-Consumer-Username"),
    named_user("X-Impersonate-User"),
    unguarded("trailing-slash", Oddity::Path(Respelling::TrailingSlash)),
    unguarded("double-slash", Oddity::Path(Respelling::DoubleSlash)),
    unguarded("upper-case", Oddity::Path(Respelling::UpperCase)),
    unguarded("dot-segment", Oddity::Path(Respelling::DotSegment)),
    unguarded("percent-encoded", Oddity::Path(Respelling::PercentEncoded)),
    unguarded("path-parameter", Oddity::Path(Respelling::PathParameter)),
    unguarded("suffix", Oddity::Path(Respelling::Suffix)),
    unguarded("head", Oddity::Method("HEAD")),
    unguarded("method-override", Oddity::Override("X-HTTP-Method-Override", "{method}")),
    unguarded("original-url", Oddity::Override("X-Original-URL", "{path}")),
    unguarded("rewrite-url", Oddity::Override("X-Rewrite-URL", "{path}")),
    shape(
        Tier::Exploit,
        "split-authorization",
        ("good-header-first", "RFC 9110 §5.3, RFC 6750 §2"),
        Oddity::TwoHeaders(Good::First),
    ),
    shape(
        Tier::Exploit,
        "split-authorization",
        ("good-header-second", "RFC 9110 §5.3, RFC 6750 §2"),
        Oddity::TwoHeaders(Good::Second),
    ),
    two_objects("own-object-first", Doubled::OwnFirst),
    two_objects("own-object-last", Doubled::OwnLast),
    bound("dpop-other-method", Proof::OtherMethod),
    bound("dpop-other-url", Proof::OtherUrl),
    bound("dpop-other-token", Proof::OtherToken),
    bound("dpop-old", Proof::Old),
    bound("dpop-replayed", Proof::Replayed),
    placed("query-access-token", Place::Query("access_token")),
    placed("query-token", Place::Query("token")),
    placed("cookie-access-token", Place::Cookie("access_token")),
    placed("cookie-token", Place::Cookie("token")),
    placed("header-x-access-token", Place::Header("X-Access-Token")),
    placed("header-x-auth-token", Place::Header("X-Auth-Token")),
    placed("scheme-basic", Place::Scheme("Basic")),
    placed("scheme-token", Place::Scheme("Token")),
    placed("scheme-jwt", Place::Scheme("JWT")),
    placed("no-scheme", Place::Scheme("")),
];
