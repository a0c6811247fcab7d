//! Who did what, when: a record of each change, and of each way to an owner's rows that was made.
//!
//! A record is a write of the very commit whose change it tells of: there is no change without its record, and none of a change that did not happen.
//! It names whose, by whom and which, by the ids and names that Relay itself uses. Personal data is not in it: of a mail address its domain, of a
//! webhook its host, of a device nothing.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::control::{Expect, Key, Query, Write};
use crate::fault::Fault;

/// How long a record is kept: days. More than a year, so that a yearly look back sees all of it. Longer than anything that an owner's rows need.
pub const AUDIT_DAYS: i64 = 400;

const DAY_SECONDS: i64 = 86_400;

/// Who did it. As text: `key 0123456789ab`, `operator kim@laptop`, `mail`, `relay`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Whoever holds the API key of this id.
    Key(String),
    /// An operator, by the name they gave. It is a claim; whose credentials they were, AWS's own trail says.
    Operator(String),
    /// Whoever has a mail of Relay's, by the link in it.
    Mail,
    /// Relay itself, because something was due.
    Relay,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key_id) => write!(f, "key {key_id}"),
            Self::Operator(name) => write!(f, "operator {name}"),
            Self::Mail => f.write_str("mail"),
            Self::Relay => f.write_str("relay"),
        }
    }
}

/// What was done. The subject of a record is what it was done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// An export was put into the queue; the subject is its id.
    ExportCreated,
    /// An export was taken back; its id.
    ExportCancelled,
    /// An export's files were deleted before their time; its id.
    FileDeleted,
    /// Links to an export's files were answered, and mailed where `mails` says so; its id.
    LinkMade,
    /// The mail with the links is about to go to an address, of this `domain`; the export's id.
    LinkMailed,
    /// A recurring export was made; its id.
    ScheduleMade,
    /// A recurring export was removed; its id.
    ScheduleRemoved,
    /// An address left a recurring export; its id.
    ScheduleLeft,
    /// An owner was added; its name.
    OwnerAdded,
    /// An owner's rows are kept for other days from now on; its name.
    RetentionChanged,
    /// An app token was claimed; the token.
    AppAdded,
    /// An app token was given up; the token.
    AppRemoved,
    /// Mails may go to a domain; the domain.
    DomainAdded,
    /// Mails may not go to a domain any more; the domain.
    DomainRemoved,
    /// An event token is on the allow-list; the token.
    EventAdded,
    /// An event token is off the allow-list; the token.
    EventRemoved,
    /// Requests may come from a network; the network.
    SourceAdded,
    /// A network is off the list; the network.
    SourceRemoved,
    /// A signing secret was made; its id.
    SigningMade,
    /// A signing secret was revoked; its id.
    SigningRevoked,
    /// Batches must be signed; the owner's name.
    SigningRequired,
    /// Batches need not be signed; the owner's name.
    SigningRelaxed,
    /// A key was made; its id.
    KeyMade,
    /// A key was revoked; its id.
    KeyRevoked,
    /// A webhook was registered; its host.
    WebhookSet,
    /// A webhook was removed; its host.
    WebhookRemoved,
    /// No mail goes to an address any more; its domain.
    AddressMarked,
    /// Mails go to an address again; its domain.
    AddressCleared,
    /// The rows of devices or users are to be erased; the types of their ids.
    EraseAsked,
    /// They are taken out of the pages; the number of the last tombstone that the pass was for.
    EraseEnded,
    /// All that an owner has erased is to be taken out of its pages once more; the owner's name.
    EraseRepeated,
    /// Providers' callbacks erase from now on; the owner's name.
    CallbacksErase,
    /// Providers' callbacks erase no more; the owner's name.
    CallbacksKeep,
}

impl Action {
    /// Every action, in the order of the documents.
    pub const ALL: [Self; 33] = [
        Self::ExportCreated,
        Self::ExportCancelled,
        Self::FileDeleted,
        Self::LinkMade,
        Self::LinkMailed,
        Self::ScheduleMade,
        Self::ScheduleRemoved,
        Self::ScheduleLeft,
        Self::OwnerAdded,
        Self::RetentionChanged,
        Self::AppAdded,
        Self::AppRemoved,
        Self::DomainAdded,
        Self::DomainRemoved,
        Self::EventAdded,
        Self::EventRemoved,
        Self::SourceAdded,
        Self::SourceRemoved,
        Self::SigningMade,
        Self::SigningRevoked,
        Self::SigningRequired,
        Self::SigningRelaxed,
        Self::KeyMade,
        Self::KeyRevoked,
        Self::WebhookSet,
        Self::WebhookRemoved,
        Self::AddressMarked,
        Self::AddressCleared,
        Self::EraseAsked,
        Self::EraseEnded,
        Self::EraseRepeated,
        Self::CallbacksErase,
        Self::CallbacksKeep,
    ];

    /// The name in records: what it was done to, and what.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExportCreated => "export.created",
            Self::ExportCancelled => "export.cancelled",
            Self::FileDeleted => "file.deleted",
            Self::LinkMade => "link.made",
            Self::LinkMailed => "link.mailed",
            Self::ScheduleMade => "schedule.made",
            Self::ScheduleRemoved => "schedule.removed",
            Self::ScheduleLeft => "schedule.left",
            Self::OwnerAdded => "owner.added",
            Self::RetentionChanged => "retention.changed",
            Self::AppAdded => "app.added",
            Self::AppRemoved => "app.removed",
            Self::DomainAdded => "domain.added",
            Self::DomainRemoved => "domain.removed",
            Self::EventAdded => "event.added",
            Self::EventRemoved => "event.removed",
            Self::SourceAdded => "source.added",
            Self::SourceRemoved => "source.removed",
            Self::SigningMade => "signing.made",
            Self::SigningRevoked => "signing.revoked",
            Self::SigningRequired => "signing.required",
            Self::SigningRelaxed => "signing.relaxed",
            Self::KeyMade => "key.made",
            Self::KeyRevoked => "key.revoked",
            Self::WebhookSet => "webhook.set",
            Self::WebhookRemoved => "webhook.removed",
            Self::AddressMarked => "address.marked",
            Self::AddressCleared => "address.cleared",
            Self::EraseAsked => "erase.asked",
            Self::EraseEnded => "erase.ended",
            Self::EraseRepeated => "erase.repeated",
            Self::CallbacksErase => "callbacks.erase",
            Self::CallbacksKeep => "callbacks.keep",
        }
    }
}

/// Somebody in one call of theirs: what all that is recorded of the call has in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub who: Who,
    /// When: milliseconds since the epoch.
    pub at: i64,
    /// Names the call, here and in the logs. The same call tried again has the same.
    pub trace_id: String,
}

impl Actor {
    /// What this call did to something of an owner's. `subject`: its id or name, never personal data.
    #[must_use]
    pub fn did(&self, action: Action, owner: &str, subject: &str) -> Record {
        Record {
            owner: owner.to_owned(),
            at: self.at,
            who: self.who.to_string(),
            action: action.name().to_owned(),
            subject: subject.to_owned(),
            details: BTreeMap::new(),
            trace_id: self.trace_id.clone(),
        }
    }
}

/// Something that was done: item `audit#{owner}` / `{at:013}#{id}`. Texts throughout, so that an earlier release reads what a later one writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Whose something.
    pub owner: String,
    /// When: milliseconds since the epoch.
    pub at: i64,
    /// Who did it: a [`Who`].
    pub who: String,
    /// What: an [`Action`].
    pub action: String,
    /// To what: its id or name.
    pub subject: String,
    /// What else tells of it, by name: `app_token`, `domain`, `days` …
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// The call in which it was done.
    pub trace_id: String,
}

impl Record {
    /// The same with one more detail, never personal data.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.details.insert(name.to_owned(), value.to_string());
        self
    }

    /// What tells it from every other: 16 hexadecimal digits of what was done to what, and how, in which call. The same call tried again has the same.
    #[must_use]
    pub fn id(&self) -> String {
        let named = serde_json::json!([self.owner, self.action, self.subject, self.details, self.trace_id]);
        let hash = blake3::hash(named.to_string().as_bytes());
        let (first_64_bits, _) = hash.as_bytes().split_at(8);
        hex::encode(first_64_bits)
    }

    /// Where it stands; descending is newest first.
    #[must_use]
    pub fn key(&self) -> Key {
        Key::new(partition(&self.owner), format!("{:013}#{}", self.at, self.id()))
    }

    /// The write that goes into the commit of what was done. It replaces nothing: a record is written once.
    pub fn write(&self) -> Result<Write, Fault> {
        let forgotten = self.at.div_euclid(1000).saturating_add(AUDIT_DAYS * DAY_SECONDS);
        Write::put_until(self.key(), self, Expect::Absent, Some(forgotten))
    }
}

/// What a record tells of a mail address: its domain, lower case.
#[must_use]
pub fn domain(email: &str) -> String {
    email.rsplit_once('@').map_or("", |(_, domain)| domain).to_ascii_lowercase()
}

/// The partition of an owner's records.
#[must_use]
pub fn partition(owner: &str) -> String {
    format!("audit#{owner}")
}

/// An owner's records, newest first. `before`: the sort key to go on behind.
#[must_use]
pub fn newest(owner: &str, before: Option<String>, limit: usize) -> Query {
    Query { pk: partition(owner), prefix: String::new(), after: before, descending: true, limit }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::control::CommitError;
    use crate::port::ControlTable;
    use crate::port::memory::MemoryControl;

    const NOW: i64 = 1_794_648_600_000;

    fn actor(trace_id: &str, at: i64) -> Actor {
        Actor { who: Who::Key("0123456789ab".to_owned()), at, trace_id: trace_id.to_owned() }
    }

    #[test]
    fn each_action_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = Action::ALL.map(Action::name).into();
        assert_eq!(names.len(), Action::ALL.len());
        let is_name =
            |name: &&str| name.split('.').count() == 2 && name.bytes().all(|b| b == b'.' || b.is_ascii_lowercase());
        assert!(names.iter().all(is_name), "{names:?}");
    }

    #[test]
    fn a_record_reads_as_it_was_meant() {
        let record = actor("t1", NOW).did(Action::DomainAdded, "demo", "example.com").with("days", 7);
        let write = record.write().unwrap();
        let Write::Put { key, doc, expires_at, expect } = write else { panic!("no put") };
        assert_eq!(key.pk, "audit#demo");
        assert_eq!(key.sk, format!("1794648600000#{}", record.id()));
        assert_eq!((expires_at, expect), (Some(1_794_648_600 + 400 * 86_400), Expect::Absent));
        let expected = serde_json::json!({
            "owner": "demo", "at": NOW, "who": "key 0123456789ab", "action": "domain.added", "subject": "example.com",
            "details": {"days": "7"}, "trace_id": "t1",
        });
        assert_eq!(doc, expected);
        assert_eq!(serde_json::from_value::<Record>(doc).unwrap(), record);
    }

    #[tokio::test]
    async fn a_commit_that_is_tried_again_writes_no_second_record() {
        let control = MemoryControl::default();
        let record = |trace_id: &str| actor(trace_id, NOW).did(Action::LinkMade, "demo", "e1").write().unwrap();
        control.commit(&[record("t1")]).await.unwrap();
        assert_eq!(control.commit(&[record("t1")]).await, Err(CommitError::Conflict(0)));
        control.commit(&[record("t2")]).await.unwrap();
        assert_eq!(control.all().len(), 2, "another call of the same moment is another record");
    }

    #[tokio::test]
    async fn records_are_listed_newest_first_and_gone_on_behind() {
        let control = MemoryControl::default();
        for at in [NOW, 999_999_999_999, NOW + 1] {
            control.commit(&[actor("t", at).did(Action::KeyMade, "demo", "k").write().unwrap()]).await.unwrap();
            control.commit(&[actor("t", at).did(Action::KeyMade, "other", "k").write().unwrap()]).await.unwrap();
        }
        let read = async |before| control.query(&newest("demo", before, 2)).await.unwrap();
        let first = read(None).await;
        let times = |items: &[crate::control::Item]| {
            items.iter().map(|item| item.read::<Record>().unwrap().at).collect::<Vec<_>>()
        };
        assert_eq!(times(&first.items), [NOW + 1, NOW]);
        assert_eq!(times(&read(first.next).await.items), [999_999_999_999]);
    }
}
