//! The queue of asynchronous events.

use std::sync::Arc;

use local::aws::Aws;
use local::host::Queue;
use tokio::sync::watch;

use super::Stage;

/// A queue without an emulator.
pub(crate) async fn none(stage: &Stage) -> Arc<Queue> {
    open(stage, "http://127.0.0.1:9").await.0
}

/// The queue in the stage's folder, and what stops it.
pub(crate) async fn open(stage: &Stage, emulator_url: &str) -> (Arc<Queue>, watch::Sender<bool>) {
    let (stop, stopped) = watch::channel(false);
    let aws = Aws::new(emulator_url, "eu-central-1");
    let queue = Queue::open(Arc::clone(&stage.host), aws, &stage.path("events"), stopped).await;
    (queue.unwrap(), stop)
}
