//! Links: presigned addresses of finished exports.

mod presign;

use aws_credential_types::Credentials;
use relay::fault::{Fault, FaultKind};
use relay::link::Link;
use relay::port::LinkSigner;

use crate::config::Aws;
use crate::fault::{broken, fault};
use crate::s3::media_type;
use presign::Presigned;

const ASSUME_ROLE: &str = "sts:AssumeRole";
const GET_OBJECT: &str = "s3:GetObject";

/// How long a link lives, and the session that signs it: seconds. A role that assumes a role gets an hour at most (IAM user guide, "role chaining").
const LINK_SECONDS: u32 = 3600;

/// Makes links to objects of the export bucket. A function's own credentials end at a time nobody tells, and links with them; each link
/// is therefore signed by a fresh session of its own.
#[derive(Clone, Debug)]
pub struct AwsSigner {
    aws: Aws,
    sts: aws_sdk_sts::Client,
    bucket: String,
    role_arn: String,
}

impl AwsSigner {
    /// Links into the bucket of this name, by sessions of the role of this ARN.
    #[must_use]
    pub fn new(aws: &Aws, bucket: &str, role_arn: &str) -> Self {
        Self {
            aws: aws.clone(),
            sts: aws_sdk_sts::Client::new(aws.config()),
            bucket: bucket.to_owned(),
            role_arn: role_arn.to_owned(),
        }
    }

    /// A fresh session, and when it ends: milliseconds since the epoch.
    async fn session(&self) -> Result<(Credentials, i64), Fault> {
        let request = self.sts.assume_role().role_arn(&self.role_arn);
        let request = request.role_session_name("relay-link");
        let request = request.duration_seconds(i32::try_from(LINK_SECONDS).unwrap_or(i32::MAX));
        let answer = request.send().await.map_err(|error| fault(ASSUME_ROLE, &error))?;
        let session = answer.credentials.ok_or_else(|| broken(ASSUME_ROLE, "an answer without credentials"))?;
        let ends_at = session.expiration.to_millis();
        let ends_at = ends_at.map_err(|_| broken(ASSUME_ROLE, "credentials that end beyond all times"))?;
        let credentials = Credentials::new(
            session.access_key_id,
            session.secret_access_key,
            Some(session.session_token),
            None,
            "link role",
        );
        Ok((credentials, ends_at))
    }

    async fn presign(&self, by: Credentials, key: &str, file_name: &str, second: u64) -> Result<String, Fault> {
        let parameters = [
            ("response-content-disposition", format!("attachment; filename=\"{}\"", quoted(file_name))),
            ("response-content-type", media_type(file_name).to_owned()),
        ];
        let link =
            Presigned { bucket: &self.bucket, key, parameters: &parameters, second, lives_seconds: LINK_SECONDS };
        let signed = link.sign(self.aws.config(), by).await;
        signed.map_err(|detail| Fault::new(FaultKind::Denied, GET_OBJECT, detail))
    }
}

impl LinkSigner for AwsSigner {
    async fn sign(&self, key: &str, file_name: &str, now: i64) -> Result<Link, Fault> {
        let (credentials, session_ends_at) = self.session().await?;
        // A signature carries whole seconds.
        let second = now.div_euclid(1000);
        let url = self.presign(credentials, key, file_name, u64::try_from(second).unwrap_or(0)).await?;
        let signature_ends_at = (second + i64::from(LINK_SECONDS)) * 1000;
        Ok(Link { url, expires_at: signature_ends_at.min(session_ends_at) })
    }
}

/// A file name inside a quoted string of RFC 6266: what would end it or break the header becomes `_`.
fn quoted(file_name: &str) -> String {
    let plain = |c: char| if c.is_ascii_graphic() && c != '"' && c != '\\' || c == ' ' { c } else { '_' };
    file_name.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_leave_its_quotes() {
        assert_eq!(quoted("abc_install_20260101.csv"), "abc_install_20260101.csv");
        assert_eq!(quoted("a\"; x=\\\r\n설.csv"), "a_; x=____.csv");
    }
}
