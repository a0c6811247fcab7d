//! Checkpoints on disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::files;

/// How far each shard of a mapping is.
pub(crate) struct Checkpoints {
    path: PathBuf,
    shards: Mutex<BTreeMap<String, Position>>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Position {
    /// The sequence number up to which everything is done.
    after: Option<String>,
    /// Whether the shard is closed and nothing is left of it.
    #[serde(default)]
    finished: bool,
}

impl Checkpoints {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        Ok(Self { path: path.to_owned(), shards: Mutex::new(files::read_json(path)?.unwrap_or_default()) })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.shards.lock().is_ok_and(|shards| shards.is_empty())
    }

    pub(super) fn after(&self, shard: &str) -> Option<String> {
        self.position(shard).after
    }

    pub(super) fn is_finished(&self, shard: &str) -> bool {
        self.position(shard).finished
    }

    fn position(&self, shard: &str) -> Position {
        let shards = self.shards.lock();
        shards.ok().and_then(|shards| shards.get(shard).cloned()).unwrap_or_default()
    }

    pub(super) fn advance(&self, shard: &str, after: String) {
        self.change(shard, |position| position.after = Some(after));
    }

    pub(super) fn finish(&self, shard: &str) {
        self.change(shard, |position| position.finished = true);
    }

    /// A checkpoint that cannot be written is only told: the records come again after a start, and do no harm.
    fn change(&self, shard: &str, change: impl FnOnce(&mut Position)) {
        let Ok(mut shards) = self.shards.lock() else { return };
        change(shards.entry(shard.to_owned()).or_default());
        if let Err(failure) = files::write_json(&self.path, &*shards) {
            tracing::error!(%failure, "a checkpoint was not kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_outlive_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mapping.json");
        let checkpoints = Checkpoints::open(&path).unwrap();
        assert!(checkpoints.is_empty());
        checkpoints.advance("shard-0", "17".to_owned());
        checkpoints.finish("shard-1");
        let reopened = Checkpoints::open(&path).unwrap();
        assert_eq!(reopened.after("shard-0").as_deref(), Some("17"));
        assert!(reopened.is_finished("shard-1") && !reopened.is_finished("shard-0"));
    }
}
