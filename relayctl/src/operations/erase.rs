//! Erasing: a tombstone at once, its job behind it.

use std::collections::BTreeSet;

use relay::audit::{Action, Actor};
use relay::control::Query;
use relay::erase::{self, By, Erased, Id, Job, Ledger, Mark, Origin, Tombstone, partition};
use relay::port::ControlTable;
use relay::tenancy;

use super::{Refusal, known_owner};
use crate::view::{EraseStatusView, ErasedView, TombstoneView, TombstonesView};

/// How many tombstones a listing asks for at a time.
const LISTING_LIMIT: usize = 1_000;

/// Erases what happened up to now with any of these ids. `random` becomes the key of an owner's first.
pub(crate) async fn erase(
    control: &impl ControlTable,
    owner: &str,
    ids: Vec<Id>,
    random: [u8; 32],
    actor: &Actor,
) -> Result<ErasedView, Refusal> {
    known_owner(control, owner).await?;
    let now = actor.at;
    let types: BTreeSet<&str> = ids.iter().map(|id| id.id_type().name()).collect();
    let types = types.into_iter().collect::<Vec<_>>().join(",");
    let beside = [actor.did(Action::EraseAsked, owner, &types).with("ids", ids.len()).write()?];
    let marks: Vec<Mark> = ids.into_iter().map(|id| Mark { id, erased_at: now }).collect();
    let origin = Origin { by: By::Operator, now, random, beside: &beside };
    let recorded = erase::record(control, owner, &marks, &mut Erased::default(), origin).await?;
    Ok(ErasedView { erased_at: now, made: recorded.made, status: erase_status(control, owner).await? })
}

/// How far the owner's pages have been gone through.
pub(crate) async fn erase_status(control: &impl ControlTable, owner: &str) -> Result<EraseStatusView, Refusal> {
    known_owner(control, owner).await?;
    let ledger = tenancy::find::<Ledger>(control, Ledger::key(owner)).await?;
    let job = tenancy::find::<Job>(control, Job::key(owner)).await?;
    let job = job.map(|(job, _)| job).unwrap_or_default();
    Ok(EraseStatusView::new(owner, ledger.map(|(ledger, _)| ledger), &job))
}

/// Everything that the owner erased, in the order in which it did.
pub(crate) async fn list_erased(control: &impl ControlTable, owner: &str) -> Result<TombstonesView, Refusal> {
    let status = erase_status(control, owner).await?;
    let prefix = Tombstone::PREFIX.to_owned();
    let mut query = Query { pk: partition(owner), prefix, after: None, descending: false, limit: LISTING_LIMIT };
    let mut tombstones = Vec::new();
    loop {
        let listing = control.query(&query).await?;
        for item in &listing.items {
            tombstones.push(TombstoneView::new(item.read()?, &status));
        }
        match listing.next {
            None => return Ok(TombstonesView { owner: owner.to_owned(), tombstones }),
            after => query.after = after,
        }
    }
}

/// Has the owner's pages gone through once more.
pub(crate) async fn erase_again(
    control: &impl ControlTable,
    owner: &str,
    actor: &Actor,
) -> Result<EraseStatusView, Refusal> {
    known_owner(control, owner).await?;
    let beside = [actor.did(Action::EraseRepeated, owner, owner).write()?];
    if !erase::again(control, owner, actor.at, &beside).await? {
        return Err(Refusal::other(format!("owner `{owner}` has erased nothing yet")));
    }
    erase_status(control, owner).await
}

/// Whether callbacks erase for the owner.
pub(crate) async fn erase_by_callbacks(
    control: &impl ControlTable,
    owner: &str,
    is_on: bool,
    random: [u8; 32],
    actor: &Actor,
) -> Result<EraseStatusView, Refusal> {
    known_owner(control, owner).await?;
    let action = if is_on { Action::CallbacksErase } else { Action::CallbacksKeep };
    let beside = [actor.did(action, owner, owner).write()?];
    erase::take_callbacks(control, owner, is_on, random, &beside).await?;
    erase_status(control, owner).await
}

#[cfg(test)]
mod tests {
    use relay::erase::IdType;
    use relay::port::memory::MemoryControl;
    use serde_json::json;

    use super::super::add_owner;
    use super::super::tests::by;
    use super::*;

    fn id(text: &str) -> Id {
        Id::new(IdType::UserId, text).unwrap()
    }

    #[tokio::test]
    async fn what_is_erased_is_listed_without_its_id_and_twice_is_once() {
        let control = MemoryControl::default();
        let unknown = erase(&control, "demo", vec![id("kim")], [7; 32], &by(5)).await.unwrap_err();
        assert!(unknown.to_string().starts_with("owner `demo` does not exist"), "{unknown}");
        add_owner(&control, "demo", 90, &by(1)).await.unwrap();
        let none = erase_again(&control, "demo", &by(5)).await.unwrap_err().to_string();
        assert_eq!(none, "owner `demo` has erased nothing yet");
        assert_eq!(erase_status(&control, "demo").await.unwrap().state, "nothing");

        let erased = erase(&control, "demo", vec![id("kim"), id("lee")], [7; 32], &by(5)).await.unwrap();
        assert_eq!((erased.made, erased.status.tombstones, erased.status.state), (2, 2, "waiting"));
        assert_eq!(erase(&control, "demo", vec![id("kim")], [8; 32], &by(5)).await.unwrap().made, 0);
        assert_eq!(erase(&control, "demo", vec![id("kim")], [8; 32], &by(6)).await.unwrap().made, 1);
        let listed = serde_json::to_value(list_erased(&control, "demo").await.unwrap()).unwrap();
        assert_eq!(listed["tombstones"].as_array().unwrap().len(), 3);
        let one = &listed["tombstones"][2];
        assert_eq!((&one["number"], &one["id_type"], &one["erased_at"]), (&json!(3), &json!("user_id"), &json!(6)));
        assert_eq!((&one["by"], &one["state"]), (&json!("operator"), &json!("waiting")));
        assert!(!listed.to_string().contains("kim"), "{listed}");
        let records: Vec<_> = control.all().into_iter().filter(|item| item.key.pk == "audit#demo").collect();
        let asked = records.iter().filter(|item| item.doc["action"] == "erase.asked").collect::<Vec<_>>();
        assert_eq!(asked.len(), 2, "what made no tombstone left no record");
        assert_eq!((&asked[0].doc["subject"], &asked[0].doc["details"]["ids"]), (&json!("user_id"), &json!("2")));

        let again = erase_again(&control, "demo", &by(9)).await.unwrap();
        assert_eq!((again.state, again.due_at), ("waiting", Some(5)));
        assert!(erase_by_callbacks(&control, "demo", true, [9; 32], &by(10)).await.unwrap().callbacks);
        assert!(!erase_by_callbacks(&control, "demo", false, [9; 32], &by(11)).await.unwrap().callbacks);
    }
}
