//! What AWS counts of its own accord and the host sees go by: events that tell of an execution's end and of a mail that came back.

use serde_json::Value;

use super::meter::Key;

/// The metric that an event on the bus counts one of.
pub(crate) fn metric(event: &Value) -> Option<Key> {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    match text("/source")? {
        "aws.states" => {
            let name = match text("/detail/status")? {
                "SUCCEEDED" => "ExecutionsSucceeded",
                "FAILED" => "ExecutionsFailed",
                "TIMED_OUT" => "ExecutionsTimedOut",
                "ABORTED" => "ExecutionsAborted",
                _ => return None,
            };
            Some(Key::new("AWS/States", name, Some(("StateMachineArn", text("/detail/stateMachineArn")?))))
        }
        "aws.ses" => match text("/detail/eventType")? {
            name @ ("Bounce" | "Complaint") => Some(Key::new("AWS/SES", name, None)),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ends_of_executions_and_mails_that_came_back_are_counted() {
        let ended = json!({ "source": "aws.states", "detail": { "status": "TIMED_OUT", "stateMachineArn": "arn" } });
        assert_eq!(
            metric(&ended),
            Some(Key::new("AWS/States", "ExecutionsTimedOut", Some(("StateMachineArn", "arn"))))
        );
        let bounced = json!({ "source": "aws.ses", "detail": { "eventType": "Bounce" } });
        assert_eq!(metric(&bounced), Some(Key::new("AWS/SES", "Bounce", None)));
        for other in [
            json!({}),
            json!({ "source": "aws.s3" }),
            json!({ "source": "aws.states", "detail": { "status": "RUNNING" } }),
        ] {
            assert_eq!(metric(&other), None);
        }
    }
}
