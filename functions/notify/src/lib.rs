//! Mails the end of an export: links to its files, that there are none, or what went wrong; and marks the addresses that mails do not reach.
//!
//! One mail to each address of an export. Who sends it claims it first, under the version read, for longer than this function lives: EventBridge and
//! Lambda deliver an event at least once, twice at a time too. A crash between sending and recording may repeat the mail, and nothing omits it: an
//! event that failed gives its claim back and comes again. The mails of an export know nothing of each other: one that fails or is refused stops no other.

pub mod config;
pub mod handler;
mod letter;
pub mod occasion;
mod undelivered;

use std::sync::Mutex;

use relay::address;
use relay::audit::{Action, Actor, Record, Who, domain};
use relay::control::CommitError;
use relay::export::{Export, NoticeState, store};
use relay::fault::{Fault, FaultKind};
use relay::metric::{Counters, Labels, Metric};
use relay::notice::{self, Download, Mail, Surroundings};
use relay::port::{ControlTable, LinkSigner, Mailer, SendMailError};
use relay::{schedule, tenancy};

use letter::{Letter, letter};
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

/// What became of an event: of several mails the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// There was nothing to send: somebody else has, or does, or nobody should.
    Nothing,
    /// An address that a mail did not reach is noted.
    Noted,
    /// It may not be sent, for good: the mail service refuses it, or the address is in no domain of the owner's any more, or takes no mail.
    Refused,
    /// The mail is on its way.
    Sent,
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
    #[error("another delivery of the event is sending a mail of export {0}")]
    InProgress(String),
}

/// Why a mail may not be sent, for good. Addresses are for the owner's eyes: the words go to the export, the cause to the log.
struct Refusal {
    cause: &'static str,
    words: String,
}

/// A mail that this delivery has claimed.
struct Claimed {
    export: Export,
    letter: Letter,
    claim: NoticeState,
}

impl<C: ControlTable, S: LinkSigner, M: Mailer> App<C, S, M> {
    /// Sends the mails that an event asks for, if it asks for any.
    pub async fn notify(&self, event: &Event, now: i64) -> Result<Outcome, NotifyError> {
        let (owner, id) = event.occasion.export();
        let Some((export, version)) = store::load(&self.control, owner, id).await? else {
            tracing::warn!(owner, export_id = id, "an event about an export that is not there");
            return Ok(Outcome::Nothing);
        };
        if let Occasion::Undelivered { undelivered, .. } = &event.occasion {
            return self.note(&export, undelivered, now).await;
        }
        let emails = export.emails.clone();
        let (mut best, mut failed, mut links) = (Outcome::Nothing, None, None);
        let mut held = Some((export, version));
        for email in &emails {
            match self.mail_to(email, event, held.take(), &mut links, now).await {
                Ok(outcome) => best = best.max(outcome),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(best), Err)
    }

    /// Who has left a schedule gets no mail of it, and that is no refusal.
    async fn has_left(&self, claimed: &Claimed, email: &str) -> Result<bool, Fault> {
        schedule::has_left(&self.control, &claimed.export, email).await
    }

    async fn mail_to(
        &self,
        email: &str,
        event: &Event,
        held: Option<(Export, u64)>,
        links: &mut Option<Vec<Download>>,
        now: i64,
    ) -> Result<Outcome, NotifyError> {
        let Some(claimed) = self.claim(email, event, held, now).await? else { return Ok(Outcome::Nothing) };
        let result = self.send(email, &claimed, links, now).await;
        if result.is_err() {
            self.release(email, &claimed).await;
        }
        result
    }

    /// Claims the mail to an address; `None` where it is not this delivery's to send. `held`: the export, where it has just been read.
    async fn claim(
        &self,
        email: &str,
        event: &Event,
        mut held: Option<(Export, u64)>,
        now: i64,
    ) -> Result<Option<Claimed>, NotifyError> {
        let (owner, id) = event.occasion.export();
        for _ in 0..MAX_ATTEMPTS {
            let read = match held.take() {
                Some(read) => Some(read),
                None => store::load(&self.control, owner, id).await?,
            };
            let Some((mut export, version)) = read else { return Ok(None) };
            let Some(letter) = letter(&export, &event.occasion)? else { return Ok(None) };
            match standing(export.notice_to(email), &event.id, now) {
                Standing::Free => {}
                Standing::NotOurs => return Ok(None),
                Standing::InProgress => return Err(NotifyError::InProgress(export.export_id)),
            }
            let claim = NoticeState { claimed_at: now, claimed_by: event.id.clone(), sent_at: None, refused: None };
            export.set_notice(email, claim.clone());
            let mut writes = vec![store::replace(&export, version)?];
            if letter == Letter::Ready {
                writes.push(told(&export, Action::LinkMailed, &export.export_id, email, now).write()?);
            }
            match self.control.commit(&writes).await {
                Ok(()) => return Ok(Some(Claimed { export, letter, claim })),
                Err(CommitError::Conflict(_)) => {}
                Err(CommitError::Fault(fault)) => return Err(fault.into()),
            }
        }
        let detail = format!("export {id} was written by others each time");
        Err(Fault::new(FaultKind::Unavailable, "control:Commit", detail).into())
    }

    /// Gives a claim back, so that the next event need not wait for its end.
    async fn release(&self, email: &str, Claimed { export, claim, .. }: &Claimed) {
        let unclaim = |stored: &mut Export| stored.unclaim(email, claim);
        if let Err(fault) = store::amend(&self.control, &export.owner, &export.export_id, unclaim).await {
            tracing::warn!(export_id = export.export_id, %fault, "the claim on the mail stays until it ends by itself");
        }
    }

    async fn send(
        &self,
        email: &str,
        claimed: &Claimed,
        links: &mut Option<Vec<Download>>,
        now: i64,
    ) -> Result<Outcome, NotifyError> {
        let Claimed { export, letter, .. } = claimed;
        if self.has_left(claimed, email).await? {
            self.release(email, claimed).await;
            return Ok(Outcome::Nothing);
        }
        if let Some(reason) = self.reason_against(export, email).await? {
            return Ok(self.refused(export, email, reason).await);
        }
        let mail = self.compose(email, export, *letter, links, now).await?;
        let (export_id, trace_id) = (&export.export_id, &export.trace_id);
        match self.mailer.send(email, &mail).await {
            Ok(message_id) => {
                self.count(Metric::MailsSent, Labels::NONE);
                tracing::info!(export_id, trace_id, message_id, ?letter, "mailed");
                let ends = links.iter().flatten().map(|download| download.link.expires_at).min();
                self.record(export, email, |notice| notice.sent_at = Some(now), ends).await;
                Ok(Outcome::Sent)
            }
            Err(SendMailError::Rejected(words)) => {
                let cause = "the mail service refuses it";
                Ok(self.refused(export, email, Refusal { cause, words }).await)
            }
            Err(SendMailError::Fault(fault)) => {
                self.count(Metric::MailsFailed, Labels::NONE.reason(fault.kind.name()));
                Err(fault.into())
            }
        }
    }

    /// Why no mail may go to an address. Hours lie between the request and its mail: the domain may have been taken from the owner since.
    async fn reason_against(&self, export: &Export, email: &str) -> Result<Option<Refusal>, Fault> {
        let owner = tenancy::owner(&self.control, &export.owner).await?;
        if !owner.is_some_and(|owner| owner.may_mail(email)) {
            let cause = "the address is in no domain registered for the owner";
            return Ok(Some(Refusal { cause, words: cause.to_owned() }));
        }
        let mark = address::unreachable(&self.control, &export.owner, email).await?;
        Ok(mark.map(|mark| Refusal { cause: mark.reason.name(), words: mark.words() }))
    }

    async fn refused(&self, export: &Export, email: &str, Refusal { cause, words }: Refusal) -> Outcome {
        let (export_id, trace_id) = (&export.export_id, &export.trace_id);
        self.count(Metric::MailsRejected, Labels::NONE);
        tracing::error!(export_id, trace_id, cause, "the mail is refused");
        self.record(export, email, |notice| notice.refused = Some(words.clone()), None).await;
        Outcome::Refused
    }

    /// The links are signed once an invocation: all mails have the same.
    async fn compose(
        &self,
        email: &str,
        export: &Export,
        letter: Letter,
        links: &mut Option<Vec<Download>>,
        now: i64,
    ) -> Result<Mail, Fault> {
        let (site_url, retention_days) = (self.site_url.as_deref(), self.retention_days);
        let unsubscribe = export.run.as_ref().and_then(|run| run.token(email));
        let around = Surroundings { site_url, retention_days, unsubscribe };
        match letter {
            Letter::Empty => Ok(notice::empty(export, around)),
            Letter::Failed => Ok(notice::failed(export, around)),
            Letter::Ready => {
                if links.is_none() {
                    *links = Some(self.sign(export, now).await?);
                }
                Ok(notice::ready(export, links.as_deref().unwrap_or_default(), around))
            }
        }
    }

    async fn sign(&self, export: &Export, now: i64) -> Result<Vec<Download>, Fault> {
        let mut links = Vec::new();
        for name in notice::downloads(export) {
            let link = self.signer.sign(&export.key_of(&name), &name, now).await?;
            links.push(Download { name, link });
        }
        Ok(links)
    }

    /// Notes what became of a mail. Where that fails the event does not come again, which would repeat the mail: it is out.
    async fn record(&self, export: &Export, email: &str, outcome: impl Fn(&mut NoticeState), ends: Option<i64>) {
        let change = |export: &mut Export| {
            export.amend_notice(email, &outcome);
            export.link_expires_at = export.link_expires_at.max(ends);
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

/// What is recorded of an address of an export: which of its addresses, and the domain.
fn told(export: &Export, action: Action, subject: &str, email: &str, now: i64) -> Record {
    let actor = Actor { who: Who::Relay, at: now, trace_id: export.trace_id.clone() };
    let place = export.emails.iter().position(|other| other == email).map_or(0, |index| index + 1);
    actor.did(action, &export.owner, subject).with("address", place).with("domain", domain(email))
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

fn standing(notice: Option<&NoticeState>, event_id: &str, now: i64) -> Standing {
    let Some(notice) = notice else { return Standing::Free };
    if notice.sent_at.is_some() || notice.refused.is_some() {
        return Standing::NotOurs;
    }
    if now.saturating_sub(notice.claimed_at) >= LEASE_MS {
        return Standing::Free;
    }
    if notice.claimed_by == event_id { Standing::InProgress } else { Standing::NotOurs }
}
