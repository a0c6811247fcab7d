//! What an entry is today: read with the present code, admitted by the present table as the door would.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use relay::activity::Activity;
use relay::discard::{Discard, Reason};
use relay::fault::Fault;
use relay::frame;
use relay::owner::{App, DEFAULT_RETENTION_DAYS, Owner};
use relay::port::ControlTable;
use relay::quarantine::Entry;
use relay::replay::{self, RefusedPage, Understood};
use relay::tenancy;

use crate::operations::replay::Outcome;

/// What is to be done with an entry.
pub(super) enum Decision {
    /// These frames go into the stream.
    Put(Vec<Bytes>),
    /// Nothing: it is dropped, or still not understood.
    Nothing(Outcome),
}

/// Decides over the entries of one object; what it reads of the table it believes for so long.
pub(super) struct Judge<'a, C> {
    control: &'a C,
    /// The owner whose object it is.
    owner: &'a str,
    apps: BTreeMap<String, Option<App>>,
    owners: BTreeMap<String, Option<Owner>>,
}

impl<'a, C: ControlTable> Judge<'a, C> {
    pub(super) fn new(control: &'a C, owner: &'a str) -> Self {
        Self { control, owner, apps: BTreeMap::new(), owners: BTreeMap::new() }
    }

    pub(super) async fn decide(&mut self, entry: &Entry) -> Result<Decision, Fault> {
        match caught(|| replay::understand(entry)) {
            Err(discard) => Ok(refused(discard)),
            Ok(Understood::Frame(frame)) => Ok(Decision::Put(vec![frame])),
            Ok(Understood::Page(page)) => self.page(&page).await,
            Ok(Understood::Callback { owner, activity }) => {
                let owner = owner.unwrap_or_else(|| self.owner.to_owned());
                self.callback(&owner, &activity).await
            }
        }
    }

    async fn callback(&mut self, owner: &str, activity: &Activity<'_>) -> Result<Decision, Fault> {
        let app = self.app(&activity.app_token).await?;
        let Some(owner) = self.owner(owner).await? else {
            let detail = format!("owner {owner} does not exist");
            return Ok(Decision::Nothing(Outcome::Rejected { reason: "unknown_owner".to_owned(), detail }));
        };
        if let Err(discard) = tenancy::admit(&owner, app.as_ref(), activity) {
            return Ok(refused(discard));
        }
        // The door knows only the present. Here the token may have been somebody else's when the callback came: the row would be nobody's.
        let received_since = tenancy::received_since(self.control, &activity.app_token, &owner.owner).await?;
        if activity.received_at < received_since {
            let detail =
                format!("app token {} was not yet {}'s when the callback came", activity.app_token, owner.owner);
            return Ok(refused(Discard::new(Reason::ForeignApp, detail)));
        }
        let frames = frame::pack(owner.retention_days, std::slice::from_ref(activity));
        Ok(Decision::Put(frames.into_iter().map(|frame| frame.data).collect()))
    }

    /// The page's activities were admitted at the door; only how long they are kept must be found out again.
    async fn page(&mut self, page: &RefusedPage) -> Result<Decision, Fault> {
        let owner = match self.app(&page.app_token).await? {
            Some(app) => self.owner(&app.owner).await?,
            None => None,
        };
        let retention_days = owner.map_or(DEFAULT_RETENTION_DAYS, |owner| owner.retention_days);
        Ok(match page.frames(retention_days) {
            Ok(frames) => Decision::Put(frames),
            Err(error) => refused(Discard::new(Reason::RefusedPage, error.to_string())),
        })
    }

    async fn app(&mut self, app_token: &str) -> Result<Option<App>, Fault> {
        if let Some(known) = self.apps.get(app_token) {
            return Ok(known.clone());
        }
        let found = tenancy::app(self.control, app_token).await?;
        self.apps.insert(app_token.to_owned(), found.clone());
        Ok(found)
    }

    async fn owner(&mut self, name: &str) -> Result<Option<Owner>, Fault> {
        if let Some(known) = self.owners.get(name) {
            return Ok(known.clone());
        }
        let found = tenancy::owner(self.control, name).await?;
        self.owners.insert(name.to_owned(), found.clone());
        Ok(found)
    }
}

fn refused(discard: Discard) -> Decision {
    let Discard { reason, detail } = discard;
    let is_dropped = reason == Reason::NotAllowed;
    let rejected = || Outcome::Rejected { reason: reason.name().to_owned(), detail };
    Decision::Nothing(if is_dropped { Outcome::Dropped } else { rejected() })
}

/// Poison must not take the run with it (panic = "unwind"): it is this entry's refusal.
fn caught(understand: impl FnOnce() -> Result<Understood, Discard>) -> Result<Understood, Discard> {
    catch_unwind(AssertUnwindSafe(understand)).unwrap_or_else(|_| {
        let detail = "reading the entry panicked: a bug of ours; keep the object and report it";
        Err(Discard::new(Reason::Undecodable, detail))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_one_entrys_refusal() {
        assert!(caught(|| panic!("poison")).unwrap_err().detail.contains("panicked"));
    }
}
