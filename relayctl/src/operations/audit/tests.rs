//! What the verbs leave behind, and how it is listed.

use relay::audit::{Action, Actor, Who};
use relay::control::{Expect, Write};
use relay::owner::Role;
use relay::port::memory::{MemoryControl, Trouble};

use super::super::tests::by;
use super::super::{
    Change, add_app, add_owner, change_owner, new_key, new_signing_secret, remove_app, remove_webhook, revoke_key,
    set_webhook,
};
use super::*;
use crate::cli::SourceOf;
use crate::view::Answer;

const NOW: i64 = 1_794_648_600_000;

fn asked(limit: usize) -> Asked {
    Asked { since: 0, action: None, before: None, limit }
}

async fn record(control: &MemoryControl, owner: &str, at: i64, action: Action) {
    let actor = Actor { who: Who::Key("0123456789ab".to_owned()), at, trace_id: "t".repeat(32) };
    let record = actor.did(action, owner, &format!("e{at}"));
    control.commit(&[record.write().unwrap()]).await.unwrap();
}

fn subjects(records: &Records) -> Vec<&str> {
    records.records.iter().map(|view| view.record.subject.as_str()).collect()
}

#[tokio::test]
async fn every_change_is_recorded_by_whom_with_what() {
    let control = MemoryControl::default();
    add_owner(&control, "demo", 90, &by(NOW)).await.unwrap();
    add_app(&control, "demo", "abc", &by(NOW + 1_000)).await.unwrap();
    remove_app(&control, "demo", "abc", &by(NOW + 2_000)).await.unwrap();
    let key = new_key(&control, "demo", Role::Api, [7; 32], &by(NOW + 3_000)).await.unwrap();
    revoke_key(&control, "demo", &key.record.key_id, &by(NOW + 4_000)).await.unwrap();
    let secret = new_signing_secret(&control, "demo", [8; 32], &by(NOW + 5_000)).await.unwrap();
    let changes = [
        Change::RequireSignature(true),
        Change::RequireSignature(false),
        Change::RevokeSecret(secret.record.secret_id.clone()),
        Change::AddSource(SourceOf::Callbacks, "203.0.113.0/24".parse().unwrap()),
        Change::RemoveSource(SourceOf::Callbacks, "203.0.113.0/24".parse().unwrap()),
        Change::AddDomain("example.com".to_owned()),
        Change::RemoveDomain("example.com".to_owned()),
        Change::AddEvent("abc123".to_owned()),
        Change::RemoveEvent("abc123".to_owned()),
        Change::Retention(7),
    ];
    for (at, change) in (6_000..).step_by(1_000).zip(changes) {
        change_owner(&control, "demo", &change, &by(NOW + at)).await.unwrap();
    }
    let hook = "https://hooks.example.com/5ecret";
    set_webhook(&control, "demo", hook, [9; 32], &by(NOW + 16_000)).await.unwrap();
    remove_webhook(&control, "demo", &by(NOW + 17_000)).await.unwrap();
    let records = audit_owner(&control, "demo", &asked(100)).await.unwrap();
    insta::assert_snapshot!(Answer::Records(records.clone()).text());
    let all = serde_json::to_string(&records).unwrap();
    assert!(!all.contains("5ecret") && !all.contains(&key.key) && !all.contains(&secret.secret), "{all}");
}

#[tokio::test]
async fn there_is_no_change_without_its_record_and_no_record_without_its_change() {
    let control = MemoryControl::default();
    add_owner(&control, "demo", 90, &by(NOW)).await.unwrap();
    let count = || control.all().iter().filter(|item| item.key.pk == "audit#demo").count();
    assert_eq!(count(), 1);
    // Refused, and met by a fault: nothing changed, nothing is recorded.
    change_owner(&control, "demo", &Change::Retention(90), &by(NOW)).await.unwrap_err();
    control.script.add("commit", [Trouble::Refused(relay::fault::FaultKind::Throttled)]);
    change_owner(&control, "demo", &Change::Retention(30), &by(NOW)).await.unwrap_err();
    assert_eq!(count(), 1);
    // The record cannot be written: nor is the change.
    let actor = by(NOW);
    let there = actor.did(Action::RetentionChanged, "demo", "demo").with("before", 90).with("days", 30);
    let there = Write::put(there.key(), &there, Expect::Any).unwrap();
    control.commit(&[there]).await.unwrap();
    change_owner(&control, "demo", &Change::Retention(30), &actor).await.unwrap_err();
    assert_eq!(tenancy::owner(&control, "demo").await.unwrap().unwrap().retention_days, 90);
}

#[tokio::test]
async fn records_come_in_pages_newest_first_of_one_owner_or_of_all() {
    let control = MemoryControl::default();
    for owner in ["acme", "demo"] {
        add_owner(&control, owner, 90, &by(1)).await.unwrap();
    }
    for number in 0..250 {
        let owner = if number % 2 == 0 { "acme" } else { "demo" };
        let action = if number % 10 == 0 { Action::LinkMade } else { Action::ExportCreated };
        record(&control, owner, NOW + number, action).await;
    }
    let (mut seen, mut asking) = (Vec::new(), Asked { since: NOW, ..asked(60) });
    loop {
        let page = audit_all(&control, &asking).await.unwrap();
        seen.extend(page.records.iter().map(|view| view.record.at - NOW));
        match page.next {
            None => break,
            next => asking.before = next,
        }
    }
    assert_eq!(seen, (0..250).rev().collect::<Vec<i64>>());

    let links = Asked { action: Some("link.made".to_owned()), ..asked(2) };
    let page = audit_owner(&control, "acme", &links).await.unwrap();
    assert_eq!(subjects(&page), [format!("e{}", NOW + 240), format!("e{}", NOW + 230)]);
    assert!(page.next.is_some());
    let since = Asked { since: NOW + 248, ..asked(100) };
    assert_eq!(subjects(&audit_all(&control, &since).await.unwrap()).len(), 2);
}

#[tokio::test]
async fn an_unknown_owner_and_an_empty_list_are_said() {
    let control = MemoryControl::default();
    let unknown = audit_owner(&control, "demo", &asked(10)).await.unwrap_err().to_string();
    assert!(unknown.starts_with("owner `demo` does not exist"), "{unknown}");
    let empty = audit_all(&control, &asked(10)).await.unwrap();
    assert_eq!(Answer::Records(empty).text(), "nothing is recorded there\n");
}
