//! What may call for a mail: a file that has come into being, an execution that has ended.

use relay::export::parse_object_key;
use serde::Deserialize;
use serde_json::Value;

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
}

impl Occasion {
    /// The owner and id of the export it is about.
    #[must_use]
    pub fn export(&self) -> (&str, &str) {
        let (Self::FileCreated { owner, export_id, .. } | Self::ExecutionEnded { owner, export_id, .. }) = self;
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

/// Reads an event of EventBridge. What is none of ours is told in words: it is logged and never comes again.
pub fn read(event: Value) -> Result<Event, String> {
    let Envelope { id, detail } =
        serde_json::from_value(event).map_err(|error| format!("no event of ours: {error}"))?;
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
    };
    Ok(Event { id, occasion })
}
