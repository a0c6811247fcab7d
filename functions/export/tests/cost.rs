//! What `GET /v1/activities/summary` costs over an app that sends without end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use export::api::{Api, Call};
use relay::activity::{Activity, Kind};
use relay::fault::Fault;
use relay::page::{Page, PageDay, StoredPage, minute_label, raise_shards};
use relay::port::{PageListing, PageStore, PutPageError, SortRange};
use serde_json::{Value, json};
use support::api::{World, to};
use support::{API_KEY, DAY, NOW, commit, event, pages_of, run};

/// Every minute and shard of every day holds three pages of 250 KiB.
#[derive(Default)]
struct Endless {
    body: bytes::Bytes,
    questions: AtomicU64,
    bytes: AtomicU64,
    days: Mutex<BTreeSet<(Kind, i64)>>,
}

impl PageStore for Endless {
    async fn put(&self, pages: &[Page]) -> Vec<Result<(), PutPageError>> {
        pages.iter().map(|_| Ok(())).collect()
    }

    async fn list(&self, day: &PageDay, range: SortRange<'_>, limit: Option<usize>) -> Result<PageListing, Fault> {
        self.questions.fetch_add(1, Relaxed);
        self.days.lock().unwrap().insert((day.kind, day.day));
        let key = |minute: &str, digest: &str| format!("{minute}#{digest}{:030}", day.shard);
        let of_minute = |minute: String| ["15", "77", "e3"].map(|digest| key(&minute, digest));
        let keys = (0..1440).map(minute_label).flat_map(of_minute);
        let after = range.after.unwrap_or_default();
        let mut keys = keys.filter(|key| key.as_str() >= range.from && key.as_str() < range.to && key.as_str() > after);
        let most = limit.unwrap_or(usize::MAX).min(4);
        let page = |sk: String| StoredPage { sk, body: self.body.clone(), n: 8 };
        let pages: Vec<_> = keys.by_ref().take(most).map(page).collect();
        self.bytes.fetch_add(pages.iter().map(|page| page.body.len() as u64).sum(), Relaxed);
        let next = keys.next().and_then(|_| pages.last().map(|page| page.sk.clone()));
        Ok(PageListing { pages, next })
    }
}

fn large_page() -> bytes::Bytes {
    let large = |n: u32| {
        let mut noise = vec![0; 31 * 1024];
        blake3::Hasher::new().update(&n.to_le_bytes()).finalize_xof().fill(&mut noise);
        let noise: String = noise.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut event = Activity { created_at: DAY, ..event(n, 0) };
        event.extra.insert("noise".into(), noise.into());
        event
    };
    pages_of(&(0..8).map(large).collect::<Vec<_>>(), 8, 1)[0].body.clone()
}

#[test]
fn it_is_bounded_and_shared_by_all_days_however_much_they_hold() {
    let body = large_page();
    assert!(body.len() > 200 * 1024, "{}", body.len());
    let World { api, .. } = World::new();
    let write = run(raise_shards(&api.control, 16)).unwrap().unwrap();
    commit(&api.control, &[write]);
    let pages = Endless { body, ..Endless::default() };
    let ports = (api.control, pages, api.backlog, api.executions, api.files, api.signer, api.mailer);
    let api = Api::new(ports, api.settings);
    let path = "/v1/activities/summary?app_token=demo-app&start_date=2026-11-01&end_date=2026-11-14";
    let request = to("GET", path, API_KEY);
    let call = Call { request: &request, now: NOW, random: [7; 10], secret: [0; 32], trace_id: "0".repeat(32) };
    let response = run(api.answer(&call));
    let body: Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(response.status, 200, "{body}");
    let (questions, bytes) = (api.pages.questions.load(Relaxed), api.pages.bytes.load(Relaxed));
    assert!(questions <= 6_000, "{questions} questions");
    assert!(bytes <= (64 + 16) * 1024 * 1024, "{bytes} bytes");
    assert_eq!(api.pages.days.lock().unwrap().len(), 42, "every day of each kind was looked at");
    let told = body["kinds"].as_array().unwrap().iter().flat_map(|kind| kind["days"].as_array().unwrap());
    let told: Vec<_> = told.map(|day| (day["rows"].is_null(), day["exact"].clone())).collect();
    assert!(told.iter().all(|(_, exact)| *exact == json!(false)), "{body}");
    let seen = told.iter().filter(|(is_null, _)| !is_null).count();
    assert!(seen > 21, "{seen} days with {questions} questions, {bytes} bytes: {body}");
}
