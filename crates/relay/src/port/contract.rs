//! What every implementation of a port must do: run against the memory doubles always, and against AWS's wire on the local stack, so that the
//! doubles cannot drift. Each function panics where the promise does not hold; `name` keeps runs on a shared stack apart.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a broken promise is a failed test"
)]

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use crate::activity::Kind;
use crate::control::{CommitError, Expect, Key, Query, Write};
use crate::fault::FaultKind;
use crate::page::{Page, PageDay};
use crate::port::{
    ControlTable, ExecutionState, Executions, ExportFiles, Leavings, ObjectHead, Objects, PageEdit, PageEdits,
    PageStore, Quarantine, Record, Removal, SortRange, Spill, SpillBacklog, StoredPart, Stream, Tails, UploadState,
};

fn put(key: &Key, value: u32, expect: Expect) -> Write {
    Write::Put {
        key: key.clone(),
        doc: json!({"value": value, "nested": {"list": [1, "둘", null, true]}}),
        expires_at: None,
        expect,
    }
}

/// Table `control`: conditions hold, a commit is all or nothing, versions grow, lists are ordered and paged.
pub async fn control(table: &impl ControlTable, name: &str) {
    let key = |sk: &str| Key::new(format!("contract#{name}"), sk);
    let (a, b) = (key("a"), key("b"));
    table.commit(&[put(&a, 1, Expect::Absent)]).await.unwrap();
    assert_eq!(table.commit(&[put(&a, 2, Expect::Absent)]).await, Err(CommitError::Conflict(0)));
    let read = table.get(&[a.clone(), b.clone()]).await;
    let [Ok(Some(item)), Ok(None)] = read.as_slice() else { panic!("one result per key, in order: {read:?}") };
    assert_eq!((item.version, &item.doc["value"], &item.doc["nested"]["list"][1]), (1, &json!(1), &json!("둘")));

    let both = [put(&b, 1, Expect::Absent), put(&a, 3, Expect::Version(7))];
    assert_eq!(table.commit(&both).await, Err(CommitError::Conflict(1)));
    assert_eq!(table.get(std::slice::from_ref(&b)).await, [Ok(None)], "a commit is all or nothing");
    let both = [put(&b, 1, Expect::Any), put(&a, 3, Expect::Version(1))];
    table.commit(&both).await.unwrap();
    let versions: Vec<u64> =
        table.get(&[a.clone(), b.clone()]).await.into_iter().map(|item| item.unwrap().unwrap().version).collect();
    assert_eq!(versions, [2, 0]);

    for sk in ["c", "d#1", "d#2"] {
        table.commit(&[put(&key(sk), 0, Expect::Any)]).await.unwrap();
    }
    list(table, name).await;
    table.commit(&[Write::Delete { key: a.clone(), expect: Expect::Version(2) }]).await.unwrap();
    table.commit(&[Write::Delete { key: a.clone(), expect: Expect::Any }]).await.unwrap();
    assert_eq!(table.get(&[a]).await, [Ok(None)]);
}

async fn list(table: &impl ControlTable, name: &str) {
    let mut query =
        Query { pk: format!("contract#{name}"), prefix: String::new(), after: None, descending: true, limit: 3 };
    let mut found = Vec::new();
    loop {
        let listing = table.query(&query).await.unwrap();
        assert!(listing.items.len() <= 3);
        found.extend(listing.items.into_iter().map(|item| item.key.sk));
        match listing.next {
            None => break,
            after => query.after = after,
        }
    }
    assert_eq!(found, ["d#2", "d#1", "c", "b", "a"]);
    let query = Query { prefix: "d#".to_owned(), after: None, descending: false, ..query };
    let listing = table.query(&query).await.unwrap();
    assert_eq!(listing.items.iter().map(|item| item.key.sk.as_str()).collect::<Vec<_>>(), ["d#1", "d#2"]);
    assert_eq!(listing.next, None);
}

fn page(day: &PageDay, sk: &str, bytes: usize) -> Page {
    let body = Bytes::from(vec![7; bytes]);
    Page { day: day.clone(), sk: sk.to_owned(), body, n: 3, expires_at: 4_102_444_800 }
}

/// Table `pages`: one result a page, the same page twice is one item, ranges and limits hold, more than one call's worth is paged.
pub async fn pages(store: &impl PageStore, name: &str) {
    let day = PageDay { app_token: format!("contract-{name}"), kind: Kind::Install, day: 19_675, shard: 0 };
    let labels: Vec<String> = (0..30).map(|minute| format!("00{minute:02}#digest")).collect();
    let pages: Vec<Page> = labels.iter().map(|sk| page(&day, sk, 100 * 1024)).collect();
    assert_eq!(store.put(&pages).await, vec![Ok(()); 30]);
    assert_eq!(store.put(&pages[..2]).await, vec![Ok(()); 2]);
    let whole = SortRange { from: "0000", to: "2400", after: None };
    assert_eq!(sort_keys(store, &day, whole).await, labels);
    let part = SortRange { from: "0005", to: "0008", after: Some("0005#digest") };
    assert_eq!(sort_keys(store, &day, part).await, labels[6..8]);
    let one = store.list(&day, whole, Some(1)).await.unwrap();
    assert_eq!((one.pages.len(), one.pages[0].n, one.pages[0].body.len()), (1, 3, 100 * 1024));
    let other = PageDay { shard: 1, ..day.clone() };
    assert!(sort_keys(store, &other, whole).await.is_empty());
    let results = store.put(&[page(&day, "0100#fits", 10), page(&day, "0101#large", 401 * 1024)]).await;
    assert!(matches!(results.as_slice(), [Ok(()), Err(crate::port::PutPageError::Invalid(_))]), "{results:?}");
}

/// Table `pages` as an erase changes it: a page that is as it was read becomes another or is removed, any other is left alone.
pub async fn edits(store: &(impl PageStore + PageEdits), name: &str) {
    let day = PageDay { app_token: format!("contract-edits-{name}"), kind: Kind::Event, day: 19_675, shard: 0 };
    let sks = ["0001#a", "0002#b", "0003#c"];
    assert_eq!(store.put(&sks.map(|sk| page(&day, sk, 300 * 1024))).await, vec![Ok(()); 3]);
    let whole = SortRange { from: "0000", to: "2400", after: None };
    let mut was = Vec::new();
    for sk in sks {
        was.push(
            store.list(&day, SortRange { from: sk, to: &format!("{sk}!"), ..whole }, Some(1)).await.unwrap().pages,
        );
    }
    let was: Vec<_> = was.into_iter().flatten().collect();
    assert_eq!(was.len(), 3);
    let left = (Bytes::from_static(b"left"), 2);
    let edit = |page: usize, becomes: Option<&(Bytes, u64)>| PageEdit {
        day: day.clone(),
        was: was[page].clone(),
        becomes: becomes.cloned(),
    };
    assert_eq!(store.edit(&[]).await, vec![]);
    assert_eq!(store.edit(&[edit(0, Some(&left)), edit(1, None)]).await, [Ok(true), Ok(true)]);
    // As they were read they are no more, and what is not there is not made.
    let late = [edit(0, None), edit(1, Some(&left)), edit(2, None)];
    assert_eq!(store.edit(&late).await, [Ok(false), Ok(false), Ok(true)]);
    let pages = store.list(&day, whole, None).await.unwrap().pages;
    let [one] = pages.as_slice() else { panic!("one page is left: {} are", pages.len()) };
    assert_eq!((one.sk.as_str(), one.body.as_ref(), one.n), (sks[0], b"left".as_slice(), 2));
}

async fn sort_keys(store: &impl PageStore, day: &PageDay, range: SortRange<'_>) -> Vec<String> {
    let mut keys = Vec::new();
    let mut after = range.after.map(str::to_owned);
    loop {
        let listing = store.list(day, SortRange { after: after.as_deref(), ..range }, None).await.unwrap();
        keys.extend(listing.pages.into_iter().map(|page| page.sk));
        match listing.next {
            None => return keys,
            next => after = next,
        }
    }
}

/// The stream: one result a record, whatever their number, and one that breaks a limit refuses no other call.
pub async fn stream(stream: &impl Stream) {
    let record = |n: usize, bytes: usize| Record { partition_key: format!("{n}"), data: Bytes::from(vec![9; bytes]) };
    let many: Vec<Record> = (0..501).map(|n| record(n, 10)).collect();
    assert_eq!(stream.put(&many).await, vec![Ok(()); 501]);
    assert_eq!(stream.put(&[]).await, vec![]);
    let large = stream.put(&[record(1, 11 * 1024 * 1024)]).await;
    assert!(matches!(large.as_slice(), [Err(_)]), "a record over the limit is refused");
}

/// The spill queue: one result a frame, whatever their number; one that breaks the limit refuses no other; what was sent is held.
pub async fn spill(spill: &(impl Spill + SpillBacklog)) {
    let frame = |bytes: usize| Bytes::from(vec![9; bytes]);
    assert_eq!(spill.send(&[]).await, vec![]);
    let mut frames = vec![frame(10); 11];
    frames.push(frame(crate::frame::MAX_FRAME_BYTES));
    assert_eq!(spill.send(&frames).await, vec![Ok(()); 12]);
    assert_eq!(spill.is_empty().await, Ok(false));
    let results = spill.send(&[frame(10), frame(2 * 1024 * 1024), frame(10)]).await;
    assert!(matches!(results.as_slice(), [Ok(()), Err(_), Ok(())]), "{results:?}");
}

/// The quarantine: an object may be written again.
pub async fn quarantine(quarantine: &impl Quarantine, name: &str) {
    let key = format!("quarantine/contract/{name}");
    quarantine.put(&key, Bytes::from_static(b"once")).await.unwrap();
    quarantine.put(&key, Bytes::from_static(b"once")).await.unwrap();
}

/// A bucket as an operator reads it: what was put is listed in order, by folder, and read back; what is not there is `None`.
pub async fn objects(bucket: &impl Objects, name: &str) {
    let root = format!("contract/{name}/");
    let key = |rest: &str| format!("{root}{rest}");
    for (rest, body) in [("a/2", "old"), ("a/1", "one"), ("a/2", "two"), ("b/한 글+1", ""), ("c", "leaf")] {
        bucket.put(&key(rest), Bytes::copy_from_slice(body.as_bytes())).await.unwrap();
    }
    assert_eq!(bucket.folders(&root).await.unwrap(), ["a", "b"]);
    assert_eq!(bucket.folders(&key("nothing/")).await.unwrap(), Vec::<String>::new());
    let listing = bucket.list(&key("a/"), None).await.unwrap();
    let head = |rest: &str, bytes| ObjectHead { key: key(rest), bytes };
    assert_eq!((listing.objects, listing.next), (vec![head("a/1", 3), head("a/2", 3)], None));
    let behind = bucket.list(&root, Some(&key("a/2"))).await.unwrap();
    assert_eq!(behind.objects, [head("b/한 글+1", 0), head("c", 4)]);
    assert_eq!(bucket.get(&key("a/2")).await.unwrap().unwrap(), "two");
    assert_eq!(bucket.get(&key("b/한 글+1")).await.unwrap().unwrap(), "");
    assert_eq!(bucket.get(&key("a")).await, Ok(None));
}

/// The export bucket: parts may be replaced, the state says what is there, a completed upload is an object.
pub async fn files(files: &impl ExportFiles, name: &str) {
    let key = format!("contract/{name}.csv");
    let upload = files.begin(&key, &[("trace-id", "ab".to_owned())]).await.unwrap();
    assert_eq!(files.state(&upload).await.unwrap(), UploadState::Open(vec![]));
    let part = Bytes::from(vec![b'a'; 5 * 1024 * 1024]);
    let replaced = files.put_part(&upload, 1, Bytes::from_static(b"replaced")).await.unwrap();
    let first = files.put_part(&upload, 1, part.clone()).await.unwrap();
    let last = files.put_part(&upload, 2, Bytes::from_static(b"end")).await.unwrap();
    let bytes = part.len() as u64;
    assert_eq!((replaced.bytes, first.bytes, last.bytes), (8, bytes, 3));
    let UploadState::Open(parts) = files.state(&upload).await.unwrap() else { panic!("the upload is open") };
    let known = |parts: &[StoredPart]| parts.iter().map(|part| (part.bytes, part.tag.clone())).collect::<Vec<_>>();
    assert_eq!(known(&parts), known(&[first, last.clone()]), "a part is known again by its tag");
    assert!(parts.iter().all(|part| part.tag != replaced.tag), "another content has another tag");

    let within = Duration::from_mins(1);
    let refused = files.complete(&upload, &[replaced, last], within).await.unwrap_err();
    assert_eq!(refused.kind, FaultKind::Unavailable, "a part that has become another: {refused}");
    files.complete(&upload, &parts, within).await.unwrap();
    assert_eq!(files.state(&upload).await.unwrap(), UploadState::Complete(bytes + 3));
    let unknown = crate::port::Upload { key: format!("{key}.none"), upload_id: upload.upload_id };
    assert_eq!(files.state(&unknown).await.unwrap(), UploadState::Gone);
}

/// Removal: an object is gone, and another is not; what is gone may be removed again.
pub async fn removal(files: &impl ExportFiles, removal: &impl Removal, name: &str) {
    let keys = [1, 2, 3].map(|number| format!("exports/contract/{name}/한 {number}.csv"));
    let mut uploads = Vec::new();
    for key in &keys {
        let upload = files.begin(key, &[]).await.unwrap();
        let part = files.put_part(&upload, 1, Bytes::from_static(b"rows")).await.unwrap();
        files.complete(&upload, &[part], Duration::from_mins(1)).await.unwrap();
        uploads.push(upload);
    }
    for _ in 0..2 {
        assert_eq!(removal.remove(&keys[1..]).await, [Ok(()), Ok(())]);
        let states = [files.state(&uploads[0]).await, files.state(&uploads[1]).await, files.state(&uploads[2]).await];
        assert_eq!(states, [Ok(UploadState::Complete(4)), Ok(UploadState::Gone), Ok(UploadState::Gone)]);
    }
}

/// Tails: what was kept is fetched, what was not is not there.
pub async fn tails(tails: &impl Tails, name: &str) {
    let key = format!("tails/contract/{name}");
    assert_eq!(tails.fetch(&key).await, Ok(None));
    tails.keep(&key, Bytes::from_static(b"first")).await.unwrap();
    tails.keep(&key, Bytes::from_static(b"second")).await.unwrap();
    assert_eq!(tails.fetch(&key).await, Ok(Some(Bytes::from_static(b"second"))));
}

/// Leavings: uploads are found by their prefix and aborted, objects are removed by theirs; doing it again is fine.
pub async fn leavings(files: &(impl ExportFiles + Tails + Leavings), name: &str) {
    let (mine, theirs) = (format!("contract/leavings/{name}/"), format!("contract/leavings/{name}0/"));
    let mut begun = Vec::new();
    for key in [format!("{mine}a.csv"), format!("{mine}b 한.csv"), format!("{theirs}c.csv")] {
        begun.push(files.begin(&key, &[]).await.unwrap());
    }
    files.put_part(&begun[0], 1, Bytes::from_static(b"part")).await.unwrap();
    assert_eq!(files.uploads(&mine).await.unwrap(), begun[..2]);
    for upload in &begun {
        files.abort(upload).await.unwrap();
        files.abort(upload).await.unwrap();
        assert_eq!(files.state(upload).await, Ok(UploadState::Gone));
    }
    assert_eq!(files.uploads(&mine).await, Ok(vec![]));

    let tail = |folder: &str| format!("tails/{folder}1");
    for key in [tail(&mine), format!("tails/{mine}2 한"), tail(&theirs)] {
        files.keep(&key, Bytes::from_static(b"rows")).await.unwrap();
    }
    assert_eq!(files.clear(&format!("tails/{mine}")).await, Ok(2));
    assert_eq!(files.clear(&format!("tails/{mine}")).await, Ok(0));
    assert_eq!(files.fetch(&tail(&mine)).await, Ok(None));
    assert!(files.fetch(&tail(&theirs)).await.unwrap().is_some(), "another's");
}

/// Executions: starting twice is one execution, an unknown one is unknown, stopping twice is fine. `input` must be one the state machine takes.
pub async fn executions(executions: &impl Executions, name: &str, input: &str) {
    assert_eq!(executions.state(name).await.unwrap(), ExecutionState::Unknown);
    executions.stop(name).await.unwrap();
    executions.start(name, input).await.unwrap();
    executions.start(name, input).await.unwrap();
    assert_ne!(executions.state(name).await.unwrap(), ExecutionState::Unknown);
    executions.stop(name).await.unwrap();
    executions.stop(name).await.unwrap();
    assert_ne!(executions.state(name).await.unwrap(), ExecutionState::Running);
}

#[cfg(test)]
mod tests {
    use crate::port::memory::{
        MemoryControl, MemoryExecutions, MemoryFiles, MemoryObjects, MemoryPages, MemoryQuarantine, MemorySpill,
        MemoryStream,
    };

    #[tokio::test]
    async fn the_doubles_keep_the_contract() {
        super::control(&MemoryControl::default(), "memory").await;
        super::pages(&MemoryPages::default(), "memory").await;
        super::edits(&MemoryPages::default(), "memory").await;
        super::stream(&MemoryStream::new(2)).await;
        super::spill(&MemorySpill::default()).await;
        super::quarantine(&MemoryQuarantine::default(), "memory").await;
        super::objects(&MemoryObjects::default(), "memory").await;
        super::files(&MemoryFiles::default(), "memory").await;
        super::tails(&MemoryFiles::default(), "memory").await;
        super::leavings(&MemoryFiles::default(), "memory").await;
        let files = MemoryFiles::default();
        super::removal(&files, &files, "memory").await;
        super::executions(&MemoryExecutions::default(), "memory", "{}").await;
    }
}
