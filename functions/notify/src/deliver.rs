//! One mail an export: claimed, signed, sent, recorded.

use relay::export::{Export, NoticeState, Status, store};
use relay::fault::Fault;
use relay::link::Link;
use relay::metric::{Labels, Metric};
use relay::notice::{self, Mail};
use relay::port::{ControlTable, LinkSigner, Mailer, SendMailError};

use crate::App;

/// How long a claim holds: milliseconds. Longer than the function may run (30 s), shorter than Lambda waits before it repeats an
/// asynchronous invocation (one minute): a claim whose holder died is free when the event comes again.
pub const CLAIM_MS: i64 = 45_000;

/// An event about an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Whose export.
    pub owner: String,
    /// Which.
    pub export_id: String,
    /// What happened.
    pub what: Happened,
}

/// What happened to the export. Each end has one event that mails it, so that two events never race for one mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// Its file is there: a mail with a link.
    ObjectCreated,
    /// The execution of this name ended: a mail if the export is empty or failed.
    ExecutionEnded(String),
}

/// Why the mail is not sent yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotifyError {
    /// The world's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The export has not reached its end: the event came before the table knew.
    #[error("the export is still {0}; the event comes again")]
    NotSettled(&'static str),
    /// Another invocation is sending it, or died doing so.
    #[error("another invocation claimed the mail; the event comes again in case it died")]
    Claimed,
}

impl NotifyError {
    /// The stable name: Lambda's `errorType`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Fault(_) => "Notify.Fault",
            Self::NotSettled(_) => "Notify.NotSettled",
            Self::Claimed => "Notify.Claimed",
        }
    }
}

/// What an event about an export calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// A mail with a link.
    Ready,
    /// A mail that says there was nothing.
    Empty,
    /// A mail that says what went wrong.
    Failed,
    /// No mail: sent before, cancelled, or another event's matter.
    Nothing,
    /// The table does not know of the end yet.
    Later,
}

impl<C: ControlTable, L: LinkSigner, M: Mailer> App<C, L, M> {
    /// Sends the mail that the export's state calls for, unless it was sent; `now` is milliseconds since the epoch.
    pub async fn deliver(&self, cause: &Cause, now: i64) -> Result<(), NotifyError> {
        let Some((export, is_claimed)) = self.claim(cause, now).await? else {
            tracing::warn!(owner = cause.owner, export_id = cause.export_id, "no such export");
            return Ok(());
        };
        // What was due before the claim: the claim changes nothing of it.
        let due = due(&export, &cause.what);
        if !is_claimed && matches!(due, Due::Ready | Due::Empty | Due::Failed) {
            return Err(NotifyError::Claimed);
        }
        let site_url = self.site_url.as_deref();
        match due {
            Due::Nothing => Ok(()),
            Due::Later => Err(NotifyError::NotSettled(export.status.name())),
            Due::Ready => {
                let link = self.signer.sign(&export.object_key(), &export.file_name(), now).await?;
                let mail = notice::ready(&export, &link, site_url);
                self.send(&export, mail, Some(link), now).await
            }
            Due::Empty => self.send(&export, notice::empty(&export, site_url), None, now).await,
            Due::Failed => self.send(&export, notice::failed(&export, site_url), None, now).await,
        }
    }

    /// Claims the mail, where one is due and nobody holds it. Answers the export and whether this call claimed it.
    async fn claim(&self, cause: &Cause, now: i64) -> Result<Option<(Export, bool)>, Fault> {
        store::amend(&self.control, &cause.owner, &cause.export_id, |export| {
            let is_due = matches!(due(export, &cause.what), Due::Ready | Due::Empty | Due::Failed);
            let is_free = export.notice.as_ref().is_none_or(|notice| now >= notice.claimed_at.saturating_add(CLAIM_MS));
            if is_due && is_free {
                export.notice = Some(NoticeState { claimed_at: now, sent_at: None, refused: None });
            }
            is_due && is_free
        })
        .await
    }

    /// Sends and records it. A fault leaves the claim to its lease: the event comes again after that.
    async fn send(&self, export: &Export, mail: Mail, link: Option<Link>, now: i64) -> Result<(), NotifyError> {
        let refused = match self.mailer.send(&export.email, &mail).await {
            Ok(message_id) => {
                tracing::info!(export_id = export.export_id, trace_id = export.trace_id, message_id, "mail sent");
                self.count(Metric::MailsSent, Labels::NONE);
                None
            }
            Err(SendMailError::Rejected(detail)) => {
                tracing::error!(
                    export_id = export.export_id,
                    detail,
                    "the mail service refuses the mail; it is not tried again"
                );
                self.count(Metric::MailsRejected, Labels::NONE);
                Some(detail)
            }
            Err(SendMailError::Fault(fault)) => {
                self.count(Metric::MailsFailed, Labels::NONE.reason(fault.kind.name()));
                return Err(fault.into());
            }
        };
        let recorded = store::amend(&self.control, &export.owner, &export.export_id, |export| {
            let sent_at = refused.is_none().then_some(now);
            export.notice = Some(NoticeState { claimed_at: now, sent_at, refused: refused.clone() });
            if let Some(link) = &link {
                export.link_expires_at = Some(link.expires_at);
            }
            true
        });
        // An error here makes the event come again and may repeat the mail; it never omits one.
        recorded.await.map(|_| ()).map_err(NotifyError::from)
    }

    fn count(&self, metric: Metric, labels: Labels) {
        if let Ok(mut counters) = self.counters.lock() {
            counters.add(metric, labels, 1);
        }
    }
}

fn due(export: &Export, what: &Happened) -> Due {
    if export.notice.as_ref().is_some_and(|notice| notice.sent_at.is_some() || notice.refused.is_some()) {
        return Due::Nothing;
    }
    match (what, export.status) {
        (_, Status::Cancelled | Status::Expired) => Due::Nothing,
        (Happened::ObjectCreated, Status::Done) => Due::Ready,
        // The file is there before the worker has recorded that it is; its totals were recorded before.
        (Happened::ObjectCreated, Status::Running) if export.checkpoint.finishing => Due::Ready,
        (Happened::ObjectCreated, Status::Queued | Status::Running) => Due::Later,
        (Happened::ObjectCreated, Status::Empty | Status::Failed) => Due::Nothing,
        (Happened::ExecutionEnded(_), Status::Empty) => Due::Empty,
        (Happened::ExecutionEnded(_), Status::Failed) => Due::Failed,
        (Happened::ExecutionEnded(_), Status::Done) => Due::Nothing,
        // Either the dispatcher has given the export another execution, whose end is another event; or it will look at it soon.
        (Happened::ExecutionEnded(name), Status::Queued | Status::Running) => {
            if *name == export.execution_name() {
                Due::Later
            } else {
                Due::Nothing
            }
        }
    }
}
