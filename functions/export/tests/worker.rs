//! The worker over the in-memory doubles: the same bytes whatever the steps, crashes and rivals.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

mod support;

use std::cell::Cell;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use export::worker::{Clock, StepError, StepStatus, Worker};
use proptest::prelude::*;
use relay::activity::Value;
use relay::backlog;
use relay::export::{Export, Header, Status, store};
use relay::fault::{Fault, FaultKind};
use relay::field::Field;
use relay::page::{Page, PageDay};
use relay::port::memory::{MemoryFiles, MemoryPages, MemoryStream, Trouble};
use relay::port::{
    ExportFiles, PageListing, PageStore, PutPageError, Record, SortRange, Stream, Tails, Upload, Watermark,
};
use relay::row::ColumnSpec;
use serde_json::json;
use support::steps::{Doubles, endless, looks, step, worker_with};
use support::{DAY, NOW, Shared, commit, event, load, pages_of, put, run, running, store_pages};

fn body(worker: &Doubles<impl PageStore>, export: &Export) -> Vec<u8> {
    worker.files.objects()[&export.object_key()].body.clone()
}

/// 66 MiB of rows.
fn large() -> &'static [Page] {
    static PAGES: OnceLock<Vec<Page>> = OnceLock::new();
    PAGES.get_or_init(|| pages_of(&(0..33_000).map(|n| event(n, 2000)).collect::<Vec<_>>(), 500, 2))
}

/// 14 MiB of rows.
fn medium() -> &'static [Page] {
    static PAGES: OnceLock<Vec<Page>> = OnceLock::new();
    PAGES.get_or_init(|| pages_of(&(0..3_500).map(|n| event(n, 4000)).collect::<Vec<_>>(), 500, 1))
}

fn medium_body() -> &'static [u8] {
    static BODY: OnceLock<Vec<u8>> = OnceLock::new();
    BODY.get_or_init(|| {
        let worker = worker_with(medium());
        let export = running(&worker.control, &json!({}));
        assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Done));
        body(&worker, &export)
    })
}

fn small() -> Vec<Page> {
    pages_of(&(0..20).map(|n| event(n, 64)).collect::<Vec<_>>(), 7, 1)
}

fn raise_shards(worker: &Doubles, shards: u32) {
    let write = run(relay::page::raise_shards(&worker.control, shards)).unwrap().unwrap();
    commit(&worker.control, &[write]);
}

#[test]
fn many_steps_write_the_same_bytes_as_one() {
    let one = worker_with(large());
    raise_shards(&one, 2);
    let export = running(&one.control, &json!({"timezone": "UTC"}));
    assert_eq!(step(&one, &export, &endless()), Ok(StepStatus::Done));
    let expected = body(&one, &export);
    assert!(expected.len() > 60 << 20);
    for count in [24, 70, 200] {
        let many = worker_with(large());
        raise_shards(&many, 2);
        let export = running(&many.control, &json!({"timezone": "UTC"}));
        while step(&many, &export, &looks(count)).unwrap() == StepStatus::Running {}
        let ended = load(&many.control, &export);
        assert_eq!(ended.status, Status::Done);
        assert!(ended.steps >= 2 && (count > 70 || ended.steps >= 3), "{} steps", ended.steps);
        assert!(body(&many, &export) == expected, "other bytes with {count} looks a step");
        assert_eq!(ended.checkpoint.totals, load(&one.control, &export).checkpoint.totals);
        assert_eq!((ended.checkpoint.rows, ended.checkpoint.bytes), (33_000, expected.len() as u64));
        assert_eq!(many.files.open_uploads(), 0);
    }
}

#[test]
fn the_file_holds_every_row_once_in_order_with_its_totals() {
    let worker = worker_with(&small());
    store_pages(&worker.pages, &small());
    store_pages(&worker.pages, &pages_of(&(0..20).map(|n| event(n, 64)).collect::<Vec<_>>(), 20, 1));
    let export = running(&worker.control, &json!({"columns": ["activity_id", "revenue"]}));
    assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Done));
    let row = |n: u32| format!("{},{}.5\n", event(n, 64).activity_id, n);
    let expected = format!("activity_id,revenue\n{}", (0..20).map(row).collect::<String>());
    assert_eq!(String::from_utf8(body(&worker, &export)).unwrap(), expected);
    let ended = load(&worker.control, &export);
    assert_eq!((ended.status, ended.finished_at, ended.complete_until), (Status::Done, Some(NOW + 1000), Some(NOW)));
    assert_eq!((ended.checkpoint.rows, ended.checkpoint.bytes), (20, expected.len() as u64));
    assert_eq!(ended.checkpoint.totals.rows_by_day.values().sum::<u64>(), 20);
    assert_eq!(ended.checkpoint.totals.revenue["KRW"].to_string(), "200.00");
    let metadata = &worker.files.objects()[&export.object_key()].metadata;
    assert_eq!(metadata["trace-id"], export.trace_id);
}

#[test]
fn filters_columns_and_excel_are_as_asked() {
    let worker = worker_with(&small());
    let asked = json!({"filters": {"country": ["KR"]}, "columns": ["country", "created_at"], "excel": true, "timezone": "Asia/Seoul", "end_date": "2026-11-15"});
    let export = running(&worker.control, &asked);
    // 00:00 UTC is 09:00 in Seoul: the same day.
    assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Done));
    let text = String::from_utf8(body(&worker, &export)).unwrap();
    assert!(text.starts_with("\u{feff}country,created_at\nkr,2026-11-14 09:00:00\nkr,2026-11-14 09:00:01\n"), "{text}");
    assert_eq!(text.lines().count(), 11);
}

#[test]
fn no_rows_is_empty_and_leaves_no_file_and_no_upload() {
    for (pages, more) in [(vec![], json!({})), (small(), json!({"filters": {"country": ["fr"]}}))] {
        let worker = worker_with(&pages);
        let export = running(&worker.control, &more);
        assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Empty));
        assert_eq!(load(&worker.control, &export).status, Status::Empty);
        assert_eq!((worker.files.objects().len(), worker.files.open_uploads()), (0, 0));
    }
}

#[test]
fn a_step_waits_for_the_stream_and_then_says_how_complete_it_is() {
    let worker = worker_with(&small());
    let export = running(&worker.control, &json!({}));
    worker.backlog.set_now(NOW - 5_000);
    let record = Record { partition_key: "k".into(), data: Bytes::from_static(b"frame") };
    run(worker.backlog.put(&[record]));
    let at = |now: i64| Clock::new(move || now, NOW + 900_000);
    assert_eq!(step(&worker, &export, &at(NOW + 1_000)), Ok(StepStatus::Waiting));
    assert_eq!(step(&worker, &export, &at(NOW + 59_999)), Ok(StepStatus::Waiting));
    assert_eq!(load(&worker.control, &export).steps, 0);
    assert_eq!(step(&worker, &export, &at(NOW + 60_000)), Ok(StepStatus::Done));
    assert_eq!(load(&worker.control, &export).complete_until, Some(NOW - 7_000));
}

#[test]
fn an_idle_stretch_of_the_stream_is_walked_on_step_by_step() {
    let worker = worker_with(&small());
    let export = running(&worker.control, &json!({}));
    worker.backlog.idle([86_400_000, 3_600_000, 500]);
    assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Waiting));
    assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Waiting));
    // Half a second behind the tip is past the request: it was one second ago, and clocks may differ by two.
    let later = Clock::new(|| NOW + 3_000, NOW + 900_000);
    assert_eq!(step(&worker, &export, &later), Ok(StepStatus::Done));
    assert_eq!(load(&worker.control, &export).complete_until, Some(NOW));
    let began: Vec<usize> = worker.backlog.looks().iter().map(Vec::len).collect();
    assert_eq!(began, [0, 1, 1], "each look goes on where the one before ended");
}

#[test]
fn a_stream_that_cannot_be_asked_fails_no_export() {
    for kind in [FaultKind::Throttled, FaultKind::Unavailable, FaultKind::TimedOut] {
        let worker = worker_with(&small());
        let export = running(&worker.control, &json!({}));
        worker.backlog.script.refuse("look", 2, kind);
        assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Waiting));
        let over = Clock::new(|| NOW + 60_000, NOW + 900_000);
        assert_eq!(step(&worker, &export, &over), Ok(StepStatus::Done));
        assert_eq!(load(&worker.control, &export).complete_until, None);
    }
}

#[test]
fn a_drained_stream_or_one_with_later_records_is_not_waited_for() {
    let worker = worker_with(&small());
    let export = running(&worker.control, &json!({}));
    worker.backlog.set_now(NOW - 5_000);
    let record = || Record { partition_key: "k".into(), data: Bytes::from_static(b"frame") };
    run(worker.backlog.put(&[record()]));
    let sequence_number = worker.backlog.records(0)[0].sequence_number.clone();
    let mark = Watermark { shard_id: MemoryStream::shard_id(0), sequence_number };
    let write = run(backlog::advance(&worker.control, &mark, NOW)).unwrap();
    commit(&worker.control, &[write.expect("a mark that moves forward")]);
    worker.backlog.set_now(NOW + 5_000);
    run(worker.backlog.put(&[record()]));
    assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Done));
    assert_eq!(load(&worker.control, &export).complete_until, Some(NOW));
}

#[test]
fn a_step_for_what_has_ended_does_nothing() {
    for (status, answer) in [
        (Status::Done, StepStatus::Done),
        (Status::Empty, StepStatus::Empty),
        (Status::Cancelled, StepStatus::Cancelled),
        (Status::Failed, StepStatus::Failed),
    ] {
        let worker = worker_with(&small());
        let mut export = running(&worker.control, &json!({}));
        export.status = status;
        put(&worker.control, Export::key("demo", &export.export_id), &export);
        assert_eq!(step(&worker, &export, &endless()), Ok(answer));
        assert_eq!(load(&worker.control, &export), export);
    }
}

/// Pages during whose listing something happens to the export.
struct Meddled<F> {
    pages: MemoryPages,
    meddle: F,
    at: Cell<usize>,
}

// The doubles run on one thread.
struct OneThread<T>(T);

impl<F: Fn() + Send + Sync> PageStore for OneThread<Arc<std::sync::Mutex<Meddled<F>>>> {
    async fn put(&self, _: &[Page]) -> Vec<Result<(), PutPageError>> {
        Vec::new()
    }

    /// Two pages a call, so that there are many.
    async fn list(&self, day: &PageDay, range: SortRange<'_>, _: Option<usize>) -> Result<PageListing, Fault> {
        let meddled = self.0.lock().unwrap();
        meddled.at.set(meddled.at.get().wrapping_sub(1));
        if meddled.at.get() == 0 {
            (meddled.meddle)();
        }
        run(meddled.pages.list(day, range, Some(2)))
    }
}

fn cancel(control: &Shared, export: &Export) {
    let change = |export: &mut Export| {
        export.finish(Status::Cancelled, NOW);
        true
    };
    run(store::amend(control, &export.owner, &export.export_id, change)).unwrap();
}

#[test]
fn an_export_cancelled_under_the_workers_hands_makes_no_file() {
    for at in 1..8 {
        let control = Shared::default();
        let export = running(&control, &json!({}));
        let pages = MemoryPages::default();
        store_pages(&pages, medium());
        let meddle = {
            let (control, export) = (control.clone(), export.clone());
            move || cancel(&control, &export)
        };
        let pages = OneThread(Arc::new(std::sync::Mutex::new(Meddled { pages, meddle, at: Cell::new(at) })));
        let worker = Worker { control, pages, files: MemoryFiles::default(), backlog: MemoryStream::new(1) };
        let clock = endless();
        let answer = run(worker.step("demo", &export.export_id, &clock)).unwrap();
        let ended = load(&worker.control, &export);
        assert_eq!(ended.status, Status::Cancelled, "cancelled at listing {at}");
        assert_eq!(answer, StepStatus::Cancelled);
        assert_eq!((worker.files.objects().len(), worker.files.open_uploads()), (0, 0), "what it had begun it aborted");
    }
}

#[test]
fn steps_that_move_nothing_end_in_no_progress() {
    let worker = worker_with(medium());
    let export = running(&worker.control, &json!({}));
    for _ in 0..3 {
        assert_eq!(step(&worker, &export, &looks(2)), Ok(StepStatus::Running));
    }
    let error = step(&worker, &export, &looks(2)).unwrap_err();
    assert_eq!(error.name(), "Export.NoProgress");
    assert_eq!(worker.files.open_uploads(), 0);
}

#[test]
fn a_step_that_only_skips_rows_moves_on() {
    let worker = worker_with(medium());
    let export = running(&worker.control, &json!({"filters": {"country": ["fr"]}}));
    let mut steps = 0;
    while step(&worker, &export, &looks(3)).unwrap() == StepStatus::Running {
        steps += 1;
    }
    assert!(steps > 3, "{steps} steps");
    assert_eq!(load(&worker.control, &export).status, Status::Empty);
}

#[test]
fn a_lost_answer_of_completion_is_found_out() {
    let worker = worker_with(medium());
    let export = running(&worker.control, &json!({}));
    worker.files.script.add("complete", [Trouble::AnswerLost]);
    assert_eq!(step(&worker, &export, &endless()).unwrap_err().name(), "Export.TimedOut");
    let between = load(&worker.control, &export);
    assert!(between.status == Status::Running && between.checkpoint.finishing);
    assert_eq!(between.checkpoint.bytes, medium_body().len() as u64);
    assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Done));
    assert!(body(&worker, &export) == medium_body());
}

#[test]
fn a_step_with_little_time_left_leaves_making_the_file_to_a_fresh_one() {
    let worker = worker_with(&small());
    let export = running(&worker.control, &json!({}));
    let minutes = || Clock::new(|| NOW + 1000, NOW + 1000 + 4 * 60_000);
    assert_eq!(step(&worker, &export, &minutes()), Ok(StepStatus::Running));
    let between = load(&worker.control, &export);
    assert!(between.checkpoint.finishing && worker.files.objects().is_empty());
    assert_eq!(step(&worker, &export, &minutes()), Ok(StepStatus::Done));
    assert_eq!(load(&worker.control, &export).checkpoint.rows, 20);
}

#[test]
fn the_mails_claim_and_the_workers_last_word_do_not_collide() {
    let worker = worker_with(&small());
    let export = running(&worker.control, &json!({}));
    worker.files.script.add("complete", [Trouble::AnswerLost]);
    assert!(step(&worker, &export, &endless()).is_err());
    let change = |export: &mut Export| {
        export.link_expires_at = Some(7);
        true
    };
    run(store::amend(&worker.control, "demo", &export.export_id, change)).unwrap();
    assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Done));
    assert_eq!(load(&worker.control, &export).link_expires_at, Some(7));
}

/// A worker with this deadline for every look at a clock that goes on by a fifth of a second.
fn three_seconds() -> Clock<impl Fn() -> i64> {
    let time = Cell::new(NOW + 1000);
    let now = move || {
        time.set(time.get() + 200);
        time.get()
    };
    Clock::new(now, NOW + 4200)
}

#[test]
fn a_worker_given_three_seconds_a_step_writes_the_same_bytes() {
    // 256 rows a look at the clock: with rows of 4,000 bytes parts, with filters and small rows never enough for one.
    let few = json!({"filters": {"country": ["kr"]}, "columns": ["activity_id", "country"]});
    for more in [json!({}), few, json!({"columns": ["activity_id"], "excel": true})] {
        let one = worker_with(medium());
        let export = running(&one.control, &more);
        assert_eq!(step(&one, &export, &endless()), Ok(StepStatus::Done));
        let many = worker_with(medium());
        let export = running(&many.control, &more);
        while step(&many, &export, &three_seconds()).unwrap() == StepStatus::Running {}
        let ended = load(&many.control, &export);
        assert!(ended.status == Status::Done && ended.steps >= 3, "{} steps of {more}", ended.steps);
        assert!(body(&many, &export) == body(&one, &export), "other bytes of {more}");
        assert_eq!(ended.checkpoint.totals, load(&one.control, &export).checkpoint.totals);
        assert_eq!(ended.checkpoint.bytes, body(&one, &export).len() as u64);
        assert!(!many.files.tails().is_empty(), "no tail of {more}");
    }
}

#[test]
fn a_few_matches_in_much_data_are_found_however_short_the_steps() {
    let mut activities: Vec<_> = (0..6_000).map(|n| event(n, 64)).collect();
    for n in [10, 3_000, 5_990] {
        assert!(activities[n].fields.set(Field::Country, Value::Text("fr".into())));
    }
    let worker = worker_with(&pages_of(&activities, 500, 1));
    let export = running(&worker.control, &json!({"filters": {"country": ["fr"]}, "columns": ["country", "revenue"]}));
    let mut steps = 0;
    while step(&worker, &export, &looks(3)).unwrap() == StepStatus::Running {
        steps += 1;
    }
    assert!(steps > 6, "{steps} steps");
    assert_eq!(body(&worker, &export), b"country,revenue\nfr,10.5\nfr,0.5\nfr,90.5\n");
    assert_eq!(worker.files.tails().len(), 2, "one a step that found a row, but for the last");
}

#[test]
fn a_tail_that_is_gone_or_another_makes_the_file_start_anew() {
    for is_gone in [true, false] {
        let worker = worker_with(medium());
        let export = running(&worker.control, &json!({}));
        assert_eq!(step(&worker, &export, &looks(6)), Ok(StepStatus::Running));
        let tail = load(&worker.control, &export).checkpoint.tail.unwrap();
        if is_gone {
            worker.files.forget_tails();
        } else {
            run(worker.files.keep(&tail.key, Bytes::from_static(b"cut"))).unwrap();
        }
        while step(&worker, &export, &looks(6)).unwrap() == StepStatus::Running {}
        assert!(body(&worker, &export) == medium_body());
    }
}

fn first_parts(worker: &Doubles, export: &Export) -> Upload {
    assert_eq!(step(worker, export, &looks(16)), Ok(StepStatus::Running));
    load(&worker.control, export).checkpoint.upload.unwrap()
}

#[test]
fn a_part_that_a_rival_wrote_over_makes_the_file_start_anew() {
    let worker = worker_with(medium());
    let export = running(&worker.control, &json!({}));
    let upload = first_parts(&worker, &export);
    run(worker.files.put_part(&upload, 1, Bytes::from(vec![b'x'; 6 << 20]))).unwrap();
    while step(&worker, &export, &looks(16)).unwrap() == StepStatus::Running {}
    assert!(body(&worker, &export) == medium_body());
}

/// A rival that was believed dead writes over a part, with as many bytes, when every part is recorded and the file not yet made.
#[test]
fn a_part_written_over_at_the_last_moment_is_found_out_by_its_content() {
    let worker = worker_with(medium());
    let export = running(&worker.control, &json!({}));
    worker.files.script.refuse("complete", 1, FaultKind::Throttled);
    assert_eq!(step(&worker, &export, &endless()).unwrap_err().name(), "Export.Throttled");
    let checkpoint = load(&worker.control, &export).checkpoint;
    assert!(checkpoint.finishing && checkpoint.parts == 1);
    let upload = checkpoint.upload.unwrap();
    run(worker.files.put_part(&upload, 1, Bytes::from(vec![b'x'; medium_body().len()]))).unwrap();
    assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Done));
    assert!(body(&worker, &export) == medium_body());
    assert_eq!(load(&worker.control, &export).checkpoint.rows, 3_500);
}

#[test]
fn an_upload_that_was_aborted_is_begun_again() {
    let worker = worker_with(medium());
    let export = running(&worker.control, &json!({}));
    first_parts(&worker, &export);
    let abort = |export: &mut Export| {
        export.checkpoint.upload.as_mut().unwrap().upload_id = "aborted".into();
        true
    };
    run(store::amend(&worker.control, "demo", &export.export_id, abort)).unwrap();
    while step(&worker, &export, &looks(16)).unwrap() == StepStatus::Running {}
    assert!(body(&worker, &export) == medium_body());
}

#[test]
fn what_cannot_be_read_fails_the_step_and_is_not_skipped() {
    let mut pages = small();
    pages[0].body = Bytes::from_static(b"no page at all");
    let worker = worker_with(&pages);
    let export = running(&worker.control, &json!({}));
    assert_eq!(step(&worker, &export, &endless()).unwrap_err().name(), "Export.Invalid");
}

#[test]
fn a_deploy_in_mid_export_changes_no_column() {
    let worker = worker_with(&small());
    let mut export = running(&worker.control, &json!({}));
    export.header = Header::Same(["revenue", "kind"].map(|name| ColumnSpec::Name(name.into())).to_vec());
    put(&worker.control, Export::key("demo", &export.export_id), &export);
    assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Done));
    assert!(body(&worker, &export).starts_with(b"revenue,kind\n0.5,event\n1.5,event\n"));
}

#[test]
fn an_export_that_this_release_does_not_understand_fails_and_is_not_guessed_at() {
    type Change = fn(&mut Export);
    let changes: [Change; 3] = [
        |export| export.header = Header::Same(vec![ColumnSpec::Name("coming_soon".into())]),
        |export| export.timezone = "Mars/Olympus".into(),
        |export| export.checkpoint.after = Some((DAY, "no id".into())),
    ];
    for change in changes {
        let worker = worker_with(&small());
        let mut export = running(&worker.control, &json!({}));
        change(&mut export);
        put(&worker.control, Export::key("demo", &export.export_id), &export);
        assert_eq!(step(&worker, &export, &endless()).unwrap_err().name(), "Export.Invalid");
        assert!(worker.files.objects().is_empty());
    }
}

#[test]
fn faults_keep_their_names_for_the_state_machine() {
    for (kind, name) in [
        (FaultKind::Throttled, "Export.Throttled"),
        (FaultKind::Unavailable, "Export.Unavailable"),
        (FaultKind::TimedOut, "Export.TimedOut"),
        (FaultKind::Denied, "Export.Denied"),
    ] {
        let worker = worker_with(&small());
        let export = running(&worker.control, &json!({}));
        worker.pages.script.refuse("list", 1, kind);
        assert_eq!(step(&worker, &export, &endless()).unwrap_err().name(), name);
        assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Done));
    }
    let worker = worker_with(&[]);
    assert_eq!(run(worker.step("demo", &"0".repeat(32), &endless())).unwrap_err().name(), "Export.NotFound");
}

#[test]
fn rows_outside_the_request_are_not_in_the_file() {
    let mut late = event(1, 64);
    late.received_at = NOW + 1;
    let mut early = event(2, 64);
    early.created_at = DAY - 1;
    let mut next = event(3, 64);
    next.created_at = DAY + 86_400_000;
    let worker = worker_with(&pages_of(&[event(0, 64), late, early, next], 4, 1));
    let export = running(&worker.control, &json!({}));
    assert_eq!(step(&worker, &export, &endless()), Ok(StepStatus::Done));
    assert_eq!(load(&worker.control, &export).checkpoint.rows, 1);
}

#[test]
fn giving_up_says_what_happened_and_what_to_do() {
    for (error, code) in [
        ("Export.Throttled", "unavailable"),
        ("Export.Denied", "denied"),
        ("Export.Invalid", "unreadable"),
        ("Export.NoProgress", "no_progress"),
        ("Sandbox.Timedout", "internal"),
    ] {
        let worker = worker_with(&[]);
        let export = running(&worker.control, &json!({}));
        assert_eq!(run(worker.fail("demo", &export.export_id, error, NOW)), Ok(StepStatus::Failed));
        let failed = load(&worker.control, &export);
        assert_eq!((failed.status, failed.finished_at), (Status::Failed, Some(NOW)));
        assert_eq!(failed.error.unwrap().code, code);
    }
}

#[test]
fn giving_up_changes_nothing_that_has_ended_and_sees_a_file_that_is_there() {
    let worker = worker_with(&small());
    let export = running(&worker.control, &json!({}));
    cancel(&worker.control, &export);
    assert_eq!(run(worker.fail("demo", &export.export_id, "Export.Denied", NOW)), Ok(StepStatus::Cancelled));
    let worker = worker_with(&small());
    let export = running(&worker.control, &json!({}));
    worker.files.script.add("complete", [Trouble::AnswerLost]);
    assert!(step(&worker, &export, &endless()).is_err());
    assert_eq!(run(worker.fail("demo", &export.export_id, "Export.TimedOut", NOW)), Ok(StepStatus::Done));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_fails_and_whenever_time_is_up_the_bytes_are_the_same(
        troubles in prop::collection::vec((0usize..6, 0usize..8, any::<bool>()), 0..6),
        looks_a_step in prop::collection::vec(4i64..50, 1..4),
    ) {
        let worker = worker_with(medium());
        let export = running(&worker.control, &json!({}));
        for (call, after, is_carried_out) in troubles {
            let trouble = if is_carried_out { Trouble::AnswerLost } else { Trouble::Refused(FaultKind::Throttled) };
            let script = std::iter::repeat_n(Trouble::None, after).chain([trouble]);
            match ["begin", "put_part", "complete", "commit", "keep", "fetch"][call] {
                "commit" => worker.control.0.script.add("commit", script),
                name => worker.files.script.add(name, script),
            }
        }
        let mut answers = Vec::new();
        for count in looks_a_step.iter().cycle().take(90) {
            answers.push(step(&worker, &export, &looks(*count)));
            if answers.last() == Some(&Ok(StepStatus::Done)) {
                break;
            }
            if let Some(Err(error)) = answers.last() {
                prop_assert!(matches!(error, StepError::Fault(_)), "{}", error);
            }
        }
        prop_assert_eq!(answers.last(), Some(&Ok(StepStatus::Done)));
        prop_assert!(body(&worker, &export) == medium_body());
    }
}
