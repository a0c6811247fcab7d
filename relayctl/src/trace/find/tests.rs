use relay::audit::{Actor, Who};
use relay::control::{Expect, Write};
use relay::export::queue::Holder;
use relay::fault::FaultKind;
use relay::port::memory::MemoryControl;

use super::super::export::tests::export as made;
use super::*;

const TRACE: &str = "55a157173e37de2594836012cdcf242e";

fn asked(id: &str, since: i64) -> Asked {
    Asked { id: id.to_owned(), since, now: since + 60_000, activity: None }
}

/// An export of demo's and the record of who made it.
async fn world() -> (MemoryControl, Export) {
    let (control, export) = (MemoryControl::default(), made());
    let actor = Actor { who: Who::Key("0123456789ab".into()), at: export.as_of, trace_id: TRACE.to_owned() };
    let record = actor.did(Action::ExportCreated, "demo", &export.export_id).write().unwrap();
    let put = Write::put(Export::key("demo", &export.export_id), &export, Expect::Absent).unwrap();
    control.commit(&[put, record]).await.unwrap();
    (control, export)
}

async fn find(control: &MemoryControl, asked: &Asked) -> (Option<Export>, Trace) {
    let mut told = Trace::new(&asked.id);
    let found = export(control, &["acme".to_owned(), "demo".to_owned()], asked, &mut told).await;
    (found, told)
}

#[tokio::test]
async fn an_export_is_found_by_its_id_and_by_the_call_that_made_it() {
    let (control, export) = world().await;
    for id in [export.export_id.as_str(), TRACE] {
        let (found, told) = find(&control, &asked(id, export.as_of - 1)).await;
        assert_eq!(found.unwrap().export_id, export.export_id, "{id}");
        assert!(
            told.text().contains("export.created of 01a2260a9a05009f66343b3528a77775 by key 0123456789ab"),
            "{}",
            told.text()
        );
    }
    let (found, told) = find(&control, &asked(&export.export_id, export.as_of + 3_600_000)).await;
    assert!(found.is_some() && told.events.len() == 1, "an export's own records are found whatever `since` says");
    let (found, told) = find(&control, &asked(TRACE, export.as_of + 1)).await;
    assert!(found.is_none() && !told.is_known(), "records are looked through from `since` on");
}

#[tokio::test]
async fn a_place_that_does_not_answer_is_told_and_the_others_are_not_left_out() {
    let (control, export) = world().await;
    control.script.refuse("query", 1, FaultKind::Denied);
    let (found, told) = find(&control, &asked(&export.export_id, 0)).await;
    assert!(found.is_some());
    assert!(told.text().contains("audit") && told.text().contains("not seen: "), "{}", told.text());
}

#[tokio::test]
async fn an_export_waits_in_line_or_has_a_slot_or_neither() {
    let (control, export) = world().await;
    assert_eq!(place(&control, &export.export_id).await, Ok(None));
    let waiting = Waiting::of(&export, 0);
    let write = Write::put(waiting.key(), &waiting, Expect::Absent).unwrap();
    control.commit(&[write]).await.unwrap();
    assert_eq!(place(&control, &export.export_id).await, Ok(Some("waits as number 1 of 1".to_owned())));
    let holder = Holder { owner: "demo".into(), export_id: export.export_id.clone(), claimed_at: export.as_of };
    let write = Write::put(Slot::key(3), &Slot { held: Some(holder) }, Expect::Absent).unwrap();
    control.commit(&[write]).await.unwrap();
    let held = "has slot 3 since 2026-11-29T09:00:00Z".to_owned();
    assert_eq!(place(&control, &export.export_id).await, Ok(Some(held)));
}
