//! Signed batches: `X-Relay-Signature: t=1700000000,v1=5257a8…`.
//!
//! `t` is when it was signed, in Unix seconds. `v1` is HMAC-SHA256, in hexadecimal digits, under a signing secret (its text, as it was shown), over `t`
//! as sent, a full stop, and the bytes of the body as they are sent (after compression). The query is not signed: of a batch it holds the key, at most.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::owner::secret_hash;

/// The header of a signature.
pub const SIGNATURE_HEADER: &str = "x-relay-signature";

/// How far the time of signing may be from ours: milliseconds. Five minutes forgive slow networks and clocks that are a little off. Within them a batch
/// that somebody caught and sends again is harmless: its activities are the same ones.
const TOLERANCE_MS: u64 = 5 * 60 * 1000;

/// A secret that signs batches. Unlike a key it is stored as it is: a signature cannot be checked with a hash of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningSecret {
    /// The first 12 hexadecimal digits of its SHA-256: names the secret without giving it away.
    pub secret_id: String,
    /// The secret.
    secret: String,
    /// Milliseconds since the epoch, UTC.
    pub created_at: i64,
}

/// What is shown of it never shows the secret.
impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningSecret").field("secret_id", &self.secret_id).finish_non_exhaustive()
    }
}

impl SigningSecret {
    /// The secret of this text.
    #[must_use]
    pub fn of(secret: &str, created_at: i64) -> Self {
        let secret_id = secret_hash(secret).chars().take(12).collect();
        Self { secret_id, secret: secret.to_owned(), created_at }
    }

    /// The text of a new secret: `relay_signing_` and 64 hexadecimal digits of 256 random bits.
    #[must_use]
    pub fn new_text(random: [u8; 32]) -> String {
        format!("relay_signing_{}", hex::encode(random))
    }

    /// The header that a sender with this secret would send.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn sign(&self, body: &[u8], now: i64) -> String {
        let time = (now / 1000).to_string();
        let signature = self.mac(&time, body).map(|mac| mac.finalize().into_bytes());
        format!("t={time},v1={}", signature.map(hex::encode).unwrap_or_default())
    }

    /// What is signed, under this secret. HMAC takes a key of any length: there always is one.
    fn mac(&self, time: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
        let keyed = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).ok()?;
        Some(keyed.chain_update(time).chain_update(b".").chain_update(body))
    }
}

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// None was sent.
    #[error(
        "sign the batch: `X-Relay-Signature: t=<Unix seconds>,v1=<HMAC-SHA256 of t, a full stop and the body, 64 hexadecimal digits>`"
    )]
    Missing,
    /// The header cannot be read.
    #[error("the signature cannot be read; one is `t=<Unix seconds>,v1=<64 hexadecimal digits>`")]
    Unreadable,
    /// Signed too long ago or in the future: so many seconds from now.
    #[error(
        "the signature's time is {0} seconds from ours; at most 300 are taken: sign each attempt anew, and look at the clock"
    )]
    OffTime(u64),
    /// No secret makes this signature.
    #[error(
        "no signing secret of the key's owner makes this signature; sign `t`, a full stop and the bytes of the body as they are sent (after compression)"
    )]
    Wrong,
}

/// Whether one of these secrets has signed the body, lately. The comparison takes the same time wherever the first difference is.
pub fn check(secrets: &[SigningSecret], header: Option<&str>, body: &[u8], now: i64) -> Result<(), SignatureError> {
    let (time, signature) = read(header.ok_or(SignatureError::Missing)?).ok_or(SignatureError::Unreadable)?;
    let signed_at = time.parse::<i64>().map_err(|_| SignatureError::Unreadable)?.saturating_mul(1000);
    let off = now.abs_diff(signed_at);
    if off > TOLERANCE_MS {
        return Err(SignatureError::OffTime(off / 1000));
    }
    let makes_it =
        |secret: &SigningSecret| secret.mac(time, body).is_some_and(|mac| mac.verify_slice(&signature).is_ok());
    if secrets.iter().any(makes_it) { Ok(()) } else { Err(SignatureError::Wrong) }
}

/// The time as sent, and the signature's bytes. Other names are left alone: a later scheme may stand beside this one.
fn read(header: &str) -> Option<(&str, [u8; 32])> {
    let (mut time, mut signature) = (None, None);
    for (name, value) in header.split(',').filter_map(|part| part.trim().split_once('=')) {
        let place = match name {
            "t" => &mut time,
            "v1" => &mut signature,
            _ => continue,
        };
        if place.replace(value).is_some() {
            return None;
        }
    }
    let time = time.filter(|time| !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit()))?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(signature?, &mut bytes).ok()?;
    Some((time, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of docs/sdk.md, made by `openssl dgst -sha256 -hmac`.
    const SECRET: &str = "relay_signing_0000000000000000000000000000000000000000000000000000000000000001";
    const BODY: &[u8] = br#"[{"kind":"install","app_token":"abc123","created_at":1700000000000}]"#;
    const SIGNED: &str = "t=1700000000,v1=4525cdb24ae6650c630d6f86623e32421207e51b3d49236607e6eb082cdeac95";
    const NOW: i64 = 1_700_000_000_000;

    fn checked(header: &str, body: &[u8], now: i64) -> Result<(), SignatureError> {
        let secrets = ["another", SECRET].map(|secret| SigningSecret::of(secret, 0));
        check(&secrets, Some(header), body, now)
    }

    #[test]
    fn the_documents_example_holds() {
        let document = include_str!("../../../docs/sdk.md");
        for part in [SECRET, std::str::from_utf8(BODY).unwrap(), SIGNED] {
            assert!(document.contains(part), "docs/sdk.md: {part}");
        }
        assert_eq!(checked(SIGNED, BODY, NOW), Ok(()));
        assert_eq!(SigningSecret::of(SECRET, 0).sign(BODY, NOW), SIGNED);
    }

    #[test]
    fn any_secret_will_do_and_no_other() {
        let of = |texts: &[&str]| -> Vec<_> { texts.iter().map(|text| SigningSecret::of(text, 0)).collect() };
        for (secrets, expected) in [
            (of(&[SECRET]), Ok(())),
            (of(&["x", SECRET]), Ok(())),
            (of(&["x", "y"]), Err(SignatureError::Wrong)),
            (of(&[]), Err(SignatureError::Wrong)),
        ] {
            assert_eq!(check(&secrets, Some(SIGNED), BODY, NOW), expected);
        }
        assert_eq!(check(&of(&[SECRET]), None, BODY, NOW), Err(SignatureError::Missing));
    }

    #[test]
    fn what_was_changed_does_not_hold() {
        assert_eq!(checked(SIGNED, &BODY[1..], NOW), Err(SignatureError::Wrong));
        assert_eq!(checked(SIGNED, &[BODY, b" "].concat(), NOW), Err(SignatureError::Wrong));
        assert_eq!(checked(&SIGNED.replace("t=1700000000", "t=1700000001"), BODY, NOW), Err(SignatureError::Wrong));
        assert_eq!(checked(&SIGNED.replace("t=1700000000", "t=01700000000"), BODY, NOW), Err(SignatureError::Wrong));
        let last = if SIGNED.ends_with('0') { "1" } else { "0" };
        assert_eq!(checked(&format!("{}{last}", &SIGNED[..SIGNED.len() - 1]), BODY, NOW), Err(SignatureError::Wrong));
    }

    #[test]
    fn it_holds_for_five_minutes_either_way() {
        for off in [-300_000, -1, 0, 1, 300_000] {
            assert_eq!(checked(SIGNED, BODY, NOW + off), Ok(()), "{off}");
        }
        assert_eq!(checked(SIGNED, BODY, NOW + 301_000), Err(SignatureError::OffTime(301)));
        assert_eq!(checked(SIGNED, BODY, NOW - 301_000), Err(SignatureError::OffTime(301)));
        assert_eq!(checked(SIGNED, BODY, NOW + 300_001), Err(SignatureError::OffTime(300)));
        let far = SIGNED.replace("1700000000", "9223372036854775807");
        assert!(matches!(checked(&far, BODY, NOW), Err(SignatureError::OffTime(_))));
    }

    #[test]
    fn a_header_is_read_tolerantly_and_never_twice() {
        let (time, signature) = SIGNED.split_once(',').unwrap();
        for header in [format!(" {signature} , {time} "), format!("v0=ab,{SIGNED},v2")] {
            assert_eq!(checked(&header, BODY, NOW), Ok(()), "{header}");
        }
        let upper = format!("{time},v1={}", signature[3..].to_uppercase());
        assert_eq!(checked(&upper, BODY, NOW), Ok(()));
        for header in [
            "",
            "t=1700000000",
            signature,
            "t=,v1=00",
            "t=1700000000,v1=zz",
            &SIGNED[..SIGNED.len() - 1],
            &format!("{SIGNED}0"),
            &format!("{SIGNED},{SIGNED}"),
            &SIGNED.replace("t=", "t=+"),
            &SIGNED.replace("1700000000", "99999999999999999999"),
        ] {
            assert_eq!(checked(header, BODY, NOW), Err(SignatureError::Unreadable), "{header}");
        }
    }

    #[test]
    fn nothing_that_is_printed_shows_the_secret() {
        let secret = SigningSecret::of(SECRET, 7);
        assert_eq!(format!("{secret:?}"), format!("SigningSecret {{ secret_id: \"{}\", .. }}", secret.secret_id));
        assert!(!SECRET.contains(&secret.secret_id));
        let json = serde_json::to_value(&secret).unwrap();
        assert_eq!(serde_json::from_value::<SigningSecret>(json).unwrap(), secret);
    }
}
