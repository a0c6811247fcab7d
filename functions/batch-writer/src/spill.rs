//! Messages of the spill queue: frames without an order, each durable or not on its own.

use std::time::Duration;

use relay::port::{ControlTable, PageStore, Quarantine};

use crate::App;
use crate::batch::Record;
use crate::drain::{Clock, MARGIN};

impl<P: PageStore, C: ControlTable, Q: Quarantine> App<P, C, Q> {
    /// Makes the messages durable; answers those that are not, whatever their place.
    ///
    /// [`App::drain`] answers the first that is not and says nothing of those behind it, so these are drained again without it: what of them is stored
    /// already does no harm, and what shared a page with the first gets a page of its own. When the time is over, the rest counts as not durable
    /// and comes again.
    pub async fn drain_spill<'m>(&self, messages: &'m [Record], clock: &impl Clock) -> Vec<&'m Record> {
        let mut failed = Vec::new();
        let mut rest = messages;
        while let Some(index) = self.drain(rest, &Share(clock)).await {
            let (_, behind) = rest.split_at(index.min(rest.len()));
            let Some((first, behind)) = behind.split_first() else { break };
            failed.push(first);
            rest = behind;
            if Share(clock).remaining() <= MARGIN {
                failed.extend(rest);
                break;
            }
        }
        failed
    }
}

/// Half of what is left of an invocation's time: one message that cannot be stored must leave time for those behind it.
struct Share<'c, C>(&'c C);

impl<C: Clock> Clock for Share<'_, C> {
    fn remaining(&self) -> Duration {
        self.0.remaining() / 2
    }

    fn now(&self) -> i64 {
        self.0.now()
    }

    fn jitter(&self) -> u32 {
        self.0.jitter()
    }
}
