//! No input of any bytes, encoding or nesting makes a reader of ours panic, answer outside its contract, or take memory out of proportion.
//!
//! Each target is fed the corpus kept in `tests/corpus/<target>/`, then what a generator makes of it: random bytes, words of the format in any order,
//! damaged and spliced corpus entries, packed and unpacked. Whatever goes wrong is saved as a file and named in the message: mend it, and move the file into the
//! corpus. `PROPTEST_CASES` sets how many inputs a target is given (256).
//!
//! Memory is counted by the allocator of this binary. zstd's own (a decoder's window) is C's and not among it: `relay` bounds it to 8 MiB where a stranger
//! picks it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

#[path = "fuzz/asked.rs"]
mod asked;
#[path = "fuzz/corpus.rs"]
mod corpus;
#[path = "fuzz/hand_in.rs"]
mod hand_in;
#[path = "fuzz/inputs.rs"]
mod inputs;
#[path = "fuzz/judge.rs"]
mod judge;
#[path = "fuzz/stored.rs"]
mod stored;
#[path = "fuzz/target.rs"]
mod target;

use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// One test a target: the corpus first, then generated inputs.
macro_rules! targets {
    ($($of:ident::$name:ident)+) => {
        $(#[test]
        fn $name() {
            judge::fuzz(&$of::$name());
        })+

        #[test]
        fn every_corpus_has_its_target() {
            let mut named = vec![$(stringify!($name)),+];
            named.sort_unstable();
            assert_eq!(corpus::folders(), named);
        }
    };
}

targets! {
    target::callback target::door target::activities target::batch
    stored::frame stored::page stored::avro stored::quarantine stored::spill
    asked::export_request asked::period
}
