//! SESv2: mails, and whether they may be sent.

mod account;

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::Builder;
use aws_sdk_sesv2::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageHeader, MessageTag};
use relay::notice::Mail;
use relay::port::{Mailer, SendMailError};

use crate::config::Aws;
use crate::fault::{broken, fault, words};

pub use account::{AwsSending, Identity, Sending};

const SEND_EMAIL: &str = "ses:SendEmail";

/// Sends mails.
#[derive(Clone, Debug)]
pub struct AwsMailer {
    client: Client,
    from: String,
    configuration_set: String,
}

impl AwsMailer {
    /// Mails from this address, whose identity is verified with SES, under a configuration set that says where events about them go. One attempt with all the time of a call: `SendEmail` knows no token by
    /// which a second one would be recognised, so an attempt whose answer was lost may have been a mail.
    #[must_use]
    pub fn new(aws: &Aws, from: &str, configuration_set: &str) -> Self {
        let (retries, timeouts) = aws.one_attempt();
        let config = Builder::from(aws.config()).retry_config(retries).timeout_config(timeouts).build();
        let (from, configuration_set) = (from.to_owned(), configuration_set.to_owned());
        Self { client: Client::from_conf(config), from, configuration_set }
    }
}

impl Mailer for AwsMailer {
    async fn send(&self, to: &str, mail: &Mail) -> Result<String, SendMailError> {
        let rejected = |error: BuildError| SendMailError::Rejected(error.to_string());
        let content = content(mail).map_err(rejected)?;
        let tags = tags(mail).map_err(rejected)?;
        let destination = Destination::builder().to_addresses(to).build();
        let request = self.client.send_email().from_email_address(&self.from);
        let request = request.configuration_set_name(&self.configuration_set).set_email_tags(tags);
        let answer = request.destination(destination).content(content).send().await;
        match answer {
            Ok(answer) => Ok(answer.message_id.ok_or_else(|| broken(SEND_EMAIL, "an answer without message id"))?),
            Err(error) => Err(match error.as_service_error() {
                Some(refusal) if refuses_this_mail(refusal) => SendMailError::Rejected(words(refusal)),
                Some(_) | None => fault(SEND_EMAIL, &error).into(),
            }),
        }
    }
}

fn content(mail: &Mail) -> Result<EmailContent, BuildError> {
    let body = Body::builder().html(utf8(&mail.html)?).text(utf8(&mail.text)?).build();
    let message = Message::builder().subject(utf8(&mail.subject)?).body(body).set_headers(headers(mail)?).build();
    Ok(EmailContent::builder().simple(message).build())
}

fn headers(mail: &Mail) -> Result<Option<Vec<MessageHeader>>, BuildError> {
    let header = |(name, value): &(&str, String)| MessageHeader::builder().name(*name).value(value).build();
    let headers = mail.headers.iter().map(header).collect::<Result<Vec<_>, _>>()?;
    Ok((!headers.is_empty()).then_some(headers))
}

/// Events about the mail bring them back.
fn tags(mail: &Mail) -> Result<Option<Vec<MessageTag>>, BuildError> {
    let tag = |(name, value): &(&str, String)| MessageTag::builder().name(*name).value(value).build();
    let tags = mail.tags.iter().map(tag).collect::<Result<Vec<_>, _>>()?;
    Ok((!tags.is_empty()).then_some(tags))
}

fn utf8(data: &str) -> Result<Content, BuildError> {
    Content::builder().data(data).charset("UTF-8").build()
}

/// SES rejects a mail for its address or content; but also, under the same code, every mail of an account whose sender is not verified or
/// which still is in the sandbox. That is the operator's to mend, and the mail must not be given up.
fn refuses_this_mail(error: &SendEmailError) -> bool {
    let of_this_mail = error.is_message_rejected() || error.is_bad_request_exception();
    of_this_mail && !error.message().is_some_and(|message| message.contains("not verified"))
}
