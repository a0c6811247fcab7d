//! Mails the end of an export: a link to its file, that there is none, or what went wrong.
//!
//! One mail an export. Who sends it claims it first, under the version read, for longer than this function lives: EventBridge and Lambda
//! deliver an event at least once, twice at a time too. A crash between sending and recording may repeat the mail, and nothing omits it:
//! an event that failed gives its claim back and comes again.

pub mod config;
pub mod handler;
pub mod occasion;

use std::sync::Mutex;

use relay::control::CommitError;
use relay::export::{Export, NoticeState, Status, store};
use relay::fault::{Fault, FaultKind};
use relay::link::Link;
use relay::metric::{Counters, Labels, Metric};
use relay::notice::{self, Mail, Surroundings};
use relay::port::{ControlTable, LinkSigner, Mailer, SendMailError};
use relay::tenancy;

use occasion::{Event, Occasion};

/// How long a mail belongs to whoever claimed it: milliseconds. Longer than the function lives (its time-out, 30 s), shorter than Lambda's
/// first asynchronous retry (one minute).
const LEASE_MS: i64 = 45_000;

/// How often to look again when others write the export at the same time.
const MAX_ATTEMPTS: usize = 4;

/// What the function needs to send a mail.
#[derive(Debug)]
pub struct App<C, S, M> {
    /// Table `control`.
    pub control: C,
    /// Makes links.
    pub signer: S,
    /// Sends mails.
    pub mailer: M,
    /// Where the page is; `None` leaves the way back out of mails.
    pub site_url: Option<String>,
    /// How long files live: days.
    pub retention_days: u16,
    /// What was counted in this invocation.
    pub counters: Mutex<Counters>,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The mail is on its way.
    Sent,
    /// It may not be sent, for good: the mail service refuses it, or the address is in no domain of the owner's any more.
    Refused,
    /// There was nothing to send: somebody else has, or does, or nobody should.
    Nothing,
}

/// Why an event must come again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotifyError {
    /// The world's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The export has not said yet how it ended.
    #[error("export {0} has not settled yet")]
    NotSettled(String),
    /// The same event was delivered twice and the other delivery is at the mail; should that one crash, this one's retry sends it.
    #[error("another delivery of the event is sending the mail of export {0}")]
    InProgress(String),
}

/// Which mail an export's end asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letter {
    Ready,
    Empty,
    Failed,
}

impl<C: ControlTable, S: LinkSigner, M: Mailer> App<C, S, M> {
    /// Sends the mail that an event asks for, if it asks for one.
    pub async fn notify(&self, event: &Event, now: i64) -> Result<Outcome, NotifyError> {
        let (owner, id) = event.occasion.export();
        for _ in 0..MAX_ATTEMPTS {
            let Some((mut export, version)) = store::load(&self.control, owner, id).await? else {
                tracing::warn!(owner, export_id = id, "an event about an export that is not there");
                return Ok(Outcome::Nothing);
            };
            let Some(letter) = letter(&export, &event.occasion)? else { return Ok(Outcome::Nothing) };
            match standing(&export, &event.id, now) {
                Standing::Free => {}
                Standing::NotOurs => return Ok(Outcome::Nothing),
                Standing::InProgress => return Err(NotifyError::InProgress(export.export_id)),
            }
            let claimed_by = event.id.clone();
            export.notice = Some(NoticeState { claimed_at: now, claimed_by, sent_at: None, refused: None });
            match self.control.commit(&[store::replace(&export, version)?]).await {
                Ok(()) => return self.send_or_release(&export, letter, now).await,
                Err(CommitError::Conflict(_)) => {}
                Err(CommitError::Fault(fault)) => return Err(fault.into()),
            }
        }
        let detail = format!("export {id} was written by others each time");
        Err(Fault::new(FaultKind::Unavailable, "control:Commit", detail).into())
    }

    /// Sends the claimed mail. Where that fails the claim goes back, so that the next event need not wait for its end.
    async fn send_or_release(&self, export: &Export, letter: Letter, now: i64) -> Result<Outcome, NotifyError> {
        let result = self.send(export, letter, now).await;
        if result.is_err() {
            let unclaim = |stored: &mut Export| stored.notice == export.notice && stored.notice.take().is_some();
            if let Err(fault) = store::amend(&self.control, &export.owner, &export.export_id, unclaim).await {
                tracing::warn!(export_id = export.export_id, %fault, "the claim on the mail stays until it ends by itself");
            }
        }
        result
    }

    async fn send(&self, export: &Export, letter: Letter, now: i64) -> Result<Outcome, NotifyError> {
        if !self.may_mail(export).await? {
            return Ok(self.refused(export, "the address is in no domain registered for the owner".to_owned()).await);
        }
        let (mail, link) = self.compose(export, letter, now).await?;
        let (export_id, trace_id) = (&export.export_id, &export.trace_id);
        let mut refusal = None;
        let mut is_sent = false;
        for email in &export.emails {
            match self.mailer.send(email, &mail).await {
                Ok(message_id) => {
                    self.count(Metric::MailsSent, Labels::NONE);
                    tracing::info!(export_id, trace_id, message_id, ?letter, "mailed");
                    is_sent = true;
                }
                Err(SendMailError::Rejected(reason)) => refusal = Some(reason),
                Err(SendMailError::Fault(fault)) => {
                    self.count(Metric::MailsFailed, Labels::NONE.reason(fault.kind.name()));
                    return Err(fault.into());
                }
            }
        }
        match refusal.filter(|_| !is_sent) {
            Some(reason) => Ok(self.refused(export, reason).await),
            None => {
                self.record(export, |notice| notice.sent_at = Some(now), link).await;
                Ok(Outcome::Sent)
            }
        }
    }

    /// Hours lie between the request and its mail: the domain may have been taken from the owner since.
    async fn may_mail(&self, export: &Export) -> Result<bool, Fault> {
        let owner = tenancy::owner(&self.control, &export.owner).await?;
        Ok(owner.is_some_and(|owner| export.emails.iter().all(|email| owner.may_mail(email))))
    }

    async fn refused(&self, export: &Export, reason: String) -> Outcome {
        let (export_id, trace_id) = (&export.export_id, &export.trace_id);
        self.count(Metric::MailsRejected, Labels::NONE);
        tracing::error!(export_id, trace_id, reason, "the mail is refused");
        self.record(export, |notice| notice.refused = Some(reason.clone()), None).await;
        Outcome::Refused
    }

    async fn compose(&self, export: &Export, letter: Letter, now: i64) -> Result<(Mail, Option<Link>), Fault> {
        let around = Surroundings { site_url: self.site_url.as_deref(), retention_days: self.retention_days };
        match letter {
            Letter::Empty => Ok((notice::empty(export, around), None)),
            Letter::Failed => Ok((notice::failed(export, around), None)),
            Letter::Ready => {
                let link = self.signer.sign(&export.object_key(), &export.file_name(), now).await?;
                Ok((notice::ready(export, &link, around), Some(link)))
            }
        }
    }

    /// Notes what became of the mail. Where that fails the event does not come again, which would repeat the mail: it is out.
    async fn record(&self, export: &Export, outcome: impl Fn(&mut NoticeState), link: Option<Link>) {
        let change = |export: &mut Export| {
            if let Some(notice) = &mut export.notice {
                outcome(notice);
            }
            export.link_expires_at = export.link_expires_at.max(link.as_ref().map(|link| link.expires_at));
            true
        };
        for _ in 0..MAX_ATTEMPTS {
            match store::amend(&self.control, &export.owner, &export.export_id, change).await {
                Ok(_) => return,
                Err(fault) => {
                    tracing::error!(export_id = export.export_id, %fault, "what became of the mail could not be noted");
                }
            }
        }
    }

    fn count(&self, metric: Metric, labels: Labels) {
        if let Ok(mut counters) = self.counters.lock() {
            counters.add(metric, labels, 1);
        }
    }
}

/// The mail that an export's state asks for; `None` for none.
fn letter(export: &Export, occasion: &Occasion) -> Result<Option<Letter>, NotifyError> {
    let not_settled = || NotifyError::NotSettled(export.export_id.clone());
    match (export.status, occasion) {
        (Status::Done, _) => Ok(Some(Letter::Ready)),
        (Status::Empty, _) => Ok(Some(Letter::Empty)),
        (Status::Failed, _) => Ok(Some(Letter::Failed)),
        (Status::Cancelled | Status::Expired, _) => Ok(None),
        // The file is there a moment before the worker can say so; all that the mail tells has been recorded before.
        (Status::Queued | Status::Running, Occasion::FileCreated { key, size, .. }) => {
            if export.is_last_object(key, *size) {
                Ok(Some(Letter::Ready))
            } else if export.object_key() == *key {
                Err(not_settled())
            } else {
                // One file of several: the mail comes with the last object.
                Ok(None)
            }
        }
        // Another execution has taken over from this one: its end will tell.
        (Status::Queued | Status::Running, Occasion::ExecutionEnded { name, .. }) => {
            if export.execution_name() == *name { Err(not_settled()) } else { Ok(None) }
        }
    }
}

/// Whose a mail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Still to be sent, and nobody is at it.
    Free,
    /// Sent or refused; or another event is at it, which comes again by itself when it fails.
    NotOurs,
    /// This very event is at it, in another delivery, or was until it died. Nobody else would come again.
    InProgress,
}

fn standing(export: &Export, event_id: &str, now: i64) -> Standing {
    let Some(notice) = &export.notice else { return Standing::Free };
    if notice.sent_at.is_some() || notice.refused.is_some() {
        return Standing::NotOurs;
    }
    if now.saturating_sub(notice.claimed_at) >= LEASE_MS {
        return Standing::Free;
    }
    if notice.claimed_by == event_id { Standing::InProgress } else { Standing::NotOurs }
}
