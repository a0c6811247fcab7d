//! Cells as spreadsheets need them: no formulas, no digits lost.

use std::borrow::Cow;

/// Excel keeps this many digits of a number and writes zeros for the rest.
const EXACT_DIGITS: usize = 15;

/// The cell as it is safe to open in a spreadsheet.
///
/// - A number of more than 15 digits becomes `="…"`, which Excel shows as exactly this text.
/// - What would be taken for a formula (`=`, `+`, `-`, `@`, tab or CR in front) gets a `'` in front; a plain number such as `-9.99`
///   is no formula.
pub(super) fn harmless(cell: &[u8]) -> Cow<'_, [u8]> {
    match digits_of_number(cell) {
        Some(digits) if digits > EXACT_DIGITS => Cow::Owned([b"=\"", cell, b"\""].concat()),
        None if matches!(cell.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r')) => {
            Cow::Owned([b"'", cell].concat())
        }
        Some(_) | None => Cow::Borrowed(cell),
    }
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
        for cell in ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "-", "+", "=", "-1e", "-1.2.3"] {
            assert_eq!(shown(cell), format!("'{cell}"));
        }
    }

    #[test]
    fn plain_numbers_and_texts_stay_as_they_are() {
        for cell in
            ["", "9.99", "-9.99", "+1", "007", "123456789012345", "1e5", "network::name", "a=b", "2026-11-14 09:30:00"]
        {
            assert_eq!(shown(cell), cell);
        }
    }

    #[test]
    fn long_digits_are_text() {
        for cell in ["1234567890123456", "-1234567890123456", "0.1234567890123456", "12345678901234e5678"] {
            assert_eq!(shown(cell), format!("=\"{cell}\""));
        }
    }
}
