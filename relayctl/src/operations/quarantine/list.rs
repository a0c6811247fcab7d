//! What lies in the quarantine, newest first.

use std::collections::{BTreeMap, HashSet};

use futures::{StreamExt, TryStreamExt, stream};
use relay::port::{ObjectHead, Objects};
use relay::quarantine;
use relay::replay::Marker;

use crate::cli::{Page, ReasonFilter};
use crate::operations::Refusal;
use crate::operations::replay::{Keys, marker};
use crate::view::{Count, DayRow, Days, ObjectRow, ObjectRows};

/// The folder of owners (`relay::quarantine`).
const ROOT: &str = "quarantine/";

/// How many objects are read at the same time: what is in memory, and an order of magnitude faster than one after the other.
const AT_ONCE: usize = 16;

/// The reason under which an object stands that cannot be read.
const UNREADABLE: &str = "unreadable";

/// What an object holds.
struct Content {
    head: ObjectHead,
    received_at: Option<i64>,
    entries: Vec<Seen>,
}

/// An entry of an object. The stream may have brought it twice, then it lies in two objects with one id.
struct Seen {
    id: String,
    reason: String,
    count: Count,
}

/// By day, owner and reason; of all owners, or of one.
pub(crate) async fn list_days(
    bucket: &impl Objects,
    owner: Option<&str>,
    filter: &ReasonFilter,
    page: &Page,
) -> Result<Days, Refusal> {
    let owners = match owner {
        Some(owner) => vec![owner.to_owned()],
        None => bucket.folders(ROOT).await?,
    };
    let mut folders = Vec::new();
    for owner in owners {
        let days = bucket.folders(&format!("{ROOT}{owner}/")).await?;
        folders.extend(days.into_iter().map(|day| (day, owner.clone())));
    }
    folders.retain(|(day, _)| page.before.as_ref().is_none_or(|before| day < before));
    // Newest day first; within a day by owner.
    folders.sort_unstable_by(|left, right| right.0.cmp(&left.0).then_with(|| left.1.cmp(&right.1)));
    let mut rows: Vec<DayRow> = Vec::new();
    for (day, owner) in folders {
        let last = rows.last().map(|row| row.day.clone());
        if rows.len() >= usize::from(page.limit) && last.as_ref().is_some_and(|last| *last != day) {
            return Ok(Days { days: rows, next: last });
        }
        for (reason, count) in tally(bucket, &format!("{ROOT}{owner}/{day}/"), filter).await? {
            rows.push(DayRow { day: day.clone(), owner: owner.clone(), reason, count });
        }
    }
    Ok(Days { days: rows, next: None })
}

/// The counts of all objects of a folder, by reason; each entry once.
async fn tally(bucket: &impl Objects, prefix: &str, filter: &ReasonFilter) -> Result<BTreeMap<String, Count>, Refusal> {
    let mut total: BTreeMap<String, Count> = BTreeMap::new();
    let mut known: HashSet<String> = HashSet::new();
    let mut after: Option<String> = None;
    loop {
        let listing = bucket.list(prefix, after.as_deref()).await?;
        let mut contents = stream::iter(listing.objects).map(|head| content(bucket, head, filter)).buffered(AT_ONCE);
        while let Some(content) = contents.try_next().await? {
            let new = |seen: &Seen| seen.id.is_empty() || known.insert(seen.id.clone());
            for (reason, count) in counts(content.entries.into_iter().filter(new)) {
                total.entry(reason).or_default().add(&count);
            }
        }
        match listing.next {
            None => return Ok(total),
            next => after = next,
        }
    }
}

/// The objects of one folder.
pub(crate) async fn list_objects(
    bucket: &impl Objects,
    prefix: &str,
    filter: &ReasonFilter,
    page: &Page,
) -> Result<ObjectRows, Refusal> {
    let before =
        page.before.as_ref().map(|before| format!("{prefix}{}", before.strip_prefix(prefix).unwrap_or(before)));
    let mut keys = Keys::below(prefix);
    let mut heads = Vec::new();
    while let Some(head) = keys.next(bucket).await? {
        if before.as_ref().is_none_or(|before| head.key < *before) {
            heads.push(head);
        }
    }
    heads.reverse();
    let limit = usize::from(page.limit);
    let mut rows = Vec::new();
    let mut contents = stream::iter(heads).map(|head| content(bucket, head, filter)).buffered(AT_ONCE);
    while let Some(content) = contents.try_next().await? {
        if content.entries.is_empty() {
            continue;
        }
        if rows.len() == limit {
            let next = rows.last().map(|row: &ObjectRow| row.object.clone());
            return Ok(ObjectRows { objects: rows, next });
        }
        let Content { head, received_at, entries } = content;
        let reasons = counts(entries.into_iter());
        rows.push(ObjectRow { object: head.key, received_at, bytes: head.bytes, reasons });
    }
    Ok(ObjectRows { objects: rows, next: None })
}

async fn content(bucket: &impl Objects, head: ObjectHead, filter: &ReasonFilter) -> Result<Content, Refusal> {
    let body = bucket.get(&head.key).await?.unwrap_or_default();
    let marker = marker(bucket, &head.key).await?.unwrap_or_default();
    let mut content = Content { head, received_at: None, entries: Vec::new() };
    // What is gone since it was listed holds nothing.
    if !body.is_empty() && content.read(&body, &marker, filter).is_err() {
        let count = Count { objects: 1, entries: 1, open: 1, bytes: content.head.bytes };
        content.entries.push(Seen { id: String::new(), reason: UNREADABLE.to_owned(), count });
    }
    Ok(content)
}

/// The counts of one object's entries, by reason.
fn counts(entries: impl Iterator<Item = Seen>) -> BTreeMap<String, Count> {
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for Seen { reason, count, .. } in entries {
        let of_reason = counts.entry(reason).or_default();
        of_reason.add(&count);
        of_reason.objects = 1;
    }
    counts
}

impl Content {
    fn read(&mut self, body: &[u8], marker: &Marker, filter: &ReasonFilter) -> Result<(), std::io::Error> {
        for (index, entry) in quarantine::entries(body)?.enumerate() {
            let entry = entry?;
            if !filter.takes(&entry.reason) {
                continue;
            }
            self.received_at = Some(self.received_at.map_or(entry.received_at, |first| first.min(entry.received_at)));
            let bytes = entry.query.len() + entry.body.as_ref().or(entry.body_base64.as_ref()).map_or(0, String::len);
            let open = u64::from(!marker.is_settled(index));
            let count = Count { objects: 1, entries: 1, open, bytes: bytes as u64 };
            self.entries.push(Seen { id: entry.id, reason: entry.reason, count });
        }
        Ok(())
    }
}
