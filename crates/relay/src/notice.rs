//! Mails: what an advertiser is told about an export. HTML and plain text say the same; nothing remote is loaded, everything is escaped.

use std::collections::BTreeSet;

use crate::export::{Export, Totals};
use crate::link::Link;
use crate::period::{LocalClock, Zone};
use crate::row::ColumnSpec;
use crate::time::date_of_day;

mod letter;
#[cfg(test)]
mod tests;

use letter::Letter;

/// The most characters of a request's filters that a mail shows.
const MOST_SHOWN: usize = 500;

/// A mail without its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The subject line.
    pub subject: String,
    /// The HTML part.
    pub html: String,
    /// The plain-text part, saying the same.
    pub text: String,
}

/// What a mail depends on besides its export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surroundings<'a> {
    /// Where the page is; `None` leaves the way back out.
    pub site_url: Option<&'a str>,
    /// How long files live: days.
    pub retention_days: u16,
}

/// The file is there, under this link.
#[must_use]
pub fn ready(export: &Export, link: &Link, around: Surroundings<'_>) -> Mail {
    let mut letter = Letter::new("Your file is ready");
    let ends = local(export, link.expires_at);
    letter.button("Download CSV", &link.url);
    letter.paragraph(&format!(
        "The link works until {ends}. Whoever has it can download the file, so pass it on with care."
    ));
    for warning in warnings(export) {
        letter.warning(&warning);
    }
    let mut facts = asked(export);
    facts.push(("Rows", grouped(export.rows())));
    facts.push(("Size", size(export.bytes())));
    letter.facts(&facts);
    letter.paragraph(&complete_up_to(export));
    totals(&mut letter, &export.totals());
    let (days, id) = (around.retention_days, &export.export_id);
    letter.paragraph(&format!(
        "The file is kept for {days} days. When the link has ended, ask for a fresh one on the page or with POST /v1/exports/{id}/link."
    ));
    finish(letter, export, around.site_url)
}

/// The period holds no rows.
#[must_use]
pub fn empty(export: &Export, around: Surroundings<'_>) -> Mail {
    let mut letter = Letter::new("There is nothing in this period");
    letter.paragraph("No row matches what was asked, so there is no file. This is what was looked for:");
    for warning in warnings(export) {
        letter.warning(&warning);
    }
    letter.facts(&asked(export));
    letter.paragraph(&complete_up_to(export));
    letter.paragraph(
        "If you expected rows, check the app, the kind, the dates with their zone and the filters, and that callbacks arrive.",
    );
    finish(letter, export, around.site_url)
}

/// It went wrong.
#[must_use]
pub fn failed(export: &Export, around: Surroundings<'_>) -> Mail {
    let mut letter = Letter::new("Your file could not be written");
    let detail = export.error.as_ref().map_or("Relay failed while writing the file. Ask again.", |error| &error.detail);
    letter.paragraph(detail);
    letter.facts(&asked(export));
    finish(letter, export, around.site_url)
}

fn finish(mut letter: Letter, export: &Export, site_url: Option<&str>) -> Mail {
    if let Some(url) = site_url {
        letter.link("Back to your exports", url);
    }
    letter.small(&format!("Export {} · trace id {}", export.export_id, export.trace_id));
    letter.mail(subject(export))
}

/// Everything in it is checked before an export is made: it has no line breaks.
fn subject(export: &Export) -> String {
    let Export { app_token, start_date, end_date, .. } = export;
    let kinds = export.kind_names();
    format!("[Relay] {kinds} activities of {app_token}, {start_date} to {end_date}")
}

fn asked(export: &Export) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("App", export.app_token.clone()),
        ("Kind", export.kind_names()),
        ("Period", format!("{} to {}, both included", export.start_date, export.end_date)),
        ("Time zone", export.timezone.clone()),
    ];
    if !export.filters.is_empty() {
        let filters = export.filters.iter().map(|(name, values)| format!("{name} is {}", joined(values)));
        facts.push(("Only rows where", shortened(&filters.collect::<Vec<_>>().join("; "))));
    }
    if let Some(columns) = &export.columns {
        facts.push(("Columns", columns.iter().map(ColumnSpec::header).collect::<Vec<_>>().join(", ")));
    }
    facts
}

fn joined(values: &BTreeSet<String>) -> String {
    values.iter().map(String::as_str).collect::<Vec<_>>().join(" or ")
}

/// A request may name thousands of values; a mail shows the first.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// What was acknowledged before that moment and became pages was there to be read.
fn complete_up_to(export: &Export) -> String {
    let Some(until) = export.complete_until else {
        return "Up to when this is complete could not be found out.".to_owned();
    };
    let [date, clock, zone] = date_clock_and_zone(export, until);
    // What is in the quarantine, or in a batch that was given up, was acknowledged and is in no file until an operator replays it.
    format!(
        "Complete up to {clock} on {date} ({zone}): everything that Relay had acknowledged by then was considered, except what could not be understood or stored; that is kept aside."
    )
}

fn warnings(export: &Export) -> Vec<String> {
    let mut warnings = Vec::new();
    match export.complete_until {
        Some(until) if until >= export.as_of => {}
        Some(_) => warnings.push(
            "Activities were still on their way when the file was written: some that arrived shortly before you asked may be missing."
                .to_owned(),
        ),
        None => warnings.push(
            "Whether activities were still on their way when the file was written is not known: some that arrived before you asked may be missing."
                .to_owned(),
        ),
    }
    if export.to > export.as_of {
        warnings.push("The period was not over when you asked: later activities are not in the file.".to_owned());
    }
    if export.from < export.kept_since {
        let since = local(export, export.kept_since);
        warnings.push(format!("Activities from before {since} may no longer be there: they are past their retention."));
    }
    if export.from < export.received_since {
        let since = local(export, export.received_since);
        warnings.push(format!(
            "The app token was somebody else's before {since}: what had arrived by then is not yours and not in the file."
        ));
    }
    warnings
}

fn totals(letter: &mut Letter, totals: &Totals) {
    let days: Vec<_> = totals.rows_by_day.iter().map(|(day, rows)| (date_of_day(*day), grouped(*rows))).collect();
    letter.table("Rows by day", &days);
    let mut revenue: Vec<_> =
        totals.revenue.iter().map(|(currency, sum)| (currency.clone(), sum.to_string())).collect();
    if totals.unsummed > 0 {
        revenue.push(("Rows in no sum".to_owned(), grouped(totals.unsummed)));
    }
    letter.table("Revenue by currency", &revenue);
}

/// `2026-11-14 18:30 (Asia/Seoul)`.
fn local(export: &Export, ms: i64) -> String {
    let [date, clock, zone] = date_clock_and_zone(export, ms);
    format!("{date} {clock} ({zone})")
}

fn date_clock_and_zone(export: &Export, ms: i64) -> [String; 3] {
    // A zone that this release does not know has failed the export; its mail must still be written.
    let zone = export.zone().unwrap_or_else(|_| Zone::utc());
    let name = zone.name().to_owned();
    let text = LocalClock::new(zone).text(ms).unwrap_or(*b"0000-00-00 00:00:00");
    let part =
        |range: std::ops::Range<usize>| text.get(range).map(String::from_utf8_lossy).unwrap_or_default().into_owned();
    [part(0..10), part(11..16), name]
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// In units of 1,000, as file managers show it, with the exact number beside it.
fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    let exact = format!("{} bytes", grouped(bytes));
    let unit = UNITS.into_iter().find(|(_, unit)| bytes >= *unit);
    unit.map_or(exact.clone(), |(name, unit)| {
        let tenths = bytes / (unit / 10);
        format!("{}.{} {name} ({exact})", tenths / 10, tenths % 10)
    })
}
