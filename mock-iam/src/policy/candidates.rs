//! The policies whose heads match a question: the policy engine need not look at the others.
//!
//! A policy whose head does not match neither decides nor fails, so leaving it out changes no answer; a hundred of them
//! are most of the time that a decision takes. Must not know conditions.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use cedar_policy::{EntityUid, Policy, PolicySet};

use super::engine::Prepared;
use super::explain::Scope;

/// How many sets of policies are kept; there are as many as combinations of roles, actions and types that are asked about.
const KEPT: usize = 1_024;

/// Finds the policies for a question. Policies are known by their places in the list of heads.
pub(super) struct Candidates {
    /// Those that ask for one principal or group, by it.
    by_principal: HashMap<EntityUid, Vec<usize>>,
    /// The others.
    anyone: Vec<usize>,
    sets: RwLock<HashMap<Vec<usize>, Arc<PolicySet>>>,
}

impl Candidates {
    pub(super) fn new(scopes: &[Scope]) -> Self {
        let mut by_principal: HashMap<EntityUid, Vec<usize>> = HashMap::new();
        let mut anyone = Vec::new();
        for (place, scope) in scopes.iter().enumerate() {
            match scope.principal() {
                Some(wanted) => by_principal.entry(wanted.clone()).or_default().push(place),
                None => anyone.push(place),
            }
        }
        Self { by_principal, anyone, sets: RwLock::default() }
    }

    /// The policies that can have a say. `all` gives every policy, in the order of `scopes`.
    pub(super) fn of<'a, All: Iterator<Item = &'a Policy>>(
        &self,
        prepared: &Prepared,
        scopes: &[Scope],
        all: impl FnOnce() -> All,
    ) -> Arc<PolicySet> {
        let places = self.places(prepared, scopes);
        let known = self.sets.read().unwrap_or_else(PoisonError::into_inner).get(&places).map(Arc::clone);
        known.unwrap_or_else(|| {
            let policies = all().enumerate().filter(|(place, _)| places.binary_search(place).is_ok());
            // Ids differ, because the policies were in one set before.
            let set = PolicySet::from_policies(policies.map(|(_, policy)| policy.clone())).unwrap_or_default();
            let set = Arc::new(set);
            let mut sets = self.sets.write().unwrap_or_else(PoisonError::into_inner);
            if sets.len() >= KEPT {
                sets.clear();
            }
            sets.insert(places, Arc::clone(&set));
            set
        })
    }

    /// Places of the policies whose heads match, ascending.
    fn places(&self, prepared: &Prepared, scopes: &[Scope]) -> Vec<usize> {
        let principal = prepared.request.principal();
        let groups = principal.and_then(|principal| prepared.entities.ancestors(principal));
        let asked = principal.into_iter().chain(groups.into_iter().flatten());
        let asked = asked.filter_map(|wanted| self.by_principal.get(wanted));
        let places = self.anyone.iter().chain(asked.flatten()).copied();
        let mut places: Vec<usize> =
            places.filter(|place| scopes.get(*place).is_some_and(|scope| scope.matches(prepared))).collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}
