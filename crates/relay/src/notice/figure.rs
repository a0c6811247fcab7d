//! Numbers, sizes, dates and times as people of a language write them.

use crate::export::{Amount, Export};
use crate::language::Language;
use crate::period::{LocalClock, Zone};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Currencies that have no smaller unit (ISO 4217): nothing stands behind the point unless it was sent.
const WHOLE: [&str; 7] = ["KRW", "JPY", "VND", "CLP", "ISK", "PYG", "UGX"];

/// A local moment: its date, its clock and the zone.
pub(super) struct Moment {
    /// `yyyy-mm-dd`.
    date: String,
    /// `HH:MM`.
    pub(super) clock: String,
    /// The zone's name.
    pub(super) zone: String,
}

impl Moment {
    /// A moment (milliseconds since the epoch) in the zone of an export.
    pub(super) fn of(export: &Export, ms: i64) -> Self {
        // A zone that this release does not know has failed the export; its mail must still be written.
        let zone = export.zone().unwrap_or_else(|_| Zone::utc());
        let zone_name = zone.name().to_owned();
        let text = LocalClock::new(zone).minute_text(ms).unwrap_or_else(|| "0000-00-00 00:00".to_owned());
        let (date, clock) = text.split_once(' ').unwrap_or_default();
        Self { date: date.to_owned(), clock: clock.to_owned(), zone: zone_name }
    }

    /// `14 Nov 2026`, `2026년 11월 14일`.
    pub(super) fn day(&self, language: Language) -> String {
        day(language, &self.date)
    }

    /// `14 Nov 2026, 18:30 (Asia/Seoul)`, `2026년 11월 14일 18:30(Asia/Seoul)`.
    pub(super) fn text(&self, language: Language) -> String {
        let (day, clock, zone) = (self.day(language), &self.clock, &self.zone);
        match language {
            Language::En => format!("{day}, {clock} ({zone})"),
            Language::Ko => format!("{day} {clock}({zone})"),
        }
    }
}

/// A date `yyyy-mm-dd` as it is written within a sentence.
pub(super) fn day(language: Language, date: &str) -> String {
    let mut parts = date.splitn(3, '-').map(|part| part.trim_start_matches('0'));
    let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) else {
        return date.to_owned();
    };
    let name = month.parse::<usize>().ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    match (language, name) {
        (Language::En, Some(name)) => format!("{day} {name} {year}"),
        (Language::En, None) => date.to_owned(),
        (Language::Ko, _) => format!("{year}년 {month}월 {day}일"),
    }
}

/// `1,234,567`: both languages group by three.
pub(super) fn grouped(number: u64) -> String {
    grouped_digits(&number.to_string())
}

fn grouped_digits(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `USD 1,203.50`, `KRW 99,000`; every digit that counts is there.
pub(super) fn money(currency: &str, amount: Amount) -> String {
    let text = amount.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = grouped_digits(whole);
    if fraction == "00" && WHOLE.contains(&currency) {
        return format!("{currency} {sign}{whole}");
    }
    format!("{currency} {sign}{whole}.{fraction}")
}

/// In units of 1,000, as file managers show it: `734.0 MB`. Below 1 kB the bytes themselves.
pub(super) fn short_size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    let unit = UNITS.into_iter().find(|(_, unit)| bytes >= *unit);
    unit.map_or_else(
        || format!("{bytes} B"),
        |(name, unit)| {
            let tenths = bytes / (unit / 10);
            format!("{}.{} {name}", grouped(tenths / 10), tenths % 10)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([999, 1_999, 16 * 1024 * 1024].map(short_size), ["999 B", "1.9 kB", "16.7 MB"]);
        assert_eq!(short_size(12_345_678_900_000), "12,345.6 GB");
    }

    #[test]
    fn money_keeps_every_digit_that_counts() {
        let money = |currency, text| super::money(currency, Amount::parse(text).unwrap());
        assert_eq!(money("USD", "1203.5"), "USD 1,203.50");
        assert_eq!(money("KRW", "99000"), "KRW 99,000");
        assert_eq!(money("KRW", "99000.005"), "KRW 99,000.005");
        assert_eq!(money("JPY", "-1234567"), "JPY -1,234,567");
        assert_eq!(money("USD", "-0.05"), "USD -0.05");
    }

    #[test]
    fn a_date_is_written_as_in_the_language() {
        assert_eq!(day(Language::En, "2026-11-04"), "4 Nov 2026");
        assert_eq!(day(Language::Ko, "2026-11-04"), "2026년 11월 4일");
        assert_eq!(day(Language::En, "2026-13-04"), "2026-13-04");
    }
}
