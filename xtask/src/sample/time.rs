//! Just enough calendar for the sample: two zones of fixed offset, computed here and not by the product's library.

/// Milliseconds in a day.
pub(crate) const DAY_MS: i64 = 86_400_000;
/// Milliseconds in an hour.
pub(crate) const HOUR_MS: i64 = 3_600_000;

/// A time zone without daylight saving in the years that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zone {
    /// Coordinated universal time.
    Utc,
    /// Korea: nine hours ahead, without daylight saving since 1988.
    Seoul,
}

/// A date and a time of day in some zone.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    second_of_day: i64,
    millisecond: i64,
}

impl Zone {
    /// The IANA name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Utc => "UTC",
            Self::Seoul => "Asia/Seoul",
        }
    }

    const fn offset_ms(self) -> i64 {
        match self {
            Self::Utc => 0,
            Self::Seoul => 9 * HOUR_MS,
        }
    }

    /// The instant of the midnight at or before `ms`.
    pub(crate) const fn midnight(self, ms: i64) -> i64 {
        (ms + self.offset_ms()).div_euclid(DAY_MS) * DAY_MS - self.offset_ms()
    }

    /// `yyyy-MM-dd`.
    pub(crate) fn date(self, ms: i64) -> String {
        let civil = self.civil(ms);
        format!("{:04}-{:02}-{:02}", civil.year, civil.month, civil.day)
    }

    /// `yyyy-MM-dd HH:mm:ss`, as times stand in the files.
    pub(crate) fn date_time(self, ms: i64) -> String {
        format!("{} {}", self.date(ms), self.clock(ms))
    }

    /// RFC 3339 with milliseconds and the zone's offset.
    pub(crate) fn rfc3339(self, ms: i64) -> String {
        let offset = if self == Self::Utc { "Z" } else { "+09:00" };
        format!("{}T{}.{:03}{offset}", self.date(ms), self.clock(ms), self.civil(ms).millisecond)
    }

    fn clock(self, ms: i64) -> String {
        let second = self.civil(ms).second_of_day;
        format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
    }

    /// The proleptic Gregorian date of a day number: `civil_from_days` in Howard Hinnant's
    /// "chrono-Compatible Low-Level Date Algorithms".
    const fn civil(self, ms: i64) -> Civil {
        let local = ms + self.offset_ms();
        let days = local.div_euclid(DAY_MS) + 719_468;
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + days.div_euclid(146_097) * 400 + if month <= 2 { 1 } else { 0 };
        let in_day = local.rem_euclid(DAY_MS);
        Civil {
            year,
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
            second_of_day: in_day / 1000,
            millisecond: in_day % 1000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_known_instants() {
        assert_eq!(Zone::Utc.date_time(1_404_214_665_000), "2014-07-01 11:37:45");
        assert_eq!(Zone::Seoul.date_time(1_404_214_665_999), "2014-07-01 20:37:45");
        assert_eq!(Zone::Utc.date_time(951_782_400_000), "2000-02-29 00:00:00");
        assert_eq!(Zone::Utc.date_time(-1), "1969-12-31 23:59:59");
        assert_eq!(Zone::Seoul.rfc3339(1_404_214_665_007), "2014-07-01T20:37:45.007+09:00");
    }

    #[test]
    fn midnight_is_the_zones_own() {
        let ms = 1_404_214_665_000;
        assert_eq!(Zone::Utc.date_time(Zone::Utc.midnight(ms)), "2014-07-01 00:00:00");
        assert_eq!(Zone::Seoul.date_time(Zone::Seoul.midnight(ms)), "2014-07-01 00:00:00");
        assert_eq!(Zone::Seoul.midnight(ms), 1_404_140_400_000);
    }
}
