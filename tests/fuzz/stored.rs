//! Readers of what we store: a frame, a page, a quarantine object are ours, but a bug, a bad disk or a later release may have written them.

use relay::avro;
use relay::frame::{self, Frame};
use relay::page::{self, Unpacker};
use relay::quarantine;
use relay::replay::{self, Marker};
use relay::spill;

use crate::target::{KIB, MIB, Memory, Target, as_it_is, assert_readable, unpacked};

/// What begins a frame of activities, a frame of a reject, a page.
const ACTIVITIES: [u8; 9] = head(1, avro::FINGERPRINT);
const RAW: [u8; 9] = head(3, frame::REJECT_FINGERPRINT);
const PAGE: [u8; 8] = avro::FINGERPRINT.to_le_bytes();

/// Lengths that lie: of 2³¹ bytes, of the most a long holds, of less than nothing, one that never ends.
const LENGTHS: [&[u8]; 6] = [
    b"\x02",
    b"\xac\x02",
    b"\x80\x80\x80\x80\x10",
    b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x01",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
];

const fn head(kind: u8, fingerprint: u64) -> [u8; 9] {
    let bytes = fingerprint.to_le_bytes();
    let mut head = [kind; 9];
    let mut at = 0;
    while at < bytes.len() {
        head[at + 1] = bytes[at];
        at += 1;
    }
    head
}

const FRAME_WORDS: &[&[u8]] = &[
    &ACTIVITIES,
    &RAW,
    LENGTHS[0],
    LENGTHS[1],
    LENGTHS[2],
    LENGTHS[3],
    LENGTHS[4],
    LENGTHS[5],
    b"\x0cadjust",
    b"\x12malformed",
];

/// A stream record.
pub(crate) fn frame() -> Target {
    Target {
        name: "frame",
        // It unpacks to 4 MiB at most, is held once more while it is checked, and each activity in it has a place of 16 bytes.
        memory: Memory { fixed: 6 * MIB, per_byte: 8 },
        words: FRAME_WORDS,
        open: |input| match input.first() {
            Some(kind @ (2 | 4)) if input.len() >= 9 => {
                let plain = zstd::bulk::decompress(&input[9..], 64 * KIB).unwrap_or_default();
                [&[kind - 1], &input[1..9], &plain].concat()
            }
            _ => input.to_vec(),
        },
        close: |input, how| match input.first() {
            Some(kind @ (1 | 3)) if how % 2 == 0 && input.len() >= 9 => {
                [&[kind + 1], &input[1..9], &zstd::bulk::compress(&input[9..], 1).unwrap()].concat()
            }
            _ => input,
        },
        run: |input| drop(read_frame(input)),
    }
}

fn read_frame(input: &[u8]) -> Option<Frame> {
    let frame = frame::decode(input).ok()?;
    match &frame {
        Frame::Activities(activities) => {
            assert_eq!(activities.datums().count(), activities.len());
            for datum in activities.datums() {
                avro::decode(datum).expect("every activity of a frame was checked");
            }
        }
        Frame::Raw(raw) => assert_eq!(frame::decode(&raw.encode()).as_ref(), Ok(&frame)),
    }
    Some(frame)
}

/// A page of the table.
pub(crate) fn page() -> Target {
    Target {
        name: "page",
        memory: Memory { fixed: 5 * MIB, per_byte: 8 },
        words: &[&PAGE, LENGTHS[0], LENGTHS[1], LENGTHS[2], LENGTHS[3], LENGTHS[4], LENGTHS[5]],
        open: |input| {
            let plain = zstd::bulk::decompress(input.get(8..).unwrap_or_default(), 64 * KIB).unwrap_or_default();
            [&PAGE, plain.as_slice()].concat()
        },
        close: |input, how| match input.split_at_checked(8) {
            Some((fingerprint, plain)) if how % 4 > 0 => {
                [fingerprint, &zstd::bulk::compress(plain, 1).unwrap()].concat()
            }
            _ => input,
        },
        run: |input| {
            let mut unpacker = Unpacker::default();
            let Ok(bytes) = unpacker.unpack(input) else { return };
            for range in page::datums(bytes) {
                let Ok(range) = range else { break };
                drop(avro::decode(&bytes[range]));
            }
        },
    }
}

/// One activity.
pub(crate) fn avro() -> Target {
    Target {
        name: "avro",
        memory: Memory { fixed: 4 * KIB, per_byte: 60 },
        words: &[
            LENGTHS[0],
            LENGTHS[1],
            LENGTHS[2],
            LENGTHS[3],
            LENGTHS[4],
            LENGTHS[5],
            b"\x06app",
            b"\0\0\0\0\0\0\0\0",
        ],
        open: as_it_is,
        close: unpacked,
        run: |input| {
            let head = avro::head(input);
            if let Ok(activity) = avro::decode(input) {
                let mut again = Vec::new();
                avro::encode(&activity, &mut again);
                assert_eq!(avro::decode(&again).as_ref(), Ok(&activity));
                assert_eq!(head.map(|head| head.created_at), Ok(activity.created_at));
            }
        },
    }
}

/// An object of the quarantine, each entry read again; and the marker of a replay.
pub(crate) fn quarantine() -> Target {
    Target {
        name: "quarantine",
        // A line of an object is at most 16 MiB; its vector may be twice that while it grows, and the entry holds it once more.
        memory: Memory { fixed: 64 * MIB, per_byte: 100 },
        words: &[
            b"{\"id\":\"\",\"reason\":\"malformed\",\"detail\":\"\",\"received_at\":1700000000000,\"trace_id\":\"\",\"source\":\"adjust\"", b"}\n",
            b",\"reason\":\"undecodable\"", b",\"reason\":\"refused_page\"", b",\"body_base64\":\"", b",\"body\":\"", b",\"method\":\"POST\"",
            b",\"query\":\"app_token=app&activity_kind=install&created_at=1699999999", b"AQOzAlkkOsTGiQ==", b"\"accepted\":[1,2]",
        ],
        open: |input| zstd::bulk::decompress(input, 64 * KIB).unwrap_or_else(|_| input.to_vec()),
        close: |input, how| if how % 2 == 0 { zstd::bulk::compress(&input, 1).unwrap() } else { input },
        run: |input| {
            drop(Marker::read(input));
            let Ok(entries) = quarantine::entries(input) else { return };
            for entry in entries {
                let Ok(entry) = entry else { break };
                match replay::understand(&entry) {
                    Ok(replay::Understood::Callback { activity, .. }) => assert_readable(&activity),
                    Ok(replay::Understood::Frame(bytes)) => drop(read_frame(&bytes).expect("a frame that decodes")),
                    Ok(replay::Understood::Page(page)) => drop(page.frames(30)),
                    Err(_) => {}
                }
            }
        },
    }
}

/// A message of the spill queue.
pub(crate) fn spill() -> Target {
    Target {
        name: "spill",
        memory: Memory { fixed: 6 * MIB, per_byte: 8 },
        words: &[b"AcOz", b"AQOzAlkkOsTGiQ==", b"=", b"+/", b"////", b"-_"],
        open: |input| spill::frame(&String::from_utf8_lossy(input)),
        close: |input, how| if how % 3 == 0 { input } else { spill::message(&input).into_bytes() },
        run: |input| {
            let frame = spill::frame(&String::from_utf8_lossy(input));
            drop(read_frame(&frame));
            assert_eq!(spill::frame(&spill::message(&frame)), frame);
        },
    }
}
