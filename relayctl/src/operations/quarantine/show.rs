//! An object's entries, without keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use relay::port::Objects;
use relay::quarantine::{self, Entry};
use relay::replay::Marker;

use crate::operations::Refusal;
use crate::operations::replay::marker;
use crate::view::{Entries, EntryView};

/// What every key begins with (`relay::owner::new_secret`).
const KEY_STARTS: [&[u8]; 2] = [b"relay_ingest_", b"relay_api_"];

/// The entries of an object, or the one of this index.
pub(crate) async fn show(bucket: &impl Objects, key: &str, only: Option<usize>) -> Result<Entries, Refusal> {
    let unreadable = |error: std::io::Error| Refusal::Other(format!("`{key}` cannot be read: {error}"));
    let none =
        || Refusal::Other(format!("there is no object `{key}`; `relayctl quarantine list` names those that there are"));
    let body = bucket.get(key).await?.ok_or_else(none)?;
    let marker = marker(bucket, key).await?.unwrap_or_default();
    let mut entries = Vec::new();
    let mut count = 0;
    for (index, entry) in quarantine::entries(&body).map_err(unreadable)?.enumerate() {
        let content = entry.map_err(unreadable)?;
        count = index + 1;
        if only.is_none_or(|only| only == index) {
            entries.push(EntryView { entry: index, state: state(&marker, index), content: without_keys(content) });
        }
    }
    match only {
        Some(only) if entries.is_empty() => {
            Err(Refusal::Other(format!("`{key}` has the entries 0 to {}, no {only}", count.max(1) - 1)))
        }
        _ => Ok(Entries { object: key.to_owned(), entries }),
    }
}

fn state(marker: &Marker, index: usize) -> &'static str {
    if marker.accepted.contains(&index) {
        "accepted"
    } else if marker.dropped.contains(&index) {
        "dropped"
    } else {
        "open"
    }
}

/// The door leaves the key out of the query; a sender may have written it elsewhere, too.
fn without_keys(mut entry: Entry) -> Entry {
    entry.detail = hidden(entry.detail);
    entry.path = hidden(entry.path);
    entry.query = hidden(entry.query);
    entry.content_type = hidden(entry.content_type);
    entry.body = entry.body.map(hidden);
    let bytes = entry.body_base64.as_ref().and_then(|text| STANDARD.decode(text).ok());
    entry.body_base64 = bytes.map(|bytes| STANDARD.encode(hide_keys(bytes))).or(entry.body_base64);
    entry
}

fn hidden(text: String) -> String {
    // Letters and digits become stars, so it stays UTF-8.
    String::from_utf8(hide_keys(text.into_bytes())).unwrap_or_default()
}

fn hide_keys(mut bytes: Vec<u8>) -> Vec<u8> {
    for start in KEY_STARTS {
        let mut at = 0;
        while let Some(found) = bytes.get(at..).and_then(|rest| position(rest, start)) {
            at += found + start.len();
            let secret = bytes.iter_mut().skip(at).take_while(|byte| byte.is_ascii_alphanumeric());
            secret.for_each(|byte| *byte = b'*');
        }
    }
    bytes
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_hidden_wherever_it_stands() {
        let text = "a=relay_ingest_00ff&b=겨울relay_api_12 relay_ingest_9z";
        assert_eq!(hidden(text.to_owned()), "a=relay_ingest_****&b=겨울relay_api_** relay_ingest_**");
        assert_eq!(hidden("relay_ingest_".to_owned()), "relay_ingest_");
    }
}
