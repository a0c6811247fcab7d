//! Which operation of which service a request is, and which function calls.

use crate::http1::Request;

/// A service, as far as errors have a shape of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// JSON 1.1.
    Kinesis,
    /// JSON 1.0.
    DynamoDb,
    /// JSON 1.0.
    Sqs,
    /// JSON 1.0.
    States,
    /// REST with JSON.
    Ses,
    /// Query with XML.
    Sts,
    /// REST with XML.
    S3,
}

impl Service {
    /// As it stands before the colon of an IAM action.
    fn name(self) -> &'static str {
        match self {
            Self::Kinesis => "kinesis",
            Self::DynamoDb => "dynamodb",
            Self::Sqs => "sqs",
            Self::States => "states",
            Self::Ses => "ses",
            Self::Sts => "sts",
            Self::S3 => "s3",
        }
    }
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) service: Service,
    pub(super) operation: String,
    /// The access key that signed it.
    pub(super) caller: String,
}

impl Call {
    pub(super) fn of(request: &Request) -> Self {
        let (service, operation) = targeted(request).unwrap_or_else(|| rest(request));
        let credential = request.header("authorization").unwrap_or_default();
        let credential = credential.split_once("Credential=").map(|(_, rest)| rest).unwrap_or_default();
        let caller = credential.split('/').next().unwrap_or_default().to_owned();
        Self { service, operation, caller }
    }

    /// `kinesis:PutRecords`.
    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.service.name(), self.operation)
    }
}

/// The JSON protocols name their operation in a header.
fn targeted(request: &Request) -> Option<(Service, String)> {
    let (prefix, operation) = request.header("x-amz-target")?.split_once('.')?;
    let service = match prefix {
        "Kinesis_20131202" => Service::Kinesis,
        "DynamoDB_20120810" => Service::DynamoDb,
        "AmazonSQS" => Service::Sqs,
        "AWSStepFunctions" => Service::States,
        _ => return None,
    };
    Some((service, operation.to_owned()))
}

fn rest(request: &Request) -> (Service, String) {
    if request.path == "/v2/email/outbound-emails" {
        return (Service::Ses, "SendEmail".to_owned());
    }
    let content_type = request.header("content-type").unwrap_or_default();
    if content_type.starts_with("application/x-www-form-urlencoded") {
        let body = String::from_utf8_lossy(&request.body);
        let action = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
        return (Service::Sts, action.unwrap_or_default().to_owned());
    }
    (Service::S3, s3(request).to_owned())
}

/// S3's operation by method and query parameter.
fn s3(request: &Request) -> &'static str {
    let has = |name: &str| request.query.split('&').any(|pair| pair.split('=').next() == Some(name));
    match request.method.as_str() {
        "PUT" if has("partNumber") => "UploadPart",
        "PUT" => "PutObject",
        "POST" if has("uploads") => "CreateMultipartUpload",
        "POST" if has("uploadId") => "CompleteMultipartUpload",
        "GET" if has("uploadId") => "ListParts",
        "GET" if has("uploads") => "ListMultipartUploads",
        "GET" if has("list-type") => "ListObjectsV2",
        "GET" => "GetObject",
        "HEAD" => "HeadObject",
        "DELETE" if has("uploadId") => "AbortMultipartUpload",
        "DELETE" => "DeleteObject",
        _ => "Unknown",
    }
}
