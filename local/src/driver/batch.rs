//! When a lane's waiting records make a batch.

use crate::host::PAYLOAD_MAX;

/// What a mapping allows.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most records.
    pub records: usize,
    /// Milliseconds a batch may fill, from its first record.
    pub window_ms: i64,
}

/// Whether to call the function now.
#[derive(Debug, PartialEq, Eq)]
pub enum Gathered {
    /// Call it with so many of the waiting records.
    Ready(usize),
    /// Wait so many milliseconds for more; `None`: there is nothing.
    Wait(Option<u64>),
}

/// `sizes` are the waiting records' bytes in an event, in order; the first has waited `waited_ms`; `ended` says that no more
/// will come. A batch is full at its count or where the next record would break Lambda's payload limit (AWS Lambda,
/// "Batching behavior").
pub fn gather(sizes: impl Iterator<Item = usize>, waited_ms: i64, ended: bool, limits: Limits) -> Gathered {
    let (mut count, mut bytes, mut full) = (0, 32, false);
    for size in sizes {
        bytes += size + 1;
        full = count == limits.records || (count > 0 && bytes > PAYLOAD_MAX);
        if full {
            break;
        }
        count += 1;
    }
    if count == 0 {
        return Gathered::Wait(None);
    }
    let left = limits.window_ms.saturating_sub(waited_ms);
    if full || ended || count == limits.records || left <= 0 {
        return Gathered::Ready(count);
    }
    Gathered::Wait(u64::try_from(left).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { records: 3, window_ms: 1_000 };

    fn gathered(sizes: &[usize], waited_ms: i64) -> Gathered {
        gather(sizes.iter().copied(), waited_ms, false, LIMITS)
    }

    #[test]
    fn nothing_waits_for_the_first_record() {
        assert_eq!(gathered(&[], 5_000), Gathered::Wait(None));
    }

    #[test]
    fn a_part_waits_for_the_rest_of_its_window() {
        assert_eq!(gathered(&[10, 10], 400), Gathered::Wait(Some(600)));
        assert_eq!(gathered(&[10, 10], 1_000), Gathered::Ready(2));
    }

    #[test]
    fn without_a_window_what_is_there_goes() {
        let limits = Limits { window_ms: 0, ..LIMITS };
        assert_eq!(gather([10].into_iter(), 0, false, limits), Gathered::Ready(1));
    }

    #[test]
    fn a_full_batch_goes_at_once_and_leaves_the_rest() {
        assert_eq!(gathered(&[1, 1, 1], 0), Gathered::Ready(3));
        assert_eq!(gathered(&[1, 1, 1, 1, 1], 0), Gathered::Ready(3));
    }

    #[test]
    fn a_batch_ends_before_the_record_that_breaks_the_payload_limit() {
        let half = PAYLOAD_MAX / 2;
        assert_eq!(gathered(&[half, half], 0), Gathered::Ready(1));
        assert_eq!(gathered(&[half, half - 100, 1_000], 0), Gathered::Ready(2));
    }

    #[test]
    fn a_record_that_is_too_large_alone_still_goes_alone() {
        assert_eq!(gathered(&[PAYLOAD_MAX + 1, 1], 0), Gathered::Ready(1));
    }

    #[test]
    fn the_last_records_of_a_shard_do_not_wait() {
        assert_eq!(gather([10].into_iter(), 0, true, LIMITS), Gathered::Ready(1));
    }
}
