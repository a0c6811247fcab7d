//! Inputs that a target has not seen: random bytes, words of its format in any order, kept inputs damaged and spliced.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::target::Target;

/// Larger kept inputs are fed as they are: a copy with one byte changed tells little and takes long.
const MAX_MUTATED_BYTES: usize = 16 * 1024;

/// What readers of text stumble over, whatever the format.
const ODD: [&[u8]; 24] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"=",
    b"&",
    b"%",
    b"%00",
    b"%zz",
    b"\\u",
    b"\\ud83d",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"null",
    b"1e999",
    b"-0",
    b"99999999999999999999",
    "한 🎮".as_bytes(),
    b"\n",
];

/// One change of a kept input.
#[derive(Clone, Debug)]
enum Change {
    Set(Index, u8),
    Cut(Index, Index),
    Double(Index, Index),
    Insert(Index, &'static [u8]),
    Splice(Index, Vec<u8>),
}

/// Inputs for a target, made of its words and its corpus.
pub(crate) fn of(target: &Target, kept: Vec<(String, Vec<u8>)>) -> impl Strategy<Value = Vec<u8>> + use<> {
    let words = [target.words, &ODD].concat();
    let small: Vec<_> =
        kept.into_iter().map(|(_, input)| input).filter(|input| input.len() <= MAX_MUTATED_BYTES).collect();
    let raw = prop::collection::vec(any::<u8>(), 0..400);
    let soup = prop::collection::vec(select(words.clone()), 0..60).prop_map(|words| words.concat());
    let open = target.open;
    let opened = small.iter().map(|input| open(input)).collect::<Vec<_>>();
    let several = prop::collection::vec(change(words, opened.clone()), 0..6);
    let changed = (select(opened), several).prop_map(|(input, changes)| changes.iter().fold(input, apply));
    let close = target.close;
    (prop_oneof![1 => raw, 3 => soup, 4 => changed], any::<u8>()).prop_map(move |(input, how)| close(input, how))
}

fn change(words: Vec<&'static [u8]>, kept: Vec<Vec<u8>>) -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Change::Cut(from, to)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Change::Double(from, to)),
        (any::<Index>(), select(words)).prop_map(|(at, word)| Change::Insert(at, word)),
        (any::<Index>(), select(kept)).prop_map(|(at, other)| Change::Splice(at, other)),
    ]
}

fn apply(mut input: Vec<u8>, change: &Change) -> Vec<u8> {
    let places = input.len() + 1;
    let range = |from: &Index, to: &Index| {
        let (from, to) = (from.index(places), to.index(places));
        from.min(to)..from.max(to)
    };
    match change {
        Change::Set(at, byte) if !input.is_empty() => {
            let at = at.index(input.len());
            input[at] = *byte;
        }
        Change::Set(..) => {}
        Change::Cut(from, to) => drop(input.drain(range(from, to))),
        Change::Double(from, to) => {
            let part = input[range(from, to)].to_vec();
            input.extend(part);
        }
        Change::Insert(at, word) => drop(input.splice(at.index(places)..at.index(places), word.iter().copied())),
        Change::Splice(at, other) => {
            input.truncate(at.index(places));
            input.extend(other.iter().skip(at.index(other.len() + 1)));
        }
    }
    input
}
