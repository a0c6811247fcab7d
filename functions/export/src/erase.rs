//! Takes what is erased out of pages: goes through all of an owner's, a slice of time after the other, and writes those anew that hold any of it.
//!
//! A slice goes on from the place where the one before left off, which stands in the job (`relay::erase::Job`). A process that dies, a rival at the same
//! work, or a page that changes meanwhile costs time and nothing else: a page is replaced only where it is still as it was read, and to take out what
//! is out already is nothing to do.

mod edit;
mod slice;
mod way;

use relay::agenda::{self, Errand, Taken};
use relay::control::Item;
use relay::fault::{Fault, FaultKind};
use relay::port::{ControlTable, PageEdits, PageStore};

use crate::dispatch::committed;
use slice::{Reached, Slice};

/// How long an owner's slice is, where others wait: milliseconds.
const SLICE_MS: i64 = 15_000;

/// How many entries are looked at for one that is due. They are in the order in which they are due; those that somebody has taken are not.
const LOOKED_AT: usize = 16;

/// What one run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenOut {
    /// Slices that were carried out.
    pub slices: usize,
    /// Passes that came to their end.
    pub passes: usize,
    /// Activities that were taken out of pages.
    pub rows: u64,
    /// What could not be read or carried out: it comes again.
    pub faults: Vec<Fault>,
}

/// What a slice came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Outcome {
    rows: u64,
    /// Whether it brought a pass to its end.
    is_end: bool,
}

/// Takes out of pages what tombstones cover.
#[derive(Debug)]
pub struct Eraser<'a, C, P> {
    /// Table `control`.
    pub control: &'a C,
    /// Table `pages`.
    pub pages: &'a P,
}

impl<C: ControlTable, P: PageStore + PageEdits> Eraser<'_, C, P> {
    /// Carries out what is due until nothing is, or until `stop_at`; `now` answers milliseconds since the epoch.
    pub async fn run(&self, now: impl Fn() -> i64, stop_at: i64) -> TakenOut {
        let mut done = TakenOut::default();
        while now() < stop_at {
            match self.next(&now).await {
                Ok(None) => break,
                Ok(Some((taken, item))) => {
                    done.slices += 1;
                    let slice_ends = stop_at.min(now().saturating_add(SLICE_MS));
                    match self.carry_out(&taken, &item, &now, slice_ends).await {
                        Ok(outcome) => {
                            done.rows += outcome.rows;
                            done.passes += usize::from(outcome.is_end);
                        }
                        Err(fault) => done.note(fault, &item.key.sk),
                    }
                }
                Err(fault) => {
                    done.note(fault, "the agenda of erasures");
                    break;
                }
            }
        }
        done
    }

    /// Takes the first entry that is due and that nobody else takes.
    async fn next(&self, now: impl Fn() -> i64) -> Result<Option<(Taken, Item)>, Fault> {
        let listing = self.control.query(&agenda::first_to_erase(LOOKED_AT)).await?;
        let now = now();
        for item in listing.items.into_iter().filter(|item| agenda::is_due(item, now)) {
            let strange = || Fault::new(FaultKind::Denied, "agenda:Take", "the key of an entry tells no time");
            let (take, taken) = agenda::take(&item, now).ok_or_else(strange)?;
            if committed(self.control.commit(&take).await)? {
                return Ok(Some((taken, item)));
            }
        }
        Ok(None)
    }

    async fn carry_out(
        &self,
        taken: &Taken,
        item: &Item,
        now: impl Fn() -> i64,
        slice_ends: i64,
    ) -> Result<Outcome, Fault> {
        let errand = item.read::<Errand>()?;
        let Errand::Erase(erasing) = &errand else {
            return Err(Fault::new(FaultKind::Denied, "agenda:Take", "an entry among the erasures erases nothing"));
        };
        let Some(mut slice) = Slice::begin(self.control, &erasing.owner, now()).await? else {
            // A rival has begun: it goes on with its own entry, this one looks again when its lease is over.
            return Ok(Outcome::default());
        };
        let reached = slice.carry_on(self.pages, &now, slice_ends).await?;
        let next = match reached {
            // The rival goes on with its own entry; this one looks again when its lease is over.
            Reached::Overtaken => return Ok(Outcome { rows: slice.rows, is_end: false }),
            // Behind all that is due by now: owners take turns.
            Reached::TimeUp => Some(now()),
            Reached::End => slice.next_sweep(),
        };
        self.settle(taken, next.map(|due_at| (&errand, due_at))).await?;
        Ok(Outcome { rows: slice.rows, is_end: reached == Reached::End && slice.is_pass })
    }

    /// Ends an entry, or puts it off; where the same one stands there already, that one is enough.
    async fn settle(&self, taken: &Taken, again: Option<(&Errand, i64)>) -> Result<(), Fault> {
        if let Some((errand, due_at)) = again
            && committed(self.control.commit(&taken.then(errand, due_at)?).await)?
        {
            return Ok(());
        }
        committed(self.control.commit(&[taken.done()]).await).map(|_| ())
    }
}

impl TakenOut {
    fn note(&mut self, fault: Fault, entry: &str) {
        tracing::error!(%fault, entry, "an erasure is left for later");
        self.faults.push(fault);
    }
}
