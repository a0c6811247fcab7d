use std::hint::black_box;
use std::io::Write;

use proptest::prelude::*;

use super::*;
use crate::activity::Value;

const NOW: i64 = 1_700_000_000_000;
const ITEM: &str = r#"{"kind":"event","app_token":"app","created_at":1699999999123,"event_id":"e1"}"#;

/// Items that are whole, of which some are activities, and items that are not.
const ITEMS: [&str; 9] = [
    ITEM,
    r#"{ "app_token" : "app" , "kind":"install","created_at":1699999999123,"user":{"tier":"gold","~id":[1.50,2]} }"#,
    r#"{"kind":"event","app_token":"app","created_at":1699999999123,"e\u0076ent_name":"단계 \ud83c\udfae","x":null,"x":[]}"#,
    r#"{"kind":"event","kind":"install","app_token":"app","created_at":1699999999123}"#,
    "{}",
    ODD[0],
    ODD[1],
    ODD[2],
    ODD[3],
];
const ODD: [&str; 4] = [r#"{"\ud800":1}"#, "[{}]", "null", "7"];

type Items = Vec<Result<Activity<'static>, Discard>>;

/// The activities of a body, borrowing nothing.
fn parse(content_type: &str, content_encoding: &str, content: &http::Body) -> Result<Items, BatchError> {
    let unpacked = unpack(&Body { content_type, content_encoding, content })?;
    Ok(unpacked.activities(NOW)?.into_iter().map(|item| item.map(Activity::into_owned)).collect())
}

fn text(content_type: &str, text: &str) -> Result<Items, BatchError> {
    parse(content_type, "", &text.to_owned().into())
}

fn json(body: &str) -> Result<Items, BatchError> {
    text("application/json", body)
}

fn one(members: &str) -> Result<Activity<'static>, Discard> {
    let item = format!(r#"[{{"kind":"event","app_token":"app","created_at":{NOW}{members}}}]"#);
    json(&item).unwrap().remove(0)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn packed(content_type: &str, content_encoding: &str, bytes: &[u8], was_text: bool) -> Result<usize, BatchError> {
    let damaged = || String::from_utf8_lossy(bytes).into_owned();
    let content = if was_text { damaged().into() } else { bytes.to_vec().into() };
    parse(content_type, content_encoding, &content).map(|items| items.len())
}

#[test]
fn small_lists_do_not_unfold_beyond_memory() {
    let items = |n: usize, ones: usize| {
        let list = vec!["1"; ones].join(",");
        let item = format!(r#"{{"kind":"event","app_token":"app","created_at":{NOW},"a":[{list}]}}"#);
        json(&format!("[{}]", vec![item.as_str(); n].join(",")))
    };
    assert_eq!(items(500, 400).unwrap().len(), 500);
    assert_eq!(items(500, 1_000), Err(BatchError::TooManyNames));
    assert_eq!(items(50, 4_000).unwrap().len(), 50);
}

#[test]
fn array_wrapper_and_lines_are_the_same_batch() {
    let array = format!("[{ITEM},{ITEM}]");
    let wrapper = format!("{{\n \"sdk\": 1, \"activities\" : {array}}}");
    let lines = format!("{ITEM}\r\n\n{ITEM}\n");
    let expected = json(&array).unwrap();
    assert_eq!(expected.len(), 2);
    assert_eq!(json(&wrapper).unwrap(), expected);
    for content_type in ["application/x-ndjson; charset=utf-8", "application/octet-stream", ""] {
        for body in [&array, &wrapper, &lines] {
            assert_eq!(text(content_type, body).unwrap(), expected, "{content_type} {body}");
        }
    }
}

#[test]
fn a_broken_document_is_refused_whole_and_a_broken_line_alone() {
    for text in
        ["", "x", "[", "{}", "1", "{\"activities\":1}", "[1]]", ITEM, &format!("{ITEM}\n{ITEM}"), "[{\"a\":1},]"]
    {
        assert!(matches!(json(text), Err(BatchError::Malformed(_))), "{text}");
    }
    let lines = format!("{ITEM}\n{{\"kind\":\n{ITEM}\n7");
    let items = text("application/x-ndjson", &lines).unwrap();
    let reasons: Vec<_> = items.iter().map(|item| item.as_ref().err().map(|discard| discard.reason)).collect();
    assert_eq!(reasons, [None, Some(Reason::Malformed), None, Some(Reason::Malformed)]);
    let broken_off = text("application/octet-stream", "{\"activities\":[{\"kind\":");
    assert!(matches!(broken_off, Err(BatchError::Malformed(_))));
    assert_eq!(json("[]").unwrap().len(), 0);
    assert_eq!(packed("application/x-ndjson", "", b"", true), Ok(0));
    assert!(matches!(packed("application/json", "", b"[\"\xff\"]", false), Err(BatchError::Malformed(_))));
}

#[test]
fn items_are_counted_before_they_are_read() {
    let of = |n: usize| format!("[{}]", vec![ITEM; n].join(","));
    assert_eq!(json(&of(MAX_ITEMS)).unwrap().len(), MAX_ITEMS);
    assert_eq!(json(&of(MAX_ITEMS + 1)), Err(BatchError::TooMany));
    assert_eq!(json(&format!("[{}]", vec!["0"; 2_000_000].join(","))), Err(BatchError::TooMany));
    let lines = vec![ITEM; MAX_ITEMS + 1].join("\n");
    assert_eq!(packed("application/x-ndjson", "", lines.as_bytes(), true), Err(BatchError::TooMany));
}

#[test]
fn compressed_bodies_are_unpacked() {
    let array = format!("[{ITEM},{ITEM}]");
    let zstd = zstd::bulk::compress(array.as_bytes(), 19).unwrap();
    let two_members = [gzip(b"["), gzip(&array.as_bytes()[1..])].concat();
    assert_eq!(packed("application/x-ndjson", "gzip", &gzip(array.as_bytes()), false), Ok(2));
    assert_eq!(packed("application/octet-stream", "GZIP", &two_members, false), Ok(2));
    assert_eq!(packed("application/octet-stream", "zstd", &zstd, false), Ok(2));
    assert_eq!(packed("application/json", "identity", array.as_bytes(), true), Ok(2));
    let brotli = packed("application/x-ndjson", "br", &zstd, false);
    assert_eq!(brotli, Err(BatchError::UnsupportedEncoding("br".to_owned())));
}

#[test]
fn compressed_json_that_came_as_text_is_told_how_to_come() {
    let damaged = String::from_utf8_lossy(&gzip(ITEM.as_bytes())).into_owned();
    let error = packed("application/json", "gzip", damaged.as_bytes(), true).unwrap_err();
    assert!(matches!(error, BatchError::DamagedText(_)));
    assert!(error.to_string().contains("application/x-ndjson"));
    let zstd = packed("application/json", "zstd", damaged.as_bytes(), true);
    assert!(matches!(zstd, Err(BatchError::DamagedText(_))));
    let broken_off = &gzip(ITEM.as_bytes())[..20];
    assert!(matches!(packed("application/octet-stream", "gzip", broken_off, false), Err(BatchError::Malformed(_))));
}

#[test]
fn bombs_do_not_go_off() {
    let zeros = vec![b' '; 64 * 1024 * 1024];
    for (encoding, bomb) in [("gzip", gzip(&zeros)), ("zstd", zstd::bulk::compress(&zeros, 19).unwrap())] {
        assert!(bomb.len() < 128 * 1024);
        assert_eq!(packed("application/octet-stream", encoding, &bomb, false), Err(BatchError::TooLarge), "{encoding}");
    }
    assert_eq!(packed("application/json", "", &zeros, true), Err(BatchError::TooLarge));
    let mut exactly = ITEM.as_bytes().to_vec();
    exactly.resize(MAX_UNPACKED_BYTES, b'\n');
    assert_eq!(packed("application/x-ndjson", "gzip", &gzip(&exactly), false), Ok(1));
    exactly.push(b'\n');
    assert_eq!(packed("application/x-ndjson", "gzip", &gzip(&exactly), false), Err(BatchError::TooLarge));
    let mut wide = zstd::Encoder::new(Vec::new(), 3).unwrap();
    wide.window_log(27).unwrap();
    wide.write_all(ITEM.as_bytes()).unwrap();
    let wide = packed("application/octet-stream", "zstd", &wide.finish().unwrap(), false);
    assert!(matches!(wide, Err(BatchError::Malformed(_))), "{wide:?}");
}

#[test]
fn what_is_packed_in_several_pieces_is_one_body_and_what_hangs_behind_it_is_refused() {
    let (text, half) = (format!("[{ITEM},{ITEM}]"), ITEM.len());
    let zstd = |bytes: &[u8]| zstd::bulk::compress(bytes, 3).unwrap();
    let skippable = [b"\x5b\x2a\x4d\x18\x03\x00\x00\x00abc".as_slice(), &zstd(text.as_bytes())].concat();
    let (head, tail) = text.as_bytes().split_at(half);
    for (encoding, pieces) in [
        ("gzip", [gzip(head), gzip(tail)].concat()),
        ("gzip", [gzip(b""), gzip(head), gzip(b""), gzip(tail)].concat()),
        ("zstd", [zstd(head), zstd(b""), zstd(tail)].concat()),
        ("zstd", skippable),
    ] {
        assert_eq!(packed("application/octet-stream", encoding, &pieces, false), Ok(2), "{encoding}");
    }
    for (encoding, whole) in [("gzip", gzip(text.as_bytes())), ("zstd", zstd(text.as_bytes()))] {
        let mut damaged = whole.clone();
        // In gzip's checksum, in zstd's last block.
        let at = damaged.len() - 6;
        damaged[at] ^= 0xff;
        let broken_off = whole[..whole.len() - 3].to_vec();
        let garbage = [whole.as_slice(), b"garbage"].concat();
        for wrong in [damaged, broken_off, garbage, whole[4..].to_vec(), b"\x1f".to_vec()] {
            let refused = packed("application/octet-stream", encoding, &wrong, false);
            assert!(matches!(&refused, Err(BatchError::Malformed(said)) if said.contains(encoding)), "{refused:?}");
        }
    }
}

#[test]
fn pieces_are_counted_because_an_empty_one_costs_its_time_too() {
    let nothing = b"\x50\x2a\x4d\x18\x00\x00\x00\x00".to_vec();
    for (encoding, empty) in [("gzip", gzip(b"")), ("zstd", zstd::bulk::compress(b"", 3).unwrap()), ("zstd", nothing)] {
        assert_eq!(packed("application/x-ndjson", encoding, &empty.repeat(1_000), false), Ok(0), "{encoding}");
        let refused = packed("application/x-ndjson", encoding, &empty.repeat(1_001), false).unwrap_err();
        assert!(refused.to_string().ends_with("over 1000 members or frames"), "{refused}");
    }
}

#[test]
fn a_body_that_is_said_to_be_packed_and_is_not_is_told_so() {
    for encoding in ["gzip", "zstd"] {
        for plain in ["", " \n", "[]", ITEM, &format!("\n{ITEM}\n{ITEM}")] {
            for was_text in [true, false] {
                let refused = packed("application/json", encoding, plain.as_bytes(), was_text);
                let said = "the body is not compressed, though `Content-Encoding` says ";
                assert_eq!(refused, Err(BatchError::Malformed(format!("{said}{encoding}"))), "{plain}");
            }
        }
    }
}

#[test]
fn an_empty_body_is_no_json_and_an_ndjson_without_lines() {
    for empty in ["", "\n\r\n ", "\u{feff}"] {
        assert_eq!(packed("application/x-ndjson", "", empty.as_bytes(), true), Ok(0), "{empty:?}");
        let refused = packed("application/json", "", empty.as_bytes(), true).unwrap_err();
        assert!(refused.to_string().contains("a single activity is sent as [{…}]"), "{refused}");
    }
    assert_eq!(packed("application/x-ndjson", "gzip", &gzip(b""), false), Ok(0));
    let refused = packed("application/json", "", b"[\"\xff\"]", false).unwrap_err();
    assert_eq!(refused.to_string(), "the body is not UTF-8 from byte 2 on");
}

#[test]
fn zeros_and_depths_are_refused_item_by_item() {
    let zeros = gzip(&vec![0; MAX_UNPACKED_BYTES]);
    assert!(matches!(packed("application/json", "gzip", &zeros, false), Err(BatchError::Malformed(_))));
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let deeper = format!("{}{}", "[".repeat(2_000_000), "]".repeat(2_000_000));
    let odd = "\0".repeat(3_000_000);
    for (item, reason) in [(deep, Reason::Malformed), (deeper.clone(), Reason::TooLarge), (odd, Reason::TooLarge)] {
        let lines = format!("{ITEM}\n{item}\n{ITEM}");
        let items = parse("application/x-ndjson", "gzip", &gzip(lines.as_bytes()).into()).unwrap();
        let reasons: Vec<_> = items.iter().map(|item| item.as_ref().err().map(|discard| discard.reason)).collect();
        assert_eq!(reasons, [None, Some(reason), None]);
    }
    assert_eq!(json(&deeper).unwrap().len(), 1, "an array of one item that is no activity");
    assert!(matches!(json(&"[".repeat(4_000_000)), Err(BatchError::Malformed(_))));
    assert!(matches!(json(&"{\"activities\":".repeat(200_000)), Err(BatchError::Malformed(_))));
}

#[test]
fn what_makes_an_activity_is_said_once() {
    for (members, words) in [
        (r#","kind":"install""#, "kind is sent twice: `event` and `install`"),
        (r#","app_token":"other""#, "app_token is sent twice"),
        (r#","created_at":"2023-11-14T22:13:20Z""#, "created_at is sent twice"),
        (r#","event_id":"a","event_id":"b""#, "event_id is sent twice"),
    ] {
        let refused = one(members).unwrap_err();
        assert_eq!(refused.reason, Reason::Malformed);
        assert!(refused.detail.contains(words), "{}", refused.detail);
    }
    assert_eq!(one(r#","kind":null,"kind":"""#).unwrap().kind, Kind::Event, "what is absent says nothing");
    let twice = one(r#","city":"Seoul","city":"Busan""#).unwrap();
    assert_eq!(twice.fields.text(Field::City), Some("Busan"));
    assert_eq!(twice.extra.get("city").map(AsRef::as_ref), Some("Seoul"), "nothing is lost");
}

#[test]
fn other_content_types_are_refused() {
    for content_type in
        ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    {
        let refused = text(content_type, "[]");
        assert!(matches!(refused, Err(BatchError::UnsupportedType(_))), "{content_type}");
    }
}

#[test]
fn an_item_keeps_every_digit_and_name() {
    let members = r#","event_name":"구매 🎮","revenue":12.990,"currency":"KRW","country":"KR","click_time":"2023-11-14T22:13:20.5Z",
        "installed_at":"yesterday","ids":{"~id":457624031399716729},"tags":["a",true],"none":null,"user_id":9007199254740993"#;
    let activity = one(members).unwrap();
    assert_eq!(activity.provider, Provider::Sdk);
    assert_eq!(activity.created_at, NOW);
    assert_eq!(activity.received_at, NOW);
    assert_eq!(activity.fields.text(Field::EventName), Some("구매 🎮"));
    assert_eq!(activity.fields.text(Field::Revenue), Some("12.990"));
    assert_eq!(activity.fields.text(Field::UserId), Some("9007199254740993"));
    assert_eq!(activity.fields.text(Field::Country), Some("kr"));
    assert_eq!(activity.fields.get(Field::ClickTime), Some(&Value::Time(1_700_000_000_500)));
    let extra: Vec<_> = activity.extra.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(extra, ["ids.~id=457624031399716729", "installed_at=yesterday", "tags.0=a", "tags.1=true"]);
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let cases = [
        (r#"{"app_token":"a","created_at":1}"#, Reason::BadKind, "kind is missing"),
        (r#"{"kind":"session","app_token":"a","created_at":1}"#, Reason::BadKind, "`session`"),
        (r#"{"kind":"event","created_at":1}"#, Reason::BadAppToken, "app_token is missing"),
        (r#"{"kind":"event","app_token":"a b","created_at":1}"#, Reason::BadAppToken, "`a b`"),
        (r#"{"kind":"event","app_token":"a"}"#, Reason::BadTime, "created_at is missing"),
        (r#"{"kind":"event","app_token":"a","created_at":1700000000}"#, Reason::BadTime, "Unix milliseconds"),
        (r#"{"kind":"event","app_token":"a","created_at":1.7e12}"#, Reason::BadTime, "`1.7e12`"),
        (r#"{"kind":"event","app_token":"a","created_at":"2023-11-14 22:13:20"}"#, Reason::BadTime, "RFC 3339"),
        ("\"event\"", Reason::Malformed, "not an object"),
    ];
    for (item, reason, words) in cases {
        let discard = json(&format!("[{item}]")).unwrap().remove(0).unwrap_err();
        assert_eq!(discard.reason, reason, "{item}");
        assert!(discard.detail.contains(words), "{item}: {}", discard.detail);
    }
}

#[test]
fn event_ids_and_sizes_have_limits() {
    let id = |n: usize| one(&format!(r#","event_id":"{}""#, "한".repeat(n))).map_err(|discard| discard.reason).err();
    assert_eq!(id(MAX_EVENT_ID_CHARS), None);
    assert_eq!(id(MAX_EVENT_ID_CHARS + 1), Some(Reason::BadEventId));
    let note = |n: usize| one(&format!(r#","note":"{}""#, "x".repeat(n))).map_err(|discard| discard.reason).err();
    assert_eq!(note(65_000), None);
    assert_eq!(note(66_000), Some(Reason::TooLarge));
}

#[test]
fn an_item_is_measured_before_it_is_read() {
    let blank = " ".repeat(512 * 1024);
    let items = json(&format!("[{ITEM},{{\"a\":{blank}7}},{{{blank}}},{ITEM}]")).unwrap();
    let reasons: Vec<_> = items.iter().map(|item| item.as_ref().err().map(|discard| discard.reason)).collect();
    assert_eq!(reasons, [None, Some(Reason::TooLarge), Some(Reason::TooLarge), None]);
}

#[test]
fn an_event_id_makes_a_resend_the_same_activity() {
    let first = one(r#","event_id":"e1","battery":90"#).unwrap();
    let again = one(r#","battery":89,"event_id":"e1""#).unwrap();
    assert_eq!(first.activity_id, again.activity_id);
    assert_ne!(first.activity_id, one(r#","event_id":"e2","battery":90"#).unwrap().activity_id);
    assert_ne!(one(r#","battery":90"#).unwrap().activity_id, one(r#","battery":89"#).unwrap().activity_id);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), encoding in "(gzip|zstd|)", was_text: bool) {
        for content_type in ["application/json", "application/octet-stream"] {
            black_box(packed(content_type, &encoding, &bytes, was_text).is_ok());
        }
    }

    #[test]
    fn no_damage_to_a_compressed_body_makes_it_panic(at in 0usize..60, byte: u8) {
        for (encoding, mut bytes) in [("gzip", gzip(ITEM.as_bytes())), ("zstd", zstd::bulk::compress(ITEM.as_bytes(), 3).unwrap())] {
            let at = at % bytes.len();
            bytes[at] = byte;
            black_box(packed("application/octet-stream", encoding, &bytes, false).is_ok());
        }
    }

    #[test]
    fn an_array_is_understood_alike_in_one_reading_and_in_two(sent in prop::collection::vec(prop::sample::select(ITEMS.as_slice()), 0..6)) {
        let array = format!("[{}]", sent.join(", "));
        let twice = each(items(&array).unwrap().into_iter().map(flatten), NOW);
        let once = objects(&array).map(|objects| each(objects.into_iter().map(json::flatten_members), NOW));
        prop_assert_eq!(once.is_some(), !sent.iter().any(|item| ODD.contains(item)));
        prop_assert!(once.is_none_or(|once| once == twice));
    }

    #[test]
    fn no_json_makes_it_panic(text in "[\\[\\]{}\",:0-9a-z\\\\u. -]{0,120}") {
        black_box(json(&text).is_ok());
    }
}
