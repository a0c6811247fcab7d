//! `GET /v1/activities/summary`: how many rows each day of a period holds, so that a hole is seen before it is downloaded.
//!
//! Every day is counted as a file of it would have it, as far as that is cheap. What is not is told from minutes drawn all over the day, and
//! says so; and a day for which there was no time at all says that.
//!
//! What a call costs is bounded whatever the app's size: [`MAX_QUESTIONS`] queries and [`MAX_BYTES`] of items, which DynamoDB charges by bytes read,
//! consistently: a read unit a started 4 KiB of an answer, so some 26,000 (and 4,000 for the sixteen answers of 1 MiB that may be on their way when
//! the bounds are reached); besides the table it takes the one look into the stream that an export takes, too. Each day has the same share of it; what days leave goes to those
//! that need more.

mod look;

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use relay::activity::Kind;
use relay::erase::Erased;
use relay::export::Export;
use relay::fault::{Fault, FaultKind};
use relay::http::Response;
use relay::page::largest_shards;
use relay::period::{Day, rfc3339};
use relay::reader::Selection;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::bounded::{Bounded, Bounds, Till};
use super::{Api, Call, Ports, Refusal};
use look::{Look, Stage};

/// The most questions to the table of one call: all three kinds of two weeks over 16 shards are 1,344 where days of a zone touch two of the table's.
const MAX_QUESTIONS: u64 = 9_600;

/// The most bytes of their answers: what a small function unpacks in the time there is.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Days looked at at a time. Each may have four calls on their way ([`relay::reader`]) and holds 8 MiB: with 256 MiB of memory this many have room.
const DAYS_AT_ONCE: usize = 4;

/// How long the look into the stream may take; where it is not through it is not known up to when the pages are complete.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// The stages of a call, with the share of [`MAX_QUESTIONS`] and [`MAX_BYTES`] (in twelfths) that may be spent, and the time (milliseconds from
/// the call's begin) that may have passed by its end. First every day alike; then those that seem to need no more than what the others have
/// left; what is left then is for samples.
const STAGES: [(Stage, u64, u64); 3] =
    [(Stage::Count, 3, 1_500), (Stage::CountOn, 7, 2_700), (Stage::Sample, 12, LONGEST_MS)];

/// How long all of it may take: milliseconds. The function has 25 s, API Gateway 29.
const LONGEST_MS: u64 = 5_000;

impl<W: Ports> Api<W> {
    pub(super) async fn summary(&self, call: &Call<'_>, owner: &str) -> Result<Response, Refusal> {
        let (export, days) = self.checked_query(call, owner).await?;
        let shards = largest_shards(&self.control).await?;
        let erased = Erased::load(&self.control, owner).await?;
        let looks = looks(&export, &days, |kind| export.selection(kind, shards, None, &erased));
        let complete = self.complete_until(export.as_of, LONGEST_LOOK);
        let (looks, complete) = tokio::join!(self.look_at(looks, (&export, shards), call.random), complete);
        let looks = looks?;
        if !looks.is_empty() && looks.iter().all(|look| look.rows().is_none()) {
            return Err(
                Fault::new(FaultKind::TimedOut, "pages:List", "nothing was seen in the time of a summary").into()
            );
        }
        let kinds: Vec<Value> = export.kinds.iter().map(|kind| view(*kind, &days, &looks)).collect();
        let body = json!({
            "as_of": rfc3339(export.as_of),
            "complete_to": complete.map(rfc3339),
            "app_token": export.app_token,
            "start_date": export.start_date,
            "end_date": export.end_date,
            "timezone": export.timezone,
            "kinds": kinds,
        });
        Ok(Response::json(200, &body))
    }

    async fn look_at(
        &self,
        mut looks: Vec<Look>,
        (export, shards): (&Export, u32),
        seed: [u8; 10],
    ) -> Result<Vec<Look>, Fault> {
        let begin = Instant::now();
        let whole = Bounds::within(MAX_QUESTIONS, MAX_BYTES, LONGEST_MS, shards);
        let mut till = Till::new(whole);
        let (mut questions, mut bytes) = (0, 0);
        for (stage, twelfths, until) in STAGES {
            till = till.next(Bounds {
                questions: (MAX_QUESTIONS / 12 * twelfths).saturating_sub(questions),
                bytes: (MAX_BYTES / 12 * twelfths).saturating_sub(bytes),
                end: begin + Duration::from_millis(until),
                ..whole
            });
            self.carry_out(stage, &mut looks, &till, (export, seed)).await?;
            let (asked, answered) = till.spent();
            questions += asked;
            bytes += answered;
        }
        Ok(looks)
    }

    /// One stage, for every look that is in need of it.
    async fn carry_out(
        &self,
        stage: Stage,
        looks: &mut [Look],
        till: &Till,
        (export, seed): (&Export, [u8; 10]),
    ) -> Result<(), Fault> {
        let bounds = till.bounds();
        let (waiting, share) = stage.share(looks, bounds);
        let time = bounds.end.saturating_duration_since(Instant::now()) * u32::try_from(DAYS_AT_ONCE).unwrap_or(1);
        let time = time / u32::try_from(waiting.len().max(DAYS_AT_ONCE)).unwrap_or(u32::MAX);
        let looked = stream::iter(waiting).map(|look| async move {
            let store = Bounded::new(&self.pages, Bounds { end: Instant::now() + time, ..share }, till);
            match look.carry_out(stage, &store, &export.filters, seed).await {
                // One day's fault leaves that day for the next stage; where every day has one, nothing was seen.
                Err(fault) if fault.is_transient() => {
                    tracing::warn!(%fault, "a day of a summary was not seen");
                    Ok(())
                }
                looked => looked,
            }
        });
        looked.buffer_unordered(DAYS_AT_ONCE).try_collect().await
    }
}

/// One look a kind and day, in an order that is spread over all of them wherever it is broken off.
fn looks(export: &Export, days: &[Day], selection: impl Fn(Kind) -> Selection) -> Vec<Look> {
    let of_kind = |kind: &Kind| {
        let selection = selection(*kind);
        days.iter().map(move |day| Look::at(&selection, day)).collect::<Vec<_>>()
    };
    let mut looks: Vec<_> = export.kinds.iter().flat_map(of_kind).enumerate().collect();
    // Multiples of the golden ratio: however many of them, they lie evenly (Knuth, The Art of Computer Programming 3, 6.4).
    looks.sort_by_key(|(index, _)| (*index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    looks.into_iter().map(|(_, look)| look).collect()
}

/// A kind with its days. Its rows are known where those of every day are.
fn view(kind: Kind, days: &[Day], looks: &[Look]) -> Value {
    let of_day = |day: &Day| looks.iter().find(|look| look.is_of(kind, day));
    let told: Vec<_> = days.iter().map(|day| (day, of_day(day))).collect();
    let rows: Option<u64> = told.iter().map(|(_, look)| look.and_then(Look::rows)).sum();
    let is_exact = told.iter().all(|(_, look)| look.is_some_and(Look::is_exact));
    let days: Vec<Value> = told
        .iter()
        .map(|(day, look)| {
            let is_exact = look.is_some_and(Look::is_exact);
            json!({"date": day.date, "rows": look.and_then(Look::rows), "exact": is_exact})
        })
        .collect();
    json!({"kind": kind, "rows": rows, "exact": is_exact, "days": days})
}
