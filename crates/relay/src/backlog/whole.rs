//! Both ways on which an activity may still be.

use crate::fault::{Fault, FaultKind};
use crate::port::{Backlog, Look, Sights, SpillBacklog, Start};

/// What the spill queue's sight is called beside the shards'.
const SPILL: &str = "spill queue";

/// The stream and the spill queue beside it. While the queue holds frames nobody knows how old they are: then it is not known, either, up to when the
/// pages are complete, whatever the stream's shards show.
#[derive(Clone, Debug)]
pub struct Whole<S, Q> {
    /// The stream.
    pub stream: S,
    /// The spill queue.
    pub spill: Q,
}

impl<S: Backlog, Q: SpillBacklog> Backlog for Whole<S, Q> {
    async fn look(&self, starts: &[Start], look: Look) -> Result<Sights, Fault> {
        let mut sights = self.stream.look(starts, look).await?;
        let held =
            || Fault::new(FaultKind::Unavailable, "spill:IsEmpty", "it holds frames, of an age that nobody knows");
        match self.spill.is_empty().await {
            Ok(true) => {}
            Ok(false) => sights.push((SPILL.to_owned(), Err(held()))),
            Err(fault) => sights.push((SPILL.to_owned(), Err(fault))),
        }
        Ok(sights)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::backlog::{Drained, drained};
    use crate::port::Spill;
    use crate::port::memory::{MemoryControl, MemorySpill, MemoryStream};

    #[tokio::test]
    async fn nothing_is_called_complete_while_the_spill_queue_holds_frames() {
        let control = MemoryControl::default();
        let whole = Whole { stream: MemoryStream::new(2), spill: MemorySpill::default() };
        let look = Look { now: 1_000, enough: 1_000, within: Duration::from_secs(1) };
        assert_eq!(drained(&control, &whole, look).await, Ok(Drained::Wholly));
        whole.spill.send(&[Bytes::from_static(b"frame")]).await;
        let fault = drained(&control, &whole, look).await.unwrap_err();
        assert!(fault.is_transient(), "an export waits, then says that it is not known: {fault}");
        let sent = whole.spill.messages().remove(0).message_id;
        whole.spill.delete(&[sent]);
        assert_eq!(drained(&control, &whole, look).await, Ok(Drained::Wholly));
        whole.spill.script.refuse("is_empty", 1, FaultKind::Throttled);
        assert_eq!(drained(&control, &whole, look).await.unwrap_err().kind, FaultKind::Throttled);
    }
}
