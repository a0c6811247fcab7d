//! `DELETE /v1/exports/{id}/file`: the files of an export go before their time.

use relay::audit::Action;
use relay::export::{Export, Status, store};
use relay::http::Response;
use relay::port::Removal;
use serde_json::Value;

use super::{Api, Call, Caller, Ports, Refusal, problem};

impl<W: Ports> Api<W> {
    /// First the export says that its files are gone, then they are. Whatever comes between, there is no new link to a file that may be gone,
    /// and the same call again deletes what is left: it always deletes everything, whoever was there before.
    pub(super) async fn delete_file(&self, call: &Call<'_>, caller: &Caller, id: &str) -> Result<Response, Refusal> {
        let owner = &caller.owner;
        let (export, _) = self.load(owner, id).await?;
        if export.status != Status::Done {
            return Err(problem::no_file_to_delete(export.status.name()).into());
        }
        let note =
            |stored: &mut Export| stored.file_deleted_at.replace(stored.file_deleted_at.unwrap_or(call.now)).is_none();
        let record = caller.did(Action::FileDeleted, id);
        let writes = |stored: &Export, version| Ok(vec![store::replace(stored, version)?, record.write()?]);
        let noted = store::rewrite(&self.control, owner, id, note, writes).await?;
        let (export, is_first) = noted.ok_or_else(problem::no_such_export)?;
        let keys = export.object_keys();
        self.files.remove(&keys).await.into_iter().collect::<Result<Vec<()>, _>>()?;
        let files = keys.len();
        tracing::info!(
            owner,
            export_id = id,
            trace_id = call.trace_id,
            files,
            is_first,
            "files deleted for their owner"
        );
        let shown = self.show(&[export], call.now).await?;
        Ok(Response::json(200, shown.first().unwrap_or(&Value::Null)))
    }
}
