//! The mails that the stack has sent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aws::Aws;
use crate::failure::Failure;
use crate::files;
use crate::time;

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The recipients, with commas between.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The HTML part; empty where there is none.
    pub html: String,
    /// The text part; empty where there is none.
    pub text: String,
    /// RFC 3339, UTC.
    pub sent_at: String,
    /// Header fields beside those that every mail has; of earlier releases' mails they are not known.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// The mails of this run, which the emulator has, and those of earlier runs, which it forgets.
pub struct Inbox {
    path: PathBuf,
    earlier: Vec<Mail>,
}

impl Inbox {
    /// `path` keeps the mails over a stop in order.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        Ok(Self { path: path.to_owned(), earlier: files::read_json(path)?.unwrap_or_default() })
    }

    /// All mails, newest first.
    pub async fn messages(&self, aws: &Aws) -> Result<Vec<Mail>, Failure> {
        let answer = aws.get("/_ministack/ses/messages").await?;
        let mut mails = of_emulator(&answer);
        mails.extend(self.earlier.iter().cloned());
        Ok(mails)
    }

    /// Keeps what the emulator will forget.
    pub async fn keep(&self, aws: &Aws) -> Result<(), Failure> {
        files::write_json(&self.path, &self.messages(aws).await?)
    }
}

/// `{"messages": {account: [...]}}`, oldest first.
fn of_emulator(answer: &Value) -> Vec<Mail> {
    let accounts = answer.get("messages").and_then(Value::as_object).into_iter().flatten();
    let mut sent: Vec<&Value> = accounts.flat_map(|(_, mails)| mails.as_array().into_iter().flatten()).collect();
    sent.sort_by(|one, other| seconds(other).total_cmp(&seconds(one)));
    sent.into_iter().map(mail).collect()
}

fn seconds(mail: &Value) -> f64 {
    mail.get("Timestamp").and_then(Value::as_f64).unwrap_or_default()
}

fn mail(sent: &Value) -> Mail {
    let text = |name: &str| sent.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let recipients = sent.get("To").and_then(Value::as_array).into_iter().flatten();
    let recipients: Vec<&str> = recipients.filter_map(Value::as_str).collect();
    Mail {
        to: recipients.join(", "),
        subject: text("Subject"),
        html: text("BodyHtml"),
        text: text("BodyText"),
        sent_at: time::iso(time::milliseconds(seconds(sent))),
        headers: headers(sent),
    }
}

/// `[{"Name", "Value"}]`.
fn headers(sent: &Value) -> BTreeMap<String, String> {
    let fields = sent.get("Headers").and_then(Value::as_array).into_iter().flatten();
    let text = |field: &Value, name: &str| field.get(name).and_then(Value::as_str).map(str::to_owned);
    fields.filter_map(|field| text(field, "Name").zip(text(field, "Value"))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mails_come_newest_first() {
        let answer = json!({ "messages": { "000000000000": [
            { "To": ["a@example.com"], "Subject": "one", "BodyText": "t", "BodyHtml": null, "Timestamp": 1_700_000_000.25 },
            { "To": ["b@example.com", "c@example.com"], "Subject": "two", "BodyText": "t", "BodyHtml": "h", "Timestamp": 1_700_000_001.0,
              "Headers": [{ "Name": "Auto-Submitted", "Value": "auto-generated" }] },
        ] } });
        let mails = of_emulator(&answer);
        assert_eq!(mails[0].to, "b@example.com, c@example.com");
        assert_eq!((mails[1].subject.as_str(), mails[1].html.as_str()), ("one", ""));
        assert_eq!(mails[0].headers, BTreeMap::from([("Auto-Submitted".to_owned(), "auto-generated".to_owned())]));
        assert_eq!(mails[1].sent_at, "2023-11-14T22:13:20.250Z");
    }
}
