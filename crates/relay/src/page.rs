//! A page: one item of table `pages`, the activities of one app, kind and minute that one write brought.

use bytes::Bytes;

use crate::activity::Kind;

/// The day and shard whose pages share a partition: `pk = {app_token}#{kind}#{yyyy-mm-dd}#{shard}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageDay {
    /// The app.
    pub app_token: String,
    /// The kind.
    pub kind: Kind,
    /// Days since the epoch, UTC.
    pub day: i64,
    /// 0 to the largest `PageShards` ever deployed, excluded.
    pub shard: u32,
}

/// A page to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Which partition.
    pub day: PageDay,
    /// `{HHMM}#{digest}`: the minute of `created_at`, and 128 bits over the uncompressed bytes.
    pub sk: String,
    /// The compressed activities.
    pub body: Bytes,
    /// How many activities.
    pub n: u64,
    /// When the table may forget it: seconds since the epoch.
    pub expires_at: i64,
}

/// A page as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPage {
    /// `{HHMM}#{digest}`.
    pub sk: String,
    /// The compressed activities.
    pub body: Bytes,
    /// How many activities.
    pub n: u64,
}
