//! `POST /v1/exports`: into the queue, or told at once that there is nothing, or which export it is already.

use std::time::Duration;

use relay::backlog::{Drained, drained};
use relay::control::{CommitError, Expect, Key};
use relay::erase::Erased;
use relay::export::queue::position;
use relay::export::{Asked, Export, ExportRequest, Recent, Status, export_id, store};
use relay::fault::{Fault, FaultKind};
use relay::http::{Request, Response};
use relay::metric::{Labels, Metric};
use relay::owner::Owner;
use relay::page::largest_shards;
use relay::period::Day;
use relay::port::{ControlTable, Look};
use relay::reader::{self, Selection};
use relay::{address, tenancy};
use serde_json::json;
use tokio::time::timeout;

use super::{Api, Call, Caller, Ports, Refusal, problem};
use crate::dispatch::Line;
use crate::queue::seated;

/// The most questions that a caller is kept waiting for, to be told at once that a period holds nothing: a few milliseconds each. Two weeks
/// over 16 shards are 240. A longer period, or more shards, is queued, and the worker finds out.
const MAX_QUESTIONS: u64 = 256;

/// How often to look for another seat when requests at the same time take the one that was free.
const MAX_ATTEMPTS: usize = 8;

/// The most bytes of a request: every column and a long list of filters fit many times.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// How long a request may take to find out whether the stream is drained; where it is not found out the export is queued, which is never wrong.
const LONGEST_LOOK: Duration = Duration::from_secs(3);

/// An export that is asked for.
struct New {
    export: Export,
    /// Where it is noted which export stands for such a request.
    recent: Key,
}

impl<W: Ports> Api<W> {
    pub(super) async fn create(&self, call: &Call<'_>, caller: &Caller) -> Result<Response, Refusal> {
        check_envelope(call.request)?;
        let owner = &caller.owner;
        let asked = self.checked(call, owner).await?;
        if let (Some(same), _) = self.lately(&asked).await? {
            return Ok(self.accepted(&same, call).await);
        }
        if self.holds_nothing(&asked.export).await? {
            return Ok(Response::json(200, &json!({"status": "empty"})));
        }
        if let Some(same) = self.queue(&asked, caller, call.random).await? {
            return Ok(self.accepted(&same, call).await);
        }
        self.count(Metric::ExportsRequested, Labels::NONE);
        tracing::info!(owner, export_id = asked.export.export_id, trace_id = call.trace_id, "queued");
        Ok(self.accepted(&asked.export, call).await)
    }

    /// The answer with the export that stands for the request, as it is now.
    async fn accepted(&self, export: &Export, call: &Call<'_>) -> Response {
        let status = export.status_at(call.now, self.settings.retention_days);
        let position = if status == Status::Queued { self.position(&export.export_id).await } else { None };
        let mut body = json!({"export_id": export.export_id, "status": status.name(), "position": position});
        let warnings = self.warnings(export).await;
        if let Some(body) = body.as_object_mut().filter(|_| !warnings.is_empty()) {
            body.insert("warnings".to_owned(), json!(warnings));
        }
        Response::json(202, &body).with_header("location", format!("/v1/exports/{}", export.export_id))
    }

    /// The export that stands for the same request of the last minute, where it is still of use, and what a new one's write must find there.
    async fn lately(&self, asked: &New) -> Result<(Option<Export>, Expect), Fault> {
        let found = tenancy::find::<Recent>(&self.control, asked.recent.clone()).await?;
        let Some((recent, version)) = found else { return Ok((None, Expect::Absent)) };
        let (owner, now) = (&asked.export.owner, asked.export.as_of);
        if !recent.is_recent(now) {
            return Ok((None, Expect::Version(version)));
        }
        let export = store::load(&self.control, owner, &recent.export_id).await?.map(|(export, _)| export);
        let same = export.filter(|export| export.serves_at(now, self.settings.retention_days));
        if let Some(same) = &same {
            tracing::info!(owner, export_id = same.export_id, trace_id = asked.export.trace_id, "asked for again");
        }
        Ok((same, Expect::Version(version)))
    }

    /// What the caller should know although the export is taken: its file will be on the page, whom no mail reaches.
    async fn warnings(&self, export: &Export) -> Vec<String> {
        let mut warnings = Vec::new();
        for email in &export.emails {
            match address::unreachable(&self.control, &export.owner, email).await {
                Ok(mark) => warnings.extend(mark.map(|mark| mark.words())),
                Err(fault) => tracing::warn!(%fault, "whether an address takes mail is not known"),
            }
        }
        warnings
    }

    /// The export as asked for, every field of it usable, of an app of this owner.
    async fn checked(&self, call: &Call<'_>, owner: &str) -> Result<New, Refusal> {
        let profile = self.profile(owner).await?;
        let parsed = ExportRequest::parse(&call.request.body, &profile, self.settings.max_export_days);
        let request = parsed.map_err(problem::unusable)?;
        let recent = Recent::key(owner, &request.digest());
        Ok(New { export: self.export_of(request, profile, call).await?, recent })
    }

    /// The same of a request that brings no mail; its addresses are not looked at.
    pub(super) async fn checked_without_mail(&self, call: &Call<'_>, owner: &str) -> Result<Export, Refusal> {
        let profile = self.profile(owner).await?;
        let parsed = ExportRequest::parse_without_mail(&call.request.body, self.settings.max_export_days);
        self.export_of(parsed.map_err(problem::unusable)?, profile, call).await
    }

    /// The rows asked for by a query string, checked as those of an export are, and the days of their period.
    pub(super) async fn checked_query(&self, call: &Call<'_>, owner: &str) -> Result<(Export, Vec<Day>), Refusal> {
        let profile = self.profile(owner).await?;
        let parsed = ExportRequest::parse_query(&call.request.query, self.settings.max_export_days);
        let request = parsed.map_err(problem::unusable)?;
        let days = request.period.days();
        Ok((self.export_of(request, profile, call).await?, days))
    }

    async fn export_of(&self, request: ExportRequest, profile: Owner, call: &Call<'_>) -> Result<Export, Refusal> {
        self.check_app(&request.app_token, &profile.owner).await?;
        let received_since = tenancy::received_since(&self.control, &request.app_token, &profile.owner).await?;
        let asked = Asked {
            owner: profile.owner,
            retention_days: profile.retention_days,
            now: call.now,
            export_id: export_id(call.now, call.random),
            trace_id: call.trace_id.clone(),
        };
        Ok(Export { received_since, ..Export::new(request, asked) })
    }

    /// Whether the period holds no page, and nothing that has been acknowledged is still on its way to one.
    async fn holds_nothing(&self, export: &Export) -> Result<bool, Fault> {
        // A period mostly holds something, and then the stream need not be asked. Where it seems to hold nothing: drained first, then looked
        // again, so that a page is seen that came in between, in a shard of the table that was new then.
        Ok(self.holds_no_page(export).await? && self.is_drained(export).await && self.holds_no_page(export).await?)
    }

    async fn holds_no_page(&self, export: &Export) -> Result<bool, Fault> {
        let shards = largest_shards(&self.control).await?;
        // Whether there is a page is asked; of its rows, erased or not, none is looked at.
        let erased = Erased::none();
        let selections: Vec<_> =
            export.kinds.iter().map(|kind| export.selection(*kind, shards, None, &erased)).collect();
        if selections.iter().map(Selection::questions).sum::<u64>() > MAX_QUESTIONS {
            return Ok(false);
        }
        for selection in &selections {
            if !reader::is_empty(&self.pages, selection).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether everything acknowledged before the request is in the pages.
    async fn is_drained(&self, export: &Export) -> bool {
        self.complete_until(export.as_of, LONGEST_LOOK).await == Some(export.as_of)
    }

    /// Up to when, but no further than `as_of`, everything acknowledged is in the pages; `None` where that is not known in time.
    pub(super) async fn complete_until(&self, as_of: i64, within: Duration) -> Option<i64> {
        let look = Look { now: as_of, enough: Drained::enough(as_of), within };
        // A look ends after the call that reaches its time, and that one may hang.
        match timeout(within * 2, drained(&self.control, &self.backlog, look)).await {
            Ok(Ok(drained)) => Some(drained.acknowledged_until(as_of)),
            Ok(Err(fault)) => {
                tracing::warn!(%fault, "how far the stream is drained is not known");
                None
            }
            Err(_) => {
                tracing::warn!("how far the stream is drained was not told in time");
                None
            }
        }
    }

    /// Puts it into the queue, unless the same request has come in between; the answer is that one's export then.
    async fn queue(&self, asked: &New, caller: &Caller, random: [u8; 10]) -> Result<Option<Export>, Refusal> {
        let New { export, recent } = asked;
        for _ in 0..MAX_ATTEMPTS {
            let (same, expect) = self.lately(asked).await?;
            if same.is_some() {
                return Ok(same);
            }
            let queueing =
                seated(&self.control, export, &caller.actor, &random).await?.ok_or_else(problem::too_many_exports)?;
            let mut writes = queueing.to_vec();
            writes.push(Recent::of(export).write(recent.clone(), expect)?);
            match self.control.commit(&writes).await {
                Ok(()) => return Ok(None),
                Err(CommitError::Conflict(_)) => {}
                Err(CommitError::Fault(fault)) => return Err(fault.into()),
            }
        }
        let detail = format!("a seat for export {} was taken by others each time", export.export_id);
        Err(Fault::new(FaultKind::Unavailable, "control:Commit", detail).into())
    }

    /// The place in line; unknown where the queue cannot be read just now: the export is in it all the same.
    async fn position(&self, export_id: &str) -> Option<u64> {
        let line = Line::read(&self.control).await.ok()?;
        position(&line.ordered(), export_id)
    }
}

pub(super) fn check_envelope(request: &Request) -> Result<(), Refusal> {
    let content_type = request.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(problem::wrong_content_type().into());
    }
    if request.body.len() > MAX_BODY_BYTES {
        return Err(problem::too_large(MAX_BODY_BYTES).into());
    }
    Ok(())
}
