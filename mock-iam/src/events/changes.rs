//! Two snapshots of the directory to the events that lie between them. Pure; must not know streams or signatures.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::{Map, Value, json};

use super::kind::{self, Event};
use crate::directory::{Directory, Profile};

/// What happened to each person, in the order of names.
pub(crate) fn between(before: &Directory, after: &Directory, subject: impl Fn(&str) -> Value, now: i64) -> Vec<Event> {
    let mut events = Vec::new();
    for old in before.users().map(|user| &user.profile) {
        let new = after.user(&old.name).map(|user| &user.profile);
        if new == Some(old) {
            continue;
        }
        events.extend(of_one(old, new).into_iter().filter_map(|(name, reason, more)| {
            let mut payload = Map::from_iter([
                ("event_timestamp".to_owned(), json!(now)),
                ("initiating_entity".to_owned(), json!("admin")),
                ("reason_admin".to_owned(), json!({ "en": reason })),
            ]);
            payload.extend(more);
            Some(Event { kind: kind::uri(name)?, subject: subject(&old.name), payload })
        }));
    }
    events
}

type Happened = (&'static str, &'static str, Map<String, Value>);

fn of_one(old: &Profile, new: Option<&Profile>) -> Vec<Happened> {
    let nothing = Map::new;
    let Some(new) = new else {
        let reason = "the account was deleted";
        return vec![("session-revoked", reason, nothing()), ("account-purged", reason, nothing())];
    };
    let mut happened = Vec::new();
    match (old.active, new.active) {
        (true, false) => {
            let reason = "the account was deactivated";
            happened.push(("session-revoked", reason, nothing()));
            happened.push(("account-disabled", reason, nothing()));
        }
        (false, true) => happened.push(("account-enabled", "the account was activated", nothing())),
        _ => {}
    }
    // CAEP 1.0 §3.2: only the claims that changed.
    let mut claims = Map::new();
    if old.roles != new.roles {
        claims.insert("roles".to_owned(), json!(new.roles));
    }
    if old.tenant != new.tenant {
        claims.insert("tenant".to_owned(), json!(new.tenant));
    }
    if !claims.is_empty() {
        let claims = Map::from_iter([("claims".to_owned(), Value::Object(claims))]);
        happened.push(("token-claims-change", "roles or tenant were changed", claims));
    }
    happened
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use jiff::Timestamp;

    use super::*;
    use crate::config::Persona;

    #[test]
    fn each_change_is_told_as_what_a_receiver_must_do_about_it() {
        let persona = Persona { tenant: Some("acme".into()), roles: vec!["admin".into()], ..Persona::default() };
        let people = ["alice", "bob", "carol", "dave"].map(|name| (name.to_owned(), persona.clone()));
        let before = Directory::seed(&BTreeMap::from(people), Timestamp::UNIX_EPOCH);
        let mut after = before.clone();
        let changed = |name: &str, change: &dyn Fn(&mut Profile)| {
            let mut profile = before.user(name).unwrap().profile.clone();
            change(&mut profile);
            profile
        };
        let now = Timestamp::UNIX_EPOCH;
        after.replace(changed("alice", &|alice| alice.active = false), now).unwrap();
        after.replace(changed("bob", &|bob| bob.roles = BTreeSet::new()), now).unwrap();
        after.replace(changed("carol", &|carol| carol.display_name = Some("C".into())), now).unwrap();
        after.delete("dave", now).unwrap();
        let events = between(&before, &after, |name| json!(name), 7);
        let lines: Vec<_> = events
            .iter()
            .map(|event| (event.subject.as_str().unwrap(), event.kind.rsplit('/').next().unwrap()))
            .collect();
        assert_eq!(
            lines,
            [
                ("alice", "session-revoked"),
                ("alice", "account-disabled"),
                ("bob", "token-claims-change"),
                ("dave", "session-revoked"),
                ("dave", "account-purged"),
            ]
        );
        assert_eq!(events[2].payload["claims"], json!({ "roles": [] }));
        assert_eq!(events[0].payload["event_timestamp"], 7);
        let back = between(&after, &before, |name| json!(name), 7);
        assert_eq!(back[0].kind.rsplit('/').next(), Some("account-enabled"));
    }
}
