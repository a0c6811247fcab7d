//! Sums over a file's rows, to compare with what the provider reports.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::activity::Activity;
use crate::field::Field;

/// The most currencies that are summed apart: ISO 4217 has fewer than 180, and the sums share the export's item (DynamoDB: 400 KB).
pub const MAX_CURRENCIES: usize = 200;

/// How many digits behind the point are exact.
const SCALE: usize = 9;

/// The most digits before the point of one amount: sums of any number of them fit.
const MAX_WHOLE_DIGITS: usize = 18;

/// 1 in units of 10^-9.
const ONE: u128 = 1_000_000_000;

/// Money: an exact decimal with up to nine digits behind the point, never a float.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Amount(i128);

impl Amount {
    /// A plain decimal number as sent: `12.990`, `-3`; `None` for anything else, or more digits than are exact.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let whole = digits.split_once('.').map_or(digits, |(whole, _)| whole);
        (whole.len() <= MAX_WHOLE_DIGITS).then(|| Self::read(text)).flatten()
    }

    /// The same without a limit before the point: a sum may have more digits than any amount.
    fn read(text: &str) -> Option<Self> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() || fraction.len() > SCALE {
            return None;
        }
        let padding = std::iter::repeat_n(b'0', SCALE - fraction.len());
        let mut units: i128 = 0;
        for byte in whole.bytes().chain(fraction.bytes()).chain(padding) {
            let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
            units = units.checked_mul(10)?.checked_add(i128::from(digit))?;
        }
        Some(Self(if negative { -units } else { units }))
    }
}

/// At least two digits behind the point, and no zeros behind those.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let fraction = format!("{:0SCALE$}", units % ONE);
        let fraction = fraction.trim_end_matches('0');
        write!(f, "{sign}{}.{fraction:0<2}", units / ONE)
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> Self {
        amount.to_string()
    }
}

impl TryFrom<String> for Amount {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::read(&text)
            .ok_or_else(|| format!("`{text}` is not a decimal number with at most {SCALE} digits behind the point"))
    }
}

/// Sums over rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Rows by local day (days since the epoch).
    pub rows_by_day: BTreeMap<i64, u64>,
    /// Revenue by currency, upper case.
    pub revenue: BTreeMap<String, Amount>,
    /// Rows whose revenue is in no sum: no currency of three letters, or not a plain decimal number.
    pub unsummed: u64,
}

impl Totals {
    /// Adds a row that happened on this local day.
    pub fn add(&mut self, day: Option<i64>, activity: &Activity<'_>) {
        if let Some(day) = day {
            let rows = self.rows_by_day.entry(day).or_default();
            *rows = rows.saturating_add(1);
        }
        let Some(revenue) = activity.fields.text(Field::Revenue) else { return };
        let summed = activity.fields.text(Field::Currency).and_then(|currency| self.add_revenue(revenue, currency));
        if summed.is_none() {
            self.unsummed = self.unsummed.saturating_add(1);
        }
    }

    fn add_revenue(&mut self, revenue: &str, currency: &str) -> Option<()> {
        let amount = Amount::parse(revenue)?;
        if let Some(sum) = self.revenue.get_mut(currency) {
            sum.0 = sum.0.checked_add(amount.0)?;
            return Some(());
        }
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return None;
        }
        let currency = currency.to_ascii_uppercase();
        if self.revenue.len() >= MAX_CURRENCIES && !self.revenue.contains_key(&currency) {
            return None;
        }
        let sum = self.revenue.entry(currency).or_default();
        sum.0 = sum.0.checked_add(amount.0)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_both_ways() {
        for (text, written) in [
            ("12.990", "12.99"),
            ("0.1", "0.10"),
            ("-3", "-3.00"),
            ("0.000000001", "0.000000001"),
            ("999999999999999999", "999999999999999999.00"),
            ("-0.05", "-0.05"),
        ] {
            let amount = Amount::parse(text).unwrap();
            assert_eq!(amount.to_string(), written);
            assert_eq!(Amount::parse(written), Some(amount));
        }
        for wrong in ["", "-", ".5", "1e3", "1,5", "+1", "1.2.3", "0.0000000001", "1000000000000000000", "NaN", "٣"] {
            assert_eq!(Amount::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_tenth_ten_times_is_one() {
        let mut totals = Totals::default();
        for currency in ["EUR", "eur", "EUR", "Eur", "EUR", "EUR", "EUR", "EUR", "EUR", "EUR"] {
            totals.add_revenue("0.1", currency).unwrap();
        }
        assert_eq!(totals.revenue, BTreeMap::from([("EUR".to_owned(), Amount::parse("1").unwrap())]));
    }

    #[test]
    fn sums_survive_the_table_even_when_longer_than_any_amount() {
        let mut totals = Totals::default();
        for _ in 0..20 {
            totals.add_revenue("999999999999999999.5", "KRW").unwrap();
        }
        totals.rows_by_day.insert(-3, 20);
        let stored = serde_json::to_value(&totals).unwrap();
        assert_eq!(stored["revenue"]["KRW"], "19999999999999999990.00");
        assert_eq!(serde_json::from_value::<Totals>(stored).unwrap(), totals);
    }

    #[test]
    fn strangers_do_not_make_the_item_grow_without_end() {
        let mut totals = Totals::default();
        let letters = || (b'A'..=b'Z').map(char::from);
        let mut summed = 0;
        for code in letters().flat_map(|a| letters().map(move |b| format!("X{a}{b}"))) {
            summed += totals.add_revenue("1", &code).map_or(0, |()| 1);
        }
        assert_eq!((summed, totals.revenue.len()), (MAX_CURRENCIES, MAX_CURRENCIES));
        assert_eq!(totals.add_revenue("1", "dollars"), None);
    }
}
