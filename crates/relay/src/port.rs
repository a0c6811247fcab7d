//! The ports: what Relay needs from the world. Each is earned by two implementations that run every day, AWS's and the
//! in-memory double. They take a batch and answer one result per element, in order; they decide nothing and never retry.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use crate::control::{CommitError, Item, Key, Listing, Query, Write};
use crate::fault::Fault;
use crate::page::{Page, PageDay, StoredPage};

#[cfg(any(test, feature = "testing"))]
pub mod contract;
#[cfg(any(test, feature = "testing"))]
pub mod memory;

/// One record for the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Spreads records over shards; random, 1 to 256 characters.
    pub partition_key: String,
    /// A frame; at most 1 MiB with the key (Kinesis `PutRecords`).
    pub data: Bytes,
}

/// The stream's entrance: durable once it says so.
pub trait Stream: Send + Sync {
    /// Puts the records; `Ok` for each one that is durable. Any number of records: the port keeps the service's limits per call.
    fn put(&self, records: &[Record]) -> impl Future<Output = Vec<Result<(), Fault>>> + Send;
}

/// The spill queue's entrance: where frames become durable while the stream does not take them.
pub trait Spill: Send + Sync {
    /// Sends frames, one message each; `Ok` for each one that is durable. Any number of frames: the port keeps the service's limits per call.
    fn send(&self, frames: &[Bytes]) -> impl Future<Output = Vec<Result<(), Fault>>> + Send;
}

/// The spill queue, seen from outside its consumer: while it holds frames, the pages are not complete, whatever the stream's watermarks say.
pub trait SpillBacklog: Send + Sync {
    /// Whether it holds nothing: neither waiting nor in the writer's hands. SQS counts what was sent within the last minute or so only approximately.
    fn is_empty(&self) -> impl Future<Output = Result<bool, Fault>> + Send;
}

/// How far the writer has come in one shard of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// The shard.
    pub shard_id: String,
    /// The last sequence number that is in the pages (or the quarantine).
    pub sequence_number: String,
}

/// A place in a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// Behind the record of this sequence number.
    Behind(String),
    /// At the first record that arrived at this moment or later: milliseconds since the epoch, before now.
    From(i64),
}

/// Where to begin to look into a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The shard.
    pub shard_id: String,
    /// The place.
    pub at: Position,
}

/// How far a look goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Milliseconds since the epoch.
    pub now: i64,
    /// To know that nothing arrived before this moment is enough: milliseconds since the epoch.
    pub enough: i64,
    /// How long the whole look may take, about: it ends after the call that reaches it.
    pub within: Duration,
}

/// What a look into a shard showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// No record stands behind the start.
    Nothing,
    /// The first one arrived at this moment: milliseconds since the epoch.
    Record(i64),
    /// None that arrived before this moment; the look came no further. Milliseconds since the epoch.
    NothingBefore(i64),
}

/// What a look into each shard showed, by the shard.
pub type Sights = Vec<(String, Result<Sight, Fault>)>;

/// The stream's backlog, seen from outside the consumer: how complete are the pages?
pub trait Backlog: Send + Sync {
    /// Looks into every shard that the stream has, one result each; without a start from the shard's beginning.
    fn look(&self, starts: &[Start], look: Look) -> impl Future<Output = Result<Sights, Fault>> + Send;
}

/// Why a page was not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PutPageError {
    /// The world's fault: try again.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The table refuses this very page as invalid: never again, quarantine it.
    #[error("the table refuses the page: {0}")]
    Invalid(String),
}

/// Pages of one day and shard, in sort-key order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageListing {
    /// The pages.
    pub pages: Vec<StoredPage>,
    /// The sort key to go on behind; `None` at the end of the range.
    pub next: Option<String>,
}

/// Table `pages`.
pub trait PageStore: Send + Sync {
    /// Stores pages; one result each. The same page twice is one item. Any number of pages, keys distinct.
    fn put(&self, pages: &[Page]) -> impl Future<Output = Vec<Result<(), PutPageError>>> + Send;

    /// Pages of a day and shard whose sort key is in `from..to` (`to` excluded) and behind `after`: at most what one call of the service brings
    /// (DynamoDB: 1 MiB), at most `limit`.
    fn list(
        &self,
        day: &PageDay,
        range: SortRange<'_>,
        limit: Option<usize>,
    ) -> impl Future<Output = Result<PageListing, Fault>> + Send;
}

/// A page that is to become another, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageEdit {
    /// Which partition.
    pub day: PageDay,
    /// The page as it was read.
    pub was: StoredPage,
    /// The body that it shall have and how many activities that holds; `None` to remove it.
    pub becomes: Option<(Bytes, u64)>,
}

/// Table `pages`, changed in place: apart from [`PageStore`], so that only who erases may.
pub trait PageEdits: Send + Sync {
    /// Changes pages; one result each, keys distinct. `false` where the page is not (any more) as it was read: then nothing is done to it. A change whose
    /// answer was lost answers `false` the next time. When the table may forget the page stays as it is.
    fn edit(&self, edits: &[PageEdit]) -> impl Future<Output = Vec<Result<bool, Fault>>> + Send;
}

/// A range of sort keys of table `pages`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortRange<'a> {
    /// The first sort key that belongs to it, or its beginning (`HHMM`, `HHMM#7`).
    pub from: &'a str,
    /// The first that does not (`HHMM`, or `2400` for the day's end; `HHMM#8`).
    pub to: &'a str,
    /// Start behind this one.
    pub after: Option<&'a str>,
}

/// Table `control`.
pub trait ControlTable: Send + Sync {
    /// Reads items by key, each consistently; one result per key.
    fn get(&self, keys: &[Key]) -> impl Future<Output = Vec<Result<Option<Item>, Fault>>> + Send;

    /// Lists items of a partition, consistently.
    fn query(&self, query: &Query) -> impl Future<Output = Result<Listing, Fault>> + Send;

    /// Carries out all writes or none (DynamoDB `TransactWriteItems`: at most 100, no key twice).
    fn commit(&self, writes: &[Write]) -> impl Future<Output = Result<(), CommitError>> + Send;
}

/// The quarantine bucket.
pub trait Quarantine: Send + Sync {
    /// Stores an object whole; the same key twice is the same object.
    fn put(&self, key: &str, body: Bytes) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// An object of a bucket as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectHead {
    /// Its key.
    pub key: String,
    /// Its size as stored.
    pub bytes: u64,
}

/// Objects of a bucket in key order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectListing {
    /// The objects.
    pub objects: Vec<ObjectHead>,
    /// The key to go on behind; `None` at the end.
    pub next: Option<String>,
}

/// A bucket as an operator reads it: the quarantine, or what the stream mapping gave up. Nothing here can delete.
pub trait Objects: Send + Sync {
    /// Objects whose key begins with `prefix`, behind `after`: at most what one call of the service brings (S3: 1,000).
    fn list(&self, prefix: &str, after: Option<&str>) -> impl Future<Output = Result<ObjectListing, Fault>> + Send;

    /// What stands between `prefix` and the next `/` in any key, each once, in order: the folders below a folder.
    fn folders(&self, prefix: &str) -> impl Future<Output = Result<Vec<String>, Fault>> + Send;

    /// An object whole; `None` where none is.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Bytes>, Fault>> + Send;

    /// Stores an object whole, in place of one that is there.
    fn put(&self, key: &str, body: Bytes) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// An upload in parts that has begun.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Upload {
    /// The object's key.
    pub key: String,
    /// The service's name for the upload.
    pub upload_id: String,
}

/// A part of an upload as the service has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPart {
    /// Its bytes.
    pub bytes: u64,
    /// The service's tag for its content: another content has another tag.
    pub tag: String,
    /// The service's checksum of it, where it keeps one.
    pub checksum: Option<String>,
}

/// Where an upload stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadState {
    /// Open, with these parts, by number from 1 to the first gap.
    Open(Vec<StoredPart>),
    /// The upload is gone and the object is there with this many bytes.
    Complete(u64),
    /// The upload is gone and no object is there.
    Gone,
}

/// The export bucket: files written in parts.
pub trait ExportFiles: Send + Sync {
    /// Begins an upload; `metadata` goes on the object (names and values ASCII).
    fn begin(&self, key: &str, metadata: &[(&str, String)]) -> impl Future<Output = Result<Upload, Fault>> + Send;

    /// Stores part `number` (from 1, at most 10,000; 5 MiB to 5 GiB save the last). The same number again replaces it.
    fn put_part(
        &self,
        upload: &Upload,
        number: u32,
        body: Bytes,
    ) -> impl Future<Output = Result<StoredPart, Fault>> + Send;

    /// Where the upload stands.
    fn state(&self, upload: &Upload) -> impl Future<Output = Result<UploadState, Fault>> + Send;

    /// Makes the object of these parts, by number from 1; refused where one has become another since. May take minutes, and `within` at most.
    fn complete(
        &self,
        upload: &Upload,
        parts: &[StoredPart],
        within: Duration,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// The export bucket: rows that wait for more of them.
pub trait Tails: Send + Sync {
    /// Keeps an object for some days; durable once it says so.
    fn keep(&self, key: &str, body: Bytes) -> impl Future<Output = Result<(), Fault>> + Send;

    /// A kept object; `None` where there is none (any more).
    fn fetch(&self, key: &str) -> impl Future<Output = Result<Option<Bytes>, Fault>> + Send;
}

/// The export bucket: what exports that have ended left there besides their files.
pub trait Leavings: Send + Sync {
    /// The open uploads whose key begins with `prefix`.
    fn uploads(&self, prefix: &str) -> impl Future<Output = Result<Vec<Upload>, Fault>> + Send;

    /// Aborts an upload; one that is gone already is fine.
    fn abort(&self, upload: &Upload) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Removes every object whose key begins with `prefix`; answers how many there were.
    fn clear(&self, prefix: &str) -> impl Future<Output = Result<usize, Fault>> + Send;
}

/// The export bucket: files that are not to be kept any longer.
pub trait Removal: Send + Sync {
    /// Deletes objects by key, one result each; one that is not there is deleted already. Any number of keys.
    fn remove(&self, keys: &[String]) -> impl Future<Output = Vec<Result<(), Fault>>> + Send;
}

/// Makes links.
pub trait LinkSigner: Send + Sync {
    /// A link to the object that lives one hour, with when it really ends. `file_name` is what a browser saves it as.
    fn sign(
        &self,
        key: &str,
        file_name: &str,
        now: i64,
    ) -> impl Future<Output = Result<crate::link::Link, Fault>> + Send;
}

/// Why a mail was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendMailError {
    /// The world's fault: try again.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The service refuses this very mail: its address or content.
    #[error("the mail service refuses the mail: {0}")]
    Rejected(String),
}

/// Sends mails.
pub trait Mailer: Send + Sync {
    /// Sends one mail; answers the service's message id.
    fn send(&self, to: &str, mail: &crate::notice::Mail) -> impl Future<Output = Result<String, SendMailError>> + Send;
}

/// Why a webhook's address gave no answer, in words for its owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoAnswer(pub String);

/// Calls webhooks.
pub trait Hooks: Send + Sync {
    /// POSTs a JSON body with these headers besides; answers the status. It follows no redirection, and reads nothing else of the answer.
    fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> impl Future<Output = Result<u16, NoAnswer>> + Send;
}

/// Where an execution of the export state machine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionState {
    /// No execution of this name.
    Unknown,
    /// On its way.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended otherwise: failed, timed out or stopped.
    Failed,
}

/// The export state machine.
pub trait Executions: Send + Sync {
    /// Starts the execution of this name; one that is there already is fine.
    fn start(&self, name: &str, input: &str) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Where the execution of this name stands.
    fn state(&self, name: &str) -> impl Future<Output = Result<ExecutionState, Fault>> + Send;

    /// Stops it; stopping what has ended or never was is fine.
    fn stop(&self, name: &str) -> impl Future<Output = Result<(), Fault>> + Send;
}
