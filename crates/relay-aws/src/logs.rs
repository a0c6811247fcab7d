//! CloudWatch Logs: the lines of a log group, oldest first.

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsError;
use relay::fault::Fault;

use crate::config::Aws;
use crate::fault::fault;

const FILTER: &str = "logs:FilterLogEvents";

/// Which lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// From this moment on: milliseconds since the epoch.
    pub since: i64,
    /// Before this moment.
    pub until: i64,
    /// A filter pattern of CloudWatch Logs; empty for every line.
    pub pattern: String,
    /// Where an earlier answer ended.
    pub next: Option<String>,
    /// The most lines of one answer (at most 10,000: API reference, `FilterLogEvents`).
    pub limit: u16,
}

/// A line as a function wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it was written: milliseconds since the epoch.
    pub at: i64,
    /// The service's id of it: the same line has the same id.
    pub id: String,
    /// The text, as a rule one JSON object.
    pub text: String,
}

/// Lines, and where the rest begins: an answer without lines may have a rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// The lines.
    pub lines: Vec<Line>,
    /// What [`Wanted::next`] goes on with; `None` at the end.
    pub next: Option<String>,
}

/// The log groups of an account in a region.
#[derive(Clone, Debug)]
pub struct AwsLogs {
    client: Client,
}

impl AwsLogs {
    /// The log groups of the handle's account and region.
    #[must_use]
    pub fn new(aws: &Aws) -> Self {
        Self { client: Client::new(aws.config()) }
    }

    /// One answer's lines of a log group; none where there is no such group, since a function that never ran may have none.
    pub async fn lines(&self, group: &str, wanted: &Wanted) -> Result<Lines, Fault> {
        let request = self.client.filter_log_events().log_group_name(group).limit(i32::from(wanted.limit));
        let request = request.start_time(wanted.since).end_time(wanted.until.saturating_sub(1));
        let pattern = Some(wanted.pattern.clone()).filter(|pattern| !pattern.is_empty());
        let request = request.set_filter_pattern(pattern).set_next_token(wanted.next.clone());
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error)
                if error.as_service_error().is_some_and(FilterLogEventsError::is_resource_not_found_exception) =>
            {
                return Ok(Lines::default());
            }
            Err(error) => return Err(fault(FILTER, &error)),
        };
        let lines = answer.events.unwrap_or_default().into_iter().map(|event| Line {
            at: event.timestamp.unwrap_or(0),
            id: event.event_id.unwrap_or_default(),
            text: event.message.unwrap_or_default(),
        });
        Ok(Lines { lines: lines.collect(), next: answer.next_token })
    }
}
