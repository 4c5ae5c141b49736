//! A plan as text. Must not know what answers mean.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Action, BOUND, Credential, Group, TestPlan, Until};

impl std::fmt::Display for TestPlan {
    /// Every step in the order in which it runs, one line each.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut groups: Vec<&Group> = self.groups.iter().collect();
        groups.sort_by_key(|group| group.phase);
        for group in groups {
            writeln!(f, "{}", format!("{:?}", group.phase).to_lowercase())?;
            for step in group.steps.iter().filter_map(|id| self.steps.get(*id)) {
                let role = format!("{:?}", step.role).to_lowercase();
                writeln!(f, "  {role:<8} {}", step.action)?;
            }
        }
        Ok(())
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Action::Request(request) => {
                write!(f, "{} {} as {}", request.method, request.path, request.credential)?;
                request.headers.iter().try_for_each(|(name, value)| write!(f, ", {name}: {value}"))?;
                let body = |body| request.twice.as_ref().map_or_else(|| format!("{body}"), |twice| twice.text(body));
                request.body.as_ref().map_or(Ok(()), |value| write!(f, " {}", body(value)))?;
                request.statement.as_ref().map_or(Ok(()), |statement| write!(f, " with {statement}"))?;
                let until = request.until.map(|until| match until {
                    Until::Refused => "refused",
                    Until::Allowed => "allowed",
                });
                until.map_or(Ok(()), |until| write!(f, ", until it is {until}, for {BOUND:?} at most"))
            }
            Action::FreshToken(persona) => write!(f, "mint a token of {persona}"),
            Action::AgedToken(persona, seconds) => write!(f, "mint a token of {persona} from {seconds} s ago"),
            Action::World(world) => world.fmt(f),
            Action::EndSessions(persona) => write!(f, "revoke the tokens of {persona}"),
            Action::PatchUser(persona, change) => write!(f, "change {persona} in the directory: {change}"),
            Action::Flow(call) => call.fmt(f),
        }
    }
}

impl std::fmt::Display for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Credential::Anonymous => f.write_str("anonymous"),
            Credential::Persona(actor) | Credential::Fresh(actor) => f.write_str(actor),
            Credential::Held(actor) => write!(f, "{actor} (token from before)"),
            Credential::Minted(persona, mint) => write!(f, "{persona} ({})", mint.name),
            Credential::Forged(persona, forgery) => write!(f, "{persona} ({forgery})"),
            Credential::Pair(first, second) => write!(f, "{first} and {second}"),
            Credential::Placed(credential, place) => write!(f, "{credential} ({place:?})"),
        }
    }
}
