//! App tokens: each is claimed by one owner.

use relay::audit::{Action, Actor};
use relay::control::{CommitError, Expect, Write};
use relay::owner::{App, FormerClaim};
use relay::port::ControlTable;
use relay::tenancy;

use super::owner::show_owner;
use super::{MAX_TRIES, Refusal, known_owner, unexpected};
use crate::view::OwnerView;

/// Claims the token, if nobody has.
pub(crate) async fn add_app(
    control: &impl ControlTable,
    owner: &str,
    app_token: &str,
    actor: &Actor,
) -> Result<OwnerView, Refusal> {
    known_owner(control, owner).await?;
    wait_for_former(control, owner, app_token, actor.at).await?;
    let app = App { app_token: app_token.to_owned(), owner: owner.to_owned(), created_at: actor.at };
    let writes = [
        Write::put(App::key(app_token), &app, Expect::Absent)?,
        Write::put(App::listing_key(owner, app_token), &app, Expect::Any)?,
        actor.did(Action::AppAdded, owner, app_token).write()?,
    ];
    match control.commit(&writes).await {
        Ok(()) => show_owner(control, owner).await,
        Err(CommitError::Conflict(_)) => Err(claimed(control, owner, app_token).await),
        Err(error) => Err(unexpected(error)),
    }
}

/// A token may go from one owner to another when nothing of the first comes in any more.
async fn wait_for_former(control: &impl ControlTable, owner: &str, app_token: &str, now: i64) -> Result<(), Refusal> {
    let former = tenancy::find::<FormerClaim>(control, FormerClaim::key(app_token)).await?;
    match former.filter(|(former, _)| former.owner != owner && now < former.free_from()) {
        None => Ok(()),
        Some((former, _)) => Err(Refusal::other(format!(
            "owner `{}` has given app `{app_token}` up just now and may still get callbacks for it; try again in {} seconds",
            former.owner,
            former.free_from().saturating_sub(now).saturating_add(999) / 1000
        ))),
    }
}

/// Gives the token up, if it is the owner's. Its rows stay; who has the token next does not see them, unless it is this owner again.
pub(crate) async fn remove_app(
    control: &impl ControlTable,
    owner: &str,
    app_token: &str,
    actor: &Actor,
) -> Result<OwnerView, Refusal> {
    known_owner(control, owner).await?;
    for _ in 0..MAX_TRIES {
        let claim = tenancy::find::<App>(control, App::key(app_token)).await?;
        let Some((_, version)) = claim.filter(|(app, _)| app.owner == owner) else {
            return Err(Refusal::other(format!("app `{app_token}` is not registered to owner `{owner}`")));
        };
        let received_since = tenancy::received_since(control, app_token, owner).await?;
        let former = FormerClaim { owner: owner.to_owned(), received_since, released_at: actor.at };
        let tenure = former.tenure(app_token);
        let writes = [
            Write::Delete { key: App::key(app_token), expect: Expect::Version(version) },
            Write::put(FormerClaim::key(app_token), &former, Expect::Any)?,
            Write::put(tenure.key(), &tenure, Expect::Any)?,
            Write::put(tenure.listing_key(), &tenure, Expect::Any)?,
            Write::Delete { key: App::listing_key(owner, app_token), expect: Expect::Any },
            actor.did(Action::AppRemoved, owner, app_token).write()?,
        ];
        match control.commit(&writes).await {
            Ok(()) => return show_owner(control, owner).await,
            Err(CommitError::Conflict(_)) => {}
            Err(error) => return Err(unexpected(error)),
        }
    }
    Err(Refusal::Busy)
}

/// Whose it is then.
async fn claimed(control: &impl ControlTable, owner: &str, app_token: &str) -> Refusal {
    match tenancy::app(control, app_token).await {
        Ok(Some(app)) if app.owner == owner => {
            Refusal::other(format!("app `{app_token}` is registered to owner `{owner}` already"))
        }
        Ok(Some(app)) => Refusal::other(format!(
            "app `{app_token}` belongs to owner `{other}`; an app token has one owner. to move it: `relayctl app remove {other} {app_token}`; the rows it has stay {other}'s",
            other = app.owner
        )),
        Ok(None) => Refusal::Busy,
        Err(fault) => fault.into(),
    }
}
