//! Webhooks: an owner's address that is told when one of its exports has ended, signed as <https://www.standardwebhooks.com> says.
//!
//! A delivery is repeated until the address answers 2xx, after 1, 2, 4 … minutes, for a day. One that was answered may be repeated, too, when the answer
//! got lost: its `webhook-id` stays the same, so that the receiver knows it again.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::control::Key;
use crate::export::{Export, View};
use crate::period::rfc3339;

mod address;

pub use address::{AddressError, Target, is_public};

/// The pause before the second attempt; it doubles with each further one: milliseconds.
const FIRST_PAUSE_MS: i64 = 60_000;

/// The longest pause between two attempts: milliseconds.
const MAX_PAUSE_MS: i64 = 4 * 3_600_000;

/// How long after an export's end it is still tried: milliseconds.
const TRIED_MS: i64 = 24 * 3_600_000;

/// How secrets begin (Standard Webhooks, "Signature scheme").
const SECRET_PREFIX: &str = "whsec_";

/// An owner's webhook: item `webhook#{owner}` / `webhook`. The secret is stored as it is: one cannot sign with a hash of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// The address.
    pub url: String,
    /// The text of the secret that signs.
    pub secret: String,
    /// Milliseconds since the epoch, UTC.
    pub created_at: i64,
}

/// What is shown of it never shows the secret; nor the address, which may hold one.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("created_at", &self.created_at).finish_non_exhaustive()
    }
}

impl Webhook {
    /// Where an owner's webhook stands.
    #[must_use]
    pub fn key(owner: &str) -> Key {
        Key::new(format!("webhook#{owner}"), "webhook")
    }

    /// The headers of a delivery; `now` in milliseconds since the epoch.
    #[must_use]
    pub fn headers(&self, id: &str, body: &[u8], now: i64) -> [(&'static str, String); 3] {
        let time = (now / 1000).to_string();
        let signature = format!("v1,{}", STANDARD.encode(self.sign(id, &time, body)));
        [("webhook-id", id.to_owned()), ("webhook-timestamp", time), ("webhook-signature", signature)]
    }

    /// HMAC-SHA256 of `{id}.{time}.{body}` under the secret's bytes.
    fn sign(&self, id: &str, time: &str, body: &[u8]) -> Vec<u8> {
        let text = self.secret.strip_prefix(SECRET_PREFIX).unwrap_or(&self.secret);
        let key = STANDARD.decode(text).unwrap_or_else(|_| text.as_bytes().to_vec());
        // HMAC takes a key of any length: there always is one.
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(&key) else { return Vec::new() };
        let mac = mac.chain_update(id).chain_update(b".").chain_update(time).chain_update(b".").chain_update(body);
        mac.finalize().into_bytes().to_vec()
    }
}

/// The text of a new secret: `whsec_` and 256 random bits in base64.
#[must_use]
pub fn new_secret(random: [u8; 32]) -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(random))
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStatus {
    /// It was tried, and will be again.
    Pending,
    /// The address answered 2xx.
    Delivered,
    /// It was given up.
    Failed,
}

/// The delivery of an export's end to its owner's webhook, as stored in the export and as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Where it stands.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// How the last attempt ended: `HTTP 500`, or why there was no answer.
    pub last: String,
}

impl Delivery {
    /// The delivery after one more attempt, and when the next one is due. `answer` is a status, or why there was none; `ended_at` is when the export
    /// ended, `now` the time of the attempt: milliseconds since the epoch.
    #[must_use]
    pub fn after(before: Option<&Self>, answer: Result<u16, String>, ended_at: i64, now: i64) -> (Self, Option<i64>) {
        let attempts = before.map_or(0, |before| before.attempts).saturating_add(1);
        let is_taken = matches!(answer, Ok(200..=299));
        let last = answer.map_or_else(|why| why, |status| format!("HTTP {status}"));
        let next = now.saturating_add(pause(attempts));
        let (status, next) = if is_taken {
            (DeliveryStatus::Delivered, None)
        } else if next > ended_at.saturating_add(TRIED_MS) {
            (DeliveryStatus::Failed, None)
        } else {
            (DeliveryStatus::Pending, Some(next))
        };
        (Self { status, attempts, last }, next)
    }
}

/// The pause after so many attempts: milliseconds.
fn pause(attempts: u32) -> i64 {
    let doubled = 1_i64.checked_shl(attempts.saturating_sub(1)).filter(|factor| *factor > 0).unwrap_or(i64::MAX);
    FIRST_PAUSE_MS.saturating_mul(doubled).min(MAX_PAUSE_MS)
}

/// What an ended export tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The same for every attempt, and for no other event.
    pub id: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Event {
    /// What an export that has ended tells: its type, when it ended, and the export as the API shows it.
    #[must_use]
    pub fn of(export: &Export) -> Self {
        let ended_at = export.finished_at.unwrap_or(export.as_of);
        let name = export.status.name();
        // As it was at its end: no file has expired by then.
        let mut data = export.view(View { now: ended_at, retention_days: u16::MAX, position: None });
        if let Value::Object(members) = &mut data {
            members.remove("webhook");
        }
        let body = json!({"type": format!("export.{name}"), "timestamp": rfc3339(ended_at), "data": data});
        Self { id: format!("{}.{name}", export.export_id), body: body.to_string().into_bytes() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_794_648_600_000;

    /// The example of the specification's reference libraries: any library of theirs must agree.
    #[test]
    fn the_signature_is_that_of_the_specification() {
        let webhook = Webhook {
            url: "https://example.com".into(),
            secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into(),
            created_at: 0,
        };
        let headers = webhook.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#, 1_614_265_330_999);
        assert_eq!(headers[0].1, "msg_p5jXN8AQM9LWM0D4loKWxJek");
        assert_eq!(headers[1].1, "1614265330");
        assert_eq!(headers[2].1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_256_bits_and_never_shown() {
        let secret = new_secret([7; 32]);
        assert_eq!(STANDARD.decode(&secret[6..]).unwrap(), [7; 32]);
        let webhook = Webhook { url: "https://example.com/?token=t0k".into(), secret: secret.clone(), created_at: 1 };
        let shown = format!("{webhook:?}");
        assert!(!shown.contains(&secret) && !shown.contains("t0k"), "{shown}");
    }

    #[test]
    fn a_delivery_is_tried_with_growing_pauses_for_a_day() {
        let (mut delivery, mut next) = Delivery::after(None, Ok(500), NOW, NOW);
        let mut times = vec![NOW];
        while let Some(at) = next {
            assert_eq!(delivery.status, DeliveryStatus::Pending);
            times.push(at);
            (delivery, next) = Delivery::after(Some(&delivery), Err("no answer within 5 s".into()), NOW, at);
        }
        let pauses: Vec<i64> = times.windows(2).map(|pair| (pair[1] - pair[0]) / 60_000).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 240, 240, 240, 240]);
        assert!(times.iter().all(|at| *at <= NOW + TRIED_MS));
        assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Failed, 13));
        assert_eq!(delivery.last, "no answer within 5 s");
        assert_eq!(pause(1_000), MAX_PAUSE_MS);
    }

    #[test]
    fn any_2xx_takes_it_and_nothing_else_does() {
        for (status, taken) in [(200, true), (204, true), (299, true), (199, false), (301, false), (404, false)] {
            let (delivery, next) = Delivery::after(None, Ok(status), NOW, NOW);
            assert_eq!((delivery.status == DeliveryStatus::Delivered, next.is_none()), (taken, taken), "{status}");
            assert_eq!(delivery.last, format!("HTTP {status}"));
        }
    }
}
