//! A period: whole local dates in a zone, and the moments they cover.

use jiff::civil::Date;

use crate::problem::FieldError;

mod frequency;
mod zone;

pub use frequency::Frequency;
pub use zone::{LocalClock, Zone, rfc3339, rfc3339_millis};

/// The first and last year a date may lie in: providers' callbacks know nothing outside them.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2099;

/// Local dates in a zone, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first day, `yyyy-mm-dd`.
    pub start_date: String,
    /// The last day, `yyyy-mm-dd`.
    pub end_date: String,
    /// The zone of the dates.
    pub zone: Zone,
    /// The first moment that belongs to it: milliseconds since the epoch.
    pub from: i64,
    /// The first moment after it: milliseconds since the epoch.
    pub to: i64,
}

/// One local day of a period. One that clocks skipped holds no moment: its `from` is its `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// `yyyy-mm-dd`.
    pub date: String,
    /// The first moment that belongs to it: milliseconds since the epoch.
    pub from: i64,
    /// The first moment after it: milliseconds since the epoch.
    pub to: i64,
}

impl Period {
    /// Its days in order, each with the moments that a period of this day alone would have: together they are those of the period.
    #[must_use]
    pub fn days(&self) -> Vec<Day> {
        let (Ok(first), Ok(last)) = (self.start_date.parse::<Date>(), self.end_date.parse::<Date>()) else {
            return Vec::new();
        };
        let mut from = self.from;
        first
            .series(jiff::Span::new().days(1))
            .take_while(|date| *date <= last)
            .map(|date| {
                let end = date.tomorrow().ok().and_then(|next| self.zone.start_of(next));
                let to = end.unwrap_or(self.to).clamp(from, self.to);
                Day { date: date.to_string(), from: std::mem::replace(&mut from, to), to }
            })
            .collect()
    }

    /// Reads a period as it stands in a request: at most `max_days` days. Tells everything that is wrong at once.
    pub fn parse(start_date: &str, end_date: &str, timezone: &str, max_days: u16) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let start = take(parse_date("start_date", start_date), &mut errors);
        let end = take(parse_date("end_date", end_date), &mut errors);
        let zone = take(parse_zone(timezone), &mut errors);
        if let (Some(start), Some(end)) = (start, end) {
            errors.extend(check_length(start, end, max_days));
        }
        let (Some(start), Some(end), Some(zone), true) = (start, end, zone, errors.is_empty()) else {
            return Err(errors);
        };
        let (from, to) = moments(start, end, &zone).map_err(|error| vec![error])?;
        Ok(Self { start_date: start.to_string(), end_date: end.to_string(), zone, from, to })
    }
}

fn take<T>(result: Result<T, FieldError>, errors: &mut Vec<FieldError>) -> Option<T> {
    result.map_err(|error| errors.push(error)).ok()
}

fn wrong(field: &str, detail: String) -> FieldError {
    FieldError { field: field.to_owned(), detail }
}

fn parse_date(field: &str, text: &str) -> Result<Date, FieldError> {
    let shape = || wrong(field, format!("`{}` is not a date; write it as yyyy-mm-dd, like 2026-11-01", shown(text)));
    let (year, month, day) = date_parts(text).ok_or_else(shape)?;
    if !(1..=12).contains(&month) {
        return Err(wrong(field, format!("{text} does not exist: months go from 01 to 12")));
    }
    if !YEARS.contains(&year) {
        let (first, last) = (YEARS.start(), YEARS.end());
        return Err(wrong(field, format!("{text} is too far away: years go from {first} to {last}")));
    }
    let first = Date::new(year, month, 1).map_err(|_| shape())?;
    Date::new(year, month, day).map_err(|_| {
        let days = first.days_in_month();
        wrong(field, format!("{text} does not exist: days of {year:04}-{month:02} go from 01 to {days}"))
    })
}

/// The three numbers of exactly `yyyy-mm-dd`.
fn date_parts(text: &str) -> Option<(i16, i8, i8)> {
    let shaped = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
    if !shaped {
        return None;
    }
    Some((text.get(..4)?.parse().ok()?, text.get(5..7)?.parse().ok()?, text.get(8..)?.parse().ok()?))
}

/// Reads a zone as it stands in a request.
pub(crate) fn parse_zone(text: &str) -> Result<Zone, FieldError> {
    Zone::named(text).ok_or_else(|| {
        let shown = shown(text);
        wrong("timezone", format!("`{shown}` is not a zone of the IANA database; write one like Asia/Seoul or UTC"))
    })
}

/// As much of a caller's text as helps to recognise it.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

fn check_length(start: Date, end: Date, max_days: u16) -> Option<FieldError> {
    if end < start {
        return Some(wrong(
            "end_date",
            format!("the period ends on {end}, before it starts on {start}; end_date is start_date or later"),
        ));
    }
    let days = end.since(start).map_or(i32::MAX, |span| span.get_days().saturating_add(1));
    (days > i32::from(max_days)).then(|| {
        wrong("end_date", format!("the period has {days} days; at most {max_days} are allowed, both ends included"))
    })
}

fn moments(start: Date, end: Date, zone: &Zone) -> Result<(i64, i64), FieldError> {
    let after = end.tomorrow().ok();
    match (zone.start_of(start), after.and_then(|after| zone.start_of(after))) {
        (Some(from), Some(to)) if from < to => Ok((from, to)),
        _ => Err(wrong("start_date", format!("{start} does not exist in {zone}: its clocks skipped the whole day"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn period(start: &str, end: &str, zone: &str) -> Period {
        Period::parse(start, end, zone, 14).unwrap()
    }

    fn refused(start: &str, end: &str, zone: &str) -> Vec<(String, String)> {
        let errors = Period::parse(start, end, zone, 14).unwrap_err();
        errors.into_iter().map(|error| (error.field, error.detail)).collect()
    }

    #[test]
    fn a_day_in_utc_is_its_24_hours() {
        let day = period("2026-11-14", "2026-11-14", "UTC");
        assert_eq!((day.from, day.to), (20_771 * 24 * HOUR, 20_772 * 24 * HOUR));
    }

    #[test]
    fn seoul_is_nine_hours_ahead() {
        let seoul = period("2026-11-01", "2026-11-14", "asia/seoul");
        assert_eq!(rfc3339(seoul.from), "2026-10-31T15:00:00Z");
        assert_eq!(rfc3339(seoul.to), "2026-11-14T15:00:00Z");
        assert_eq!(seoul.zone.name(), "Asia/Seoul");
    }

    #[test]
    fn days_on_which_clocks_change_have_23_or_25_hours() {
        for (day, zone, hours) in [
            ("2026-03-08", "America/New_York", 23),
            ("2026-11-01", "America/New_York", 25),
            ("2026-03-29", "Europe/Berlin", 23),
            ("2026-10-25", "Europe/Berlin", 25),
        ] {
            let day = period(day, day, zone);
            assert_eq!(day.to - day.from, hours * HOUR, "{zone}");
        }
        let half = period("2026-04-05", "2026-04-05", "Australia/Lord_Howe");
        assert_eq!(half.to - half.from, 24 * HOUR + HOUR / 2);
    }

    #[test]
    fn where_midnight_is_skipped_the_day_starts_with_its_first_moment() {
        // Cairo, 2026-04-24: 00:00 becomes 01:00. Havana, 2026-11-01: 01:00 becomes 00:00, so midnight comes twice.
        let cairo = period("2026-04-24", "2026-04-24", "Africa/Cairo");
        assert_eq!((rfc3339(cairo.from), cairo.to - cairo.from), ("2026-04-23T22:00:00Z".into(), 23 * HOUR));
        let havana = period("2026-11-01", "2026-11-01", "America/Havana");
        assert_eq!((rfc3339(havana.from), havana.to - havana.from), ("2026-11-01T04:00:00Z".into(), 25 * HOUR));
    }

    #[test]
    fn neighbouring_periods_touch_in_every_zone() {
        for zone in jiff::tz::TimeZoneDatabase::bundled().available() {
            let name = zone.as_str();
            if Zone::named(name).is_none() {
                continue;
            }
            let mut end = period("2026-03-01", "2026-03-01", name).to;
            for start in ["2026-03-02", "2026-03-03"] {
                let next = period(start, start, name);
                assert_eq!(next.from, end, "{name}");
                end = next.to;
            }
        }
    }

    #[test]
    fn its_days_are_those_of_the_calendar_and_tile_it() {
        for (start, end, zone, hours) in [
            ("2026-10-30", "2026-11-02", "America/New_York", vec![24, 24, 25, 24]),
            ("2026-03-28", "2026-03-30", "Europe/Berlin", vec![24, 23, 24]),
            ("2026-04-23", "2026-04-24", "Africa/Cairo", vec![24, 23]),
            ("2026-11-01", "2026-11-01", "America/Havana", vec![25]),
            // Clocks skipped 2011-12-30 whole: it is a day of the calendar, and holds nothing.
            ("2011-12-29", "2011-12-31", "Pacific/Apia", vec![24, 0, 24]),
            ("2011-12-29", "2011-12-30", "Pacific/Apia", vec![24, 0]),
        ] {
            let whole = period(start, end, zone);
            let days = whole.days();
            let lengths: Vec<_> = days.iter().map(|day| (day.to - day.from) / HOUR).collect();
            assert_eq!(lengths, hours, "{zone}");
            assert_eq!((days[0].from, days[days.len() - 1].to), (whole.from, whole.to), "{zone}");
            for day in days.iter().filter(|day| day.from < day.to) {
                let alone = period(&day.date, &day.date, zone);
                assert_eq!((day.from, day.to), (alone.from, alone.to), "{} {zone}", day.date);
            }
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_what_would_be_right() {
        let one = |start, end, zone| {
            let mut all = refused(start, end, zone);
            assert_eq!(all.len(), 1, "{all:?}");
            all.remove(0)
        };
        let told = |field: &str, detail: &str| (field.to_owned(), detail.to_owned());
        assert_eq!(
            one("2026-02-30", "2026-03-01", "UTC"),
            told("start_date", "2026-02-30 does not exist: days of 2026-02 go from 01 to 28")
        );
        assert_eq!(
            one("2026-13-01", "2026-12-31", "UTC"),
            told("start_date", "2026-13-01 does not exist: months go from 01 to 12")
        );
        assert_eq!(
            one("2026-11-02", "2026-11-01", "UTC"),
            told(
                "end_date",
                "the period ends on 2026-11-01, before it starts on 2026-11-02; end_date is start_date or later"
            )
        );
        assert_eq!(
            one("2026-11-01", "2026-11-15", "UTC"),
            told("end_date", "the period has 15 days; at most 14 are allowed, both ends included")
        );
        assert_eq!(
            one("2026-11-01", "2026-11-01", "Mars/Olympus"),
            told("timezone", "`Mars/Olympus` is not a zone of the IANA database; write one like Asia/Seoul or UTC")
        );
        assert_eq!(
            one("2011-12-30", "2011-12-30", "Pacific/Apia"),
            told("start_date", "2011-12-30 does not exist in Pacific/Apia: its clocks skipped the whole day")
        );
        assert_eq!(refused("1", "2026-1-1", "x").len(), 3);
        for text in ["", "2026/11/01", "20261101", "+026-11-01", "2026-11-01T00:00", "٢٠٢٦-١١-٠١", "1999-01-01"]
        {
            assert_eq!(one(text, "2026-11-01", "UTC").0, "start_date", "{text}");
        }
    }

    #[test]
    fn fourteen_days_are_allowed_and_cross_months_and_years() {
        assert_eq!(period("2026-12-25", "2027-01-07", "UTC").to, period("2027-01-08", "2027-01-08", "UTC").from);
    }
}
