//! Mails that did not arrive, or were not wanted.

use relay::address::{Unreachable, Why};
use relay::audit::{Action, domain};
use relay::control::CommitError;
use relay::export::{Export, store};
use relay::fault::Fault;
use relay::metric::{Labels, Metric};
use relay::port::ControlTable;

use crate::occasion::{Trouble, Undelivered};
use crate::{App, NotifyError, Outcome, told};

impl<C: ControlTable, S, M> App<C, S, M>
where
    S: relay::port::LinkSigner,
    M: relay::port::Mailer,
{
    /// Notes on the export that a mail did not reach its address, and marks the address where none will.
    pub(crate) async fn note(
        &self,
        export: &Export,
        undelivered: &Undelivered,
        now: i64,
    ) -> Result<Outcome, NotifyError> {
        let is_meant = |email: &&String| undelivered.emails.iter().any(|other| other.eq_ignore_ascii_case(email));
        let emails: Vec<&String> = export.emails.iter().filter(is_meant).collect();
        for email in &emails {
            let reason = self.reason(export, email, undelivered, now).await?;
            self.note_on_export(export, email, &reason).await?;
            self.count(Metric::MailsUndelivered, Labels::NONE.reason(undelivered.trouble.name()));
            let (export_id, trace_id, trouble) = (&export.export_id, &export.trace_id, undelivered.trouble.name());
            tracing::warn!(export_id, trace_id, trouble, "a mail did not arrive");
        }
        Ok(if emails.is_empty() { Outcome::Nothing } else { Outcome::Noted })
    }

    /// What to tell; the address is marked where it is of the address and will not pass.
    async fn reason(&self, export: &Export, email: &str, undelivered: &Undelivered, now: i64) -> Result<String, Fault> {
        let detail = undelivered.detail.clone();
        let reason = match undelivered.trouble {
            Trouble::BouncedForNow => {
                let said = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
                return Ok(format!("it bounced for now{said}; the next one may get through"));
            }
            Trouble::BouncedForGood => Why::Bounced,
            Trouble::Complained => Why::Complained,
        };
        let (owner, export_id) = (export.owner.clone(), export.export_id.clone());
        let mark = Unreachable { owner, email: email.to_lowercase(), reason, since: now, detail, export_id };
        let record = told(export, Action::AddressMarked, &domain(email), email, now);
        let record = record.with("reason", reason.name()).with("export_id", &export.export_id);
        match self.control.commit(&[mark.mark()?, record.write()?]).await {
            // Marked before: by this event's earlier delivery, or another mail's.
            Ok(()) | Err(CommitError::Conflict(_)) => Ok(mark.words()),
            Err(CommitError::Fault(fault)) => Err(fault),
        }
    }

    async fn note_on_export(&self, export: &Export, email: &str, reason: &str) -> Result<(), Fault> {
        let note = |export: &mut Export| {
            let is_new = export.notice_to(email).is_some_and(|notice| notice.refused.is_none());
            is_new && export.amend_notice(email, |notice| notice.refused = Some(reason.to_owned()))
        };
        store::amend(&self.control, &export.owner, &export.export_id, note).await.map(drop)
    }
}
