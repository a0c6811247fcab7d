//! Encryption with a key of one's own: everything that keeps data takes it, and exactly who needs it may use it, through those services alone.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::grants::statements;
use super::template::{Template, list, name};

/// The same where there is no key of one's own.
pub(crate) fn without(value: &Value) -> &Value {
    assert_eq!(value["Fn::If"][0], "HasKey", "{value}");
    &value["Fn::If"][2]
}

/// What stands where there is one.
fn with(value: &Value) -> &Value {
    assert_eq!(value["Fn::If"][0], "HasKey", "{value}");
    &value["Fn::If"][1]
}

fn key() -> Value {
    json!({ "Ref": "KeyArn" })
}

#[test]
fn whatever_keeps_data_takes_the_key() {
    let template = Template::load();
    let none = json!({ "Ref": "AWS::NoValue" });
    assert_eq!(*with(template.property("ActivityStream", "/StreamEncryption/KeyId")), key());
    assert_eq!(*without(template.property("ActivityStream", "/StreamEncryption/KeyId")), "alias/aws/kinesis");
    assert_eq!(*with(template.property("SpillQueue", "/KmsMasterKeyId")), key());
    // SQS takes one of the two.
    assert_eq!(*with(template.property("SpillQueue", "/SqsManagedSseEnabled")), none);
    for (table, properties) in template.of_type("AWS::DynamoDB::Table") {
        let asked = &properties["SSESpecification"];
        assert_eq!((&asked["SSEEnabled"], &asked["SSEType"]), (&json!(true), &json!("KMS")), "{table}");
        assert_eq!((with(&asked["KMSMasterKeyId"]), without(&asked["KMSMasterKeyId"])), (&key(), &none), "{table}");
    }
    for (group, properties) in template.of_type("AWS::Logs::LogGroup") {
        assert_eq!((with(&properties["KmsKeyId"]), without(&properties["KmsKeyId"])), (&key(), &none), "{group}");
    }
    // The page is for everybody, and its distribution would need a word in the key's policy.
    for (bucket, properties) in
        template.of_type("AWS::S3::Bucket").into_iter().filter(|(name, _)| *name != "SiteBucket")
    {
        let encryption = with(&properties["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]);
        let by_default = json!({ "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key() });
        assert_eq!(encryption["ServerSideEncryptionByDefault"], by_default, "{bucket}");
        assert_eq!(encryption["BucketKeyEnabled"], true, "{bucket}: else each object is a call of the key");
    }
}

/// The services through which a role's statements with this prefix reach data.
fn reached(template: &Template, role: &str) -> BTreeSet<&'static str> {
    let services = [("kinesis:", "kinesis"), ("sqs:", "sqs"), ("dynamodb:", "dynamodb"), ("s3:", "s3")];
    let actions = statements(template, role).into_iter().flat_map(|statement| list(&statement["Action"])).map(name);
    // What asks how much there is, what lists and what deletes reads nothing that is encrypted; dead letters are not under the key.
    let unencrypted = |action: &str| {
        [
            "sqs:GetQueueAttributes",
            "s3:ListBucket",
            "s3:ListBucketMultipartUploads",
            "s3:AbortMultipartUpload",
            "s3:DeleteObject",
        ]
        .contains(&action)
            || (action == "sqs:SendMessage" && role != "IngestRole")
    };
    let encrypted: Vec<&str> = actions.filter(|action| !unencrypted(action)).collect();
    let of = |prefix: &str| encrypted.iter().any(|action| action.starts_with(prefix));
    services.into_iter().filter(|(prefix, _)| of(prefix)).map(|(_, service)| service).collect()
}

#[test]
fn the_key_is_used_by_who_reaches_data_and_through_the_services_that_keep_it() {
    let template = Template::load();
    for (role, _) in template.of_type("AWS::IAM::Role") {
        let statements = statements(&template, role);
        let uses = statements
            .iter()
            .filter(|statement| list(&statement["Action"]).iter().any(|it| name(it).starts_with("kms:")));
        let mut through = BTreeSet::new();
        for statement in uses {
            assert_eq!(statement["Resource"], key(), "{role}");
            for service in list(&statement["Condition"]["StringEquals"]["kms:ViaService"]) {
                let service = name(service).strip_suffix(".${AWS::Region}.amazonaws.com");
                through.insert(service.unwrap_or_else(|| panic!("{role}: a service of this region")));
            }
        }
        assert_eq!(through, reached(&template, role), "{role}");
    }
}

#[test]
fn without_a_key_nobody_may_use_one() {
    let template = Template::load();
    for (policy, properties) in template.of_type("AWS::IAM::Policy") {
        let of_key = properties["PolicyDocument"].to_string().contains("kms:");
        let condition = template.at(&format!("/Resources/{policy}/Condition"));
        assert_eq!(of_key, condition == "HasKey", "{policy}");
    }
    let not_empty = json!({ "Fn::Not": [{ "Fn::Equals": [{ "Ref": "KeyArn" }, ""] }] });
    assert_eq!(*template.at("/Conditions/HasKey"), not_empty);
}
