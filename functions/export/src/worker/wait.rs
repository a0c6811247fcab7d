//! Waits for the stream: what was acknowledged before the request shall be in the file.

use std::time::Duration;

use relay::backlog::{Drained, drained};
use relay::export::Export;
use relay::fault::Fault;
use relay::port::{Backlog, ControlTable, ExportFiles, Look, PageStore};

use super::{Clock, Worker};

/// How long a new export waits for the stream to be drained past its `as_of`: milliseconds. Then it goes on, and its mail says up to when it is
/// complete.
const MAX_WAIT_MS: i64 = 60_000;

/// The longest look of one step. The next one goes on where it ended.
const LONGEST_LOOK: Duration = Duration::from_secs(10);

impl<C: ControlTable, P: PageStore, F: ExportFiles, B: Backlog> Worker<C, P, F, B> {
    /// Whether reading may begin: everything acknowledged before the request is in the pages, or that was waited for long enough. Says in
    /// the export up to when it is complete.
    pub(super) async fn may_begin(&self, export: &mut Export, clock: &Clock<impl Fn() -> i64>) -> Result<bool, Fault> {
        let now = clock.now();
        let within = LONGEST_LOOK.min(clock.left() / 3);
        let look = Look { now, enough: Drained::enough(export.as_of), within };
        let until = match drained(&self.control, &self.backlog, look).await {
            Ok(drained) => Some(drained.acknowledged_until(export.as_of)),
            // No reason to give the file up: that it may be incomplete can be said.
            Err(fault) if fault.is_transient() => {
                tracing::warn!(export_id = export.export_id, %fault, "how far the stream is drained is not known");
                None
            }
            Err(fault) => return Err(fault),
        };
        let waited = now.saturating_sub(export.started_at.unwrap_or(export.as_of));
        if until != Some(export.as_of) && waited < MAX_WAIT_MS {
            return Ok(false);
        }
        export.complete_until = until;
        Ok(true)
    }
}
