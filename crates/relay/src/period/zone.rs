//! A time zone, and a clock that writes local times without asking the zone for each.

use std::fmt;
use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// How many stretches of one offset a clock remembers: a file's times are close together, but for a few old ones.
const REMEMBERED_SPANS: usize = 16;

const DAY_MS: i64 = 86_400_000;

const MINUTE_MS: i64 = 60_000;

const HOUR_MS: i64 = 60 * MINUTE_MS;

/// A zone of the IANA database that is compiled in: the same on every machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    zone: TimeZone,
    name: String,
}

impl Zone {
    /// The zone of this name, whatever its case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let zone = TimeZoneDatabase::bundled().get(name).ok().filter(|zone| !zone.is_unknown())?;
        let name = zone.iana_name()?.to_owned();
        Some(Self { zone, name })
    }

    /// Coordinated Universal Time.
    #[must_use]
    pub fn utc() -> Self {
        Self { zone: TimeZone::UTC, name: "UTC".to_owned() }
    }

    /// The name as the database spells it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first moment of a local date: milliseconds since the epoch. Where midnight is skipped it is the first moment after it,
    /// where midnight comes twice the first one.
    pub(super) fn start_of(&self, date: jiff::civil::Date) -> Option<i64> {
        let midnight = date.at(0, 0, 0, 0);
        self.zone.to_ambiguous_timestamp(midnight).compatible().ok().map(Timestamp::as_millisecond)
    }

    /// The local date of a moment: milliseconds since the epoch.
    pub(super) fn date_at(&self, ms: i64) -> Option<jiff::civil::Date> {
        let at = Timestamp::from_millisecond(ms).ok()?;
        Some(self.zone.to_datetime(at).date())
    }

    /// The stretch of time around `ms` that has one offset.
    pub(super) fn span_at(&self, ms: i64) -> Option<Span> {
        let at = Timestamp::from_millisecond(ms).ok()?;
        let offset_ms = i64::from(self.zone.to_offset(at).seconds()) * 1000;
        // Both neighbours are looked for exclusively, hence the millisecond: a transition at `ms` itself begins this span.
        let start = Timestamp::from_millisecond(ms.saturating_add(1))
            .ok()
            .and_then(|after| self.zone.preceding(after).next())
            .map_or(i64::MIN, |transition| transition.timestamp().as_millisecond());
        let end = self.zone.following(at).next().map_or(i64::MAX, |transition| transition.timestamp().as_millisecond());
        Some(Span { range: start..end, offset_ms })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// A stretch of time with one offset.
#[derive(Clone, Debug)]
pub(super) struct Span {
    /// From when to when: milliseconds since the epoch.
    pub(super) range: Range<i64>,
    /// What local time has on top of UTC: milliseconds.
    pub(super) offset_ms: i64,
}

/// Writes local times of one zone.
#[derive(Clone, Debug)]
pub struct LocalClock {
    zone: Zone,
    spans: Vec<Span>,
}

impl LocalClock {
    /// A clock in this zone.
    #[must_use]
    pub const fn new(zone: Zone) -> Self {
        Self { zone, spans: Vec::new() }
    }

    /// The zone.
    #[must_use]
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The local date of a moment (milliseconds since the epoch) as days since the epoch; `None` outside the years 0 to 9999.
    pub fn day(&mut self, ms: i64) -> Option<i64> {
        self.local(ms).map(|local| local.div_euclid(DAY_MS))
    }

    /// A moment (milliseconds since the epoch) as `yyyy-MM-dd HH:mm:ss`; `None` outside the years 0 to 9999.
    pub fn text(&mut self, ms: i64) -> Option<[u8; 19]> {
        self.local(ms).map(civil_text)
    }

    /// A moment (milliseconds since the epoch) as `yyyy-MM-dd HH:mm`; `None` outside the years 0 to 9999.
    pub fn minute_text(&mut self, ms: i64) -> Option<String> {
        let text = self.text(ms)?;
        text.get(..16).map(|minute| String::from_utf8_lossy(minute).into_owned())
    }

    /// The hour that begins at a moment (milliseconds since the epoch), `18`; with the zone's offset where the clock shows the same one an hour before or
    /// behind, `01-0400`. `None` outside the years 0 to 9999.
    pub fn name_of_hour(&mut self, ms: i64) -> Option<String> {
        let text = self.minute_text(ms)?;
        let is_shown_again =
            [-HOUR_MS, HOUR_MS].map(|other| self.minute_text(ms.saturating_add(other)).as_ref() == Some(&text));
        let hour = text.get(11..13)?;
        if !is_shown_again.contains(&true) {
            return Some(hour.to_owned());
        }
        let minutes = self.offset_ms(ms)? / MINUTE_MS;
        let sign = if minutes < 0 { '-' } else { '+' };
        Some(format!("{hour}{sign}{:02}{:02}", minutes.abs() / 60, minutes.abs() % 60))
    }

    /// A moment (milliseconds since the epoch) in RFC 3339 with its milliseconds and the zone's offset, `2026-11-14T18:30:00.000+09:00`; `None` outside the
    /// years 0 to 9999. RFC 3339 knows offsets of whole minutes: where the zone's was none (before there were time zones) it is written in UTC.
    pub fn rfc3339(&mut self, ms: i64) -> Option<String> {
        let minutes =
            self.offset_ms(ms).filter(|offset| offset % MINUTE_MS == 0).map_or(0, |offset| offset / MINUTE_MS);
        let local = ms.checked_add(minutes * MINUTE_MS).filter(|local| (YEAR_0..YEAR_10000).contains(local))?;
        let text = civil_text(local);
        let (date, clock) = text.split_at(10);
        let sign = if minutes < 0 { '-' } else { '+' };
        let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
        Some(format!(
            "{}T{}.{:03}{sign}{hours:02}:{minutes:02}",
            String::from_utf8_lossy(date),
            String::from_utf8_lossy(clock.split_at(1).1),
            ms.rem_euclid(1000)
        ))
    }

    /// Milliseconds since the epoch as if the local time were UTC.
    fn local(&mut self, ms: i64) -> Option<i64> {
        let local = ms.checked_add(self.offset_ms(ms)?)?;
        (YEAR_0..YEAR_10000).contains(&local).then_some(local)
    }

    fn offset_ms(&mut self, ms: i64) -> Option<i64> {
        if let Some(span) = self.spans.iter().find(|span| span.range.contains(&ms)) {
            return Some(span.offset_ms);
        }
        let span = self.zone.span_at(ms)?;
        let offset_ms = span.offset_ms;
        if self.spans.len() == REMEMBERED_SPANS {
            self.spans.clear();
        }
        self.spans.push(span);
        Some(offset_ms)
    }
}

/// 0000-01-01 00:00 and 10000-01-01 00:00 in milliseconds since the epoch.
const YEAR_0: i64 = -719_528 * DAY_MS;
const YEAR_10000: i64 = 2_932_897 * DAY_MS;

/// A moment (milliseconds since the epoch, UTC, of the years 0 to 9999) in RFC 3339, `2026-11-14T09:30:00Z`.
#[must_use]
pub fn rfc3339(ms: i64) -> String {
    let text = civil_text(ms);
    let (date, clock) = text.split_at(10);
    format!("{}T{}Z", String::from_utf8_lossy(date), String::from_utf8_lossy(clock.split_at(1).1))
}

/// A moment (milliseconds since the epoch, UTC) in RFC 3339 with its milliseconds, `2026-11-14T09:30:00.000Z`. One outside the years 0 to 9999 is
/// written as its milliseconds: nothing is lost, nothing is made up.
#[must_use]
pub fn rfc3339_millis(ms: i64) -> String {
    if !(YEAR_0..YEAR_10000).contains(&ms) {
        return ms.to_string();
    }
    let seconds = rfc3339(ms);
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), ms.rem_euclid(1000))
}

fn civil_text(ms: i64) -> [u8; 19] {
    let (year, month, day) = civil(ms.div_euclid(DAY_MS));
    let second = ms.rem_euclid(DAY_MS) / 1000;
    let [y0, y1] = digits(year / 100);
    let [y2, y3] = digits(year % 100);
    let [mo0, mo1] = digits(month);
    let [d0, d1] = digits(day);
    let [h0, h1] = digits(second / 3600);
    let [mi0, mi1] = digits(second / 60 % 60);
    let [s0, s1] = digits(second % 60);
    [y0, y1, y2, y3, b'-', mo0, mo1, b'-', d0, d1, b' ', h0, h1, b':', mi0, mi1, b':', s0, s1]
}

fn digits(two: i64) -> [u8; 2] {
    let digit = |number: i64| b'0' + u8::try_from(number.rem_euclid(10)).unwrap_or(0);
    [digit(two / 10), digit(two)]
}

/// Year, month and day of a day since the epoch: Howard Hinnant's `civil_from_days` for the proleptic Gregorian calendar.
const fn civil(day: i64) -> (i64, i64, i64) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn oracle(zone: &str, ms: i64) -> String {
        let at = Timestamp::from_millisecond(ms).unwrap();
        let zone = TimeZone::get(zone).unwrap();
        at.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    proptest! {
        #[test]
        fn local_times_are_those_of_the_zone_database(
            zone in prop::sample::select(vec!["UTC", "Asia/Seoul", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu"]),
            times in prop::collection::vec(-2_000_000_000_000i64..7_000_000_000_000, 1..60),
        ) {
            let mut clock = LocalClock::new(Zone::named(zone).unwrap());
            for ms in times {
                let text = String::from_utf8(clock.text(ms).unwrap().to_vec()).unwrap();
                prop_assert_eq!(text, oracle(zone, ms));
            }
        }

        #[test]
        fn any_moment_at_all_is_written_or_refused(ms in any::<i64>()) {
            let mut clock = LocalClock::new(Zone::named("Pacific/Apia").unwrap());
            if let Some(text) = clock.text(ms) {
                prop_assert!(text.iter().all(u8::is_ascii));
            }
        }
    }

    #[test]
    fn the_hour_around_a_change_of_clocks_is_exact() {
        let mut clock = LocalClock::new(Zone::named("America/New_York").unwrap());
        let change = 1_793_512_800_000; // 2026-11-01T06:00:00Z, 02:00 becomes 01:00
        for ms in [change - 1, change, change + 1, change - 3_600_000, change + 3_600_000] {
            let text = String::from_utf8(clock.text(ms).unwrap().to_vec()).unwrap();
            assert_eq!(text, oracle("America/New_York", ms));
        }
    }

    #[test]
    fn names_are_spelled_as_the_database_does_and_unknown_ones_are_refused() {
        assert_eq!(Zone::named("asia/seoul").unwrap().name(), "Asia/Seoul");
        assert_eq!(Zone::named("utc").unwrap().name(), "UTC");
        for wrong in ["", "Etc/Unknown", "Mars/Olympus", "+09:00", "KST", "Asia/../UTC"] {
            assert_eq!(Zone::named(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn moments_are_written_in_utc() {
        assert_eq!(rfc3339(1_794_648_600_999), "2026-11-14T09:30:00Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59Z");
        assert_eq!(rfc3339_millis(1_794_648_600_009), "2026-11-14T09:30:00.009Z");
        assert_eq!(rfc3339_millis(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(rfc3339_millis(YEAR_10000 - 1), "9999-12-31T23:59:59.999Z");
        assert_eq!(rfc3339_millis(YEAR_10000), "253402300800000");
    }

    #[test]
    fn what_no_calendar_of_four_digits_holds_is_refused() {
        let mut clock = LocalClock::new(Zone::utc());
        assert_eq!(clock.text(YEAR_10000), None);
        let text = clock.text(YEAR_10000 - 2 * DAY_MS).unwrap();
        assert_eq!(&text, b"9999-12-30 00:00:00");
        assert_eq!(clock.text(YEAR_0).as_ref().map(|text| &text[..]), Some(&b"0000-01-01 00:00:00"[..]));
    }
}
