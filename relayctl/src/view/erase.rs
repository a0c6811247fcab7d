//! What is erased, and how far its job is.

use std::fmt::Write;

use relay::erase::{By, IdType, Job, Ledger, Pass, Tombstone};
use relay::period::rfc3339;
use serde::Serialize;

/// One tombstone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TombstoneView {
    pub(crate) number: u64,
    pub(crate) id_type: IdType,
    /// The first digits of the id's keyed hash: tells two apart, and nothing of the id.
    pub(crate) hash: String,
    pub(crate) erased_at: i64,
    pub(crate) recorded_at: i64,
    pub(crate) by: By,
    pub(crate) state: &'static str,
}

/// All of an owner's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TombstonesView {
    pub(crate) owner: String,
    pub(crate) tombstones: Vec<TombstoneView>,
}

/// How far an owner's pages have been gone through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct EraseStatusView {
    pub(crate) owner: String,
    /// `nothing`, `waiting`, `taking_out`, `taken_out`, `swept`.
    pub(crate) state: &'static str,
    /// Whether a provider's callbacks erase.
    pub(crate) callbacks: bool,
    /// How many there are; those up to the numbers below are carried out, and swept.
    pub(crate) tombstones: u64,
    pub(crate) taken_out: u64,
    pub(crate) swept: u64,
    pub(crate) due_at: Option<i64>,
    pub(crate) next_sweep_at: Option<i64>,
    /// The pass under way, and the last one that came to its end.
    pub(crate) pass: Option<PassView>,
    pub(crate) last_pass: Option<PassView>,
}

/// One pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PassView {
    pub(crate) began_at: i64,
    pub(crate) days: u64,
    pub(crate) days_done: u64,
    pub(crate) pages: u64,
    pub(crate) pages_changed: u64,
    pub(crate) rows: u64,
    pub(crate) unreadable: u64,
}

/// What was erased just now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ErasedView {
    /// The last `created_at` that is erased.
    pub(crate) erased_at: i64,
    /// How many tombstones were made; what an earlier one covers needs none.
    pub(crate) made: u64,
    #[serde(flatten)]
    pub(crate) status: EraseStatusView,
}

impl EraseStatusView {
    pub(crate) fn new(owner: &str, ledger: Option<Ledger>, job: &Job) -> Self {
        let (tombstones, callbacks, due_at) =
            ledger.map_or((0, false, None), |it| (it.last, it.from_callbacks, it.due_at));
        let mut view = Self {
            owner: owner.to_owned(),
            state: "nothing",
            callbacks,
            tombstones,
            taken_out: job.taken_out,
            swept: job.swept,
            due_at,
            next_sweep_at: job.next_sweep(),
            pass: job.pass.as_ref().map(PassView::new),
            last_pass: job.last.as_ref().map(PassView::new),
        };
        view.state = view.state_of(tombstones);
        view
    }

    /// What has become of the tombstone of this number.
    fn state_of(&self, number: u64) -> &'static str {
        if number == 0 {
            "nothing"
        } else if number <= self.swept {
            "swept"
        } else if number <= self.taken_out {
            "taken_out"
        } else if self.pass.is_some() {
            "taking_out"
        } else {
            "waiting"
        }
    }

    /// Whether every tombstone is carried out.
    pub(crate) const fn is_taken_out(&self) -> bool {
        self.taken_out >= self.tombstones
    }

    /// How far it is, in a line.
    pub(crate) fn progress(&self) -> String {
        match &self.pass {
            _ if self.is_taken_out() => "taken out of all pages".to_owned(),
            None => "waits for its turn".to_owned(),
            Some(pass) => pass.text(),
        }
    }

    pub(super) fn text(&self) -> String {
        let when = |at: Option<i64>| at.map_or_else(|| "none".to_owned(), rfc3339);
        let pass = |pass: &Option<PassView>| pass.as_ref().map_or_else(|| "none".to_owned(), PassView::text);
        format!(
            "owner      {}\nstate      {}\ncallbacks  {}\nerased     {} ids; {} taken out of pages, {} swept\ndue        {}\nsweep due  {}\npass       {}\nlast pass  {}\n",
            self.owner,
            self.state,
            if self.callbacks { "erase" } else { "do not erase" },
            self.tombstones,
            self.taken_out,
            self.swept,
            when(self.due_at),
            when(self.next_sweep_at),
            pass(&self.pass),
            pass(&self.last_pass),
        )
    }
}

impl PassView {
    fn new(pass: &Pass) -> Self {
        let Pass { began_at, days, days_done, pages, changed, rows, unreadable, .. } = *pass;
        Self { began_at, days, days_done, pages, pages_changed: changed, rows, unreadable }
    }

    fn text(&self) -> String {
        let unreadable = if self.unreadable > 0 {
            format!("; {} pages CANNOT BE READ, see the log", self.unreadable)
        } else {
            String::new()
        };
        format!(
            "{} of {} days, {} pages seen, {} rows taken out of {}{unreadable}",
            self.days_done, self.days, self.pages, self.rows, self.pages_changed
        )
    }
}

impl ErasedView {
    pub(super) fn text(&self) -> String {
        let owner = &self.status.owner;
        let made = if self.made == 0 {
            "all of it was erased before".to_owned()
        } else {
            format!("{} ids erased up to {}", self.made, rfc3339(self.erased_at))
        };
        format!(
            "{made}; no file that is made from now on holds them. {}.\nfiles made before stay until their time, see docs/erasure.md. `relayctl erase status {owner}` shows how far pages are.\n",
            self.status.progress()
        )
    }
}

impl TombstoneView {
    pub(crate) fn new(tombstone: Tombstone, status: &EraseStatusView) -> Self {
        let state = status.state_of(tombstone.number);
        let Tombstone { number, id_type, hash, erased_at, recorded_at, by } = tombstone;
        let hash = hash.chars().take(12).collect();
        Self { number, id_type, hash, erased_at, recorded_at, by, state }
    }
}

impl TombstonesView {
    pub(super) fn text(&self) -> String {
        if self.tombstones.is_empty() {
            return format!("owner {} has erased nothing yet\n", self.owner);
        }
        let mut text =
            format!("{:>6}  {:<10}  {:<12}  {:<20}  {:<8}  state\n", "number", "id", "hash", "erased up to", "by");
        for TombstoneView { number, id_type, hash, erased_at, by, state, .. } in &self.tombstones {
            let by = match by {
                By::Operator => "operator",
                By::Callback => "callback",
            };
            let erased_at = rfc3339(*erased_at);
            // Writing to a string cannot fail.
            let _infallible =
                writeln!(text, "{number:>6}  {:<10}  {hash:<12}  {erased_at:<20}  {by:<8}  {state}", id_type.name());
        }
        text
    }
}
