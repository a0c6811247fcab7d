//! The mails about an export's end, one to each address.

use serde::{Deserialize, Serialize};

use super::{Export, Failure, Status};

/// The mail to one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeState {
    /// When somebody last began to send it: milliseconds since the epoch.
    pub claimed_at: i64,
    /// The id of the event that made them: another delivery of it must come again, any other event need not.
    pub claimed_by: String,
    /// When it was handed to the mail service; `None` while it may yet fail.
    pub sent_at: Option<i64>,
    /// Why it did not arrive and will not: it was refused, or came back.
    pub refused: Option<String>,
}

impl Export {
    /// The mail to this address; `None` where nobody has begun to send it. An export of an earlier release had one address and one mail.
    #[must_use]
    pub fn notice_to(&self, email: &str) -> Option<&NoticeState> {
        self.notices.get(email).or(self.notice.as_ref())
    }

    /// Says where the mail to this address stands.
    pub fn set_notice(&mut self, email: &str, state: NoticeState) {
        self.notices.insert(email.to_owned(), state);
    }

    /// Changes where a mail stands that somebody has begun to send; whether there is one.
    pub fn amend_notice(&mut self, email: &str, change: impl FnOnce(&mut NoticeState)) -> bool {
        let Some(mut state) = self.notice_to(email).cloned() else { return false };
        change(&mut state);
        self.set_notice(email, state);
        true
    }

    /// Gives back a claim, if it still stands as it was made; whether it did.
    pub fn unclaim(&mut self, email: &str, claim: &NoticeState) -> bool {
        self.notices.get(email) == Some(claim) && self.notices.remove(email).is_some()
    }

    /// That mails did not arrive, for people who wait for them: the export itself is what its status says.
    pub(super) fn refused_mails(&self) -> Option<Failure> {
        let refused = |email: &String| {
            let reason = self.notice_to(email)?.refused.as_ref()?;
            Some(format!("The mail to {email} did not arrive: {reason}."))
        };
        let mut told: Vec<_> = self.emails.iter().filter_map(refused).collect();
        if told.is_empty() {
            return None;
        }
        if self.status == Status::Done {
            told.push("The file is there all the same; ask for a link.".to_owned());
        }
        Some(Failure { code: "mail_refused".to_owned(), detail: told.join(" ") })
    }
}
