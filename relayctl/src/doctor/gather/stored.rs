//! What lies in table `pages`, in the buckets and in the queues of what was given up: counted, within few calls.

use std::collections::HashSet;

use futures::join;
use relay::activity::Kind;
use relay::agenda::LAST_SWEEP_MS;
use relay::export::{parse_object_key, store};
use relay::page::PageDay;
use relay::port::{Objects, PageStore, SortRange};
use relay::replay::marker_key;
use relay::time::date_of_day;
use relay_aws::dynamodb::AwsPages;
use relay_aws::s3::{AwsUploads, OpenUpload};

use super::super::facts::{Count, Looked, Stored};
use super::{Looker, within};
use crate::target::{PlaceError, Target};

const DAY_MS: i64 = 24 * 3600 * 1000;

/// How far back the quarantine is counted.
const QUARANTINE_DAYS: i64 = 7;

/// The most listings of a look: of a thousand objects each.
const MOST_LISTINGS: usize = 200;

/// The most uploads whose export is looked up.
const MOST_UPLOADS: usize = 50;

/// The longest that an export can live: three executions of a day each, and the lifecycle rule of its bucket ends its uploads after four days
/// (`template.yaml`).
const LONGEST_EXPORT_MS: i64 = 4 * DAY_MS;

impl Looker<'_> {
    pub(super) async fn stored(&self, target: &Target) -> Result<Stored, PlaceError> {
        let (quarantine, failed) = (target.quarantine()?, target.failed()?);
        let pages = AwsPages::new(self.aws, self.stack.output("PagesTable")?);
        let uploads = AwsUploads::new(self.aws, self.stack.output("ExportBucket")?);
        let notify = self.stack.output("NotifyDeadLetters")?;
        let dispatcher = self.stack.output("DispatcherDeadLetters")?;
        let (pages, failed, quarantine, notify_letters, dispatcher_letters, orphans) = join!(
            within("dynamodb:Query", answers(&pages)),
            within("s3:ListBucket", open(&failed, vec!["aws/lambda/".to_owned()], None)),
            within("s3:ListBucket", self.quarantined(&quarantine)),
            self.queue(notify),
            self.queue(dispatcher),
            within("s3:ListBucketMultipartUploads", self.orphans(&uploads)),
        );
        Ok(Stored { pages, failed, quarantine, notify_letters, dispatcher_letters, orphans })
    }

    async fn quarantined(&self, bucket: &impl Objects) -> Looked<Count> {
        let owners = bucket.folders("quarantine/").await?;
        let day = date_of_day(self.now.div_euclid(DAY_MS) - QUARANTINE_DAYS);
        open(bucket, owners.into_iter().map(|owner| format!("quarantine/{owner}/")).collect(), Some(&day)).await
    }

    async fn orphans(&self, uploads: &AwsUploads) -> Looked<Count> {
        let (open, has_more) = uploads.first().await?;
        let mut count = Count { is_at_least: has_more || open.len() > MOST_UPLOADS, ..Count::default() };
        for upload in open.iter().take(MOST_UPLOADS) {
            count.objects += u64::from(self.is_orphan(upload).await?);
        }
        Ok(count)
    }

    /// An upload that nobody goes on with: its export has ended, and was swept since; or no export is as old.
    async fn is_orphan(&self, upload: &OpenUpload) -> Looked<bool> {
        if upload.began_at < self.now.saturating_sub(LONGEST_EXPORT_MS) {
            return Ok(true);
        }
        let Some((owner, export_id)) = parse_object_key(&upload.key) else { return Ok(false) };
        let found = store::load(&self.control, owner, export_id).await?;
        let ended_at = found.and_then(|(export, _)| export.finished_at);
        // Twice: the sweep itself may be late by some ticks.
        Ok(ended_at.is_some_and(|ended_at| ended_at.saturating_add(2 * LAST_SWEEP_MS) < self.now))
    }
}

/// Whether the table can be read.
async fn answers(pages: &impl PageStore) -> Looked<()> {
    let day = PageDay { app_token: "relayctl-doctor".to_owned(), kind: Kind::Event, day: 0, shard: 0 };
    let range = SortRange { from: "0000", to: "2400", after: None };
    pages.list(&day, range, Some(1)).await.map(drop)
}

/// The objects of these folders that no replay has marked, from a day of each folder on.
async fn open(bucket: &impl Objects, folders: Vec<String>, since: Option<&str>) -> Looked<Count> {
    let mut count = Count::default();
    let mut listings = 0;
    for folder in folders {
        let mut after = since.map(|day| format!("{folder}{day}"));
        loop {
            if listings >= MOST_LISTINGS {
                count.is_at_least = true;
                return Ok(count);
            }
            listings += 2;
            let found = bucket.list(&folder, after.as_deref()).await?;
            let marked = marked(bucket, &folder, after.as_deref()).await?;
            let open = found.objects.iter().filter(|object| !marked.contains(&marker_key(&object.key)));
            for object in open {
                count.objects += 1;
                count.bytes += object.bytes;
            }
            after = found.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(count)
}

/// The markers of a listing: one is there for each of its objects at most, so as many lie behind the same key.
async fn marked(bucket: &impl Objects, folder: &str, after: Option<&str>) -> Looked<HashSet<String>> {
    let after = after.map(marker_key);
    let found = bucket.list(&marker_key(folder), after.as_deref()).await?;
    Ok(found.objects.into_iter().map(|object| object.key).collect())
}
