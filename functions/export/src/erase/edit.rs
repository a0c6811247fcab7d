//! Pages → the same pages without what is erased.

use relay::avro::{DecodeError, Head};
use relay::erase::Pass;
use relay::fault::{Fault, FaultKind};
use relay::page::{PageDay, StoredPage, Unpacker, without};
use relay::port::{PageEdit, PageEdits, PageStore, SortRange};

/// How often a page that keeps changing under the change is read again.
const TRIES: usize = 4;

/// Changes pages of one partition after the other.
pub(super) struct Editor<'a, P, E> {
    pub(super) pages: &'a P,
    /// Whether an activity is to be taken out.
    pub(super) is_erased: E,
    pub(super) unpacker: Unpacker,
}

impl<P: PageStore + PageEdits, E: Fn(&Head<'_>, &[u8]) -> Result<bool, DecodeError>> Editor<'_, P, E> {
    /// Takes out of these pages what is erased, and counts it.
    pub(super) async fn edit(&mut self, day: &PageDay, pages: Vec<StoredPage>, pass: &mut Pass) -> Result<(), Fault> {
        pass.pages += pages.len() as u64;
        let mut pages = pages;
        for _ in 0..TRIES {
            let edits: Vec<(PageEdit, u64)> =
                pages.into_iter().filter_map(|page| self.change(day, page, pass)).collect();
            if edits.is_empty() {
                return Ok(());
            }
            pages = self.carry_out(edits, pass).await?;
            if pages.is_empty() {
                return Ok(());
            }
        }
        let detail = format!("a page of {} was changed by others {TRIES} times in a row", day.pk());
        Err(Fault::new(FaultKind::Throttled, "pages:Edit", detail))
    }

    /// What is to be done to a page; nothing where none of it is erased, or where it cannot be read.
    fn change(&mut self, day: &PageDay, page: StoredPage, pass: &mut Pass) -> Option<(PageEdit, u64)> {
        match without(&page, &mut self.unpacker, &self.is_erased) {
            Ok(rewrite) => {
                let rewrite = rewrite?;
                Some((PageEdit { day: day.clone(), was: page, becomes: rewrite.left }, rewrite.taken_out))
            }
            Err(error) => {
                tracing::error!(%error, pk = day.pk(), sk = page.sk, "a page cannot be read, so nothing is taken out of it");
                pass.unreadable += 1;
                None
            }
        }
    }

    /// Carries changes out; answers the pages that were not as they had been read, as they are now.
    async fn carry_out(&self, edits: Vec<(PageEdit, u64)>, pass: &mut Pass) -> Result<Vec<StoredPage>, Fault> {
        let (edits, taken_out): (Vec<PageEdit>, Vec<u64>) = edits.into_iter().unzip();
        let results = self.pages.edit(&edits).await;
        let mut changed = Vec::new();
        for ((edit, rows), result) in edits.iter().zip(taken_out).zip(results) {
            if result? {
                pass.changed += 1;
                pass.rows += rows;
            } else {
                changed.extend(self.read_again(edit).await?);
            }
        }
        Ok(changed)
    }

    async fn read_again(&self, edit: &PageEdit) -> Result<Option<StoredPage>, Fault> {
        // `!` follows no sort key of a page and stands before every digit.
        let (from, to) = (&edit.was.sk, format!("{}!", edit.was.sk));
        let range = SortRange { from, to: &to, after: None };
        Ok(self.pages.list(&edit.day, range, Some(1)).await?.pages.pop())
    }
}
