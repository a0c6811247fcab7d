//! Exports in table `control`: read, written under the version read, amended.

use super::Export;
use crate::agenda::Errand;
use crate::control::{CommitError, Expect, Write};
use crate::fault::{Fault, FaultKind};
use crate::port::ControlTable;
use crate::tenancy::find;

/// How often an amendment is tried before a neighbour that keeps writing counts as a fault.
const MAX_AMENDMENTS: usize = 8;

/// The export with its version; `None` where this owner has none of this id.
pub async fn load(control: &impl ControlTable, owner: &str, id: &str) -> Result<Option<(Export, u64)>, Fault> {
    find(control, Export::key(owner, id)).await
}

/// The write that replaces an export of this version.
pub fn replace(export: &Export, version: u64) -> Result<Write, Fault> {
    Write::put(Export::key(&export.owner, &export.export_id), export, Expect::Version(version))
}

/// The writes that end an export of this version: the export, as it ended, and what there is to do about that.
pub fn ending(export: &Export, version: u64) -> Result<Vec<Write>, Fault> {
    let mut writes = vec![replace(export, version)?];
    writes.extend(Errand::about(export)?);
    Ok(writes)
}

/// Changes an export whoever else writes it: reads it afresh and tries again after a conflict. `change` answers whether there is anything
/// to write. The answer is the export as it then stands, and whether this call wrote it; `None` where there is none.
pub async fn amend(
    control: &impl ControlTable,
    owner: &str,
    id: &str,
    change: impl Fn(&mut Export) -> bool,
) -> Result<Option<(Export, bool)>, Fault> {
    rewrite(control, owner, id, change, |export, version| Ok(vec![replace(export, version)?])).await
}

/// Ends an export whoever else writes it, as [`amend`] changes it, and with it puts on the agenda what there is to do about its end.
pub async fn end(
    control: &impl ControlTable,
    owner: &str,
    id: &str,
    change: impl Fn(&mut Export) -> bool,
) -> Result<Option<(Export, bool)>, Fault> {
    rewrite(control, owner, id, change, ending).await
}

/// As [`amend`]; `writes` makes the commit of the changed export and the version it was read under.
pub async fn rewrite(
    control: &impl ControlTable,
    owner: &str,
    id: &str,
    change: impl Fn(&mut Export) -> bool,
    writes: impl Fn(&Export, u64) -> Result<Vec<Write>, Fault>,
) -> Result<Option<(Export, bool)>, Fault> {
    for _ in 0..MAX_AMENDMENTS {
        let Some((mut export, version)) = load(control, owner, id).await? else { return Ok(None) };
        if !change(&mut export) {
            return Ok(Some((export, false)));
        }
        match control.commit(&writes(&export, version)?).await {
            Ok(()) => return Ok(Some((export, true))),
            Err(CommitError::Conflict(_)) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
    Err(Fault::new(FaultKind::Unavailable, "control:Commit", format!("export {id} was written by others each time")))
}
