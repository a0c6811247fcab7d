use super::*;
use crate::arbitrary;
use crate::frame::Raw;
use crate::page::{Datum, paginate};

const RECEIVED_AT: i64 = 1_700_000_000_000;

fn raw(query: &str) -> Raw {
    Raw {
        owner: "demo".into(),
        provider: "adjust".into(),
        reason: Reason::UnknownApp,
        detail: "not registered".into(),
        received_at: RECEIVED_AT,
        trace_id: "ab".into(),
        method: "GET".into(),
        path: "/v1/callbacks/adjust".into(),
        query: query.into(),
        content_type: String::new(),
        body: Vec::new(),
    }
}

const QUERY: &str = "app_token=abc&activity_kind=install&created_at=1699999999&nonce=n1";

fn of_callback(query: &str) -> Entry {
    let frame = raw(query).encode();
    Entry::of_callback(raw(query), &frame)
}

fn of_stream(reason: Reason, bytes: &[u8]) -> Entry {
    Entry::of_stream(reason, "then".into(), RECEIVED_AT + 5, "49", bytes)
}

#[test]
fn a_callback_is_judged_as_at_its_arrival() {
    let Ok(Understood::Callback { owner, activity }) = understand(&of_callback(QUERY)) else {
        panic!("the callback is understood")
    };
    assert_eq!((owner, activity.received_at, activity.created_at), (None, RECEIVED_AT, 1_699_999_999_000));
    let long_ago = QUERY.replace("1699999999", "1600000000");
    assert_eq!(understand(&of_callback(&long_ago)).unwrap_err().reason, Reason::BadTime);
}

#[test]
fn what_is_still_no_callback_says_why() {
    let mut entry = of_callback("app_token=abc");
    assert_eq!(understand(&entry).unwrap_err().reason, Reason::BadKind);
    entry.source = "nobody".into();
    assert!(understand(&entry).unwrap_err().detail.contains("`nobody` is no provider"));
    (entry.body, entry.body_base64) = (None, Some("*".into()));
    assert!(understand(&entry).unwrap_err().detail.contains("no base64"));
}

#[test]
fn a_frame_that_decodes_now_goes_back_as_it_is() {
    let frame = frame::pack(30, &[arbitrary::one()])[0].data.clone();
    assert_eq!(understand(&of_stream(Reason::Undecodable, &frame)), Ok(Understood::Frame(frame)));
    let nothing = understand(&of_stream(Reason::Undecodable, b"nothing")).unwrap_err();
    assert_eq!((nothing.reason, nothing.detail.contains("shorter than its head")), (Reason::Undecodable, true));
}

#[test]
fn a_raw_frame_that_decodes_now_is_its_owners_callback() {
    let understood = understand(&of_stream(Reason::Undecodable, &raw(QUERY).encode()));
    let Ok(Understood::Callback { owner, activity }) = understood else { panic!("{understood:?}") };
    assert_eq!((owner.as_deref(), activity.received_at), (Some("demo"), RECEIVED_AT));
}

#[test]
fn a_refused_page_comes_back_as_its_activities() {
    let mut datum = Vec::new();
    let activity = arbitrary::one();
    avro::encode(&activity, &mut datum);
    let page = &paginate([Datum { bytes: &datum, retention_days: 30, source: 0 }], 1).unwrap()[0].page;
    let Ok(Understood::Page(page)) = understand(&of_stream(Reason::RefusedPage, &page.body)) else {
        panic!("the page is understood")
    };
    assert_eq!(page.app_token, activity.app_token);
    assert_eq!(page.frames(7), Ok(vec![frame::pack(7, &[activity])[0].data.clone()]));
    assert_eq!(understand(&of_stream(Reason::RefusedPage, b"no page")).unwrap_err().reason, Reason::RefusedPage);
}

#[test]
fn a_marker_knows_what_is_left() {
    let marker = Marker { replayed_at: 1, entries: 3, accepted: BTreeSet::from([0]), dropped: BTreeSet::from([2]) };
    assert_eq!([0, 1, 2].map(|index| marker.is_settled(index)), [true, false, true]);
    assert_eq!((marker.settled(), marker.is_complete()), (2, false));
    let text = serde_json::to_vec(&marker).unwrap();
    assert_eq!(Marker::read(&text), Some(marker));
    assert_eq!(Marker::read(b"{}"), None);
    assert_eq!(marker_key("quarantine/demo/x"), "replayed/quarantine/demo/x");
}
