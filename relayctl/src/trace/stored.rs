//! What became of a request or an activity: the quarantine by its trace id, the pages of a minute by its id.

use futures::{StreamExt, stream};
use relay::page::{self, PageDay, minute_label};
use relay::port::{ControlTable, ObjectHead, Objects, PageStore, SortRange};
use relay::quarantine;
use relay::time::date_of_day;
use relay_aws::dynamodb::AwsPages;

use super::view::{Event, Look, Trace, counted};
use super::{Asked, Bucket, Looked, Place};
use crate::operations::replay::marker;
use crate::target::{PlaceError, Target};

const DAY_MS: i64 = 24 * 3_600_000;
const MINUTE_MS: i64 = 60_000;

/// The most objects of the quarantine that are read: the newest.
const MOST_OBJECTS: usize = 300;

/// How many are read at a time.
const AT_ONCE: usize = 16;

/// The most answers of a partition that are read: of 1 MB each.
const MOST_ANSWERS: usize = 50;

/// Looks where an id that is no export's may be, and says where it was not looked for.
pub(super) async fn look(
    target: &Target,
    bucket: &Bucket,
    control: &impl ControlTable,
    asked: &Asked,
    told: &mut Trace,
) -> Result<(), PlaceError> {
    let from = relay::period::rfc3339(asked.since);
    match quarantined(bucket, asked, told).await {
        Ok((objects, is_cut)) => {
            let more = if is_cut { ", the newest; there are more" } else { "" };
            told.looks.push(Look::new("quarantine", format!("{} since {from}{more}", counted(objects, "object"))));
        }
        Err(fault) => told.looks.push(Look::failed("quarantine", &fault)),
    }
    let place = "pages";
    match &asked.activity {
        None => told.looks.push(Look::new(
            place,
            "not looked at: say --app, --kind and --at (its created_at) of an activity, whose id alone tells no minute"
                .to_owned(),
        )),
        Some(activity) => {
            let pages = AwsPages::new(&target.aws, target.stack()?.output("PagesTable")?);
            match paged(&pages, control, activity, &asked.id, told).await {
                Ok((pages, is_cut)) => {
                    let more = if is_cut { "; there are more" } else { "" };
                    told.looks.push(Look::new(place, format!("{} of its minute{more}", counted(pages, "page"))));
                }
                Err(fault) => told.looks.push(Look::failed(place, &fault)),
            }
        }
    }
    told.looks.push(Look::new(
        "stream and spill queue",
        "not looked at: what they still hold is not in order of any id; `relayctl doctor` says how far the writer is"
            .to_owned(),
    ));
    Ok(())
}

/// The entries of the quarantine with this trace id, or this id; how many objects were read, and whether there are more.
async fn quarantined(bucket: &Bucket, asked: &Asked, told: &mut Trace) -> Looked<(usize, bool)> {
    let (heads, is_cut) = newest(bucket, asked).await?;
    let count = heads.len();
    let mut found = stream::iter(heads).map(|head| entries(bucket, head.key, &asked.id)).buffer_unordered(AT_ONCE);
    while let Some(events) = found.next().await {
        told.events.extend(events?);
    }
    Ok((count, is_cut))
}

/// The newest objects of the days asked for, of all owners.
async fn newest(bucket: &Bucket, asked: &Asked) -> Looked<(Vec<ObjectHead>, bool)> {
    let owners = bucket.folders("quarantine/").await?;
    let mut heads = Vec::new();
    for day in (asked.since.div_euclid(DAY_MS)..=asked.now.div_euclid(DAY_MS)).rev() {
        for owner in &owners {
            let listing = bucket.list(&format!("quarantine/{owner}/{}/", date_of_day(day)), None).await?;
            let has_more = listing.next.is_some();
            heads.extend(listing.objects);
            if has_more || heads.len() > MOST_OBJECTS {
                heads.truncate(MOST_OBJECTS);
                return Ok((heads, true));
            }
        }
    }
    Ok((heads, false))
}

async fn entries(bucket: &Bucket, key: String, id: &str) -> Looked<Vec<Event>> {
    let Some(body) = bucket.get(&key).await? else { return Ok(Vec::new()) };
    let entries = quarantine::entries(&body).into_iter().flatten().filter_map(Result::ok).enumerate();
    let mine: Vec<_> = entries.filter(|(_, entry)| entry.trace_id == id || entry.id == id).collect();
    if mine.is_empty() {
        return Ok(Vec::new());
    }
    let marker = marker(bucket, &key).await?;
    let event = |(index, entry): (usize, quarantine::Entry)| {
        let state = match &marker {
            Some(marker) if marker.accepted.contains(&index) => "replayed",
            Some(marker) if marker.dropped.contains(&index) => "dropped by a replay",
            Some(_) | None => "open",
        };
        let (reason, source) = (entry.reason, entry.source);
        let what = format!(
            "kept raw ({reason}, {source}), {state}: entry {index} of {key}; `relayctl quarantine show` has it"
        );
        Event::new(entry.received_at, "quarantine", what)
    };
    Ok(mine.into_iter().map(event).collect())
}

/// The activity in the pages of its minute; how many pages were read, and whether there are more.
async fn paged(
    pages: &impl PageStore,
    control: &impl ControlTable,
    activity: &Place,
    id: &str,
    told: &mut Trace,
) -> Looked<(usize, bool)> {
    let minute = activity.created_at.rem_euclid(DAY_MS) / MINUTE_MS;
    let (from, to) = (minute_label(minute), minute_label(minute + 1));
    let (mut read, mut answers) = (0, 0);
    for shard in 0..page::largest_shards(control).await? {
        let day = activity.created_at.div_euclid(DAY_MS);
        let day = PageDay { app_token: activity.app_token.clone(), kind: activity.kind, day, shard };
        let mut after = None;
        loop {
            if answers == MOST_ANSWERS {
                return Ok((read, true));
            }
            answers += 1;
            let range = SortRange { from: &from, to: &to, after: after.as_deref() };
            let listing = pages.list(&day, range, None).await?;
            read += listing.pages.len();
            told.events.extend(listing.pages.iter().flat_map(|page| rows(&day, page, id)));
            after = listing.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok((read, false))
}

/// Where the activity stands in a page; the stream may have brought it several times.
fn rows(day: &PageDay, page: &page::StoredPage, id: &str) -> Vec<Event> {
    let place = format!("{}/{}", day.pk(), page.sk);
    let Ok(bytes) = page::unpack(&page.body) else {
        return vec![Event::new(0, "page", format!("{place} cannot be read by this release"))];
    };
    let datums = page::datums(&bytes).filter_map(|range| bytes.get(range.ok()?));
    let activities = datums.filter_map(|datum| relay::avro::decode(datum).ok());
    let mine = activities.filter(|activity| activity.activity_id.to_string() == id);
    mine.map(|activity| {
        let created_at = relay::period::rfc3339_millis(activity.created_at);
        let what = format!("a row from {}, created {created_at}, in page {place}", activity.provider.name());
        Event::new(activity.received_at, "page", what)
    })
    .collect()
}
