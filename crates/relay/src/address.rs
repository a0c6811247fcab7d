//! Addresses that no mail goes to any more: one to them bounced for good, or who reads there called one spam.
//!
//! Mailing them again would cost the sender its reputation, and with it everybody else's mails. An operator clears the mark.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::control::{Expect, Key, Write};
use crate::fault::Fault;
use crate::period::rfc3339;
use crate::port::ControlTable;
use crate::tenancy::{find, read_all};

/// Why no mail goes to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// A mail bounced, and would again.
    Bounced,
    /// Who reads there called a mail spam.
    Complained,
}

impl Why {
    /// The name in answers and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bounced => "bounced",
            Self::Complained => "complained",
        }
    }
}

/// An address that no mail of an owner's goes to: item `address#{owner}` / `{address in lower case}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreachable {
    /// Whose mails.
    pub owner: String,
    /// The address, lower case.
    pub email: String,
    /// Why.
    pub reason: Why,
    /// Since when: milliseconds since the epoch.
    pub since: i64,
    /// What the other mail system said.
    pub detail: String,
    /// The export whose mail it was.
    pub export_id: String,
}

impl Unreachable {
    /// Where it stands. Mail systems tell addresses apart by case no more.
    #[must_use]
    pub fn key(owner: &str, email: &str) -> Key {
        Key::new(partition(owner), email.to_lowercase())
    }

    /// The write that marks the address, unless it is marked already: it is unreachable since the first time.
    pub fn mark(&self) -> Result<Write, Fault> {
        Write::put(Self::key(&self.owner, &self.email), self, Expect::Absent)
    }

    /// Why no mail goes there and what would help, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { owner, email, since, detail, .. } = self;
        let happened = match self.reason {
            Why::Bounced => "a mail to it bounced for good",
            Why::Complained => "who reads there reported a mail as spam",
        };
        let (day, said) = (rfc3339(*since), if detail.is_empty() { String::new() } else { format!(" ({detail})") });
        format!(
            "no mail goes to {email} since {day}: {happened}{said}. Once it takes mail again, whoever runs Relay clears it with `relayctl address clear {owner} {email}`"
        )
    }

    /// The address as `GET /v1/account` shows it.
    #[must_use]
    pub fn view(&self) -> Value {
        json!({"email": self.email, "reason": self.reason.name(), "since": rfc3339(self.since)})
    }
}

/// The partition of an owner's unreachable addresses.
#[must_use]
pub fn partition(owner: &str) -> String {
    format!("address#{owner}")
}

/// The mark on an address of an owner's; `None` where mails may go.
pub async fn unreachable(control: &impl ControlTable, owner: &str, email: &str) -> Result<Option<Unreachable>, Fault> {
    Ok(find(control, Unreachable::key(owner, email)).await?.map(|(mark, _)| mark))
}

/// Every unreachable address of an owner's, in order.
pub async fn all_unreachable(control: &impl ControlTable, owner: &str) -> Result<Vec<Unreachable>, Fault> {
    read_all(control, partition(owner), "").await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::CommitError;
    use crate::port::memory::MemoryControl;

    fn mark(email: &str, since: i64) -> Unreachable {
        Unreachable {
            owner: "demo".into(),
            email: email.into(),
            reason: Why::Bounced,
            since,
            detail: "smtp; 550 5.1.1 user unknown".into(),
            export_id: "0".repeat(32),
        }
    }

    #[tokio::test]
    async fn an_address_is_found_whatever_its_case_and_marked_once() {
        let control = MemoryControl::default();
        control.commit(&[mark("kim@example.com", 1).mark().unwrap()]).await.unwrap();
        let again = control.commit(&[mark("kim@example.com", 2).mark().unwrap()]).await;
        assert_eq!(again, Err(CommitError::Conflict(0)));
        let found = unreachable(&control, "demo", "Kim@Example.com").await.unwrap();
        assert_eq!(found, Some(mark("kim@example.com", 1)));
        assert_eq!(unreachable(&control, "other", "kim@example.com").await, Ok(None));
        assert_eq!(all_unreachable(&control, "demo").await, Ok(vec![mark("kim@example.com", 1)]));
    }

    #[test]
    fn the_words_say_what_happened_and_what_helps() {
        let words = mark("kim@example.com", 1_794_648_600_000).words();
        assert!(words.contains("since 2026-11-14T09:30:00Z") && words.contains("user unknown"), "{words}");
        assert!(words.contains("relayctl address clear demo kim@example.com"), "{words}");
    }
}
