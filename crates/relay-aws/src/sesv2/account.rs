//! Whether SES lets the account send, and from whom.

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::operation::get_email_identity::GetEmailIdentityError;
use relay::fault::Fault;

use crate::config::Aws;
use crate::fault::fault;

const GET_ACCOUNT: &str = "ses:GetAccount";
const GET_EMAIL_IDENTITY: &str = "ses:GetEmailIdentity";

/// What SES lets an account send in a region.
#[derive(Clone, Debug, PartialEq)]
pub struct Sending {
    /// Out of the sandbox: mails may go to addresses that are not verified.
    pub production: bool,
    /// Not stopped by SES.
    pub enabled: bool,
    /// `HEALTHY`, `PROBATION` or `SHUTDOWN`; empty where SES does not say.
    pub reputation: String,
    /// Mails in 24 hours; negative for no limit.
    pub quota: f64,
    /// Mails of the last 24 hours.
    pub sent: f64,
}

/// An address or domain that mails may come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// SES takes mails from it.
    pub verified: bool,
    /// `SUCCESS` where DKIM signs its mails; `PENDING`, `FAILED`, `TEMPORARY_FAILURE`, `NOT_STARTED`.
    pub dkim: String,
    /// Where bounces of its own MAIL FROM domain go; none means SES's domain, which SPF cannot align with.
    pub mail_from: Option<String>,
}

/// SES of an account in a region, as who set it up asks.
#[derive(Clone, Debug)]
pub struct AwsSending {
    client: Client,
}

impl AwsSending {
    /// SES of the handle's account and region.
    #[must_use]
    pub fn new(aws: &Aws) -> Self {
        Self { client: Client::new(aws.config()) }
    }

    /// What the account may send.
    pub async fn account(&self) -> Result<Sending, Fault> {
        let answer = self.client.get_account().send().await.map_err(|error| fault(GET_ACCOUNT, &error))?;
        let quota = answer.send_quota;
        Ok(Sending {
            production: answer.production_access_enabled,
            enabled: answer.sending_enabled,
            reputation: answer.enforcement_status.unwrap_or_default(),
            quota: quota.as_ref().map_or(0.0, |quota| quota.max24_hour_send),
            sent: quota.as_ref().map_or(0.0, |quota| quota.sent_last24_hours),
        })
    }

    /// An address or domain; `None` where SES does not know it.
    pub async fn identity(&self, name: &str) -> Result<Option<Identity>, Fault> {
        let answer = match self.client.get_email_identity().email_identity(name).send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(GetEmailIdentityError::is_not_found_exception) => {
                return Ok(None);
            }
            Err(error) => return Err(fault(GET_EMAIL_IDENTITY, &error)),
        };
        let dkim = answer.dkim_attributes.and_then(|dkim| dkim.status);
        let mail_from = answer.mail_from_attributes.map(|attributes| attributes.mail_from_domain);
        Ok(Some(Identity {
            verified: answer.verified_for_sending_status,
            dkim: dkim.map_or_else(|| "NOT_STARTED".to_owned(), |status| status.as_str().to_owned()),
            mail_from: mail_from.filter(|domain| !domain.is_empty()),
        }))
    }
}
