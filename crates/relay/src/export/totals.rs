//! Sums over a file's rows, to compare with what the provider reports.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::activity::Activity;
use crate::field::Field;
use crate::time::date_of_day;

/// The most currencies that are summed apart: ISO 4217 has fewer than 180, and the sums share the export's item (DynamoDB: 400 KB).
pub const MAX_CURRENCIES: usize = 200;

/// The most days times currencies for which revenue is summed by the day: a year in ten currencies. Some 40 bytes each, in the export's item (DynamoDB: 400 KB).
const MAX_DAYS_WITH_CURRENCIES: usize = 3_660;

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

/// Money by currency, upper case.
pub type Revenue = BTreeMap<String, Amount>;

/// Sums over rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Rows by local day (days since the epoch).
    pub rows_by_day: BTreeMap<i64, u64>,
    /// Revenue by currency.
    pub revenue: Revenue,
    /// The same by local day (days since the epoch), as far as there is room: some 3,660 days times currencies.
    #[serde(default)]
    pub revenue_by_day: BTreeMap<i64, Revenue>,
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
        let summed =
            activity.fields.text(Field::Currency).and_then(|currency| self.add_revenue(day, revenue, currency));
        if summed.is_none() {
            self.unsummed = self.unsummed.saturating_add(1);
        }
    }

    /// Adds other sums to these.
    pub fn merge(&mut self, other: &Self) {
        for (day, rows) in &other.rows_by_day {
            let sum = self.rows_by_day.entry(*day).or_default();
            *sum = sum.saturating_add(*rows);
        }
        for (currency, amount) in &other.revenue {
            add(&mut self.revenue, currency, *amount);
        }
        for (day, revenue) in &other.revenue_by_day {
            for (currency, amount) in revenue {
                self.add_to_day(*day, currency, *amount);
            }
        }
        self.unsummed = self.unsummed.saturating_add(other.unsummed);
    }

    /// The sums as JSON, days as dates.
    #[must_use]
    pub fn view(&self) -> serde_json::Value {
        let rows: BTreeMap<_, _> = self.rows_by_day.iter().map(|(day, rows)| (date_of_day(*day), rows)).collect();
        let by_day: BTreeMap<_, _> = self.revenue_by_day.iter().map(|(day, sums)| (date_of_day(*day), sums)).collect();
        serde_json::json!({
            "rows_by_day": rows, "revenue_by_day": by_day, "revenue": self.revenue, "unsummed": self.unsummed,
        })
    }

    fn add_revenue(&mut self, day: Option<i64>, revenue: &str, currency: &str) -> Option<()> {
        let amount = Amount::parse(revenue)?;
        let written = currency;
        let upper;
        let currency = if self.revenue.contains_key(written) {
            written
        } else {
            if written.len() != 3 || !written.bytes().all(|byte| byte.is_ascii_alphabetic()) {
                return None;
            }
            upper = written.to_ascii_uppercase();
            &upper
        };
        add(&mut self.revenue, currency, amount)?;
        if let Some(day) = day {
            self.add_to_day(day, currency, amount);
        }
        Some(())
    }

    fn add_to_day(&mut self, day: i64, currency: &str, amount: Amount) {
        if let Some(revenue) = self.revenue_by_day.get_mut(&day) {
            add(revenue, currency, amount);
        } else if self.revenue_by_day.len().saturating_mul(self.revenue.len()) < MAX_DAYS_WITH_CURRENCIES {
            add(self.revenue_by_day.entry(day).or_default(), currency, amount);
        }
    }
}

/// Adds to a currency's sum; `None` where there is no room for one more currency, or the sum has no room for more.
fn add(revenue: &mut Revenue, currency: &str, amount: Amount) -> Option<()> {
    if let Some(sum) = revenue.get_mut(currency) {
        sum.0 = sum.0.checked_add(amount.0)?;
        return Some(());
    }
    (revenue.len() < MAX_CURRENCIES).then(|| revenue.insert(currency.to_owned(), amount))?;
    Some(())
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
            totals.add_revenue(Some(7), "0.1", currency).unwrap();
        }
        let one = BTreeMap::from([("EUR".to_owned(), Amount::parse("1").unwrap())]);
        assert_eq!((&totals.revenue, &totals.revenue_by_day), (&one, &BTreeMap::from([(7, one.clone())])));
    }

    #[test]
    fn sums_survive_the_table_even_when_longer_than_any_amount() {
        let mut totals = Totals::default();
        for _ in 0..20 {
            totals.add_revenue(Some(7), "999999999999999999.5", "KRW").unwrap();
        }
        totals.rows_by_day.insert(-3, 20);
        let stored = serde_json::to_value(&totals).unwrap();
        assert_eq!(stored["revenue"]["KRW"], "19999999999999999990.00");
        assert_eq!(serde_json::from_value::<Totals>(stored).unwrap(), totals);
    }

    #[test]
    fn sums_of_files_add_up_to_the_sums_of_all() {
        let (mut whole, mut parts) = (Totals::default(), [Totals::default(), Totals::default()]);
        for (n, (currency, revenue)) in
            [("KRW", "1.5"), ("usd", "2"), ("KRW", "3"), ("EUR", "x"), ("USD", "4")].into_iter().enumerate()
        {
            let mut fields = crate::activity::Fields::default();
            fields.set(Field::Currency, crate::activity::Value::Text(currency.into()));
            fields.set(Field::Revenue, crate::activity::Value::Text(revenue.into()));
            let activity = Activity { fields, ..crate::arbitrary::one() };
            let day = Some(i64::try_from(n).unwrap() / 2);
            whole.add(day, &activity);
            parts[n % 2].add(day, &activity);
        }
        let mut merged = Totals::default();
        for part in &parts {
            merged.merge(part);
        }
        assert_eq!(merged, whole);
        assert_eq!(whole.revenue_by_day[&1], BTreeMap::from([("KRW".to_owned(), Amount::parse("3").unwrap())]));
        assert_eq!(whole.unsummed, 1);
    }

    #[test]
    fn strangers_do_not_make_the_item_grow_without_end() {
        let mut totals = Totals::default();
        let letters = || (b'A'..=b'Z').map(char::from);
        let mut summed = 0;
        for code in letters().flat_map(|a| letters().map(move |b| format!("X{a}{b}"))) {
            summed += totals.add_revenue(Some(7), "1", &code).map_or(0, |()| 1);
        }
        assert_eq!((summed, totals.revenue.len()), (MAX_CURRENCIES, MAX_CURRENCIES));
        assert_eq!(totals.add_revenue(Some(7), "1", "dollars"), None);
    }
}
