//! The load that a plan is for.

use serde::Serialize;

use crate::number::float;

/// A day: seconds.
pub const DAY_SECONDS: u64 = 86_400;

/// A month as AWS's price lists count it: hours.
pub const MONTH_HOURS: f64 = 730.0;

/// A month: days.
pub const MONTH_DAYS: f64 = MONTH_HOURS / 24.0;

/// How busy the apps are beside each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Skew {
    /// All alike.
    Even,
    /// The app of rank k brings 1 / k^s as much as the first.
    Zipf(f64),
}

impl Skew {
    /// The share of each of so many, the busiest first; all of them are 1.
    #[must_use]
    pub fn shares(self, count: u32) -> Vec<f64> {
        let weight = |rank: u32| match self {
            Self::Even => 1.0,
            Self::Zipf(exponent) => f64::from(rank).powf(-exponent),
        };
        let weights: Vec<f64> = (1..=count.max(1)).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    }
}

impl std::str::FromStr for Skew {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "even" {
            return Ok(Self::Even);
        }
        let exponent = text.strip_prefix("zipf:").and_then(|exponent| exponent.parse::<f64>().ok());
        let sensible = exponent.filter(|exponent| (0.0..=4.0).contains(exponent));
        sensible
            .map(Self::Zipf)
            .ok_or_else(|| format!("`{text}` is no skew; one is `even` or `zipf:S` with S from 0 to 4, as in zipf:1.1"))
    }
}

impl std::fmt::Display for Skew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Even => f.write_str("even"),
            Self::Zipf(exponent) => write!(f, "zipf:{exponent}"),
        }
    }
}

impl Serialize for Skew {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What kinds an account with in-app events sends: installs, reattributions and events in a hundred.
pub const USUAL_KINDS: [u32; 3] = [8, 2, 90];

/// What comes in, and how it is handled. Rates are activities.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Load {
    /// Activities in a day.
    pub per_day: u64,
    /// Activities a second in the busiest minutes: what the plan must bear.
    pub per_second: u64,
    /// App tokens.
    pub apps: u32,
    /// Owners; the apps are dealt out to them in turn.
    pub owners: u32,
    /// How busy the apps are beside each other.
    pub skew: Skew,
    /// Activities of one request: 1 for callbacks.
    pub batch: u32,
    /// How long owners keep activities: days.
    pub retention_days: u16,
    /// `BatchWindowSeconds`; `None` lets the plan choose.
    pub window: Option<u32>,
    /// What kinds come: installs, reattributions and events in a hundred.
    pub kinds: [u32; 3],
    /// How many activities in a hundred come late: two thirds of them by up to ten minutes, a third by up to two days.
    pub late_percent: u32,
    /// Exports in a day.
    pub exports_per_day: u64,
    /// The simulation's seed.
    pub seed: u64,
}

/// Why there is no plan for a load.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Nothing was said about how much comes.
    #[error("say how much comes: --per-day N, --per-second N at the peak, or both")]
    NoRate,
    /// More in a day than its peak allows.
    #[error("{per_day} a day are {average} a second on average, more than the peak of {per_second}")]
    PeakBelowAverage {
        /// Activities in a day.
        per_day: u64,
        /// The same a second.
        average: u64,
        /// The peak.
        per_second: u64,
    },
    /// More than the simulation bears.
    #[error(
        "{0} a second are more than the {MAX_PER_SECOND} that can be planned; plan a part of it, as for a stack of its own"
    )]
    TooMuch(u64),
}

/// The most activities a second that a plan is made for: beyond, a table has more partitions than `PageShards` may make.
pub const MAX_PER_SECOND: u64 = 2_000_000;

impl Load {
    /// The rates of a day and of its peak: of one that is missing the other tells, by `peak_factor` (the peak in averages).
    pub fn rates(per_day: Option<u64>, per_second: Option<u64>, peak_factor: f64) -> Result<(u64, u64), LoadError> {
        let day = float(DAY_SECONDS);
        let (per_day, per_second) = match (per_day, per_second) {
            (None, None) => return Err(LoadError::NoRate),
            (Some(per_day), None) => (per_day, crate::number::whole(float(per_day) / day * peak_factor)),
            (None, Some(per_second)) => (crate::number::whole(float(per_second) / peak_factor * day), per_second),
            (Some(per_day), Some(per_second)) => (per_day, per_second),
        };
        let average = per_day / DAY_SECONDS;
        if average > per_second {
            return Err(LoadError::PeakBelowAverage { per_day, average, per_second });
        }
        if per_second > MAX_PER_SECOND {
            return Err(LoadError::TooMuch(per_second));
        }
        Ok((per_day.max(1), per_second.max(1)))
    }

    /// The same load in an average minute.
    #[must_use]
    pub fn average(&self) -> Self {
        Self { per_second: self.per_day.div_ceil(DAY_SECONDS), ..self.clone() }
    }

    /// Requests a second at the peak.
    #[must_use]
    pub fn requests_per_second(&self) -> f64 {
        float(self.per_second) / f64::from(self.batch.max(1))
    }

    /// Activities in a month.
    #[must_use]
    pub fn per_month(&self) -> f64 {
        float(self.per_day) * MONTH_DAYS
    }

    /// Requests in a month.
    #[must_use]
    pub fn requests_per_month(&self) -> f64 {
        self.per_month() / f64::from(self.batch.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_a_whole_and_fall_with_the_rank() {
        let shares = Skew::Zipf(1.1).shares(1_000);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!((shares[0] / shares[9] - 10f64.powf(1.1)).abs() < 1e-9);
        assert_eq!(Skew::Even.shares(4), [0.25; 4]);
    }

    #[test]
    fn a_skew_says_what_it_may_be() {
        assert_eq!("zipf:1.1".parse(), Ok(Skew::Zipf(1.1)));
        assert_eq!("even".parse(), Ok(Skew::Even));
        for wrong in ["zipf", "zipf:", "zipf:-1", "zipf:nan", "pareto:1"] {
            assert!(wrong.parse::<Skew>().unwrap_err().contains("zipf:1.1"), "{wrong}");
        }
    }

    #[test]
    fn a_day_and_its_peak_tell_each_other() {
        assert_eq!(Load::rates(Some(86_400_000), None, 2.0), Ok((86_400_000, 2_000)));
        assert_eq!(Load::rates(None, Some(2_000), 2.0), Ok((86_400_000, 2_000)));
        assert_eq!(Load::rates(Some(30_000_000_000), Some(350_000), 2.0), Ok((30_000_000_000, 350_000)));
        assert_eq!(Load::rates(None, None, 2.0), Err(LoadError::NoRate));
        assert!(matches!(Load::rates(Some(86_400_000), Some(999), 2.0), Err(LoadError::PeakBelowAverage { .. })));
        assert_eq!(Load::rates(None, Some(3_000_000), 2.0), Err(LoadError::TooMuch(3_000_000)));
    }
}
