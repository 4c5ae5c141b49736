//! What both measurements share: a world of 100 policies and up to 10,000 users, questions about it, and the table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Value, json};

/// How many policies there are.
pub(crate) const POLICIES: usize = 100;
/// How many users there are in the large world.
pub(crate) const USERS: usize = 10_000;

const SCHEMA: &str = "
entity Role, Tenant;
entity User in [Role, Tenant] { tenant?: Tenant, roles: Set<String>, active: Bool, level?: Long };
entity Order in [Tenant] { owner: User, tenant: Tenant, total: Long };
action readOrder, updateOrder, deleteOrder appliesTo { principal: User, resource: Order };
";

/// Policies as a configuration has them: owners may do anything, and 99 roles may do something each.
///
/// A third of them is about the action that is asked about, or, `all_about_it`, every one.
pub(crate) fn policies(all_about_it: bool) -> Value {
    let mut text = String::from("permit (principal, action, resource) when { resource.owner == principal };\n");
    for number in 1..POLICIES {
        let action = ["readOrder", "updateOrder", "deleteOrder"].get(number % 3).copied().unwrap_or_default();
        let about = if all_about_it { "action".to_owned() } else { format!("action == Action::\"{action}\"") };
        writeln!(
            text,
            "permit (principal in Role::\"role{number}\", {about}, resource) \
             when {{ principal has tenant && resource in principal.tenant && resource.total < {number} }};"
        )
        .expect("a string takes all");
    }
    json!({ "schema": { "name": "bench.cedarschema", "text": SCHEMA },
            "files": [{ "name": "bench.cedar", "text": text }] })
}

/// Users of 50 tenants with two roles each.
pub(crate) fn personas(users: usize) -> BTreeMap<String, Value> {
    let persona = |number: usize| {
        json!({ "tenant": format!("tenant{}", number % 50), "attributes": { "level": number % 10 },
                "roles": [format!("role{}", number % 200), "customer"] })
    };
    (0..users).map(|number| (format!("user{number}"), persona(number))).collect()
}

/// May a user read an order of this owner? As AuthZEN writes it.
pub(crate) fn question(user: usize, owner: usize) -> Value {
    let order = json!({ "owner": { "type": "User", "id": format!("user{owner}") },
                        "tenant": { "type": "Tenant", "id": format!("tenant{}", owner % 50) }, "total": 500 });
    json!({ "subject": { "type": "User", "id": format!("user{user}") }, "action": { "name": "readOrder" },
            "resource": { "type": "Order", "id": "17", "properties": order } })
}

/// The table of figures, each beside its bar.
#[derive(Default)]
pub(crate) struct Table {
    missed: usize,
}

/// What a figure must keep to, without an end above or from zero; none for a comparison only.
pub(crate) type Bar = Option<RangeInclusive<f64>>;

impl Table {
    /// Begins a table.
    pub(crate) fn new(title: &str) -> Self {
        println!("\n{title}\n{:<44} {:>11} {:<6} {:>10}", "figure", "measured", "", "bar");
        Self::default()
    }

    /// One figure.
    pub(crate) fn row(&mut self, name: &str, (value, unit): (f64, &str), bar: Bar) {
        let holds = bar.as_ref().is_none_or(|bar| bar.contains(&value));
        let bar = bar.map_or_else(String::new, |bar| match (bar.start(), bar.end()) {
            (start, end) if end.is_infinite() => format!("≥ {start}"),
            (_, end) => format!("≤ {end}"),
        });
        let verdict = match (bar.is_empty(), holds) {
            (true, _) => "",
            (false, true) => "holds",
            (false, false) => "MISSED",
        };
        self.missed += usize::from(!holds);
        let decimals = if value < 100.0 { 2 } else { 0 };
        println!("{name:<44} {value:>11.decimals$} {unit:<6} {bar:>10} {verdict}");
    }

    /// Ends the table.
    pub(crate) fn end(self) {
        println!("{}", if self.missed == 0 { "all bars hold".to_owned() } else { format!("{} MISSED", self.missed) });
    }
}

/// The share of times, in percent, that took at most so long, in microseconds. Sorts.
pub(crate) fn micros(times: &mut [Duration], share: usize) -> f64 {
    times.sort_unstable();
    let place = times.len().saturating_sub(1) * share / 100;
    times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e6)
}
