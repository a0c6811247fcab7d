//! The stream driver: event source mappings of a Kinesis stream, driven by AWS's rules.
//!
//! A mapping has a reader per shard, a shard has as many lanes as the mapping's parallelisation factor, and a lane runs one
//! batch at a time. What to do after a call is decided in [`decide`], without any I/O.

pub mod batch;
mod checkpoint;
pub mod decide;
mod destination;
mod lane;
pub mod lineage;
mod mapping;
mod progress;
pub mod record;
mod shard;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use crate::aws::{Aws, Refusal};
use crate::failure::Failure;
use crate::host::Host;
use checkpoint::Checkpoints;
use lineage::Shard;
pub use mapping::{Mapping, Start};

/// How often a stream is asked for new shards.
const LISTING: Duration = Duration::from_secs(2);

/// What the parts of a running mapping share.
pub(crate) struct Running {
    pub(crate) mapping: Mapping,
    pub(crate) aws: Aws,
    pub(crate) host: Arc<Host>,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Running {
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Sleeps, or returns early when told to stop.
    pub(crate) async fn pause(&self, time: Duration) {
        let mut stop = self.stop.clone();
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            _ = stop.wait_for(|stopped| *stopped) => {}
        }
    }
}

/// Drives a mapping until told to stop; the batch each lane is in is finished first.
pub async fn drive(
    mapping: Mapping,
    aws: Aws,
    host: Arc<Host>,
    folder: &Path,
    stop: watch::Receiver<bool>,
) -> Result<(), Failure> {
    let checkpoints = Checkpoints::open(&folder.join(format!("{}.json", mapping.uuid)))?;
    let first_run = checkpoints.is_empty();
    let running = Arc::new(Running { mapping, aws, host, checkpoints, stop });
    let mut readers = JoinSet::new();
    let mut started: HashMap<String, AbortHandle> = HashMap::new();
    let mut first_listing = true;
    while !running.is_stopping() {
        match list(&running).await {
            Ok(shards) => {
                let original = first_run && first_listing;
                let start = if original { running.mapping.starting_position } else { Start::TrimHorizon };
                for shard in lineage::startable(&shards, |id| running.checkpoints.is_finished(id)) {
                    // A reader that ended without finishing its shard is followed by another.
                    if started.get(&shard).is_none_or(AbortHandle::is_finished) {
                        let reader = readers.spawn(shard::read(Arc::clone(&running), shard.clone(), start));
                        started.insert(shard, reader);
                    }
                }
                first_listing = false;
            }
            Err(refusal) => tracing::warn!(%refusal, "cannot list the stream's shards"),
        }
        while readers.try_join_next().is_some() {}
        running.pause(LISTING).await;
    }
    while readers.join_next().await.is_some() {}
    Ok(())
}

async fn list(running: &Running) -> Result<Vec<Shard>, Refusal> {
    let mut shards = BTreeMap::new();
    let mut input = json!({ "StreamName": running.mapping.stream_name() });
    loop {
        let answer = running.aws.call("kinesis", "Kinesis_20131202.ListShards", &input).await?;
        for shard in answer.get("Shards").and_then(Value::as_array).into_iter().flatten() {
            if let Some(shard) = Shard::of(shard) {
                shards.insert(shard.id.clone(), shard);
            }
        }
        match answer.get("NextToken").and_then(Value::as_str) {
            Some(token) => input = json!({ "NextToken": token }),
            None => return Ok(shards.into_values().collect()),
        }
    }
}
