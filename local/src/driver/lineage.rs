//! Shards and their parents.

use std::collections::HashSet;

use serde_json::Value;

/// A shard as `ListShards` gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its id.
    pub id: String,
    /// What it was split or merged from.
    pub parents: Vec<String>,
}

impl Shard {
    pub(super) fn of(answer: &Value) -> Option<Self> {
        let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            id: text("ShardId")?,
            parents: [text("ParentShardId"), text("AdjacentParentShardId")].into_iter().flatten().collect(),
        })
    }
}

/// Shards that may be read: not finished, and of their parents all finished that still exist. So a key's records keep their
/// order over a split or a merge.
pub fn startable(shards: &[Shard], finished: impl Fn(&str) -> bool) -> Vec<String> {
    let existing: HashSet<&str> = shards.iter().map(|shard| shard.id.as_str()).collect();
    let waits = |parent: &String| existing.contains(parent.as_str()) && !finished(parent);
    shards
        .iter()
        .filter(|shard| !finished(&shard.id) && !shard.parents.iter().any(waits))
        .map(|shard| shard.id.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(id: &str, parents: &[&str]) -> Shard {
        Shard { id: id.to_owned(), parents: parents.iter().map(|&parent| parent.to_owned()).collect() }
    }

    #[test]
    fn children_wait_until_every_parent_is_finished() {
        let shards = [shard("0", &[]), shard("1", &[]), shard("2", &["0", "1"]), shard("3", &["0"])];
        assert_eq!(startable(&shards, |_| false), ["0", "1"]);
        assert_eq!(startable(&shards, |id| id == "0"), ["1", "3"]);
        assert_eq!(startable(&shards, |id| id == "0" || id == "1"), ["2", "3"]);
    }

    #[test]
    fn a_parent_that_is_no_more_holds_nobody() {
        assert_eq!(startable(&[shard("4", &["expired"])], |_| false), ["4"]);
    }
}
