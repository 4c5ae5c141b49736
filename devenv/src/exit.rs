//! Every exit code of the program.

/// How the program ends. "Found problems" is not "could not run".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All well.
    Success,
    /// Findings: an authorization test failed, a lock would widen, an audit rule is broken.
    Findings,
    /// The command line or a file is wrong.
    Usage,
    /// The world is not as needed: no engine, a port is taken, a service never became ready.
    World,
    /// Tests ran but their controls failed, so a pass would prove nothing.
    Inconclusive,
    /// Interrupted by the user.
    Interrupted,
    /// That of a command that was run for the user: `devenv exec`.
    Command(u8),
}

impl Exit {
    /// The number that the shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::World => 3,
            Self::Inconclusive => 4,
            Self::Interrupted => 130,
            Self::Command(code) => code,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
