//! A letter written twice, as HTML and as plain text.
//!
//! Mail programs know little HTML. Gmail, Naver and Daum drop what they do not like of a style sheet or all of it, Outlook for Windows lays out with Word: so
//! tables hold the layout, styles stand in the elements, and the style sheet only adds what may be missing, the colours of dark mode.

use super::style::{
    BODY, BUTTON, BUTTON_CELL, CARD, CELL, DOCUMENT_HEAD, FIGURE, FIGURE_NAME, FONT, HEADING, HIDDEN, LABEL, LINK,
    OUTER, PADDING, PARAGRAPH, SMALL, TABLE, TITLE, WARNING, WORD_ENDS, WORD_STARTS,
};
use crate::language::Language;

/// What follows a preheader, so that a list of mails shows it alone and not the text behind it: as many invisible characters as the longest preview has.
const FILLER: &str = "&#847;&zwnj;&nbsp;&#8199;&shy;";
const FILLERS: usize = 40;

/// How a letter ended, to be seen at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Neutral,
    Bad,
}

impl Tone {
    const fn colour(self) -> &'static str {
        match self {
            Self::Good => "#1a56db",
            Self::Neutral => "#6b7280",
            Self::Bad => "#c81e1e",
        }
    }
}

/// A file to be fetched.
pub(super) struct FileLine {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) note: String,
}

/// A letter under way. Every text handed in is plain and gets escaped here.
pub(super) struct Letter {
    language: Language,
    tone: Tone,
    title: String,
    html: String,
    text: String,
}

impl Letter {
    pub(super) fn new(language: Language, tone: Tone, title: &str) -> Self {
        let html = format!("<h1 class=\"t\" style=\"{TITLE}\">{}</h1>\n", escape(title));
        Self { language, tone, title: title.to_owned(), html, text: format!("{title}\n\n") }
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.block(&format!("<p style=\"{PARAGRAPH}\">{}</p>", escape(text)), text);
    }

    /// `mark` says in plain text what the frame says in HTML.
    pub(super) fn warning(&mut self, mark: &str, text: &str) {
        let cell = format!("<td class=\"w\" style=\"{WARNING}\">{}</td>", escape(text));
        self.block(&presentation("margin:0 0 16px", &format!("<tr>{cell}</tr>")), &format!("{mark}: {text}"));
    }

    pub(super) fn small(&mut self, text: &str) {
        self.block(&format!("<p class=\"m\" style=\"{SMALL}\">{}</p>", escape(text)), text);
    }

    pub(super) fn small_link(&mut self, text: &str, label: &str, url: &str) {
        let link = anchor(url, label);
        let html = format!("<p class=\"m\" style=\"{SMALL}\">{} {link}</p>", escape(text));
        self.block(&html, &format!("{text} {label}: {url}"));
    }

    /// The padding is the cell's for Word, which knows none of an anchor's, and the anchor's for everybody else, so that all of it can be clicked.
    pub(super) fn button(&mut self, label: &str, url: &str) {
        let link = format!("<a href=\"{}\" target=\"_blank\" style=\"{BUTTON}\">{}</a>", escape(url), escape(label));
        let cell = format!("<td align=\"center\" bgcolor=\"#1a56db\" style=\"{BUTTON_CELL}\">{link}</td>");
        let html = format!(
            "<table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"margin:0 0 16px\">\n<tr>{cell}</tr>\n</table>"
        );
        self.block(&html, &format!("{label}:\n{url}"));
    }

    pub(super) fn link(&mut self, label: &str, url: &str) {
        self.block(&format!("<p style=\"{PARAGRAPH}\">{}</p>", anchor(url, label)), &format!("{label}: {url}"));
    }

    /// Files, each with its own link.
    pub(super) fn files(&mut self, heading: &str, files: &[FileLine]) {
        let row = |file: &FileLine| {
            let note = format!("<span class=\"m\" style=\"{LABEL}\">{}</span>", escape(&file.note));
            format!("<tr><td class=\"l\" style=\"{CELL}\">{}<br>{note}</td></tr>", anchor(&file.url, &file.name))
        };
        let html = presentation(TABLE, &joined(files.iter().map(row)));
        let lines = files.iter().map(|file| format!("{} ({}):\n{}", file.name, file.note, file.url));
        let text = lines.collect::<Vec<_>>().join("\n\n");
        self.block(&format!("{}\n{html}", subheading(heading)), &format!("{heading}\n\n{text}"));
    }

    /// Names with values, one below the other.
    pub(super) fn facts(&mut self, facts: &[(&str, String)]) {
        let row = |(name, value): &(&str, String)| {
            let name = format!("<td class=\"l m\" width=\"30%\" style=\"{CELL};{LABEL}\">{}</td>", escape(name));
            format!("<tr>{name}<td class=\"l\" style=\"{CELL}\">{}</td></tr>", escape(value))
        };
        let text = facts.iter().map(|(name, value)| format!("  {name}: {value}")).collect::<Vec<_>>().join("\n");
        self.block(&presentation(TABLE, &joined(facts.iter().map(row))), &text);
    }

    /// A table of figures under its heading: the first column names the row, every other is a number or several, one below the other; the first row
    /// is the sum of the others.
    pub(super) fn figures(&mut self, heading: &str, columns: &[&str], rows: &[Vec<Vec<String>>]) {
        let head = columns.iter().enumerate().map(|(at, name)| {
            let (side, style) = figure(at);
            let name = escape(name);
            format!(
                "<th scope=\"col\" class=\"l m\" align=\"{side}\" valign=\"bottom\" style=\"{style};{LABEL};font-weight:400\">{name}</th>"
            )
        });
        let row = |(index, row): (usize, &Vec<Vec<String>>)| {
            let weight = if index == 0 { ";font-weight:700" } else { "" };
            let cells = row.iter().enumerate().map(|(at, lines)| figure_cell(at, lines, weight));
            format!("<tr>{}</tr>", cells.collect::<String>())
        };
        let body = format!("<tr>{}</tr>\n{}", head.collect::<String>(), joined(rows.iter().enumerate().map(row)));
        let table = format!(
            "<table width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"{TABLE}\">\n{body}\n</table>"
        );
        let lines = rows.iter().map(|row| text_row(columns, row)).collect::<Vec<_>>().join("\n");
        self.block(&format!("{}\n{table}", subheading(heading)), &format!("{heading}\n{lines}"));
    }

    fn block(&mut self, html: &str, text: &str) {
        self.html.push_str(html);
        self.html.push('\n');
        self.text.push_str(text);
        self.text.push_str("\n\n");
    }

    /// The HTML document and the plain text. `preheader` is what a list of mails shows beside the subject.
    pub(super) fn finish(self, preheader: &str) -> (String, String) {
        let Self { language, tone, title, html, text } = self;
        let (tag, colour) = (language.tag(), tone.colour());
        let [title, preheader] = [title.as_str(), preheader].map(escape);
        let filler = FILLER.repeat(FILLERS);
        let html = format!(
            "<!doctype html>\n<html lang=\"{tag}\" dir=\"ltr\">\n<head>\n{DOCUMENT_HEAD}<title>{title}</title>\n</head>\n\
             <body class=\"b\" style=\"{BODY}\">\n<div lang=\"{tag}\" dir=\"ltr\" style=\"{FONT}\">\n\
             <div style=\"{HIDDEN}\">{preheader}{filler}</div>\n\
             <table role=\"presentation\" class=\"b\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"{OUTER}\">\n\
             <tr><td align=\"center\" style=\"padding:24px 12px\">\n{WORD_STARTS}\
             <table role=\"presentation\" class=\"c\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"{CARD};border-top:4px solid {colour}\">\n\
             <tr><td class=\"p\" align=\"left\" style=\"{PADDING}\">\n{html}</td></tr>\n</table>\n{WORD_ENDS}\
             </td></tr>\n</table>\n</div>\n</body>\n</html>\n"
        );
        (html, format!("{}\n", text.trim_end()))
    }
}

/// The side and style of a figure in this column: the first names the row.
const fn figure(column: usize) -> (&'static str, &'static str) {
    if column == 0 { ("left", FIGURE_NAME) } else { ("right", FIGURE) }
}

fn figure_cell(column: usize, lines: &[String], weight: &str) -> String {
    let (side, style) = figure(column);
    let lines = lines.iter().map(|line| escape(line)).collect::<Vec<_>>().join("<br>");
    format!("<td class=\"l\" align=\"{side}\" valign=\"top\" style=\"{style}{weight}\">{lines}</td>")
}

/// `  2026-11-01: Rows 1,000; Revenue USD 12.99, EUR 3.00`.
fn text_row(columns: &[&str], row: &[Vec<String>]) -> String {
    let mut cells = columns.iter().zip(row).map(|(name, lines)| (*name, lines.join(", ")));
    let first = cells.next().map(|(_, cell)| cell).unwrap_or_default();
    let others = cells.filter(|(_, cell)| !cell.is_empty()).map(|(name, cell)| format!("{name} {cell}"));
    format!("  {first}: {}", others.collect::<Vec<_>>().join("; "))
}

fn presentation(style: &str, rows: &str) -> String {
    format!(
        "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"{style}\">\n{rows}\n</table>"
    )
}

fn subheading(text: &str) -> String {
    format!("<h2 class=\"t\" style=\"{HEADING}\">{}</h2>", escape(text))
}

fn anchor(url: &str, label: &str) -> String {
    format!("<a class=\"a\" href=\"{}\" target=\"_blank\" style=\"{LINK}\">{}</a>", escape(url), escape(label))
}

fn joined(rows: impl Iterator<Item = String>) -> String {
    rows.collect::<Vec<_>>().join("\n")
}

/// Text as it may stand between tags and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
