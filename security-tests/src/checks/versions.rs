//! Other versions of an operation that may still be there, by its path (OWASP API9:2023). Must not know requests.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::api::{Operation, Security};
use crate::plan::TestPlan;

/// The same operation under other versions, as far as nobody described them.
pub(crate) fn of(plan: &TestPlan, operation: &Operation) -> Vec<Operation> {
    let guess = |path: String| Operation {
        id: format!("{} {path}", operation.method),
        path,
        security: Security::Undocumented,
        ..operation.clone()
    };
    let is_known = |guess: &Operation| {
        plan.operations.iter().any(|known| known.method == guess.method && known.path == guess.path)
    };
    paths(&operation.path).into_iter().map(guess).filter(|guess| !is_known(guess)).collect()
}

/// `/api/v2/login` → `/api/v1/login`, `/api/v3/login`, `/api/login`; `/api/login` → `/api/v1/login`, `/api/v2/login`.
fn paths(path: &str) -> Vec<String> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let version = |segment: &str| segment.strip_prefix('v').and_then(|number| number.parse::<u32>().ok());
    let join = |segments: &[String]| format!("/{}", segments.join("/"));
    let owned: Vec<String> = segments.iter().map(ToString::to_string).collect();
    let with = |at: usize, number: u32| {
        let mut segments = owned.clone();
        if let Some(segment) = segments.get_mut(at) {
            *segment = format!("v{number}");
        }
        join(&segments)
    };
    let found = segments.iter().enumerate().find_map(|(at, segment)| Some((at, version(segment)?)));
    if let Some((at, current)) = found {
        // Older ones first; there are rarely more than a few.
        let older = (1..current).rev().take(3);
        let mut paths: Vec<String> = older.chain([current.saturating_add(1)]).map(|number| with(at, number)).collect();
        let mut without = owned.clone();
        without.remove(at);
        paths.push(join(&without));
        return paths;
    }
    let at = usize::from(segments.first() == Some(&"api"));
    let inserted = |number: u32| {
        let mut segments = owned.clone();
        segments.insert(at, format!("v{number}"));
        join(&segments)
    };
    vec![inserted(1), inserted(2)]
}

#[cfg(test)]
mod tests {
    use super::paths;

    #[test]
    fn versions_are_lowered_raised_dropped_and_added() {
        let expected = ["/api/v2/login", "/api/v1/login", "/api/v4/login", "/api/login"];
        assert_eq!(paths("/api/v3/login"), expected);
        assert_eq!(paths("/users/v1/{name}"), ["/users/v2/{name}", "/users/{name}"]);
        assert_eq!(paths("/api/login"), ["/api/v1/login", "/api/v2/login"]);
        assert_eq!(paths("/login"), ["/v1/login", "/v2/login"]);
    }
}
