//! Memory while bodies are read that were made to use it up. The only test of its process: it reads how much that has had at most.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

use std::fs;
use std::hint::black_box;
use std::io::Write as _;

use relay::batch::{Body, MAX_UNPACKED_BYTES, Unpacked, unpack};

/// The most that reading any one body may add, in KiB: the body unpacked (with the room a growing buffer keeps), a zstd window of 8 MiB, and of its
/// items, which are read one by one, what the largest unfolds to.
const MOST_KIB: u64 = 48 * 1024;

/// The most memory that this process has had so far: KiB.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells a process about itself");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak, too");
    line.trim().trim_end_matches(" kB").parse().expect("in kB")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// As much as is taken of a text, over and over.
fn filled(text: &str) -> Vec<u8> {
    text.bytes().cycle().take(MAX_UNPACKED_BYTES).collect()
}

/// A zstd frame that declares as much content, and with it as large a window, as it likes; one block of 4 MiB of one byte is all it has.
fn declares(content: u64) -> Vec<u8> {
    let mut frame = b"\x28\xb5\x2f\xfd\xe0".to_vec();
    frame.extend(content.to_le_bytes());
    // A last block of the same byte 128 KiB times: size << 3 | RLE << 1 | last.
    let block = ((128 * 1024) << 3) | 0b011_u32;
    frame.extend(&block.to_le_bytes()[..3]);
    frame.push(b'[');
    frame
}

#[test]
fn no_body_takes_memory_without_measure() {
    let zeros = vec![0; 256 * 1024 * 1024];
    let bombs = [
        ("gzip", gzip(&zeros)),
        ("zstd", zstd::bulk::compress(&zeros, 19).unwrap()),
        ("zstd", declares(u64::MAX)),
        ("zstd", declares(1 << 32)),
        ("zstd", declares(64 << 20)),
        ("gzip", gzip(b"").into_iter().cycle().take(4_000_000 / 20 * 20).collect()),
        ("zstd", b"\x50\x2a\x4d\x18\x00\x00\x00\x00".iter().copied().cycle().take(4_000_000).collect()),
        ("gzip", gzip(&filled("["))),
        ("gzip", gzip(&filled("{\"a\":"))),
        ("gzip", gzip(&filled("{\"activities\":["))),
        ("gzip", gzip(&filled("0\n"))),
        ("gzip", gzip(&[b"[".as_slice(), &filled("0,")[..4_000_000], b"0]"].concat())),
        ("gzip", gzip(&[b"[{\"a\":[".as_slice(), &filled("0,")[..500_000], b"0]}]"].concat())),
        ("gzip", gzip(&[b"[{".as_slice(), &filled("\"\":0,")[..500_000], b"\"\":0}]"].concat())),
        ("", filled("\"\\u0000")),
    ];
    drop(zeros);
    // What is freed goes back to the system before the peak is set to what is left.
    fs::write("/proc/self/clear_refs", "5").expect("Linux lets a process forget its peak");
    for (encoding, bomb) in bombs {
        let start: Vec<u8> = bomb.iter().take(12).copied().collect();
        let content = bomb.into();
        for content_type in ["application/json", "application/x-ndjson"] {
            fs::write("/proc/self/clear_refs", "5").unwrap();
            let before = peak_kib();
            let body = Body { content_type, content_encoding: encoding, content: &content };
            let activities = |unpacked: Unpacked<'_>| unpacked.activities(1_700_000_000_000).is_ok();
            black_box(unpack(&body).is_ok_and(activities));
            let added = peak_kib() - before;
            assert!(added <= MOST_KIB, "{encoding} {content_type} {start:x?}: {added} KiB");
        }
    }
}
