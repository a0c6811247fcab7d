//! Steps of the worker over the in-memory doubles.

use std::cell::Cell;

use export::worker::{Clock, StepError, StepStatus, Worker};
use relay::export::Export;
use relay::page::Page;
use relay::port::PageStore;
use relay::port::memory::{MemoryFiles, MemoryPages, MemoryStream};

use super::{NOW, Shared, run, store_pages};

pub(crate) type Doubles<P = MemoryPages> = Worker<Shared, P, MemoryFiles, MemoryStream>;

pub(crate) fn worker<P>(pages: P) -> Doubles<P> {
    Worker { control: Shared::default(), pages, files: MemoryFiles::default(), backlog: MemoryStream::new(1) }
}

pub(crate) fn worker_with(pages: &[Page]) -> Doubles {
    let store = MemoryPages::default();
    store_pages(&store, pages);
    worker(store)
}

/// A clock on which every look costs a millisecond, with so many looks before the deadline's margin.
pub(crate) fn looks(count: i64) -> Clock<impl Fn() -> i64> {
    let time = Cell::new(NOW + 1000);
    let now = move || {
        time.set(time.get() + 1);
        time.get()
    };
    Clock::new(now, NOW + 1000 + count * 4 / 3 + 1)
}

pub(crate) fn endless() -> Clock<impl Fn() -> i64> {
    Clock::new(|| NOW + 1000, NOW + 900_000)
}

pub(crate) fn step<P: PageStore>(
    worker: &Doubles<P>,
    export: &Export,
    clock: &Clock<impl Fn() -> i64>,
) -> Result<StepStatus, StepError> {
    run(worker.step("demo", &export.export_id, clock))
}
