//! zstd, as frames, pages and the quarantine's objects are packed.

use std::cell::RefCell;
use std::io;

use zstd::bulk::Compressor;

/// zstd's level 3: measured on synthetic activities as the best of ratio and time (storage.md). For frames, too: at level 1 a batch of 100 packs in three
/// quarters of the time, but its 3 % more bytes cost more in the stream than the time does (`relayctl plan`, 350,000 a second).
const LEVEL: i32 = 3;

thread_local! {
    /// Kept from one call to the next: making one takes as long as packing fifteen activities (12 µs).
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

/// The bytes as one frame of zstd. Fails where there is no memory for it, and nowhere else.
pub(crate) fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some(compressor) => compressor,
            None => kept.insert(Compressor::new(LEVEL)?),
        };
        compressor.compress(bytes)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_packed_before_leaves_no_trace(inputs in prop::collection::vec(prop::collection::vec(0u8..4, 0..3_000), 1..6)) {
            for bytes in inputs {
                prop_assert_eq!(compress(&bytes).unwrap(), zstd::bulk::compress(&bytes, LEVEL).unwrap());
            }
        }
    }
}
