//! What owners ask beside the key: where requests come from, and that batches are signed.

use std::io::Write as _;

use relay::access::{Access, Network};
use relay::fault::FaultKind;
use relay::port::memory::Trouble;
use relay::signature::{SIGNATURE_HEADER, SigningSecret};

use super::*;

const CALLBACK: &str = "/v1/callbacks/adjust";
const BATCH: &str = "/v1/activities";
const INSTALL: &str = "key=relay_ingest_1&activity_kind=install&app_token=app&created_at=1699999999&adid=a";
const ITEMS: &[u8] = br#"[{"kind":"install","app_token":"app","created_at":1699999999000}]"#;

impl Door {
    /// A door whose owner `demo` asks for this.
    async fn asking(access: Access) -> Self {
        let door = Self::open().await;
        let (mut profile, _) =
            relay::tenancy::find::<Owner>(door.control(), Owner::key("demo")).await.unwrap().unwrap();
        profile.access = access;
        door.put(Owner::key("demo"), &profile).await;
        door
    }
}

fn networks(texts: &[&str]) -> std::collections::BTreeSet<Network> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn callback_from(address: &str) -> Request {
    Request { source_ip: address.to_owned(), ..request("GET", CALLBACK, INSTALL) }
}

fn batch_from(address: &str) -> Request {
    let request = with_body(request("POST", BATCH, "key=relay_ingest_1"), "application/json", ITEMS);
    Request { source_ip: address.to_owned(), ..request }
}

fn signed(mut request: Request, secret: &str, at: i64) -> Request {
    let header = SigningSecret::of(secret, 0).sign(&request.body, at);
    request.headers.push((SIGNATURE_HEADER.to_owned(), header));
    request
}

fn secrets(texts: &[&str], signature_required: bool) -> Access {
    let signing_secrets = texts.iter().map(|text| SigningSecret::of(text, 0)).collect();
    Access { signing_secrets, signature_required, ..Access::default() }
}

#[tokio::test]
async fn callbacks_come_from_the_networks_that_the_owner_names() {
    let sources = networks(&["203.0.113.0/24", "2001:db8::/32"]);
    let door = Door::asking(Access { callback_sources: sources, ..Access::default() }).await;
    for address in ["203.0.113.0", "203.0.113.255", "2001:db8::7", "::ffff:203.0.113.7"] {
        assert_eq!(door.answer(&callback_from(address)).await.status, 200, "{address}");
    }
    for address in ["203.0.114.0", "2001:db9::7", "", "somewhere"] {
        let refused = door.answer(&callback_from(address)).await;
        let detail = assert_problem(&refused, 403, "source-not-allowed");
        assert!(detail.contains(address), "{detail}");
    }
    assert_eq!(door.frames().len(), 4, "nothing of the others is stored");
    assert_eq!((door.total(Metric::Received), door.total(Metric::Refused)), (4, 4));
    assert_eq!(door.answer(&batch_from("198.51.100.1")).await.status, 200, "batches have a list of their own");
}

#[tokio::test]
async fn batches_have_a_list_of_their_own() {
    let door = Door::asking(Access { activity_sources: networks(&["198.51.100.1"]), ..Access::default() }).await;
    assert_eq!(door.answer(&batch_from("198.51.100.1")).await.status, 200);
    assert_problem(&door.answer(&batch_from("198.51.100.2")).await, 403, "source-not-allowed");
    assert_eq!(door.answer(&callback_from("192.0.2.1")).await.status, 200);
}

#[tokio::test]
async fn a_stranger_is_told_of_the_key_and_not_of_networks() {
    let door = Door::asking(Access { callback_sources: networks(&["203.0.113.7"]), ..Access::default() }).await;
    let unknown = request("GET", CALLBACK, &INSTALL.replace(INGEST_KEY, "nobodys"));
    assert_problem(&door.answer(&unknown).await, 401, "unknown-key");
}

#[tokio::test]
async fn what_an_owner_asks_is_not_guessed_while_its_profile_cannot_be_read() {
    let door = Door::asking(Access { callback_sources: networks(&["203.0.113.7"]), ..Access::default() }).await;
    door.control().script.add("get", [Trouble::None, Trouble::Refused(FaultKind::TimedOut)]);
    assert_problem(&door.answer(&callback_from("198.51.100.1")).await, 503, "unavailable");
}

#[tokio::test]
async fn a_batch_that_must_be_signed_is_taken_signed_and_not_otherwise() {
    let door = Door::asking(secrets(&["old", "new"], true)).await;
    let plain = batch_from("192.0.2.1");
    for secret in ["old", "new"] {
        for at in [NOW - 300_000, NOW, NOW + 300_000] {
            assert_eq!(door.answer(&signed(plain.clone(), secret, at)).await.status, 200, "{secret} {at}");
        }
    }
    let stored = door.frames().len();
    assert_problem(&door.answer(&plain).await, 401, "missing-signature");
    let late = door.answer(&signed(plain.clone(), "new", NOW - 301_000)).await;
    assert!(assert_problem(&late, 401, "bad-signature").contains("301 seconds"));
    assert_problem(&door.answer(&signed(plain.clone(), "revoked", NOW)).await, 401, "bad-signature");
    let mut changed = signed(plain.clone(), "new", NOW);
    let mut body = changed.body.to_vec();
    body[2] = b' ';
    changed.body = body.into();
    assert_problem(&door.answer(&changed).await, 401, "bad-signature");
    let mut unreadable = plain;
    unreadable.headers.push((SIGNATURE_HEADER.to_owned(), "sha256=00".to_owned()));
    assert_problem(&door.answer(&unreadable).await, 401, "bad-signature");
    assert_eq!(door.frames().len(), stored);
    assert_eq!(door.answer(&callback_from("192.0.2.1")).await.status, 200, "providers cannot sign");
}

#[tokio::test]
async fn while_signing_is_tried_out_only_a_wrong_signature_is_refused() {
    let door = Door::asking(secrets(&["new"], false)).await;
    let plain = batch_from("192.0.2.1");
    assert_eq!(door.answer(&plain).await.status, 200);
    assert_eq!(door.answer(&signed(plain.clone(), "new", NOW)).await.status, 200);
    assert_problem(&door.answer(&signed(plain.clone(), "old", NOW)).await, 401, "bad-signature");
    let door = Door::open().await;
    assert_eq!(door.answer(&signed(plain, "old", NOW)).await.status, 200, "without a secret nobody can tell");
}

#[tokio::test]
async fn a_compressed_batch_is_signed_as_it_is_sent() {
    let door = Door::asking(secrets(&["new"], true)).await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(ITEMS).unwrap();
    let mut request = batch_from("192.0.2.1");
    request.headers.retain(|(name, _)| name != "content-type");
    request.headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
    let request = with_body(request, "application/x-ndjson", &encoder.finish().unwrap());
    let response = door.answer(&signed(request, "new", NOW)).await;
    assert_eq!((response.status, json(&response)["accepted"].as_u64()), (200, Some(1)));
}
