//! `POST /v1/exports/{id}/link`: a fresh link, in the answer and, where one may go, in a mail.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::{StreamExt, TryStreamExt, stream};
use relay::address;
use relay::audit::{Action, Record, domain};
use relay::control::{CommitError, Write};
use relay::export::{Export, Status, store};
use relay::fault::Fault;
use relay::http::Response;
use relay::link::Link;
use relay::metric::{Labels, Metric};
use relay::notice::{self, Download, Mail, Surroundings};
use relay::period::rfc3339;
use relay::port::{ControlTable, LinkSigner, Mailer, SendMailError};
use relay::{schedule, tenancy};
use serde_json::json;

use super::{Api, Call, Caller, Ports, Refusal, Settings, problem};

/// The least time between two mails with a fresh link to one file: milliseconds. Each call is answered with a link; whoever calls in a loop
/// fills no mailbox.
const MAIL_INTERVAL_MS: i64 = 5 * 60_000;

/// How many links are signed at a time: each takes a session of its own, and an export may have hundreds of files.
const SIGNED_AT_ONCE: usize = 16;

impl<W: Ports> Api<W> {
    pub(super) async fn link(&self, call: &Call<'_>, caller: &Caller, id: &str) -> Result<Response, Refusal> {
        let (export, _) = self.load(&caller.owner, id).await?;
        let status = export.status_at(call.now, self.settings.retention_days);
        if let Some(at) = export.file_deleted_at {
            return Err(problem::deleted(&rfc3339(at)).into());
        }
        if status == Status::Expired {
            return Err(problem::expired(self.settings.retention_days).into());
        }
        if status != Status::Done {
            return Err(problem::no_file(status.name()).into());
        }
        let link = self.signer.sign(&export.object_key(), &export.file_name(), call.now).await?;
        let files = self.file_links(&export, call.now).await?;
        // Behind everything that may fail: a call that is not answered takes no mail away.
        let is_due = self.record(caller, &export, &link, call.now).await?;
        let is_mailed = is_due && self.mail(&export, &link, &files, &call.trace_id).await;
        let link_of = |Download { name, link }: &Download| json!({"name": name, "url": link.url, "expires_at": rfc3339(link.expires_at)});
        let files: Vec<_> = files.iter().map(link_of).collect();
        let expires_at = rfc3339(link.expires_at);
        let body = json!({"url": link.url, "expires_at": expires_at, "mailed": is_mailed, "files": files});
        Ok(Response::json(200, &body))
    }

    /// A link to each file with rows.
    async fn file_links(&self, export: &Export, now: i64) -> Result<Vec<Download>, Refusal> {
        let names = export.files().into_iter().map(|file| file.name);
        let links = stream::iter(names).map(|name| async move {
            let link = self.signer.sign(&export.key_of(&name), &name, now).await?;
            Ok::<_, Fault>(Download { name, link })
        });
        Ok(links.buffered(SIGNED_AT_ONCE).try_collect().await?)
    }

    /// Whether a mail may go to an address. Days lie between the request and a fresh link: the domain may have been taken from the owner since, the
    /// address have stopped to take mail, or left the schedule. The answer goes to the holder of a key of the owner's all the same.
    async fn may_mail(&self, export: &Export, email: &str) -> Result<bool, Fault> {
        let owner = tenancy::owner(&self.control, &export.owner).await?;
        let is_registered = owner.is_some_and(|owner| owner.may_mail(email));
        let may = is_registered && address::unreachable(&self.control, &export.owner, email).await?.is_none();
        Ok(may && !schedule::has_left(&self.control, export, email).await?)
    }

    /// Records who got the link, notes its end, and claims its mail where one is due; whether it did. The link itself is given only with its
    /// record. Should only the export not be written, because others write it, there is no mail: nothing would bound their number.
    async fn record(&self, caller: &Caller, export: &Export, link: &Link, now: i64) -> Result<bool, Fault> {
        let is_due = AtomicBool::new(false);
        let change = |stored: &mut Export| {
            let is_later = stored.link_expires_at.is_none_or(|before| before < link.expires_at);
            stored.link_expires_at = stored.link_expires_at.max(Some(link.expires_at));
            let due = stored.link_mailed_at.is_none_or(|before| now.saturating_sub(before) >= MAIL_INTERVAL_MS);
            if due {
                stored.link_mailed_at = Some(now);
            }
            is_due.store(due, Ordering::Relaxed);
            is_later || due
        };
        let made = caller.did(Action::LinkMade, &export.export_id);
        let writes = |stored: &Export, version| {
            let mut writes = vec![store::replace(stored, version)?, made.write()?];
            if is_due.load(Ordering::Relaxed) {
                writes.extend(mailed(caller, stored)?);
            }
            Ok(writes)
        };
        match store::rewrite(&self.control, &export.owner, &export.export_id, change, writes).await {
            Ok(Some((_, true))) => return Ok(is_due.into_inner()),
            Ok(_) => {}
            Err(fault) => {
                tracing::warn!(export_id = export.export_id, %fault, "the link's end could not be noted");
            }
        }
        self.record_alone(&made).await.map(|()| false)
    }

    async fn record_alone(&self, made: &Record) -> Result<(), Fault> {
        match self.control.commit(&[made.write()?]).await {
            // It was written, and only the answer lost.
            Ok(()) | Err(CommitError::Conflict(_)) => Ok(()),
            Err(CommitError::Fault(fault)) => Err(fault),
        }
    }

    /// Whether a mail is on its way to one of the addresses.
    async fn mail(&self, export: &Export, link: &Link, files: &[Download], trace_id: &str) -> bool {
        let Settings { site_url, retention_days, .. } = &self.settings;
        let whole = Download { name: export.file_name(), link: link.clone() };
        let is_shown = |name: &String| files.iter().chain([&whole]).find(|download| download.name == *name).cloned();
        let links: Vec<_> = notice::downloads(export).iter().filter_map(is_shown).collect();
        let mut is_mailed = false;
        for email in &export.emails {
            let unsubscribe = export.run.as_ref().and_then(|run| run.token(email));
            let around = Surroundings { site_url: site_url.as_deref(), retention_days: *retention_days, unsubscribe };
            let mail = notice::ready(export, &links, around);
            is_mailed |= self.mail_to(email, &mail, export, trace_id).await;
        }
        is_mailed
    }

    /// Whether the mail service took it.
    async fn mail_to(&self, email: &str, mail: &Mail, export: &Export, trace_id: &str) -> bool {
        match self.may_mail(export, email).await {
            Ok(true) => {}
            Ok(false) => return false,
            Err(fault) => {
                tracing::warn!(export_id = export.export_id, trace_id, %fault, "whether an address may be mailed is not known; no mail");
                return false;
            }
        }
        let (metric, labels) = match self.mailer.send(email, mail).await {
            Ok(_) => (Metric::MailsSent, Labels::NONE),
            Err(SendMailError::Rejected(reason)) => {
                tracing::warn!(export_id = export.export_id, trace_id, reason, "the mail with the link is refused");
                (Metric::MailsRejected, Labels::NONE)
            }
            Err(SendMailError::Fault(fault)) => {
                tracing::error!(export_id = export.export_id, trace_id, %fault, "the mail with the link was not sent");
                (Metric::MailsFailed, Labels::NONE.reason(fault.kind.name()))
            }
        };
        self.count(metric, labels);
        metric == Metric::MailsSent
    }
}

/// The records of the mails that are about to go out.
fn mailed(caller: &Caller, export: &Export) -> Result<Vec<Write>, Fault> {
    let record = |(place, email): (usize, &String)| {
        let record = caller.did(Action::LinkMailed, &export.export_id);
        record.with("address", place + 1).with("domain", domain(email)).write()
    };
    export.emails.iter().enumerate().map(record).collect()
}
