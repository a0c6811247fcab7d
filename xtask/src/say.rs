//! What the tool says: results on stdout, progress on stderr. A closed pipe is no error of ours.

use std::{
    fmt::Display,
    io::Write,
    time::{Duration, Instant},
};

/// The result of a step; the error is the sentence the user reads.
pub(crate) type Outcome<T> = Result<T, String>;

/// A line of the result, to stdout.
pub(crate) fn result(line: impl Display) {
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

/// A line of progress, to stderr.
pub(crate) fn progress(line: impl Display) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

/// Runs one step: says that it starts, and how long it took.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    progress(format_args!("▸ {what}"));
    let started = Instant::now();
    let value = work()?;
    progress(format_args!("  done in {}", seconds(started.elapsed())));
    Ok(value)
}

/// A duration for people: `0.4 s`, `12.3 s`, `3 min 05 s`.
pub(crate) fn seconds(time: Duration) -> String {
    if time.as_secs() < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {:02} s", time.as_secs() / 60, time.as_secs() % 60)
    }
}

/// A count with thousands separated: `23,000`.
pub(crate) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_separated_by_thousands() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(23_000), "23,000");
        assert_eq!(count(1_234_567), "1,234,567");
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(seconds(Duration::from_millis(420)), "0.4 s");
        assert_eq!(seconds(Duration::from_secs(185)), "3 min 05 s");
    }
}
