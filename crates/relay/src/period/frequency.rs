//! Periods that come again and again: hours, days, weeks and months on the clock and calendar of a zone. Each begins where the one before it
//! ends, whatever the clocks do.

use std::ops::Range;

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Period, Zone};

const HOUR_MS: i64 = 3_600_000;

/// How often a recurring export runs, which is also how long its periods are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Frequency {
    /// From one full hour on the local clock to the next: 60 minutes, save where clocks change by less than an hour. An hour that comes twice is two.
    Hourly,
    /// A local day, of 23 or 25 hours where clocks change.
    Daily,
    /// Monday to Sunday (ISO 8601).
    Weekly,
    /// From the first of a month to its last day.
    Monthly,
}

impl Frequency {
    /// Every frequency.
    pub const ALL: [Self; 4] = [Self::Hourly, Self::Daily, Self::Weekly, Self::Monthly];

    /// The name in requests and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }

    /// The frequency of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|frequency| frequency.name() == name)
    }

    /// The period of the zone that a moment lies in; both in milliseconds since the epoch. `None` outside the years of the calendar.
    #[must_use]
    pub fn around(self, zone: &Zone, ms: i64) -> Option<Range<i64>> {
        if self == Self::Hourly {
            return Some(full_hour_until(zone, ms)?..full_hour_from(zone, ms.checked_add(1)?)?);
        }
        // Begun a day early: where clocks skip or repeat the hours around midnight, a moment may lie before the first moment of its own date, or
        // behind that of the next.
        let mut first = self.first_day(zone.date_at(ms)?.yesterday().ok()?)?;
        let mut from = zone.start_of(first)?;
        loop {
            first = self.next_first_day(first)?;
            let to = zone.start_of(first)?;
            if ms < to {
                return Some(from..to);
            }
            from = to;
        }
    }

    /// The first day of the period that has this day in it.
    fn first_day(self, date: Date) -> Option<Date> {
        match self {
            Self::Hourly | Self::Daily => Some(date),
            Self::Weekly => date.checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days()).ok(),
            Self::Monthly => Some(date.first_of_month()),
        }
    }

    fn next_first_day(self, first: Date) -> Option<Date> {
        let length = match self {
            Self::Hourly | Self::Daily => 1.day(),
            Self::Weekly => 1.week(),
            Self::Monthly => 1.month(),
        };
        first.checked_add(length).ok()
    }
}

/// The last full hour on the local clock at `ms` or before.
fn full_hour_until(zone: &Zone, ms: i64) -> Option<i64> {
    let mut at = ms;
    loop {
        let span = zone.span_at(at)?;
        let hour = at.checked_sub(at.checked_add(span.offset_ms)?.rem_euclid(HOUR_MS))?;
        if hour >= span.range.start {
            return Some(hour);
        }
        at = span.range.start.checked_sub(1)?;
    }
}

/// The first full hour on the local clock at `ms` or after.
fn full_hour_from(zone: &Zone, ms: i64) -> Option<i64> {
    let mut at = ms;
    loop {
        let span = zone.span_at(at)?;
        let missing = at.checked_add(span.offset_ms)?.checked_neg()?.rem_euclid(HOUR_MS);
        let hour = at.checked_add(missing)?;
        if hour < span.range.end {
            return Some(hour);
        }
        at = span.range.end;
    }
}

impl Period {
    /// The period from one moment to another, of at least a millisecond, with the dates in the zone that it touches: milliseconds since the
    /// epoch. `None` outside the years of the calendar.
    #[must_use]
    pub fn between(zone: Zone, moments: Range<i64>) -> Option<Self> {
        let Range { start: from, end: to } = moments;
        let (first, last) = (zone.date_at(from)?, zone.date_at(to.checked_sub(1)?)?);
        (from < to).then(|| Self { start_date: first.to_string(), end_date: last.to_string(), zone, from, to })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::period::{LocalClock, rfc3339};

    const MINUTE_MS: i64 = 60_000;
    const DAY_MS: i64 = 24 * HOUR_MS;
    /// 2000-01-01 and 2040-01-01.
    const YEARS: Range<i64> = 946_684_800_000..2_208_988_800_000;

    fn at(frequency: Frequency, zone: &str, moment: &str) -> (String, String, i64) {
        let moment: jiff::Timestamp = moment.parse().unwrap();
        let period = frequency.around(&Zone::named(zone).unwrap(), moment.as_millisecond()).unwrap();
        (rfc3339(period.start), rfc3339(period.end), (period.end - period.start) / MINUTE_MS)
    }

    fn told(from: &str, to: &str, minutes: i64) -> (String, String, i64) {
        (from.to_owned(), to.to_owned(), minutes)
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_their_first() {
        let moment = "2026-11-14T20:00:00Z";
        assert_eq!(
            at(Frequency::Weekly, "Asia/Seoul", moment),
            told("2026-11-08T15:00:00Z", "2026-11-15T15:00:00Z", 7 * 1440)
        );
        assert_eq!(
            at(Frequency::Monthly, "UTC", moment),
            told("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", 30 * 1440)
        );
        assert_eq!(
            at(Frequency::Monthly, "UTC", "2028-02-29T23:59:59Z"),
            told("2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z", 29 * 1440)
        );
        assert_eq!(
            at(Frequency::Weekly, "UTC", "2027-01-01T00:00:00Z"),
            told("2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z", 7 * 1440)
        );
        assert_eq!(at(Frequency::Daily, "UTC", moment), told("2026-11-14T00:00:00Z", "2026-11-15T00:00:00Z", 1440));
    }

    #[test]
    fn a_period_in_which_clocks_change_is_longer_or_shorter() {
        let spring = "2026-03-29T12:00:00Z";
        let day = at(Frequency::Daily, "Europe/Berlin", spring);
        assert_eq!(day, told("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 23 * 60));
        assert_eq!(at(Frequency::Weekly, "Europe/Berlin", spring).2, (7 * 24 - 1) * 60);
        assert_eq!(at(Frequency::Monthly, "America/New_York", "2026-11-20T00:00:00Z").2, (30 * 24 + 1) * 60);
    }

    #[test]
    fn an_hour_that_comes_twice_is_two_and_one_that_is_skipped_is_none() {
        // Berlin, 2026-10-25: 03:00 becomes 02:00 at 01:00 UTC. 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC.
        for (moment, from, to) in [
            ("2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"),
            ("2026-10-25T01:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"),
            ("2026-03-29T00:59:59Z", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"),
            ("2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"),
        ] {
            assert_eq!(at(Frequency::Hourly, "Europe/Berlin", moment), told(from, to, 60), "{moment}");
        }
    }

    #[test]
    fn hours_are_full_hours_of_the_zones_own_clock() {
        let moment = "2026-11-14T09:29:59Z";
        assert_eq!(
            at(Frequency::Hourly, "Asia/Kolkata", moment),
            told("2026-11-14T08:30:00Z", "2026-11-14T09:30:00Z", 60)
        );
        assert_eq!(
            at(Frequency::Hourly, "Asia/Kathmandu", moment),
            told("2026-11-14T09:15:00Z", "2026-11-14T10:15:00Z", 60)
        );
        // Lord Howe changes by half an hour: at 02:00 it is 01:30 again (2026-04-05), or 02:30 at once (2026-10-04).
        for moment in ["2026-04-04T14:30:00Z", "2026-04-04T15:29:00Z"] {
            let hour = told("2026-04-04T14:00:00Z", "2026-04-04T15:30:00Z", 90);
            assert_eq!(at(Frequency::Hourly, "Australia/Lord_Howe", moment), hour, "{moment}");
        }
        let hour = told("2026-10-03T14:30:00Z", "2026-10-03T16:00:00Z", 90);
        assert_eq!(at(Frequency::Hourly, "Australia/Lord_Howe", "2026-10-03T15:45:00Z"), hour);
    }

    #[test]
    fn a_day_that_was_skipped_has_no_period() {
        // Apia went from 2011-12-29 to 2011-12-31.
        let before = at(Frequency::Daily, "Pacific/Apia", "2011-12-30T09:59:59Z");
        assert_eq!(before, told("2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", 1440));
        let after = at(Frequency::Daily, "Pacific/Apia", "2011-12-30T10:00:00Z");
        assert_eq!(after, told("2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z", 1440));
    }

    #[test]
    fn a_period_between_moments_names_the_dates_it_touches() {
        let zone = || Zone::named("Asia/Seoul").unwrap();
        let hour = Frequency::Hourly.around(&zone(), 1_794_666_600_000).unwrap();
        let period = Period::between(zone(), hour.clone()).unwrap();
        assert_eq!((period.from..period.to, period.start_date.as_str()), (hour, "2026-11-14"));
        assert_eq!(period.start_date, period.end_date);
        let month = Frequency::Monthly.around(&zone(), period.from).unwrap();
        let month = Period::between(zone(), month).unwrap();
        assert_eq!((month.start_date.as_str(), month.end_date.as_str()), ("2026-11-01", "2026-11-30"));
        assert_eq!(Period::between(zone(), 5..5), None);
    }

    /// What must hold of a period, whichever zone.
    fn check(frequency: Frequency, zone: &Zone, ms: i64) {
        let period = frequency.around(zone, ms).unwrap();
        let what = format!("{} in {zone} around {}", frequency.name(), rfc3339(ms));
        assert!(period.contains(&ms), "{what}: {}", rfc3339(period.start));
        for inside in [period.start, period.end - 1] {
            assert_eq!(frequency.around(zone, inside), Some(period.clone()), "{what}");
        }
        assert_eq!(frequency.around(zone, period.end).unwrap().start, period.end, "{what}: a gap or an overlap");
        assert_eq!(frequency.around(zone, period.start - 1).unwrap().end, period.start, "{what}: a gap or an overlap");
        let days = match frequency {
            Frequency::Hourly => {
                let text = LocalClock::new(zone.clone()).text(period.start).unwrap();
                assert_eq!(&text[14..], b"00:00", "{what}: not a full hour");
                0..1
            }
            Frequency::Daily => 0..3,
            Frequency::Weekly => 5..9,
            Frequency::Monthly => 27..33,
        };
        assert!(days.contains(&((period.end - period.start) / DAY_MS)), "{what}: {}", rfc3339(period.end));
    }

    #[test]
    fn every_zone_is_covered_around_every_change_of_its_clocks() {
        let mut seen = BTreeSet::new();
        for name in jiff::tz::TimeZoneDatabase::bundled().available() {
            let Some(zone) = Zone::named(name.as_str()) else { continue };
            let mut changes = Vec::new();
            let mut at = YEARS.start;
            while let Some(span) = zone.span_at(at).filter(|span| span.range.end < YEARS.end) {
                at = span.range.end;
                changes.push((at, span.offset_ms));
            }
            // Most names are another name of a zone that was seen.
            if !seen.insert(changes.clone()) {
                continue;
            }
            for (change, _) in changes.into_iter().rev().take(8) {
                for (frequency, near) in
                    Frequency::ALL.into_iter().flat_map(|one| [-HOUR_MS, -1, 0].map(|near| (one, near)))
                {
                    check(frequency, &zone, change + near);
                }
            }
        }
        assert!(seen.len() > 150, "{} different zones seen", seen.len());
    }

    proptest! {
        #[test]
        fn periods_follow_one_another_without_gap_or_overlap(
            index in any::<prop::sample::Index>(), ms in YEARS, frequency in prop::sample::select(Frequency::ALL.to_vec())
        ) {
            let names: Vec<_> = jiff::tz::TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect();
            if let Some(zone) = Zone::named(index.get::<String>(&names)) {
                check(frequency, &zone, ms);
            }
        }
    }
}
