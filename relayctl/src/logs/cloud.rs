//! Lines of CloudWatch Logs: a log group a function, `/{stack}/{function}` (`template.yaml`).

use relay::fault::Fault;
use relay_aws::logs::{self, AwsLogs};

use super::{Found, Level, Line, Wanted};

/// The most answers that are read of a function at a time, of at most [`LINES`] lines each and 1 MB; an answer may be empty and not the last.
const ANSWERS: usize = 20;

/// The most lines of one answer.
const LINES: u16 = 10_000;

/// The most characters of a filter pattern (CloudWatch Logs API reference, `FilterLogEvents`).
const PATTERN_CHARS: usize = 1_024;

pub(super) async fn read(logs: &AwsLogs, stack: &str, function: &'static str, wanted: &Wanted) -> Result<Found, Fault> {
    let group = format!("/{stack}/{function}");
    let (since, until) = (wanted.since, wanted.until);
    let mut asked = logs::Wanted { since, until, pattern: pattern(wanted), next: None, limit: LINES };
    let mut found = Found::default();
    for _ in 0..ANSWERS {
        let answer = logs.lines(&group, &asked).await?;
        let lines = answer.lines.into_iter().map(|line| Line::new(function, line.at, line.id, line.text));
        found.lines.extend(lines.filter(|line| wanted.takes(line)));
        asked.next = answer.next;
        if asked.next.is_none() {
            return Ok(found);
        }
    }
    found.cut.push(function);
    Ok(found)
}

/// What CloudWatch need not bring: lines without any of the words, or, where no word is asked for, of a level that is not. It is looked at once more here.
fn pattern(wanted: &Wanted) -> String {
    let words: Vec<String> = wanted.words.iter().map(|word| format!("?\"{word}\"")).collect();
    let words = words.join(" ");
    if !words.is_empty() && words.len() <= PATTERN_CHARS {
        return words;
    }
    // What is no JSON (a panic) and the platform's own have no level: they are never left out, so only from a warning on a pattern spares anything.
    match wanted.level {
        Some(Level::Warn) => "?WARN ?ERROR ?panicked ?\"platform.\"".to_owned(),
        Some(Level::Error) => "?ERROR ?panicked ?\"platform.\"".to_owned(),
        Some(Level::Debug | Level::Info) | None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_asked_for_as_words_and_levels_where_there_are_none() {
        let words = vec!["ab".to_owned(), "cd".to_owned()];
        let wanted = Wanted { words, level: Some(Level::Error), ..Wanted::default() };
        assert_eq!(pattern(&wanted), "?\"ab\" ?\"cd\"");
        let wanted = Wanted { level: Some(Level::Error), ..Wanted::default() };
        assert_eq!(pattern(&wanted), "?ERROR ?panicked ?\"platform.\"");
        assert_eq!(pattern(&Wanted::default()), "");
        let wanted = Wanted { words: vec!["x".repeat(2_000)], ..Wanted::default() };
        assert_eq!(pattern(&wanted), "");
    }
}
