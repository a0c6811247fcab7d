//! The sums over a file's rows, by day, to compare with what the provider reports.

use std::collections::BTreeMap;

use super::figure::{grouped, money};
use super::letter::Letter;
use super::words;
use crate::activity::Kind;
use crate::export::{Export, FinishedFile, Revenue, Totals};
use crate::language::Language;
use crate::time::date_of_day;

/// The most days that a mail shows: two months. With more it shows the first and the last.
const MOST_DAYS: usize = 62;

/// The most currencies that a day shows.
const MOST_CURRENCIES: usize = 3;

/// The most currencies that the sum over all days shows.
const MOST_CURRENCIES_IN_ALL: usize = 30;

/// A row of the table: its name, then a cell of lines for each column.
type Row = Vec<Vec<String>>;

/// A table of days with a column of rows for each kind and one of revenue, where there is any; the sum over all days stands first.
pub(super) fn by_day(letter: &mut Letter, export: &Export, files: &[FinishedFile]) {
    let language = export.language;
    let totals = export.totals();
    if totals.rows_by_day.is_empty() {
        return;
    }
    let of_kinds: Vec<Totals> = export.kinds.iter().map(|kind| of_kind(files, *kind)).collect();
    let has_revenue = !totals.revenue.is_empty();
    let (left_out, days) = shown(&totals.rows_by_day);
    let mut rows = vec![sum(language, &of_kinds, &totals)];
    rows.extend(days.iter().map(|day| row(language, *day, &of_kinds, &totals)));
    let heading = if has_revenue { words::by_day(language) } else { words::rows_by_day(language) };
    letter.figures(heading, &columns(export, has_revenue), &rows);
    if let (Some(first), Some(last)) = (left_out.first(), left_out.last()) {
        let (first, last) = (date_of_day(*first), date_of_day(*last));
        letter.paragraph(&words::days_left_out(language, left_out.len(), &first, &last, &export.export_id));
    }
    if totals.unsummed > 0 {
        letter.paragraph(&words::unsummed(language, totals.unsummed));
    }
}

fn of_kind(files: &[FinishedFile], kind: Kind) -> Totals {
    let mut totals = Totals::default();
    files.iter().filter(|file| file.kind == kind).for_each(|file| totals.merge(&file.totals));
    totals
}

fn columns(export: &Export, has_revenue: bool) -> Vec<&'static str> {
    let language = export.language;
    let mut columns = vec![words::day_column(language)];
    match export.kinds.as_slice() {
        [_] => columns.push(words::rows_column(language)),
        kinds => columns.extend(kinds.iter().map(|kind| words::kind(language, *kind))),
    }
    if has_revenue {
        columns.push(words::revenue_column(language));
    }
    columns
}

fn sum(language: Language, of_kinds: &[Totals], totals: &Totals) -> Row {
    let rows = |totals: &Totals| vec![grouped(totals.rows_by_day.values().sum())];
    let mut row = vec![vec![words::total(language).to_owned()]];
    row.extend(of_kinds.iter().map(rows));
    row.extend(revenue(language, Some(&totals.revenue), MOST_CURRENCIES_IN_ALL, totals));
    row
}

fn row(language: Language, day: i64, of_kinds: &[Totals], totals: &Totals) -> Row {
    let rows = |totals: &Totals| vec![grouped(totals.rows_by_day.get(&day).copied().unwrap_or_default())];
    let mut row = vec![vec![date_of_day(day)]];
    row.extend(of_kinds.iter().map(rows));
    row.extend(revenue(language, totals.revenue_by_day.get(&day), MOST_CURRENCIES, totals));
    row
}

/// A cell with a line for each currency; no cell where the table has no such column.
fn revenue(language: Language, sums: Option<&Revenue>, most: usize, totals: &Totals) -> Option<Vec<String>> {
    if totals.revenue.is_empty() {
        return None;
    }
    let sums = sums.into_iter().flatten();
    let mut lines: Vec<_> = sums.map(|(currency, amount)| money(currency, *amount)).collect();
    if lines.len() > most {
        let more = lines.len() - most;
        lines.truncate(most);
        lines.push(words::more_currencies(language, more));
    }
    Some(lines)
}

/// The days that are left out, from the middle, and those that are shown.
fn shown(rows_by_day: &BTreeMap<i64, u64>) -> (Vec<i64>, Vec<i64>) {
    let days: Vec<i64> = rows_by_day.keys().copied().collect();
    if days.len() <= MOST_DAYS {
        return (Vec::new(), days);
    }
    let half = MOST_DAYS / 2;
    let (first, rest) = days.split_at(half);
    let (middle, last) = rest.split_at(rest.len().saturating_sub(half));
    (middle.to_vec(), [first, last].concat())
}
