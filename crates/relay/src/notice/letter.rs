//! A letter written twice, as HTML and as plain text. Mail programs know little HTML: one column, inline styles, no images, no scripts.

use super::Mail;

const PARAGRAPH: &str = "margin:0 0 16px";
const BUTTON: &str = "display:inline-block;padding:12px 20px;border-radius:6px;background:#1a56db;color:#ffffff;font-weight:600;text-decoration:none";
const WARNING: &str = "margin:0 0 16px;padding:10px 14px;border-left:4px solid #c27803";
const CELL: &str = "padding:4px 16px 4px 0;text-align:left;vertical-align:top;overflow-wrap:anywhere";
const SMALL: &str = "margin:24px 0 0;font-size:12px;opacity:0.75;overflow-wrap:anywhere";

/// A letter under way. Every text handed in is plain and gets escaped here.
pub(super) struct Letter {
    title: String,
    html: String,
    text: String,
}

impl Letter {
    pub(super) fn new(title: &str) -> Self {
        let html = format!("<h1 style=\"margin:0 0 16px;font-size:20px\">{}</h1>\n", escape(title));
        Self { title: title.to_owned(), html, text: format!("{title}\n\n") }
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.block(&format!("<p style=\"{PARAGRAPH}\">{}</p>", escape(text)), text);
    }

    pub(super) fn warning(&mut self, text: &str) {
        self.block(&format!("<p style=\"{WARNING}\">{}</p>", escape(text)), &format!("Note: {text}"));
    }

    pub(super) fn small(&mut self, text: &str) {
        self.block(&format!("<p style=\"{SMALL}\">{}</p>", escape(text)), text);
    }

    pub(super) fn button(&mut self, label: &str, url: &str) {
        let html = format!(
            "<p style=\"{PARAGRAPH}\"><a href=\"{}\" style=\"{BUTTON}\">{}</a></p>",
            escape(url),
            escape(label)
        );
        self.block(&html, &format!("{label}:\n{url}"));
    }

    pub(super) fn link(&mut self, label: &str, url: &str) {
        let html = format!("<p style=\"{PARAGRAPH}\"><a href=\"{}\">{}</a></p>", escape(url), escape(label));
        self.block(&html, &format!("{label}: {url}"));
    }

    /// Names with values, one below the other.
    pub(super) fn facts(&mut self, facts: &[(&str, String)]) {
        self.rows(None, facts.iter().map(|(name, value)| (*name, value.as_str())));
    }

    /// The same under a heading; nothing where there is nothing to show.
    pub(super) fn table(&mut self, heading: &str, rows: &[(String, String)]) {
        if !rows.is_empty() {
            self.rows(Some(heading), rows.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        }
    }

    fn rows<'a>(&mut self, heading: Option<&str>, rows: impl Iterator<Item = (&'a str, &'a str)>) {
        let mut html = vec![];
        let mut text = vec![];
        if let Some(heading) = heading {
            html.push(format!("<h2 style=\"margin:0 0 8px;font-size:15px\">{}</h2>", escape(heading)));
            text.push(heading.to_owned());
        }
        html.push("<table role=\"presentation\" style=\"margin:0 0 16px;border-collapse:collapse\">".to_owned());
        for (name, value) in rows {
            text.push(format!("  {name}: {value}"));
            let [name, value] = [name, value].map(|cell| format!("<td style=\"{CELL}\">{}</td>", escape(cell)));
            html.push(format!("<tr>{name}{value}</tr>"));
        }
        html.push("</table>".to_owned());
        self.block(&html.join("\n"), &text.join("\n"));
    }

    fn block(&mut self, html: &str, text: &str) {
        self.html.push_str(html);
        self.html.push('\n');
        self.text.push_str(text);
        self.text.push_str("\n\n");
    }

    pub(super) fn mail(self, subject: String) -> Mail {
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{}</title>\n</head>\n<body style=\"margin:0;padding:24px;font-family:system-ui,sans-serif;font-size:15px;line-height:1.5\">\n\
             <div style=\"max-width:560px;margin:0 auto\">\n{}</div>\n</body>\n</html>\n",
            escape(&self.title),
            self.html
        );
        Mail { subject, html, text: format!("{}\n", self.text.trim_end()) }
    }
}

/// Text as it may stand between tags and in quoted attributes.
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
