//! Mails.

use relay::fault::FaultKind;
use relay::notice::Mail;
use relay::port::{Mailer, SendMailError};
use relay_aws::sesv2::AwsMailer;
use serde_json::json;

use crate::server::{Answer, Service};

async fn send(service: &Service) -> Result<String, SendMailError> {
    let mail = Mail {
        subject: "완료 ✓".into(),
        html: "<p>done</p>".into(),
        text: "done".into(),
        headers: vec![("Auto-Submitted", "auto-generated".into())],
        tags: vec![("owner", "demo".into())],
    };
    AwsMailer::new(&service.aws, "relay@example.org", "relay-mails").send("kim@example.com", &mail).await
}

fn refused(code: &str, message: &str) -> Answer {
    Answer::Json(400, json!({"__type": code, "message": message}))
}

#[tokio::test]
async fn a_mail_has_both_parts_in_utf_8() {
    let service = Service::new([Answer::Json(200, json!({"MessageId": "m1"}))]).await;
    assert_eq!(send(&service).await, Ok("m1".to_owned()));
    let request = service.request();
    assert_eq!(request.line, "POST /v2/email/outbound-emails");
    let part = |data: &str| json!({"Data": data, "Charset": "UTF-8"});
    let expected = json!({
        "FromEmailAddress": "relay@example.org",
        "Destination": {"ToAddresses": ["kim@example.com"]},
        "Content": {"Simple": {
            "Subject": part("완료 ✓"), "Body": {"Html": part("<p>done</p>"), "Text": part("done")},
            "Headers": [{"Name": "Auto-Submitted", "Value": "auto-generated"}],
        }},
        "EmailTags": [{"Name": "owner", "Value": "demo"}],
        "ConfigurationSetName": "relay-mails",
    });
    assert_eq!(request.json(), expected);
}

#[tokio::test]
async fn a_mail_that_ses_will_not_have_is_rejected_without_naming_the_address() {
    for code in ["MessageRejected", "BadRequestException"] {
        let service = Service::new([refused(code, "Illegal address <kim@example.com>")]).await;
        assert_eq!(send(&service).await, Err(SendMailError::Rejected("Illegal address <address>".into())));
    }
}

#[tokio::test]
async fn an_unverified_sender_is_the_operators_matter_not_the_mails() {
    let message = "Email address is not verified. The following identities failed the check: relay@example.org";
    for code in
        ["MessageRejected", "MailFromDomainNotVerifiedException", "AccountSuspendedException", "SendingPausedException"]
    {
        let service = Service::new([refused(code, message)]).await;
        let error = send(&service).await.unwrap_err();
        assert!(!error.to_string().contains('@'), "{error}");
        assert!(matches!(error, SendMailError::Fault(fault) if fault.kind == FaultKind::Denied), "{code}");
    }
}

#[tokio::test]
async fn a_spent_quota_is_throttled() {
    let service = Service::new([refused("TooManyRequestsException", "slow")]).await;
    let error = send(&service).await.unwrap_err();
    assert!(matches!(error, SendMailError::Fault(fault) if fault.kind == FaultKind::Throttled));
}

#[tokio::test]
async fn a_mail_goes_out_once_whatever_becomes_of_the_answer() {
    for lost in [Answer::Cut, Answer::Json(500, json!({"message": "it may have been sent"}))] {
        let service = Service::new([lost, Answer::Json(200, json!({"MessageId": "m2"}))]).await;
        let error = send(&service).await.unwrap_err();
        assert!(matches!(error, SendMailError::Fault(fault) if fault.kind == FaultKind::Unavailable));
        assert_eq!(service.requests().len(), 1);
    }
}
