//! The one error of this package: a sentence for the person at the terminal.

use std::fmt::{Display, Formatter, Result as Formatted};

/// What was wrong, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(pub String);

impl Display for Failure {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Formatted {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// Puts an error into words.
pub(crate) trait Because<T> {
    /// `what` says what was tried; the error's own words follow.
    fn because(self, what: impl Display) -> Result<T, Failure>;
}

impl<T, E: Display> Because<T> for Result<T, E> {
    fn because(self, what: impl Display) -> Result<T, Failure> {
        self.map_err(|error| Failure(format!("{what}: {error}")))
    }
}
