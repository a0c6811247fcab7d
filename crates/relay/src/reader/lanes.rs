//! The pages of a day from all shards: fetched ahead, a few calls at a time, and no more held than there is room for.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Selection;
use crate::fault::Fault;
use crate::page::{PageDay, StoredPage};
use crate::port::{PageListing, PageStore, SortRange};

/// Calls on their way at the same time. Each may hold what one call of the service brings (DynamoDB `Query`: 1 MiB), and four bring more than one
/// core unpacks.
const CALLS_AT_ONCE: usize = 4;

/// The most bytes that one call brings where nothing limits it (DynamoDB `Query`: 1 MiB).
const FULL_CALL_BYTES: usize = 1024 * 1024;

/// How large a page is taken to be before one was seen: between a lone activity's and one of a busy minute (storage.md).
const EXPECTED_PAGE_BYTES: usize = 4 * 1024;

/// One lane a shard.
pub(super) struct Lanes<'s, S> {
    store: &'s S,
    lanes: Vec<Lane<'s>>,
}

/// The pages of one day and shard, as far as they are fetched.
pub(super) struct Lane<'s> {
    day: PageDay,
    from: String,
    to: String,
    /// The sort key to go on behind.
    after: Option<String>,
    pages: VecDeque<StoredPage>,
    /// The bytes of these pages.
    held: usize,
    /// The most bytes of pages to hold; a page of the minute being merged is taken beyond it, since it does not stay.
    room: usize,
    /// The minute of the next page when that is known, but had no room.
    ahead: Option<String>,
    is_done: bool,
    call: Option<Call<'s>>,
    /// The mean size of the pages last listed.
    page_bytes: usize,
}

struct Call<'s> {
    answer: Pin<Box<dyn Future<Output = Result<PageListing, Fault>> + Send + 's>>,
    /// Whether nobody waits for it yet. It may lie for long before it is looked at again, so its failure says little: it is asked again.
    is_early: bool,
}

fn minute_of(page: &StoredPage) -> &str {
    page.sk.get(..4).unwrap_or(&page.sk)
}

impl<'s> Lane<'s> {
    /// Which shard.
    pub(super) const fn shard(&self) -> u32 {
        self.day.shard
    }

    /// The minute of the next page, as far as it is known.
    fn minute(&self) -> Option<&str> {
        self.pages.front().map(minute_of).or(self.ahead.as_deref())
    }

    /// The next page, if it is one of this minute.
    pub(super) fn pop(&mut self, minute: &str) -> Option<StoredPage> {
        let page = self.pages.pop_front_if(|page| minute_of(page) == minute)?;
        self.held -= page.body.len();
        Some(page)
    }

    /// Whether it is known what comes next.
    fn is_settled(&self) -> bool {
        self.is_done || self.minute().is_some()
    }

    fn wants(&self, due: Option<&str>) -> bool {
        let is_waiting = self.ahead.is_some() && self.ahead.as_deref() != due;
        !self.is_done && self.call.is_none() && !is_waiting && self.held <= self.room / 2
    }

    fn start<S: PageStore>(&mut self, store: &'s S) {
        let (day, from, to, after) = (self.day.clone(), self.from.clone(), self.to.clone(), self.after.clone());
        let half = self.room / 2;
        let limit = (half < FULL_CALL_BYTES).then(|| (half / self.page_bytes).max(1));
        let answer = Box::pin(async move {
            let range = SortRange { from: &from, to: &to, after: after.as_deref() };
            store.list(&day, range, limit).await
        });
        self.call = Some(Call { answer, is_early: false });
    }

    /// Whether an answer has arrived.
    fn poll(&mut self, context: &mut Context<'_>, due: Option<&str>) -> Result<bool, Fault> {
        let Some(call) = &mut self.call else { return Ok(false) };
        let Poll::Ready(answer) = call.answer.as_mut().poll(context) else { return Ok(false) };
        let is_early = call.is_early;
        self.call = None;
        match answer {
            Ok(listing) => self.take(listing, due),
            Err(_) if is_early => {}
            Err(fault) => return Err(fault),
        }
        Ok(true)
    }

    /// Keeps what there is room for; the rest is listed again later.
    fn take(&mut self, listing: PageListing, due: Option<&str>) {
        let bytes: usize = listing.pages.iter().map(|page| page.body.len()).sum();
        self.page_bytes = bytes.checked_div(listing.pages.len()).unwrap_or(self.page_bytes).max(1);
        self.ahead = None;
        for page in listing.pages {
            let is_due = due == Some(minute_of(&page));
            if !is_due && self.held + page.body.len() > self.room {
                match self.pages.back() {
                    Some(last) => self.after = Some(last.sk.clone()),
                    None => self.ahead = Some(minute_of(&page).to_owned()),
                }
                return;
            }
            self.held += page.body.len();
            self.pages.push_back(page);
        }
        self.is_done = listing.next.is_none();
        self.after = listing.next;
    }
}

impl<'s, S> Lanes<'s, S> {
    /// No lane: nothing comes.
    pub(super) const fn none(store: &'s S) -> Self {
        Self { store, lanes: Vec::new() }
    }

    /// Every shard of a day, at the selection's first minute in it, with room for so many bytes of pages in all.
    pub(super) fn open(store: &'s S, selection: &Selection, day: i64, room: usize) -> Self {
        let (from, to) = selection.minutes_of(day);
        let shards = selection.shards.max(1);
        let room = room / usize::try_from(shards).unwrap_or(usize::MAX);
        let lane = |shard| Lane {
            day: selection.day(day, shard),
            from: from.clone(),
            to: to.clone(),
            after: None,
            pages: VecDeque::new(),
            held: 0,
            room,
            ahead: None,
            is_done: false,
            call: None,
            page_bytes: EXPECTED_PAGE_BYTES,
        };
        Self { store, lanes: (0..shards).map(lane).collect() }
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Lane<'s>> {
        self.lanes.iter_mut()
    }

    /// Whether no lane can hold a page of this minute any more; it is the least there is.
    pub(super) fn are_past(&self, minute: &str) -> bool {
        self.lanes.iter().all(|lane| lane.is_settled() && lane.minute() != Some(minute))
    }
}

impl<S: PageStore> Lanes<'_, S> {
    /// The least minute that holds a page; `None` at the day's end.
    pub(super) async fn first_minute(&mut self) -> Result<Option<String>, Fault> {
        while !self.lanes.iter().all(Lane::is_settled) {
            self.arrival(None).await?;
        }
        Ok(self.lanes.iter().filter_map(Lane::minute).min().map(str::to_owned))
    }

    /// Whether any lane holds a page.
    pub(super) async fn is_any_page(&mut self) -> Result<bool, Fault> {
        loop {
            if self.lanes.iter().any(|lane| lane.minute().is_some()) {
                return Ok(true);
            }
            if self.lanes.iter().all(Lane::is_settled) {
                return Ok(false);
            }
            self.arrival(None).await?;
        }
    }

    /// Waits until a call is answered; what comes after it is then on its way.
    pub(super) async fn arrival(&mut self, due: Option<&str>) -> Result<(), Fault> {
        poll_fn(|context| {
            self.start(due);
            match self.poll(context, due) {
                Ok(true) => Poll::Ready(Ok(())),
                Ok(false) => Poll::Pending,
                Err(fault) => Poll::Ready(Err(fault)),
            }
        })
        .await?;
        self.look_ahead(due).await;
        Ok(())
    }

    /// Starts what there is room for, and lets the runtime have a turn: it sends these calls, and whatever else the caller has on its way.
    pub(super) async fn look_ahead(&mut self, due: Option<&str>) {
        self.start(due);
        for call in self.lanes.iter_mut().filter_map(|lane| lane.call.as_mut()) {
            call.is_early = true;
        }
        let mut had_turn = false;
        poll_fn(|context| {
            let is_polled = self.poll(context, due);
            debug_assert!(is_polled.is_ok(), "every call is early");
            if had_turn {
                return Poll::Ready(());
            }
            had_turn = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Starts calls, lanes that hold nothing first.
    fn start(&mut self, due: Option<&str>) {
        let on_their_way = self.lanes.iter().filter(|lane| lane.call.is_some()).count();
        let mut free = CALLS_AT_ONCE.saturating_sub(on_their_way);
        for is_needy in [true, false] {
            let wanting = self.lanes.iter_mut().filter(|lane| lane.pages.is_empty() == is_needy && lane.wants(due));
            for lane in wanting.take(free) {
                lane.start(self.store);
                free -= 1;
            }
        }
    }

    /// Whether an answer has arrived.
    fn poll(&mut self, context: &mut Context<'_>, due: Option<&str>) -> Result<bool, Fault> {
        let mut has_arrived = false;
        for lane in &mut self.lanes {
            has_arrived |= lane.poll(context, due)?;
        }
        Ok(has_arrived)
    }
}
