//! The words of a verdict: what became of a case, what a finding is, what a run amounts to. Must not know HTTP.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// What a run amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every case ran and passed.
    Pass,
    /// At least one finding.
    Fail,
    /// No finding, but not everything was proven: a pass would say too much.
    Inconclusive,
}

/// What became of one case.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// As expected; says by what it was recognised.
    Pass(String),
    /// A defect, with its proof.
    Fail(Confidence, String),
    /// Looks like a defect but nothing proves it: reported, never called vulnerable.
    Unproven(String),
    /// The server failed (5xx): neither a denial nor a success.
    ServerError(u16),
    /// Its control or a preparation failed: it proves nothing.
    Inconclusive(String),
    /// Makes no sense here, e.g. a forged JWT where tokens are opaque; not counted.
    NotApplicable(String),
    /// The budget of the run was used up before: nothing is known.
    NotRun(String),
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Somebody's marker, identity, or a changed object was seen.
    Confirmed,
    /// The answer looks like the one of somebody allowed.
    Suspected,
    /// Accepted, with no evidence of an effect.
    Unproven,
}

/// What a failing check means; the order is that of `--tier`: each includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Exploit: fails.
    #[default]
    Exploit,
    /// Profile conformance: fails when opted in.
    Profile,
    /// Hardening: advice.
    Hardening,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Anybody can be anybody.
    Critical,
    /// Others' data or functions are reached.
    High,
    /// Some protection is missing.
    Medium,
    /// Worth knowing.
    Low,
}

/// A layer of tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Files only.
    Static,
    /// Policies against rules, in-process.
    Policy,
    /// Forged and missing tokens.
    Token,
    /// Objects, functions, tenants, properties.
    Access,
    /// Does the next request notice a change?
    Session,
    /// OAuth itself: the provider with each registered client.
    Flow,
}

/// What was seen in one cell of the access matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Observed {
    /// It worked.
    Allow,
    /// It was refused.
    Deny,
    /// The server failed.
    Error,
    /// Something answered, nothing is proven.
    Unproven,
    /// Nothing was sent, or no answer came.
    NotRun,
}

impl Layer {
    /// All, in the order in which they run.
    pub const ALL: [Layer; 6] =
        [Layer::Static, Layer::Policy, Layer::Token, Layer::Access, Layer::Session, Layer::Flow];

    /// As reports and the command line spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Layer::Static => "static",
            Layer::Policy => "policy",
            Layer::Token => "token",
            Layer::Access => "access",
            Layer::Session => "session",
            Layer::Flow => "flow",
        }
    }

    /// The layer of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.as_str() == name)
    }
}

impl Verdict {
    /// As reports print it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Inconclusive => "inconclusive",
        }
    }
}

impl Confidence {
    /// As reports print it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Confidence::Confirmed => "confirmed",
            Confidence::Suspected => "suspected",
            Confidence::Unproven => "unproven",
        }
    }
}

impl Tier {
    /// All, worst first.
    pub const ALL: [Tier; 3] = [Tier::Exploit, Tier::Profile, Tier::Hardening];

    /// The letter of the catalogue: E, P or H.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Tier::Exploit => "E",
            Tier::Profile => "P",
            Tier::Hardening => "H",
        }
    }

    /// The tier of a letter.
    #[must_use]
    pub fn parse(letter: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.as_str().eq_ignore_ascii_case(letter))
    }
}

impl Outcome {
    /// As reports print it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Outcome::Pass(_) => "pass",
            Outcome::Fail(..) => "fail",
            Outcome::Unproven(_) => "unproven",
            Outcome::ServerError(_) => "server-error",
            Outcome::Inconclusive(_) => "inconclusive",
            Outcome::NotApplicable(_) => "not-applicable",
            Outcome::NotRun(_) => "not-run",
        }
    }

    /// Why, in words.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Outcome::Pass(reason)
            | Outcome::Fail(_, reason)
            | Outcome::Unproven(reason)
            | Outcome::Inconclusive(reason)
            | Outcome::NotApplicable(reason)
            | Outcome::NotRun(reason) => reason.clone(),
            Outcome::ServerError(status) => format!("answered {status}"),
        }
    }
}

impl Severity {
    /// As reports print it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::High => "high",
            Severity::Medium => "medium",
            Severity::Low => "low",
        }
    }
}

impl Observed {
    /// As reports print it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Observed::Allow => "allow",
            Observed::Deny => "deny",
            Observed::Error => "error",
            Observed::Unproven => "unproven",
            Observed::NotRun => "not-run",
        }
    }
}
