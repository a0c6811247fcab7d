//! What the tests of this package share: an owner, its exports, its rows.
#![allow(dead_code, reason = "each test target uses its own share")]

pub(crate) mod api;
pub(crate) mod steps;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::task::Poll;

use futures::FutureExt;
use relay::activity::{Activity, ActivityId, Fields, Kind, Provider, Value};
use relay::control::{CommitError, Expect, Item, Key, Listing, Query, Write};
use relay::export::queue::{Seat, Waiting};
use relay::export::{Asked, Export, ExportRequest, Status, export_id, store};
use relay::fault::Fault;
use relay::field::Field;
use relay::owner::{App, KeyRecord, Owner, Role};
use relay::page::{Datum, Page, paginate};
use relay::port::memory::{MemoryControl, MemoryPages};
use relay::port::{ControlTable, PageStore};

/// 2026-11-14T09:30:00Z.
pub(crate) const NOW: i64 = 1_794_648_600_000;
/// 2026-11-14T00:00:00Z.
pub(crate) const DAY: i64 = NOW - NOW % 86_400_000;
pub(crate) const API_KEY: &str = "relay_api_secret";
pub(crate) const INGEST_KEY: &str = "relay_ingest_secret";

/// Runs a future over doubles, which never wait: time stands still, unless one of them never answers.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    if tokio::runtime::Handle::try_current().is_ok() {
        return future.now_or_never().unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(future)
}

pub(crate) fn commit(control: &impl ControlTable, writes: &[Write]) {
    run(control.commit(writes)).unwrap();
}

pub(crate) fn put<T: serde::Serialize>(control: &impl ControlTable, key: Key, value: &T) {
    commit(control, &[Write::put(key, value, Expect::Any).unwrap()]);
}

pub(crate) fn profile(owner: &str) -> Owner {
    Owner {
        owner: owner.to_owned(),
        mail_domains: ["example.com".to_owned()].into(),
        event_tokens: [].into(),
        retention_days: 90,
        access: relay::access::Access::default(),
        created_at: 0,
    }
}

/// Owner `demo` with app `demo-app` and both keys; owner `rival` with app `rival-app`.
pub(crate) fn register(control: &impl ControlTable) {
    for (owner, app_token) in [("demo", "demo-app"), ("rival", "rival-app")] {
        put(control, Owner::key(owner), &profile(owner));
        let app = App { app_token: app_token.to_owned(), owner: owner.to_owned(), created_at: 0 };
        put(control, App::key(app_token), &app);
        put(control, App::listing_key(owner, app_token), &app);
    }
    for (secret, owner, role) in
        [(API_KEY, "demo", Role::Api), (INGEST_KEY, "demo", Role::Ingest), ("rival_key", "rival", Role::Api)]
    {
        let record = KeyRecord::of(secret, owner, role, 0);
        put(control, KeyRecord::key(&record.sha256), &record);
    }
}

/// The body of a request for all of 2026-11-14, with these members besides.
pub(crate) fn request(more: &serde_json::Value) -> serde_json::Value {
    let mut body = serde_json::json!({
        "app_token": "demo-app", "kind": "event", "start_date": "2026-11-14", "end_date": "2026-11-14", "email": "kim@example.com",
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

/// A new export of `owner`, requested at `now`, the `n`th of that moment.
pub(crate) fn export_of(owner: &str, now: i64, n: u16, more: &serde_json::Value) -> Export {
    let mut random = [0; 10];
    random[8..].copy_from_slice(&n.to_be_bytes());
    let asked = Asked {
        owner: owner.to_owned(),
        retention_days: 90,
        now,
        export_id: export_id(now, random),
        trace_id: format!("{n:032x}"),
    };
    Export::new(ExportRequest::parse(request(more).to_string().as_bytes(), &profile(owner), 14).unwrap(), asked)
}

/// The writes that put an export into the queue.
pub(crate) fn queueing(export: &Export) -> Vec<Write> {
    let seat = u32::from_str_radix(&export.export_id[28..], 16).unwrap();
    let waiting = Waiting::of(export, seat);
    vec![
        Write::put(Export::key(&export.owner, &export.export_id), export, Expect::Absent).unwrap(),
        Write::put(waiting.key(), &waiting, Expect::Absent).unwrap(),
        Write::put(Seat::key(&export.owner, seat), &Seat { export_id: export.export_id.clone() }, Expect::Absent)
            .unwrap(),
    ]
}

/// An export of `demo` that has its slot.
pub(crate) fn running(control: &impl ControlTable, more: &serde_json::Value) -> Export {
    let mut export = export_of("demo", NOW, 1, more);
    export.status = Status::Running;
    export.started_at = Some(NOW);
    put(control, Export::key("demo", &export.export_id), &export);
    export
}

pub(crate) fn load(control: &impl ControlTable, export: &Export) -> Export {
    run(store::load(control, &export.owner, &export.export_id)).unwrap().unwrap().0
}

/// The `n`th event of `demo-app`: a row of about `bytes` bytes, `n` seconds into 2026-11-14.
pub(crate) fn event(n: u32, bytes: usize) -> Activity<'static> {
    let mut fields = Fields::default();
    let country = if n.is_multiple_of(2) { "kr" } else { "jp" };
    for (field, text) in [
        (Field::NetworkName, "Organic, \"search\"".to_owned()),
        (Field::CampaignName, "여름 세일 🎉\n2026".to_owned()),
        (Field::Country, country.to_owned()),
        (Field::Revenue, format!("{}.5", n % 100)),
        (Field::Currency, "KRW".to_owned()),
        (Field::UserAgent, format!("{:032x}", u128::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15)).repeat(bytes / 32)),
    ] {
        assert!(fields.set(field, Value::Text(Cow::Owned(text))));
    }
    Activity {
        activity_id: ActivityId((u128::from(n).wrapping_mul(0x1234_5678_9abc_def1)).to_be_bytes()),
        kind: Kind::Event,
        app_token: "demo-app".into(),
        created_at: DAY + i64::from(n) * 1000 / 2,
        received_at: NOW - 60_000,
        provider: Provider::Sdk,
        fields,
        extra: BTreeMap::new(),
    }
}

/// The pages of these activities as the writer makes them, `batch` activities a write.
pub(crate) fn pages_of(activities: &[Activity<'_>], batch: usize, shards: u32) -> Vec<Page> {
    let mut pages = Vec::new();
    for batch in activities.chunks(batch) {
        let encoded: Vec<_> = batch
            .iter()
            .map(|activity| {
                let mut bytes = Vec::new();
                relay::avro::encode(activity, &mut bytes);
                bytes
            })
            .collect();
        let datums = encoded.iter().map(|bytes| Datum { bytes, retention_days: 90, source: 0 });
        pages.extend(paginate(datums, shards).unwrap().into_iter().map(|sourced| sourced.page));
    }
    pages
}

pub(crate) fn store_pages(store: &MemoryPages, pages: &[Page]) {
    assert!(run(store.put(pages)).iter().all(Result::is_ok));
}

/// Table `control` in several hands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared(pub(crate) Arc<MemoryControl>);

impl ControlTable for Shared {
    async fn get(&self, keys: &[Key]) -> Vec<Result<Option<Item>, Fault>> {
        pause().await;
        self.0.get(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Listing, Fault> {
        pause().await;
        self.0.query(query).await
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), CommitError> {
        pause().await;
        self.0.commit(writes).await
    }
}

/// Gives way once: between any two calls somebody else may come.
pub(crate) async fn pause() {
    let mut has_paused = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut has_paused, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
