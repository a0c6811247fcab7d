//! Waits for the mails and takes the links out of them, as a person would.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde::Deserialize;

use super::export::{self, Export};
use crate::{
    local::stack::Stack,
    os,
    say::{self, Outcome},
    web::Client,
};

/// How long the mails may take, from the requests on. The files themselves take seconds.
const DEADLINE: Duration = Duration::from_mins(3);
/// How often the inbox is looked at.
const EVERY: Duration = Duration::from_millis(250);
/// How often the wait is told.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// What the inbox shows.
#[derive(Deserialize)]
struct Inbox {
    messages: Vec<Message>,
}

/// One mail.
#[derive(Deserialize)]
struct Message {
    to: String,
    html: String,
    text: String,
}

/// Waits until a mail with a link to its file has come for each export; the links stand in the order of the exports.
pub(crate) fn links(client: &Client, stack: &Stack, exports: &[Export]) -> Outcome<Vec<String>> {
    let started = Instant::now();
    let mut told = started;
    loop {
        let inbox = client.get(&stack.place.inbox_url, None)?.expect(&[200])?;
        let inbox: Inbox =
            serde_json::from_str(&inbox).map_err(|error| format!("the inbox is not as agreed: {error}"))?;
        let found: Vec<Option<String>> =
            exports.iter().map(|export| link_in(&inbox, stack, &export.id)).collect::<Outcome<_>>()?;
        let missing = found.iter().filter(|link| link.is_none()).count();
        if missing == 0 {
            return Ok(found.into_iter().flatten().collect());
        }
        if told.elapsed() >= TELL_EVERY || started.elapsed() >= DEADLINE {
            told = Instant::now();
            let states: Vec<String> = exports
                .iter()
                .map(|export| Ok(format!("{} {}", export.kind.name(), export::state(client, stack, export)?)))
                .collect::<Outcome<_>>()?;
            let states = states.join(", ");
            if started.elapsed() >= DEADLINE {
                return Err(format!("{missing} mails have not come in {}: {states}", say::seconds(DEADLINE)));
            }
            say::progress(format_args!("  {} of {} mails, {states}", exports.len() - missing, exports.len()));
        }
        os::pause(EVERY);
    }
}

/// The link in the newest mail about an export. HTML and text must agree on it.
fn link_in(inbox: &Inbox, stack: &Stack, export_id: &str) -> Outcome<Option<String>> {
    let mine = inbox.messages.iter().filter(|mail| mail.to == stack.keys.email);
    for mail in mine {
        let in_html = hrefs(&mail.html).find(|url| is_file_of(url, export_id));
        let in_text = mail.text.split_whitespace().find(|word| is_file_of(word, export_id));
        match (in_html, in_text) {
            (None, None) => {}
            (Some(html), Some(text)) if html == text => return Ok(Some(html)),
            (html, text) => {
                let seen = |link: bool| if link { "has a link" } else { "has none" };
                return Err(format!(
                    "the mail about export {export_id} has different links: its HTML {}, its text {}",
                    seen(html.is_some()),
                    seen(text.is_some())
                ));
            }
        }
    }
    Ok(None)
}

/// A link to a file of the export, not the one back to the page.
fn is_file_of(url: &str, export_id: &str) -> bool {
    let path = url.split('?').next().unwrap_or(url);
    path.starts_with("http")
        && path.contains(export_id)
        && Path::new(path).extension().is_some_and(|kind| kind == "csv")
}

/// The targets of all links in a piece of HTML.
fn hrefs(html: &str) -> impl Iterator<Item = String> {
    let after = html.split("href=\"").skip(1);
    after.filter_map(|rest| rest.split_once('"')).map(|(url, _)| url.replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_among_others() {
        let html =
            r#"<p><a href="http://site/#e1">page</a> <a class="b" href="http://s3/x/e1/f.csv?a=1&amp;b=2">file</a>"#;
        let links: Vec<String> = hrefs(html).filter(|url| is_file_of(url, "e1")).collect();
        assert_eq!(links, ["http://s3/x/e1/f.csv?a=1&b=2"]);
    }

    #[test]
    fn another_exports_file_is_not_taken() {
        assert!(is_file_of("http://s3/exports/demo/e1/f.csv?X=1", "e1"));
        assert!(!is_file_of("http://s3/exports/demo/e2/f.csv?X=e1", "e1"));
        assert!(!is_file_of("see exports/demo/e1/f.csv", "e1"));
    }
}
