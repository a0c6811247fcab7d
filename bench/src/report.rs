//! What a scenario found: figures, goals and how cost grows, said as they come and kept to be written down.

mod markdown;
pub(crate) mod plot;
pub(crate) mod results;

use serde::{Deserialize, Serialize};

use crate::say;

/// The steepest that cost may grow: the exponent over a hundredfold of work. 1 is linear; the rest is for what measuring scatters.
const MAX_SLOPE: f64 = 1.1;

/// One scenario's findings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Section {
    /// `cargo xtask bench {verb}` repeats it.
    pub(crate) verb: String,
    /// What is asked.
    pub(crate) title: String,
    /// In the order in which they were found.
    pub(crate) figures: Vec<Figure>,
    /// What was promised, and what came out.
    pub(crate) goals: Vec<Goal>,
    /// From little work to much.
    pub(crate) growths: Vec<Growth>,
    /// What must be known to read the figures right.
    pub(crate) notes: Vec<String>,
}

/// A measured number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// Whose: a row of the table.
    pub(crate) who: String,
    /// Of what, with its unit: a column.
    pub(crate) what: String,
    /// The number.
    pub(crate) value: f64,
}

/// A promise about a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Goal {
    /// What is compared.
    pub(crate) what: String,
    /// What came out.
    pub(crate) value: f64,
    /// The promise.
    pub(crate) limit: Limit,
}

/// Which side of a number is good.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Limit {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Goal {
    pub(crate) fn holds(&self) -> bool {
        match self.limit {
            Limit::AtLeast(limit) => self.value >= limit,
            Limit::AtMost(limit) => self.value <= limit,
        }
    }

    /// Such as `at least 5.00`.
    pub(crate) fn promise(&self) -> String {
        match self.limit {
            Limit::AtLeast(limit) => format!("at least {}", text(limit)),
            Limit::AtMost(limit) => format!("at most {}", text(limit)),
        }
    }
}

/// The same work from small to large.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Growth {
    /// The file name of its plot, without its ending.
    pub(crate) name: String,
    /// How much work: the axis along, with its unit.
    pub(crate) work: String,
    /// What it took: the axis up, with its unit.
    pub(crate) cost: String,
    /// Work and cost.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Growth {
    /// The exponent of the power law nearest to the points: least squares over the logarithms. `None` of fewer than two different amounts of work.
    pub(crate) fn slope(&self) -> Option<f64> {
        self.fit().map(|(slope, _)| slope)
    }

    /// Exponent and decimal logarithm of the factor.
    pub(crate) fn fit(&self) -> Option<(f64, f64)> {
        let logs: Vec<(f64, f64)> =
            self.points.iter().filter(|(x, y)| *x > 0.0 && *y > 0.0).map(|(x, y)| (x.log10(), y.log10())).collect();
        let n = number(logs.len() as u64);
        let mean = |part: fn(&(f64, f64)) -> f64| logs.iter().map(part).sum::<f64>() / n;
        let (x, y) = (mean(|point| point.0), mean(|point| point.1));
        let spread: f64 = logs.iter().map(|point| (point.0 - x).powi(2)).sum();
        let along: f64 = logs.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
        let slope = along / spread;
        slope.is_finite().then_some((slope, y - slope * x))
    }
}

impl Section {
    /// A scenario that begins.
    pub(crate) fn begin(verb: &str, title: &str) -> Self {
        say(&format!("\n{title}"));
        let (verb, title) = (verb.to_owned(), title.to_owned());
        Self { verb, title, figures: Vec::new(), goals: Vec::new(), growths: Vec::new(), notes: Vec::new() }
    }

    /// A number was found. `what` names its unit.
    pub(crate) fn figure(&mut self, who: &str, what: &str, value: f64) {
        say(&format!("  {who:<34} {:>14}  {what}", text(value)));
        self.figures.push(Figure { who: who.to_owned(), what: what.to_owned(), value });
    }

    /// The number that was found of somebody.
    pub(crate) fn value(&self, who: &str, what: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.who == who && figure.what == what).map(|figure| figure.value)
    }

    /// A promise is looked at.
    pub(crate) fn goal(&mut self, what: &str, value: f64, limit: Limit) {
        let goal = Goal { what: what.to_owned(), value, limit };
        let verdict = if goal.holds() { "holds" } else { "MISSED" };
        say(&format!("  {verdict}: {what}: {}, {} is the goal", text(value), goal.promise()));
        self.goals.push(goal);
    }

    /// How often as much `other` takes as `who`: at least `limit` times is the goal. Nothing is promised of who is not there.
    pub(crate) fn times(&mut self, what: &str, (who, other): (&str, &str), limit: f64) {
        if let (Some(ours), Some(theirs)) = (self.value(who, what), self.value(other, what)) {
            self.goal(&format!("{what}: {other}'s by {who}'s"), theirs / ours, Limit::AtLeast(limit));
        }
    }

    /// Work grew; so did its cost, and not faster.
    pub(crate) fn growth(&mut self, name: &str, (work, cost): (&str, &str), points: Vec<(f64, f64)>) {
        let growth = Growth { name: name.to_owned(), work: work.to_owned(), cost: cost.to_owned(), points };
        if let Some(slope) = growth.slope() {
            self.goal(&format!("{cost} by {work}: exponent"), slope, Limit::AtMost(MAX_SLOPE));
        }
        self.growths.push(growth);
    }

    /// The next reader must know this.
    pub(crate) fn note(&mut self, note: &str) {
        say(&format!("  {note}"));
        self.notes.push(note.to_owned());
    }

    /// The goals that do not hold, a line each.
    pub(crate) fn missed(&self) -> impl Iterator<Item = String> {
        let missed = self.goals.iter().filter(|goal| !goal.holds());
        missed.map(|goal| format!("{}: {}: {}, {} is the goal", self.verb, goal.what, text(goal.value), goal.promise()))
    }
}

/// A count as a number that can be divided: exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts here stay far below 2^53")]
pub(crate) const fn number(count: u64) -> f64 {
    count as f64
}

/// With three digits that count, and commas between thousands.
pub(crate) fn text(value: f64) -> String {
    if value < 9.995 {
        return format!("{value:.2}");
    }
    if value < 99.95 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_count() {
        let texts = [0.0, 1.234, 9.999, 12.34, 99.97, 1_234.0, 1_234_567.4].map(text);
        assert_eq!(texts, ["0.00", "1.23", "10.0", "12.3", "100", "1,234", "1,234,567"]);
    }

    #[test]
    fn a_square_law_has_slope_two_and_is_no_goal_reached() {
        let mut section = Section::begin("test", "Squares");
        section.growth("squares", ("n", "µs"), vec![(1.0, 3.0), (10.0, 300.0), (100.0, 30_000.0)]);
        let slope = section.growths[0].slope().unwrap();
        assert!((slope - 2.0).abs() < 1e-9, "{slope}");
        assert_eq!(section.missed().count(), 1);
        section.growth("lines", ("n", "µs"), vec![(1.0, 3.0), (10.0, 31.0), (100.0, 290.0)]);
        assert_eq!(section.missed().count(), 1);
        assert_eq!(Growth { points: vec![(1.0, 1.0)], ..section.growths[0].clone() }.slope(), None);
    }

    #[test]
    fn a_peer_that_is_not_there_promises_nothing() {
        let mut section = Section::begin("test", "Peers");
        section.figure("Relay", "µs", 10.0);
        section.times("µs", ("Relay", "Python"), 5.0);
        assert_eq!(section.goals, []);
        section.figure("Python", "µs", 49.0);
        section.times("µs", ("Relay", "Python"), 5.0);
        assert_eq!(
            section.missed().collect::<Vec<_>>(),
            ["test: µs: Python's by Relay's: 4.90, at least 5.00 is the goal"]
        );
    }
}
