use proptest::prelude::*;

use super::*;
use crate::activity::{Activity, Provider, Value};
use crate::agenda::{self, first_to_erase};
use crate::arbitrary;
use crate::fault::FaultKind;
use crate::port::memory::{MemoryControl, Trouble};

const NOW: i64 = 1_700_000_000_000;
const RANDOM: [u8; 32] = [7; 32];

fn id(id_type: IdType, value: &str) -> Id {
    Id::new(id_type, value).unwrap()
}

fn mark(id_type: IdType, value: &str, erased_at: i64) -> Mark {
    Mark { id: id(id_type, value), erased_at }
}

fn origin(by: By, random: [u8; 32]) -> Origin<'static> {
    Origin { by, now: NOW, random, beside: &[] }
}

async fn recorded(control: &MemoryControl, owner: &str, marks: &[Mark], by: By) -> Recorded {
    record(control, owner, marks, &mut Erased::default(), origin(by, RANDOM)).await.unwrap()
}

fn activity(id_type: IdType, value: &str, created_at: i64) -> Activity<'static> {
    let mut activity = arbitrary::one();
    activity.created_at = created_at;
    activity.fields = crate::activity::Fields::default();
    assert!(activity.fields.set(id_type.field(), Value::Text(value.to_owned().into())));
    activity
}

fn covers(erased: &Erased, activity: &Activity<'_>) -> bool {
    let mut datum = Vec::new();
    avro::encode(activity, &mut datum);
    erased.covers(activity.created_at, &datum).unwrap()
}

async fn dues(control: &MemoryControl) -> Vec<String> {
    control.query(&first_to_erase(100)).await.unwrap().items.into_iter().map(|item| item.key.sk).collect()
}

#[tokio::test]
async fn what_happened_up_to_the_moment_is_erased_of_this_id_and_owner_alone() {
    let control = MemoryControl::default();
    recorded(&control, "demo", &[mark(IdType::Idfa, "AB-12", NOW)], By::Operator).await;
    let erased = Erased::load(&control, "demo").await.unwrap();
    assert!(covers(&erased, &activity(IdType::Idfa, "ab-12", NOW)));
    assert!(covers(&erased, &activity(IdType::Idfa, "AB-12", 0)));
    assert!(!covers(&erased, &activity(IdType::Idfa, "ab-12", NOW + 1)), "what happened later");
    assert!(!covers(&erased, &activity(IdType::Idfv, "ab-12", NOW)), "the same text in another field");
    assert!(!covers(&erased, &activity(IdType::Idfa, "ab-13", NOW)), "another id");
    assert_eq!(erased.until(&id(IdType::Idfa, "ab-12")), Some(NOW));
    assert_eq!(Erased::load(&control, "rival").await.unwrap(), Erased::none());

    let stored = format!("{:?}", control.all());
    assert!(!stored.to_lowercase().contains("ab-12"), "the id stands nowhere: {stored}");
    let shown = format!("{erased:?}{:?}", tenancy::find::<Ledger>(&control, Ledger::key("demo")).await.unwrap());
    assert!(!shown.contains("0707"), "nor is the key shown: {shown}");
}

#[tokio::test]
async fn the_same_id_has_another_hash_for_each_owner() {
    let control = MemoryControl::default();
    for (owner, random) in [("demo", [1; 32]), ("rival", [2; 32])] {
        let marks = [mark(IdType::UserId, "kim", NOW)];
        record(&control, owner, &marks, &mut Erased::default(), origin(By::Operator, random)).await.unwrap();
    }
    let hash = async |owner: &str| {
        let found = tenancy::find::<Tombstone>(&control, Tombstone::key(owner, 1)).await;
        found.unwrap().unwrap().0.hash
    };
    assert_ne!(hash("demo").await, hash("rival").await);
}

#[tokio::test]
async fn what_is_covered_needs_no_tombstone_and_a_later_moment_needs_another() {
    let control = MemoryControl::default();
    let marks = |at| [mark(IdType::Adid, "a1", at), mark(IdType::Adid, "A1", at - 5)];
    assert_eq!(recorded(&control, "demo", &marks(NOW), By::Callback).await, Recorded { made: 1, through: 1 });
    assert_eq!(recorded(&control, "demo", &marks(NOW), By::Callback).await, Recorded { made: 0, through: 1 });
    assert_eq!(recorded(&control, "demo", &marks(NOW + 1), By::Callback).await, Recorded { made: 1, through: 2 });
    assert_eq!(recorded(&control, "demo", &marks(NOW - 1), By::Operator).await, Recorded { made: 0, through: 2 });
    let erased = Erased::load(&control, "demo").await.unwrap();
    assert_eq!((erased.latest(), erased.through()), (Some(NOW + 1), 2));
    let gate = tenancy::find::<Gate>(&control, Gate::key()).await.unwrap().unwrap().0;
    assert_eq!(gate, Gate { latest: NOW + 1, from_callbacks: false });
}

#[tokio::test]
async fn tombstones_of_callbacks_wait_a_day_for_one_job_and_an_operators_do_not() {
    let control = MemoryControl::default();
    for n in 0..3 {
        recorded(&control, "demo", &[mark(IdType::UserId, &format!("u{n}"), NOW)], By::Callback).await;
    }
    let tomorrow = format!("{:013}#erase#demo", NOW + 24 * 3600 * 1000);
    assert_eq!(dues(&control).await, std::slice::from_ref(&tomorrow));
    recorded(&control, "demo", &[mark(IdType::UserId, "u3", NOW)], By::Operator).await;
    recorded(&control, "demo", &[mark(IdType::UserId, "u4", NOW)], By::Operator).await;
    assert_eq!(dues(&control).await, [format!("{NOW:013}#erase#demo"), tomorrow]);
    let item = control.query(&first_to_erase(1)).await.unwrap().items.remove(0);
    let (writes, taken) = agenda::take(&item, NOW).unwrap();
    control.commit(&writes).await.unwrap();
    control.commit(&[taken.done()]).await.unwrap();
    assert_eq!(dues(&control).await.len(), 1);
}

#[tokio::test]
async fn many_marks_take_several_commits_and_lost_answers_and_rivals_make_none_twice() {
    let control = MemoryControl::default();
    let marks: Vec<Mark> = (0..200).map(|n| mark(IdType::UserId, &format!("user {n}"), NOW)).collect();
    control.script.add("commit", [Trouble::None, Trouble::AnswerLost]);
    let mut known = Erased::default();
    let lost = record(&control, "demo", &marks, &mut known, origin(By::Operator, RANDOM)).await.unwrap_err();
    assert_eq!(lost.kind, FaultKind::TimedOut);
    // A rival that read before, and then writes: its ledger is an old one.
    let mut old = Erased::default();
    let rival = recorded(&control, "demo", &marks[..100], By::Operator).await;
    let done = record(&control, "demo", &marks, &mut old, origin(By::Operator, [9; 32])).await.unwrap();
    assert_eq!((rival.made + done.made, done.through), (20, 200), "180 were there already");
    let erased = Erased::load(&control, "demo").await.unwrap();
    assert!(marks.iter().all(|mark| erased.until(&mark.id) == Some(NOW)));
    known.catch_up(&control, "demo").await.unwrap();
    old.catch_up(&control, "demo").await.unwrap();
    assert!(known == *erased && old == *erased, "who knew a part reads the rest");
}

#[tokio::test]
async fn callbacks_erase_only_where_the_owner_wants_it() {
    let control = MemoryControl::default();
    let wants = async || {
        let ledger = tenancy::find::<Ledger>(&control, Ledger::key("demo")).await.unwrap();
        let gate = tenancy::find::<Gate>(&control, Gate::key()).await.unwrap();
        (ledger.is_some_and(|(it, _)| it.from_callbacks), gate.is_some_and(|(it, _)| it.from_callbacks))
    };
    take_callbacks(&control, "demo", false, RANDOM, &[]).await.unwrap();
    assert_eq!(wants().await, (false, false));
    recorded(&control, "demo", &[mark(IdType::UserId, "kim", NOW)], By::Operator).await;
    take_callbacks(&control, "demo", true, [9; 32], &[]).await.unwrap();
    assert_eq!(wants().await, (true, true));
    take_callbacks(&control, "demo", false, [9; 32], &[]).await.unwrap();
    assert_eq!(wants().await, (false, true));
    let erased = Erased::load(&control, "demo").await.unwrap();
    assert_eq!(erased.until(&id(IdType::UserId, "kim")), Some(NOW), "the key stays");
    let gate = tenancy::find::<Gate>(&control, Gate::key()).await.unwrap().unwrap().0;
    assert_eq!(gate.latest, NOW);
}

#[test]
fn adjusts_word_names_devices_and_no_user_and_reaches_no_further_than_its_arrival() {
    let mut activity = activity(IdType::Adid, "a1", NOW);
    activity.provider = Provider::Adjust;
    for (id_type, value) in
        [(IdType::Idfa, "00000000-0000-0000-0000-000000000000"), (IdType::Idfv, "AB"), (IdType::UserId, "kim")]
    {
        assert!(activity.fields.set(id_type.field(), Value::Text(value.into())));
    }
    activity.received_at = NOW - 10;
    assert_eq!(forgotten(&activity), [], "it says nothing of the kind");
    activity.extra.insert("activity_kind".into(), "GDPR_forget_device".into());
    let expected = [mark(IdType::Adid, "a1", NOW - 10), mark(IdType::Idfv, "ab", NOW - 10)];
    assert_eq!(forgotten(&activity), expected);
    activity.provider = Provider::Sdk;
    assert_eq!(forgotten(&activity), [], "only Adjust's word is one");
}

#[tokio::test]
async fn asked_for_again_every_page_is_gone_through_anew() {
    let control = MemoryControl::default();
    assert_eq!(again(&control, "demo", NOW, &[]).await, Ok(false));
    recorded(&control, "demo", &[mark(IdType::UserId, "kim", NOW)], By::Callback).await;
    let job = Job { taken_out: 1, swept: 1, ..Job::default() };
    control
        .commit(&[crate::control::Write::put(Job::key("demo"), &job, crate::control::Expect::Absent).unwrap()])
        .await
        .unwrap();
    assert_eq!(again(&control, "demo", NOW, &[]).await, Ok(true));
    let job = tenancy::find::<Job>(&control, Job::key("demo")).await.unwrap().unwrap().0;
    assert!(job.is_due(1, None, NOW));
    assert_eq!(dues(&control).await.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The quick look into a datum sees the same ids as the whole decoding.
    #[test]
    fn an_id_is_found_wherever_it_stands(activity in arbitrary::activity(), chosen in 0usize..7, at in -1i64..=1) {
        let id_type = IdType::ALL[chosen];
        let control = MemoryControl::default();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let value = activity.fields.text(id_type.field()).unwrap_or("f1").to_owned();
        let Ok(id) = Id::new(id_type, &value) else { return Ok(()) };
        let marks = [Mark { id, erased_at: activity.created_at + at }, mark(IdType::UserId, "\u{1}", i64::MAX / 4)];
        let erased = runtime.block_on(async {
            recorded(&control, "demo", &marks, By::Operator).await;
            Erased::load(&control, "demo").await.unwrap()
        });
        let has_it = activity.fields.text(id_type.field()).is_some();
        prop_assert_eq!(covers(&erased, &activity), has_it && at >= 0);
    }
}
