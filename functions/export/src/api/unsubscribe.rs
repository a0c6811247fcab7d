//! `/v1/unsubscribe/{token}`: an address leaves a recurring export. Who has the mail has the token; no key is asked for.
//!
//! Mail programs send the `POST` themselves (RFC 8058). Scanners follow links, so a `GET` changes nothing: it shows a page with the button.

use relay::audit::{Action, Who, domain};
use relay::control::{Expect, Write};
use relay::http::Response;
use relay::port::ControlTable;
use relay::schedule::{Schedule, Subscription, is_token, page};
use relay::tenancy;

use super::schedules::{LINKS_KEPT_SECONDS, off_the_agenda, written_by_others};
use super::{Api, Call, Ports, Refusal, problem};
use crate::dispatch::committed;

/// How often to try again when a run, or another address that leaves, writes the schedule at the same time.
const MAX_ATTEMPTS: usize = 8;

/// Nothing but text and one form. In front of it stands CloudFront with the site's own policy, which is the same and more.
const POLICY: &str = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

impl<W: Ports> Api<W> {
    /// The page with the button; where the address has left already, the page that says so.
    pub(super) async fn ask_to_unsubscribe(&self, token: &str) -> Result<Response, Refusal> {
        let (subscription, schedule) = self.subscribed(token).await?;
        let is_in = |schedule: &Schedule| schedule.subscribers.iter().any(|one| one.token == token);
        Ok(match schedule.filter(|(schedule, _)| is_in(schedule)) {
            Some(_) => html(page::question(&subscription)),
            None => html(page::gone(&subscription)),
        })
    }

    /// Takes the address out; doing so again is fine. Body and content type are ignored.
    pub(super) async fn unsubscribe(&self, call: &Call<'_>, token: &str) -> Result<Response, Refusal> {
        for _ in 0..MAX_ATTEMPTS {
            let (subscription, found) = self.subscribed(token).await?;
            let Some((before, version)) = found else { return Ok(html(page::gone(&subscription))) };
            let mut schedule = before.clone();
            if !schedule.unsubscribe(token, call.now) {
                return Ok(html(page::gone(&subscription)));
            }
            let (owner, schedule_id) = (&schedule.owner, &schedule.schedule_id);
            let left = call.actor(Who::Mail).did(Action::ScheduleLeft, owner, schedule_id);
            let left = left.with("domain", domain(&subscription.email));
            let mut writes = vec![
                Write::put(Schedule::key(owner, schedule_id), &schedule, Expect::Version(version))?,
                left.write()?,
            ];
            // Who has left is remembered no longer than the link may be followed once more.
            let forgotten = call.now / 1000 + LINKS_KEPT_SECONDS;
            writes.push(Write::put_until(Subscription::key(token), &subscription, Expect::Any, Some(forgotten))?);
            if schedule.ended_at.is_some() {
                writes.extend(off_the_agenda(&before));
            }
            if committed(self.control.commit(&writes).await)? {
                let has_ended = schedule.ended_at.is_some();
                tracing::info!(owner, schedule_id, trace_id = call.trace_id, has_ended, "an address has left");
                return Ok(html(page::gone(&subscription)));
            }
        }
        Err(written_by_others("the schedule was").into())
    }

    /// What the token stands for, and its schedule if that is still there.
    async fn subscribed(&self, token: &str) -> Result<(Subscription, Option<(Schedule, u64)>), Refusal> {
        let key = Subscription::key(token);
        let found = if is_token(token) { tenancy::find(&self.control, key).await? } else { None };
        let (subscription, _): (Subscription, u64) = found.ok_or_else(problem::no_such_link)?;
        let key = Schedule::key(&subscription.owner, &subscription.schedule_id);
        Ok((subscription, tenancy::find(&self.control, key).await?))
    }
}

fn html(body: String) -> Response {
    let headers = vec![
        ("content-type", "text/html; charset=utf-8".to_owned()),
        ("content-security-policy", POLICY.to_owned()),
        // The address of this page is all that it takes.
        ("referrer-policy", "no-referrer".to_owned()),
    ];
    Response { status: 200, headers, body }
}
