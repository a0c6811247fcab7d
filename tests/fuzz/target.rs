//! What is fed: every reader that meets bytes which somebody else wrote.

use std::io::Write as _;

use relay::activity::{Activity, MAX_ACTIVITY_BYTES};
use relay::avro;
use relay::batch;
use relay::callback::{self, Callback};

use crate::hand_in;

/// When everything arrives: 2023-11-14 22:13:20 UTC.
pub(crate) const NOW: i64 = 1_700_000_000_000;

/// The most memory for an input, in bytes: `fixed + per_byte × its bytes`.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) fixed: usize,
    pub(crate) per_byte: usize,
}

/// A reader under test.
pub(crate) struct Target {
    /// Of the test and of the corpus.
    pub(crate) name: &'static str,
    /// The most memory it may take.
    pub(crate) memory: Memory,
    /// Words of its format.
    pub(crate) words: &'static [&'static [u8]],
    /// Takes the packing off a kept input, so that what is inside can be changed.
    pub(crate) open: fn(&[u8]) -> Vec<u8>,
    /// Packs an input in one of several ways, none among them.
    pub(crate) close: fn(Vec<u8>, u8) -> Vec<u8>,
    /// Reads the input; panics where a promise does not hold.
    pub(crate) run: fn(&[u8]),
}

pub(crate) const KIB: usize = 1024;
pub(crate) const MIB: usize = 1024 * KIB;

const CALLBACK_WORDS: &[&[u8]] = &[
    b"app_token=app&",
    b"activity_kind=event&",
    b"event_name=x&",
    b"created_at=1699999999&",
    b"key=relay_ingest_1&",
    b"event_name",
    b"revenue",
    b"\"created_at\":1699999999,",
    b"\"event_name\":",
    b"\"app_token\":\"app\",",
    b"{\"a\":[",
    b"1,",
    b"]}",
    b"a&",
    b"+",
    b"\"\",",
];

const BATCH_WORDS: &[&[u8]] = &[
    b"{\"activities\":[",
    b"]}",
    b"{\"kind\":\"event\",\"app_token\":\"app\",\"created_at\":1699999999000",
    b",\"event_id\":\"e\"",
    b"},",
    b"}\n",
    b"[1,",
    b"\"extra\":{\"a\":[",
    b"true,",
    b"1.50,",
];

pub(crate) fn as_it_is(input: &[u8]) -> Vec<u8> {
    input.to_vec()
}

pub(crate) fn unpacked(input: Vec<u8>, _how: u8) -> Vec<u8> {
    input
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A provider's callback, as query, form and JSON.
pub(crate) fn callback() -> Target {
    const FORM: &str = "application/x-www-form-urlencoded";
    Target {
        name: "callback",
        memory: Memory { fixed: 128 * KIB, per_byte: 100 },
        words: CALLBACK_WORDS,
        open: as_it_is,
        close: unpacked,
        run: |input| {
            let query = String::from_utf8_lossy(input);
            let base = "app_token=app&created_at=1699999999&event_name=x";
            for provider in callback::providers() {
                for (method, query, content_type, body) in [
                    ("GET", query.as_ref(), "", &b""[..]),
                    ("POST", base, "application/json", input),
                    ("POST", base, FORM, input),
                    ("POST", "", "", input),
                    ("POST", query.as_ref(), "text/plain", input),
                ] {
                    let parsed =
                        callback::parse(&Callback { provider, method, query, content_type, body, received_at: NOW });
                    if let Ok(activity) = &parsed {
                        assert_readable(activity);
                    }
                }
            }
        },
    }
}

/// Whatever was understood can be kept and read again.
pub(crate) fn assert_readable(activity: &Activity<'_>) {
    let mut datum = Vec::new();
    avro::encode(activity, &mut datum);
    assert!(datum.len() <= MAX_ACTIVITY_BYTES, "an activity of {} bytes", datum.len());
    assert_eq!(avro::decode(&datum).as_ref(), Ok(activity));
}

/// Any event of API Gateway, for every provider and both methods.
pub(crate) fn door() -> Target {
    Target {
        name: "door",
        memory: Memory { fixed: 256 * KIB, per_byte: 100 },
        words: &[
            b"{\"rawPath\":\"/v1/callbacks/{provider}\",\"rawQueryString\":\"key=relay_ingest_1",
            b"\",\"requestContext\":{\"http\":{\"method\":\"POST\"",
            b",\"headers\":{\"content-type\":\"",
            b"\"}",
            b"}}",
            b"},",
            b"\"body\":\"",
            b"\",\"isBase64Encoded\":true",
            b"&app_token=app&event_name=x&created_at=1699999999",
        ],
        open: as_it_is,
        close: unpacked,
        run: hand_in::event,
    }
}

/// A body of `/v1/activities`, in any encoding. However small it came, it may be 4 MiB unpacked, and names and values of 32 MiB, which are held again while
/// they are packed into frames. The function has 256 MB.
pub(crate) fn activities() -> Target {
    Target {
        name: "activities",
        memory: Memory { fixed: 96 * MIB, per_byte: 8 },
        words: BATCH_WORDS,
        open: unpack,
        close: pack,
        run: hand_in::activities_body,
    }
}

/// The same without the door and its frames.
pub(crate) fn batch() -> Target {
    Target {
        name: "batch",
        memory: Memory { fixed: 48 * MIB, per_byte: 8 },
        words: BATCH_WORDS,
        open: unpack,
        close: pack,
        run: |input| {
            let content = input.to_vec().into();
            for content_type in ["application/json", "application/x-ndjson"] {
                for content_encoding in ["", "gzip", "ZSTD "] {
                    let body = batch::Body { content_type, content_encoding, content: &content };
                    let Ok(unpacked) = batch::unpack(&body) else { continue };
                    let items = unpacked.activities(NOW).unwrap_or_default();
                    assert!(items.len() <= batch::MAX_ITEMS);
                    for activity in items.iter().flatten() {
                        assert_readable(activity);
                    }
                }
            }
        },
    }
}

fn unpack(input: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut plain = Vec::new();
    let gunzipped = flate2::read::MultiGzDecoder::new(input).take(16 * KIB as u64).read_to_end(&mut plain);
    if gunzipped.is_ok() { plain } else { input.to_vec() }
}

fn pack(input: Vec<u8>, how: u8) -> Vec<u8> {
    match how % 3 {
        0 => gzip(&input),
        1 => zstd::bulk::compress(&input, 1).unwrap(),
        _ => input,
    }
}
