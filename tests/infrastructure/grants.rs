//! What a role may do, and what a call asks for: told once, for what the sources say (permissions.rs) and for what a stack was seen to call (tests/secure.rs).

use serde_json::Value;

use super::template::{Template, list, name};

/// What Lambda itself does with a function's role.
pub(crate) const LAMBDA: [(&str, &[&str]); 6] = [
    ("Ingest", &[]),
    (
        "BatchWriter",
        &[
            "kinesis:DescribeStream",
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
            "s3:ListBucket",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
        ],
    ),
    ("ExportApi", &[]),
    ("ExportWorker", &[]),
    ("ExportDispatcher", &["sqs:SendMessage"]),
    ("Notify", &["sqs:SendMessage"]),
];

/// The actions that a call needs, where they are not called as it is.
pub(crate) fn actions(call: &str) -> Vec<&str> {
    match call {
        "dynamodb:TransactWriteItems" => vec!["dynamodb:PutItem", "dynamodb:DeleteItem"],
        "s3:CreateMultipartUpload" | "s3:UploadPart" | "s3:CompleteMultipartUpload" => vec!["s3:PutObject"],
        "sqs:SendMessageBatch" => vec!["sqs:SendMessage"],
        "s3:ListParts" => vec!["s3:ListMultipartUploadParts"],
        "s3:ListMultipartUploads" => vec!["s3:ListBucketMultipartUploads"],
        "s3:ListObjectsV2" => vec!["s3:ListBucket"],
        // Without ListBucket a missing object is answered 403 instead of 404.
        "s3:HeadObject" => vec!["s3:GetObject", "s3:ListBucket"],
        call => vec![call],
    }
}

/// The statements that a role carries: inline, and of policies attached to it.
pub(crate) fn statements<'a>(template: &'a Template, role: &str) -> Vec<&'a Value> {
    let inline = list(template.property(role, "/Policies")).into_iter();
    let policies = template.of_type("AWS::IAM::Policy").into_iter();
    let attached = policies.filter(|(_, policy)| list(&policy["Roles"]).into_iter().any(|it| name(it) == role));
    let documents =
        inline.map(|policy| &policy["PolicyDocument"]).chain(attached.map(|(_, policy)| &policy["PolicyDocument"]));
    documents.flat_map(|document| list(&document["Statement"])).collect()
}
