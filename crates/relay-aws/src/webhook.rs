//! Calls to webhooks, over the SDK's own HTTP client: no AWS service, but the one place where Relay calls an address that somebody else chose.

use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use relay::port::{Hooks, NoAnswer};
use relay::webhook::{Target, is_public};
use tokio::time::timeout;

/// How long a call may take, from the look-up of the name to the status. Receivers that have more to do answer first.
const WITHIN: Duration = Duration::from_secs(5);

/// What the receivers' logs show.
const USER_AGENT: &str = concat!("Relay/", env!("CARGO_PKG_VERSION"));

/// Owners' webhooks.
#[derive(Debug)]
pub struct HttpHooks {
    connector: Connector,
    anywhere: bool,
}

impl HttpHooks {
    /// Calls public addresses by HTTPS; or any, by plain HTTP too, where the whole stack stands on one machine.
    #[must_use]
    pub fn new(anywhere: bool) -> Self {
        let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        Self { connector: connector.build_with_resolver(Resolver { anywhere }), anywhere }
    }

    /// The connector connects to an address without asking the resolver, so those are looked at here; names the resolver sees.
    fn check(&self, url: &str) -> Result<(), NoAnswer> {
        let checked = if self.anywhere { Target::read(url) } else { Target::public(url) };
        checked.map(|_| ()).map_err(|error| NoAnswer(error.to_string()))
    }
}

impl Hooks for HttpHooks {
    async fn post(&self, url: &str, headers: &[(&'static str, String)], body: Bytes) -> Result<u16, NoAnswer> {
        self.check(url)?;
        let mut request = HttpRequest::new(SdkBody::from(body));
        let refused = |error: &dyn Error| NoAnswer(format!("the request cannot be made: {}", words(error)));
        request.set_method("POST").map_err(|error| refused(&error))?;
        request.set_uri(url).map_err(|error| refused(&error))?;
        let usual = [("content-type", "application/json"), ("user-agent", USER_AGENT)];
        for (name, value) in usual.into_iter().chain(headers.iter().map(|(name, value)| (*name, value.as_str()))) {
            request.headers_mut().try_insert(name, value.to_owned()).map_err(|error| refused(&error))?;
        }
        // The body of the answer is dropped unread, and with it the connection.
        match timeout(WITHIN, self.connector.call(request)).await {
            Ok(Ok(answer)) => Ok(answer.status().as_u16()),
            Ok(Err(error)) => Err(NoAnswer(words(&error))),
            Err(_) => Err(NoAnswer(format!("no answer within {} s", WITHIN.as_secs()))),
        }
    }
}

/// An error down to its cause: the first says only that the call failed.
fn words(error: &dyn Error) -> String {
    let mut words = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if words.last() != Some(&text) {
            words.push(text);
        }
        cause = error.source();
    }
    words.join(": ")
}

/// Looks names up, and gives away no address inside a network. The connection is made to what it answers, with no second look-up in between.
#[derive(Clone, Copy, Debug)]
struct Resolver {
    anywhere: bool,
}

impl Resolver {
    async fn resolve(self, name: &str) -> Result<Vec<IpAddr>, ResolveDnsError> {
        let found = tokio::net::lookup_host((name, 0)).await.map_err(ResolveDnsError::new)?;
        let found: Vec<IpAddr> = found.map(|address| address.ip()).collect();
        match found.iter().find(|ip| !self.anywhere && !is_public(**ip)) {
            None => Ok(found),
            Some(ip) => Err(ResolveDnsError::new(format!("{name} leads to {ip}, which is not public"))),
        }
    }
}

impl ResolveDns for Resolver {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(self.resolve(name))
    }
}
