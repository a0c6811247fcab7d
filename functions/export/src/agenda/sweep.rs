//! Takes away what an export left in the bucket when it ended.

use relay::agenda::{Errand, Sweep, Taken};
use relay::export::{Status, files_folder, store, tails_folder};
use relay::fault::Fault;
use relay::port::{ControlTable, Hooks, Leavings};

use super::{Agenda, Outcome};

impl<C: ControlTable, F: Leavings, H: Hooks> Agenda<'_, C, F, H> {
    /// Aborts the export's open uploads and removes its tails and, where it came to no good end, its files: no link leads to them. The same once more when
    /// nobody can leave anything any more.
    pub(super) async fn sweep(&self, taken: &Taken, sweep: Sweep, now: i64) -> Result<Outcome, Fault> {
        let Sweep { owner, export_id, last_at } = &sweep;
        let uploads = self.files.uploads(&files_folder(owner, export_id)).await?;
        for upload in &uploads {
            self.files.abort(upload).await?;
        }
        let tails = self.files.clear(&tails_folder(owner, export_id)).await?;
        let files = if self.is_in_vain(owner, export_id).await? {
            self.files.clear(&files_folder(owner, export_id)).await?
        } else {
            0
        };
        if !uploads.is_empty() || tails + files > 0 {
            tracing::info!(
                owner,
                export_id,
                uploads = uploads.len(),
                tails,
                files,
                "took away what an export had left"
            );
        }
        let last_at = *last_at;
        self.settle(taken, (now < last_at).then_some((&Errand::Sweep(sweep), last_at))).await?;
        Ok(Outcome::Swept(uploads.len()))
    }

    async fn is_in_vain(&self, owner: &str, export_id: &str) -> Result<bool, Fault> {
        let export = store::load(self.control, owner, export_id).await?;
        Ok(export.is_some_and(|(export, _)| matches!(export.status, Status::Failed | Status::Cancelled)))
    }
}
