//! What an owner asks of requests with its ingest keys beside the key: where they come from, and that batches are signed.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::signature::SigningSecret;

/// The most networks of a list: the whole profile is read with every key that the doors look up.
pub const MAX_SOURCES: usize = 100;

/// The most signing secrets that are valid at a time: an old and a new one for each of two senders. Each costs a pass over the body.
pub const MAX_SIGNING_SECRETS: usize = 4;

/// What an owner asks beside the key. By default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Access {
    /// Networks that providers' callbacks may come from; empty for any.
    pub callback_sources: BTreeSet<Network>,
    /// Networks that batches to `/v1/activities` may come from; empty for any.
    pub activity_sources: BTreeSet<Network>,
    /// Secrets of which one signs a batch. Providers cannot sign: callbacks are never asked to be.
    pub signing_secrets: Vec<SigningSecret>,
    /// Whether a batch must be signed. A signature that is sent must hold in any case, while there are secrets.
    pub signature_required: bool,
}

/// Whether a request from this address may come in: the list is empty, or one of its networks holds the address. An address that cannot be read is
/// in no network.
#[must_use]
pub fn is_source(sources: &BTreeSet<Network>, address: &str) -> bool {
    sources.is_empty() || address.parse().is_ok_and(|address| sources.iter().any(|network| network.contains(address)))
}

/// A network, as text `203.0.113.0/24` or `2001:db8::/32`. A bare address is the network of it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    /// The first address.
    address: IpAddr,
    /// How many leading bits its addresses share.
    bits: u32,
}

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// It cannot be read.
    #[error("`{0}` is no network; one is `203.0.113.0/24`, `2001:db8::/32`, or an address alone")]
    Unreadable(String),
    /// Bits behind the prefix are set.
    #[error("the address has bits behind its prefix; did you mean `{0}`?")]
    StrayBits(Network),
    /// IPv4 in IPv6's clothes.
    #[error("an IPv4 network is written as IPv4, such as `203.0.113.0/24`")]
    Mapped,
}

impl Network {
    /// Whether an address is in it. One of IPv4 that a dual-stack socket shows as `::ffff:203.0.113.7` is one of IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        first_of(address.to_canonical(), self.bits) == self.address
    }
}

/// The first address of the network of `bits` bits around an address.
fn first_of(address: IpAddr, bits: u32) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits)).unwrap_or_default();
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits)).unwrap_or_default();
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let unreadable = || NetworkError::Unreadable(text.to_owned());
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| unreadable())?;
        if address.to_canonical() != address {
            return Err(NetworkError::Mapped);
        }
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match prefix {
            None => most,
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => bits.parse().map_err(|_| unreadable())?,
            Some(_) => return Err(unreadable()),
        };
        if bits > most {
            return Err(unreadable());
        }
        let network = Self { address: first_of(address, bits), bits };
        if network.address == address { Ok(network) } else { Err(NetworkError::StrayBits(network)) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl TryFrom<String> for Network {
    type Error = NetworkError;

    fn try_from(text: String) -> Result<Self, NetworkError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> BTreeSet<Network> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn an_address_is_in_a_network_or_not() {
        for (network, inside, outside) in [
            (
                "203.0.113.0/24",
                vec!["203.0.113.0", "203.0.113.255", "::ffff:203.0.113.7"],
                vec!["203.0.112.255", "203.0.114.0", "::"],
            ),
            ("203.0.113.7", vec!["203.0.113.7"], vec!["203.0.113.6", "203.0.113.8"]),
            ("203.0.113.128/25", vec!["203.0.113.128", "203.0.113.255"], vec!["203.0.113.127"]),
            ("0.0.0.0/0", vec!["0.0.0.0", "255.255.255.255"], vec!["::", "2001:db8::1"]),
            ("::/0", vec!["::", "2001:db8::1"], vec!["203.0.113.7", "::ffff:203.0.113.7"]),
            ("2001:db8::/32", vec!["2001:db8::", "2001:db8:ffff::1"], vec!["2001:db9::", "203.0.113.7"]),
            ("2001:db8::1", vec!["2001:db8::1", "2001:0DB8:0:0::0001"], vec!["2001:db8::2", "2001:db8::"]),
        ] {
            let sources = networks(&[network]);
            assert!(inside.iter().all(|address| is_source(&sources, address)), "{network} {inside:?}");
            assert!(!outside.iter().any(|address| is_source(&sources, address)), "{network} {outside:?}");
        }
    }

    #[test]
    fn no_list_lets_all_in_and_a_list_nobody_that_cannot_be_placed() {
        let sources = networks(&["0.0.0.0/0", "::/0"]);
        for address in ["", "unknown", "203.0.113.7:443", "203.0.113"] {
            assert!(is_source(&BTreeSet::new(), address), "{address}");
            assert!(!is_source(&sources, address), "{address}");
        }
    }

    #[test]
    fn what_is_no_network_is_told_what_would_be_right() {
        for text in [
            "",
            "203.0.113",
            "203.0.113.0/33",
            "2001:db8::/129",
            "203.0.113.0/",
            "203.0.113.0/+24",
            "203.0.113.0/24/1",
            "example.com",
            "203.0.113.0/99999999999",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError::Unreadable(text.to_owned())));
        }
        let stray = "203.0.113.7/24".parse::<Network>().unwrap_err().to_string();
        assert!(stray.ends_with("did you mean `203.0.113.0/24`?"), "{stray}");
        let stray = "2001:db8::1/32".parse::<Network>().unwrap_err().to_string();
        assert!(stray.contains("`2001:db8::/32`"), "{stray}");
        assert_eq!("::ffff:203.0.113.0/120".parse::<Network>(), Err(NetworkError::Mapped));
    }

    #[test]
    fn a_profile_holds_networks_as_text() {
        let access = Access { callback_sources: networks(&["203.0.113.7", "2001:DB8::/32"]), ..Access::default() };
        let json = serde_json::to_value(&access).unwrap();
        assert_eq!(json["callback_sources"], serde_json::json!(["203.0.113.7/32", "2001:db8::/32"]));
        assert_eq!(serde_json::from_value::<Access>(json).unwrap(), access);
        assert_eq!(serde_json::from_str::<Access>("{}").unwrap(), Access::default());
    }
}
