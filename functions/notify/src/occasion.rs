//! What may call for a mail: a file that has come into being, an execution that has ended; and what became of one.

use std::collections::BTreeMap;

use relay::export::{is_export_id, parse_object_key};
use relay::notice::{EXPORT_TAG, OWNER_TAG};
use relay::owner::is_owner_name;
use serde::Deserialize;
use serde_json::Value;

/// The most characters of what a foreign mail system said that are kept.
const MOST_SAID: usize = 200;

/// What happened, and the event's own id: the same in each of its retries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The event's id.
    pub id: String,
    /// What happened.
    pub occasion: Occasion,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// An object of the export bucket came into being.
    FileCreated {
        /// Whose export.
        owner: String,
        /// Which one.
        export_id: String,
        /// The object's key.
        key: String,
        /// Its bytes.
        size: u64,
    },
    /// An execution of the state machine ended.
    ExecutionEnded {
        /// Whose export.
        owner: String,
        /// Which one.
        export_id: String,
        /// The execution's name.
        name: String,
    },
    /// A mail did not arrive, or was not wanted.
    Undelivered {
        /// Whose export the mail was about.
        owner: String,
        /// Which one.
        export_id: String,
        /// What became of the mail.
        undelivered: Undelivered,
    },
}

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// The addresses that it did not reach, or that did not want it.
    pub emails: Vec<String>,
    /// What happened.
    pub trouble: Trouble,
    /// What the other mail system said; may be empty.
    pub detail: String,
}

/// What happened to a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It came back and the next one would, too.
    BouncedForGood,
    /// It came back, but the next one may get through: the mailbox was full, the mail too large.
    BouncedForNow,
    /// It was reported as spam.
    Complained,
}

impl Trouble {
    /// The name in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BouncedForGood => "bounced",
            Self::BouncedForNow => "bounced_for_now",
            Self::Complained => "complained",
        }
    }
}

impl Occasion {
    /// The owner and id of the export it is about.
    #[must_use]
    pub fn export(&self) -> (&str, &str) {
        let (Self::FileCreated { owner, export_id, .. }
        | Self::ExecutionEnded { owner, export_id, .. }
        | Self::Undelivered { owner, export_id, .. }) = self;
        (owner, export_id)
    }
}

#[derive(Deserialize)]
struct Envelope {
    id: String,
    #[serde(flatten)]
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(tag = "source", content = "detail")]
enum Detail {
    #[serde(rename = "aws.s3")]
    ObjectCreated { object: Object },
    #[serde(rename = "aws.states")]
    StatusChange { name: String, input: String },
    #[serde(rename = "aws.ses")]
    Mail(MailEvent),
}

/// An event of SES's event publishing (SES developer guide, "Contents of event data"): one of these two besides the mail.
#[derive(Deserialize)]
struct MailEvent {
    mail: Tagged,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
}

#[derive(Deserialize)]
struct Tagged {
    #[serde(default)]
    tags: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    /// `Permanent`, `Transient` or `Undetermined`.
    #[serde(rename = "bounceType")]
    permanence: String,
    #[serde(rename = "bounceSubType", default)]
    reason: String,
    bounced_recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    complained_recipients: Vec<Recipient>,
    /// `abuse` mostly; `not-spam` takes an earlier report back.
    complaint_feedback_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: String,
    diagnostic_code: Option<String>,
}

#[derive(Deserialize)]
struct Object {
    key: String,
    size: u64,
}

#[derive(Deserialize)]
struct Input {
    owner: String,
    export_id: String,
}

/// What an event lacks, by the name of ours; an error about a value would show the value.
fn misfit(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") { text } else { "a value of another sort than expected".to_owned() }
}

/// Reads an event of EventBridge. What is none of ours is told in words: it is logged and never comes again.
pub fn read(event: Value) -> Result<Event, String> {
    let Envelope { id, detail } =
        serde_json::from_value(event).map_err(|error| format!("no event of ours: {}", misfit(&error)))?;
    let occasion = match detail {
        Detail::ObjectCreated { object: Object { key, size } } => {
            let (owner, export_id) = parse_object_key(&key).ok_or("an object that is no export's")?;
            let (owner, export_id) = (owner.to_owned(), export_id.to_owned());
            Occasion::FileCreated { owner, export_id, key, size }
        }
        Detail::StatusChange { name, input } => {
            let Input { owner, export_id } =
                serde_json::from_str(&input).map_err(|error| format!("an execution that is no export's: {error}"))?;
            Occasion::ExecutionEnded { owner, export_id, name }
        }
        Detail::Mail(event) => mail(event)?,
    };
    Ok(Event { id, occasion })
}

fn mail(MailEvent { mail, bounce, complaint }: MailEvent) -> Result<Occasion, String> {
    let tag = |name: &str| mail.tags.get(name).and_then(|values| values.first()).cloned();
    let (owner, export_id) = tag(OWNER_TAG).zip(tag(EXPORT_TAG)).ok_or("a mail about no export")?;
    if !is_owner_name(&owner) || !is_export_id(&export_id) {
        return Err("a mail with tags that are not Relay's".to_owned());
    }
    let undelivered = match (bounce, complaint) {
        (Some(bounce), _) => bounced(bounce),
        (None, Some(complaint)) => complained(complaint)?,
        (None, None) => return Err("a mail's event that is neither a bounce nor a complaint".to_owned()),
    };
    Ok(Occasion::Undelivered { owner, export_id, undelivered })
}

fn bounced(Bounce { permanence, reason, bounced_recipients }: Bounce) -> Undelivered {
    let is_for_good = permanence == "Permanent";
    let trouble = if is_for_good { Trouble::BouncedForGood } else { Trouble::BouncedForNow };
    let said = bounced_recipients.iter().find_map(|recipient| recipient.diagnostic_code.clone());
    let detail = shortened(&said.unwrap_or(reason));
    Undelivered { emails: addresses(&bounced_recipients), trouble, detail }
}

fn complained(Complaint { complained_recipients, complaint_feedback_type }: Complaint) -> Result<Undelivered, String> {
    if complaint_feedback_type.as_deref() == Some("not-spam") {
        return Err("a report that a mail is no spam".to_owned());
    }
    let detail = shortened(&complaint_feedback_type.unwrap_or_default());
    Ok(Undelivered { emails: addresses(&complained_recipients), trouble: Trouble::Complained, detail })
}

/// A recipient as SES writes it: the address alone, or behind a name in angle brackets.
fn addresses(recipients: &[Recipient]) -> Vec<String> {
    let plain = |text: &str| text.rsplit('<').next().unwrap_or(text).trim_end_matches('>').trim().to_owned();
    recipients.iter().map(|recipient| plain(&recipient.email_address)).collect()
}

/// What a foreign mail system says may be long, and of several lines.
fn shortened(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MOST_SAID).collect()
}
