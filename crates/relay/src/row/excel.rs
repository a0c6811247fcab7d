//! Cells as spreadsheets need them: no formulas, no digits lost.

use std::borrow::Cow;

/// Excel keeps this many digits of a number and writes zeros for the rest.
const EXACT_DIGITS: usize = 15;

/// What makes a formula of a cell: ASCII, and the full-width forms that East Asian versions take for the same.
const SIGNS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// What a spreadsheet may begin a new cell or line at inside a cell of ours. Where the list separator is `;` (most of Europe), Excel splits a
/// line there and honours no quotes that begin in the middle of its own cell; others' imports have `;` and tab ticked beside the comma.
const SEPARATORS: [char; 4] = [';', '\t', '\r', '\n'];

/// The cell as it is safe to open in a spreadsheet.
///
/// - A number that Excel would show with other digits becomes `="…"`, which it shows as exactly this text: one of more than 15 digits, one with an
///   exponent (a device's id, `1234567890123e12`), one that begins with a zero too many (a post code, `01067`).
/// - What would be taken for a formula gets a `'` in front: one of [`SIGNS`] at the start, behind white space or quotes too (they are trimmed
///   or taken for the cell's own), and the same behind each of [`SEPARATORS`]; and a tab or line break at the start, which Excel drops. A
///   plain number such as `-9.99` is no formula.
pub(super) fn harmless(cell: &[u8]) -> Cow<'_, [u8]> {
    match digits_of_number(cell) {
        Some(digits) if digits > EXACT_DIGITS || is_rewritten(cell) => Cow::Owned([b"=\"", cell, b"\""].concat()),
        Some(_) => Cow::Borrowed(cell),
        // Cells are made of text; what is none has no signs either.
        None => std::str::from_utf8(cell).map_or(Cow::Borrowed(cell), disarmed),
    }
}

fn disarmed(cell: &str) -> Cow<'_, [u8]> {
    let mut safe = String::new();
    for (index, part) in cell.split_inclusive(SEPARATORS).enumerate() {
        let is_dropped = index == 0 && part.starts_with(['\t', '\r', '\n']);
        if is_dropped || is_formula(part) {
            safe.push('\'');
        }
        safe.push_str(part);
    }
    if safe.len() == cell.len() { Cow::Borrowed(cell.as_bytes()) } else { Cow::Owned(safe.into_bytes()) }
}

/// Whether a part between separators begins with a sign and is no plain number.
fn is_formula(part: &str) -> bool {
    let text =
        part.trim_end_matches(SEPARATORS).trim_start_matches(|c: char| c.is_whitespace() || "\"\u{feff}".contains(c));
    text.starts_with(SIGNS) && digits_of_number(text.trim_end().as_bytes()).is_none()
}

/// How many digits a cell has that a spreadsheet takes for a number (`-12.5`, `1e9`); `None` for any other text.
fn digits_of_number(cell: &[u8]) -> Option<usize> {
    let unsigned = strip_sign(cell);
    let (mantissa, exponent) = match unsigned.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => {
            let (mantissa, rest) = unsigned.split_at(at);
            (mantissa, Some(strip_sign(rest.split_at(1).1)))
        }
        None => (unsigned, None),
    };
    let digits = count_digits(mantissa);
    let is_plain = digits == mantissa.len() || (digits + 1 == mantissa.len() && mantissa.contains(&b'.'));
    if digits == 0 || !is_plain {
        return None;
    }
    match exponent {
        None => Some(digits),
        Some(exponent) if !exponent.is_empty() && count_digits(exponent) == exponent.len() => {
            Some(digits + exponent.len())
        }
        Some(_) => None,
    }
}

/// Whether a number would be written in another way: without its exponent, or without zeros that it begins with.
fn is_rewritten(number: &[u8]) -> bool {
    let has_exponent = number.iter().any(|byte| matches!(byte, b'e' | b'E'));
    has_exponent || matches!(strip_sign(number), [b'0', b'0'..=b'9', ..])
}

fn strip_sign(cell: &[u8]) -> &[u8] {
    cell.strip_prefix(b"-").or_else(|| cell.strip_prefix(b"+")).unwrap_or(cell)
}

fn count_digits(cell: &[u8]) -> usize {
    cell.iter().filter(|byte| byte.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(cell: &str) -> String {
        String::from_utf8(harmless(cell.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn formulas_lose_their_force() {
        for cell in ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "-", "+", "=", "-1e", "-1.2.3"] {
            assert_eq!(shown(cell), format!("'{cell}"));
        }
    }

    #[test]
    fn what_a_spreadsheet_drops_or_reads_as_the_same_disarms_nothing() {
        for cell in [
            " =1+1",
            "\u{a0}\u{3000}@A1",
            "\u{feff}=1",
            "\"=1+1",
            "＝1+1",
            "＋1+1",
            "－1+1",
            " ＠A1",
            "\tx",
            "\r",
            "\nx",
        ] {
            assert_eq!(shown(cell), format!("'{cell}"));
        }
    }

    #[test]
    fn a_part_that_may_become_a_cell_of_its_own_is_disarmed_too() {
        for (cell, safe) in [
            ("a;=1+1", "a;'=1+1"),
            ("a; \"@A1;b;+2+2", "a;' \"@A1;b;'+2+2"),
            ("a\n=1\tb\t＝2", "a\n'=1\tb\t'＝2"),
            ("=1;=2", "'=1;'=2"),
            ("\t=1", "'\t'=1"),
            ("\r\n-2+3", "'\r\n'-2+3"),
            (" -9.99;-1 ;+7", " -9.99;-1 ;+7"),
        ] {
            assert_eq!(shown(cell), safe);
        }
        let agent = "Mozilla/5.0 (Linux; Android 14; SM-S918N; +https) AppleWebKit/537.36";
        assert_eq!(shown(agent), agent.replace("; +", ";' +"));
    }

    #[test]
    fn plain_numbers_and_texts_stay_as_they_are() {
        for cell in [
            "",
            "9.99",
            "-9.99",
            "+1",
            "0",
            "-0.5",
            "0.010",
            "123456789012345",
            "1e",
            "e5",
            "network::name",
            "a=b",
            "2026-11-14 09:30:00",
            "a; b",
            "Linux; Android 14",
        ] {
            assert_eq!(shown(cell), cell);
        }
    }

    /// Excel makes 1.23457E+24 of a device's id, 1067 of Dresden's post code.
    #[test]
    fn digits_that_a_number_would_lose_are_text() {
        for cell in [
            "1234567890123456",
            "-1234567890123456",
            "0.1234567890123456",
            "12345678901234e5678",
            "1234567890123e12",
            "1e5",
            "-1.5E+3",
            "007",
            "01067",
            "00.5",
        ] {
            assert_eq!(shown(cell), format!("=\"{cell}\""));
        }
    }
}
