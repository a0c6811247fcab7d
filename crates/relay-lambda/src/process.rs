//! What a process asks its operating system for: the time, its environment, random bytes.

use std::time::UNIX_EPOCH;

/// Milliseconds since the epoch, UTC.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now_ms() -> i64 {
    let since_epoch = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

/// A variable of the environment; one that is not UTF-8 counts as missing.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Random bytes, fit for secrets.
///
/// Ends the process where the system has none: ids made of anything else would collide, and the platform replaces a dead process.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        std::process::abort();
    }
    bytes
}

/// A new trace id: 32 hexadecimal digits.
#[must_use]
pub fn trace_id() -> String {
    hex::encode(random::<16>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_stands_after_this_was_written() {
        assert!(now_ms() > 1_700_000_000_000);
    }

    #[test]
    fn trace_ids_are_hexadecimal_and_differ() {
        let id = trace_id();
        assert_eq!(id.len(), 32);
        assert!(id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(id, trace_id());
    }
}
