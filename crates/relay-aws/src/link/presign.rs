//! A presigned `GetObject` without a client for it: that one brings the tables of every checksum there is, half a megabyte of each program that only
//! makes links. The address is the SDK's resolver's, the signature its signer's; the test compares with the client's own.

use std::time::{Duration, UNIX_EPOCH};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_sdk_s3::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

/// What a signed address escapes: all but letters, digits and these four (S3 user guide, "Signature calculations": `UriEncode`); a key keeps its slashes, too.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const ESCAPED_IN_KEY: &AsciiSet = &ESCAPED.remove(b'/');

/// What a link leads to, and for how long.
pub(super) struct Presigned<'a> {
    pub(super) bucket: &'a str,
    pub(super) key: &'a str,
    /// Parameters of `GetObject`, such as `response-content-type`.
    pub(super) parameters: &'a [(&'a str, String)],
    /// Since the epoch.
    pub(super) second: u64,
    pub(super) lives_seconds: u32,
}

impl Presigned<'_> {
    /// The address, signed by these credentials for the handle's region.
    pub(super) async fn sign(&self, config: &SdkConfig, by: Credentials) -> Result<String, String> {
        let unsigned = self.unsigned(config).await?;
        let identity: Identity = by.into();
        let region = config.region().map_or("", |region| region.as_ref());
        let time = UNIX_EPOCH + Duration::from_secs(self.second);
        let parameters = v4::SigningParams::builder().identity(&identity).region(region).name("s3").time(time);
        let parameters = parameters.settings(self.settings()).build().map_err(|error| error.to_string())?;
        let request = SignableRequest::new("GET", &unsigned, std::iter::empty(), SignableBody::UnsignedPayload);
        let request = request.map_err(|error| error.to_string())?;
        let signed = sign(request, &parameters.into()).map_err(|error| error.to_string())?;
        let (instructions, _) = signed.into_parts();
        let signature = instructions.params().iter().map(|(name, value)| format!("&{name}={}", escaped(value)));
        Ok(unsigned + &signature.collect::<String>())
    }

    async fn unsigned(&self, config: &SdkConfig) -> Result<String, String> {
        let place = Params::builder()
            .bucket(self.bucket)
            .set_region(config.region().map(ToString::to_string))
            .set_endpoint(config.endpoint_url().map(str::to_owned));
        let place = place.build().map_err(|error| error.to_string())?;
        let endpoint = DefaultResolver::new().resolve_endpoint(&place).await.map_err(|error| error.to_string())?;
        let key = utf8_percent_encode(self.key, ESCAPED_IN_KEY);
        let parameters = self.parameters.iter().map(|(name, value)| format!("&{name}={}", escaped(value)));
        Ok(format!("{}/{key}?x-id=GetObject{}", endpoint.url(), parameters.collect::<String>()))
    }

    fn settings(&self) -> SigningSettings {
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(self.lives_seconds.into()));
        // S3 takes a path as it was sent (S3 user guide, "Signature calculations").
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings
    }
}

fn escaped(value: &str) -> PercentEncode<'_> {
    utf8_percent_encode(value, ESCAPED)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_s3::presigning::PresigningConfig;

    use super::*;

    /// 2026-01-01T00:00:00Z.
    const SECOND: u64 = 1_767_225_600;

    fn credentials() -> Credentials {
        Credentials::new("ASIALINK", "secret", Some("to/ken+=".to_owned()), None, "test")
    }

    async fn clients(config: &SdkConfig, bucket: &str, key: &str, disposition: &str) -> String {
        let presigning = PresigningConfig::builder().start_time(UNIX_EPOCH + Duration::from_secs(SECOND));
        let presigning = presigning.expires_in(Duration::from_hours(1)).build().unwrap();
        let config = aws_sdk_s3::config::Builder::from(config).credentials_provider(credentials()).build();
        let request = aws_sdk_s3::Client::from_conf(config).get_object().bucket(bucket).key(key);
        let request = request.response_content_disposition(disposition);
        request.presigned(presigning).await.unwrap().uri().to_owned()
    }

    /// Host and path, and the parameters in whatever order.
    fn parts(url: &str) -> (&str, BTreeSet<&str>) {
        let (place, query) = url.split_once('?').unwrap();
        (place, query.split('&').collect())
    }

    #[tokio::test]
    async fn a_link_is_the_one_that_the_client_makes() {
        let places = [
            ("us-east-1", None, "exports"),
            ("ap-northeast-2", None, "with.dots"),
            ("cn-north-1", None, "exports"),
            ("eu-west-1", Some("http://127.0.0.1:4566"), "exports"),
            ("eu-west-1", Some("http://localhost:4566"), "exports"),
        ];
        let keys = ["exports/demo/x/a.csv", "a b+c/설치 😀.csv", "//a/../b?x=1&y#z", "~-._!*'()"];
        for ((region, endpoint, bucket), key) in places.iter().flat_map(|place| keys.map(|key| (*place, key))) {
            let mut config = SdkConfig::builder().behavior_version(BehaviorVersion::latest());
            config.set_region(Region::new(region)).set_endpoint_url(endpoint.map(str::to_owned));
            let config = config.build();
            let disposition = "attachment; filename=\"a b.csv\"";
            let theirs = clients(&config, bucket, key, disposition).await;
            let parameters = [("response-content-disposition", disposition.to_owned())];
            let ours = Presigned { bucket, key, parameters: &parameters, second: SECOND, lives_seconds: 3600 };
            let ours = ours.sign(&config, credentials()).await.unwrap();
            assert_eq!(parts(&ours), parts(&theirs), "{ours}\n{theirs}");
        }
    }
}
