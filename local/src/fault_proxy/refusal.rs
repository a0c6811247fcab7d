//! Refusals as the services word them: status, code and body of each protocol, by their API references.

use serde_json::json;

use super::call::Service;
use crate::http1::Reply;

/// "Less, please."
pub(super) fn throttled(service: Service) -> Reply {
    match service {
        Service::Kinesis => worded(
            service,
            400,
            "ProvisionedThroughputExceededException",
            "Rate exceeded for shard shardId-000000000000",
        ),
        Service::DynamoDb => worded(
            service,
            400,
            "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded.",
        ),
        Service::Sqs => worded(service, 403, "com.amazonaws.sqs#RequestThrottled", "Rate exceeded"),
        Service::States => worded(service, 400, "ThrottlingException", "Rate exceeded"),
        Service::Ses => worded(service, 429, "TooManyRequestsException", "Too many requests"),
        Service::Sts => worded(service, 400, "Throttling", "Rate exceeded"),
        Service::S3 => worded(service, 503, "SlowDown", "Please reduce your request rate."),
    }
}

/// "Not now": broken inside (500), or not there (503).
pub(super) fn broken(service: Service, inside: bool) -> Reply {
    match (service, inside) {
        (Service::DynamoDb, true) => {
            worded(service, 500, "com.amazonaws.dynamodb.v20120810#InternalServerError", "Internal server error")
        }
        (Service::S3, true) => worded(service, 500, "InternalError", "We encountered an internal error."),
        (_, true) => worded(service, 500, "InternalFailure", "Internal Service Failure"),
        (_, false) => worded(service, 503, "ServiceUnavailable", "Service is unavailable, please retry."),
    }
}

/// "You may not."
pub(super) fn denied(service: Service) -> Reply {
    let status = if matches!(service, Service::S3 | Service::Sts | Service::Ses) { 403 } else { 400 };
    let code = if matches!(service, Service::S3 | Service::Sts) { "AccessDenied" } else { "AccessDeniedException" };
    worded(service, status, code, "not authorized to perform this action")
}

fn worded(service: Service, status: u16, code: &str, message: &str) -> Reply {
    match service {
        Service::Kinesis => typed(status, code, message, "application/x-amz-json-1.1"),
        Service::DynamoDb | Service::Sqs | Service::States => {
            typed(status, code, message, "application/x-amz-json-1.0")
        }
        Service::Ses => Reply::json(status, &json!({ "message": message })).with("x-amzn-errortype", code),
        Service::Sts => xml(
            status,
            &format!(
                "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
                 <Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
            ),
        ),
        Service::S3 => xml(status, &format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>")),
    }
}

fn typed(status: u16, code: &str, message: &str, content_type: &str) -> Reply {
    let body = json!({ "__type": code, "message": message }).to_string();
    Reply::new(status, body).with("content-type", content_type)
}

fn xml(status: u16, document: &str) -> Reply {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{document}");
    Reply::new(status, body).with("content-type", "application/xml")
}
