//! Whether mails go out, and who gets none.

use futures::join;
use relay::{address, tenancy};
use relay_aws::sesv2::{AwsSending, Identity};

use super::super::facts::{Looked, Mail, Marked};
use super::{Looker, within};

/// The most owners whose addresses are looked through.
const MOST_OWNERS: usize = 200;

/// What was marked longer ago is known by now.
const MARKED_WITHIN_MS: i64 = 7 * 24 * 3600 * 1000;

impl Looker<'_> {
    pub(super) async fn mail(&self, from: Option<String>) -> Mail {
        let sending = AwsSending::new(self.aws);
        let domain = from.as_ref().and_then(|from| from.split_once('@')).map(|(_, domain)| domain);
        let (account, address, domain, marked) = join!(
            within("ses:GetAccount", sending.account()),
            within("ses:GetEmailIdentity", identity(&sending, from.as_deref())),
            within("ses:GetEmailIdentity", domain_identity(&sending, domain)),
            within("dynamodb:Query", self.marked()),
        );
        Mail { from, account, address, domain, marked }
    }

    async fn marked(&self) -> Looked<Marked> {
        let owners = tenancy::owner_names(&self.control).await?;
        let mut marked = Marked { by_owner: Vec::new(), is_at_least: owners.len() > MOST_OWNERS };
        for owner in owners.into_iter().take(MOST_OWNERS) {
            let marks = address::all_unreachable(&self.control, &owner).await?;
            let since = self.now.saturating_sub(MARKED_WITHIN_MS);
            let late = marks.iter().filter(|mark| mark.since >= since).count();
            marked.by_owner.extend((late > 0).then_some((owner, late)));
        }
        Ok(marked)
    }
}

/// The domain's own, or that of the nearest domain above it: SES lets a verified domain send for those below it, too.
async fn domain_identity(sending: &AwsSending, domain: Option<&str>) -> Looked<Option<Identity>> {
    let mut known = None;
    let mut name = domain;
    while let Some(asked) = name.filter(|name| name.contains('.')) {
        let found = sending.identity(asked).await?;
        if found.as_ref().is_some_and(|found| found.verified) {
            return Ok(found);
        }
        known = known.or(found);
        name = asked.split_once('.').map(|(_, above)| above);
    }
    Ok(known)
}

async fn identity(sending: &AwsSending, name: Option<&str>) -> Looked<Option<Identity>> {
    match name {
        Some(name) => sending.identity(name).await,
        None => Ok(None),
    }
}
