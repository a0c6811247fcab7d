//! What an export reads.

use std::sync::Arc;

use super::{Export, Unusable};
use crate::activity::{ActivityId, Kind};
use crate::erase::Erased;
use crate::reader::Selection;

impl Export {
    /// What is read of one of its kinds behind a row, less what its owner's tombstones cover.
    #[must_use]
    pub fn selection(
        &self,
        kind: Kind,
        shards: u32,
        after: Option<(i64, ActivityId)>,
        erased: &Arc<Erased>,
    ) -> Selection {
        Selection {
            app_token: self.app_token.clone(),
            kind,
            from: self.from,
            to: self.to,
            as_of: self.as_of,
            kept_since: self.kept_since,
            after,
            received_since: self.received_since,
            shards,
            erased: Arc::clone(erased),
        }
    }

    /// The last row of the kind under way that the worker has written.
    pub fn last_row(&self) -> Result<Option<(i64, ActivityId)>, Unusable> {
        let Some((created_at, id)) = &self.checkpoint.after else { return Ok(None) };
        let id = id.parse().map_err(|_| self.unusable(format!("{id} is no activity's id")))?;
        Ok(Some((*created_at, id)))
    }
}
