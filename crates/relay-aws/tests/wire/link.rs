//! Links.

use relay::fault::FaultKind;
use relay::port::LinkSigner;
use relay_aws::link::AwsSigner;

use crate::server::{Answer, Service};

/// 2026-01-01T00:00:00.250Z.
const NOW: i64 = 1_767_225_600_250;

fn session(expiration: &str) -> Answer {
    let body = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
         <AssumedRoleUser><AssumedRoleId>r:relay-link</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/link/relay-link</Arn></AssumedRoleUser>\
         <Credentials><AccessKeyId>ASIALINK</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>\
         <Expiration>{expiration}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    );
    Answer::Xml(200, body.leak())
}

fn signer(service: &Service) -> AwsSigner {
    AwsSigner::new(&service.aws, "exports", "arn:aws:iam::123456789012:role/link")
}

#[tokio::test]
async fn a_link_is_signed_by_a_session_of_its_own() {
    let service = Service::new([session("2026-01-01T01:00:05Z")]).await;
    let link = signer(&service).sign("exports/demo/x/a.csv", "a.csv", NOW).await.unwrap();

    let request = service.request();
    let asked = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Flink\
                 &RoleSessionName=relay-link&DurationSeconds=3600";
    assert_eq!(request.body, asked);
    // The signature's end: whole seconds from the time of signing.
    assert_eq!(link.expires_at, 1_767_225_600_000 + 3_600_000);
    let (path, query) = link.url.split_once('?').unwrap();
    assert!(path.ends_with("/exports/exports/demo/x/a.csv"), "{path}");
    for part in [
        "response-content-disposition=attachment%3B%20filename%3D%22a.csv%22",
        "response-content-type=text%2Fcsv%3B%20charset%3Dutf-8",
        "X-Amz-Date=20260101T000000Z",
        "X-Amz-Expires=3600",
        "X-Amz-Credential=ASIALINK%2F20260101%2Feu-west-1%2Fs3%2Faws4_request",
        "X-Amz-Security-Token=token",
    ] {
        assert!(query.split('&').any(|found| found == part), "{part} in {query}");
    }
}

#[tokio::test]
async fn a_link_ends_with_its_session_where_that_ends_first() {
    let service = Service::new([session("2026-01-01T00:45:00Z")]).await;
    let link = signer(&service).sign("exports/demo/x/a.csv", "a.csv", NOW).await.unwrap();
    assert_eq!(link.expires_at, 1_767_225_600_000 + 45 * 60_000);
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_is_a_fault() {
    let body = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized</Message></Error></ErrorResponse>";
    let service = Service::new([Answer::Xml(403, body)]).await;
    let fault = signer(&service).sign("k", "a.csv", NOW).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Denied);
    assert_eq!(fault.to_string(), "sts:AssumeRole Denied: AccessDenied (403): not authorized");
}
