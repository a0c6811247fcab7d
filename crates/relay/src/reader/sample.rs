//! About how many rows a period holds, from a few of its minutes.
//!
//! The period is cut into as many stretches of minutes as may be asked for, of each one minute is counted, drawn by a seed: so no rhythm of the
//! data (every hour, every night) falls in with one of the sample's. The mean of the minutes counted stands for all.

use std::collections::BTreeSet;

use super::{MINUTE_MS, ReadError, Selection};
use crate::activity::Activity;
use crate::avro;
use crate::page::{self, PageDay, PageError, StoredPage, Unpacker, minute_label};
use crate::port::{PageStore, SortRange};

const MINUTES_A_DAY: i64 = 24 * 60;

/// What a sample says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sampled {
    /// The minutes counted.
    pub minutes: u64,
    /// About how many rows all minutes hold; 0 where none was counted.
    pub rows: u64,
}

/// How a sample is taken.
pub struct Sample<W, G> {
    /// The most minutes to count; one question a shard each.
    pub minutes: u64,
    /// Draws the minutes.
    pub seed: [u8; 10],
    /// Whether a row counts.
    pub is_wanted: W,
    /// Asked before each minute: whether there is time for it.
    pub may_go_on: G,
    /// Of each minute a sixteenth of its pages stands for all: where a minute holds so much that more of them say more than the whole of a few.
    pub is_thin: bool,
}

impl<W: Fn(&Activity<'_>) -> bool, G: Fn() -> bool> Sample<W, G> {
    /// Takes it. Where it ends early, the minutes counted until then are spread over the period all the same.
    pub async fn take(&self, store: &impl PageStore, selection: &Selection) -> Result<Sampled, ReadError> {
        let first = selection.first().div_euclid(MINUTE_MS);
        let last = selection.to.saturating_sub(1).div_euclid(MINUTE_MS);
        let all = u64::try_from(last.saturating_sub(first).saturating_add(1)).unwrap_or(0);
        let (mut counted, mut rows) = (0, 0_u128);
        let mut unpacker = Unpacker::default();
        for offset in drawn(all, self.minutes.min(all), self.seed) {
            if !(self.may_go_on)() {
                break;
            }
            let minute = first.saturating_add(i64::try_from(offset).unwrap_or(i64::MAX));
            let slice = self.slice(minute);
            let counted_rows = match self.count(store, selection, &slice, &mut unpacker).await {
                Ok(rows) => rows,
                // Time was up, or as much was asked as may be: what the minutes before it say holds.
                Err(ReadError::Fault(_)) if !(self.may_go_on)() => break,
                Err(error) => return Err(error),
            };
            rows += counted_rows;
            counted += 1;
        }
        let about = (rows * u128::from(all)).checked_div(u128::from(counted)).unwrap_or(0);
        Ok(Sampled { minutes: counted, rows: u64::try_from(about).unwrap_or(u64::MAX) })
    }

    /// The pages that stand for a minute.
    fn slice(&self, minute: i64) -> Slice {
        let of_day = minute.rem_euclid(MINUTES_A_DAY);
        let (day, label) = (minute.div_euclid(MINUTES_A_DAY), minute_label(of_day));
        if !self.is_thin {
            return Slice { day, from: label, to: minute_label(of_day + 1), first: 0, sixteenths: 16 };
        }
        let mut drawn = blake3::Hasher::new();
        let drawn = drawn.update(&self.seed).update(&minute.to_le_bytes()).finalize();
        let first = drawn.as_bytes().first().map_or(0, |byte| byte % 16);
        // What follows `f` in a digest's place sorts behind every digest.
        let digit = |digit: u8| char::from_digit(u32::from(digit), 16).unwrap_or('g');
        let (from, to) = (format!("{label}#{}", digit(first)), format!("{label}#{}", digit(first + 1)));
        Slice { day, from, to, first: u64::from(first), sixteenths: 1 }
    }

    /// About how many rows a minute holds: all of them, where its pages come in one answer a shard.
    async fn count(
        &self,
        store: &impl PageStore,
        selection: &Selection,
        slice: &Slice,
        unpacker: &mut Unpacker,
    ) -> Result<u128, ReadError> {
        let mut seen = BTreeSet::new();
        let mut rows = 0;
        for shard in 0..selection.shards.max(1) {
            let day = selection.day(slice.day, shard);
            let listing = store.list(&day, SortRange { from: &slice.from, to: &slice.to, after: None }, None).await?;
            let before = seen.len();
            for page in &listing.pages {
                let bytes = unpacker.unpack(&page.body);
                let noted = bytes.and_then(|bytes| self.note(selection, bytes, &mut seen));
                noted.map_err(|error| corrupt(&day, page, error))?;
            }
            let new = (seen.len() - before) as u128;
            rows += if listing.next.is_some() { slice.rest_of(&listing.pages, new) } else { new };
        }
        Ok(rows.saturating_mul(16) / u128::from(slice.sixteenths))
    }

    fn note(&self, selection: &Selection, page: &[u8], seen: &mut BTreeSet<[u8; 16]>) -> Result<(), PageError> {
        for range in page::datums(page) {
            let datum = page.get(range?).unwrap_or_default();
            let head = avro::head(datum)?;
            if selection.takes(&head, datum)? && (self.is_wanted)(&avro::decode(datum)?) {
                seen.insert(head.activity_id.0);
            }
        }
        Ok(())
    }
}

/// The pages of a minute, or those whose digests begin with one digit.
struct Slice {
    /// The day, UTC.
    day: i64,
    from: String,
    to: String,
    /// The sixteenth of all digests in which it begins.
    first: u64,
    /// How many of these there are.
    sixteenths: u64,
}

impl Slice {
    /// About how many rows a slice has of whose pages only these came, with `rows` rows.
    ///
    /// Digests are spread evenly, so where the last page stands says how far through the slice they are. That one is left out of the count: it
    /// is where it is because the answer ends there, and counted, too, it would make the whole seem larger by `n / (n - 1)`.
    fn rest_of(&self, pages: &[StoredPage], rows: u128) -> u128 {
        let Some(last) = pages.last() else { return rows };
        let others = (pages.len() - 1).max(1) as u128;
        let whole = u128::from(self.sixteenths << 28);
        rows.saturating_mul(others).saturating_mul(whole) / pages.len() as u128 / u128::from(self.reached(last))
    }

    /// How far through the slice this page is, in 2^32nds of all digests.
    fn reached(&self, page: &StoredPage) -> u64 {
        let digest = page.sk.split_once('#').and_then(|(_, digest)| digest.get(..8));
        let place = digest.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let place = place.map(|place| (u64::from(place) + 1).saturating_sub(self.first << 28));
        place.unwrap_or(self.sixteenths << 28).max(1)
    }
}

fn corrupt(day: &PageDay, page: &StoredPage, error: PageError) -> ReadError {
    ReadError::Corrupt { pk: day.pk(), sk: page.sk.clone(), error }
}

/// One of each of `count` stretches of `0..all`, in an order without order: wherever it is broken off, what came is spread over the whole.
fn drawn(all: u64, count: u64, seed: [u8; 10]) -> Vec<u64> {
    let mut random = blake3::Hasher::new().update(&seed).finalize_xof();
    let mut next = || {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    };
    let edge = |index: u64| {
        let place = u128::from(all) * u128::from(index);
        u64::try_from(place.checked_div(u128::from(count)).unwrap_or(0)).unwrap_or(u64::MAX)
    };
    let mut drawn: Vec<(u64, u64)> = (0..count)
        .map(|index| {
            let (start, end) = (edge(index), edge(index + 1));
            (next(), start + next().checked_rem(end - start).unwrap_or(0))
        })
        .collect();
    drawn.sort_unstable();
    drawn.into_iter().map(|(_, minute)| minute).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_minute_is_drawn_of_each_stretch_and_any_may_be() {
        let mut hit = BTreeSet::new();
        for seed in 0..200 {
            let minutes = drawn(1_000, 30, [seed; 10]);
            assert_eq!(minutes.len(), 30);
            let stretches: BTreeSet<u64> = minutes.iter().map(|minute| ((minute + 1) * 30 - 1) / 1_000).collect();
            assert_eq!(stretches.len(), 30, "one a stretch");
            // The first half alone is spread over the whole.
            assert!(
                minutes[..15].iter().any(|minute| *minute < 500) && minutes[..15].iter().any(|minute| *minute >= 500)
            );
            hit.extend(minutes);
        }
        assert!(hit.len() > 950 && hit.contains(&0) && hit.contains(&999), "{}", hit.len());
        assert_eq!(drawn(7, 7, [1; 10]).into_iter().collect::<BTreeSet<_>>(), (0..7).collect());
        assert_eq!(drawn(0, 0, [1; 10]), [0; 0]);
    }

    #[test]
    fn how_far_a_page_is_follows_from_its_digest() {
        let page = |digest: &str| StoredPage { sk: format!("0930#{digest}"), body: bytes::Bytes::new(), n: 1 };
        let whole = Slice { day: 0, from: String::new(), to: String::new(), first: 0, sixteenths: 16 };
        assert_eq!(whole.reached(&page("7fffffff00000000")), 1 << 31);
        assert_eq!(whole.reached(&page("ffffffffffffffff")), 1 << 32);
        assert_eq!(whole.reached(&page("")), 1 << 32);
        let sixteenth = Slice { first: 7, sixteenths: 1, ..whole };
        assert_eq!(sixteenth.reached(&page("7fffffff00000000")), 1 << 28);
        assert_eq!(
            sixteenth.rest_of(&[page("71"), page("77ffffff0")], 20),
            20,
            "half of it, and half of the pages count"
        );
    }
}
