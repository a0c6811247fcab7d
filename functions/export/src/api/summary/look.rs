//! A look at one kind of one day.

use relay::activity::Kind;
use relay::export::Filters;
use relay::fault::Fault;
use relay::period::Day;
use relay::port::PageStore;
use relay::reader::{Sampled, Selection};

use super::super::bounded::{Bounded, Bounds};
use super::super::tally::{FEWEST_SAMPLED_PAGES, Tally};

/// The most minutes of a day that are sampled.
const MAX_MINUTES: u64 = 288;

/// What is done with a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Counted from its first row on.
    Count,
    /// Counted on, where its end seems near.
    CountOn,
    /// Told from a sample.
    Sample,
}

/// What is known of one kind of one day.
pub(super) struct Look {
    selection: Selection,
    tally: Tally,
    /// What was not counted, as far as it was sampled.
    rest: Sampled,
}

impl Stage {
    /// Which looks need it, and what each of them may spend: all alike. Where a share would be too small for anything, as many are served as there is
    /// something for.
    pub(super) fn share(self, looks: &mut [Look], bounds: Bounds) -> (Vec<&mut Look>, Bounds) {
        let needing = |look: &&mut Look| !look.is_exact();
        let mut waiting: Vec<_> = looks.iter_mut().filter(needing).collect();
        if self == Self::Sample {
            let a_minute = waiting.first().map_or(1, |look| u64::from(look.selection.shards.max(1)));
            waiting.truncate(usize::try_from(bounds.questions / a_minute).unwrap_or(usize::MAX));
        }
        let each = |bounds: Bounds, waiting: usize| {
            let waiting = waiting.max(1) as u64;
            Bounds { questions: bounds.questions / waiting, bytes: bounds.bytes / waiting, ..bounds }
        };
        let share = each(bounds, waiting.len());
        match self {
            Self::Count => waiting.retain(|look| look.selection.questions() <= share.questions),
            Self::CountOn => waiting.retain(|look| look.seems_near(share)),
            Self::Sample => {}
        }
        let mut share = each(bounds, waiting.len());
        if self == Self::Sample {
            // A minute that was begun and not counted would tell nothing.
            (share.fewest_pages, share.is_soft) = (FEWEST_SAMPLED_PAGES, true);
        }
        (waiting, share)
    }
}

impl Look {
    /// A look at a day of the period that the selection is of.
    pub(super) fn at(selection: &Selection, day: &Day) -> Self {
        let selection = Selection { from: day.from, to: day.to, ..selection.clone() };
        // A day that clocks skipped holds nothing.
        let tally = Tally { is_all: day.from >= day.to, ..Tally::default() };
        Self { selection, tally, rest: Sampled::default() }
    }

    pub(super) fn is_of(&self, kind: Kind, day: &Day) -> bool {
        self.selection.kind == kind && self.selection.from == day.from && self.selection.to == day.to
    }

    /// Whether every row was counted.
    pub(super) const fn is_exact(&self) -> bool {
        self.tally.is_all
    }

    /// How many rows there are, about where not exact; `None` where no row was counted to the end and no minute sampled.
    pub(super) const fn rows(&self) -> Option<u64> {
        if self.is_exact() || self.rest.minutes > 0 {
            return Some(self.tally.rows.saturating_add(self.rest.rows));
        }
        None
    }

    /// Whether it may well be counted to its end with so much; one that has not been tried may.
    fn seems_near(&self, share: Bounds) -> bool {
        let is_untried = self.tally.spent.0 == 0 && self.selection.questions() <= share.questions;
        is_untried || self.tally.seems_near(&self.selection, (share.questions, share.bytes))
    }

    pub(super) async fn carry_out<P: PageStore>(
        &mut self,
        stage: Stage,
        store: &Bounded<'_, P>,
        filters: &Filters,
        seed: [u8; 10],
    ) -> Result<(), Fault> {
        let asked = (&self.selection, filters);
        if stage == Stage::Sample {
            let minutes = (store.questions() / u64::from(self.selection.shards.max(1))).clamp(1, MAX_MINUTES);
            self.rest = self.tally.sample(store, asked, (minutes, seed)).await?;
            return Ok(());
        }
        self.tally.count(store, asked, u64::MAX, |_| Ok(())).await
    }
}
