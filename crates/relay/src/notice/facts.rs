//! What was asked, and what the answer lacks.

use super::figure::Moment;
use super::letter::Letter;
use super::words;
use crate::export::{Export, Filters};
use crate::language::Language;
use crate::row::ColumnSpec;

/// The most characters of a request's filters, and of its columns, that a mail shows.
const MOST_SHOWN: usize = 500;

/// A period of this many milliseconds or fewer is part of a day.
const FEW_HOURS_MS: i64 = 3 * 3_600_000;

/// The kinds, in words.
pub(super) fn kinds(export: &Export) -> String {
    export.kinds.iter().map(|kind| words::kind(export.language, *kind)).collect::<Vec<_>>().join(", ")
}

pub(super) fn asked(export: &Export) -> Vec<(&'static str, String)> {
    let language = export.language;
    let as_of = Moment::of(export, export.as_of).text(language);
    let mut facts = vec![
        (words::app(language), export.app_token.clone()),
        (words::kind_name(language), kinds(export)),
        (words::period(language), period(export)),
        (words::zone(language), export.timezone.clone()),
        (words::as_of(language), words::as_of_value(language, &as_of)),
    ];
    if !export.filters.is_empty() {
        facts.push((words::only_where(language), shortened(&filters(language, &export.filters))));
    }
    if let Some(columns) = &export.columns {
        let names = columns.iter().map(ColumnSpec::header).collect::<Vec<_>>().join(", ");
        facts.push((words::columns(language), shortened(&names)));
    }
    facts
}

fn period(export: &Export) -> String {
    hours(export).unwrap_or_else(|| words::days(export.language, &export.start_date, &export.end_date))
}

/// A period that is part of a day, by its clock; `None` for whole days.
pub(super) fn hours(export: &Export) -> Option<String> {
    let Export { language, start_date, from, to, .. } = export;
    let is_part_of_day = to.saturating_sub(*from) <= FEW_HOURS_MS;
    let [from, to] = [*from, *to].map(|ms| Moment::of(export, ms).clock);
    is_part_of_day.then(|| words::hours(*language, start_date, &from, &to))
}

fn filters(language: Language, filters: &Filters) -> String {
    let one = |(name, values): (_, &std::collections::BTreeSet<String>)| {
        words::filter(language, name, &values.iter().map(String::as_str).collect::<Vec<_>>())
    };
    filters.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// A request may name thousands of values; a mail shows the first.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// What was acknowledged before that moment and became pages was there to be read.
pub(super) fn complete_up_to(export: &Export) -> String {
    let language = export.language;
    export.complete_until.map_or_else(
        || words::completeness_unknown(language).to_owned(),
        |until| words::complete_up_to(language, &Moment::of(export, until)),
    )
}

/// Of a run of a schedule: what came too late for the file before.
pub(super) fn late(letter: &mut Letter, export: &Export) {
    if let Some(rows) = export.run.as_ref().and_then(|run| run.late) {
        letter.paragraph(&words::late(export.language, rows));
    }
}

pub(super) fn warn(letter: &mut Letter, export: &Export) {
    let language = export.language;
    let mut warn = |text: &str| letter.warning(words::note(language), text);
    match export.complete_until {
        Some(until) if until >= export.as_of => {}
        Some(_) => warn(words::on_their_way(language)),
        None => warn(words::perhaps_on_their_way(language)),
    }
    if export.to > export.as_of {
        warn(words::period_open(language));
    }
    if export.from < export.kept_since {
        warn(&words::past_retention(language, &Moment::of(export, export.kept_since)));
    }
    if export.from < export.received_since {
        warn(&words::formerly_anothers(language, &Moment::of(export, export.received_since)));
    }
}
