//! Texts that files are got wrong with.

use relay_tests::random::Random;

/// Separators, quotes, line ends, formulas, long digits, what looks like nothing, and letters from everywhere.
const ODD: &[&str] = &[
    ",",
    "\"",
    "\"\"",
    "\"quoted\"",
    "a,b",
    "a\"b,c\"",
    "lone \" quote",
    "line\nbreak",
    "old\rmac",
    "dos\r\nend\r\n",
    "\n",
    "\r",
    "\r\n",
    "\n\n,\"\n",
    "tab\there",
    "\t",
    "\ttab first",
    " ",
    " space first",
    "space last ",
    "🎉",
    "👩‍👩‍👧‍👦 family",
    "여름 세일, 2026",
    "日本語\n改行",
    "مرحبا",
    "e\u{301}",
    "\u{feff}mark first",
    "\u{feff}",
    "\u{a0}=1",
    "\u{3000}@A1",
    "\u{1}\u{2}\u{8}\u{b}\u{c}\u{e}\u{1f}\u{7f}",
    "\u{85}\u{2028}\u{2029}",
    "\u{10ffff}\u{e000}\u{fffd}",
    "=1+1",
    "=HYPERLINK(\"http://x\",\"y\")",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "＝1+1",
    "＋1",
    "－1",
    "＠A1",
    "a;=1+1",
    "a; \"@A1;b;+2+2",
    "a\n=1\tb\t＝2",
    "\"=1+1",
    "'=1+1",
    "-",
    "=",
    "-9.99",
    "+1",
    "12.990",
    "007",
    "1e5",
    "-1e",
    "123456789012345",
    "123456789012345678",
    "-123456789012345678",
    "0.1234567890123456",
    "12345678901234e5678",
    "null",
    "NULL",
    "NaN",
    "true",
    "{}",
    "\\",
    "\\n\\\"",
    "2026-11-14 09:30:00",
];

/// What random texts are made of.
const LETTERS: &[char] = &[
    'a', 'Z', '0', '9', ' ', ',', '"', '\'', ';', '\n', '\r', '\t', '=', '+', '-', '@', '.', 'é', '한', '𝄞', '🎈',
    '\\', '/', '\u{1b}',
];

/// A text: odd, random, or plain; now and then a very long one. Never empty: an empty value is no value.
pub(crate) fn text(random: &mut Random) -> String {
    match random.below(40) {
        0 => long(random),
        1..=15 => (*random.pick(ODD)).to_owned(),
        16..=28 => letters(random),
        _ => format!("plain {}", random.below(1_000_000)),
    }
}

/// A name as providers nest them; it may be empty.
pub(crate) fn name(random: &mut Random) -> String {
    match random.below(6) {
        0 => String::new(),
        1 => text(random),
        2 => format!("last_attributed_touch_data.~{}", random.below(30)),
        _ => format!("adjCustom{}", random.below(30)),
    }
}

fn letters(random: &mut Random) -> String {
    let len = 1 + random.below(20);
    (0..len).map(|_| *random.pick(LETTERS)).collect()
}

/// Longer than what readers take for granted, yet within an activity's 64 KiB.
fn long(random: &mut Random) -> String {
    let piece = *random.pick(&["a", "\"", "\n", ",\"", "한", "=1;"]);
    piece.repeat(random.index(3_000) + 1)
}
