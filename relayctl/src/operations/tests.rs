//! The verbs against the double of table `control`.

use std::sync::atomic::{AtomicUsize, Ordering};

use relay::audit::{Actor, Who};
use relay::fault::FaultKind;
use relay::owner::{App, KeyRecord, Role};
use relay::port::ControlTable;
use relay::port::memory::{MemoryControl, Trouble};

use super::*;
use crate::cli::SourceOf;
use crate::view::Answer;

const NOW: i64 = 1_767_225_600_000;

/// An operator in a call of its own.
pub(super) fn by(at: i64) -> Actor {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let trace_id = format!("{:032x}", CALLS.fetch_add(1, Ordering::Relaxed));
    Actor { who: Who::Operator("kim@laptop".to_owned()), at, trace_id }
}

async fn with_owner(name: &str) -> MemoryControl {
    let control = MemoryControl::default();
    add_owner(&control, name, 90, &by(NOW)).await.unwrap();
    control
}

fn text<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
    result.unwrap_err().to_string()
}

#[tokio::test]
async fn an_owner_is_added_once_and_shown_and_listed() {
    let control = with_owner("demo").await;
    assert_eq!(
        text(add_owner(&control, "demo", 30, &by(NOW)).await),
        "owner `demo` exists already; see `relayctl owner show demo`"
    );
    add_owner(&control, "acme", 30, &by(NOW)).await.unwrap();
    assert!(
        text(add_owner(&control, "unknown", 30, &by(NOW)).await).starts_with("an owner cannot be called `unknown`")
    );

    let shown = show_owner(&control, "demo").await.unwrap();
    assert_eq!((shown.owner.as_str(), shown.retention_days, shown.created_at), ("demo", 90, NOW));
    let listed: Vec<String> = list_owners(&control).await.unwrap().into_iter().map(|owner| owner.owner).collect();
    assert_eq!(listed, ["acme", "demo"]);
}

#[tokio::test]
async fn an_unknown_owner_is_answered_with_those_that_exist() {
    let control = MemoryControl::default();
    let none = "owner `x` does not exist (there are none yet); add it with `relayctl owner add x`";
    assert_eq!(text(show_owner(&control, "x").await), none);
    for number in 0..12 {
        add_owner(&control, &format!("o{number:02}"), 90, &by(NOW)).await.unwrap();
    }
    let known = "owner `x` does not exist (there are: o00, o01, o02, o03, o04, o05, o06, o07, o08, o09 and 2 more); \
                 add it with `relayctl owner add x`";
    assert_eq!(text(show_owner(&control, "x").await), known);
    assert_eq!(text(add_app(&control, "x", "abc", &by(NOW)).await), known);
    assert_eq!(text(remove_app(&control, "x", "abc", &by(NOW)).await), known);
    assert_eq!(text(change_owner(&control, "x", &Change::AddDomain("a.b".into()), &by(NOW)).await), known);
    assert_eq!(text(new_key(&control, "x", Role::Api, [0; 32], &by(NOW)).await), known);
    assert_eq!(text(revoke_key(&control, "x", "0123456789ab", &by(NOW)).await), known);
}

#[tokio::test]
async fn an_app_token_has_one_owner() {
    let control = with_owner("demo").await;
    add_owner(&control, "acme", 90, &by(NOW)).await.unwrap();
    assert_eq!(add_app(&control, "demo", "abc", &by(NOW)).await.unwrap().apps, ["abc"]);
    assert_eq!(
        text(add_app(&control, "demo", "abc", &by(NOW)).await),
        "app `abc` is registered to owner `demo` already"
    );
    let foreign = text(add_app(&control, "acme", "abc", &by(NOW)).await);
    assert!(foreign.starts_with("app `abc` belongs to owner `demo`"), "{foreign}");
    assert_eq!(
        text(remove_app(&control, "acme", "abc", &by(NOW)).await),
        "app `abc` is not registered to owner `acme`"
    );

    assert!(remove_app(&control, "demo", "abc", &by(NOW)).await.unwrap().apps.is_empty());
    assert_eq!(tenancy::app(&control, "abc").await, Ok(None));
    let early = text(add_app(&control, "acme", "abc", &by(NOW + 1)).await);
    assert!(early.ends_with("may still get callbacks for it; try again in 10 seconds"), "{early}");
    let later = NOW + 10_000;
    assert_eq!(add_app(&control, "acme", "abc", &by(later)).await.unwrap().apps, ["abc"]);
    let claim = App { app_token: "abc".into(), owner: "acme".into(), created_at: later };
    assert_eq!(tenancy::app(&control, "abc").await, Ok(Some(claim)));
}

#[tokio::test]
async fn a_token_that_moves_takes_no_rows_with_it_and_one_that_comes_back_finds_its_own() {
    const HOUR: i64 = 3_600_000;
    let control = with_owner("demo").await;
    add_owner(&control, "acme", 90, &by(NOW)).await.unwrap();
    let since = async |owner| tenancy::received_since(&control, "abc", owner).await.unwrap();
    add_app(&control, "demo", "abc", &by(NOW)).await.unwrap();
    assert_eq!(since("demo").await, 0);
    // Given up and taken back at once: nothing is hidden.
    remove_app(&control, "demo", "abc", &by(NOW + HOUR)).await.unwrap();
    add_app(&control, "demo", "abc", &by(NOW + HOUR)).await.unwrap();
    assert_eq!(since("demo").await, 0);
    // Moved: what had been received is not the new owner's, nor when it gives the token up and takes it back.
    remove_app(&control, "demo", "abc", &by(NOW + 2 * HOUR)).await.unwrap();
    for taken in [3, 5] {
        add_app(&control, "acme", "abc", &by(NOW + taken * HOUR)).await.unwrap();
        assert_eq!(since("acme").await, NOW + 2 * HOUR + 10_000);
        remove_app(&control, "acme", "abc", &by(NOW + (taken + 1) * HOUR)).await.unwrap();
    }
    // Back with its first owner: what the second received is hidden from it, and with it what lies before.
    add_app(&control, "demo", "abc", &by(NOW + 7 * HOUR)).await.unwrap();
    assert_eq!(since("demo").await, NOW + 6 * HOUR + 10_000);
}

#[tokio::test]
async fn domains_and_events_are_added_and_removed_once() {
    let control = with_owner("demo").await;
    let cases = [
        (
            Change::AddDomain("example.com".into()),
            Change::RemoveDomain("example.com".into()),
            "mail domain `example.com`",
        ),
        (Change::AddEvent("abc123".into()), Change::RemoveEvent("abc123".into()), "event token `abc123`"),
    ];
    for (add, remove, what) in cases {
        let view = change_owner(&control, "demo", &add, &by(NOW)).await.unwrap();
        assert_eq!(view.mail_domains.len() + view.event_tokens.len(), 1);
        let twice = text(change_owner(&control, "demo", &add, &by(NOW)).await);
        assert!(twice.starts_with(what) && twice.contains("already"), "{twice}");
        let view = change_owner(&control, "demo", &remove, &by(NOW)).await.unwrap();
        assert_eq!(view.mail_domains.len() + view.event_tokens.len(), 0);
        let twice = text(change_owner(&control, "demo", &remove, &by(NOW)).await);
        assert!(twice.starts_with(what) && twice.contains("is not"), "{twice}");
    }
}

#[tokio::test]
async fn two_operators_at_once_both_have_their_way() {
    let control = with_owner("demo").await;
    let change = |domain: &str| Change::AddDomain(domain.to_owned());
    // The first reads; before it writes, the second does both.
    let first = Interleaved { control: &control, meanwhile: change("second.example") };
    let view = change_owner(&first, "demo", &change("first.example"), &by(NOW)).await.unwrap();
    assert_eq!(view.mail_domains.into_iter().collect::<Vec<_>>(), ["first.example", "second.example"]);
}

#[tokio::test]
async fn a_key_is_shown_once_stored_as_a_hash_and_revoked() {
    let control = with_owner("demo").await;
    let made = new_key(&control, "demo", Role::Ingest, [7; 32], &by(NOW)).await.unwrap();
    assert!(made.key.starts_with("relay_ingest_0707"));
    assert!(control.all().iter().all(|item| !format!("{item:?}").contains(&made.key)));
    let record = tenancy::key_record(&control, &made.key).await.unwrap();
    assert_eq!(record, Some(KeyRecord::of(&made.key, "demo", Role::Ingest, NOW)));
    let id = made.record.key_id.clone();
    assert_eq!(show_owner(&control, "demo").await.unwrap().keys, [made.record]);

    add_owner(&control, "acme", 90, &by(NOW)).await.unwrap();
    assert!(
        text(revoke_key(&control, "acme", &id, &by(NOW)).await).starts_with(&format!("owner `acme` has no key `{id}`"))
    );
    assert!(revoke_key(&control, "demo", &id, &by(NOW)).await.unwrap().revoked);
    assert_eq!(tenancy::key_record(&control, &made.key).await, Ok(None));
    assert!(show_owner(&control, "demo").await.unwrap().keys.is_empty());
    assert!(text(revoke_key(&control, "demo", &id, &by(NOW)).await).contains("has no key"));
}

#[tokio::test]
async fn a_fault_changes_nothing_and_is_told() {
    let control = with_owner("demo").await;
    let before = control.all();
    control.script.add("commit", [Trouble::Refused(FaultKind::Throttled)]);
    let refusal = add_app(&control, "demo", "abc", &by(NOW)).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Fault(fault) if fault.kind == FaultKind::Throttled));
    assert_eq!(control.all(), before);
}

#[tokio::test]
async fn json_answers_have_the_documented_shape() {
    let control = with_owner("demo").await;
    add_app(&control, "demo", "abc", &by(NOW)).await.unwrap();
    let made = new_key(&control, "demo", Role::Api, [1; 32], &by(NOW)).await.unwrap();
    let (id, secret) = (made.record.key_id.clone(), made.key.clone());
    let source = Change::AddSource(SourceOf::Callbacks, "203.0.113.0/24".parse().unwrap());
    change_owner(&control, "demo", &source, &by(NOW)).await.unwrap();
    let signing = new_signing_secret(&control, "demo", [2; 32], &by(NOW)).await.unwrap();
    let secret_id = signing.record.secret_id.clone();
    let owner = serde_json::json!({
        "owner": "demo", "retention_days": 90, "created_at": NOW, "mail_domains": [], "event_tokens": [],
        "apps": ["abc"], "keys": [{"key_id": id, "role": "api", "created_at": NOW}],
        "callback_sources": ["203.0.113.0/24"], "activity_sources": [], "signature_required": false,
        "signing_secrets": [{"secret_id": secret_id, "created_at": NOW}],
    });
    let json = |answer: Answer| serde_json::from_str::<serde_json::Value>(&answer.json().unwrap()).unwrap();
    assert_eq!(json(Answer::Owner(show_owner(&control, "demo").await.unwrap())), owner);
    assert_eq!(
        json(Answer::Owners { owners: list_owners(&control).await.unwrap() }),
        serde_json::json!({"owners": [owner]})
    );
    let new_key = serde_json::json!({"owner": "demo", "key_id": id, "role": "api", "created_at": NOW, "key": secret});
    assert_eq!(json(Answer::NewKey(made)), new_key);
    let text = Answer::Owner(show_owner(&control, "demo").await.unwrap()).text();
    assert!(text.contains("sources  callbacks 203.0.113.0/24; activities anywhere\nsigning  not required\n"), "{text}");
    assert!(!text.contains(&signing.secret), "shown once");
    let new_secret =
        serde_json::json!({"owner": "demo", "secret_id": secret_id, "created_at": NOW, "secret": signing.secret});
    assert_eq!(json(Answer::NewSecret(signing)), new_secret);
    let revoked = serde_json::json!({"owner": "demo", "key_id": id, "role": "api", "revoked": true});
    assert_eq!(json(Answer::RevokedKey(revoke_key(&control, "demo", &id, &by(NOW)).await.unwrap())), revoked);
}

#[tokio::test]
async fn networks_are_added_and_removed_once_each_for_its_requests() {
    let control = with_owner("demo").await;
    let network = |text: &str| text.parse().unwrap();
    for of in [SourceOf::Callbacks, SourceOf::Activities] {
        let add = Change::AddSource(of, network("2001:db8::/32"));
        change_owner(&control, "demo", &add, &by(NOW)).await.unwrap();
        assert!(text(change_owner(&control, "demo", &add, &by(NOW)).await).contains("already"));
        let other = Change::RemoveSource(of, network("203.0.113.7"));
        assert!(
            text(change_owner(&control, "demo", &other, &by(NOW)).await)
                .contains("`203.0.113.7/32` is not on the list")
        );
        for number in 1..100 {
            let add = Change::AddSource(of, network(&format!("203.0.113.{number}")));
            change_owner(&control, "demo", &add, &by(NOW)).await.unwrap();
        }
        let one_more = Change::AddSource(of, network("198.51.100.1"));
        assert!(text(change_owner(&control, "demo", &one_more, &by(NOW)).await).contains("100 networks"));
        let remove = Change::RemoveSource(of, network("2001:db8::/32"));
        change_owner(&control, "demo", &remove, &by(NOW)).await.unwrap();
        assert!(text(change_owner(&control, "demo", &remove, &by(NOW)).await).contains("is not on the list"));
    }
}

#[tokio::test]
async fn signing_is_required_only_while_there_is_a_secret() {
    let control = with_owner("demo").await;
    let require = |required| Change::RequireSignature(required);
    assert!(text(change_owner(&control, "demo", &require(true), &by(NOW)).await).contains("relayctl signing new demo"));
    assert!(text(change_owner(&control, "demo", &require(false), &by(NOW)).await).contains("need not be signed"));
    let mut ids = Vec::new();
    for random in 0..4 {
        ids.push(new_signing_secret(&control, "demo", [random; 32], &by(NOW)).await.unwrap().record.secret_id);
    }
    assert!(
        text(new_signing_secret(&control, "demo", [9; 32], &by(NOW)).await).contains("relayctl signing revoke demo")
    );
    change_owner(&control, "demo", &require(true), &by(NOW)).await.unwrap();
    assert!(text(change_owner(&control, "demo", &require(true), &by(NOW)).await).contains("must be signed already"));
    for id in &ids[1..] {
        change_owner(&control, "demo", &Change::RevokeSecret(id.clone()), &by(NOW)).await.unwrap();
    }
    assert!(
        text(change_owner(&control, "demo", &Change::RevokeSecret(ids[1].clone()), &by(NOW)).await)
            .contains("has no signing")
    );
    let last = Change::RevokeSecret(ids[0].clone());
    assert!(text(change_owner(&control, "demo", &last, &by(NOW)).await).contains("its last signing secret"));
    change_owner(&control, "demo", &require(false), &by(NOW)).await.unwrap();
    assert!(change_owner(&control, "demo", &last, &by(NOW)).await.unwrap().access.signing_secrets.is_empty());
}

/// The table, on which somebody else makes a change right before the first commit.
struct Interleaved<'a> {
    control: &'a MemoryControl,
    meanwhile: Change,
}

impl ControlTable for Interleaved<'_> {
    async fn get(&self, keys: &[relay::control::Key]) -> Vec<Result<Option<relay::control::Item>, Fault>> {
        self.control.get(keys).await
    }

    async fn query(&self, query: &relay::control::Query) -> Result<relay::control::Listing, Fault> {
        self.control.query(query).await
    }

    async fn commit(&self, writes: &[relay::control::Write]) -> Result<(), CommitError> {
        // Refused where the change is made already: from the second commit on.
        drop(Box::pin(change_owner(self.control, "demo", &self.meanwhile, &by(NOW))).await);
        self.control.commit(writes).await
    }
}

#[tokio::test]
async fn an_address_that_gets_no_mail_is_listed_and_cleared() {
    let control = with_owner("demo").await;
    assert!(list_addresses(&control, "demo").await.unwrap().unreachable.is_empty());
    let mark = relay::address::Unreachable {
        owner: "demo".into(),
        email: "kim@example.com".into(),
        reason: relay::address::Why::Bounced,
        since: NOW,
        detail: "smtp; 550 5.1.1 user unknown".into(),
        export_id: "0".repeat(32),
    };
    control.commit(&[mark.mark().unwrap()]).await.unwrap();
    let listed = Answer::Addresses(list_addresses(&control, "demo").await.unwrap());
    let line =
        format!("kim@example.com  bounced 2026-01-01  export {}  smtp; 550 5.1.1 user unknown\n", "0".repeat(32));
    assert_eq!(listed.text(), line);
    assert!(clear_address(&control, "demo", "Kim@example.com", &by(NOW)).await.unwrap().unreachable.is_empty());
    let again = text(clear_address(&control, "demo", "kim@example.com", &by(NOW)).await);
    assert_eq!(
        again,
        "mails go to `kim@example.com` as it is; `relayctl address list demo` lists the addresses that get none"
    );
}
