//! Times as callbacks write them → milliseconds since the epoch, UTC. Never through a float.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

const SECOND_MS: i64 = 1_000;
const DAY_MS: i64 = 24 * 3600 * SECOND_MS;

/// The oldest `created_at` that is taken, before `received_at`: milliseconds (product.md: 400 days).
pub const MAX_AGE_MS: i64 = 400 * DAY_MS;

/// The furthest `created_at` that is taken, after `received_at`: milliseconds (product.md: 24 hours).
pub const MAX_AHEAD_MS: i64 = DAY_MS;

/// Numbers of up to this many digits are seconds: the first with more is in the year 5138.
const SECONDS_DIGITS: usize = 11;

/// Numbers of more digits than this are neither seconds nor milliseconds.
const MILLIS_DIGITS: usize = 14;

/// The length of `yyyy-mm-dd hh:mm:ss`.
const SECOND_PRECISION: usize = 19;

/// A provider's time: Unix seconds (up to 11 digits), Unix milliseconds (12 to 14), RFC 3339 (a space for the `T` is fine), or
/// `yyyy-mm-dd hh:mm:ss[.fraction]`, which is UTC.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    if !is_number(text) {
        return calendar(text, Offset::MayBeMissing);
    }
    let number: i64 = text.parse().ok()?;
    if text.len() <= SECONDS_DIGITS {
        return number.checked_mul(SECOND_MS);
    }
    (text.len() <= MILLIS_DIGITS).then_some(number)
}

/// A time in `/v1/activities`: Unix milliseconds, or RFC 3339.
#[must_use]
pub fn parse_millis_or_rfc3339(text: &str) -> Option<i64> {
    if is_number(text) {
        return text.parse().ok();
    }
    calendar(text, Offset::Required)
}

/// Whether something that reached the door at `received_at` can have happened at `created_at`.
#[must_use]
pub const fn is_plausible(created_at: i64, received_at: i64) -> bool {
    let age = received_at.saturating_sub(created_at);
    -MAX_AHEAD_MS <= age && age <= MAX_AGE_MS
}

/// `yyyy-mm-dd` of a day counted from the epoch, UTC. A day beyond the calendar (±9,999 years) is written as its number.
#[must_use]
pub fn date_of_day(day: i64) -> String {
    let epoch = Date::constant(1970, 1, 1);
    let date = Span::new().try_days(day).and_then(|span| epoch.checked_add(span));
    date.map_or_else(|_| day.to_string(), |date| date.to_string())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Offset {
    Required,
    MayBeMissing,
}

/// The calendar library takes more than RFC 3339 does (week dates, zone names in brackets, missing seconds): the frame is checked first.
fn calendar(text: &str, offset: Offset) -> Option<i64> {
    let (civil, rest) = text.split_at_checked(SECOND_PRECISION)?;
    let framed = civil.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        10 => matches!(byte, b'T' | b't' | b' '),
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    });
    let suffix =
        rest.strip_prefix('.').map_or(rest, |fraction| fraction.trim_start_matches(|c: char| c.is_ascii_digit()));
    let has_offset = !suffix.is_empty();
    let known = !has_offset || is_offset(suffix);
    if !framed || !known || (!has_offset && offset == Offset::Required) {
        return None;
    }
    if has_offset {
        return text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond);
    }
    let zoned = text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_millisecond())
}

/// `Z`, `±hh:mm` or `±hhmm`.
fn is_offset(text: &str) -> bool {
    let Some(numbers) = text.strip_prefix(['+', '-']) else {
        return text.eq_ignore_ascii_case("z");
    };
    let digits = numbers.bytes().filter(u8::is_ascii_digit).count();
    digits == 4 && (numbers.len() == 4 || (numbers.len() == 5 && numbers.as_bytes().get(2) == Some(&b':')))
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_seconds_or_milliseconds_by_their_length() {
        assert_eq!(parse("1404214665"), Some(1_404_214_665_000));
        assert_eq!(parse("1404214665123"), Some(1_404_214_665_123));
        assert_eq!(parse("99999999999"), Some(99_999_999_999_000));
        assert_eq!(parse("100000000000"), Some(100_000_000_000));
        assert_eq!(parse("0"), Some(0));
        assert_eq!(parse("100000000000000"), None);
        assert_eq!(parse("1404214665.5"), None);
        assert_eq!(parse("-1404214665"), None);
        assert_eq!(parse("1e9"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn calendar_times_keep_their_milliseconds() {
        let whole = Some(1_579_100_097_000);
        assert_eq!(parse("2020-01-15 14:54:57"), whole);
        assert_eq!(parse("2020-01-15T14:54:57Z"), whole);
        assert_eq!(parse("2020-01-15 23:54:57+09:00"), whole);
        assert_eq!(parse("2020-01-15 14:54:57.898+0000"), Some(1_579_100_097_898));
        assert_eq!(parse("2020-01-15 14:54:57.898"), Some(1_579_100_097_898));
        assert_eq!(parse("2020-01-15t14:54:57.898123456z"), Some(1_579_100_097_898));
        assert_eq!(parse("2024-02-29 00:00:00"), Some(1_709_164_800_000));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "test",
            "2020-01-15",
            "2020-13-15 14:54:57",
            "2023-02-29 00:00:00",
            "2020-01-15 14:54",
            "2020-01-15T14:54:57[Asia/Seoul]",
            "2020-01-15T14:54:57+09:00[Asia/Seoul]",
            "2020-01-15T14:54:57+9",
            "2020-01-15 14:54:57.898 UTC",
            "2020-01-15T14:54:57,5Z",
            "２０２０-01-15 14:54:57",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn our_own_batch_takes_milliseconds_and_rfc3339_only() {
        assert_eq!(parse_millis_or_rfc3339("1404214665123"), Some(1_404_214_665_123));
        assert_eq!(parse_millis_or_rfc3339("1404214665"), Some(1_404_214_665));
        assert_eq!(parse_millis_or_rfc3339("2020-01-15T14:54:57Z"), Some(1_579_100_097_000));
        assert_eq!(parse_millis_or_rfc3339("2020-01-15 14:54:57"), None);
        assert_eq!(parse_millis_or_rfc3339("99999999999999999999"), None);
    }

    #[test]
    fn plausible_is_four_hundred_days_back_and_a_day_ahead() {
        let now = 1_700_000_000_000;
        assert!(is_plausible(now - MAX_AGE_MS, now));
        assert!(!is_plausible(now - MAX_AGE_MS - 1, now));
        assert!(is_plausible(now + MAX_AHEAD_MS, now));
        assert!(!is_plausible(now + MAX_AHEAD_MS + 1, now));
        assert!(!is_plausible(i64::MIN, now));
        assert!(!is_plausible(i64::MAX, now));
    }

    #[test]
    fn days_are_dates() {
        assert_eq!(date_of_day(0), "1970-01-01");
        assert_eq!(date_of_day(20_000), "2024-10-04");
        assert_eq!(date_of_day(-1), "1969-12-31");
        assert_eq!(date_of_day(i64::MAX), i64::MAX.to_string());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text in "\\PC*", shaped in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}.{0,12}") {
            for text in [text, shaped] {
                black_box((parse(&text), parse_millis_or_rfc3339(&text)));
            }
        }

        #[test]
        fn every_calendar_time_reads_back(ms in 0i64..253_402_300_799_000) {
            let text = Timestamp::from_millisecond(ms).unwrap().to_string();
            prop_assert_eq!(parse(&text), Some(ms));
            prop_assert_eq!(parse(text.trim_end_matches('Z')), Some(ms));
        }
    }
}
