//! Addresses that a webhook may have. Whoever names one makes Relay send something there, so nothing inside a network may be named.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The most characters of an address.
const MAX_CHARS: usize = 2048;

/// Why a text is no webhook's address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It does not begin with `https://`.
    #[error("a webhook's address begins with https://")]
    NotHttps,
    /// It cannot be read.
    #[error(
        "a webhook's address is https://host[:port][/path][?query] in ASCII, at most 2048 characters, without a name, password or #fragment"
    )]
    Unreadable,
    /// It names an address that is not public.
    #[error("a webhook's address is reachable from the Internet; {0} is not")]
    NotPublic(IpAddr),
}

/// An address, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whether it wants TLS.
    pub is_https: bool,
    /// Its host where it is an IP address and no name.
    pub ip: Option<IpAddr>,
}

impl Target {
    /// Reads an address, `https` or `http`, wherever it leads.
    pub fn read(url: &str) -> Result<Self, AddressError> {
        let (is_https, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(AddressError::NotHttps),
        };
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\' | b'"' | b'<' | b'>');
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let host = host(authority).filter(|_| url.len() <= MAX_CHARS && url.bytes().all(is_plain));
        let host = host.ok_or(AddressError::Unreadable)?;
        Ok(Self { is_https, ip: host.parse().ok() })
    }

    /// Reads an address that may be registered: `https`, and no address inside a network. A name may still lead to one; that is seen when it is called.
    pub fn public(url: &str) -> Result<Self, AddressError> {
        let target = Self::read(url)?;
        if !target.is_https {
            return Err(AddressError::NotHttps);
        }
        match target.ip.filter(|ip| !is_public(*ip)) {
            Some(ip) => Err(AddressError::NotPublic(ip)),
            None => Ok(target),
        }
    }
}

/// The host of `host[:port]`, an IPv6 address without its brackets; `None` for anything else, names and passwords before an `@` among them.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        (host, port)
    } else {
        let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        (!host.is_empty() && host.bytes().all(is_name)).then_some((host, port))?
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(host)
}

/// Whether an address belongs to one host of the Internet (IANA's special-purpose address registries; what they do not list is).
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => ip.to_ipv4_mapped().map_or_else(|| is_public_v6(ip), is_public_v4),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let special = match ip.octets() {
        // This network; private; loopback; link-local, where the cloud's own services stand; multicast, reserved and broadcast.
        [0 | 10 | 127 | 224..=255, ..]
        | [169, 254, ..]
        | [192, 168, ..]
        // Protocol assignments, documentation, relays of 6to4.
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => true,
        // Shared by carriers; private; benchmarks.
        [100, second, ..] => second & 0xc0 == 64,
        [172, second, ..] => second & 0xf0 == 16,
        [198, second, ..] => second & 0xfe == 18,
        _ => false,
    };
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let special = match ip.segments() {
        // Protocol assignments with Teredo; documentation; 6to4, which holds an IPv4 address.
        [0x2001, second, ..] => second < 0x200 || second == 0xdb8,
        [0x2002, ..] => true,
        [0x3fff, second, ..] => second < 0x1000,
        // All else that is public is global unicast, 2000::/3.
        [first, ..] => first & 0xe000 != 0x2000,
    };
    !special
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSIDE: &str = "0.0.0.0 10.1.2.3 100.64.0.1 100.127.255.255 127.0.0.1 127.9.9.9 169.254.169.254 172.16.0.1 \
        172.31.255.255 192.0.0.170 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.7 \
        203.0.113.7 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 \
        64:ff9b::7f00:1 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1:: 3fff::1 fc00::1 fd00:ec2::254 \
        fe80::1 fec0::1 ff02::1";
    const OUTSIDE: &str = "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.0 172.15.0.1 172.32.0.1 192.0.1.1 198.17.0.1 198.20.0.1 \
        223.255.255.255 ::ffff:8.8.8.8 2001:4860:4860::8888 2606:4700::1111 2a00::1 3ffe::1";
    const GOOD: &str = "https://example.com https://example.com/ https://example.com:8443/hook?a=b&c=%20 https://8.8.8.8/x \
        https://[2606:4700::1111]:443/x https://example.com?token=1 https://a_b.example.com/";
    const BAD: [&str; 22] = [
        "",
        "example.com",
        "ftp://example.com",
        "HTTPS://example.com",
        "https://",
        "https:///x",
        "https://:443/",
        "https://a b/",
        "https://kim@example.com/",
        "https://kim:pw@example.com/",
        "https://example.com@10.0.0.1/",
        "https://example.com/#x",
        "https://example.com:99999/",
        "https://example.com:+1/",
        "https://example.com:x/",
        "https://exämple.com/",
        "https://[::1/",
        "https://[::1]x/",
        "https://[fe80::1%25eth0]/",
        "https://example.com\\@10.0.0.1/",
        "https://example.com/\u{7f}",
        "https://example.com/\r\nx: y",
    ];

    #[test]
    fn nothing_inside_a_network_is_public() {
        for inside in INSIDE.split(' ') {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
        for outside in OUTSIDE.split(' ') {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn an_address_is_https_and_outside() {
        for good in GOOD.split(' ') {
            assert_eq!(Target::public(good).map(|target| target.is_https), Ok(true), "{good}");
        }
        for bad in BAD {
            assert!(Target::read(bad).is_err(), "{bad}");
        }
        assert_eq!(Target::public("http://example.com/"), Err(AddressError::NotHttps));
        for inside in
            ["https://127.0.0.1/", "https://[::1]:443/", "https://169.254.169.254/latest", "https://[::ffff:10.0.0.1]/"]
        {
            assert!(matches!(Target::public(inside), Err(AddressError::NotPublic(_))), "{inside}");
        }
        let long = format!("https://example.com/{}", "a".repeat(2048));
        assert_eq!(Target::read(&long), Err(AddressError::Unreadable));
        assert!(Target::read("http://127.0.0.1:8080/hook").is_ok(), "for the stack on one machine");
    }
}
