//! Who gets the mails of a schedule, and how an address leaves it without a key.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Schedule;
use crate::control::Key;
use crate::language::Language;

/// An address of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriber {
    /// The address.
    pub email: String,
    /// Whoever has it may take this address, and nothing else, out of this schedule: 32 hexadecimal digits that nobody can guess.
    pub token: String,
}

impl Subscriber {
    /// An address of a new schedule. `secret`: random bytes of this schedule alone, which are kept nowhere.
    #[must_use]
    pub fn new(email: String, schedule_id: &str, secret: &[u8; 32]) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(secret);
        // The id is of one length: no two addresses of two schedules read the same.
        hasher.update(schedule_id.as_bytes()).update(email.as_bytes());
        let hash = hasher.finalize();
        let (first_128_bits, _) = hash.as_bytes().split_at(16);
        Self { email, token: hex::encode(first_128_bits) }
    }
}

/// What a token stands for: item `unsubscribe#{token}` / `address`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Whose schedule.
    pub owner: String,
    /// Which one.
    pub schedule_id: String,
    /// Which address of it.
    pub email: String,
    /// What the page tells besides: the schedule itself may be gone when somebody looks.
    pub app_token: String,
    /// In which language.
    pub language: Language,
}

impl Subscription {
    /// The subscription of an address of this schedule.
    #[must_use]
    pub fn of(schedule: &Schedule, subscriber: &Subscriber) -> Self {
        let (owner, schedule_id) = (schedule.owner.clone(), schedule.schedule_id.clone());
        let asked = |name: &str| schedule.request.get(name).and_then(Value::as_str).unwrap_or_default();
        let language = Language::from_tag(asked("language")).unwrap_or_default();
        Self { owner, schedule_id, email: subscriber.email.clone(), app_token: asked("app_token").to_owned(), language }
    }

    /// Where it stands.
    #[must_use]
    pub fn key(token: &str) -> Key {
        Key::new(format!("unsubscribe#{token}"), "address")
    }
}

impl Schedule {
    /// Takes the address with this token out; the last one ends the schedule. Whether it was there.
    pub fn unsubscribe(&mut self, token: &str, now: i64) -> bool {
        let before = self.subscribers.len();
        self.subscribers.retain(|one| one.token != token);
        if self.subscribers.is_empty() && self.ended_at.is_none() {
            self.ended_at = Some(now);
        }
        self.subscribers.len() < before
    }
}

/// Whether a text can be a token.
#[must_use]
pub fn is_token(text: &str) -> bool {
    crate::export::is_export_id(text)
}
