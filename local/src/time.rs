//! Times in AWS's forms.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// Milliseconds of Kinesis's and SES's seconds with a fraction.
#[expect(clippy::cast_possible_truncation, reason = "milliseconds of our age have 13 digits")]
pub(crate) fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1_000.0).round() as i64
}

/// The reverse.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of our age have 13 digits")]
pub(crate) fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1_000.0
}

/// A time to be formatted.
pub(crate) fn utc(milliseconds: i64) -> Zoned {
    Timestamp::from_millisecond(milliseconds).unwrap_or_default().to_zoned(TimeZone::UTC)
}

/// RFC 3339 with milliseconds, UTC.
pub(crate) fn iso(milliseconds: i64) -> String {
    format!("{:.3}", Timestamp::from_millisecond(milliseconds).unwrap_or_default())
}
