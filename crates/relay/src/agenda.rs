//! The agenda: what is to be done later, in the order in which it is due.
//!
//! A partition of table `control` (and one for what erases); an entry's sort key begins with its time, its document says what is to be done. Whoever takes an entry moves its
//! time on in one commit under conditions: nobody else takes it before that, and should the taker die, it is due again.

use serde::{Deserialize, Serialize};

use crate::control::{Expect, Item, Key, Query, Write};
use crate::export::Export;
use crate::fault::Fault;

/// The partition of all entries; sort keys ascend with time.
pub const AGENDA: &str = "agenda";

/// The partition of the entries that erase: they take long, and many of them must not hold up what is done in a moment.
pub const ERASURES: &str = "erasures";

/// How long an entry is its taker's alone: milliseconds. Twice what the dispatcher may run (`template.yaml`: 60 s), so that it has ended.
pub const LEASE_MS: i64 = 120_000;

/// How long after an export's end what it may have left is looked for once more: milliseconds. A step that was overtaken lives 15 minutes at the
/// longest (Lambda quotas), and may begin an upload until then.
pub const LAST_SWEEP_MS: i64 = 16 * 60_000;

/// The version under which [`take`] leaves an entry: it stood nowhere before.
const VERSION: u64 = Expect::Absent.next_version();

/// Something that is to be done: an item `agenda` / `{due_at:013}#{what}#{id}`; what erases stands in `erasures`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "lowercase")]
pub enum Errand {
    /// Take away what an export has left.
    Sweep(Sweep),
    /// Make the runs of a schedule that are due.
    Run(Recurring),
    /// Tell its owner's webhook, where there is one.
    Webhook(Ended),
    /// Go through an owner's pages and take out what is erased.
    Erase(Erasing),
}

/// An owner with tombstones to carry out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasing {
    /// Whose pages.
    pub owner: String,
}

/// An export that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Whose it was.
    pub owner: String,
    /// Which one.
    pub export_id: String,
}

/// An export that has ended, and may have left in the bucket what is no file: open uploads, and rows that waited for more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// Whose it was.
    pub owner: String,
    /// Which one.
    pub export_id: String,
    /// When nobody can leave anything there any more: milliseconds since the epoch.
    pub last_at: i64,
}

/// A schedule with a run to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recurring {
    /// Whose it is.
    pub owner: String,
    /// Which one.
    pub schedule_id: String,
}

impl Errand {
    /// What there is to do about an export that has ended, for the commit that says so.
    pub fn about(ended: &Export) -> Result<Vec<Write>, Fault> {
        let (owner, export_id) = (ended.owner.clone(), ended.export_id.clone());
        let ended_at = ended.finished_at.unwrap_or(ended.as_of);
        let webhook = Ended { owner: owner.clone(), export_id: export_id.clone() };
        let sweep = Sweep { owner, export_id, last_at: ended_at.saturating_add(LAST_SWEEP_MS) };
        Ok(vec![Self::Sweep(sweep).put(ended_at)?, Self::Webhook(webhook).put(ended_at)?])
    }

    /// The write that puts it on the agenda; `due_at` in milliseconds since the epoch. One that stands there already is a conflict.
    pub fn put(&self, due_at: i64) -> Result<Write, Fault> {
        Write::put(self.key(due_at), self, Expect::Absent)
    }

    /// Where it stands when it is due then.
    #[must_use]
    pub fn key(&self, due_at: i64) -> Key {
        let (what, id) = match self {
            Self::Sweep(sweep) => ("sweep", &sweep.export_id),
            Self::Run(recurring) => ("run", &recurring.schedule_id),
            Self::Webhook(ended) => ("webhook", &ended.export_id),
            Self::Erase(erasing) => return Key::new(ERASURES, sk(due_at, &format!("erase#{}", erasing.owner))),
        };
        Key::new(AGENDA, sk(due_at, &format!("{what}#{id}")))
    }
}

/// The first entries; those due by `now` stand before all others.
#[must_use]
pub fn first(limit: usize) -> Query {
    first_of(AGENDA, limit)
}

/// The first entries that erase.
#[must_use]
pub fn first_to_erase(limit: usize) -> Query {
    first_of(ERASURES, limit)
}

fn first_of(pk: &str, limit: usize) -> Query {
    Query { pk: pk.to_owned(), prefix: String::new(), after: None, descending: false, limit }
}

/// Whether an entry is due; one whose key tells no time is, so that somebody looks at it.
#[must_use]
pub fn is_due(item: &Item, now: i64) -> bool {
    due_at(&item.key).is_none_or(|(due_at, _)| due_at <= now)
}

/// Since when an entry is due: milliseconds since the epoch; `None` where its key tells no time.
#[must_use]
pub fn due_since(item: &Item) -> Option<i64> {
    due_at(&item.key).map(|(due_at, _)| due_at)
}

/// An entry that was taken, as [`take`] left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    key: Key,
}

/// The writes that take an entry as it was read, whatever it says: it is due again when the lease is over. `None` where its key tells no time.
#[must_use]
pub fn take(item: &Item, now: i64) -> Option<([Write; 2], Taken)> {
    let (_, rest) = due_at(&item.key)?;
    let key = Key::new(&item.key.pk, sk(now.saturating_add(LEASE_MS), rest));
    let leave = Write::Delete { key: item.key.clone(), expect: Expect::Version(item.version) };
    let put = Write::Put { key: key.clone(), doc: item.doc.clone(), expires_at: None, expect: Expect::Absent };
    Some(([leave, put], Taken { key }))
}

impl Taken {
    /// The write that ends it. A conflict says that the lease was over and somebody else has it.
    #[must_use]
    pub fn done(&self) -> Write {
        Write::Delete { key: self.key.clone(), expect: Expect::Version(VERSION) }
    }

    /// The writes that end it and put `next` in its place; `due_at` in milliseconds since the epoch.
    pub fn then(&self, next: &Errand, due_at: i64) -> Result<Vec<Write>, Fault> {
        let key = next.key(due_at);
        if key == self.key {
            // Due when the lease is over anyway; a commit names no item twice.
            return Ok(vec![Write::put(key, next, Expect::Version(VERSION))?]);
        }
        Ok(vec![self.done(), next.put(due_at)?])
    }
}

fn sk(due_at: i64, rest: &str) -> String {
    format!("{due_at:013}#{rest}")
}

fn due_at(key: &Key) -> Option<(i64, &str)> {
    let (digits, rest) = key.sk.split_once('#')?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::CommitError;
    use crate::port::ControlTable;
    use crate::port::memory::MemoryControl;

    const NOW: i64 = 1_794_648_600_000;

    fn sweep(export_id: &str) -> Errand {
        Errand::Sweep(Sweep { owner: "demo".to_owned(), export_id: export_id.to_owned(), last_at: NOW })
    }

    async fn due(control: &MemoryControl, now: i64) -> Vec<Item> {
        let listing = control.query(&first(100)).await.unwrap();
        listing.items.into_iter().filter(|item| is_due(item, now)).collect()
    }

    #[tokio::test]
    async fn entries_stand_in_the_order_in_which_they_are_due() {
        let control = MemoryControl::default();
        for (id, due_at) in [("c", NOW + 1), ("a", NOW), ("b", 999_999_999_999)] {
            control.commit(&[sweep(id).put(due_at).unwrap()]).await.unwrap();
        }
        let read: Vec<Errand> = due(&control, NOW).await.iter().map(|item| item.read().unwrap()).collect();
        assert_eq!(read, [sweep("b"), sweep("a")]);
    }

    #[tokio::test]
    async fn an_entry_has_one_taker_until_its_lease_is_over() {
        let control = MemoryControl::default();
        control.commit(&[sweep("a").put(NOW).unwrap()]).await.unwrap();
        let item = due(&control, NOW).await.remove(0);
        let (mine, taken) = take(&item, NOW).unwrap();
        let (theirs, _) = take(&item, NOW + 1).unwrap();
        control.commit(&mine).await.unwrap();
        assert_eq!(control.commit(&theirs).await, Err(CommitError::Conflict(0)));
        assert_eq!(due(&control, NOW + LEASE_MS - 1).await, []);
        let again = due(&control, NOW + LEASE_MS).await.remove(0);
        assert_eq!(again.read::<Errand>(), Ok(sweep("a")));
        let (theirs, _) = take(&again, NOW + LEASE_MS).unwrap();
        control.commit(&theirs).await.unwrap();
        assert_eq!(control.commit(&[taken.done()]).await, Err(CommitError::Conflict(0)), "it is another's by now");
    }

    #[tokio::test]
    async fn what_was_done_is_gone_or_stands_where_it_is_due_next() {
        let control = MemoryControl::default();
        for id in ["a", "b"] {
            control.commit(&[sweep(id).put(NOW).unwrap()]).await.unwrap();
        }
        let mut taken = Vec::new();
        for item in due(&control, NOW).await {
            let (writes, one) = take(&item, NOW).unwrap();
            control.commit(&writes).await.unwrap();
            taken.push(one);
        }
        control.commit(&[taken[0].done()]).await.unwrap();
        control.commit(&taken[1].then(&sweep("b"), NOW + 5).unwrap()).await.unwrap();
        assert_eq!(due(&control, NOW + 4).await, []);
        let keys: Vec<Key> = due(&control, i64::MAX).await.into_iter().map(|item| item.key).collect();
        assert_eq!(keys, [sweep("b").key(NOW + 5)]);

        let (writes, taken) = take(&due(&control, NOW + 5).await[0], NOW + 5).unwrap();
        control.commit(&writes).await.unwrap();
        control.commit(&taken.then(&sweep("b"), NOW + 5 + LEASE_MS).unwrap()).await.unwrap();
        assert_eq!(due(&control, NOW + 4 + LEASE_MS).await, []);
        assert_eq!(due(&control, NOW + 5 + LEASE_MS).await.len(), 1, "due again when its lease would be over");
    }

    #[test]
    fn a_key_without_a_time_is_shown_and_cannot_be_taken() {
        let item = Item { key: Key::new(AGENDA, "strange"), version: 1, doc: serde_json::json!({}) };
        assert!(is_due(&item, NOW));
        assert_eq!(take(&item, NOW), None);
    }
}
