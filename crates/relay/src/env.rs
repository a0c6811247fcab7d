//! Configuration from the environment: read once at start, typed, with every problem in one message.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// What is wrong with a process's environment: every problem at once, so that one deployment mends them all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment is not usable: {}", .0.join("; "))]
pub struct EnvError(Vec<String>);

/// Reads variables one by one and gathers what is wrong with them.
///
/// A variable that is missing or wrong reads as a placeholder; [`Env::finish`] then refuses the whole.
pub struct Env<L> {
    lookup: L,
    problems: Vec<String>,
}

impl<L: Fn(&str) -> Option<String>> Env<L> {
    /// A reader over `lookup`, which answers a variable's text.
    pub fn new(lookup: L) -> Self {
        Self { lookup, problems: Vec::new() }
    }

    /// A text that must be there and not be empty.
    pub fn text(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.problems.push(format!("{name} is missing or empty"));
            String::new()
        })
    }

    /// A text that may be missing; an empty one is missing, too.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// A whole number that must be there and lie in `range`.
    pub fn number<T>(&mut self, name: &str, range: RangeInclusive<T>) -> T
    where
        T: Copy + Display + FromStr + PartialOrd,
    {
        let text = self.text(name);
        match text.parse() {
            Ok(number) if range.contains(&number) => return number,
            _ if text.is_empty() => {}
            _ => self.problems.push(format!(
                "{name} is `{text}`, which is not a whole number from {} to {}",
                range.start(),
                range.end()
            )),
        }
        *range.start()
    }

    /// Whether everything read was usable.
    pub fn finish(self) -> Result<(), EnvError> {
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(EnvError(self.problems))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &'static [(&str, &str)]) -> Env<impl Fn(&str) -> Option<String>> {
        Env::new(move |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn reads_texts_and_numbers() {
        let mut env = env(&[("STREAM_NAME", "activities"), ("MAX_EXPORT_DAYS", "14")]);
        assert_eq!(env.text("STREAM_NAME"), "activities");
        assert_eq!(env.number("MAX_EXPORT_DAYS", 1..=366u16), 14);
        assert_eq!(env.optional("SITE_URL"), None);
        assert_eq!(env.finish(), Ok(()));
    }

    #[test]
    fn tells_every_problem_at_once() {
        let mut env = env(&[("A", ""), ("B", "400"), ("C", "many")]);
        env.text("A");
        assert_eq!(env.number("B", 1..=366u16), 1);
        env.number("C", 1..=8u32);
        env.number("D", 1..=8u32);
        let message = env.finish().unwrap_err().to_string();
        assert_eq!(
            message,
            "the environment is not usable: A is missing or empty; B is `400`, which is not a whole number from 1 to 366; \
             C is `many`, which is not a whole number from 1 to 8; D is missing or empty"
        );
    }
}
