//! Mails: what an advertiser is told about an export, in its language. HTML and plain text say the same; nothing remote is loaded, everything is
//! escaped, and no mail has more than [`MAX_HTML_BYTES`].

use crate::export::{Export, FinishedFile};
use crate::language::Language;
use crate::link::Link;

mod facts;
mod figure;
mod figures;
mod letter;
mod style;
#[cfg(test)]
mod tests;
mod words;

use figure::{Moment, grouped, short_size};
pub(crate) use letter::escape;
use letter::{FileLine, Letter, Tone};
pub use words::failure;

/// The most bytes of a mail's HTML. Gmail cuts a message off behind 102 KB; two of them are left to what others add on the way.
pub const MAX_HTML_BYTES: usize = 100 * 1024;

/// The most files that a mail links to: a link has up to two kilobytes, most of them its session.
const MOST_FILES: usize = 15;

/// A mail without its address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// The subject line.
    pub subject: String,
    /// The HTML part.
    pub html: String,
    /// The plain-text part, saying the same.
    pub text: String,
    /// Header fields beside those that every mail has: names and values in printable ASCII.
    pub headers: Vec<(&'static str, String)>,
    /// What an event about the mail brings back: names and values of letters, digits, `_` and `-` (SES `MessageTag`).
    pub tags: Vec<(&'static str, String)>,
}

/// The tag with the owner of the export that a mail is about.
pub const OWNER_TAG: &str = "owner";

/// The tag with the export that a mail is about.
pub const EXPORT_TAG: &str = "export_id";

/// What a mail depends on besides its export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Surroundings<'a> {
    /// Where the page is; `None` leaves the way back out.
    pub site_url: Option<&'a str>,
    /// How long files live: days.
    pub retention_days: u16,
    /// By what the address of this mail leaves the schedule; `None` where the export is none of a schedule.
    pub unsubscribe: Option<&'a str>,
}

/// An object of an export under a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// The object's name: one of [`downloads`].
    pub name: String,
    /// The link.
    pub link: Link,
}

/// The names of the objects that a mail links to: the first files, and behind several the manifest.
#[must_use]
pub fn downloads(export: &Export) -> Vec<String> {
    let whole = export.file_name();
    let mut names: Vec<_> = export.files().into_iter().take(MOST_FILES).map(|file| file.name).collect();
    if !names.contains(&whole) {
        names.push(whole);
    }
    names
}

/// The files are there, under these links.
#[must_use]
pub fn ready(export: &Export, links: &[Download], around: Surroundings<'_>) -> Mail {
    let language = export.language;
    let files = export.files();
    let mut letter = Letter::new(language, Tone::Good, words::ready_title(language, files.len()));
    let ends = Moment::of(export, links.iter().map(|download| download.link.expires_at).min().unwrap_or_default());
    link_to_files(&mut letter, export, &files, links);
    letter.paragraph(&words::link_ends(language, &ends, links.len()));
    facts::warn(&mut letter, export);
    let mut facts = facts::asked(export);
    facts.push((words::rows_column(language), grouped(export.rows())));
    facts.push((
        words::size(language),
        words::exact_size(language, &short_size(export.bytes()), &grouped(export.bytes())),
    ));
    letter.facts(&facts);
    letter.paragraph(&facts::complete_up_to(export));
    facts::late(&mut letter, export);
    figures::by_day(&mut letter, export, &files);
    letter.paragraph(&words::kept(language, around.retention_days, &export.export_id));
    let preview =
        words::ready_preview(language, &words::rows(language, export.rows()), &short_size(export.bytes()), &ends);
    finish(letter, export, around, words::ready_subject(language, &about(export)), &preview)
}

/// The period holds no rows.
#[must_use]
pub fn empty(export: &Export, around: Surroundings<'_>) -> Mail {
    let language = export.language;
    let mut letter = Letter::new(language, Tone::Neutral, words::empty_title(language));
    letter.paragraph(words::nothing(language));
    facts::warn(&mut letter, export);
    letter.facts(&facts::asked(export));
    letter.paragraph(&facts::complete_up_to(export));
    facts::late(&mut letter, export);
    letter.paragraph(words::rows_expected(language));
    finish(letter, export, around, words::empty_subject(language, &about(export)), words::empty_preview(language))
}

/// It went wrong.
#[must_use]
pub fn failed(export: &Export, around: Surroundings<'_>) -> Mail {
    let language = export.language;
    let mut letter = Letter::new(language, Tone::Bad, words::failed_title(language));
    let error = export.error.as_ref();
    let (code, detail) = error.map_or(("internal", ""), |error| (error.code.as_str(), error.detail.as_str()));
    // Another release's code: its words are English, but they are the only ones there are.
    let said = failure(language, code).unwrap_or(detail);
    letter.paragraph(said);
    letter.facts(&facts::asked(export));
    finish(letter, export, around, words::failed_subject(language, &about(export)), said)
}

/// One file has a button; several have a line each.
fn link_to_files(letter: &mut Letter, export: &Export, files: &[FinishedFile], links: &[Download]) {
    let (language, format) = (export.language, words::format(export.format));
    let [only] = links else {
        let all: Vec<_> = links.iter().map(|download| line(export, files, download)).collect();
        letter.files(&words::files_heading(language, files.len(), format), &all);
        if files.len() > MOST_FILES {
            letter.paragraph(&words::more_files(language, files.len() - MOST_FILES));
        }
        return;
    };
    letter.button(&words::download(language, format), &only.link.url);
}

fn line(export: &Export, files: &[FinishedFile], download: &Download) -> FileLine {
    let language = export.language;
    let note = files.iter().find(|file| file.name == download.name).map_or_else(
        || words::manifest_note(language).to_owned(),
        |file| {
            let kind = words::kind(language, file.kind);
            words::file_note(language, kind, &words::rows(language, file.rows), &short_size(file.bytes))
        },
    );
    FileLine { name: download.name.clone(), url: download.link.url.clone(), note }
}

/// Everything in it is checked before an export is made: it has no line breaks.
fn about(export: &Export) -> String {
    let Export { language, app_token, start_date, end_date, .. } = export;
    words::about(*language, &facts::kinds(export), app_token, start_date, end_date)
}

fn finish(mut letter: Letter, export: &Export, around: Surroundings<'_>, subject: String, preview: &str) -> Mail {
    let language = export.language;
    if let Some(url) = around.site_url {
        letter.link(words::back(language), &format!("{url}/#/exports/{}", export.export_id));
    }
    let unsubscribe = unsubscribe_url(around);
    match &unsubscribe {
        Some(url) => letter.small_link(words::why_you_again(language), words::unsubscribe(language), url),
        None => letter.small(words::why_you(language)),
    }
    letter.small(&words::ids(language, &export.export_id, &export.trace_id));
    let (html, text) = letter.finish(preview);
    let tags = vec![(OWNER_TAG, export.owner.clone()), (EXPORT_TAG, export.export_id.clone())];
    Mail { subject, html, text, headers: headers(language, unsubscribe.as_deref()), tags }
}

/// Where a mail program posts to, and a person may look first.
fn unsubscribe_url(around: Surroundings<'_>) -> Option<String> {
    Some(format!("{}/v1/unsubscribe/{}", around.site_url?, around.unsubscribe?))
}

/// SES takes any header field in a simple mail but those that it sets itself (SES developer guide, "Amazon SES header fields").
/// RFC 3834: no answering machine answers. RFC 8058: whom the schedule goes to can leave it with one click.
fn headers(language: Language, unsubscribe: Option<&str>) -> Vec<(&'static str, String)> {
    let mut headers =
        vec![("Auto-Submitted", "auto-generated".to_owned()), ("Content-Language", language.tag().to_owned())];
    if let Some(url) = unsubscribe {
        headers.push(("List-Unsubscribe", format!("<{url}>")));
        headers.push(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
    }
    headers
}
