//! A run shared by several machines: which operations are whose. Must not know requests.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::TestPlan;

/// One part of a run that several machines share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 1.
    pub index: usize,
    /// Of how many.
    pub count: usize,
}

impl Shard {
    /// Reads `2/4`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (index, count) = text.split_once('/')?;
        let shard = Self { index: index.trim().parse().ok()?, count: count.trim().parse().ok()? };
        (shard.index >= 1 && shard.index <= shard.count).then_some(shard)
    }

    /// Whether it is the one that also does what belongs to no operation: `static` and `policy`.
    #[must_use]
    pub fn is_first(self) -> bool {
        self.index == 1
    }

    /// The operations of this shard: the most expensive one goes to whoever has least to do. The same costs give the
    /// same shares on every machine; together they are everything.
    #[must_use]
    pub(super) fn operations<'a>(self, costs: &BTreeMap<&'a str, usize>) -> Vec<&'a str> {
        let mut order: Vec<(&str, usize)> = costs.iter().map(|(operation, cost)| (*operation, *cost)).collect();
        order.sort_by_key(|(operation, cost)| (std::cmp::Reverse(*cost), *operation));
        let mut loads = vec![0_usize; self.count];
        let mut ours = Vec::new();
        for (operation, cost) in order {
            let Some((least, load)) = loads.iter_mut().enumerate().min_by_key(|(_, load)| **load) else { break };
            *load += cost.max(1);
            if least + 1 == self.index {
                ours.push(operation);
            }
        }
        ours
    }
}

impl TestPlan {
    /// Eight digits that make names and markers those of this run. Parts of a run may share seed and target, and must
    /// not make the same accounts twice.
    pub(crate) fn salt(&self) -> String {
        let part = self.scope.shard.map_or(0, |shard| shard.index as u64);
        // An odd factor: different parts never meet within 32 bits.
        format!("{:08x}", self.seed.wrapping_add(part.wrapping_mul(0x9e37_79b1)) & 0xffff_ffff)
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_written_as_one_of_so_many() {
        assert_eq!(Shard::parse("2/3"), Some(Shard { index: 2, count: 3 }));
        assert_eq!([Shard::parse("0/3"), Shard::parse("4/3"), Shard::parse("1"), Shard::parse("a/b")], [None; 4]);
    }

    #[test]
    fn parts_of_one_seed_make_different_names_and_a_whole_run_those_of_its_seed() {
        let salt = |shard: Option<Shard>| {
            let mut plan = TestPlan { seed: 7, ..TestPlan::default() };
            plan.scope.shard = shard;
            plan.salt()
        };
        let parts = [1, 2].map(|index| salt(Some(Shard { index, count: 2 })));
        assert_eq!(salt(None), "00000007");
        assert!(parts[0] != parts[1] && !parts.contains(&salt(None)), "{parts:?}");
    }

    #[test]
    fn shards_share_the_cost_and_together_they_are_everything() {
        let costs = BTreeMap::from([("a", 9), ("b", 5), ("c", 4), ("d", 1)]);
        let shares = [1, 2].map(|index| Shard { index, count: 2 }.operations(&costs));
        assert_eq!(shares, [vec!["a", "d"], vec!["b", "c"]]);
    }
}
