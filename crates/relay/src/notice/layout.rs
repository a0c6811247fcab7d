//! How a mail looks: one column that every mail client shows, and the same as text.

use super::{Letterhead, Mail};
use crate::export::Export;

/// A mail being written: each piece goes into both parts.
pub(super) struct Letter {
    subject: String,
    html: String,
    text: String,
    facts: Vec<(String, String)>,
}

impl Letter {
    pub(super) fn new(subject: String, headline: &str) -> Self {
        let html = format!("<h1 style=\"font-size:20px;margin:0 0 16px\">{}</h1>", escape(headline));
        Self { subject, html, text: format!("{headline}\n"), facts: Vec::new() }
    }

    pub(super) fn paragraph(&mut self, words: &str) {
        self.close_facts();
        self.html.push_str(&format!("<p style=\"margin:0 0 12px\">{}</p>", escape(words)));
        self.text.push_str(&format!("\n{words}\n"));
    }

    pub(super) fn button(&mut self, label: &str, url: &str) {
        let url_html = escape(url);
        let style = "display:inline-block;padding:10px 18px;border-radius:6px;background:#1f5fd0;color:#ffffff;text-decoration:none";
        self.html.push_str(&format!(
            "<p style=\"margin:0 0 16px\"><a href=\"{url_html}\" style=\"{style}\">{}</a></p>",
            escape(label)
        ));
        self.text.push_str(&format!("\n{label}:\n{url}\n"));
    }

    pub(super) fn fact(&mut self, name: &str, value: &str) {
        self.facts.push((name.to_owned(), value.to_owned()));
    }

    /// Facts stand together as a table.
    fn close_facts(&mut self) {
        if self.facts.is_empty() {
            return;
        }
        self.html.push_str("<table role=\"presentation\" style=\"border-collapse:collapse;margin:0 0 16px\">");
        self.text.push('\n');
        for (name, value) in std::mem::take(&mut self.facts) {
            let row = "<tr><td style=\"padding:2px 16px 2px 0;color:#5b6472\">";
            self.html.push_str(&format!("{row}{}</td><td>{}</td></tr>", escape(&name), escape(&value)));
            self.text.push_str(&format!("{name}: {value}\n"));
        }
        self.html.push_str("</table>");
    }

    /// Adds what every mail ends with: the ids, and the way back to the page.
    pub(super) fn finish(mut self, export: &Export, head: &Letterhead<'_>) -> Mail {
        self.fact("Export", &export.export_id);
        self.fact("Trace id", &export.trace_id);
        self.close_facts();
        if let Some(site_url) = head.site_url {
            let url = escape(site_url);
            self.html.push_str(&format!("<p style=\"margin:0\"><a href=\"{url}\">Your exports</a></p>"));
            self.text.push_str(&format!("\nYour exports:\n{site_url}\n"));
        }
        let body = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;font-size:15px;line-height:1.5;max-width:600px;margin:0 auto;padding:24px";
        let head = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\"></head>";
        let html = format!("{head}<body style=\"{body}\">{}</body></html>", self.html);
        Mail { subject: self.subject, html, text: self.text }
    }
}

/// Text as HTML, in elements and in quoted attributes.
fn escape(text: &str) -> String {
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
