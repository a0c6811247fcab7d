//! What is due is done, once, whoever dies on the way; and an export that has ended leaves nothing behind.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

mod support;

use std::cell::Cell;
use std::sync::OnceLock;

use export::agenda::{Agenda, CarriedOut};
use export::worker::{Clock, StepStatus, Worker};
use relay::agenda::{AGENDA, Errand, LAST_SWEEP_MS, LEASE_MS, Sweep};
use relay::control::{Expect, Key, Write};
use relay::export::{Export, Status, files_folder, store};
use relay::fault::FaultKind;
use relay::page::Page;
use relay::port::memory::{MemoryFiles, MemoryHooks, MemoryPages, MemoryStream, Trouble};
use relay::port::{ExportFiles, NoAnswer};
use relay::webhook::{DeliveryStatus, Webhook};
use serde_json::json;
use support::{NOW, Shared, commit, event, load, pages_of, run, running, store_pages};

type Doubles = Worker<Shared, MemoryPages, MemoryFiles, MemoryStream>;

/// 14 MiB of rows: a part or two, and a tail.
fn medium() -> &'static [Page] {
    static PAGES: OnceLock<Vec<Page>> = OnceLock::new();
    PAGES.get_or_init(|| pages_of(&(0..3_500).map(|n| event(n, 4000)).collect::<Vec<_>>(), 500, 1))
}

fn worker() -> Doubles {
    let pages = MemoryPages::default();
    store_pages(&pages, medium());
    Worker { control: Shared::default(), pages, files: MemoryFiles::default(), backlog: MemoryStream::new(1) }
}

/// A clock on which every look costs a millisecond, with so many looks before the deadline's margin.
fn looks(count: i64) -> Clock<impl Fn() -> i64> {
    let time = Cell::new(NOW + 1000);
    let now = move || {
        time.set(time.get() + 1);
        time.get()
    };
    Clock::new(now, NOW + 1000 + count * 4 / 3 + 1)
}

fn agenda<'a>(worker: &'a Doubles, hooks: &'a MemoryHooks) -> Agenda<'a, Shared, MemoryFiles, MemoryHooks> {
    Agenda { control: &worker.control, files: &worker.files, hooks }
}

fn tick(worker: &Doubles, now: i64) -> CarriedOut {
    run(agenda(worker, &MemoryHooks::default()).run(|| now))
}

fn entries(control: &Shared) -> usize {
    control.0.all().iter().filter(|item| item.key.pk == AGENDA).count()
}

fn cancel(worker: &Doubles, export: &Export) {
    let change = |export: &mut Export| {
        export.finish(Status::Cancelled, NOW);
        true
    };
    run(store::end(&worker.control, &export.owner, &export.export_id, change)).unwrap();
}

fn fail(worker: &Doubles, export: &Export) {
    run(worker.fail("demo", &export.export_id, "Export.Unavailable", NOW)).unwrap();
}

/// The ticks from an export's end on, one a lease.
fn ticks(worker: &Doubles) {
    for lease in 0..12 {
        tick(worker, NOW + 2_000 + lease * LEASE_MS);
    }
}

fn assert_nothing_is_left(worker: &Doubles, of: &str) {
    assert_eq!(worker.files.open_uploads(), 0, "an upload is open: {of}");
    assert_eq!(worker.files.tails().len(), 0, "a tail is kept: {of}");
    assert_eq!(entries(&worker.control), 0, "something is due for ever: {of}");
}

#[test]
fn an_export_that_ends_in_mid_flight_leaves_no_upload_and_no_tail() {
    for end in [cancel, fail] {
        let worker = worker();
        let export = running(&worker.control, &json!({}));
        assert_eq!(run(worker.step("demo", &export.export_id, &looks(16))), Ok(StepStatus::Running));
        assert_eq!(run(worker.step("demo", &export.export_id, &looks(4))), Ok(StepStatus::Running));
        assert!(worker.files.open_uploads() == 1 && !worker.files.tails().is_empty());
        end(&worker, &export);
        assert_eq!(tick(&worker, NOW), CarriedOut { carried_out: 2, uploads_aborted: 1, ..CarriedOut::default() });
        assert!(worker.files.open_uploads() == 0 && worker.files.tails().is_empty());
    }
}

#[test]
fn the_files_of_an_export_that_came_to_no_good_end_are_taken_away() {
    for (end, kept) in [(cancel as fn(&Doubles, &Export), 0), (fail, 0), (|_, _| {}, 2)] {
        let worker = worker();
        let export = running(&worker.control, &json!({"kind": ["event", "install"]}));
        worker.files.script.add("complete", [Trouble::None, Trouble::Refused(FaultKind::Unavailable)]);
        let step = || run(worker.step("demo", &export.export_id, &looks(5000)));
        let stopped = std::iter::repeat_with(step).find(|status| *status != Ok(StepStatus::Running)).unwrap();
        assert!(stopped.is_err() && worker.files.objects().len() == 1, "one file, and no manifest yet");
        end(&worker, &export);
        if kept > 0 {
            assert_eq!(step(), Ok(StepStatus::Done));
        }
        ticks(&worker);
        assert_eq!(worker.files.objects().len(), kept);
    }
}

/// Wherever a step dies: after any call of it, carried out or not.
#[test]
fn a_step_that_died_anywhere_leaves_nothing_once_its_export_has_ended() {
    let troubles = [Trouble::Refused(FaultKind::Unavailable), Trouble::AnswerLost];
    let mut died = 0;
    for (call, passes) in [("commit", 5), ("begin", 1), ("put_part", 1), ("keep", 1), ("complete", 1)]
        .into_iter()
        .flat_map(|(call, n)| (0..n).map(move |passes| (call, passes)))
    {
        for (trouble, end) in troubles.iter().flat_map(|trouble| [(trouble, cancel as fn(&_, &_)), (trouble, fail)]) {
            let worker = worker();
            let export = running(&worker.control, &json!({}));
            let script = if call == "commit" { &worker.control.0.script } else { &worker.files.script };
            script.add(call, std::iter::repeat_n(Trouble::None, passes).chain([trouble.clone()]));
            let mut answer = Ok(StepStatus::Running);
            for count in [4, 16, 1000].into_iter().cycle().take(12) {
                if answer == Ok(StepStatus::Running) {
                    answer = run(worker.step("demo", &export.export_id, &looks(count)));
                }
            }
            script.clear();
            died += usize::from(answer.is_err());
            end(&worker, &export);
            ticks(&worker);
            assert_nothing_is_left(&worker, &format!("{call} {passes} {trouble:?}"));
        }
    }
    assert!(died > 20, "{died} steps died");
}

#[test]
fn an_upload_begun_after_the_first_sweep_is_gone_after_the_last() {
    let worker = worker();
    let export = running(&worker.control, &json!({}));
    cancel(&worker, &export);
    assert_eq!(tick(&worker, NOW).carried_out, 2);
    // A step that was overtaken and does not know it yet.
    run(worker.files.begin(&export.object_key(), &[])).unwrap();
    assert_eq!(tick(&worker, NOW + LAST_SWEEP_MS - 1), CarriedOut::default());
    let last = CarriedOut { carried_out: 1, uploads_aborted: 1, ..CarriedOut::default() };
    assert_eq!(tick(&worker, NOW + LAST_SWEEP_MS), last);
    assert_nothing_is_left(&worker, "a late worker");
}

#[test]
fn a_finished_file_and_another_exports_upload_stay() {
    let worker = worker();
    let export = running(&worker.control, &json!({}));
    while run(worker.step("demo", &export.export_id, &looks(5000))).unwrap() == StepStatus::Running {}
    let other = format!("{}x/rows.csv", files_folder("demo", &export.export_id).trim_end_matches('/'));
    run(worker.files.begin(&other, &[])).unwrap();
    assert_eq!(entries(&worker.control), 2, "written with the end");
    ticks(&worker);
    assert_eq!((worker.files.objects().len(), worker.files.open_uploads()), (1, 1));
    assert_eq!(load(&worker.control, &export).status, Status::Done);
}

fn due(worker: &Doubles, count: i64) {
    for n in 0..count {
        let sweep = Sweep { owner: "demo".into(), export_id: format!("{n:032x}"), last_at: NOW };
        commit(&worker.control, &[Errand::Sweep(sweep).put(NOW - count + n).unwrap()]);
    }
}

#[test]
fn what_cannot_be_read_or_carried_out_stops_nothing_else_and_comes_again() {
    let worker = worker();
    for sk in ["!", "0000000000001#dance#x"] {
        let strange = Write::put(Key::new(AGENDA, sk), &json!({"what": "dance"}), Expect::Absent).unwrap();
        commit(&worker.control, &[strange]);
    }
    due(&worker, 3);
    worker.files.script.refuse("uploads", 1, FaultKind::Throttled);
    let done = tick(&worker, NOW);
    assert_eq!((done.carried_out, done.faults.len()), (2, 3), "{:?}", done.faults);
    assert_eq!(tick(&worker, NOW + LEASE_MS - 1).faults.len(), 1, "the entry whose key tells no time");
    let done = tick(&worker, NOW + LEASE_MS);
    assert_eq!((done.carried_out, done.faults.len()), (1, 2));
}

#[test]
fn a_table_that_is_down_is_one_fault() {
    let worker = worker();
    due(&worker, 3);
    worker.control.0.script.refuse("query", 1, FaultKind::Unavailable);
    assert_eq!(tick(&worker, NOW).faults.len(), 1);
    assert_eq!(tick(&worker, NOW).carried_out, 3);
}

#[test]
fn a_tick_takes_no_more_than_it_has_time_for() {
    let worker = worker();
    due(&worker, 50);
    let time = Cell::new(NOW);
    let slow = || {
        time.set(time.get() + 1_000);
        time.get()
    };
    let first = run(agenda(&worker, &MemoryHooks::default()).run(slow));
    assert!((15..=25).contains(&first.carried_out), "{first:?}");
    assert_eq!(tick(&worker, NOW).carried_out, 50 - first.carried_out);
}

#[test]
fn several_dispatchers_at_once_do_each_thing_once() {
    let worker = worker();
    due(&worker, 40);
    let hooks = MemoryHooks::default();
    let agenda = agenda(&worker, &hooks);
    let (one, two) = run(async { tokio::join!(agenda.run(|| NOW), agenda.run(|| NOW)) });
    assert!(one.carried_out > 0 && two.carried_out > 0, "both were at it");
    assert_eq!((one.carried_out + two.carried_out, one.faults, two.faults), (40, vec![], vec![]));
    assert_eq!(entries(&worker.control), 0);
}

/// A worker with an export that has failed, and the webhook of its owner.
fn told_of(webhook: bool) -> (Doubles, Export) {
    let worker = worker();
    let export = running(&worker.control, &json!({}));
    if webhook {
        let secret = relay::webhook::new_secret([7; 32]);
        let webhook = Webhook { url: "https://hooks.example/relay".into(), secret, created_at: 0 };
        support::put(&worker.control, Webhook::key("demo"), &webhook);
    }
    fail(&worker, &export);
    (worker, export)
}

#[test]
fn a_webhook_is_told_once_signed_with_the_export_as_the_api_shows_it() {
    let (worker, export) = told_of(true);
    let hooks = MemoryHooks::default();
    let done = run(agenda(&worker, &hooks).run(|| NOW));
    assert_eq!((done.webhooks_delivered, done.faults), (1, vec![]));
    let delivered = hooks.delivered();
    let [delivered] = delivered.as_slice() else { panic!("{delivered:?}") };
    assert_eq!(delivered.url, "https://hooks.example/relay");
    assert_eq!(delivered.header("webhook-id"), format!("{}.failed", export.export_id));
    assert_eq!(delivered.header("webhook-timestamp"), (NOW / 1000).to_string());
    let found = run(relay::tenancy::find::<Webhook>(&worker.control, Webhook::key("demo"))).unwrap();
    let signed = found.unwrap().0.headers(delivered.header("webhook-id"), &delivered.body, NOW);
    assert_eq!(delivered.header("webhook-signature"), signed[2].1);
    let body: serde_json::Value = serde_json::from_slice(&delivered.body).unwrap();
    assert_eq!((&body["type"], &body["timestamp"]), (&json!("export.failed"), &json!("2026-11-14T09:30:00Z")));
    assert_eq!((&body["data"]["export_id"], &body["data"]["status"]), (&json!(export.export_id), &json!("failed")));
    assert_eq!(body["data"]["error"]["code"], "unavailable");
    assert!(body["data"].get("webhook").is_none());
    let delivery = load(&worker.control, &export).webhook.unwrap();
    assert_eq!((delivery.status, delivery.attempts, delivery.last), (DeliveryStatus::Delivered, 1, "HTTP 200".into()));
    run(agenda(&worker, &hooks).run(|| NOW + LAST_SWEEP_MS));
    assert_eq!((hooks.delivered().len(), entries(&worker.control)), (1, 0));
}

#[test]
fn a_webhook_that_fails_is_told_again_under_the_same_id_until_it_answers() {
    let (worker, export) = told_of(true);
    let hooks = MemoryHooks::default();
    hooks.answer([Ok(500), Err(NoAnswer("no answer within 5 s".into())), Ok(301), Ok(204)]);
    let state = || load(&worker.control, &export).webhook.unwrap();
    for (minute, last) in [(0, "HTTP 500"), (1, "no answer within 5 s"), (3, "HTTP 301")] {
        assert_eq!(run(agenda(&worker, &hooks).run(|| NOW + minute * 60_000 - 1)).webhooks_delivered, 0);
        run(agenda(&worker, &hooks).run(|| NOW + minute * 60_000));
        assert_eq!((state().status, state().last.as_str()), (DeliveryStatus::Pending, last));
    }
    assert_eq!(run(agenda(&worker, &hooks).run(|| NOW + 7 * 60_000)).webhooks_delivered, 1);
    assert_eq!((state().status, state().attempts), (DeliveryStatus::Delivered, 4));
    let ids: std::collections::BTreeSet<String> =
        hooks.delivered().iter().map(|one| one.header("webhook-id").to_owned()).collect();
    assert_eq!((hooks.delivered().len(), ids.len()), (4, 1));
}

#[test]
fn a_webhook_that_never_answers_is_given_up_after_a_day() {
    let (worker, export) = told_of(true);
    let hooks = MemoryHooks::default();
    hooks.answer(vec![Ok(503); 100]);
    let failed: usize =
        (0..26 * 60).map(|minute| run(agenda(&worker, &hooks).run(|| NOW + minute * 60_000)).webhooks_failed).sum();
    let delivery = load(&worker.control, &export).webhook.unwrap();
    assert_eq!((failed, delivery.status, hooks.delivered().len()), (1, DeliveryStatus::Failed, 13));
    assert_eq!(entries(&worker.control), 0);
}

#[test]
fn an_owner_without_a_webhook_is_told_nothing() {
    let (worker, export) = told_of(false);
    let hooks = MemoryHooks::default();
    assert_eq!(run(agenda(&worker, &hooks).run(|| NOW)).carried_out, 2);
    assert_eq!((hooks.delivered(), load(&worker.control, &export).webhook), (vec![], None));
}

#[test]
fn two_ticks_at_once_tell_a_webhook_once_and_a_lost_record_tells_it_again() {
    let (worker, _) = told_of(true);
    let hooks = MemoryHooks::default();
    let agenda = agenda(&worker, &hooks);
    let (one, two) = run(async { tokio::join!(agenda.run(|| NOW), agenda.run(|| NOW)) });
    assert_eq!((one.webhooks_delivered + two.webhooks_delivered, hooks.delivered().len()), (1, 1));

    let (worker, _) = told_of(true);
    let hooks = MemoryHooks::default();
    // The takes of both entries go through; then the table is away.
    let away = std::iter::repeat_n(Trouble::Refused(FaultKind::Unavailable), 2);
    worker.control.0.script.add("commit", std::iter::repeat_n(Trouble::None, 2).chain(away));
    assert_eq!(run(self::agenda(&worker, &hooks).run(|| NOW)).faults.len(), 2);
    assert_eq!(hooks.delivered().len(), 1);
    assert_eq!(run(self::agenda(&worker, &hooks).run(|| NOW + LEASE_MS)).webhooks_delivered, 1);
    let delivered = hooks.delivered();
    assert_eq!(delivered[0].header("webhook-id"), delivered[1].header("webhook-id"));
    assert_eq!(delivered[0].body, delivered[1].body, "the receiver can tell that it is the same");
}
