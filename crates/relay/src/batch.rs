//! A batch: the body of `/v1/activities`, from an SDK or server of the advertiser's own.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::activity::{Activity, Kind, MAX_ACTIVITY_BYTES, Provider};
use crate::callback::draft::{self, Draft, Names, Written, first, shown};
use crate::callback::query::Params;
use crate::callback::{json, media_type};
use crate::discard::{Discard, Reason};
use crate::field::Field;
use crate::http;
use crate::time;

mod unpack;

/// The most activities of a batch (product.md).
pub const MAX_ITEMS: usize = 500;

/// The most bytes of a batch, unpacked (product.md: 4 MiB).
pub const MAX_UNPACKED_BYTES: usize = 4 * 1024 * 1024;

/// The most bytes of one item's JSON: more than an activity of the largest size needs, which is six times its text where every character is escaped.
const MAX_ITEM_BYTES: usize = 8 * MAX_ACTIVITY_BYTES;

/// The most bytes of memory that the names without a column of their own, over all items of a batch, take. A list of small numbers, unfolded to a name
/// each, takes a hundred times its text, and the function that reads it has 256 MB for a batch of 4 MiB.
const MAX_EXTRA_BYTES: usize = 32 * 1024 * 1024;

/// What a name with its value takes besides their text: two strings, their allocations, their place in a tree. Measured: 110 to 130 bytes.
const EXTRA_OVERHEAD: usize = 128;

/// The most characters of an `event_id` (product.md).
pub const MAX_EVENT_ID_CHARS: usize = 128;

/// The parameter that holds an item's own id.
const EVENT_ID: &str = "event_id";

/// A body as it came. Not `Debug`: what stands in it is nobody's to log.
#[derive(Clone, Copy)]
pub struct Body<'a> {
    /// `Content-Type`; empty for none.
    pub content_type: &'a str,
    /// `Content-Encoding`; empty for none.
    pub content_encoding: &'a str,
    /// What it holds.
    pub content: &'a http::Body,
}

/// Why a whole batch was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Over 4 MiB unpacked.
    #[error("the body has over {MAX_UNPACKED_BYTES} bytes unpacked; send less per request")]
    TooLarge,
    /// Small lists and objects that unfold into over 32 MiB.
    #[error(
        "the lists and objects in the batch unfold into over {MAX_EXTRA_BYTES} bytes of names and values; send fewer items per request, or a list as one text"
    )]
    TooManyNames,
    /// Over 500 items.
    #[error("the batch has over {MAX_ITEMS} items; send fewer per request")]
    TooMany,
    /// A content type that is not read.
    #[error("the content type is `{0}`; application/json, application/x-ndjson and application/octet-stream are read")]
    UnsupportedType(String),
    /// A content encoding that is not read.
    #[error("the content encoding is `{0}`; gzip and zstd are read")]
    UnsupportedEncoding(String),
    /// Compressed bytes that a gateway took for text.
    #[error(
        "{0}; send compressed bodies as application/x-ndjson or application/octet-stream: JSON types are passed on as text, which damages them"
    )]
    DamagedText(String),
    /// Not the JSON it says it is.
    #[error("{0}")]
    Malformed(String),
}

/// The text of a body, unpacked. The activities borrow from it.
pub struct Unpacked<'a> {
    text: Cow<'a, str>,
    /// Whether the content type lets an item stand on a line of its own.
    may_be_lines: bool,
}

/// Unpacks a body.
pub fn unpack<'a>(body: &Body<'a>) -> Result<Unpacked<'a>, BatchError> {
    let may_be_lines = match media_type(body.content_type).as_str() {
        "application/json" | "text/json" => false,
        "" | "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/octet-stream" => true,
        other => return Err(BatchError::UnsupportedType(shown(other))),
    };
    if body.content.len() > MAX_UNPACKED_BYTES {
        return Err(BatchError::TooLarge);
    }
    let text = match (unpack::unpack(body.content_encoding, body.content)?, body.content) {
        (None, http::Body::Text(text)) => Ok(Cow::Borrowed(text.as_str())),
        (None, http::Body::Bytes(bytes)) => std::str::from_utf8(bytes).map(Cow::Borrowed),
        (Some(bytes), _) => String::from_utf8(bytes).map(Cow::Owned).map_err(|error| error.utf8_error()),
    };
    let text =
        text.map_err(|error| malformed(format!("the body is not UTF-8 from byte {} on", error.valid_up_to())))?;
    Ok(Unpacked { text, may_be_lines })
}

impl Unpacked<'_> {
    /// Each item an activity, or why it is none, in the order sent. `received_at` in milliseconds since the epoch, UTC.
    pub fn activities(&self, received_at: i64) -> Result<Vec<Result<Activity<'_>, Discard>>, BatchError> {
        let text = self.text.trim_start_matches('\u{feff}').trim();
        if self.may_be_lines && !is_document(text) {
            return each(lines(text)?.into_iter().map(flatten), received_at);
        }
        let array = array(text)?;
        match objects(array) {
            Some(objects) => each(objects.into_iter().map(json::flatten_members), received_at),
            None => each(items(array)?.into_iter().map(flatten), received_at),
        }
    }
}

/// An activity from each item's parameters.
fn each<'a>(
    items: impl ExactSizeIterator<Item = Result<Params<'a>, Discard>>,
    received_at: i64,
) -> Result<Vec<Result<Activity<'a>, Discard>>, BatchError> {
    let mut activities = Vec::with_capacity(items.len());
    let mut held = 0;
    for params in items {
        let activity = params.and_then(|params| activity(params, received_at));
        held += activity.as_ref().map_or(0, extra_bytes);
        if held > MAX_EXTRA_BYTES {
            return Err(BatchError::TooManyNames);
        }
        activities.push(activity);
    }
    Ok(activities)
}

/// The items of an array that is as it should be, in one reading. Any other is read over first (`items`), so that what is wrong with one item is not
/// the end of all.
fn objects(text: &str) -> Option<Vec<json::Members<'_>>> {
    // No item can be too long where the whole is not, and what is held beside the text is bounded with it.
    if text.len() > MAX_ITEM_BYTES {
        return None;
    }
    let objects: Vec<_> = serde_json::from_str(text).ok()?;
    (objects.len() <= MAX_ITEMS).then_some(objects)
}

/// About how much memory the names without a column take: bytes.
fn extra_bytes(activity: &Activity<'_>) -> usize {
    activity.extra.iter().map(|(name, value)| name.len() + value.len() + EXTRA_OVERHEAD).sum()
}

fn malformed(detail: impl Into<String>) -> BatchError {
    BatchError::Malformed(detail.into())
}

/// `{"activities":[…]}`.
#[derive(serde::Deserialize)]
struct Wrapper<'a> {
    #[serde(borrow)]
    activities: Option<&'a RawValue>,
}

/// Whether a body that may be lines is one document: an array, or the wrapper, whole or broken off.
fn is_document(text: &str) -> bool {
    let begins = |object: &str| object.trim_start().starts_with("\"activities\"");
    text.starts_with('[')
        || text.strip_prefix('{').is_some_and(begins)
        || serde_json::from_str(text).is_ok_and(|wrapper: Wrapper<'_>| wrapper.activities.is_some())
}

/// The array that a document is, or that its wrapper holds.
fn array(text: &str) -> Result<&str, BatchError> {
    const ADVICE: &str = "the body is neither an array of activities nor {\"activities\":[…]}; a single activity is sent as [{…}], one a line as application/x-ndjson";
    let array = match text.as_bytes().first() {
        Some(b'{') => {
            let wrapper: Wrapper<'_> = serde_json::from_str(text).map_err(broken)?;
            wrapper.activities.map(RawValue::get).ok_or_else(|| malformed(ADVICE))?
        }
        _ => text,
    };
    if array.starts_with('[') { Ok(array) } else { Err(malformed(ADVICE)) }
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err hands over")]
fn broken(error: serde_json::Error) -> BatchError {
    malformed(format!("the body is broken JSON: {error}"))
}

/// The items of an array, whatever they are.
fn items(array: &str) -> Result<Vec<&str>, BatchError> {
    let mut reader = serde_json::Deserializer::from_str(array);
    let items = reader.deserialize_seq(Items).map_err(broken)?;
    reader.end().map_err(broken)?;
    if items.len() > MAX_ITEMS { Err(BatchError::TooMany) } else { Ok(items) }
}

/// One item a line; empty lines are none.
fn lines(text: &str) -> Result<Vec<&str>, BatchError> {
    let items: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(MAX_ITEMS + 1).collect();
    if items.len() > MAX_ITEMS { Err(BatchError::TooMany) } else { Ok(items) }
}

/// Collects one element more than is allowed, at most, and reads over the rest.
struct Items;

impl<'de> Visitor<'de> for Items {
    type Value = Vec<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of activities")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() <= MAX_ITEMS
            && let Some(item) = elements.next_element::<&RawValue>()?
        {
            items.push(item.get());
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(items)
    }
}

fn flatten(item: &str) -> Result<Params<'_>, Discard> {
    if item.len() <= MAX_ITEM_BYTES {
        return json::flatten(item);
    }
    let detail = format!("the item has {} bytes of JSON; an activity may have {MAX_ACTIVITY_BYTES}", item.len());
    Err(Discard::new(Reason::TooLarge, detail))
}

fn activity(mut params: Params<'_>, received_at: i64) -> Result<Activity<'_>, Discard> {
    const FORM: &str = "Unix milliseconds or RFC 3339";
    draft::tidy(&mut params);
    said_once(&params)?;
    let kind = kind(first(&params, "kind"))?;
    let app_token = draft::app_token(first(&params, "app_token"))?;
    let parse_time = time::parse_millis_or_rfc3339;
    let written = Written { name: "created_at", text: first(&params, "created_at"), form: FORM };
    let created_at = draft::created_at(&written, parse_time, received_at)?;
    let names = Names { used: &["kind", "app_token", "created_at"], own_id: Some(EVENT_ID), aliases: &[] };
    let (fields, extra) = draft::assign(&params, &names, parse_time);
    let event_id = fields.text(Field::EventId).unwrap_or_default();
    if event_id.len() > MAX_EVENT_ID_CHARS && event_id.chars().nth(MAX_EVENT_ID_CHARS).is_some() {
        let detail =
            format!("event_id has {} characters; at most {MAX_EVENT_ID_CHARS} are taken", event_id.chars().count());
        return Err(Discard::new(Reason::BadEventId, detail));
    }
    let provider = Provider::Sdk;
    Draft { provider, kind, app_token, created_at, received_at, fields, extra }
        .finish(&params, first(&params, EVENT_ID))
}

/// What makes an activity this one must not be said twice in different ways: whichever was taken, the other might have been meant.
fn said_once(params: &Params<'_>) -> Result<(), Discard> {
    for (one, next) in params.iter().zip(params.iter().skip(1)) {
        if one.0 == next.0 && ["kind", "app_token", "created_at", EVENT_ID].contains(&one.0.as_ref()) {
            let detail = format!("{} is sent twice: `{}` and `{}`", one.0, shown(&one.1), shown(&next.1));
            return Err(Discard::new(Reason::Malformed, detail));
        }
    }
    Ok(())
}

fn kind(found: Option<&str>) -> Result<Kind, Discard> {
    let bad =
        |what: String| Discard::new(Reason::BadKind, format!("kind is {what}; one is install, reattribution or event"));
    let name = found.ok_or_else(|| bad("missing".to_owned()))?;
    Kind::from_name(name).ok_or_else(|| bad(format!("`{}`", shown(name))))
}

#[cfg(test)]
mod tests;
