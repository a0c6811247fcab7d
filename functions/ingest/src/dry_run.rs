//! `GET|POST /v1/callbacks/{provider}?dry_run=1`: how a callback would be understood. Nothing is stored, nothing counts as received.

use relay::activity::{Activity, Provider};
use relay::callback::{DRY_RUN_PARAMETER, query};
use relay::discard::{Discard, Reason};
use relay::http::Response;
use relay::metric::{Labels, Metric};
use relay::owner::Owner;
use relay::port::{ControlTable, Spill, Stream};
use relay::tenancy;
use serde::Serialize;

use crate::respond::Refusal;
use crate::{App, Visit, callbacks};

/// What would become of a callback.
#[derive(Serialize)]
struct Answer<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Also where it would not be kept as a row, as long as it was understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    activity: Option<&'a Activity<'a>>,
}

/// Whether a query asks for a dry run. A value that says neither is refused: what its sender meant as a trial must never be stored.
pub(crate) fn is_asked(raw: &str) -> Result<bool, Refusal> {
    let mut is_asked = false;
    for (_, value) in query::parse(raw.as_bytes()).into_iter().filter(|(name, _)| name == DRY_RUN_PARAMETER) {
        match value.as_ref() {
            "1" | "true" => is_asked = true,
            "0" | "false" => {}
            _ => return Err(Refusal::UnclearDryRun(value.chars().take(40).collect())),
        }
    }
    Ok(is_asked)
}

impl<S: Stream, Q: Spill, C: ControlTable> App<S, Q, C> {
    pub(crate) async fn dry_run(
        &self,
        visit: Visit<'_>,
        provider: Provider,
        owner: &Owner,
    ) -> Result<Response, Refusal> {
        self.counters().add(Metric::DryRuns, Labels::provider(provider), 1);
        let activity = match callbacks::parsed(visit.request, provider, visit.now) {
            Ok(activity) => activity,
            Err(discard) => return Ok(answer(Err(discard), None)),
        };
        let app = self.app_of(&activity, visit.now).await.map_err(|fault| {
            let detail = "the app token cannot be looked up at the moment; nothing is stored in a dry run".to_owned();
            Refusal::Unavailable { fault, detail }
        })?;
        Ok(answer(tenancy::admit(owner, app.as_deref(), &activity), Some(&activity)))
    }
}

fn answer(verdict: Result<(), Discard>, activity: Option<&Activity<'_>>) -> Response {
    let (status, discard) = match verdict {
        Ok(()) => ("accepted", None),
        Err(discard) if discard.reason == Reason::NotAllowed => ("dropped", Some(discard)),
        Err(discard) => ("quarantined", Some(discard)),
    };
    let reason = discard.as_ref().map(|discard| discard.reason.name());
    let answer = Answer { status, reason, detail: discard.map(|discard| discard.detail), activity };
    Response::json_text(200, serde_json::to_string(&answer).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_is_asked_for_in_so_many_words() {
        for asked in ["dry_run=1", "a=b&dry_run=true", "dry%5Frun=%31", "dry_run=0&dry_run=1"] {
            assert_eq!(is_asked(asked), Ok(true), "{asked}");
        }
        for not in ["", "dry_run=0", "dry_run=false", "Dry_Run=1", "xdry_run=1", "a=dry_run"] {
            assert_eq!(is_asked(not), Ok(false), "{not}");
        }
        for unclear in
            ["dry_run", "dry_run=", "dry_run=yes", "dry_run=TRUE", "dry_run=1&dry_run=no", "dry_run={dry_run}"]
        {
            assert!(matches!(is_asked(unclear), Err(Refusal::UnclearDryRun(_))), "{unclear}");
        }
    }
}
